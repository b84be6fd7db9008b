// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H
// What is to go wrong: a list of rules, each for the next N requests to one place that it fits, or
// for a share of them drawn from a seed.
//
// A kind belongs to a slot; of each slot at most one rule takes effect on a request. So a slow body
// and a short page can meet, a 500 and a 503 cannot. A rule is used up only where it takes effect:
// a missing next link needs a page that has one.

#include <stdbool.h>

#include "base/rand.h"
#include "json/read.h"

enum fault_slot { FAULT_INSTEAD, FAULT_PAGE, FAULT_EVENT, FAULT_LINK, FAULT_BODY, FAULT_HEADERS };

enum fault_kind {
    FAULT_RATE_LIMIT,
    FAULT_CONCURRENCY,
    FAULT_500,
    FAULT_503,
    FAULT_504,
    FAULT_RESET_BEFORE,
    FAULT_STALL_BEFORE,
    FAULT_BAD_CURSOR,
    FAULT_SHORT_PAGE,
    FAULT_EMPTY_PAGE,
    FAULT_DUPLICATE,
    FAULT_HUGE_EVENT,
    FAULT_DEEP_JSON,
    FAULT_FOREIGN_LINK,
    FAULT_HTTP_LINK,
    FAULT_MISSING_NEXT,
    FAULT_RESET_BODY,
    FAULT_SLOW_BODY,
    FAULT_STALL_BODY,
    FAULT_WRONG_JSON,
    FAULT_HTML,
    FAULT_NOT_ARRAY,
    FAULT_SKEWED_DATE,
    FAULT_NO_RATE_HEADERS,
    FAULT_EXPIRED_TOKEN,
    FAULT_USE_DPOP_NONCE,
    FAULT_INVALID_CLIENT,
    FAULT_ACCESS_DENIED,
    FAULT_UNAVAILABLE,
    FAULT_DEAD_TOKEN,
    FAULT_KINDS
};

// Where a rule strikes; one bit each.
enum {
    FAULT_AT_LOGS = 1,
    FAULT_AT_TOKEN = 2,
    FAULT_AT_USERS = 4,
    FAULT_AT_FACTORS = 8,
    FAULT_AT_VERIFY = 16,
    FAULT_AT_POLL = 32, // and cancel
};

enum { FAULT_HOST_MAX = 128 };

struct fault_rule {
    enum fault_kind kind;
    unsigned places; // FAULT_AT_...
    bool by_count;
    int64_t count;      // how often it will take effect yet
    double probability; // else
    struct rand rand;
    // Parameters; what a kind does with them is in docs/simulator.md. -1: not given.
    int64_t n;                 // events, levels, bytes or seconds
    int64_t delay_ms;          // slow_body
    int64_t total_ms;          // slow_body
    char text[FAULT_HOST_MAX]; // foreign_link: host; wrong_json: style; 500: code
};

struct faults {
    struct fault_rule *rules;
    size_t n, cap;
    uint64_t applied[FAULT_KINDS];
};

// Outcome of faults_add: the object is not a fault; `fault` says why.
enum { FAULTS_E_BAD = 1 };

void faults_fini(struct faults *f);

// Adds a rule from {kind, path?, count | probability, seed?, ...}. Without a path: logs, or the
// only place that the kind has. Without count and probability: the next request. Outcomes: 0;
// FAULTS_E_BAD; -ENOMEM.
int faults_add(struct faults *f, const struct json *object, struct fault *fault) MUST_USE;

void faults_clear(struct faults *f);

// The first rule of the slot and place that strikes now and whose kind is in `fits` (bit per kind),
// counted as used; NULL. Borrowed until the next faults_add or faults_clear.
const struct fault_rule *faults_draw(struct faults *f, enum fault_slot slot, unsigned place,
                                     uint64_t fits);

// Every kind fits.
#define FAULTS_ANY UINT64_MAX
#define FAULT_BIT(kind) ((uint64_t)1 << (kind))

const char *fault_kind_name(enum fault_kind kind);

// How many effects the rules have in store; rules by probability count as one.
size_t faults_left(const struct faults *f);

#endif
