// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_PARSE_H
#define BASE_PARSE_H
// Text to numbers, whole text or nothing: no blanks, no sign where none belongs, no overflow.
// All return false and leave `ret` alone when the text is something else.

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

bool parse_u64(struct str s, uint64_t *ret);
bool parse_i64(struct str s, int64_t *ret);
// Finite; decimal point, C locale; the nearest double, also when that is zero.
enum { PARSE_DOUBLE_MAX_BYTES = 1000 };
bool parse_double(struct str s, double *ret);

// One hex digit, either case: 0..15; -1 when it is none.
int parse_hex_digit(char c);

// "true"/"false" and YAML 1.1's other spellings as Beats take them: yes/no, on/off.
bool parse_bool(struct str s, bool *ret);

// A duration with units, as Go and Beats write them: "60s", "24h", "1h30m", "500ms", and "90d" for
// days. A bare number is refused (which unit?), except "0".
bool parse_duration_ms(struct str s, int64_t *ret);

// A size: "10MB", "64KiB", "512B", or a bare number of bytes. K and Ki both mean 1024.
bool parse_bytes(struct str s, uint64_t *ret);

#endif
