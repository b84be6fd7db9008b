// SPDX-License-Identifier: Apache-2.0
// A multiply-and-fold hash: each 16 bytes are multiplied with the state as two 64-bit halves and
// the 128-bit product is folded. Bytes are read in little-endian order, so the value is the same
// everywhere.
#include "base/hash.h"

#include "base/word.h"

static const uint64_t K0 = 0x9E3779B97F4A7C15u;
static const uint64_t K1 = 0xD6E8FEB86659FD93u;
static const uint64_t K2 = 0xA0761D6478BD642Fu;

__extension__ typedef unsigned __int128 u128;

static uint64_t fold(uint64_t a, uint64_t b) {
    u128 product = (u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// Fewer than eight bytes.
static uint64_t load_some(const char *p, size_t n) {
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) value |= (uint64_t)(unsigned char)p[i] << (8 * i);
    return value;
}

uint64_t hash64(struct str s, uint64_t seed) {
    uint64_t h = fold(seed ^ K0, (uint64_t)s.n ^ K1);
    while (s.n >= 16) {
        h = fold(word_load(s.p) ^ h ^ K1, word_load(s.p + WORD_BYTES) ^ K2);
        s = str_sub(s, 16, s.n);
    }
    bool whole = s.n >= WORD_BYTES;
    uint64_t a = whole ? word_load(s.p) : load_some(s.p, s.n);
    uint64_t b = whole ? load_some(s.p + WORD_BYTES, s.n - WORD_BYTES) : 0;
    h = fold(a ^ h ^ K1, b ^ K2);
    return fold(h ^ K0, K2 ^ h);
}

struct hash128 hash128(struct str s) {
    return (struct hash128){.lo = hash64(s, 0), .hi = hash64(s, K2)};
}
