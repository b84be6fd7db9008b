// SPDX-License-Identifier: Apache-2.0
#include "base/table.h"

#include <errno.h>

enum { FIRST_SLOTS = 16 };

int table_init(struct table *t) {
    *t = (struct table){.mask = FIRST_SLOTS - 1};
    t->slots = mem_new_array(FIRST_SLOTS, sizeof(struct table_link *));
    return t->slots ? 0 : -ENOMEM;
}

void table_fini(struct table *t) {
    free(t->slots);
    *t = (struct table){.n = 0};
}

static void chain(struct table *t, struct table_link *link) {
    struct table_link **slot = &t->slots[link->hash & t->mask];
    link->next = *slot;
    *slot = link;
}

static void grow(struct table *t) {
    struct table old = *t;
    size_t slots = 2 * (old.mask + 1);
    t->slots = mem_new_array(slots, sizeof(struct table_link *));
    if (!t->slots) {
        *t = old;
        return;
    }
    t->mask = slots - 1;
    for (size_t i = 0; i <= old.mask; i++) {
        for (struct table_link *l = old.slots[i], *next; l; l = next) {
            next = l->next;
            chain(t, l);
        }
    }
    free(old.slots);
}

void table_add(struct table *t, struct table_link *link, uint64_t hash) {
    if (t->n > t->mask) grow(t);
    link->hash = hash;
    chain(t, link);
    t->n++;
}

void table_remove(struct table *t, struct table_link *link) {
    struct table_link **at = &t->slots[link->hash & t->mask];
    while (*at != link) at = &(*at)->next;
    *at = link->next;
    link->next = NULL;
    t->n--;
}

static struct table_link *same_from(struct table_link *link, uint64_t hash) {
    while (link && link->hash != hash) link = link->next;
    return link;
}

struct table_link *table_first(const struct table *t, uint64_t hash) {
    return same_from(t->slots[hash & t->mask], hash);
}

struct table_link *table_next(const struct table_link *link) {
    return same_from(link->next, link->hash);
}
