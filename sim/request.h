// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_REQUEST_H
#define SIM_REQUEST_H
// One HTTP request, as the simulator proper sees it: nothing in here knows the HTTP library.

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum { REQUEST_HEADERS_MAX = 64 };

struct request_header {
    struct str name, value;
};

struct request {
    struct str method;
    struct str path;  // not decoded
    struct str query; // what stands behind "?", not decoded; absent when there is no "?"
    struct request_header headers[REQUEST_HEADERS_MAX];
    size_t n_headers;
    struct str body;
    bool loopback; // the client is on this machine
    bool tls;
};

// The value of a header, found without case; absent (p == NULL).
struct str request_header(const struct request *r, const char *name);

#endif
