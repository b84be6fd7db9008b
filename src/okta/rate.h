// SPDX-License-Identifier: Apache-2.0
#ifndef OKTA_RATE_H
#define OKTA_RATE_H
// Okta's X-Rate-Limit-* headers (reference: rate limits, headers and 429).

#include "http/budget.h"
#include "http/client.h"

// Reads the rate limit and the Date from an answer's headers, any bytes. Where a header came
// several times (proxies do that) or holds several numbers, the smallest counts: the smallest
// positive one of Reset. `ret->present` is false when one of the three is missing or no number.
void okta_rate_read(const struct http_header *headers, size_t count, struct rate_headers *ret);

#endif
