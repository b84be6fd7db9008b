// SPDX-License-Identifier: Apache-2.0
#ifndef JSON_READ_H
#define JSON_READ_H
// Reading JSON (RFC 8259): one text at a time into values that live until the next read.
//
// Numbers keep their text, strings may hold NULs, keys may repeat (the last one wins in json_get).
// This room is the only includer of yyjson.h.

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json;        // one value; borrowed from the reader that read it
struct json_reader; // owns the memory of the values; one thread at a time

// Outcome of json_read: not JSON; `fault` says what and at which byte.
enum { JSON_E_SYNTAX = 1 };

// Outcomes: 0; -ENOMEM.
int json_reader_new(struct json_reader **ret) MUST_USE;
struct json_reader *json_reader_free(struct json_reader *r);
DEFINE_AUTO_FREE(json_reader)
// Overwrites what was read last; its values are gone. For texts that hold secrets.
void json_reader_wipe(struct json_reader *r);

// Reads the whole text. The values borrow from the reader (not from `text`) and die at its next
// read. Invalid UTF-8 and lone surrogate escapes are read as U+FFFD. Outcomes: 0; JSON_E_SYNTAX;
// -ENOMEM.
int json_read(struct json_reader *r, struct str text, const struct json **ret,
              struct fault *fault) MUST_USE;

// All accept NULL as "absent": the type of an absent value is JSON_NULL.
enum json_type json_type(const struct json *v);
struct str json_str(const struct json *v); // a string's bytes; absent (p == NULL) for anything else
struct str json_number(const struct json *v); // a number's text; absent for anything else
bool json_bool(const struct json *v);         // true only for the literal true
bool json_i64(const struct json *v,
              int64_t *ret); // a number without fraction or exponent that fits

// Absent, null, an empty string, or an object or array without members.
bool json_is_empty(const struct json *v);

size_t json_count(const struct json *v); // elements of an array, members of an object; else 0
const struct json *json_get(const struct json *object, const char *key); // last of that name; NULL
const struct json *json_at(const struct json *array, size_t i);          // O(i)
// A path of member names with dots between them: json_path(v, "debugContext.debugData").
const struct json *json_path(const struct json *v, const char *dotted);

// Walking through an array or object in source order:
//   struct json_iter it = json_iter(v);
//   while (json_next(&it)) use(it.key, it.value);
struct json_iter {
    const struct json *value;
    struct str key; // absent in arrays
    const struct json *next;
    size_t left;
    bool in_object;
};
struct json_iter json_iter(const struct json *v);
bool json_next(struct json_iter *it);

#endif
