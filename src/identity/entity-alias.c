// SPDX-License-Identifier: Apache-2.0
// Writing aliases. An entity has at most one alias on a mount, and a name on a mount belongs to one
// alias: both are checked before anything is written.
#include <errno.h>

#include "identity/entity-internal.h"
#include "identity/mount.h"

enum { ID_MAX_BYTES = 256, METADATA_MAX_BYTES = 32 << 20 };

int entity_make_alias(struct draft *d, struct alias *a, int64_t now_ms, const struct alias **ret) {
    AUTO_FINI(buf) struct buf id = buf_make(ID_MAX_BYTES);
    int r = mount_new_uuid(&id);
    if (r == 0) r = id.error;
    if (r) return r;
    a->id = buf_str(&id);
    a->created_ms = a->updated_ms = now_ms;
    entity_order_last(d->state, a);
    return entity_put_alias(d, a, ret);
}

static int refuse(struct fault *fault, const char *text) {
    return fault_set(fault, ENTITY_E_REFUSED, "%s", text);
}

static int check_mount(const struct state *s, struct str accessor, struct fault *fault) {
    if (mount_by_accessor(s, accessor)) return 0;
    return fault_set(fault, ENTITY_E_REFUSED, "invalid mount accessor \"%.*s\"", STR_ARG(accessor));
}

// A new alias of that entity, or (without one) of an entity that is made for it.
static int create(struct draft *d, struct alias *next, int64_t now_ms, const struct alias **ret,
                  struct fault *fault) {
    const struct entity *e = NULL;
    if (next->entity_id.n) {
        e = entity_by_id(d->state, next->entity_id);
        if (!e) return refuse(fault, "invalid canonical ID");
        if (alias_on_mount(d->state, e->id, next->mount_accessor))
            return refuse(fault, "Alias already exists for requested entity and mount accessor");
    }
    struct entity fresh = {.name = STR_NONE};
    int r = e ? 0 : entity_make(d, &fresh, now_ms, &e);
    if (r) return r;
    record_hold(e);
    AUTO_RECORD const struct entity *held = e;
    next->entity_id = held->id;
    r = entity_make_alias(d, next, now_ms, ret);
    return r ? r : entity_settle(d, held->id, (*ret)->id);
}

// Has the entity another alias than `old` on that mount?
static bool has_other(const struct state *s, const struct alias *next) {
    struct tree_walk walk = alias_walk(s, next->entity_id);
    const struct alias *a;
    while ((a = alias_next(&walk, next->entity_id)))
        if (str_eq(a->mount_accessor, next->mount_accessor) && !str_eq(a->id, next->id))
            return true;
    return false;
}

// May an alias become that?
static int check_update(const struct state *s, const struct alias *old, const struct alias *next,
                        struct fault *fault) {
    int r = check_mount(s, next->mount_accessor, fault);
    if (r) return r;
    const struct alias *taken = NULL;
    r = entity_find_alias(s, next->mount_accessor, next->name, &taken);
    if (r) return r;
    if (taken && taken != old)
        return refuse(fault, "alias with combination of mount accessor and name already exists");
    bool moves = !str_eq(old->entity_id, next->entity_id);
    if (moves && !entity_by_id(s, next->entity_id))
        return refuse(fault, "given 'canonical_id' is not associated with an entity");
    if (!moves && str_eq(old->mount_accessor, next->mount_accessor)) return 0;
    if (!has_other(s, next)) return 0;
    if (moves)
        return refuse(fault, "Alias cannot be updated as the given entity already has an alias for "
                             "this mount ");
    return refuse(fault, "Alias cannot be updated as the entity already has an alias for the given "
                         "'mount_accessor' ");
}

static bool is_same(const struct alias *a, const struct alias *b) {
    return str_eq(a->name, b->name) && str_eq(a->mount_accessor, b->mount_accessor) &&
           str_eq(a->entity_id, b->entity_id) &&
           str_eq(a->custom_metadata.packed, b->custom_metadata.packed);
}

// `old` is held, its texts may be used while it is replaced.
static int replace(struct draft *d, const struct alias *old, struct alias *next, int64_t now_ms,
                   const struct alias **ret) {
    bool moves = !str_eq(old->entity_id, next->entity_id);
    if (moves) entity_order_last(d->state, next);
    next->updated_ms = now_ms;
    int r = entity_put_alias(d, next, ret);
    if (r == 0) r = entity_settle(d, next->entity_id, old->id);
    if (r == 0 && moves) r = entity_settle(d, old->entity_id, old->id);
    return r;
}

static int update(struct draft *d, const struct alias *old, const struct alias_change *change,
                  int64_t now_ms, const struct alias **ret, bool *ret_changed,
                  struct fault *fault) {
    record_hold(old);
    AUTO_RECORD const struct alias *held = old;
    struct alias next = *held;
    if (change->name.n) next.name = change->name;
    if (change->mount_accessor.n) next.mount_accessor = change->mount_accessor;
    if (change->entity_id.n) next.entity_id = change->entity_id;
    if (change->custom_metadata) next.custom_metadata = *change->custom_metadata;
    int r = check_update(d->state, old, &next, fault);
    if (r) return r;
    *ret = old;
    *ret_changed = !is_same(old, &next);
    if (!*ret_changed) return 0;
    if (!change->custom_metadata && entity_is_hollow(next.custom_metadata))
        next.custom_metadata = (struct list){STR_NONE};
    return replace(d, held, &next, now_ms, ret);
}

static int change_by_name(struct draft *d, const struct alias_change *change, int64_t now_ms,
                          const struct alias **ret, bool *ret_changed, struct fault *fault) {
    static const struct list none = {{"", 0}};
    if (!change->name.n || !change->mount_accessor.n)
        return refuse(fault, "'id' or 'mount_accessor' and 'name' must be provided");
    int r = check_mount(d->state, change->mount_accessor, fault);
    const struct alias *old = NULL;
    if (r == 0) r = entity_find_alias(d->state, change->mount_accessor, change->name, &old);
    if (r) return r;
    struct alias_change full = *change;
    if (!full.custom_metadata) full.custom_metadata = &none;
    if (old) return update(d, old, &full, now_ms, ret, ret_changed, fault);
    struct alias next = {.name = full.name,
                         .mount_accessor = full.mount_accessor,
                         .entity_id = full.entity_id,
                         .custom_metadata = *full.custom_metadata};
    *ret_changed = true;
    return create(d, &next, now_ms, ret, fault);
}

int alias_change(struct draft *d, const struct alias_change *change, int64_t now_ms,
                 const struct alias **ret, bool *ret_changed, struct fault *fault) {
    AUTO_FINI(buf) struct buf custom = buf_make(METADATA_MAX_BYTES);
    struct alias_change checked = *change;
    struct list pairs = {STR_NONE};
    if (change->custom_metadata) {
        int r = entity_custom_metadata(&custom, *change->custom_metadata, fault);
        if (r) return r;
        if (change->custom_metadata->packed.p) pairs = entity_list(&custom);
        checked.custom_metadata = &pairs;
    }
    if (!change->id.n) return change_by_name(d, &checked, now_ms, ret, ret_changed, fault);
    const struct alias *old = alias_by_id(d->state, change->id);
    if (!old) return refuse(fault, "invalid alias ID provided");
    return update(d, old, &checked, now_ms, ret, ret_changed, fault);
}

int alias_delete(struct draft *d, const struct alias *a) {
    int r = draft_delete(d, a); // which keeps its texts readable
    return r ? r : entity_settle(d, a->entity_id, a->id);
}
