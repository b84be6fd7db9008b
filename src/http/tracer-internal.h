// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_TRACER_INTERNAL_H
#define HTTP_TRACER_INTERNAL_H
// tracer.c (what is in a line), tracer-file.c (where lines go), and the client, which tells of its
// requests.

#include "base/buf.h"
#include "http/client.h"
#include "http/tracer.h"
#include "http/url.h"

enum {
    TRACE_FILE_BYTES = 1024 * 1024,
    TRACE_BODY_BYTES = TRACE_FILE_BYTES / 10,
    TRACE_FILES_KEPT = 5
};

// For the client. Never fail: trouble is kept for http_tracer_trouble. The number names the
// request in its answer's line.
uint64_t http_tracer_request(struct http_tracer *t, const struct http_request *request,
                             const struct http_origin *origin, const char *user_agent);
void http_tracer_response(struct http_tracer *t, uint64_t id, const struct http_response *response);
void http_tracer_cancelled(struct http_tracer *t, uint64_t id);
// What was written last, for tests.
struct str http_tracer_last_line(const struct http_tracer *t);

// tracer-file.c
struct trace_file {
    int directory; // descriptor; -1: none
    int fd;        // -1: not open
    size_t size;
    char *stem; // "http-request-trace-NAME"
};

// Outcomes: 0; -ENOMEM; -errno with fault.
int trace_file_open(struct trace_file *f, const char *directory, const char *name,
                    struct fault *fault) MUST_USE;
void trace_file_close(struct trace_file *f);
// All of the line or nothing. Outcomes: 0; -errno.
int trace_file_write(struct trace_file *f, struct str line, int64_t now_ms) MUST_USE;

#endif
