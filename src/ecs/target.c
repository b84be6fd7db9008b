// SPDX-License-Identifier: Apache-2.0
// The two lists of objects: okta.target and okta.request.ip_chain.
#include "ecs/mapper-internal.h"
#include "json/write.h"

static void write_detail(struct ecs_copy *c, const struct json *v) {
    struct ecs_mark mark = ecs_open(c->out, STR_NONE, '{');
    ecs_copy_named(c, STR("\"methodTypeUsed\":"), json_get(v, "methodTypeUsed"));
    ecs_copy_named(c, STR("\"methodUsedVerifiedProperties\":"),
                   json_get(v, "methodUsedVerifiedProperties"));
    ecs_close(c->out, mark, '}');
}

// A value of changeDetails.from or .to: what is not a string becomes its JSON text.
static void write_change(struct ecs_copy *c, const struct json *v) {
    if (json_type(v) == JSON_STRING) {
        ecs_copy_value(c, v);
        return;
    }
    AUTO_FINI(buf) struct buf text = buf_make(c->out->max);
    struct ecs_copy inner = {.out = &text, .mapper = c->mapper};
    ecs_copy_value(&inner, v);
    if (inner.error) c->error = inner.error;
    else if (text.error) c->out->error = text.error;
    else if (text.n) json_add_member(c->out, STR_NONE, (struct str){text.p, text.n - 1});
}

static void write_changes(struct ecs_copy *c, const struct json *v) {
    if (json_type(v) != JSON_OBJECT) return;
    struct ecs_mark mark = ecs_open(c->out, STR_NONE, '{');
    ecs_copy_each(c, v, write_change);
    ecs_close(c->out, mark, '}');
}

static const struct ecs_rename change_rows[] = {
    RENAME("from", "from", write_changes),
    RENAME("to", "to", write_changes),
};
static const struct ecs_renames change_renames = {change_rows, LEN(change_rows),
                                                  NAME_LENGTH("from") | NAME_LENGTH("to")};

static void write_change_details(struct ecs_copy *c, const struct json *v) {
    if (json_type(v) == JSON_OBJECT) ecs_copy_object(c, v, &change_renames);
}

static const struct ecs_rename target_rows[] = {
    RENAME("alternateId", "alternate_id", NULL),
    RENAME("displayName", "display_name", NULL),
    RENAME("detailEntry", "detailEntry", write_detail),
    RENAME("changeDetails", "changeDetails", write_change_details),
};
static const struct ecs_renames target_renames = {
    target_rows, LEN(target_rows),
    NAME_LENGTH("alternateId") | NAME_LENGTH("alternate_id") | NAME_LENGTH("changeDetails")};

static void write_target(struct ecs_copy *c, const struct json *v) {
    if (json_type(v) == JSON_OBJECT) ecs_copy_object(c, v, &target_renames);
}

static const struct ecs_rename place_rows[] = {RENAME("postalCode", "postal_code", NULL)};
static const struct ecs_renames place_renames = {
    place_rows, LEN(place_rows), NAME_LENGTH("postalCode") | NAME_LENGTH("postal_code")};

static void write_place(struct ecs_copy *c, const struct json *v) {
    if (json_type(v) == JSON_OBJECT) ecs_copy_object(c, v, &place_renames);
    else ecs_copy_value(c, v);
}

static const struct ecs_rename hop_rows[] = {
    RENAME("geographicalContext", "geographical_context", write_place),
};
static const struct ecs_renames hop_renames = {hop_rows, LEN(hop_rows),
                                               NAME_LENGTH("geographicalContext") |
                                                   NAME_LENGTH("geographical_context")};

// As with a device's integrator: an index takes only objects.
static void write_hop(struct ecs_copy *c, const struct json *v) {
    if (json_type(v) == JSON_OBJECT) ecs_copy_object(c, v, &hop_renames);
    else if (!c->mapper->fetched_ms) ecs_copy_value(c, v);
    else ecs_copy_wrapped(c, STR("\"ip\":"), v);
}

// A list of what `write` makes of each element. A single object counts as a list of one.
static void write_list(struct ecs_copy *c, struct str name, const struct json *v,
                       void (*write)(struct ecs_copy *c, const struct json *v)) {
    struct ecs_mark mark = ecs_open(c->out, name, '[');
    struct json_iter it = json_iter(v);
    if (it.in_object) write(c, v);
    else
        while (!c->error && json_next(&it)) write(c, it.value);
    ecs_close(c->out, mark, ']');
}

void ecs_targets_write(struct ecs_copy *c) {
    write_list(c, STR("\"target\":"), c->mapper->event.slot[SLOT_TARGET], write_target);
}

void ecs_ip_chain_write(struct ecs_copy *c) {
    write_list(c, STR("\"ip_chain\":"), c->mapper->event.slot[SLOT_IP_CHAIN], write_hop);
}

static void look_at_target(struct ecs_mapper *m, const struct json *target) {
    struct str type = json_str(json_get(target, "type"));
    if (!m->user && str_eq_nocase(type, STR("user"))) m->user = target;
    if (!m->group && str_eq_nocase(type, STR("usergroup"))) m->group = target;
}

void ecs_targets_prepare(struct ecs_mapper *m) {
    m->user = m->group = NULL;
    struct json_iter it = json_iter(m->event.slot[SLOT_TARGET]);
    if (it.in_object) look_at_target(m, m->event.slot[SLOT_TARGET]);
    else
        while (json_next(&it)) look_at_target(m, it.value);
}

static void write_text(struct ecs_copy *c, struct str before, struct str text) {
    if (text.n) json_add_member(c->out, before, text);
}

void ecs_user_target_write(struct ecs_copy *c) {
    const struct json *user = c->mapper->user, *group = c->mapper->group;
    struct str email = ecs_text(json_get(user, "login"));
    if (!email.n) email = ecs_text(json_get(user, "alternateId"));
    if (ecs_is_email(email)) write_text(c, STR("\"email\":"), email);
    write_text(c, STR("\"full_name\":"), ecs_text(json_get(user, "displayName")));
    struct ecs_mark mark = ecs_open(c->out, STR("\"group\":"), '{');
    write_text(c, STR("\"id\":"), ecs_text(json_get(group, "id")));
    write_text(c, STR("\"name\":"), ecs_text(json_get(group, "displayName")));
    ecs_close(c->out, mark, '}');
    write_text(c, STR("\"id\":"), ecs_text(json_get(user, "id")));
}
