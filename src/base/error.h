// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_ERROR_H
#define BASE_ERROR_H
// Errors: one convention for the whole program.
//
// A fallible function returns `int`: 0 is done; negative is -errno, fatal for the caller's purpose
// and passed up untouched; positive is an outcome listed in that function's header comment
// (THING_E_SOMETHING), which the caller handles and never forwards. `ret_*` parameters are written
// only on success. Results may not be ignored (MUST_USE).
//
// Where a person has to be told what was wrong, the detail travels as data: `struct fault`.

#include "base/buf.h"
#include "base/mem.h"

enum { FAULT_TEXT_MAX = 1024 };

// What went wrong, for a person. Embedded by value, needs no clean-up. Empty text: nothing said.
struct fault {
    char text[FAULT_TEXT_MAX];
};

// Sets the text (cut at FAULT_TEXT_MAX - 1 bytes, never inside a UTF-8 character) and returns
// `code`, so that `return fault_set(f, -EINVAL, "...")` reads well. `f` may be NULL.
int fault_set(struct fault *f, int code, const char *format, ...) PRINTF_LIKE(3, 4);

// "No such file or directory" for -ENOENT. Thread-safe; the text is static.
const char *error_text(int negative_errno);

#endif
