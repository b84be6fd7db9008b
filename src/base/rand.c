// SPDX-License-Identifier: Apache-2.0
#include "base/rand.h"

// splitmix64, as the authors of xoshiro recommend for seeding.
static uint64_t mix(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

struct rand rand_make(uint64_t seed) {
    struct rand r;
    for (int i = 0; i < 4; i++) r.s[i] = mix(&seed);
    return r;
}

static uint64_t rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

uint64_t rand_next(struct rand *r) {
    uint64_t result = rotate(r->s[1] * 5, 7) * 9;
    uint64_t t = r->s[1] << 17;
    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = rotate(r->s[3], 45);
    return result;
}

uint64_t rand_below(struct rand *r, uint64_t n) {
    uint64_t limit = UINT64_MAX - UINT64_MAX % n;
    uint64_t x = rand_next(r);
    while (x >= limit) x = rand_next(r);
    return x % n;
}

double rand_unit(struct rand *r) { return (double)(rand_next(r) >> 11) * 0x1.0p-53; }
