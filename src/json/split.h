// SPDX-License-Identifier: Apache-2.0
#ifndef JSON_SPLIT_H
#define JSON_SPLIT_H
// The elements of a JSON array as slices of the text, without reading them: a page of events stays
// one piece of memory, and each event keeps the very bytes that Okta sent.

#include "base/error.h"
#include "base/str.h"

enum { JSON_SPLIT_DEPTH_MAX = 10000 };

// Outcomes of json_split_next.
enum {
    JSON_SPLIT_E_END = 1, // the array was closed and only blanks follow
    JSON_SPLIT_E_SYNTAX,  // not an array, cut off, or brackets that do not match; fault says where
    JSON_SPLIT_E_DEPTH,   // nested deeper than JSON_SPLIT_DEPTH_MAX
};

struct json_split {
    struct str text;
    size_t at;
    size_t count; // elements given so far
};

// Begins with a text; nothing is checked yet. The text must outlive the slices.
static inline struct json_split json_split(struct str text) {
    return (struct json_split){.text = text};
}

// The next element, borrowed from the text, without blanks around it. What is inside an element is
// only checked as far as strings and brackets go. After an outcome other than 0 do not call again.
int json_split_next(struct json_split *s, struct str *ret, struct fault *fault) MUST_USE;

#endif
