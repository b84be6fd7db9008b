// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_KEYWORDS_H
#define SIM_KEYWORDS_H
// The q parameter: words that must all occur in an event, as whole tokens and without case.

#include <stdbool.h>

#include "sim/api-error.h"
#include "json/read.h"

enum { KEYWORDS_MAX = 10, KEYWORD_CHARS_MAX = 40 };

// Outcome of keywords_parse: refused as Okta refuses it.
enum { KEYWORDS_E_REFUSED = 1 };

struct keywords {
    struct str each[KEYWORDS_MAX]; // borrowed
    size_t n;
};

// Splits at blanks. Outcomes: 0; KEYWORDS_E_REFUSED.
int keywords_parse(struct keywords *ret, struct str q, struct api_error *error) MUST_USE;

// Does every keyword occur in some value of the event? A value is cut into tokens at blanks; a
// token with hyphens counts whole and in its parts.
bool keywords_match(const struct keywords *k, const struct json *event);

#endif
