// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>

void buf_fini(struct buf *b) {
    free(b->p);
    *b = buf_make(b->max);
}

void buf_wipe(struct buf *b) {
    if (b->p) explicit_bzero(b->p, b->cap);
    buf_fini(b);
}

void buf_shrink(struct buf *b, size_t keep_bytes) {
    if (b->cap > keep_bytes) buf_fini(b);
    buf_reset(b);
}

bool buf_reserve_slow(struct buf *b, size_t more) {
    if (b->error) return false;
    if (more > b->max || b->n > b->max - more) {
        b->error = -EMSGSIZE;
        return false;
    }
    if (b->cap - b->n >= more) return true;

    size_t want = b->n + more;
    size_t cap = b->cap ? b->cap : 256;
    while (cap < want) cap += cap / 2;
    if (cap > b->max) cap = b->max;
    char *p = realloc(b->p, cap);
    if (!p) {
        b->error = -ENOMEM;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void buf_addv(struct buf *b, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n >= 0 && buf_reserve(b, (size_t)n + 1)) {
        vsnprintf(b->p + b->n, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void buf_addf(struct buf *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    buf_addv(b, format, args);
    va_end(args);
}

void buf_add_hex(struct buf *b, const void *bytes, size_t n) {
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++) {
        buf_addc(b, digits[p[i] >> 4]);
        buf_addc(b, digits[p[i] & 15]);
    }
}

void buf_add_u64(struct buf *b, uint64_t value) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_add(b, digits + at, sizeof digits - at);
}

void buf_add_i64(struct buf *b, int64_t value) {
    if (value < 0) buf_addc(b, '-');
    buf_add_u64(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

const char *buf_z(struct buf *b) {
    if (b->error || !buf_reserve(b, 1)) return NULL;
    b->p[b->n] = '\0';
    return b->p;
}

char *buf_take(struct buf *b) {
    if (!buf_z(b)) return NULL;
    char *p = b->p;
    *b = buf_make(b->max);
    return p;
}
