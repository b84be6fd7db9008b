// SPDX-License-Identifier: Apache-2.0
// Writing entities: everything is checked, over the draft as it is, before the first change.
#include <errno.h>

#include "crypto/digest.h"
#include "identity/entity-internal.h"
#include "identity/fold.h"
#include "identity/mount.h"

enum { LISTS_MAX_BYTES = 32 << 20, ID_MAX_BYTES = 256 };

// "entity_1a2b3c4d.root"
static int add_name(struct buf *out) {
    uint8_t b[4];
    int r = crypto_random(b, sizeof b);
    if (r) return r;
    buf_addf(out, "entity_%02x%02x%02x%02x.root", b[0], b[1], b[2], b[3]);
    return out->error;
}

static int make_up_name(const struct state *s, struct buf *out) {
    const struct entity *other = NULL;
    do {
        buf_reset(out);
        int r = add_name(out);
        if (r == 0) r = entity_find(s, buf_str(out), &other);
        if (r) return r;
    } while (other);
    return 0;
}

int entity_make(struct draft *d, struct entity *e, int64_t now_ms, const struct entity **ret) {
    AUTO_FINI(buf) struct buf id = buf_make(ID_MAX_BYTES);
    AUTO_FINI(buf) struct buf name = buf_make(ID_MAX_BYTES);
    int r = mount_new_uuid(&id);
    if (r == 0) r = id.error;
    if (r == 0 && e->name.n == 0) r = make_up_name(d->state, &name);
    if (r) return r;
    e->id = buf_str(&id);
    if (e->name.n == 0) e->name = buf_str(&name);
    e->created_ms = e->updated_ms = now_ms;
    return entity_put(d, e, ret);
}

// The first alias, but that of one id, that has an empty object for custom metadata; NULL.
static const struct alias *hollow_alias(const struct state *s, struct str entity_id,
                                        struct str but) {
    struct tree_walk walk = alias_walk(s, entity_id);
    const struct alias *a;
    while ((a = alias_next(&walk, entity_id)))
        if (entity_is_hollow(a->custom_metadata) && !str_eq(a->id, but)) return a;
    return NULL;
}

int entity_settle(struct draft *d, struct str entity_id, struct str but_alias_id) {
    const struct alias *a;
    while ((a = hollow_alias(d->state, entity_id, but_alias_id))) {
        struct alias next = *a;
        next.custom_metadata = (struct list){STR_NONE};
        int r = entity_put_alias(d, &next, &a);
        if (r) return r;
    }
    const struct entity *e = entity_by_id(d->state, entity_id);
    if (!e || !but_alias_id.p || !entity_is_hollow(e->metadata)) return 0;
    struct entity next = *e;
    next.metadata = (struct list){STR_NONE};
    return entity_put(d, &next, &e);
}

// Which entity a change is meant for: NULL for a new one.
static int find(const struct state *s, const struct entity_change *change,
                const struct entity **ret, struct fault *fault) {
    const struct entity *named = NULL;
    int r = change->name.n ? entity_find(s, change->name, &named) : 0;
    if (r) return r;
    *ret = named;
    if (!change->id.n) return 0;
    *ret = entity_by_id(s, change->id);
    if (!*ret) return fault_set(fault, ENTITY_E_REFUSED, "entity not found from id");
    if (named && named != *ret)
        return fault_set(fault, ENTITY_E_REFUSED, "entity name is already in use");
    return 0;
}

// Names of policies as they are kept: trimmed, folded, sorted, each once.
static int add_policies(struct buf *out, struct list policies, struct fault *fault) {
    AUTO_FINI(buf) struct buf folded = buf_make(LISTS_MAX_BYTES);
    AUTO_FINI(buf) struct buf name = buf_make(LISTS_MAX_BYTES);
    struct str rest = policies.packed, item;
    while (list_next(&rest, &item)) {
        buf_reset(&name);
        fold_text(&name, str_trim(item));
        if (name.error) return name.error;
        list_add(&folded, buf_str(&name));
    }
    if (folded.error) return folded.error;
    int r = list_union(out, list_of(&folded), (struct list){STR_NONE});
    if (r) return r;
    if (list_has(list_of(out), STR("root")))
        return fault_set(fault, ENTITY_E_REFUSED, "policies cannot contain root");
    return 0;
}

int entity_change(struct draft *d, const struct entity_change *change, int64_t now_ms,
                  const struct entity **ret, bool *ret_new, struct fault *fault) {
    AUTO_FINI(buf) struct buf policies = buf_make(LISTS_MAX_BYTES);
    AUTO_FINI(buf) struct buf metadata = buf_make(LISTS_MAX_BYTES);
    const struct entity *old = NULL;
    int r = find(d->state, change, &old, fault);
    if (r == 0 && change->policies) r = add_policies(&policies, *change->policies, fault);
    if (r == 0 && change->metadata) r = entity_metadata(&metadata, *change->metadata, fault);
    if (r) return r;
    struct entity next = old ? *old : (struct entity){.name = STR_NONE};
    if (change->name.n) next.name = change->name;
    if (change->policies) next.policies = list_of(&policies);
    if (entity_is_hollow(next.metadata)) next.metadata = (struct list){STR_NONE};
    if (change->metadata)
        next.metadata = change->metadata->packed.p ? entity_list(&metadata) : *change->metadata;
    if (change->disabled) next.disabled = *change->disabled;
    *ret_new = !old;
    if (!old) return entity_make(d, &next, now_ms, ret);
    next.updated_ms = now_ms;
    r = entity_settle(d, old->id, STR_NONE);
    return r ? r : entity_put(d, &next, ret);
}

static int delete_aliases(struct draft *d, struct str entity_id) {
    for (;;) {
        struct tree_walk walk = alias_walk(d->state, entity_id);
        const struct alias *a = alias_next(&walk, entity_id);
        if (!a) return 0;
        int r = draft_delete(d, a);
        if (r) return r;
    }
}

static int delete_merged(struct draft *d, struct list ids) {
    struct str rest = ids.packed, id;
    while (list_next(&rest, &id)) {
        const void *m = state_get(d->state, RECORD_MERGED, 0, (struct tree_key){id, STR_NONE});
        int r = m ? draft_delete(d, m) : 0;
        if (r) return r;
    }
    return 0;
}

int entity_delete(struct draft *d, const struct entity *e) {
    int r = draft_delete(d, e); // which keeps its texts readable
    if (r == 0) r = delete_aliases(d, e->id);
    return r ? r : delete_merged(d, e->merged_ids);
}

int entity_of_login(struct draft *d, struct str mount_accessor, struct str alias_name,
                    struct list metadata, int64_t now_ms, const struct entity **ret) {
    const struct alias *a = NULL;
    int r = entity_find_alias(d->state, mount_accessor, alias_name, &a);
    if (r) return r;
    const struct entity *e = a ? entity_by_id(d->state, a->entity_id) : NULL;
    if (a && !e) return -EINVAL; // an alias without its entity: nobody's
    if (e && e->disabled) return ENTITY_E_DISABLED;
    struct alias next = {.name = alias_name, .mount_accessor = mount_accessor};
    if (a) {
        *ret = e;
        if (!metadata.packed.p || str_eq(metadata.packed, a->metadata.packed)) return 0;
        next = *a;
        next.metadata = metadata;
        next.updated_ms = now_ms;
        return entity_put_alias(d, &next, &a);
    }
    struct entity fresh = {.name = STR_NONE};
    r = entity_make(d, &fresh, now_ms, &e);
    if (r) return r;
    next.entity_id = e->id;
    next.metadata = metadata;
    *ret = e;
    return entity_make_alias(d, &next, now_ms, &a);
}
