// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_REQUEST_H
#define SIM_REQUEST_H
// One HTTP request, as the simulator proper sees it: nothing in here knows the HTTP library.

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

enum { REQUEST_HEADERS_MAX = 64, REQUEST_ORIGIN_MAX = 1024, REQUEST_ADDRESS_MAX = 48 };

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
    char address[REQUEST_ADDRESS_MAX]; // the client's; "": not known
    int64_t waited_ms;                 // since it came, by the monotonic clock
    bool loopback;                     // the client is on this machine
    bool tls;
};

// The value of the first header of that name, found without case; absent (p == NULL).
struct str request_header(const struct request *r, const char *name);

// How many header fields of that name there are.
size_t request_header_count(const struct request *r, const char *name);

// Are the credentials an API token, with or without a blank behind "SSWS"? Then what stands there.
bool request_is_ssws(const struct request *r, struct str *ret_token);

// Appends scheme and authority as the client called them: "https://acme.okta.com".
void request_add_origin(struct buf *out, const struct request *r);

// Appends the path with every %XX decoded; what is not one stays as it is.
void request_add_decoded_path(struct buf *out, const struct request *r);

#endif
