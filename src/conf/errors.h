// SPDX-License-Identifier: Apache-2.0
#ifndef CONF_ERRORS_H
#define CONF_ERRORS_H
// What was wrong with settings, for a person: all of it at once, each with its place.

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

// The result of a function that has put at least one error into a struct conf_errors.
enum { CONF_E_WRONG = 1 };

// Where a value stands. `set` is the key of a --set; else `file`, with line and column from 1
// (0: the file as a whole). All borrowed; both NULL: nowhere.
struct conf_place {
    const char *file;
    size_t line, column;
    const char *set;
};

enum { CONF_ERRORS_MAX = 20 };

struct conf_error {
    size_t line, column; // for the order; --set comes last
    struct fault text;
};

// Embedded by value (20 KB), zero to begin with, needs no clean-up.
struct conf_errors {
    struct conf_error list[CONF_ERRORS_MAX];
    size_t n;
    size_t more; // not kept
};

// Adds `file:line:column: key: text`, or `--set KEY: text`. `key` may be absent.
void conf_errors_add(struct conf_errors *errors, struct conf_place place, struct str key,
                     const char *format, ...) PRINTF_LIKE(4, 5);

// Appends the errors in the order of their places, one per line, each line ended.
void conf_errors_write(const struct conf_errors *errors, struct buf *out);

enum { CONF_QUOTE_MAX = 64 };

// A value as it is shown in a message: in single quotes, cut when it is long, on one line.
// Returns `ret`.
const char *conf_quote(struct str s, char ret[CONF_QUOTE_MAX]);

#endif
