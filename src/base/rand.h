// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_RAND_H
#define BASE_RAND_H
// Seeded pseudo-random numbers (xoshiro256**), for jitter, generated data and fault schedules.
// The same seed gives the same sequence on every machine. Never for secrets.

#include <stdint.h>

struct rand {
    uint64_t s[4];
};

struct rand rand_make(uint64_t seed);
uint64_t rand_next(struct rand *r);
uint64_t rand_below(struct rand *r, uint64_t n); // 0..n-1; n > 0
double rand_unit(struct rand *r);                // 0 <= x < 1

#endif
