// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_REPLY_H
#define SIM_REPLY_H
// One HTTP answer: status, headers, body, and the way in which the body goes out.

#include "base/buf.h"
#include "sim/request.h"

enum reply_delivery {
    REPLY_WHOLE,
    REPLY_NOTHING, // the connection is closed without an answer
    REPLY_SILENCE, // no answer, until the client goes away
    REPLY_RESET,   // closed after `deliver_bytes` of the body
    REPLY_SLOW,    // `step_bytes` at a time, `delay_ms` between
    REPLY_STALL,   // nothing more after `deliver_bytes`, until the client goes away
    REPLY_AGAIN,   // not yet: the request is to be asked again after `delay_ms`, or sooner when
                   // something has happened
};

enum { REPLY_HEADERS_MAX = 32, REPLY_BODY_MAX = 1 << 30 };

struct reply {
    int status;
    struct buf text; // names and values of the headers
    struct reply_header {
        size_t name, value; // where they begin in `text`; both end with NUL
    } headers[REPLY_HEADERS_MAX];
    size_t n_headers;
    struct buf body;
    enum reply_delivery delivery;
    size_t deliver_bytes, step_bytes;
    int64_t delay_ms;
    bool counted; // is one of the requests in progress (limits_leave when it is over)
    bool chunked; // without Content-Length
};

struct reply reply_make(void);
void reply_fini(struct reply *r);
DEFINE_AUTO_FINI(reply)

// Adds a header; one name may occur several times. Failures stick in `text`.
void reply_header(struct reply *r, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);

// Is everything that was appended there? Outcomes: 0; -ENOMEM; -EMSGSIZE.
int reply_check(const struct reply *r) MUST_USE;

// Replaces the body by its gzip form and says so in a header. Outcomes: 0; -ENOMEM; -EIO.
int reply_gzip(struct reply *r) MUST_USE;

#endif
