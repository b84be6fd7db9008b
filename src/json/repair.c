// SPDX-License-Identifier: Apache-2.0
#include "json/repair.h"
#include "base/parse.h"

static bool is_continuation(struct str s, size_t i) {
    return i < s.n && ((unsigned char)s.p[i] & 0xC0) == 0x80;
}

size_t json_utf8_length(struct str s) {
    if (s.n == 0) return 0;
    unsigned char a = (unsigned char)s.p[0];
    unsigned char b = s.n > 1 ? (unsigned char)s.p[1] : 0;
    if (a < 0x80) return 1;
    if (a < 0xC2 || a > 0xF4 || !is_continuation(s, 1)) return 0;
    if (a < 0xE0) return 2;
    if (!is_continuation(s, 2)) return 0;
    if (a < 0xF0) return (a == 0xE0 && b < 0xA0) || (a == 0xED && b >= 0xA0) ? 0 : 3;
    if (!is_continuation(s, 3)) return 0;
    return (a == 0xF0 && b < 0x90) || (a == 0xF4 && b >= 0x90) ? 0 : 4;
}

// The value of a \uXXXX escape at the front; -1 when there is none.
static int escape_value(struct str s) {
    if (s.n < 6 || s.p[0] != '\\' || s.p[1] != 'u') return -1;
    int value = 0;
    for (size_t i = 2; i < 6; i++) {
        int digit = parse_hex_digit(s.p[i]);
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

static size_t copy(struct buf *out, struct str s, size_t n) {
    if (n > s.n) n = s.n;
    buf_add(out, s.p, n);
    return n;
}

static size_t repair_escape(struct buf *out, struct str s) {
    int value = escape_value(s);
    if (value < 0xD800 || value > 0xDFFF) return copy(out, s, value < 0 ? 2 : 6);
    int low = escape_value(str_sub(s, 6, s.n));
    if (value <= 0xDBFF && low >= 0xDC00 && low <= 0xDFFF) return copy(out, s, 12);
    buf_addz(out, "\\uFFFD");
    return 6;
}

void json_repair(struct buf *out, struct str text) {
    while (text.n > 0) {
        size_t used = 1;
        if (text.p[0] == '\\') {
            used = repair_escape(out, text);
        } else {
            size_t length = json_utf8_length(text);
            if (length) used = copy(out, text, length);
            else buf_addz(out, "\xEF\xBF\xBD");
        }
        text = str_sub(text, used, text.n);
    }
}
