// SPDX-License-Identifier: Apache-2.0
#ifndef API_HTTP_FORM_H
#define API_HTTP_FORM_H
// Queries and form bodies (application/x-www-form-urlencoded) as JSON objects of strings. Pure.

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

enum { HTTP_FORM_PAIRS_MAX = 1000 };

enum { HTTP_FORM_E_BAD = 1, HTTP_FORM_E_MANY = 2 };

// A form body: values of a repeated name are joined with commas. Appends the object. Outcomes: 0;
// HTTP_FORM_E_BAD: a bad percent sign, or a semicolon; HTTP_FORM_E_MANY: over 1000 pairs; -ENOMEM.
int http_form_write(struct buf *out, struct str body) MUST_USE;

// What a query says besides the values.
struct http_query {
    bool help;     // help=anything but nothing
    bool has_list; // list=...
    bool list;     // its value, as Go reads a bool
    bool list_bad; // a value that is no bool
    bool any;      // something was written
};
// A query: pairs that cannot be read are passed over; a repeated name becomes an array of strings;
// `help` is left out, and `list` too unless `keep_list`. Appends the object. Outcomes: 0;
// HTTP_FORM_E_MANY; -ENOMEM.
int http_query_write(struct http_query *ret, struct buf *out, struct str query,
                     bool keep_list) MUST_USE;

// 1, t, T, true, TRUE, True; 0, f, F, false, FALSE, False. False: something else.
bool http_bool(struct str text, bool *ret) MUST_USE;

#endif
