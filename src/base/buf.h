// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_BUF_H
#define BASE_BUF_H
// A growing byte buffer with a maximum that is set when it is made.
//
// Appending never needs checking call by call: the first failure (-ENOMEM, or -EMSGSIZE past the
// maximum) sticks in `error`, later appends do nothing, and the caller asks once at the end.

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

struct buf {
    char *p;    // owned; not NUL-terminated
    size_t n;   // bytes used
    size_t cap; // bytes allocated
    size_t max; // bytes allowed
    int error;  // 0, -ENOMEM or -EMSGSIZE
};

// An empty buffer that may grow to `max_bytes`. Nothing is allocated yet.
static inline struct buf buf_make(size_t max_bytes) { return (struct buf){.max = max_bytes}; }

// Frees the bytes; the buffer can be used again with the same maximum.
void buf_fini(struct buf *b);
DEFINE_AUTO_FINI(buf)

// The same for a buffer that held a secret: the bytes are overwritten first.
void buf_wipe(struct buf *b);
#define AUTO_WIPED __attribute__((cleanup(buf_wipe)))

// Forgets content and error but keeps the memory.
static inline void buf_reset(struct buf *b) {
    b->n = 0;
    b->error = 0;
}

// Shortens to n bytes (no effect when it is shorter).
static inline void buf_cut(struct buf *b, size_t n) {
    if (n < b->n) b->n = n;
}

// Gives memory back when the capacity has passed `keep_bytes`; content is lost.
void buf_shrink(struct buf *b, size_t keep_bytes);

// Makes room for `more` bytes. False (and error set) when that is not possible.
bool buf_reserve_slow(struct buf *b, size_t more);
static inline bool buf_reserve(struct buf *b, size_t more) {
    if (__builtin_expect(!b->error && b->cap - b->n >= more, 1)) return true;
    return buf_reserve_slow(b, more);
}

static inline void buf_add(struct buf *b, const void *p, size_t n) {
    if (n == 0 || !buf_reserve(b, n)) return;
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

static inline void buf_add_str(struct buf *b, struct str s) { buf_add(b, s.p, s.n); }
static inline void buf_addz(struct buf *b, const char *z) { buf_add(b, z, strlen(z)); }

static inline void buf_addc(struct buf *b, char c) {
    if (buf_reserve(b, 1)) b->p[b->n++] = c;
}

void buf_addf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_addv(struct buf *b, const char *format, va_list args) PRINTF_LIKE(2, 0);

// Decimal digits.
void buf_add_u64(struct buf *b, uint64_t value);
void buf_add_i64(struct buf *b, int64_t value);

// Two lower-case hex digits a byte.
void buf_add_hex(struct buf *b, const void *bytes, size_t n);

// The content, borrowed until the next append.
static inline struct str buf_str(const struct buf *b) { return (struct str){b->p, b->n}; }

// The content as a C string, borrowed until the next append; NULL when there is no memory.
const char *buf_z(struct buf *b) MUST_USE;

// Hands the content over as a malloc'ed C string; the buffer is empty afterwards. NULL on error.
char *buf_take(struct buf *b) MUST_USE;

#endif
