// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_GENERATE_H
#define SIM_GENERATE_H
// Events of a company that does not exist: its people sign in, are challenged, use applications;
// its administrators change things; attackers try. The same seed, times and order of calls give the
// same events; no two events are alike, and no uuid comes twice.

#include "sim/store.h"

struct generator;

struct generate_opts {
    size_t n;
    uint64_t seed;
    int64_t from_ms, until_ms; // published lies between; nothing is persisted after `until_ms`
};

// The company itself comes from this seed and stays. Outcomes: 0; -ENOMEM.
int generator_new(struct generator **ret, uint64_t seed) MUST_USE;
struct company;

// Where it happens; borrowed.
const struct company *generator_company(const struct generator *g);

struct generator *generator_free(struct generator *g);
DEFINE_AUTO_FREE(generator)

// Adds exactly opts->n events to the store and settles it. Outcomes: 0; -ENOMEM; -EFBIG.
int generator_run(struct generator *g, const struct generate_opts *opts,
                  struct store *store) MUST_USE;

#endif
