// SPDX-License-Identifier: Apache-2.0
// A snapshot is one tree per kind and index. A draft is a copy of a snapshot (the roots only) that
// its maker changes, and remembers what was changed, for the store.
#include "identity/state-internal.h"

#include <errno.h>

struct state {
    const struct state_schema *schema;
    atomic_uint refs;
    struct tree trees[RECORD_KINDS][RECORD_INDEXES];
};

int state_new(struct state **ret, const struct state_schema *schema) {
    struct state *s = mem_new(sizeof *s);
    if (!s) return -ENOMEM;
    s->schema = schema;
    atomic_init(&s->refs, 1);
    *ret = s;
    return 0;
}

// Counting only: what a snapshot says never changes.
struct state *state_hold(const struct state *s) {
    struct state *own;
    memcpy(&own, &s, sizeof own);
    atomic_fetch_add_explicit(&own->refs, 1, memory_order_relaxed);
    return own;
}

struct state *state_free(struct state *s) {
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return NULL;
    for (int kind = 0; kind < RECORD_KINDS; kind++) {
        const struct record_type *type = s->schema->types[kind];
        for (int i = 0; type && i < type->index_count; i++)
            tree_drop(&s->trees[kind][i], &type->index[i]);
    }
    free(s);
    return NULL;
}

const void *state_get(const struct state *s, enum record_kind kind, int index,
                      struct tree_key key) {
    return tree_get(&s->trees[kind][index], &s->schema->types[kind]->index[index], key);
}

struct tree_walk state_from(const struct state *s, enum record_kind kind, int index,
                            struct tree_key key) {
    return tree_from(&s->trees[kind][index], &s->schema->types[kind]->index[index], key);
}

size_t state_count(const struct state *s, enum record_kind kind) {
    return tree_count(&s->trees[kind][0]);
}

static bool same_key(struct tree_key a, struct tree_key b) {
    return str_eq(a.a, b.a) && str_eq(a.b, b.b);
}

static int put_in(struct state *s, const struct record *new) {
    const struct record_type *type = new->type;
    const void *old = state_get(s, new->kind, 0, type->index[0].key(new));
    if (old) record_hold(old);
    int r = 0;
    for (int i = 0; !r && i < type->index_count; i++) {
        const struct tree_type *index = &type->index[i];
        struct tree *tree = &s->trees[new->kind][i];
        if (old && !same_key(index->key(old), index->key(new)))
            r = tree_remove(tree, index, index->key(old));
        if (!r) r = tree_put(tree, index, new);
    }
    record_drop(old);
    return r;
}

static int take_out(struct state *s, const struct record *old) {
    int r = 0;
    for (int i = 0; !r && i < old->type->index_count; i++) {
        const struct tree_type *index = &old->type->index[i];
        r = tree_remove(&s->trees[old->kind][i], index, index->key(old));
    }
    return r;
}

int draft_begin(struct draft *d, const struct state *base) {
    struct state *s = NULL;
    int r = state_new(&s, base->schema);
    if (r) return r;
    for (int kind = 0; kind < RECORD_KINDS; kind++)
        for (int i = 0; i < RECORD_INDEXES; i++)
            s->trees[kind][i] = tree_hold(&base->trees[kind][i]);
    *d = (struct draft){.state = s};
    return 0;
}

static int note(struct draft *d, const void *record, bool gone) {
    int r = mem_grow(&d->changes, &d->cap, d->n + 1, sizeof *d->changes);
    if (r) return r;
    record_hold(record);
    d->changes[d->n++] = (struct state_change){record, gone};
    return 0;
}

int draft_put(struct draft *d, void *take_record) {
    AUTO_RECORD void *record = take_record;
    int r = note(d, record, false);
    return r ? r : put_in(d->state, record);
}

int draft_delete(struct draft *d, const void *record) {
    int r = note(d, record, true); // which also keeps it while it is taken out
    return r ? r : take_out(d->state, record);
}

void draft_fini(struct draft *d) {
    for (size_t i = 0; i < d->n; i++) record_drop(d->changes[i].record);
    free(d->changes);
    d->state = state_free(d->state);
    *d = (struct draft){.state = NULL};
}

static size_t pick(enum record_kind kind, const void *const *records, size_t n, const void **ret) {
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        const struct record *record = records[i];
        if (record->kind == kind) ret[found++] = record;
    }
    return found;
}

int state_fill(struct state *s, const void *const *records, size_t n) {
    AUTO_MEM const void **some = mem_new_array(n + 1, sizeof *some);
    if (!some) return -ENOMEM;
    int r = 0;
    for (enum record_kind kind = 0; !r && kind < RECORD_KINDS; kind++) {
        const struct record_type *type = s->schema->types[kind];
        size_t found = pick(kind, records, n, some);
        for (int i = 0; !r && i < (type ? type->index_count : 0); i++)
            r = tree_build(&s->trees[kind][i], &type->index[i], some, found);
    }
    return r;
}
