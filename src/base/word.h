// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_WORD_H
#define BASE_WORD_H
// Eight bytes of text at once, in one machine word: the first byte is the lowest.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WORD_BYTES = 8 };

// Every byte of the result is `c`.
static inline uint64_t word_of(unsigned char c) { return 0x0101010101010101u * c; }

static inline uint64_t word_load(const char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

// Four bytes, likewise.
static inline uint32_t word_load_half(const char *p) {
    uint32_t half;
    memcpy(&half, p, sizeof half);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    half = __builtin_bswap32(half);
#endif
    return half;
}

// Zero when no byte is `c`; else the lowest bit that is set tells the first such byte (word_first).
static inline uint64_t word_find(uint64_t word, unsigned char c) {
    uint64_t x = word ^ word_of(c);
    return (x - word_of(1)) & ~x & word_of(0x80);
}

// Which byte the lowest bit of a mask (not zero) is in: 0..7.
static inline size_t word_first(uint64_t mask) { return (size_t)__builtin_ctzll(mask) / 8; }

#endif
