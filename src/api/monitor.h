// SPDX-License-Identifier: Apache-2.0
#ifndef API_MONITOR_H
#define API_MONITOR_H
// A small HTTP server (libmicrohttpd) for those who watch the program: /metrics, /healthz and
// /readyz, by GET and HEAD, one request a connection, few connections at once, on one thread of its
// own. It knows nothing itself: what is to be said it asks for.

#include "base/error.h"

struct monitor;

enum monitor_page { MONITOR_METRICS, MONITOR_HEALTH, MONITOR_READY };
enum { MONITOR_PAGES = MONITOR_READY + 1 };

struct monitor_opts {
    const char *address; // "127.0.0.1:9600", "[::1]:0"; wherever it is, it is plain http
    // The page's text, appended to `ret_body` (borrowed; of any size). Called on the server's
    // thread, one request after another; may block for a moment. Gives the HTTP status.
    int (*answer)(void *ctx, enum monitor_page page, struct buf *ret_body);
    void *ctx;
};

// Listens and serves. Outcomes: 0; -EINVAL, -EADDRINUSE, ... with fault.
int monitor_new(struct monitor **ret, const struct monitor_opts *opts,
                struct fault *fault) MUST_USE;
// Ends the thread; what is being asked is answered first. NULL-safe; returns NULL.
struct monitor *monitor_free(struct monitor *m);
DEFINE_AUTO_FREE(monitor)

// "127.0.0.1:9600", with the port that was given for 0. Borrowed.
const char *monitor_address(const struct monitor *m);

#endif
