// SPDX-License-Identifier: Apache-2.0
// Merging gives the aliases of some entities to another one. All that can be in the way is looked
// for first; of metadata and policies the other one keeps its own (measured on OpenBao 2.7.2, which
// leaves an alias that was not to be kept in place without its index: here it is deleted).
#include <errno.h>

#include "identity/entity-internal.h"

enum { LISTS_MAX_BYTES = 32 << 20 };

static int refuse(struct fault *fault, const char *text) {
    return fault_set(fault, ENTITY_E_REFUSED, "%s", text);
}

static int check_ids(const struct state *s, const struct entity_merge *m, struct fault *fault) {
    if (list_is_empty(m->from) && m->to.n) return refuse(fault, "missing entity ids to merge from");
    if (!m->to.n) return refuse(fault, "missing entity id to merge to");
    if (!entity_by_id(s, m->to)) return refuse(fault, "entity id to merge to is invalid");
    if (list_has(m->from, m->to))
        return refuse(fault, "to_entity_id should not be present in from_entity_ids");
    struct str rest = m->from.packed, id;
    while (list_next(&rest, &id))
        if (!entity_by_id(s, id)) return refuse(fault, "entity id to merge from is invalid");
    return 0;
}

// Is an alias of an entity before `id` in the list on that mount?
static bool is_on_earlier(const struct state *s, struct list from, struct str id,
                          struct str accessor) {
    struct str rest = from.packed, other;
    while (list_next(&rest, &other) && !str_eq(other, id))
        if (alias_on_mount(s, other, accessor)) return true;
    return false;
}

static int clash_between(const struct state *s, const struct entity_merge *m, struct str id,
                         struct fault *fault) {
    struct tree_walk walk = alias_walk(s, id);
    const struct alias *a;
    while ((a = alias_next(&walk, id)))
        if (is_on_earlier(s, m->from, id, a->mount_accessor))
            return fault_set(fault, ENTITY_E_REFUSED,
                             "mount accessor %.*s found in multiple fromEntities, merge should be "
                             "done with one fromEntity at a time",
                             STR_ARG(a->mount_accessor));
    return 0;
}

static void add_clash(struct buf *out, const struct alias *to, const struct alias *from) {
    buf_addf(out,
             "\t* mountAccessor: %.*s, toEntity ID: %.*s, fromEntity ID: %.*s, conflicting "
             "toEntity alias ID: %.*s, conflicting fromEntity alias ID: %.*s\n",
             STR_ARG(to->mount_accessor), STR_ARG(to->entity_id), STR_ARG(from->entity_id),
             STR_ARG(to->id), STR_ARG(from->id));
}

// What of one entity is on a mount where the other one has an alias too.
static int clash_with(const struct state *s, const struct entity_merge *m, struct str id,
                      struct buf *clashes, struct buf *text, struct fault *fault) {
    struct tree_walk walk = alias_walk(s, id);
    const struct alias *from;
    while ((from = alias_next(&walk, id))) {
        const struct alias *to = alias_on_mount(s, m->to, from->mount_accessor);
        if (!to || list_has(m->keep, to->id) || list_has(m->keep, from->id)) continue;
        if (!list_is_empty(m->keep))
            return fault_set(fault, ENTITY_E_REFUSED,
                             "conflicting mount accessors in following alias IDs and neither were "
                             "present in conflicting_alias_ids_to_keep: %.*s, %.*s",
                             STR_ARG(from->id), STR_ARG(to->id));
        add_clash(text, to, from);
        list_add(clashes, to->id);
        list_add(clashes, from->id);
    }
    return text->error ? text->error : clashes->error;
}

static int refuse_clashes(size_t n, struct str text, struct fault *fault) {
    return fault_set(fault, ENTITY_E_REFUSED,
                     "%zu errors occurred:\n\t* toEntity and at least one fromEntity have aliases "
                     "with the same mount accessor, repeat the merge request specifying exactly "
                     "one fromEntity, clashes: \n%.*s\n",
                     n + 1, STR_ARG(text));
}

static int check_clashes(const struct state *s, const struct entity_merge *m, struct buf *clashes,
                         struct fault *fault) {
    AUTO_FINI(buf) struct buf text = buf_make(LISTS_MAX_BYTES);
    struct str rest = m->from.packed, id;
    int r = 0;
    while (r == 0 && list_next(&rest, &id)) r = clash_between(s, m, id, fault);
    rest = m->from.packed;
    while (r == 0 && list_next(&rest, &id)) r = clash_with(s, m, id, clashes, &text, fault);
    if (r || !text.n) return r;
    return refuse_clashes(list_count(list_of(clashes)) / 2, buf_str(&text), fault);
}

// Gives one alias to the entity; of two on one mount the one that is to be kept stays.
static int take_alias(struct draft *d, const struct entity_merge *m, const struct alias *from) {
    const struct alias *to = alias_on_mount(d->state, m->to, from->mount_accessor);
    if (to && list_has(m->keep, to->id)) return draft_delete(d, from);
    int r = to ? draft_delete(d, to) : 0;
    if (r) return r;
    AUTO_FINI(buf) struct buf merged = buf_make(LISTS_MAX_BYTES);
    buf_add_str(&merged, from->merged_from.packed);
    list_add(&merged, from->entity_id);
    if (merged.error) return merged.error;
    struct alias next = *from;
    next.entity_id = m->to;
    next.merged_from = list_of(&merged);
    if (entity_is_hollow(next.custom_metadata)) next.custom_metadata = (struct list){STR_NONE};
    entity_order_last(d->state, &next);
    return entity_put_alias(d, &next, &from);
}

static int take_aliases(struct draft *d, const struct entity_merge *m, struct str from) {
    for (;;) {
        struct tree_walk walk = alias_walk(d->state, from);
        const struct alias *a = alias_next(&walk, from);
        if (!a) return 0;
        int r = take_alias(d, m, a);
        if (r) return r;
    }
}

// The ids that lead to the entity from now on: `from`, and those that led to that one.
static int forward(struct draft *d, const struct entity *from, struct str to, struct buf *ids) {
    size_t at = ids->n;
    list_add(ids, from->id);
    buf_add_str(ids, from->merged_ids.packed);
    if (ids->error) return ids->error;
    struct str rest = str_sub(buf_str(ids), at, ids->n), id;
    while (list_next(&rest, &id)) {
        int r = entity_put_merged(d, &(struct entity_merged){.id = id, .into = to});
        if (r) return r;
    }
    return 0;
}

// An id that stands twice in the list is gone the second time.
static int take_entity(struct draft *d, const struct entity_merge *m, struct str id,
                       struct buf *ids) {
    const struct entity *from = entity_by_id(d->state, id);
    if (!from) return 0;
    int r = take_aliases(d, m, id);
    if (r == 0) r = draft_delete(d, from); // which keeps its texts readable
    return r ? r : forward(d, from, m->to, ids);
}

int entity_merge(struct draft *d, const struct entity_merge *merge, struct buf *clashes,
                 struct fault *fault) {
    int r = check_ids(d->state, merge, fault);
    if (r == 0) r = check_clashes(d->state, merge, clashes, fault);
    if (r) return r;
    AUTO_FINI(buf) struct buf ids = buf_make(LISTS_MAX_BYTES);
    const struct entity *to = entity_by_id(d->state, merge->to);
    buf_add_str(&ids, to->merged_ids.packed);
    struct str rest = merge->from.packed, id;
    while (r == 0 && list_next(&rest, &id)) r = take_entity(d, merge, id, &ids);
    if (r == 0) r = ids.error;
    if (r) return r;
    struct entity next = *to;
    next.merged_ids = list_of(&ids);
    if (entity_is_hollow(next.metadata)) next.metadata = (struct list){STR_NONE};
    r = entity_settle(d, merge->to, STR_NONE);
    return r ? r : entity_put(d, &next, &to);
}
