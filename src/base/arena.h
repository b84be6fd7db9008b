// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
// Memory that is given back all at once, and wiped then, because settings hold secrets: trees of
// settings and of parsed policies, and what is made of them.

#include "base/mem.h"
#include "base/str.h"

struct arena {
    struct arena_block *blocks; // owned; NULL: empty
};

// Zeroed memory, aligned for everything; lives until arena_fini. NULL when there is none.
void *arena_take(struct arena *a, size_t bytes) MUST_USE;
void *arena_take_array(struct arena *a, size_t n, size_t bytes_each) MUST_USE;

// A copy with a NUL behind it. NULL when there is no memory.
const char *arena_text(struct arena *a, struct str s) MUST_USE;
// A copy as a slice. False when there is no memory.
bool arena_copy(struct arena *a, struct str s, struct str *ret) MUST_USE;

// Wipes and frees; the arena is empty afterwards.
void arena_fini(struct arena *a);
DEFINE_AUTO_FINI(arena)

#endif
