// SPDX-License-Identifier: Apache-2.0
// identity/entity: people and machines, whatever they log in with (reference 5.4).
#include "api/identity-internal.h"

static void write_aliases(const struct call *c, struct buf *out, const struct entity *e) {
    json_key(out, STR("aliases"));
    json_open(out, '[');
    struct tree_walk walk = alias_walk(c->state, e->id);
    const struct alias *a;
    while ((a = alias_next(&walk, e->id))) {
        json_open(out, '{');
        identity_write_alias(c, out, a);
        json_close(out, '}');
    }
    json_close(out, ']');
}

// There are no groups: their lists are empty.
static int answer_entity(struct call *c, const struct entity *e) {
    static const struct list none = {{"", 0}};
    struct buf *data = call_data(c);
    write_aliases(c, data, e);
    call_time(data, "creation_time", e->created_ms);
    call_texts(data, "direct_group_ids", none);
    call_flag(data, "disabled", e->disabled);
    call_texts(data, "group_ids", none);
    call_member(data, "id", e->id);
    call_texts(data, "inherited_group_ids", none);
    call_time(data, "last_update_time", e->updated_ms);
    if (e->merged_ids.packed.n) call_texts(data, "merged_entity_ids", e->merged_ids);
    else call_null(data, "merged_entity_ids");
    call_pairs(data, "metadata", e->metadata);
    call_member(data, "name", e->name);
    call_member(data, "namespace_id", STR("root"));
    call_texts(data, "policies", e->policies);
    json_close(data, '}');
    return 0;
}

static int answer_new(struct call *c, const struct entity *e) {
    struct buf *data = call_data(c);
    call_null(data, "aliases");
    call_member(data, "id", e->id);
    call_member(data, "name", e->name);
    json_close(data, '}');
    return 0;
}

int identity_write_entity(struct call *c) {
    struct list metadata, policies = call_list(c, "policies");
    bool disabled = call_bool(c, "disabled"),
         has_metadata = identity_pairs(c, "metadata", &metadata);
    const struct entity_change change = {
        .id = call_str(c, "id"),
        .name = call_str(c, "name"),
        .metadata = has_metadata ? &metadata : NULL,
        .policies = call_has(c, "policies") ? &policies : NULL,
        .disabled = call_has(c, "disabled") ? &disabled : NULL,
    };
    struct fault fault = {{0}};
    const struct entity *e = NULL;
    bool fresh = false;
    int r = entity_change(c->draft, &change, c->now_ms, &e, &fresh, &fault);
    if (r < 0) return r;
    if (r > 0) return identity_refused(c, r, &fault);
    return fresh ? answer_new(c, e) : call_no_content(c);
}

static int read_entity(struct call *c, const struct entity *e) {
    return e ? answer_entity(c, e) : call_not_found(c);
}

int identity_read_entity(struct call *c) {
    return read_entity(c, entity_by_id(c->state, call_str(c, "id")));
}

int identity_read_entity_by_name(struct call *c) {
    return read_entity(c, entity_by_name(c->state, call_str(c, "name")));
}

static int delete_entity(struct call *c, const struct entity *e) {
    int r = e ? entity_delete(c->draft, e) : 0;
    return r ? r : call_no_content(c);
}

int identity_delete_entity(struct call *c) {
    return delete_entity(c, entity_by_id(c->state, call_str(c, "id")));
}

int identity_delete_entity_by_name(struct call *c) {
    return delete_entity(c, entity_by_name(c->state, call_str(c, "name")));
}

// Ids that nobody has are passed over.
int identity_delete_entities(struct call *c) {
    struct list ids = call_list(c, "entity_ids");
    if (list_is_empty(ids)) return call_error(c, 400, "missing entity ids to delete");
    if (list_has(ids, STR("")))
        return call_error(c, 400, "1 error occurred:\n\t* missing entity id\n\n");
    struct str rest = ids.packed, id;
    while (list_next(&rest, &id)) {
        const struct entity *e = entity_by_id(c->state, id);
        int r = e ? entity_delete(c->draft, e) : 0;
        if (r) return r;
    }
    return call_no_content(c);
}

static void write_clash(const struct call *c, struct buf *out, struct str alias_id) {
    const struct alias *a = alias_by_id(c->state, alias_id);
    const struct entity *e = a ? entity_by_id(c->state, a->entity_id) : NULL;
    if (!e) return;
    const struct mount *m = mount_by_accessor(c->state, a->mount_accessor);
    json_open(out, '{');
    call_member(out, "alias", a->name);
    call_member(out, "entity", e->name);
    call_member(out, "entity_id", e->id);
    call_member(out, "mount", m ? m->shown_type : STR(""));
    call_member(out, "mount_path", m ? m->path : STR(""));
    json_close(out, '}');
}

// An error that says beside its text which aliases are in the way.
static int answer_clashes(struct call *c, struct list clashes, const struct fault *fault) {
    c->reply.raw = true;
    c->reply.status = 400;
    struct buf *body = call_data(c);
    json_key(body, STR("errors"));
    json_open(body, '[');
    json_add_text(body, str_from(fault->text));
    json_close(body, ']');
    json_key(body, STR("data"));
    json_open(body, '[');
    struct str rest = clashes.packed, id;
    while (list_next(&rest, &id)) write_clash(c, body, id);
    json_close(body, ']');
    json_close(body, '}');
    return 0;
}

int identity_merge_entities(struct call *c) {
    const struct entity_merge merge = {
        .from = call_list(c, "from_entity_ids"),
        .to = call_str(c, "to_entity_id"),
        .keep = call_list(c, "conflicting_alias_ids_to_keep"),
    };
    AUTO_FINI(buf) struct buf clashes = buf_make(IDENTITY_LIST_MAX_BYTES);
    struct fault fault = {{0}};
    int r = entity_merge(c->draft, &merge, &clashes, &fault);
    if (r < 0) return r;
    if (r == 0) return call_no_content(c);
    return clashes.n ? answer_clashes(c, list_of(&clashes), &fault)
                     : identity_refused(c, r, &fault);
}

static void write_info(const struct call *c, struct buf *out, const struct entity *e) {
    struct tree_walk walk = alias_walk(c->state, e->id);
    const struct alias *a = alias_next(&walk, e->id);
    json_key(out, e->id);
    json_open(out, '{');
    if (a) json_key(out, STR("aliases"));
    if (a) json_open(out, '[');
    for (const struct alias *one = a; one; one = alias_next(&walk, e->id)) {
        json_open(out, '{');
        call_member(out, "id", one->id);
        call_member(out, "mount_accessor", one->mount_accessor);
        identity_write_mount(c, out, one->mount_accessor);
        call_member(out, "name", one->name);
        json_close(out, '}');
    }
    if (a) json_close(out, ']');
    call_member(out, "name", e->name);
    json_close(out, '}');
}

int identity_list_entities(struct call *c) {
    AUTO_FINI(buf) struct buf keys = buf_make(IDENTITY_LIST_MAX_BYTES);
    AUTO_FINI(buf) struct buf info = buf_make(IDENTITY_LIST_MAX_BYTES);
    struct tree_walk walk =
        state_from(c->state, RECORD_ENTITY, 0, (struct tree_key){STR(""), STR_NONE});
    const struct entity *e;
    while ((e = tree_next(&walk))) {
        json_add_text(&keys, e->id);
        write_info(c, &info, e);
    }
    if (keys.error || info.error) return keys.error ? keys.error : info.error;
    return call_keys(c, buf_str(&keys), buf_str(&info));
}

int identity_list_entity_names(struct call *c) {
    AUTO_FINI(buf) struct buf keys = buf_make(IDENTITY_LIST_MAX_BYTES);
    struct tree_walk walk =
        state_from(c->state, RECORD_ENTITY, 1, (struct tree_key){STR(""), STR_NONE});
    const struct entity *e;
    while ((e = tree_next(&walk))) json_add_text(&keys, e->name);
    return keys.error ? keys.error : call_keys(c, buf_str(&keys), STR_NONE);
}

// What a lookup asks by.
enum lookup { BY_ID, BY_NAME, BY_ALIAS_ID, BY_ALIAS };

// One way and one only. False: it has been answered.
static bool read_lookup(struct call *c, enum lookup *ret) {
    static const struct {
        const char *field;
        enum lookup by;
    } ways[] = {{"id", BY_ID}, {"name", BY_NAME}, {"alias_id", BY_ALIAS_ID}};
    bool alias_name = call_has(c, "alias_name"), accessor = call_has(c, "alias_mount_accessor");
    int n = alias_name || accessor;
    *ret = BY_ALIAS;
    for (size_t i = 0; i < LEN(ways); i++) {
        if (!call_has(c, ways[i].field)) continue;
        *ret = ways[i].by;
        n++;
    }
    if (n == 0) call_error(c, 400, "query parameter not supplied");
    else if (n > 1)
        call_error(c, 400,
                   "query parameter conflict; please supply distinct set of query parameters");
    else if (alias_name != accessor)
        call_error(c, 400, "both 'alias_name' and 'alias_mount_accessor' needs to be set");
    else return true;
    return false;
}

static const struct alias *alias_asked_for(const struct call *c, enum lookup by) {
    if (by == BY_ALIAS_ID) return alias_by_id(c->state, call_str(c, "alias_id"));
    return alias_by_name(c->state, call_str(c, "alias_mount_accessor"), call_str(c, "alias_name"));
}

int identity_lookup_entity(struct call *c) {
    enum lookup by;
    if (!read_lookup(c, &by)) return 0;
    const struct entity *e = NULL;
    if (by == BY_ID) {
        e = entity_by_id(c->state, call_str(c, "id"));
    } else if (by == BY_NAME) {
        e = entity_by_name(c->state, call_str(c, "name"));
    } else {
        const struct alias *a = alias_asked_for(c, by);
        e = a ? entity_by_id(c->state, a->entity_id) : NULL;
    }
    return e ? answer_entity(c, e) : call_no_content(c);
}

int identity_lookup_group(struct call *c) {
    enum lookup by;
    return read_lookup(c, &by) ? call_no_content(c) : 0;
}
