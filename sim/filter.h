// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_FILTER_H
#define SIM_FILTER_H
// The filter parameter of the System Log: SCIM expressions over events (okta-api.md section 1.6).
//
//   expr  := expr "or" expr | expr "and" expr | "not" "(" expr ")" | "(" expr ")" | test
//   test  := attribute "pr" | attribute operator value
//   value := JSON string | number | true | false
//
// "and" binds tighter than "or". Operators are read without case, attribute names with it.

#include <stdbool.h>

#include "base/mem.h"
#include "sim/api-error.h"
#include "json/read.h"

enum { FILTER_NODES_MAX = 512, FILTER_DEPTH_MAX = 64, FILTER_PATH_MAX = 128 };

// Outcome of filter_compile: refused as Okta refuses it; `error` says how.
enum { FILTER_E_REFUSED = 1 };

struct filter;

// Compiles a filter. Outcomes: 0; FILTER_E_REFUSED; -ENOMEM.
int filter_compile(struct filter **ret, struct str text, struct api_error *error) MUST_USE;
struct filter *filter_free(struct filter *f);
DEFINE_AUTO_FREE(filter)

// Does the event match? An attribute with several values matches when one of them does; `ne` is
// the opposite of `eq`, so it holds for what is absent.
bool filter_match(const struct filter *f, const struct json *event);

#endif
