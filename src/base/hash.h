// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_HASH_H
#define BASE_HASH_H
// Hashes for tables and for recognising bytes; not for secrets.

#include <stdint.h>

#include "base/str.h"

struct hash128 {
    uint64_t lo, hi;
};

// 64 and 128 bits over the bytes; the same on every machine and in every release (they are stored).
uint64_t hash64(struct str s, uint64_t seed);
struct hash128 hash128(struct str s);

static inline int hash128_eq(struct hash128 a, struct hash128 b) {
    return a.lo == b.lo && a.hi == b.hi;
}

#endif
