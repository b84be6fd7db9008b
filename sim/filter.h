// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_FILTER_H
#define SIM_FILTER_H
// SCIM expressions over events (okta-api.md section 1.6) and over users (section 4.1).
//
//   expr  := expr "or" expr | expr "and" expr | "not" "(" expr ")" | "(" expr ")" | test
//   test  := attribute "pr" | attribute operator value
//   value := JSON string | number | true | false
//
// "and" binds tighter than "or". Operators are read without case, attribute names with it. What
// attributes there are, and which operators they take, is a dialect's matter.

#include <stdbool.h>

#include "base/mem.h"
#include "sim/api-error.h"
#include "json/read.h"

enum { FILTER_NODES_MAX = 512, FILTER_DEPTH_MAX = 64, FILTER_PATH_MAX = 128 };

enum filter_op {
    FILTER_EQ,
    FILTER_NE,
    FILTER_GT,
    FILTER_GE,
    FILTER_LT,
    FILTER_LE,
    FILTER_CO,
    FILTER_SW,
    FILTER_EW,
    FILTER_PR,
    FILTER_OPS
};

struct filter_dialect {
    // Looks up an attribute as written and writes the names on its way through the object, each
    // ended by NUL, with one more NUL at the end. False when there is no such attribute.
    bool (*find)(struct str attribute, char *ret_path, size_t path_bytes);
    bool (*refuses)(struct str attribute, enum filter_op op);
    bool has_not;
    bool folds; // strings compare without case
    bool dates; // strings that are instants are put in order as such
};

extern const struct filter_dialect filter_logs;         // `filter` of the System Log
extern const struct filter_dialect filter_users;        // `filter` of users
extern const struct filter_dialect filter_users_search; // `search` of users

// Outcome of filter_compile: refused as the System Log refuses it; `error` says how.
enum { FILTER_E_REFUSED = 1 };

struct filter;

// Compiles a filter. Outcomes: 0; FILTER_E_REFUSED; -ENOMEM.
int filter_compile(struct filter **ret, const struct filter_dialect *dialect, struct str text,
                   struct api_error *error) MUST_USE;
struct filter *filter_free(struct filter *f);
DEFINE_AUTO_FREE(filter)

// Does the event or user match? An attribute with several values matches when one of them does;
// `ne` is the opposite of `eq`, so it holds for what is absent.
bool filter_match(const struct filter *f, const struct json *event);

// Is the whole filter `attribute eq "value"`? Then only objects with that value can match. The
// value is borrowed from the filter; absent: it is something else.
struct str filter_only_value(const struct filter *f, const char *attribute);

#endif
