// SPDX-License-Identifier: Apache-2.0
// A page of which some got in is handed over again as a whole. What the engine has said of its
// documents is remembered until the page is committed, so that only the rest is sent; it costs
// nothing but a 409 to forget.
#include <errno.h>

#include "base/hash.h"
#include "sink/elasticsearch-internal.h"

int es_memory_init(struct es_memory *m) { return table_init(&m->table); }

void es_memory_clear(struct es_memory *m) {
    if (m->table.n == 0) return;
    for (size_t i = 0; i <= m->table.mask; i++) {
        struct table_link *next = NULL;
        for (struct table_link *l = m->table.slots[i]; l; l = next) {
            next = l->next;
            free(TABLE_ITEM(l, struct es_verdict, link));
        }
        m->table.slots[i] = NULL;
    }
    m->table.n = 0;
}

void es_memory_fini(struct es_memory *m) {
    es_memory_clear(m);
    table_fini(&m->table);
}

struct es_verdict *es_memory_get(const struct es_memory *m, struct hash128 id) {
    for (struct table_link *l = table_first(&m->table, id.lo); l; l = table_next(l)) {
        struct es_verdict *v = TABLE_ITEM(l, struct es_verdict, link);
        if (hash128_eq(v->id, id)) return v;
    }
    return NULL;
}

struct es_verdict *es_memory_put(struct es_memory *m, struct hash128 id, bool repeated,
                                 struct str reason) {
    struct es_verdict *v = mem_new(sizeof *v + (reason.p ? sizeof(struct fault) : 0));
    if (!v) return NULL;
    v->id = id;
    v->rejected = reason.p;
    v->repeated = repeated;
    if (reason.p) fault_set(v->reason, 0, "%.*s", STR_ARG(reason));
    table_add(&m->table, &v->link, id.lo);
    return v;
}

int es_reject(struct es_sink *s, struct es_item *i, struct str reason) {
    struct es_verdict *v = es_memory_put(&s->memory, i->id, false, reason);
    if (!v) return -ENOMEM;
    i->state = ES_REJECTED;
    i->reason = v->reason;
    i->new = true;
    return 0;
}
