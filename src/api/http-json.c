// SPDX-License-Identifier: Apache-2.0
// A scanner of tokens with a stack of one bit per level (object or array). Each token function
// stands on the token's first byte and leaves the scanner behind its last one, or says what is
// wrong. The texts are those of the servers that existing clients talk to, character for character.
#include "api/http-json.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/http-path.h"
#include "base/parse.h"

// What the grammar waits for.
enum expect {
    EXPECT_VALUE,     // also: nothing more, outside of brackets
    EXPECT_NAME,      // behind a comma in an object
    EXPECT_NAME_END,  // behind {: a name or }
    EXPECT_VALUE_END, // behind [: a value or ]
    EXPECT_COLON,
    EXPECT_MEMBER_END, // behind a value in an object: , or }
    EXPECT_ELEMENT_END,
};

struct scan {
    struct str text;
    size_t at;
    size_t comma; // where the last comma stands
    bool after_comma;
    enum expect expect;
    size_t depth, strings;
    uint8_t in_object[HTTP_JSON_DEPTH_MAX / 8 + 1];
    struct http_json *found;
    struct fault *fault;
};

// Appends a character as Go quotes it.
static void add_quoted(struct buf *out, struct str rest) {
    static const char escaped[] = "\a\b\f\n\r\t\v\\'", names[] = "abfnrtv\\'";
    size_t n;
    uint32_t rune = http_rune(rest, &n);
    char first = rest.p[0];
    const char *known = first ? strchr(escaped, first) : NULL;
    if (known) buf_addf(out, "\\%c", names[known - escaped]);
    else if (rune == 0xFFFD && n == 1) buf_addf(out, "\\x%02x", (unsigned char)first);
    else if (http_rune_prints(rune)) buf_add(out, rest.p, n);
    else if (rune < 0x80) buf_addf(out, "\\x%02x", (unsigned)rune);
    else buf_addf(out, rune < 0x10000 ? "\\u%04" PRIx32 : "\\U%08" PRIx32, rune);
}

static int bad(struct scan *s, const char *text) {
    return fault_set(s->fault, HTTP_JSON_E_BAD, "failed to decode JSON input: %s", text);
}

static int cut_short(struct scan *s) { return bad(s, "unexpected EOF"); }

// "invalid character 'x' looking for beginning of value"
static int bad_char(struct scan *s, size_t at, const char *where) {
    AUTO_FINI(buf) struct buf quoted = buf_make(64);
    add_quoted(&quoted, str_sub(s->text, at, s->text.n));
    return fault_set(s->fault, HTTP_JSON_E_BAD,
                     "failed to decode JSON input: invalid character '%.*s' %s",
                     STR_ARG(buf_str(&quoted)), where);
}

static bool at_end(const struct scan *s) { return s->at >= s->text.n; }
static char here(const struct scan *s) { return at_end(s) ? '\0' : s->text.p[s->at]; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void skip_blanks(struct scan *s) {
    while (!at_end(s) && strchr(" \t\r\n", here(s)) && here(s)) s->at++;
}

static int scan_literal(struct scan *s, const char *word) {
    for (const char *c = word; *c; c++, s->at++) {
        if (at_end(s)) return cut_short(s);
        if (here(s) == *c) continue;
        char where[64];
        snprintf(where, sizeof where, "in literal %s (expecting '%c')", word, *c);
        return bad_char(s, s->at, where);
    }
    return 0;
}

static int need_digits(struct scan *s) {
    if (at_end(s)) return cut_short(s);
    if (!is_digit(here(s))) return bad_char(s, s->at, "in numeric literal");
    while (is_digit(here(s))) s->at++;
    return 0;
}

// A number that no double holds is refused, whatever would be made of it.
static int check_range(struct scan *s, size_t start, bool has_exponent) {
    struct str text = str_sub(s->text, start, s->at);
    double value;
    if ((!has_exponent && text.n < 300) || parse_double(text, &value)) return 0;
    return fault_set(
        s->fault, HTTP_JSON_E_BAD,
        "failed to decode JSON input: json: cannot unmarshal number %.*s into Go value "
        "of type float64",
        (int)(text.n < 400 ? text.n : 400), text.p);
}

static int scan_number(struct scan *s) {
    size_t start = s->at;
    bool has_exponent = false;
    if (here(s) == '-') s->at++;
    int e = 0;
    if (here(s) == '0') s->at++; // what follows a zero is another value
    else e = need_digits(s);
    if (!e && here(s) == '.') {
        s->at++;
        e = need_digits(s);
    }
    if (!e && (here(s) == 'e' || here(s) == 'E')) {
        has_exponent = true;
        s->at++;
        if (here(s) == '+' || here(s) == '-') s->at++;
        e = need_digits(s);
    }
    return e ? e : check_range(s, start, has_exponent);
}

static bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int bad_escape(struct scan *s, size_t n) {
    struct str text = str_sub(s->text, s->at, s->at + n);
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || (unsigned char)text.p[i] > 0x7E)
            return fault_set(
                s->fault, HTTP_JSON_E_BAD,
                "failed to decode JSON input: invalid escape sequence \"\\\\\\x%02x\" in "
                "string",
                (unsigned char)text.p[i]);
    return fault_set(s->fault, HTTP_JSON_E_BAD,
                     "failed to decode JSON input: invalid escape sequence `%.*s` in string",
                     STR_ARG(text));
}

// On the backslash.
static int scan_escape(struct scan *s) {
    size_t left = s->text.n - s->at;
    if (left < 2) return cut_short(s);
    char c = s->text.p[s->at + 1];
    if (c && strchr("\"\\/bfnrt", c)) {
        s->at += 2;
        return 0;
    }
    if (c != 'u') return bad_escape(s, 2);
    for (size_t i = 2; i < 6 && i < left; i++)
        if (!is_hex(s->text.p[s->at + i])) return bad_escape(s, left < 6 ? left : 6);
    if (left < 6) return cut_short(s);
    s->at += 6;
    return 0;
}

static int scan_string(struct scan *s) {
    if (++s->strings > HTTP_JSON_STRINGS_MAX)
        return fault_set(s->fault, HTTP_JSON_E_BAD,
                         "refused JSON input due to high complexity: exceeded maximum number of "
                         "strings");
    s->at++;
    while (!at_end(s)) {
        char c = here(s);
        if (c == '"') {
            s->at++;
            return 0;
        }
        if ((unsigned char)c < 0x20) return bad_char(s, s->at, "in string");
        int e = 0;
        if (c == '\\') e = scan_escape(s);
        else s->at++;
        if (e) return e;
    }
    return cut_short(s);
}

static bool in_object(const struct scan *s) {
    return s->depth > 0 && (s->in_object[s->depth / 8] & (1U << s->depth % 8));
}

// A value has ended: what may follow?
static void end_value(struct scan *s) {
    s->expect = s->depth == 0  ? EXPECT_VALUE
                : in_object(s) ? EXPECT_MEMBER_END
                               : EXPECT_ELEMENT_END;
    if (s->depth > 0 || s->found->complete) return;
    s->found->complete = true;
    s->found->first.n = (size_t)(s->text.p + s->at - s->found->first.p);
}

static int open_bracket(struct scan *s, bool object) {
    if (s->depth == HTTP_JSON_DEPTH_MAX) return bad(s, "exceeded max depth");
    s->depth++;
    uint8_t bit = (uint8_t)(1U << s->depth % 8);
    uint8_t others = (uint8_t)(s->in_object[s->depth / 8] & ~bit);
    s->in_object[s->depth / 8] = (uint8_t)(object ? others | bit : others);
    s->expect = object ? EXPECT_NAME_END : EXPECT_VALUE_END;
    s->at++;
    return 0;
}

static int close_bracket(struct scan *s) {
    s->depth--;
    s->at++;
    end_value(s);
    return 0;
}

// A string, number or literal; positive: it is none of them.
static int scan_scalar(struct scan *s) {
    switch (here(s)) {
    case '"': return scan_string(s);
    case 't': return scan_literal(s, "true");
    case 'f': return scan_literal(s, "false");
    case 'n': return scan_literal(s, "null");
    default: return scan_number(s);
    }
}

static bool begins_scalar(char c) { return c && (strchr("\"tfn-", c) || is_digit(c)); }
static bool begins_value(char c) { return begins_scalar(c) || c == '{' || c == '['; }

// A bracket that closes right behind a comma is blamed on the comma.
static int no_value(struct scan *s) {
    bool blame_comma = s->after_comma && (here(s) == '}' || here(s) == ']');
    return bad_char(s, blame_comma ? s->comma : s->at, "looking for beginning of value");
}

static int scan_value(struct scan *s) {
    char c = here(s);
    if (!begins_value(c)) return no_value(s);
    if (++s->found->values > HTTP_JSON_VALUES_MAX)
        return fault_set(s->fault, HTTP_JSON_E_BAD,
                         "refused JSON input due to high complexity: exceeded maximum number of "
                         "values");
    if (!s->found->type) {
        s->found->type = c == '-' || is_digit(c) ? '0' : c;
        s->found->first.p = s->text.p + s->at;
    }
    if (c == '{' || c == '[') return open_bracket(s, c == '{');
    int e = scan_scalar(s);
    if (!e) end_value(s);
    return e;
}

static int scan_name(struct scan *s) {
    char c = here(s);
    if (!begins_value(c)) return no_value(s);
    int e = begins_scalar(c) ? scan_scalar(s) : 0;
    if (e) return e;
    if (c != '"') return bad(s, "object member name must be a string");
    s->found->values++;
    s->expect = EXPECT_COLON;
    return 0;
}

static int scan_colon(struct scan *s) {
    if (here(s) != ':') return bad_char(s, s->at, "after object key");
    s->at++;
    skip_blanks(s);
    if (here(s) == '}') return bad(s, "missing value after object key");
    s->expect = EXPECT_VALUE;
    return 0;
}

// Behind a value in brackets.
static int scan_separator(struct scan *s) {
    bool object = s->expect == EXPECT_MEMBER_END;
    if (here(s) == (object ? '}' : ']')) return close_bracket(s);
    if (here(s) != ',')
        return bad_char(s, s->at, object ? "after object key:value pair" : "after array element");
    s->comma = s->at++;
    s->after_comma = true;
    s->expect = object ? EXPECT_NAME : EXPECT_VALUE;
    return 0;
}

static int scan_token(struct scan *s) {
    switch (s->expect) {
    case EXPECT_NAME_END: return here(s) == '}' ? close_bracket(s) : scan_name(s);
    case EXPECT_VALUE_END: return here(s) == ']' ? close_bracket(s) : scan_value(s);
    case EXPECT_NAME: return scan_name(s);
    case EXPECT_COLON: return scan_colon(s);
    case EXPECT_MEMBER_END:
    case EXPECT_ELEMENT_END: return scan_separator(s);
    default: return scan_value(s);
    }
}

int http_json_look(struct http_json *ret, struct str text, struct fault *fault) {
    *ret = (struct http_json){0};
    struct scan s = {.text = text, .found = ret, .fault = fault};
    for (skip_blanks(&s); !at_end(&s); skip_blanks(&s)) {
        bool after_comma = s.after_comma;
        int e = scan_token(&s);
        if (e) return e;
        if (after_comma) s.after_comma = false;
    }
    ret->empty = !ret->type;
    return ret->empty || ret->complete ? 0 : cut_short(&s);
}
