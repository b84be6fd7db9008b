// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_TRACER_H
#define HTTP_TRACER_H
// The request tracer (Elastic's enable_request_tracer): every request and its answer as one line of
// JSON in http-request-trace-NAME.ndjson, 1 MB a file, five old ones kept. Credentials,
// assertions, proofs, nonces and cookies are masked, in headers, URLs and bodies, by name and
// wherever their value comes again. Loop thread only.

#include "base/error.h"

struct http_tracer;

// `directory` is made (0700) when it is missing; files are 0600. `name` is part of the file name;
// characters that do not belong there become '_'.
// Outcomes: 0; -ENOMEM; -errno with fault (what cannot be written, where).
int http_tracer_new(struct http_tracer **ret, const char *directory, const char *name,
                    struct fault *fault) MUST_USE;
struct http_tracer *http_tracer_free(struct http_tracer *t); // NULL-safe
DEFINE_AUTO_FREE(http_tracer)

// Whether lines have been lost (disk full, no memory) since the last one that was written, and why:
// true once each time that it begins. Requests are never disturbed by it.
bool http_tracer_trouble(struct http_tracer *t, struct fault *ret) MUST_USE;

// Deletes the files of a tracer that is switched off, if there are any. What cannot be deleted is
// said in `fault`. Outcomes: 0; -errno.
int http_tracer_delete(const char *directory, const char *name, struct fault *fault) MUST_USE;

#endif
