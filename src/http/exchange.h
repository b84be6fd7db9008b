// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H
// HTTP requests that block their thread until the answer is there: for sinks, which work in jobs.
// The same options, TLS and care as http/client.h, without a loop. Connections are kept and used
// again. An exchange serves one thread at a time.

#include <stdatomic.h>

#include "http/client.h"

struct http_exchange;

// As http_client_new. Outcomes: 0; -ENOMEM; -EINVAL with fault.
int http_exchange_new(struct http_exchange **ret, const struct http_client_opts *opts,
                      struct fault *fault) MUST_USE;
struct http_exchange *http_exchange_free(struct http_exchange *x); // NULL-safe, returns NULL
DEFINE_AUTO_FREE(http_exchange)

// Sends and waits for the answer, or for the reason why there is none (ret->result). `stop` (may be
// NULL) gives the request up within a few tenths of a second when it is set. request->done and ctx
// are not used; the body is not copied. A request may be sent a second time by libcurl when a kept
// connection was dead, so `repeatable` says whether that does no harm; else a connection of its own
// is used. `ret` borrows from the exchange until its next use. Outcomes: 0; -ENOMEM; -EINVAL (URL,
// method); -ECANCELED (`stop`).
int http_exchange_send(struct http_exchange *x, const struct http_request *request, bool repeatable,
                       const atomic_bool *stop, struct http_response *ret) MUST_USE;

#endif
