// SPDX-License-Identifier: Apache-2.0
// The names that documents go to, and what is known of the indices behind each.
#include <errno.h>

#include "elastic/setup.h"
#include "sink/elasticsearch-internal.h"

enum { TARGETS_MANY = 64 };

static struct es_target *target_free(struct es_target *t) {
    if (!t) return NULL;
    doubt_list_fini(&t->past);
    free(t->name);
    free(t->write);
    free(t->elsewhere);
    free(t);
    return NULL;
}

void es_targets_fini(struct es_targets *t) {
    for (size_t i = 0; i < t->n; i++) target_free(t->p[i]);
    free(t->p);
    *t = (struct es_targets){0};
}

static struct es_target *add(struct es_targets *t, struct str name) {
    if (mem_grow(&t->p, &t->cap, t->n + 1, sizeof(struct es_target *))) return NULL;
    struct es_target *made = mem_new(sizeof *made);
    if (!made) return NULL;
    made->name = mem_copy(name.p, name.n);
    if (!made->name) return target_free(made);
    t->last = t->n;
    t->p[t->n++] = made;
    return made;
}

struct es_target *es_target_get(struct es_targets *t, struct str name) {
    if (t->last < t->n && str_eqz(name, t->p[t->last]->name)) return t->p[t->last];
    for (size_t i = 0; i < t->n; i++) {
        if (!str_eqz(name, t->p[i]->name)) continue;
        t->last = i;
        return t->p[i];
    }
    return add(t, name);
}

// Names with a date in them become many, and nearly all are a single index: of such nothing has to
// be remembered.
void es_targets_trim(struct es_targets *t) {
    if (t->n <= TARGETS_MANY) return;
    size_t kept = 0;
    for (size_t i = 0; i < t->n; i++) {
        if (t->p[i]->past.n > 0) t->p[kept++] = t->p[i];
        else target_free(t->p[i]);
    }
    t->n = kept;
    t->last = 0;
}

static int set_write(struct es_target *t, const char *write) {
    char *copy = write ? mem_copy(write, strlen(write)) : NULL;
    if (write && !copy) return -ENOMEM;
    free(t->write);
    t->write = copy;
    return 0;
}

// Ours is for data streams of the usual names; of others people have their own idea.
static int ensure_template(struct es_sink *s, const struct es_target *t, struct fault *fault) {
    bool usual = !s->index || str_starts(str_from(t->name), STR("logs-"));
    if (!s->opts->template || s->opts->raw || !usual) return 0;
    return elastic_ensure_template(s->engine, t->name, &s->sink.notice, fault);
}

int es_target_resolve(struct es_sink *s, struct es_target *t, int64_t now_ms, struct fault *fault) {
    AUTO_FINI(elastic_indices) struct elastic_indices indices = {0};
    bool rewritten = false;
    int r = elastic_resolve(s->engine, t->name, &indices, fault);
    if (!r && indices.n == 0) r = ensure_template(s, t, fault);
    if (r) return r;
    const char *write = indices.n ? indices.names[indices.n - 1] : NULL;
    r = doubt_update(&t->past, &indices, t->write, write, s->horizon_ms, now_ms, &rewritten);
    if (!r) r = set_write(t, write);
    if (r) return r;
    if (rewritten) s->must_save = true;
    t->resolved = true;
    return 0;
}
