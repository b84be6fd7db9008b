// SPDX-License-Identifier: Apache-2.0
// Any bytes as an event. The first byte chooses the settings; the rest is the event. A document is
// always JSON, the same event always gives the same document, and a refusal leaves nothing behind.
#include "base/buf.h"
#include "ecs/map.h"
#include "json/read.h"

#include "fuzz.h"

enum { DOCUMENT_MAX_BYTES = 64 << 20 };

static struct ecs_mapper *make_mapper(uint8_t settings) {
    static const char *const tags[] = {"forwarded", "okta-system", "preserve_original_event"};
    struct ecs_opts opts = {
        .tags = tags,
        .tag_count = settings & 1 ? 3 : 2,
        .preserve_original_event = settings & 2,
        .remove_flattened_debug = settings & 4,
        .event_type_tags = settings & 8,
        .okta_url = settings & 16 ? "https://acme.okta.com/api/v1/logs" : NULL,
        .agent_name = "host",
        .agent_version = "0",
        .data_stream_namespace = "default",
    };
    struct ecs_mapper *m = NULL;
    MUST(ecs_mapper_new(&m, &opts) == 0);
    return m;
}

static void check_document(struct str document) {
    AUTO(json_reader) struct json_reader *r = NULL;
    MUST(json_reader_new(&r) == 0);
    const struct json *value = NULL;
    struct fault fault;
    MUST(json_read(r, document, &value, &fault) == 0);
    MUST(json_type(value) == JSON_OBJECT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    AUTO(ecs_mapper) struct ecs_mapper *m = make_mapper(data[0]);
    struct str event = {(const char *)data + 1, size - 1};
    int64_t fetched_ms = data[0] & 32 ? 1795341600000 : 0;
    AUTO_FINI(buf) struct buf out = buf_make(DOCUMENT_MAX_BYTES);
    AUTO_FINI(buf) struct buf again = buf_make(DOCUMENT_MAX_BYTES);
    buf_addc(&out, '\n');
    buf_addc(&again, '\n');

    struct ecs_facts facts = {0};
    struct fault fault = {0};
    int e = ecs_map(m, event, fetched_ms, &out, &facts, &fault);
    MUST(e == 0 || e == ECS_E_UNMAPPABLE || e == ECS_E_NOT_JSON);
    if (e) {
        MUST(fault.text[0] && out.n == 1 && !out.error);
        return 0;
    }
    check_document(str_sub(buf_str(&out), 1, out.n));
    MUST(fetched_ms == 0 || facts.uuid.n > 0);
    MUST(ecs_map(m, event, fetched_ms, &again, &facts, &fault) == 0);
    MUST(str_eq(buf_str(&out), buf_str(&again)));
    return 0;
}
