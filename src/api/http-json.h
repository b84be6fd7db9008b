// SPDX-License-Identifier: Apache-2.0
#ifndef API_HTTP_JSON_H
#define API_HTTP_JSON_H
// Looks a body through before it is parsed: is it JSON, how deep, how many strings? Says what is
// wrong in the words that clients of Vault know. Pure, without recursion; memory: a bit per level.

#include "base/error.h"
#include "base/str.h"

enum {
    HTTP_JSON_STRINGS_MAX = 1000, // names and values
    HTTP_JSON_DEPTH_MAX = 10000,
    HTTP_JSON_VALUES_MAX = 2000000, // bounds what the parsed body takes
};

struct http_json {
    bool empty;       // blanks only
    bool complete;    // the first value is whole
    char type;        // of the first value, by its first byte: { [ " 0 t f n
    struct str first; // the first value; borrowed
    size_t values;    // in the whole text: numbers, strings, brackets
};

// Values may follow each other; only the first one counts, but all have to be well-formed as far as
// they go. Outcomes: 0; HTTP_JSON_E_BAD with fault.
enum { HTTP_JSON_E_BAD = 1 };
int http_json_look(struct http_json *ret, struct str text, struct fault *fault) MUST_USE;

#endif
