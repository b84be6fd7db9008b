// SPDX-License-Identifier: Apache-2.0
// What Elastic Agent sends for an event: its text as `message`, and around it what the agent knows.
// Members that never change are written once, when the mapper is made.
#include "base/time.h"
#include "ecs/mapper-internal.h"
#include "json/write.h"

enum { KEEP_BYTES = 1 << 20 }; // of the text of an event, from one to the next

void ecs_raw_init(struct ecs_mapper *m, const struct ecs_opts *opts) {
    struct buf *end = &m->raw_end;
    struct str tags = buf_str(&m->tags);
    if (opts->okta_url && opts->okta_url[0]) {
        buf_addz(end, ",\"okta_url\":");
        json_add_text(end, str_from(opts->okta_url));
    }
    if (tags.n) {
        buf_addz(end, ",\"tags\":[");
        buf_add_str(end, str_sub(tags, 0, tags.n - 1));
        buf_addc(end, ']');
    }
    buf_addc(end, '}');
}

static void add_head(const struct ecs_mapper *m, struct buf *out) {
    char fetched[TIME_RFC3339_MAX] = "";
    buf_addc(out, '{');
    if (m->fetched_ms) {
        time_format_rfc3339(m->fetched_ms, fetched);
        json_add_member(out, STR("\"@timestamp\":"), str_from(fetched));
    }
    if (m->remove_flattened_debug)
        buf_add_str(out, STR("\"_conf\":{\"remove_flattened_debug\":true},"));
    if (!m->fetched_ms) return;
    buf_add_str(out, buf_str(&m->collected));
    json_add_member(out, STR("\"ecs\":{\"version\":\"8.0.0\"},\"event\":{\"created\":"),
                    str_from(fetched));
    buf_add_str(out, STR("\"dataset\":\"okta.system\",\"module\":\"okta\"},"
                         "\"input\":{\"type\":\"httpjson\"},"));
}

static int encode(struct ecs_mapper *m, struct fault *fault) {
    buf_reset(&m->message);
    buf_shrink(&m->message, KEEP_BYTES);
    int e = ecs_gojson_add(&m->gojson, m->root, &m->message, fault);
    if (e == ECS_GOJSON_E_REFUSED) return ECS_E_UNMAPPABLE;
    return e ? e : m->message.error;
}

int ecs_raw_write(struct ecs_mapper *m, bool go, struct buf *out, struct fault *fault) {
    int e = go ? encode(m, fault) : 0;
    if (e) return e;
    add_head(m, out);
    buf_addz(out, "\"message\":");
    if (go) json_add_str(out, buf_str(&m->message));
    else json_add_text(out, m->text);
    buf_add_str(out, buf_str(&m->raw_end));
    return 0;
}
