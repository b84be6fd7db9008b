// SPDX-License-Identifier: Apache-2.0
// Blocks in a list; each is filled from its front. A piece that does not fit starts a new block.
#include "conf/arena.h"

#include <stdalign.h>
#include <stdint.h>

enum { BLOCK_BYTES = 8192, ALIGNMENT = alignof(max_align_t) };

struct conf_arena_block {
    struct conf_arena_block *next;
    size_t used, bytes;
    alignas(max_align_t) char data[];
};

static struct conf_arena_block *add_block(struct conf_arena *a, size_t bytes) {
    size_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    if (room > SIZE_MAX / 2) return NULL;
    struct conf_arena_block *block = mem_new(sizeof *block + room);
    if (!block) return NULL;
    block->bytes = room;
    block->next = a->blocks;
    a->blocks = block;
    return block;
}

void *conf_arena_take(struct conf_arena *a, size_t bytes) {
    if (bytes > SIZE_MAX / 4) return NULL;
    size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct conf_arena_block *block = a->blocks;
    if (!block || block->bytes - block->used < rounded) block = add_block(a, rounded);
    if (!block) return NULL;
    void *piece = block->data + block->used;
    block->used += rounded;
    return piece;
}

void *conf_arena_take_array(struct conf_arena *a, size_t n, size_t bytes_each) {
    size_t bytes;
    if (__builtin_mul_overflow(n, bytes_each, &bytes)) return NULL;
    return conf_arena_take(a, bytes);
}

const char *conf_arena_text(struct conf_arena *a, struct str s) {
    char *copy = conf_arena_take(a, s.n + 1);
    if (copy && s.n) memcpy(copy, s.p, s.n);
    return copy;
}

void conf_arena_fini(struct conf_arena *a) {
    while (a->blocks) {
        struct conf_arena_block *block = a->blocks;
        a->blocks = block->next;
        explicit_bzero(block->data, block->used);
        free(block);
    }
}
