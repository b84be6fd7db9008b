// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_ARGS_H
#define SIM_ARGS_H
// The arguments of a URL's query, decoded (application/x-www-form-urlencoded).

#include <stdbool.h>

#include "base/buf.h"

enum { ARGS_MAX = 32 };

// Outcome of args_parse: a % without two hexadecimal digits, or more than ARGS_MAX arguments.
enum { ARGS_E_BAD = 1 };

struct args {
    struct buf bytes; // names and values, decoded
    struct arg {
        size_t name, name_n, value, value_n; // in bytes
    } each[ARGS_MAX];
    size_t n;
};

void args_fini(struct args *a);
DEFINE_AUTO_FINI(args)

// Decodes the query (what stands behind the "?"). Outcomes: 0; ARGS_E_BAD; -ENOMEM.
int args_parse(struct args *ret, struct str query) MUST_USE;

// The value of the first argument of that name, borrowed; absent (p == NULL) when there is none.
struct str args_get(const struct args *a, const char *name);

// Does one name occur more than once?
bool args_repeat(const struct args *a);

// Appends `s` with every %XX decoded, and every + as a blank where `plus_is_blank`. False, and
// `out` may have grown, when a % is not followed by two hexadecimal digits.
bool args_decode(struct buf *out, struct str s, bool plus_is_blank) MUST_USE;

// Appends a value as it stands in Okta's links: blanks as +, everything unusual as %XX.
void args_encode(struct buf *out, struct str value);

#endif
