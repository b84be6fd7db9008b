// SPDX-License-Identifier: Apache-2.0
// Brackets are remembered as bits (0: square, 1: curly) in a fixed stack, strings are skipped eight
// bytes at a time: the scan costs a fraction of reading the values.
#include "json/split.h"

#include <stdint.h>

#include "base/word.h"

struct brackets {
    uint64_t bits[JSON_SPLIT_DEPTH_MAX / 64 + 1];
    size_t depth;
};

static bool brackets_push(struct brackets *b, bool curly) {
    if (b->depth >= JSON_SPLIT_DEPTH_MAX) return false;
    uint64_t bit = (uint64_t)1 << (b->depth % 64);
    if (curly) b->bits[b->depth / 64] |= bit;
    else b->bits[b->depth / 64] &= ~bit;
    b->depth++;
    return true;
}

static bool brackets_pop(struct brackets *b, bool curly) {
    b->depth--;
    return (bool)((b->bits[b->depth / 64] >> (b->depth % 64)) & 1) == curly;
}

// `at` stands behind an opening quote; gives the place behind the closing one, or more than n when
// there is none.
static size_t skip_string(struct str s, size_t at) {
    while (at + WORD_BYTES <= s.n) {
        uint64_t word = word_load(s.p + at);
        uint64_t found = word_find(word, '"') | word_find(word, '\\');
        if (!found) {
            at += WORD_BYTES;
            continue;
        }
        at += word_first(found);
        if (s.p[at] == '"') return at + 1;
        at += 2;
    }
    for (; at < s.n && s.p[at] != '"'; at++)
        if (s.p[at] == '\\') at++;
    return at + 1;
}

static size_t skip_blanks(struct str s, size_t at) {
    while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\n' || s.p[at] == '\r' || s.p[at] == '\t'))
        at++;
    return at;
}

static int syntax(struct fault *fault, size_t at, const char *what) {
    return fault_set(fault, JSON_SPLIT_E_SYNTAX, "%s at byte %zu", what, at);
}

// What matters outside strings; a comma does only between the elements of the array itself.
enum kind { OTHER, QUOTE, OPEN, CLOSE, COMMA };
static const unsigned char kinds[256] = {
    ['"'] = QUOTE, ['{'] = OPEN, ['['] = OPEN, ['}'] = CLOSE, [']'] = CLOSE, [','] = COMMA,
};

static enum kind kind_at(struct str text, size_t at) { return kinds[(unsigned char)text.p[at]]; }

static int open_bracket(struct brackets *open, char c, size_t at, struct fault *fault) {
    if (brackets_push(open, c == '{')) return 0;
    return fault_set(fault, JSON_SPLIT_E_DEPTH, "nested deeper than %d levels at byte %zu",
                     JSON_SPLIT_DEPTH_MAX, at);
}

// Finds the end of the value at s->at: a comma or the closing bracket of the array itself.
static int skip_value(struct json_split *s, struct fault *fault) {
    struct brackets open;
    open.depth = 0;
    struct str text = s->text;
    size_t at = s->at;
    for (; at < text.n; at++) {
        enum kind kind = kind_at(text, at);
        if (kind == OTHER) continue;
        if (kind == QUOTE) {
            at = skip_string(text, at + 1) - 1;
        } else if (kind == OPEN) {
            int e = open_bracket(&open, text.p[at], at, fault);
            if (e) return e;
        } else if (open.depth == 0) {
            if (text.p[at] == '}') return syntax(fault, at, "a bracket that does not match");
            break;
        } else if (kind == CLOSE && !brackets_pop(&open, text.p[at] == '}')) {
            return syntax(fault, at, "a bracket that does not match");
        }
    }
    if (at >= text.n) return syntax(fault, text.n, "the text is cut off");
    s->at = at;
    return 0;
}

static int at_end(struct json_split *s, struct fault *fault) {
    size_t at = skip_blanks(s->text, s->at + 1);
    if (at < s->text.n) return syntax(fault, at, "text behind the array");
    s->at = s->text.n;
    return JSON_SPLIT_E_END;
}

static char char_at(const struct json_split *s) {
    return s->at < s->text.n ? s->text.p[s->at] : '\0';
}

// Steps over the array's opening bracket, or over the comma between two elements.
static int skip_separator(struct json_split *s, struct fault *fault) {
    s->at = skip_blanks(s->text, s->at);
    char expected = s->count == 0 ? '[' : ',';
    if (s->at >= s->text.n)
        return syntax(fault, s->at, s->count ? "the text is cut off" : "empty text");
    if (s->count > 0 && char_at(s) == ']') return at_end(s, fault);
    if (char_at(s) != expected)
        return syntax(fault, s->at, s->count ? "no comma between elements" : "not a JSON array");
    s->at = skip_blanks(s->text, s->at + 1);
    if (s->count == 0 && char_at(s) == ']') return at_end(s, fault);
    return 0;
}

int json_split_next(struct json_split *s, struct str *ret, struct fault *fault) {
    int e = skip_separator(s, fault);
    if (e) return e;
    size_t from = s->at;
    e = skip_value(s, fault);
    if (e) return e;
    struct str element = str_trim(str_sub(s->text, from, s->at));
    if (element.n == 0) return syntax(fault, from, "an element is missing");
    s->count++;
    *ret = element;
    return 0;
}
