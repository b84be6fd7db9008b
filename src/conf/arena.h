// SPDX-License-Identifier: Apache-2.0
#ifndef CONF_ARENA_H
#define CONF_ARENA_H
// Memory that is given back all at once, and wiped then, because settings hold secrets.

#include "base/mem.h"
#include "base/str.h"

struct conf_arena {
    struct conf_arena_block *blocks; // owned; NULL: empty
};

// Zeroed memory, aligned for everything; lives until conf_arena_fini. NULL when there is none.
void *conf_arena_take(struct conf_arena *a, size_t bytes) MUST_USE;
void *conf_arena_take_array(struct conf_arena *a, size_t n, size_t bytes_each) MUST_USE;

// A copy with a NUL behind it. NULL when there is no memory.
const char *conf_arena_text(struct conf_arena *a, struct str s) MUST_USE;

// Wipes and frees; the arena is empty afterwards.
void conf_arena_fini(struct conf_arena *a);
DEFINE_AUTO_FINI(conf_arena)

#endif
