// SPDX-License-Identifier: Apache-2.0
// Text that nobody can take apart for certain: prose, broken JSON, header values. Whatever looks
// like a name, a mark and a value is taken for that.
#include "http/mask-internal.h"

enum { LIKELY_MIN_BYTES = 16, JWT_MIN_BYTES = 24 };

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static size_t word_length(struct str text, size_t at) {
    size_t n = 0;
    while (at + n < text.n && is_word(text.p[at + n])) n++;
    return n;
}

static size_t skip_any(struct str text, size_t at, const char *set) {
    while (at < text.n && text.p[at] != '\0' && strchr(set, text.p[at])) at++;
    return at;
}

static size_t skip_none(struct str text, size_t at, const char *set) {
    while (at < text.n && (text.p[at] == '\0' || !strchr(set, text.p[at]))) at++;
    return at;
}

// header.payload.signature in base64url (RFC 7515); 0 when it is none.
static size_t jwt_length(struct str text, size_t at) {
    if (!str_starts(str_sub(text, at, text.n), STR("eyJ"))) return 0;
    size_t end = at, dots = 0;
    while (end < text.n && (is_word(text.p[end]) || text.p[end] == '.'))
        dots += text.p[end++] == '.';
    return dots >= 2 && end - at >= JWT_MIN_BYTES ? end - at : 0;
}

// The closing quote of what begins at `at`. Where the opening one was escaped, the closing one is,
// too, and is the first.
static size_t skip_quoted(struct str text, size_t at, char quote, bool was_escaped) {
    while (at < text.n && text.p[at] != quote)
        at += text.p[at] == '\\' && !was_escaped && at + 1 < text.n ? 2 : 1;
    return at;
}

struct span {
    size_t from, to; // the value; equal: none
};

// The value behind a secret name that ends at `at`: name=value, name: "value", \"name\":\"value\".
static struct span value_behind(struct str text, size_t at) {
    size_t mark = skip_any(text, at, "\"'\\ \t");
    if (mark >= text.n || (text.p[mark] != ':' && text.p[mark] != '='))
        return (struct span){at, at};
    size_t open = skip_any(text, mark + 1, " \t\r\n\\");
    bool quoted = open < text.n && (text.p[open] == '"' || text.p[open] == '\'');
    size_t from = open + (quoted ? 1 : mask_scheme(str_sub(text, open, text.n)).n);
    size_t to = quoted ? skip_quoted(text, from, text.p[open], text.p[open - 1] == '\\')
                       : skip_none(text, from, "&,;\"'<>}] \t\r\n");
    return (struct span){from, to};
}

// What is secret in the word at `at` or behind it, unless it is remembered already.
static struct span secret_near(struct str text, size_t at, size_t word_n) {
    size_t jwt = jwt_length(text, at);
    if (jwt) return (struct span){at, at + jwt};
    struct str scheme = mask_scheme(str_sub(text, at, text.n));
    if (scheme.p) {
        size_t from = at + scheme.n;
        size_t to = skip_none(text, from, " \"'<>,\\\t\r\n");
        bool is_parameter = memchr(text.p + from, '=', to - from) && to < text.n;
        if (to - from >= SECRET_MIN_BYTES && !is_parameter) return (struct span){from, to};
    }
    if (mask_is_secret_name(MASK_MEMBER, str_sub(text, at, at + word_n)))
        return value_behind(text, at + word_n);
    return (struct span){at, at};
}

static bool begins_word(struct str text, size_t at) {
    return is_word(text.p[at]) && (at == 0 || !is_word(text.p[at - 1]));
}

// A remembered value may begin anywhere, in the middle of what is copied too.
static size_t copy_until(struct mask *m, struct buf *out, struct str text, size_t at, size_t to) {
    while (at < to) {
        size_t n = mask_match(m, text, at);
        if (n) buf_addz(out, MASK_STARS);
        else buf_addc(out, text.p[at]);
        at += n ? n : 1;
    }
    return at;
}

void mask_text(struct mask *m, struct buf *out, struct str text) {
    for (size_t at = 0; at < text.n;) {
        size_t word_n = begins_word(text, at) ? word_length(text, at) : 0;
        struct span secret = word_n ? secret_near(text, at, word_n) : (struct span){at, at};
        if (secret.from < secret.to) {
            size_t reached = copy_until(m, out, text, at, secret.from);
            buf_addz(out, MASK_STARS);
            at = reached > secret.to ? reached : secret.to;
        } else {
            at = copy_until(m, out, text, at, at + (word_n ? word_n : 1));
        }
    }
}

void mask_learn_text(struct mask *m, struct str text) {
    for (size_t at = 0; at < text.n;) {
        size_t word_n = begins_word(text, at) ? word_length(text, at) : 0;
        struct span secret = word_n ? secret_near(text, at, word_n) : (struct span){at, at};
        if (secret.to - secret.from >= LIKELY_MIN_BYTES)
            mask_remember(m, str_sub(text, secret.from, secret.to));
        if (secret.from < secret.to) at = secret.to;
        else at += word_n ? word_n : 1;
    }
}
