// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_BUDGET_H
#define HTTP_BUDGET_H
// The rate budget of one org and bucket: when may the next request go, so that no 429 is ever
// provoked? Follows X-Rate-Limit-Limit, -Remaining and -Reset (Okta: rate limits); Reset is
// compared with the Date of the same response, never with the local clock. Pure: time comes in as
// an argument. Loop thread only.

#include <stdbool.h>
#include <stdint.h>

#include "base/rand.h"

// Who draws from the budget; the first class goes first. A later class leaves to the earlier ones
// what these used in the window before.
enum budget_class { BUDGET_PUSH, BUDGET_COLLECTION, BUDGET_BACKFILL };
enum { BUDGET_CLASS_COUNT = BUDGET_BACKFILL + 1 };

struct budget {
    // settings
    double early_limit; // <1: stop when this fraction of the limit is used; >=1: stop when so many
                        // requests remain (Elastic's two meanings of rate_limit_early_limit)
    // what is known
    bool known;            // a response with the headers has been seen
    int64_t limit;         // requests in a window, as told
    int64_t remaining;     // the lowest told in this window; what is in flight or lost comes off it
    int64_t reset_s;       // when the window ends, as told
    int64_t reset_mono_ms; // when it has ended for certain, by the monotonic clock
    int in_flight;         // requests sent and not yet answered
    int lost;              // requests of this window that will never be answered
    int64_t not_before_mono_ms;               // no request before this instant (429)
    int64_t spent[BUDGET_CLASS_COUNT];        // requests sent in this window, by class
    int64_t spent_before[BUDGET_CLASS_COUNT]; // and in the window before
    int64_t refused;                          // 429s, ever
    int refusals;     // 429s in a row that did not say when to come back (concurrency, no headers)
    struct rand rand; // jitter
};

// `early_limit` as in the settings (0 when not set means the default share of 90 %).
struct budget budget_make(double early_limit, uint64_t seed);

// 0: a request may go now (then call budget_sent). Otherwise milliseconds to wait before asking
// again (1..); worth asking earlier when an answer has come. While nothing is known, and when a
// window has ended, one request at a time may go. At least one request of every window may go,
// however strict the early limit.
int64_t budget_wait_ms(const struct budget *b, enum budget_class class, int64_t mono_ms);
void budget_sent(struct budget *b, enum budget_class class);

struct rate_headers {
    bool present; // Limit, Remaining and Reset were there and made sense
    int64_t limit, remaining;
    int64_t reset_s; // epoch seconds; the smallest where several came
    int64_t date_ms; // Date of the same response; 0 when absent
};

// Whether a 429 with these headers was the concurrency limit, which Okta marks by zeros.
bool budget_is_concurrency(int status, const struct rate_headers *h);

// To be called for every request that was sent, once: with its answer's status and headers, or
// status 0 when none came.
void budget_answered(struct budget *b, int status, const struct rate_headers *h, int64_t mono_ms);

// Requests used of the window's limit, for people; false when nothing is known.
bool budget_used(const struct budget *b, int64_t mono_ms, int64_t *ret_used, int64_t *ret_limit);

#endif
