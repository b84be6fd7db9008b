// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_TABLE_H
#define BASE_TABLE_H
// A hash table of things that carry their own link, so that putting one in cannot fail. It grows
// when there is memory for it, else its chains do. One thread at a time.

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct table_link {
    struct table_link *next;
    uint64_t hash;
};
struct table {
    struct table_link **slots; // 2^bits of them
    size_t n, mask;
};

int table_init(struct table *t) MUST_USE; // 0; -ENOMEM
void table_fini(struct table *t);         // what is in it belongs to others

// One thing is in one table at most once by one link.
void table_add(struct table *t, struct table_link *link, uint64_t hash);
void table_remove(struct table *t, struct table_link *link);

// Those of one hash:  for (l = table_first(t, hash); l; l = table_next(l)) ...
struct table_link *table_first(const struct table *t, uint64_t hash); // NULL
struct table_link *table_next(const struct table_link *link);         // NULL

// The thing that has this link as its `member`.
#define TABLE_ITEM(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

#endif
