// SPDX-License-Identifier: Apache-2.0
#ifndef OKTA_LOG_H
#define OKTA_LOG_H
// Okta's System Log, GET /api/v1/logs: one page at a time, as Okta's reference tells it.
// Polling queries (no `until`) are ordered by persistence and have endless next links; bounded ones
// (since and until) are ordered by published and end with a page without next link. Loop thread
// only.

#include "okta/org.h"

// What became of a request for a page.
enum okta_log_result {
    OKTA_LOG_PAGE,         // body is a page; next is set, but for the last page of a bounded query
    OKTA_LOG_RATE_LIMITED, // 429: ask again after wait_ms
    OKTA_LOG_RETRY,       // network, 5xx, timeout, cut off: ask again with backoff; fault says what
    OKTA_LOG_BAD_CURSOR,  // 400 (or 404/410) to a request with a cursor: the cursor is refused
    OKTA_LOG_REFUSED,     // 401, 403: credentials or role; fault says what to do about it
    OKTA_LOG_BAD_REQUEST, // 400 to a request without a cursor, 404: settings wrong; fault says
    OKTA_LOG_BAD_PAGE,    // 200, but not what a page is (HTML, no next link, too large): ask again;
                          // fault says
    OKTA_LOG_FOREIGN_LINK, // the next link leaves the org: page not used; fault says
};
const char *okta_log_result_name(enum okta_log_result r);

struct okta_log_answer {
    enum okta_log_result result;
    struct fault fault; // one line for a person, never a secret
    int status;
    struct str error_code; // Okta's errorCode where there is one
    struct str request_id; // x-okta-request-id
    struct str body;       // the page; borrowed from request->into
    struct str next;  // absolute URL of rel="next", checked to be the org's; borrowed. Absent: the
                      // end of a bounded query
    int64_t date_ms;  // the response's Date; 0 when absent
    int64_t wait_ms;  // for OKTA_LOG_RATE_LIMITED
    bool concurrency; // the 429 was the concurrency limit
    const struct http_response *http; // details for `test okta`; borrowed
};

struct okta_log_request {
    const char *url;         // okta_log_first_url's, or a stored next link
    enum budget_class class; // who asks: BUDGET_COLLECTION, BUDGET_BACKFILL
    struct buf *into;        // takes the body
    void (*done)(void *ctx,
                 const struct okta_log_answer *answer); // on the loop, once unless cancelled
    void *ctx;
    bool want_certificate;
};

// The URL of a first request: url?limit=N&sortOrder=ASCENDING&since=... (milliseconds and Z).
void okta_log_first_url(struct buf *ret, const char *url, int64_t since_ms, int limit);

// The URL of the first request of a bounded query: since counts in, until does not (okta-api
// section 1.2). Both in milliseconds since 1970.
void okta_log_window_url(struct buf *ret, const char *url, int64_t since_ms, int64_t until_ms,
                         int limit);

// Whether the URL's origin is the org's own (scheme, host, port).
bool okta_log_is_own(const struct okta_org *org, struct str url);

// Asks for a page as soon as the rate budget lets it go. `*ret` is valid until `done`.
// Outcomes: 0; -ENOMEM; -EINVAL (a URL that leaves the org: nothing is sent).
struct okta_log_call;
int okta_log_get(struct okta_org *org, const struct okta_log_request *request,
                 struct okta_log_call **ret) MUST_USE;
struct okta_log_call *okta_log_cancel(struct okta_log_call *call); // NULL-safe; returns NULL

// Link header fields (RFC 8288): the target of the first link whose rel contains "next", in one
// value that may hold several links. Borrowed from `value`; false when there is none. For fuzzing
// and tests, too.
bool okta_link_next(struct str value, struct str *ret);

#endif
