// SPDX-License-Identifier: Apache-2.0
// Any bytes as the value of a Link header field. What is found lies between < and > inside the
// value, and is then either no URL or has an origin that is the same when it is read again.
#include <stdio.h>

#include "http/url.h"
#include "okta/log.h"

#include "fuzz.h"

static void check_place(struct str value, struct str next) {
    MUST(next.n > 0);
    MUST(next.p > value.p && next.p + next.n < value.p + value.n);
    MUST(next.p[-1] == '<' && next.p[next.n] == '>');
    MUST(str_find_char(next, '>') == next.n);
}

static void check_origin(const struct http_origin *origin) {
    char text[512];
    int n = snprintf(text, sizeof text, "%s://%s:%d/", origin->scheme, origin->host, origin->port);
    MUST(n > 0 && n < (int)sizeof text);
    MUST(origin->port > 0 && origin->port <= 65535);
    struct http_origin again;
    if (http_origin_parse(str_from(text), &again, NULL) == 0) MUST(http_origin_eq(origin, &again));
    http_origin_is_loopback(origin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str value = {(const char *)data, size};
    struct str next;
    if (!okta_link_next(value, &next)) return 0;
    check_place(value, next);
    struct http_origin origin;
    struct fault fault = {{0}};
    int e = http_origin_parse(next, &origin, &fault);
    MUST(e == 0 || fault.text[0]);
    if (e == 0) check_origin(&origin);
    return 0;
}
