// SPDX-License-Identifier: Apache-2.0
#ifndef JSON_WRITE_H
#define JSON_WRITE_H
// Writing compact JSON straight into a buffer. Commas look after themselves: whether one is needed
// is seen from the last byte written. Failures stick in the buffer.
//
//   json_open(out, '{');
//   json_key(out, STR("status")); json_add_str(out, s);
//   json_close(out, '}');

#include "base/buf.h"
#include "json/read.h"

// Nesting that json_add_value follows; deeper values are refused.
enum { JSON_WRITE_DEPTH_MAX = 200 };

// Appends a comma unless the last byte is one of { [ : , or the buffer is empty or at a line's end.
static inline void json_comma(struct buf *out) {
    char last = out->n ? out->p[out->n - 1] : '\n';
    if (last != '{' && last != '[' && last != ':' && last != ',' && last != '\n')
        buf_addc(out, ',');
}

static inline void json_open(struct buf *out, char bracket) {
    json_comma(out);
    buf_addc(out, bracket);
}

static inline void json_close(struct buf *out, char bracket) { buf_addc(out, bracket); }

// The text of a string value without the quotes, escaped. `s` must be valid UTF-8.
void json_add_escaped(struct buf *out, struct str s);

// A quoted string. `s` must be valid UTF-8 (what json_read gives always is).
void json_add_str(struct buf *out, struct str s);

// A quoted string of any bytes: what is not valid UTF-8 becomes U+FFFD.
void json_add_text(struct buf *out, struct str s);

// memcpy for names and other short texts: without a call for up to 32 bytes.
static inline void json_copy_short(char *to, const char *from, size_t n) {
    if (n > 32) {
        memcpy(to, from, n);
    } else if (n >= 16) {
        memcpy(to + n - 16, from + n - 16, 16);
        memcpy(to, from, 16);
    } else if (n >= 8) {
        memcpy(to + n - 8, from + n - 8, 8);
        memcpy(to, from, 8);
    } else if (n >= 4) {
        memcpy(to + n - 4, from + n - 4, 4);
        memcpy(to, from, 4);
    } else {
        for (size_t i = 0; i < n; i++) to[i] = from[i];
    }
}

// `before` (a name with its colon, or nothing) as it is, then `s` as a quoted string, then a comma:
// for writers that put a comma behind every value instead of before it. `s` must be valid UTF-8.
void json_add_member(struct buf *out, struct str before, struct str s);

// A member's name and its colon. The name is escaped.
void json_key(struct buf *out, struct str key);

void json_add_i64(struct buf *out, int64_t value);
void json_add_bool(struct buf *out, bool value);
void json_add_null(struct buf *out);

// A value that is JSON already, as it is.
void json_add_raw(struct buf *out, struct str json);

// A whole value as read, members in source order; where keys repeat, the last one counts.
// Outcomes: 0; -ENOMEM; -ELOOP when it is nested deeper than JSON_WRITE_DEPTH_MAX (the buffer is
// then to be cut).
int json_add_value(struct buf *out, const struct json *v) MUST_USE;

#endif
