// SPDX-License-Identifier: Apache-2.0
// The document, as a table: which object opens, which member comes from which slot, and a function
// for the few members that are not copies. Commas stand behind every value, so that no writer has
// to know what came before it.
#include "ecs/geo.h"
#include "ecs/mapper-internal.h"
#include "ecs/useragent.h"

#include "base/parse.h"
#include "base/time.h"
#include "json/write.h"

enum what {
    OP_OPEN,  // an object
    OP_CLOSE, // and its end
    OP_VALUE, // a scalar or plain list, as Okta wrote it
    OP_TEXT,  // the same, numbers and booleans as text: for keyword fields of ECS
    OP_ANY,   // any value
    OP_RAW,   // text that stands in every document
    OP_CALL,
};

struct op {
    enum what what;
    enum ecs_slot slot;
    struct str name; // with quotes and colon
    void (*call)(struct ecs_copy *c);
};

#define NAME(name)                                                                                 \
    { "\"" name "\":", sizeof(name) + 2 }
#define OPEN(name)                                                                                 \
    { OP_OPEN, SLOT_NONE, NAME(name), NULL }
// An object all of whose members come from that slot or below it: passed over without it.
#define OPEN_IF(name, slot)                                                                        \
    { OP_OPEN, SLOT_##slot, NAME(name), NULL }
#define CLOSE                                                                                      \
    { OP_CLOSE, SLOT_NONE, {NULL, 0}, NULL }
#define VALUE(name, slot)                                                                          \
    { OP_VALUE, SLOT_##slot, NAME(name), NULL }
#define TEXT(name, slot)                                                                           \
    { OP_TEXT, SLOT_##slot, NAME(name), NULL }
#define ANY(name, slot)                                                                            \
    { OP_ANY, SLOT_##slot, NAME(name), NULL }
#define CALL(function)                                                                             \
    { OP_CALL, SLOT_NONE, {NULL, 0}, function }
#define RAW(text)                                                                                  \
    { OP_RAW, SLOT_NONE, {text, sizeof(text) - 1}, NULL }

enum { NESTING_MAX = 6 };

static void write_op(struct ecs_copy *c, const struct op *op) {
    const struct json *v = op->slot == SLOT_NONE ? NULL : c->mapper->event.slot[op->slot];
    if (op->what == OP_CALL) op->call(c);
    else if (op->what == OP_RAW) buf_add_str(c->out, op->name);
    else if (!v) return;
    else if (json_type(v) == JSON_STRING) json_add_member(c->out, op->name, json_str(v));
    else if (op->what == OP_TEXT && ecs_text(v).n) json_add_member(c->out, op->name, ecs_text(v));
    else if (op->what == OP_ANY || ecs_text(v).n || ecs_is_plain_list(v))
        ecs_copy_named(c, op->name, v);
}

// The CLOSE that belongs to an OPEN.
static const struct op *end_of(const struct op *open) {
    const struct op *op = open;
    for (size_t depth = 1; depth > 0;) {
        op++;
        if (op->what == OP_OPEN) depth++;
        if (op->what == OP_CLOSE) depth--;
    }
    return op;
}

static void write_ops(struct ecs_copy *c, const struct op *ops, size_t n) {
    struct ecs_mark open[NESTING_MAX];
    size_t depth = 0;
    for (const struct op *op = ops; op < ops + n; op++) {
        if (op->what == OP_OPEN && op->slot != SLOT_NONE && !c->mapper->event.slot[op->slot])
            op = end_of(op);
        else if (op->what == OP_OPEN) open[depth++] = ecs_open(c->out, op->name, '{');
        else if (op->what == OP_CLOSE) ecs_close(c->out, open[--depth], '}');
        else write_op(c, op);
    }
}

// Is it written as Okta does and as the document wants it: 2031-05-06T07:08:09.123Z?
static bool is_usual_time(struct str s) {
    return s.n == 24 && s.p[10] == 'T' && s.p[19] == '.' && s.p[23] == 'Z';
}

static void write_timestamp(struct ecs_copy *c) {
    const struct ecs_mapper *m = c->mapper;
    char text[TIME_RFC3339_MAX];
    if (!m->facts.has_published && m->fetched_ms == 0) return;
    if (m->facts.has_published && is_usual_time(m->facts.published)) {
        json_add_member(c->out, STR("\"@timestamp\":"), m->facts.published);
        return;
    }
    time_format_rfc3339(m->facts.has_published ? m->facts.published_ms : m->fetched_ms, text);
    json_add_member(c->out, STR("\"@timestamp\":"), str_from(text));
}

static void write_collected(struct ecs_copy *c) {
    if (c->mapper->fetched_ms) buf_add_str(c->out, buf_str(&c->mapper->collected));
}

static void write_host(struct ecs_copy *c) { buf_add_str(c->out, buf_str(&c->mapper->host)); }

// Okta gives a list where there is usually one address: then all of them count, if all are valid.
static void write_addresses(struct ecs_copy *c, struct str name) {
    if (c->mapper->address.n) ecs_copy_named(c, name, c->mapper->event.slot[SLOT_CLIENT_IP]);
}

static void write_ip(struct ecs_copy *c) { write_addresses(c, STR("\"ip\":")); }

static void write_email(struct ecs_copy *c) {
    struct str text = json_str(c->mapper->event.slot[SLOT_ACTOR_ALTERNATE_ID]);
    if (ecs_is_email(text)) json_add_member(c->out, STR("\"email\":"), text);
}

static const struct op person[] = {
    CALL(write_email),
    TEXT("full_name", ACTOR_DISPLAY_NAME),
    TEXT("id", ACTOR_ID),
    TEXT("name", ACTOR_ALTERNATE_ID),
};

// The actor, who stands in the document three times: written once, then copied.
static void write_person(struct ecs_copy *c) {
    struct ecs_mark *known = &c->mapper->person;
    if (!known->behind) {
        known->before = c->out->n;
        write_ops(c, person, LEN(person));
        known->behind = c->out->n;
        return;
    }
    size_t n = known->behind - known->before;
    if (!buf_reserve(c->out, n)) return;
    memcpy(c->out->p + c->out->n, c->out->p + known->before, n);
    c->out->n += n;
    if (n) c->out->p[c->out->n - 1] = ','; // the object that held it has been closed since
}

static void write_created(struct ecs_copy *c) {
    char text[TIME_RFC3339_MAX];
    if (!c->mapper->fetched_ms) return;
    time_format_rfc3339(c->mapper->fetched_ms, text);
    json_add_member(c->out, STR("\"created\":"), str_from(text));
    buf_add_str(c->out, STR("\"dataset\":\"okta.system\",\"module\":\"okta\","));
}

static void write_kinds(struct ecs_copy *c) {
    const struct ecs_type *type = c->mapper->type;
    if (!type) return;
    struct str category = ecs_type_categories[type->category], kinds = ecs_type_kinds[type->kinds];
    if (category.n) buf_add_str(c->out, STR("\"category\":"));
    buf_add_str(c->out, category);
    if (kinds.n) buf_add_str(c->out, STR("\"type\":"));
    buf_add_str(c->out, kinds);
}

static void write_outcome(struct ecs_copy *c) {
    static const struct {
        struct str result, outcome;
    } known[] = {
        {{"SUCCESS", 7}, {"\"outcome\":\"success\",", 20}},
        {{"FAILURE", 7}, {"\"outcome\":\"failure\",", 20}},
        {{"ALLOW", 5}, {"\"outcome\":\"success\",", 20}},
        {{"DENY", 4}, {"\"outcome\":\"failure\",", 20}},
    };
    struct str result = json_str(c->mapper->event.slot[SLOT_OUTCOME_RESULT]);
    for (size_t i = 0; i < LEN(known); i++) {
        if (!str_eq_nocase(result, known[i].result)) continue;
        buf_add_str(c->out, known[i].outcome);
        return;
    }
    buf_add_str(c->out, STR("\"outcome\":\"unknown\","));
}

static void write_original(struct ecs_copy *c) {
    if (!c->mapper->keep_original) return;
    buf_add_str(c->out, STR("\"original\":"));
    json_add_text(c->out, c->mapper->original);
    buf_addc(c->out, ',');
}

// An index takes nothing but objects here. What is collected goes into one; `map` says no more than
// Elastic's pipeline would.
static void write_integrator_value(struct ecs_copy *c, const struct json *v) {
    if (ecs_is_of_objects(v) || !c->mapper->fetched_ms) ecs_copy_value(c, v);
    else ecs_copy_wrapped(c, STR("\"text\":"), v);
}

static void write_integrator(struct ecs_copy *c, const struct json *v) {
    const struct json *inner = v;
    unsigned flags = c->flags;
    if (json_type(v) == JSON_STRING) {
        struct fault ignored;
        int e = json_read(c->mapper->inner_reader, json_str(v), &inner, &ignored);
        if (e < 0) c->error = e;
        if (e == 0) c->flags |= COPY_INNER;
    }
    write_integrator_value(c, inner);
    c->flags = flags;
}

static const struct ecs_rename device_rows[] = {
    RENAME("device_integrator", "device_integrator", write_integrator),
};
static const struct ecs_renames device_renames = {device_rows, LEN(device_rows),
                                                  NAME_LENGTH("device_integrator")};

static void write_device(struct ecs_copy *c) {
    struct ecs_mark mark = ecs_open(c->out, STR("\"device\":"), '{');
    ecs_copy_members(c, c->mapper->event.slot[SLOT_DEVICE], &device_renames);
    ecs_close(c->out, mark, '}');
}

// The number of an autonomous system has 32 bits. An index would refuse a document for more.
static void write_source_number(struct ecs_copy *c) {
    const struct json *v = c->mapper->event.slot[SLOT_AS_NUMBER];
    double number = 0;
    if (parse_double(ecs_text(v), &number) && number >= 0 && number <= UINT32_MAX)
        ecs_copy_named(c, STR("\"number\":"), v);
}

static const struct op okta_network[] = {
    CALL(write_source_number),
    OPEN("organization"),
    TEXT("name", AS_ORG),
    CLOSE,
};

static void write_source_network(struct ecs_copy *c) {
    const struct ecs_mapper *m = c->mapper;
    if (m->geo && m->address.n && ecs_geo_write_network(m->geo, m->address, c->out)) return;
    struct ecs_mark mark = ecs_open(c->out, STR("\"as\":"), '{');
    write_ops(c, okta_network, LEN(okta_network));
    ecs_close(c->out, mark, '}');
}

static const struct op okta_place[] = {
    TEXT("city_name", GEO_CITY),
    TEXT("country_name", GEO_COUNTRY),
    TEXT("region_name", GEO_STATE),
};

static void write_source_place(struct ecs_copy *c) {
    const struct ecs_mapper *m = c->mapper;
    if (m->geo && m->address.n && ecs_geo_write_place(m->geo, m->address, c->out)) return;
    const struct json *location = m->event.slot[SLOT_GEO_LOCATION];
    struct ecs_mark mark = ecs_open(c->out, STR("\"geo\":"), '{');
    write_ops(c, okta_place, LEN(okta_place));
    // Half a point is no point: an index would refuse the document.
    if (json_number(json_get(location, "lat")).n && json_number(json_get(location, "lon")).n)
        ecs_copy_named(c, STR("\"location\":"), location);
    ecs_close(c->out, mark, '}');
}

static void add_distinct(struct ecs_copy *c, struct str *texts, size_t *count, struct str text) {
    if (!text.n) return;
    for (size_t i = 0; i < *count; i++)
        if (str_eq(texts[i], text)) return;
    texts[(*count)++] = text;
    json_add_member(c->out, STR_NONE, text);
}

// Scalars of `v`, which is one or a plain list of them.
static void add_all(struct ecs_copy *c, struct str *texts, size_t *count, size_t max,
                    const struct json *v) {
    add_distinct(c, texts, count, ecs_text(v));
    if (!ecs_is_plain_list(v)) return;
    struct json_iter it = json_iter(v);
    while (*count < max && json_next(&it)) add_distinct(c, texts, count, ecs_text(it.value));
}

enum { RELATED_MAX = 64 };

static void write_related(struct ecs_copy *c) {
    const struct ecs_mapper *m = c->mapper;
    struct str texts[RELATED_MAX];
    size_t count = 0;
    struct ecs_mark related = ecs_open(c->out, STR("\"related\":"), '{');
    struct ecs_mark mark = ecs_open(c->out, STR("\"ip\":"), '[');
    if (m->address.n) add_all(c, texts, &count, RELATED_MAX, m->event.slot[SLOT_CLIENT_IP]);
    ecs_close(c->out, mark, ']');
    mark = ecs_open(c->out, STR("\"user\":"), '[');
    count = 0;
    add_all(c, texts, &count, RELATED_MAX - 2, m->event.slot[SLOT_ACTOR_DISPLAY_NAME]);
    add_distinct(c, texts, &count, ecs_text(json_get(m->user, "displayName")));
    add_all(c, texts, &count, RELATED_MAX, m->event.slot[SLOT_ACTOR_ALTERNATE_ID]);
    ecs_close(c->out, mark, ']');
    ecs_close(c->out, related, '}');
}

static void write_tags(struct ecs_copy *c) {
    const struct ecs_mapper *m = c->mapper;
    const struct ecs_type *type = m->event_type_tags ? m->type : NULL;
    struct ecs_mark mark = ecs_open(c->out, STR("\"tags\":"), '[');
    buf_add_str(c->out, buf_str(&m->tags));
    for (size_t i = 0; type && i < type->label_count; i++) {
        uint8_t label = ecs_type_labels[type->labels_at + i];
        if (!m->label_is_tag[label]) json_add_member(c->out, STR_NONE, ecs_labels[label]);
    }
    ecs_close(c->out, mark, ']');
}

static void write_user_target(struct ecs_copy *c) {
    if (!c->mapper->user && !c->mapper->group) return;
    struct ecs_mark mark = ecs_open(c->out, STR("\"target\":"), '{');
    ecs_user_target_write(c);
    ecs_close(c->out, mark, '}');
}

static void write_user_agent(struct ecs_copy *c) {
    struct str text = ecs_text(c->mapper->event.slot[SLOT_AGENT_RAW]);
    if (!text.n) return;
    struct ecs_mark mark = ecs_open(c->out, STR("\"user_agent\":"), '{');
    json_add_member(c->out, STR("\"original\":"), text);
    int e = c->mapper->useragents ? ecs_useragents_write(c->mapper->useragents, text, c->out) : 0;
    if (e) c->error = e;
    ecs_close(c->out, mark, '}');
}

static void write_error(struct ecs_copy *c) {
    if (!c->mapper->debug.bad_tunnels) return;
    buf_add_str(c->out,
                STR("\"error\":{\"message\":[\"debugContext.debugData.tunnels is not a text "
                    "that holds JSON\"]},"));
}

static const struct op document[] = {
    CALL(write_timestamp),
    CALL(write_collected),
    OPEN("client"),
    OPEN_IF("as", AS_ORG),
    OPEN("organization"),
    TEXT("name", AS_ORG),
    CLOSE,
    CLOSE,
    TEXT("domain", DOMAIN),
    OPEN_IF("geo", GEO),
    VALUE("city_name", GEO_CITY),
    VALUE("country_name", GEO_COUNTRY),
    ANY("location", GEO_LOCATION),
    VALUE("region_name", GEO_STATE),
    CLOSE,
    CALL(write_ip),
    OPEN("user"),
    CALL(write_person),
    CLOSE,
    CLOSE,
    RAW("\"ecs\":{\"version\":\"8.11.0\"},"),
    OPEN("event"),
    TEXT("action", EVENT_TYPE),
    CALL(write_created),
    TEXT("id", UUID),
    RAW("\"kind\":\"event\","),
    CALL(write_kinds),
    CALL(write_outcome),
    CALL(write_original),
    CLOSE,
    CALL(write_host),
    OPEN("okta"),
    OPEN_IF("actor", ACTOR),
    VALUE("alternate_id", ACTOR_ALTERNATE_ID),
    VALUE("display_name", ACTOR_DISPLAY_NAME),
    VALUE("id", ACTOR_ID),
    VALUE("type", ACTOR_TYPE),
    CLOSE,
    OPEN_IF("authentication_context", AUTH),
    VALUE("authentication_provider", AUTH_PROVIDER),
    VALUE("authentication_step", AUTH_STEP),
    VALUE("credential_provider", AUTH_CREDENTIAL_PROVIDER),
    VALUE("credential_type", AUTH_CREDENTIAL_TYPE),
    VALUE("external_session_id", AUTH_EXTERNAL_SESSION),
    VALUE("interface", AUTH_INTERFACE),
    ANY("issuer", AUTH_ISSUER),
    VALUE("root_session_id", AUTH_ROOT_SESSION),
    CLOSE,
    OPEN_IF("client", CLIENT),
    VALUE("device", CLIENT_DEVICE),
    VALUE("id", CLIENT_ID),
    CALL(write_ip),
    OPEN_IF("user_agent", AGENT),
    VALUE("browser", AGENT_BROWSER),
    VALUE("os", AGENT_OS),
    VALUE("raw_user_agent", AGENT_RAW),
    CLOSE,
    VALUE("zone", CLIENT_ZONE),
    CLOSE,
    CALL(ecs_debug_write),
    CALL(write_device),
    VALUE("display_message", DISPLAY_MESSAGE),
    VALUE("event_type", EVENT_TYPE),
    OPEN_IF("outcome", OUTCOME),
    VALUE("reason", OUTCOME_REASON),
    VALUE("result", OUTCOME_RESULT),
    CLOSE,
    OPEN_IF("request", IP_CHAIN),
    CALL(ecs_ip_chain_write),
    CLOSE,
    OPEN_IF("security_context", SECURITY),
    OPEN("as"),
    VALUE("number", AS_NUMBER),
    OPEN("organization"),
    VALUE("name", AS_ORG),
    CLOSE,
    CLOSE,
    VALUE("domain", DOMAIN),
    VALUE("is_proxy", IS_PROXY),
    VALUE("isp", ISP),
    CLOSE,
    VALUE("severity", SEVERITY),
    CALL(ecs_targets_write),
    OPEN_IF("transaction", TRANSACTION),
    OPEN_IF("detail", DETAIL),
    VALUE("request_api_token_id", DETAIL_REQUEST_TOKEN),
    VALUE("root_api_token_id", DETAIL_ROOT_TOKEN),
    CLOSE,
    VALUE("id", TRANSACTION_ID),
    VALUE("type", TRANSACTION_TYPE),
    CLOSE,
    VALUE("uuid", UUID),
    VALUE("version", VERSION),
    CLOSE,
    CALL(write_related),
    OPEN("source"),
    CALL(write_source_network),
    TEXT("domain", DOMAIN),
    CALL(write_source_place),
    CALL(write_ip),
    OPEN("user"),
    CALL(write_person),
    CLOSE,
    CLOSE,
    CALL(write_tags),
    OPEN("user"),
    CALL(write_person),
    CALL(write_user_target),
    CLOSE,
    CALL(write_user_agent),
    CALL(write_error),
};

void ecs_document_write(struct ecs_copy *c) {
    struct ecs_mark mark = ecs_open(c->out, STR_NONE, '{');
    write_ops(c, document, LEN(document));
    if (!ecs_close(c->out, mark, '}')) return;
    buf_cut(c->out, c->out->n - 1); // the comma behind it
}
