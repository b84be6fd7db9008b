// SPDX-License-Identifier: Apache-2.0
#include "json/write.h"

#include <errno.h>

#include "base/word.h"
#include "json/overrides.h"
#include "json/repair.h"

// 0: copied as it is; 'u': \u00XX; else the letter after the backslash.
static const char escapes[256] = {
    ['\0'] = 'u', [1] = 'u',    [2] = 'u',    [3] = 'u',     [4] = 'u',    [5] = 'u',
    [6] = 'u',    [7] = 'u',    ['\b'] = 'b', ['\t'] = 't',  ['\n'] = 'n', [11] = 'u',
    ['\f'] = 'f', ['\r'] = 'r', [14] = 'u',   [15] = 'u',    [16] = 'u',   [17] = 'u',
    [18] = 'u',   [19] = 'u',   [20] = 'u',   [21] = 'u',    [22] = 'u',   [23] = 'u',
    [24] = 'u',   [25] = 'u',   [26] = 'u',   [27] = 'u',    [28] = 'u',   [29] = 'u',
    [30] = 'u',   [31] = 'u',   ['"'] = '"',  ['\\'] = '\\',
};

enum { ESCAPE_MAX_BYTES = 6 };

static char *put_escape(char *at, unsigned char c) {
    static const char hex[] = "0123456789abcdef";
    *at++ = '\\';
    *at++ = escapes[c];
    if (escapes[c] != 'u') return at;
    memcpy(at, "00", 2);
    at[2] = hex[c >> 4];
    at[3] = hex[c & 15];
    return at + 4;
}

// Eight bytes at once: is there a control character, a quote or a backslash among them?
static bool any_escape(uint64_t word) {
    uint64_t control = (word - word_of(0x20)) & ~word & word_of(0x80);
    return (control | word_find(word, '"') | word_find(word, '\\')) != 0;
}

static char *put_bytes(char *at, const char *p, const char *end) {
    for (; p < end; p++) {
        if (escapes[(unsigned char)*p]) at = put_escape(at, (unsigned char)*p);
        else *at++ = *p;
    }
    return at;
}

// Fewer than eight bytes. Two overlapping halves make any length from four to seven.
static char *put_short(char *at, const char *p, size_t n) {
    if (n < 4) return put_bytes(at, p, p + n);
    uint32_t first = word_load_half(p), last = word_load_half(p + n - 4);
    if (any_escape((uint64_t)first << 32 | last)) return put_bytes(at, p, p + n);
    memcpy(at, p, 4);
    memcpy(at + n - 4, p + n - 4, 4);
    return at + n;
}

// `at` has room for ESCAPE_MAX_BYTES times s.n and eight more. The end of a text is written as the
// last eight bytes of it, which overlap with what is there already.
static char *put_escaped(char *at, struct str s) {
    if (s.n < 8) return s.n ? put_short(at, s.p, s.n) : at; // an empty one may be nowhere
    const char *p = s.p, *end = s.p + s.n;
    bool plain = false; // the eight bytes before `p` went out as they are
    while (end - p >= 8) {
        uint64_t word = word_load(p);
        plain = !any_escape(word);
        if (plain) memcpy(at, p, 8);
        at = plain ? at + 8 : put_bytes(at, p, p + 8);
        p += 8;
    }
    size_t left = (size_t)(end - p);
    if (left == 0) return at;
    uint64_t word = word_load(end - 8);
    if (!plain || any_escape(word)) return put_bytes(at, p, end);
    memcpy(at + left - 8, end - 8, 8);
    return at + left;
}

static bool reserve_escaped(struct buf *out, struct str s) {
    size_t most;
    if (__builtin_mul_overflow(s.n, (size_t)ESCAPE_MAX_BYTES, &most)) return buf_reserve(out, s.n);
    return buf_reserve(out, most + 16);
}

enum { PIECE_BYTES = 64 * 1024 };

// Long strings go in pieces, so that reserving six bytes for each stays small.
static void add_pieces(struct buf *out, struct str s) {
    while (s.n > 0) {
        struct str piece = str_sub(s, 0, PIECE_BYTES);
        if (!reserve_escaped(out, piece)) return;
        out->n = (size_t)(put_escaped(out->p + out->n, piece) - out->p);
        s = str_sub(s, piece.n, s.n);
    }
}

void json_add_escaped(struct buf *out, struct str s) { add_pieces(out, s); }

void json_add_str(struct buf *out, struct str s) {
    json_comma(out);
    if (s.n > PIECE_BYTES) {
        buf_addc(out, '"');
        add_pieces(out, s);
        buf_addc(out, '"');
        return;
    }
    if (!reserve_escaped(out, s)) return;
    char *at = out->p + out->n;
    *at++ = '"';
    at = put_escaped(at, s);
    *at++ = '"';
    out->n = (size_t)(at - out->p);
}

void json_add_member(struct buf *out, struct str before, struct str s) {
    if (s.n > PIECE_BYTES) {
        buf_add_str(out, before);
        buf_addc(out, '"');
        add_pieces(out, s);
        buf_addz(out, "\",");
        return;
    }
    if (!buf_reserve(out, before.n + s.n * ESCAPE_MAX_BYTES + 16)) return;
    char *at = out->p + out->n;
    json_copy_short(at, before.p, before.n);
    at += before.n;
    *at++ = '"';
    at = put_escaped(at, s);
    *at++ = '"';
    *at++ = ',';
    out->n = (size_t)(at - out->p);
}

static size_t valid_prefix(struct str s) {
    size_t at = 0;
    while (at < s.n) {
        uint64_t word;
        if (s.n - at >= 8 && (memcpy(&word, s.p + at, 8), (word & 0x8080808080808080u) == 0)) {
            at += 8;
            continue;
        }
        size_t length = json_utf8_length(str_sub(s, at, s.n));
        if (!length) break;
        at += length;
    }
    return at;
}

void json_add_text(struct buf *out, struct str s) {
    size_t valid = valid_prefix(s);
    if (valid == s.n) {
        json_add_str(out, s);
        return;
    }
    json_comma(out);
    buf_addc(out, '"');
    while (s.n > 0) {
        json_add_escaped(out, str_sub(s, 0, valid));
        if (valid < s.n) buf_addz(out, "\xEF\xBF\xBD");
        s = str_sub(s, valid + 1, s.n);
        valid = valid_prefix(s);
    }
    buf_addc(out, '"');
}

void json_key(struct buf *out, struct str key) {
    json_add_str(out, key);
    buf_addc(out, ':');
}

void json_add_i64(struct buf *out, int64_t value) {
    json_comma(out);
    buf_add_i64(out, value);
}

void json_add_bool(struct buf *out, bool value) {
    json_add_raw(out, value ? STR("true") : STR("false"));
}
void json_add_null(struct buf *out) { json_add_raw(out, STR("null")); }

void json_add_raw(struct buf *out, struct str json) {
    json_comma(out);
    buf_add_str(out, json);
}

static int add_value(struct buf *out, const struct json *v, int depth);

static int add_members(struct buf *out, const struct json *v, int depth) {
    AUTO_FINI(json_overrides) struct json_overrides overrides = {0};
    int e = json_overrides_find(v, NULL, &overrides);
    struct json_iter it = json_iter(v);
    for (size_t i = 0; !e && json_next(&it); i++) {
        if (json_overrides_has(&overrides, i)) continue;
        if (it.in_object) json_key(out, it.key);
        e = add_value(out, it.value, depth + 1);
    }
    return e;
}

static int add_value(struct buf *out, const struct json *v, int depth) {
    if (depth > JSON_WRITE_DEPTH_MAX) return -ELOOP;
    switch (json_type(v)) {
    case JSON_NULL: json_add_null(out); return 0;
    case JSON_BOOL: json_add_bool(out, json_bool(v)); return 0;
    case JSON_NUMBER: json_add_raw(out, json_number(v)); return 0;
    case JSON_STRING: json_add_str(out, json_str(v)); return 0;
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    bool object = json_type(v) == JSON_OBJECT;
    json_open(out, object ? '{' : '[');
    int e = add_members(out, v, depth);
    json_close(out, object ? '}' : ']');
    return e;
}

int json_add_value(struct buf *out, const struct json *v) { return add_value(out, v, 0); }
