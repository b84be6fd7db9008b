// SPDX-License-Identifier: Apache-2.0
// identity/entity-alias: which login is whom (reference 5.4).
#include "api/identity-internal.h"

int identity_refused(struct call *c, int outcome, const struct fault *fault) {
    if (outcome == ENTITY_E_INVALID)
        return call_error(c, 400, "1 error occurred:\n\t* %s\n\n", fault->text);
    return call_error(c, 400, "%s", fault->text);
}

bool identity_pairs(const struct call *c, const char *field, struct list *ret) {
    if (!call_has(c, field)) return false;
    bool null = json_type(json_get(call_body(c), field)) == JSON_NULL;
    *ret = null ? (struct list){STR_NONE} : call_list(c, field);
    return true;
}

void identity_write_mount(const struct call *c, struct buf *out, struct str accessor) {
    const struct mount *m = mount_by_accessor(c->state, accessor);
    if (!m) return;
    call_member(out, "mount_path", m->path);
    call_member(out, "mount_type", m->shown_type);
}

void identity_write_alias(const struct call *c, struct buf *out, const struct alias *a) {
    call_member(out, "canonical_id", a->entity_id);
    call_time(out, "creation_time", a->created_ms);
    call_pairs(out, "custom_metadata", a->custom_metadata);
    call_member(out, "id", a->id);
    call_time(out, "last_update_time", a->updated_ms);
    call_flag(out, "local", a->local);
    if (a->merged_from.packed.n) call_texts(out, "merged_from_canonical_ids", a->merged_from);
    else call_null(out, "merged_from_canonical_ids");
    call_pairs(out, "metadata", a->metadata);
    call_member(out, "mount_accessor", a->mount_accessor);
    identity_write_mount(c, out, a->mount_accessor);
    call_member(out, "name", a->name);
}

// canonical_id was called entity_id once.
static struct str canonical_id(const struct call *c) {
    struct str id = call_str(c, "canonical_id");
    return id.n ? id : call_str(c, "entity_id");
}

int identity_change_alias(struct call *c) {
    struct list pairs;
    bool has_pairs = identity_pairs(c, "custom_metadata", &pairs);
    const struct alias_change change = {
        .id = call_str(c, "id"),
        .name = call_str(c, "name"),
        .mount_accessor = call_str(c, "mount_accessor"),
        .entity_id = canonical_id(c),
        .custom_metadata = has_pairs ? &pairs : NULL,
    };
    struct fault fault = {{0}};
    const struct alias *a = NULL;
    bool changed = false;
    int r = alias_change(c->draft, &change, c->now_ms, &a, &changed, &fault);
    if (r < 0) return r;
    if (r > 0) return identity_refused(c, r, &fault);
    if (!changed) return call_no_content(c);
    struct buf *data = call_data(c);
    call_member(data, "canonical_id", a->entity_id);
    call_member(data, "id", a->id);
    json_close(data, '}');
    return 0;
}

int identity_read_alias(struct call *c) {
    const struct alias *a = alias_by_id(c->state, call_str(c, "id"));
    if (!a) return call_not_found(c);
    struct buf *data = call_data(c);
    identity_write_alias(c, data, a);
    call_member(data, "namespace_id", STR("root"));
    json_close(data, '}');
    return 0;
}

int identity_delete_alias(struct call *c) {
    const struct alias *a = alias_by_id(c->state, call_str(c, "id"));
    int r = a ? alias_delete(c->draft, a) : 0;
    return r ? r : call_no_content(c);
}

static void write_info(const struct call *c, struct buf *out, const struct alias *a) {
    json_key(out, a->id);
    json_open(out, '{');
    call_member(out, "canonical_id", a->entity_id);
    call_pairs(out, "custom_metadata", a->custom_metadata);
    call_flag(out, "local", a->local);
    call_pairs(out, "metadata", a->metadata);
    call_member(out, "mount_accessor", a->mount_accessor);
    identity_write_mount(c, out, a->mount_accessor);
    call_member(out, "name", a->name);
    json_close(out, '}');
}

int identity_list_aliases(struct call *c) {
    AUTO_FINI(buf) struct buf keys = buf_make(IDENTITY_LIST_MAX_BYTES);
    AUTO_FINI(buf) struct buf info = buf_make(IDENTITY_LIST_MAX_BYTES);
    struct tree_walk walk =
        state_from(c->state, RECORD_ALIAS, 0, (struct tree_key){STR(""), STR_NONE});
    const struct alias *a;
    while ((a = tree_next(&walk))) {
        json_add_text(&keys, a->id);
        write_info(c, &info, a);
    }
    if (keys.error || info.error) return keys.error ? keys.error : info.error;
    return call_keys(c, buf_str(&keys), buf_str(&info));
}
