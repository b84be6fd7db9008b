// SPDX-License-Identifier: Apache-2.0
#include "watch/audited.h"

#include <errno.h>

#include "base/time.h"
#include "json/read.h"

struct audited {
    struct json_reader *reader;
    struct audited_stream stream; // of the last document
};

int audited_new(struct audited **ret) {
    AUTO(audited) struct audited *a = mem_new(sizeof *a);
    if (!a) return -ENOMEM;
    int e = json_reader_new(&a->reader);
    if (e) return e;
    *ret = TAKE(a);
    return 0;
}

struct audited *audited_free(struct audited *a) {
    if (!a) return NULL;
    json_reader_free(a->reader);
    free(a);
    return NULL;
}

static struct audited_stream stream_of(const struct json *document) {
    const struct json *stream = json_get(document, "data_stream");
    struct audited_stream s = {json_str(json_get(stream, "dataset")),
                               json_str(json_get(stream, "namespace"))};
    if (s.dataset.n == 0) s.dataset = STR("gatehouse.gate");
    if (s.name_space.n == 0) s.name_space = STR("default");
    return s;
}

struct audited_stream audited_stream(const struct audited *a) {
    return a->stream;
}

int audited_facts(struct audited *a, struct str document, struct ecs_facts *ret,
                  struct fault *fault) {
    const struct json *v = NULL;
    int e = json_read(a->reader, document, &v, fault);
    if (e) return e < 0 ? e : AUDITED_E_FOREIGN;
    const struct json *event = json_get(v, "event");
    const struct json *user = json_get(v, "user");
    struct ecs_facts facts = {
        .uuid = json_str(json_get(event, "id")),
        .published = json_str(json_get(v, "@timestamp")),
        .event_type = json_str(json_get(event, "action")),
        .outcome = json_str(json_get(event, "outcome")),
        .actor = json_str(json_get(user, "name")),
    };
    if (facts.uuid.n == 0) return fault_set(fault, AUDITED_E_FOREIGN, "it has no event.id");
    if (!facts.actor.p) facts.actor = json_str(json_get(user, "id"));
    facts.has_published = time_parse_iso8601(facts.published, &facts.published_ms);
    a->stream = stream_of(v);
    *ret = facts;
    return 0;
}
