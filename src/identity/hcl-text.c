// SPDX-License-Identifier: Apache-2.0
// What a string and a heredoc say. A string ends at its line, but what stands in ${...} belongs to
// it as it is, quotes and line ends included. Each is gone through twice: to measure, then to copy.
#include <errno.h>

#include "identity/hcl-internal.h"

struct out {
    char *p; // NULL: measuring
    size_t n;
};

static void add_byte(struct out *o, char c) {
    if (o->p) o->p[o->n] = c;
    o->n++;
}

static void add_code_point(struct out *o, uint32_t c) {
    if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) c = 0xFFFD;
    if (c < 0x80) {
        add_byte(o, (char)c);
        return;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char first[] = {0, 0xC0, 0xE0, 0xF0};
    add_byte(o, (char)(first[more] | c >> (6 * more)));
    while (more-- > 0) add_byte(o, (char)(0x80 | ((c >> (6 * more)) & 0x3F)));
}

static int digit_value(char c, unsigned base) {
    int v = c >= '0' && c <= '9'   ? c - '0'
            : c >= 'a' && c <= 'f' ? c - 'a' + 10
            : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                   : 99;
    return v < (int)base ? v : -1;
}

// `digits` of them, from `at` on. False when there are fewer.
static bool read_digits(const struct hcl_lexer *l, size_t at, size_t digits, unsigned base,
                        uint32_t *ret) {
    uint32_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        int v = digit_value(hcl_peek(l, at + i), base);
        if (v < 0) return false;
        value = value * base + (uint32_t)v;
    }
    *ret = value;
    return true;
}

static const struct {
    char c, means;
    bool hcl, json;
} plain_escapes[] = {
    {'"', '"', true, true},  {'\\', '\\', true, true}, {'n', '\n', true, true},
    {'t', '\t', true, true}, {'r', '\r', true, true},  {'b', '\b', true, true},
    {'f', '\f', true, true}, {'a', '\a', true, false}, {'v', '\v', true, false},
    {'/', '/', false, true},
};

static const struct {
    char c; // 0: the digits begin at once
    size_t digits;
    unsigned base;
    bool hcl, json;
} coded_escapes[] = {
    {'u', 4, 16, true, true},
    {'U', 8, 16, true, false},
    {'x', 2, 16, true, false},
    {'\0', 3, 8, true, false},
};

static bool plain_escape(struct hcl_lexer *l, struct out *o) {
    char c = hcl_peek(l, 1);
    for (size_t i = 0; i < LEN(plain_escapes); i++) {
        bool is = l->json ? plain_escapes[i].json : plain_escapes[i].hcl;
        if (!is || plain_escapes[i].c != c) continue;
        add_byte(o, plain_escapes[i].means);
        hcl_skip(l, 2);
        return true;
    }
    return false;
}

// The second half of a surrogate pair, if it follows.
static uint32_t join_surrogates(struct hcl_lexer *l, uint32_t high) {
    uint32_t low;
    if (high < 0xD800 || high >= 0xDC00) return high;
    if (hcl_peek(l, 0) != '\\' || hcl_peek(l, 1) != 'u' || !read_digits(l, 2, 4, 16, &low))
        return high;
    if (low < 0xDC00 || low >= 0xE000) return high;
    hcl_skip(l, 6);
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

static bool coded_escape(struct hcl_lexer *l, struct out *o) {
    char c = hcl_peek(l, 1);
    for (size_t i = 0; i < LEN(coded_escapes); i++) {
        bool is = l->json ? coded_escapes[i].json : coded_escapes[i].hcl;
        size_t head = coded_escapes[i].c ? 2 : 1;
        uint32_t value;
        if (!is || (coded_escapes[i].c && coded_escapes[i].c != c)) continue;
        if (!read_digits(l, head, coded_escapes[i].digits, coded_escapes[i].base, &value)) continue;
        hcl_skip(l, head + coded_escapes[i].digits);
        add_code_point(o, join_surrogates(l, value));
        return true;
    }
    return false;
}

static void take_char(struct hcl_lexer *l, struct out *o) {
    add_byte(o, hcl_peek(l, 0));
    hcl_skip(l, 1);
}

// ${...}, with braces in it, as it is.
static void take_interpolation(struct hcl_lexer *l, struct out *o) {
    size_t braces = 0;
    while (l->at < l->text.n) {
        char c = hcl_peek(l, 0);
        if (c == '{') braces++;
        take_char(l, o);
        if (c == '}' && --braces == 0) return;
    }
}

static bool ends_line(char c) { return c == '\n' || c == '\0'; }

static int scan_content(struct hcl_lexer *l, struct out *o) {
    while (hcl_peek(l, 0) != '"') {
        char c = hcl_peek(l, 0);
        if (ends_line(c)) return hcl_fault(l, l->place, "literal not terminated");
        if (c == '$' && hcl_peek(l, 1) == '{' && !l->json) {
            take_interpolation(l, o);
        } else if (c == '\\') {
            if (plain_escape(l, o) || coded_escape(l, o)) continue;
            hcl_skip(l, 1);
            return hcl_fault(l, l->place, "illegal char escape");
        } else {
            take_char(l, o);
        }
    }
    return 0;
}

int hcl_scan_string(struct hcl_lexer *l, struct hcl_token *t) {
    size_t start = l->at;
    hcl_skip(l, 1);
    struct hcl_lexer ahead = *l;
    struct out o = {0};
    int r = scan_content(&ahead, &o);
    if (r) return r;
    o.p = arena_take(l->arena, o.n + 1);
    if (!o.p) return -ENOMEM;
    o.n = 0;
    r = scan_content(l, &o);
    if (r) return r;
    hcl_skip(l, 1);
    t->type = HCL_T_STRING;
    t->raw = str_sub(l->text, start, l->at);
    t->text = (struct str){o.p, o.n};
    return 0;
}
