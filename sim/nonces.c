// SPDX-License-Identifier: Apache-2.0
#include "sim/nonces.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/time.h"

struct nonces nonces_make(uint64_t seed) {
    return (struct nonces){.rand = rand_make(seed ^ UINT64_C(0x6e6f6e6365)),
                           .period_ms = TIME_DAY_MS,
                           .life_ms = 3 * (int64_t)TIME_DAY_MS};
}

static const struct nonce *newest(const struct nonces *n) {
    return n->n ? &n->each[(n->n - 1) % NONCES_KEPT] : NULL;
}

const char *nonces_current(struct nonces *n, int64_t now_ms) {
    const struct nonce *last = newest(n);
    if (last && now_ms - last->made_ms < n->period_ms) return last->text;
    struct nonce *made = &n->each[n->n++ % NONCES_KEPT];
    made->made_ms = now_ms;
    uint64_t high = rand_next(&n->rand), low = rand_next(&n->rand);
    snprintf(made->text, sizeof made->text, "%016" PRIx64 "%016" PRIx64, high, low);
    return made->text;
}

bool nonces_accept(const struct nonces *n, struct str text, int64_t now_ms) {
    uint64_t kept = n->n < NONCES_KEPT ? n->n : NONCES_KEPT;
    for (uint64_t i = n->n - kept; i < n->n; i++) {
        const struct nonce *nonce = &n->each[i % NONCES_KEPT];
        if (str_eqz(text, nonce->text)) return now_ms - nonce->made_ms < n->life_ms;
    }
    return false;
}

void nonces_rotate(struct nonces *n) { n->n = 0; }
