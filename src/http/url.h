// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_URL_H
#define HTTP_URL_H
// URLs, as far as the program looks into them (RFC 3986, by libcurl's parser).

#include "base/buf.h"
#include "base/error.h"

// scheme://host:port with the default port filled in, lower case: "https://acme.okta.com:443".
struct http_origin {
    char scheme[8];
    char host[256];
    int port;
};

// Outcomes: 0; -EINVAL with fault (not an absolute http or https URL, or it carries a user name).
int http_origin_parse(struct str url, struct http_origin *ret, struct fault *fault) MUST_USE;
bool http_origin_eq(const struct http_origin *a, const struct http_origin *b);
bool http_origin_is_loopback(const struct http_origin *o);
// Appends scheme://host[:port], the default port left out.
void http_origin_add(struct buf *out, const struct http_origin *o);

// Appends the bytes percent-encoded, but for RFC 3986's unreserved characters: for queries and for
// forms.
void http_add_encoded(struct buf *out, struct str s);

// Appends name=value with percent-encoding to a query that is being built ('?' or '&' as needed).
void http_query_add(struct buf *url, const char *name, struct str value);

#endif
