// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_ARENA_H
#define IDENTITY_ARENA_H
// Memory that is given back all at once: trees of parsed policies, and the rules made of them.

#include "base/mem.h"
#include "base/str.h"

struct arena {
    struct arena_block *blocks; // owned; NULL: empty
};

// Zeroed memory, aligned for everything; lives until arena_fini. NULL when there is none.
void *arena_take(struct arena *a, size_t bytes) MUST_USE;
void *arena_take_array(struct arena *a, size_t n, size_t bytes_each) MUST_USE;

// A copy that lives in the arena. False when there is no memory.
bool arena_copy(struct arena *a, struct str s, struct str *ret) MUST_USE;

// Frees; the arena is empty afterwards.
void arena_fini(struct arena *a);
DEFINE_AUTO_FINI(arena)

#endif
