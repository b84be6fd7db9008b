// SPDX-License-Identifier: Apache-2.0
// An event is read and taken apart into slots; then its documents are written: the ECS one after a
// look at where one member decides about another, the raw one by raw.c.
#include "ecs/map.h"

#include <errno.h>

#include "base/time.h"
#include "ecs/mapper-internal.h"
#include "json/write.h"

enum { PREFIX_MAX = 1 << 20 };

static const char preserve_tag[] = "preserve_original_event";

struct ecs_mapper *ecs_mapper_free(struct ecs_mapper *m) {
    if (!m) return NULL;
    json_reader_free(m->reader);
    json_reader_free(m->log_only_reader);
    json_reader_free(m->inner_reader);
    buf_fini(&m->tags);
    buf_fini(&m->host);
    buf_fini(&m->collected);
    buf_fini(&m->raw_end);
    buf_fini(&m->message);
    ecs_gojson_fini(&m->gojson);
    free(m);
    return NULL;
}

static bool is_tag_before(const struct ecs_opts *opts, size_t end, const char *tag) {
    for (size_t i = 0; i < end; i++)
        if (strcmp(opts->tags[i], tag) == 0) return true;
    return false;
}

static void take_tag(struct ecs_mapper *m, const char *tag) {
    if (tag[0] == '\0') return;
    json_add_text(&m->tags, str_from(tag));
    buf_addc(&m->tags, ',');
    for (size_t i = 0; i < ecs_label_count; i++)
        if (str_eqz(ecs_labels[i], tag)) m->label_is_tag[i] = true;
}

static void take_tags(struct ecs_mapper *m, const struct ecs_opts *opts) {
    bool has_tag = is_tag_before(opts, opts->tag_count, preserve_tag);
    m->keep_original = opts->preserve_original_event || has_tag;
    if (m->keep_original && !has_tag) take_tag(m, preserve_tag);
    for (size_t i = 0; i < opts->tag_count; i++)
        if (!is_tag_before(opts, i, opts->tags[i])) take_tag(m, opts->tags[i]);
}

// The host of a URL: without user, port and brackets.
static struct str host_of(struct str url) {
    size_t scheme = str_find(url, STR("://"));
    if (scheme < url.n) url = str_sub(url, scheme + 3, url.n);
    for (const char *end = "/?#"; *end; end++) url = str_sub(url, 0, str_find_char(url, *end));
    size_t user = str_find_char(url, '@');
    if (user < url.n) url = str_sub(url, user + 1, url.n);
    if (url.n && url.p[0] == '[') return str_sub(url, 1, str_find_char(url, ']'));
    return str_sub(url, 0, str_find_char(url, ':'));
}

static void add_text(struct buf *out, const char *before, struct str text) {
    if (!text.n) return;
    buf_addz(out, before);
    json_add_text(out, text);
    buf_addc(out, ',');
}

static void take_host(struct ecs_mapper *m, const char *url) {
    struct ecs_mark mark = ecs_open(&m->host, STR("\"host\":"), '{');
    add_text(&m->host, "\"name\":", host_of(str_from(url)));
    ecs_close(&m->host, mark, '}');
}

static void take_collected(struct ecs_mapper *m, const struct ecs_opts *opts) {
    struct buf *out = &m->collected;
    struct ecs_mark mark = ecs_open(out, STR("\"agent\":"), '{');
    add_text(out, "\"name\":", str_from(opts->agent_name));
    add_text(out, "\"type\":", STR("gatehouse"));
    add_text(out, "\"version\":", str_from(opts->agent_version));
    ecs_close(out, mark, '}');
    mark = ecs_open(out, STR("\"data_stream\":"), '{');
    add_text(out, "\"dataset\":", STR("okta.system"));
    const char *name_space = opts->data_stream_namespace;
    add_text(out, "\"namespace\":", name_space ? str_from(name_space) : STR("default"));
    add_text(out, "\"type\":", STR("logs"));
    ecs_close(out, mark, '}');
}

static int make_readers(struct ecs_mapper *m) {
    int e = json_reader_new(&m->reader);
    if (!e) e = json_reader_new(&m->log_only_reader);
    if (!e) e = json_reader_new(&m->inner_reader);
    return e;
}

int ecs_mapper_new(struct ecs_mapper **ret, const struct ecs_opts *opts) {
    AUTO(ecs_mapper) struct ecs_mapper *m = mem_new(sizeof *m);
    if (!m) return -ENOMEM;
    m->tags = buf_make(PREFIX_MAX);
    m->host = buf_make(PREFIX_MAX);
    m->collected = buf_make(PREFIX_MAX);
    m->raw_end = buf_make(2 * PREFIX_MAX);
    m->message = buf_make(SIZE_MAX / 2);
    m->remove_flattened_debug = opts->remove_flattened_debug;
    m->event_type_tags = opts->event_type_tags;
    m->useragents = opts->useragents;
    m->geo = opts->geo;
    ecs_event_index_init(&m->index);
    take_tags(m, opts);
    take_host(m, opts->okta_url);
    take_collected(m, opts);
    ecs_raw_init(m, opts);
    if (m->tags.error || m->host.error || m->collected.error || m->raw_end.error) return -ENOMEM;
    int e = make_readers(m);
    if (e) return e;
    *ret = TAKE(m);
    return 0;
}

static void find_facts(struct ecs_mapper *m) {
    const struct ecs_event *event = &m->event;
    struct ecs_facts *facts = &m->facts;
    *facts = (struct ecs_facts){
        .uuid = ecs_text(event->slot[SLOT_UUID]),
        .published = ecs_text(event->slot[SLOT_PUBLISHED]),
        .event_type = ecs_text(event->slot[SLOT_EVENT_TYPE]),
        .outcome = ecs_text(event->slot[SLOT_OUTCOME_RESULT]),
        .actor = ecs_text(event->slot[SLOT_ACTOR_ALTERNATE_ID]),
    };
    facts->has_published =
        time_parse_iso8601(json_str(event->slot[SLOT_PUBLISHED]), &facts->published_ms);
}

// The client's address; of a list the first, if every element is an address.
static struct str find_address(const struct json *v) {
    if (json_type(v) != JSON_ARRAY) {
        struct str text = json_str(v);
        return ecs_is_address(text) ? text : STR_NONE;
    }
    struct json_iter it = json_iter(v);
    struct str first = json_str(json_at(v, 0));
    while (json_next(&it))
        if (!ecs_is_address(json_str(it.value))) return STR_NONE;
    return first;
}

static int prepare(struct ecs_mapper *m) {
    struct str event_type = json_str(m->event.slot[SLOT_EVENT_TYPE]);
    m->type = event_type.n ? ecs_type_find(event_type) : NULL;
    m->address = find_address(m->event.slot[SLOT_CLIENT_IP]);
    m->person = (struct ecs_mark){0};
    ecs_targets_prepare(m);
    return ecs_debug_prepare(m);
}

static int write_mapped(struct ecs_mapper *m, struct buf *out, struct fault *fault) {
    struct ecs_copy copy = {.out = out, .mapper = m};
    int e = prepare(m);
    if (e) return e;
    ecs_document_write(&copy);
    if (copy.error != -ELOOP) return copy.error;
    return fault_set(fault, ECS_E_UNMAPPABLE, "nested deeper than %d levels", JSON_WRITE_DEPTH_MAX);
}

int ecs_write(struct ecs_mapper *m, enum ecs_form form, struct buf *out, struct fault *fault) {
    size_t before = out->n;
    int e = form == ECS_FORM_ECS ? write_mapped(m, out, fault)
                                 : ecs_raw_write(m, form == ECS_FORM_RAW_GO, out, fault);
    if (!e) e = out->error;
    if (e) buf_cut(out, before);
    return e;
}

static struct str without_bom(struct str text) {
    static const struct str bom = {"\xEF\xBB\xBF", 3};
    return str_starts(text, bom) ? str_sub(text, bom.n, text.n) : text;
}

int ecs_read(struct ecs_mapper *m, struct str event, int64_t fetched_ms,
             struct ecs_facts *ret_facts, struct fault *fault) {
    m->original = event;
    m->text = without_bom(event);
    int e = json_read(m->reader, m->text, &m->root, fault);
    if (e) return e == JSON_E_SYNTAX ? ECS_E_NOT_JSON : e;
    if (json_type(m->root) != JSON_OBJECT)
        return fault_set(fault, ECS_E_UNMAPPABLE, "the event is not a JSON object");
    m->fetched_ms = fetched_ms;
    ecs_event_read(&m->event, &m->index, m->root);
    find_facts(m);
    if (ret_facts) *ret_facts = m->facts;
    if (fetched_ms && !m->facts.uuid.n)
        return fault_set(fault, ECS_E_UNMAPPABLE, "the event has no uuid");
    return 0;
}

int ecs_map(struct ecs_mapper *m, struct str event, int64_t fetched_ms, struct buf *out,
            struct ecs_facts *ret_facts, struct fault *fault) {
    int e = ecs_read(m, event, fetched_ms, ret_facts, fault);
    return e ? e : ecs_write(m, ECS_FORM_ECS, out, fault);
}
