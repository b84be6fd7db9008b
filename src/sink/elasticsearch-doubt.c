// SPDX-License-Identifier: Apache-2.0
// What may be where, told from the times at which documents were published: they cannot have been
// sent before. Only the horizon has to be right for that, and it is saved before it is passed; all
// else errs to the side of looking up too much.
#include <errno.h>

#include "sink/elasticsearch-internal.h"

void doubt_list_fini(struct doubt_list *l) {
    for (size_t i = 0; i < l->n; i++) free(l->p[i].name);
    free(l->p);
    *l = (struct doubt_list){0};
}

int doubt_list_add(struct doubt_list *l, struct str name, int64_t until_ms) {
    int r = mem_grow(&l->p, &l->cap, l->n + 1, sizeof *l->p);
    if (r) return r;
    char *copy = mem_copy(name.p ? name.p : "", name.n);
    if (!copy) return -ENOMEM;
    l->p[l->n++] = (struct doubt_index){.name = copy, .until_ms = until_ms};
    return 0;
}

int64_t doubt_time(const struct sink_doc *d, int64_t now_ms) {
    bool trusted = d->has_published && d->published_ms <= now_ms + DOUBT_FUTURE_MS;
    return trusted ? d->published_ms : INT64_MIN;
}

static int64_t later(int64_t a, int64_t b) { return a > b ? a : b; }

int64_t doubt_horizon(int64_t horizon_ms, int64_t newest_ms, int64_t now_ms) {
    if (newest_ms <= horizon_ms) return horizon_ms;
    return later(newest_ms, now_ms) + DOUBT_AHEAD_MS;
}

static const struct doubt_index *find(const struct doubt_list *l, const char *name) {
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->p[i].name, name) == 0) return &l->p[i];
    return NULL;
}

// Of an index that is new in the list. Others may have sent documents there, too, or a state that
// is newer than ours and was lost, whose horizon nobody knows: only the one that we were just
// writing to is known to be ours.
static int64_t until(const char *name, const char *before, int64_t horizon_ms, int64_t now_ms) {
    bool ours = before && strcmp(name, before) == 0;
    return later(horizon_ms, now_ms + (ours ? DOUBT_AHEAD_MS : DOUBT_FUTURE_MS));
}

int doubt_update(struct doubt_list *l, const struct elastic_indices *indices, const char *before,
                 const char *write, int64_t horizon_ms, int64_t now_ms, bool *ret_rewritten) {
    AUTO_FINI(doubt_list) struct doubt_list next = {0};
    for (size_t i = 0; i < indices->n; i++) {
        const char *name = indices->names[i];
        if (write && strcmp(name, write) == 0) continue;
        const struct doubt_index *known = find(l, name);
        int64_t until_ms = known ? known->until_ms : until(name, before, horizon_ms, now_ms);
        int r = doubt_list_add(&next, str_from(name), until_ms);
        if (r) return r;
    }
    *ret_rewritten = write && find(l, write);
    struct doubt_list old = *l;
    *l = next;
    next = old;
    return 0;
}
