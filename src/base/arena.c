// SPDX-License-Identifier: Apache-2.0
// Blocks in a list; each is filled from its front. A piece that does not fit starts a new block,
// twice as large as the last one, so that something small takes little and something large few
// blocks.
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>

enum { BLOCK_BYTES = 256, BLOCK_BYTES_MAX = 32768, ALIGNMENT = alignof(max_align_t) };

struct arena_block {
    struct arena_block *next;
    size_t used, bytes;
    alignas(max_align_t) char data[];
};

static struct arena_block *add_block(struct arena *a, size_t bytes) {
    size_t room = a->blocks ? a->blocks->bytes * 2 : BLOCK_BYTES;
    if (room > BLOCK_BYTES_MAX) room = BLOCK_BYTES_MAX;
    if (room < bytes) room = bytes;
    if (room > SIZE_MAX / 2) return NULL;
    struct arena_block *block = mem_new(sizeof *block + room);
    if (!block) return NULL;
    block->bytes = room;
    block->next = a->blocks;
    a->blocks = block;
    return block;
}

void *arena_take(struct arena *a, size_t bytes) {
    if (bytes > SIZE_MAX / 4) return NULL;
    size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct arena_block *block = a->blocks;
    if (!block || block->bytes - block->used < rounded) block = add_block(a, rounded);
    if (!block) return NULL;
    void *piece = block->data + block->used;
    block->used += rounded;
    return piece;
}

void *arena_take_array(struct arena *a, size_t n, size_t bytes_each) {
    size_t bytes;
    if (__builtin_mul_overflow(n, bytes_each, &bytes)) return NULL;
    return arena_take(a, bytes);
}

const char *arena_text(struct arena *a, struct str s) {
    char *copy = arena_take(a, s.n + 1);
    if (copy && s.n) memcpy(copy, s.p, s.n);
    return copy;
}

bool arena_copy(struct arena *a, struct str s, struct str *ret) {
    const char *copy = arena_text(a, s);
    if (!copy) return false;
    *ret = (struct str){copy, s.n};
    return true;
}

void arena_fini(struct arena *a) {
    while (a->blocks) {
        struct arena_block *block = a->blocks;
        a->blocks = block->next;
        explicit_bzero(block->data, block->used);
        free(block);
    }
}
