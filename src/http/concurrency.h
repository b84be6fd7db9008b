// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_CONCURRENCY_H
#define HTTP_CONCURRENCY_H
// How many requests to one org may be in flight at once, whatever their buckets (Okta: concurrency
// limit, 75 of most orgs and 35 of small ones; okta-api section 2.2). Learned from what the org
// refuses. Pure. Loop thread only.

#include <stdint.h>

#include "http/budget.h"

struct concurrency {
    int most;      // at once: less when the limit refuses one, more again after rounds of answers
    int in_flight; // requests sent and not yet answered
    int by_class[BUDGET_CLASS_COUNT]; // of these
    int answers;                      // in a row, towards that one more
    int refused_at; // as many as were in flight, the refused one among them, were too many
    int told; // answers still to come of requests that were in flight when `most` was halved: what
              // they say has been heard
};

struct concurrency concurrency_make(void);

// 0: a request may go now (then call concurrency_sent). Otherwise milliseconds to wait before
// asking again (1..); worth asking earlier when an answer has come. No class takes all: a quarter
// is left to the others, and half by the backfill.
int64_t concurrency_wait_ms(const struct concurrency *c, enum budget_class class);
int concurrency_most_of(const struct concurrency *c, enum budget_class class); // at least 1
void concurrency_sent(struct concurrency *c, enum budget_class class);

// To be called for every request that was sent, once: as budget_answered.
void concurrency_answered(struct concurrency *c, enum budget_class class, int status,
                          const struct rate_headers *h);

#endif
