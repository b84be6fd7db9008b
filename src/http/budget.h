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

struct budget {
    // settings
    double
        early_limit; // 0: use all; <1: stop when this fraction of the limit is used; >=1: stop when
                     // so many requests remain (Elastic's two meanings of rate_limit_early_limit)
    // what is known
    bool known;                 // a response with the headers has been seen in the current window
    int64_t limit, remaining;   // as told, less what has been sent since
    int64_t reset_mono_ms;      // when the window ends, by the monotonic clock
    int in_flight;              // requests sent and not yet answered
    int64_t not_before_mono_ms; // no request before this instant (429, concurrency)
    int concurrency_failures;   // concurrency 429s in a row
    struct rand rand;           // jitter
};

// `early_limit` as in the settings (0 when not set means the default share of 90 %).
struct budget budget_make(double early_limit, uint64_t seed);

// 0: a request may go now (then call budget_sent). Otherwise milliseconds to wait before asking
// again (1..). While nothing is known, one request at a time may go.
int64_t budget_wait_ms(const struct budget *b, int64_t mono_ms);
void budget_sent(struct budget *b);

struct rate_headers {
    bool present; // Limit, Remaining and Reset were there and made sense
    int64_t limit, remaining;
    int64_t reset_s; // epoch seconds; the smallest where several came
    int64_t date_ms; // Date of the same response; 0 when absent or absurd
};

// To be called for every answer (status 0: none came). Kinds of 429 are told apart: Limit 0 is
// concurrency.
void budget_answered(struct budget *b, int status, const struct rate_headers *h, int64_t mono_ms);

// Requests used of the window's limit, for people; false when nothing is known.
bool budget_used(const struct budget *b, int64_t mono_ms, int64_t *ret_used, int64_t *ret_limit);

#endif
