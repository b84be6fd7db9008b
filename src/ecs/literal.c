// SPDX-License-Identifier: Apache-2.0
// A reader of regular expressions that follows only what must be there: runs of plain characters,
// groups that are not optional, and alternatives when each of them says something.
#include "ecs/literal-internal.h"

#include <stdbool.h>

enum { NESTING_MAX = 20 };

struct reader {
    struct str regex;
    size_t at;
    int depth;
    bool lost; // something that this reader does not understand
};

static void read_alternatives(struct reader *r, struct ecs_literals *ret);

static char peek(const struct reader *r) { return r->at < r->regex.n ? r->regex.p[r->at] : '\0'; }
static bool at_end(const struct reader *r) { return r->at >= r->regex.n; }

static size_t strength(const struct ecs_literals *set) {
    size_t least = set->count ? LITERAL_MAX_BYTES : 0;
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].n < least) least = set->items[i].n;
    return least;
}

static void keep_better(struct ecs_literals *best, const struct ecs_literals *other) {
    if (strength(other) > strength(best)) *best = *other;
}

// Ends a run of plain characters.
static void flush(struct ecs_literal *run, struct ecs_literals *best) {
    struct ecs_literals one = {.count = 1};
    one.items[0] = *run;
    if (run->n) keep_better(best, &one);
    run->n = 0;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static void append(struct ecs_literal *run, char c) {
    if (run->n < LITERAL_MAX_BYTES) run->text[run->n++] = lower(c);
}

enum repeat { ONCE, MORE, OPTIONAL };

// Reads a quantifier behind an atom, if there is one.
static enum repeat read_repeat(struct reader *r) {
    char c = peek(r);
    enum repeat repeat = ONCE;
    char next = r->at + 1 < r->regex.n ? r->regex.p[r->at + 1] : '\0';
    if (c == '?' || c == '*') repeat = OPTIONAL;
    else if (c == '+') repeat = MORE;
    else if (c != '{' || next < '0' || next > '9') return ONCE;
    if (c == '{') {
        repeat = next == '0' ? OPTIONAL : MORE;
        while (!at_end(r) && peek(r) != '}') r->at++;
    }
    r->at++;
    if (peek(r) == '?' || peek(r) == '+') r->at++;
    return repeat;
}

static void skip_class(struct reader *r) {
    r->at++;
    if (peek(r) == '^') r->at++;
    if (peek(r) == ']') r->at++;
    while (!at_end(r) && peek(r) != ']') r->at += peek(r) == '\\' ? 2 : 1;
    r->at++;
}

// A group. What stands in a look-around or an unknown kind of group says nothing.
static void read_group(struct reader *r, struct ecs_literals *best) {
    struct ecs_literals inner = {0};
    bool says = true;
    r->at++;
    if (peek(r) == '?') {
        r->at++;
        says = peek(r) == ':';
        r->at++;
    }
    r->depth++;
    read_alternatives(r, &inner);
    r->depth--;
    if (peek(r) == ')') r->at++;
    if (read_repeat(r) != OPTIONAL && says) keep_better(best, &inner);
}

static bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// One character that stands for itself, or a meta character; `c` is 0 for the latter.
static void take_char(struct reader *r, char c, struct ecs_literal *run,
                      struct ecs_literals *best) {
    enum repeat repeat = read_repeat(r);
    if (c && repeat != OPTIONAL) append(run, c);
    if (!c || repeat != ONCE) flush(run, best);
}

static void read_escape(struct reader *r, struct ecs_literal *run, struct ecs_literals *best) {
    r->at++;
    char c = peek(r);
    r->at++;
    if (is_letter_or_digit(c) && !memchr("dDwWsSbBnrtf", c, 12)) r->lost = true;
    take_char(r, is_letter_or_digit(c) ? '\0' : c, run, best);
}

static void read_atom(struct reader *r, struct ecs_literal *run, struct ecs_literals *best) {
    char c = peek(r);
    if (c == '\\') {
        read_escape(r, run, best);
    } else if (c == '(') {
        flush(run, best);
        read_group(r, best);
    } else if (c == '[') {
        skip_class(r);
        take_char(r, '\0', run, best);
    } else {
        r->at++;
        take_char(r, c == '.' || c == '^' || c == '$' ? '\0' : c, run, best);
    }
}

static void read_sequence(struct reader *r, struct ecs_literals *ret) {
    struct ecs_literal run = {.n = 0};
    while (!at_end(r) && peek(r) != '|' && peek(r) != ')') read_atom(r, &run, ret);
    flush(&run, ret);
}

static bool add_all(struct ecs_literals *set, const struct ecs_literals *more) {
    if (more->count == 0 || set->count + more->count > LITERALS_MAX) return false;
    for (size_t i = 0; i < more->count; i++) set->items[set->count++] = more->items[i];
    return true;
}

static void read_alternatives(struct reader *r, struct ecs_literals *ret) {
    bool all_say = true;
    ret->count = 0;
    if (r->depth > NESTING_MAX) {
        r->lost = true;
        r->at = r->regex.n;
        return;
    }
    for (;;) {
        struct ecs_literals one = {0};
        read_sequence(r, &one);
        all_say = add_all(ret, &one) && all_say;
        if (at_end(r) || peek(r) != '|') break;
        r->at++;
    }
    if (!all_say) ret->count = 0;
}

void ecs_literals_find(struct str regex, struct ecs_literals *ret) {
    struct reader r = {.regex = regex};
    read_alternatives(&r, ret);
    if (r.lost || !at_end(&r)) ret->count = 0;
}
