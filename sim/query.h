// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_QUERY_H
#define SIM_QUERY_H
// What a request to /api/v1/logs asks for, checked as Okta checks it (okta-api.md sections 1.1,
// 1.2, 1.4).

#include "sim/api-error.h"
#include "sim/args.h"
#include "sim/filter.h"
#include "sim/keywords.h"

enum { QUERY_LIMIT_DEFAULT = 100, QUERY_LIMIT_MAX = 1000 };

// Outcome of query_parse: refused; `error` says how.
enum { QUERY_E_REFUSED = 1 };

struct query {
    struct args args; // owns the bytes that the rest borrows
    bool polling;     // no until, ascending: the endless kind; else bounded
    bool ascending;
    int64_t since_ms; // inclusive
    int64_t until_ms; // exclusive; bounded only
    size_t limit;
    struct str after;      // absent: from the start
    struct filter *filter; // owned; NULL: none
    struct keywords q;
    // As given, for the next link; absent when they were not.
    struct str limit_text, filter_text, q_text, sort_text;
};

void query_fini(struct query *q);
DEFINE_AUTO_FINI(query)

// Reads the query part of a URL. Outcomes: 0; QUERY_E_REFUSED; -ENOMEM.
int query_parse(struct query *ret, struct str url_query, int64_t now_ms,
                struct api_error *error) MUST_USE;

// Appends the query part of the link to the page behind this one, which begins at `after`.
void query_add_next(struct buf *out, const struct query *q, struct str after);

#endif
