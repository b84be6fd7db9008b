// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_NONCES_H
#define SIM_NONCES_H
// The nonces that DPoP proofs carry: a new one every 24 hours, an old one works until three days
// after it was made (okta-api.md section 3.7).

#include <stdbool.h>
#include <stdint.h>

#include "base/rand.h"
#include "base/str.h"

enum { NONCES_KEPT = 64, NONCE_TEXT_MAX = 40 };

struct nonce {
    char text[NONCE_TEXT_MAX];
    int64_t made_ms;
};

struct nonces {
    struct nonce each[NONCES_KEPT]; // ring, the newest at (n - 1) % NONCES_KEPT
    uint64_t n;
    struct rand rand;
    int64_t period_ms; // how long one is given out
    int64_t life_ms;   // how long one works
};

struct nonces nonces_make(uint64_t seed);

// The one to give out now; makes it when its time has come. Borrowed until the next call.
const char *nonces_current(struct nonces *n, int64_t now_ms);

// Does this one work now?
bool nonces_accept(const struct nonces *n, struct str text, int64_t now_ms);

// From now on none of those given out works.
void nonces_rotate(struct nonces *n);

#endif
