// SPDX-License-Identifier: Apache-2.0
// Which row answers a path: patterns are matched from left to right, a capture takes as much as its
// kind allows, and a path is matched whole or not at all.
#include "api/route.h"

#include "api/call.h"

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Bytes of a name at the front: letters, digits and _ at both ends, inside also - and . (and @).
static size_t name_length(struct str s, bool at) {
    size_t n = 0;
    while (n < s.n && (is_word(s.p[n]) || s.p[n] == '-' || s.p[n] == '.' || (at && s.p[n] == '@')))
        n++;
    return n && is_word(s.p[0]) && is_word(s.p[n - 1]) ? n : 0;
}

static size_t uuid_length(struct str s) {
    enum { UUID_LENGTH = 36 };
    if (s.n < UUID_LENGTH) return 0;
    for (size_t i = 0; i < UUID_LENGTH; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        char c = s.p[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (dash ? c != '-' : !hex) return 0;
    }
    return UUID_LENGTH;
}

// What is left of a path when the text that must follow the capture is taken off its end; absent:
// it does not end so. `after` may end with "/?".
static struct str before_end(struct str rest, struct str after) {
    if (str_ends(after, STR("/?"))) {
        after = str_sub(after, 0, after.n - 2);
        if (str_ends(rest, STR("/"))) rest = str_sub(rest, 0, rest.n - 1);
    }
    return str_ends(rest, after) ? str_sub(rest, 0, rest.n - after.n) : STR_NONE;
}

enum capture_kind { CAPTURE_NAME, CAPTURE_NAME_AT, CAPTURE_UUID, CAPTURE_ALL, CAPTURE_ANY };

struct capture {
    struct str name;
    enum capture_kind kind;
};

// Reads "{name@}" off the pattern's front.
static struct capture read_capture(struct str *pattern) {
    static const struct {
        const char *mark;
        enum capture_kind kind;
    } marks[] = {
        {"**", CAPTURE_ANY}, {"*", CAPTURE_ALL}, {"#", CAPTURE_UUID}, {"@", CAPTURE_NAME_AT}};
    struct capture c = {.name = str_split(pattern, '}'), .kind = CAPTURE_NAME};
    c.name = str_sub(c.name, 1, c.name.n);
    if (!pattern->p) *pattern = STR("");
    for (size_t i = 0; i < LEN(marks); i++) {
        struct str mark = str_from(marks[i].mark);
        if (!str_ends(c.name, mark)) continue;
        c.name = str_sub(c.name, 0, c.name.n - mark.n);
        c.kind = marks[i].kind;
        break;
    }
    return c;
}

// How many bytes of the path the capture takes; -1: none fit.
static long capture_length(enum capture_kind kind, struct str rest, struct str after) {
    size_t n = 0;
    switch (kind) {
    case CAPTURE_NAME: n = name_length(rest, false); break;
    case CAPTURE_NAME_AT: n = name_length(rest, true); break;
    case CAPTURE_UUID: n = uuid_length(rest); break;
    case CAPTURE_ALL:
    case CAPTURE_ANY: {
        struct str value = before_end(rest, after);
        if (!value.p) return -1;
        if (kind == CAPTURE_ANY) return (long)value.n;
        n = value.n;
    }
    }
    return n ? (long)n : -1;
}

static void keep(struct call *c, struct str name, struct str value) {
    if (c->capture_count == CALL_CAPTURES) return;
    size_t i = c->capture_count++;
    c->capture[i].name = name.p;
    c->capture[i].name_n = name.n;
    c->capture[i].value = value;
}

static bool matches(struct str pattern, struct str rest, struct call *c) {
    c->capture_count = 0;
    while (pattern.n) {
        if (pattern.p[0] == '{') {
            struct capture capture = read_capture(&pattern);
            long n = capture_length(capture.kind, rest, pattern);
            if (n < 0) return false;
            keep(c, capture.name, str_sub(rest, 0, (size_t)n));
            rest = str_sub(rest, (size_t)n, rest.n);
        } else if (str_eq(pattern, STR("/?"))) {
            return rest.n == 0 || str_eq(rest, STR("/"));
        } else {
            if (!rest.n || rest.p[0] != pattern.p[0]) return false;
            pattern = str_sub(pattern, 1, pattern.n);
            rest = str_sub(rest, 1, rest.n);
        }
    }
    return rest.n == 0;
}

static const struct route *find_in(const struct route *rows, struct str rest, struct call *c) {
    for (const struct route *r = rows; r->pattern; r++)
        if (matches(str_from(r->pattern), rest, c)) return r;
    return NULL;
}

const struct route *route_find(const struct backend *b, struct str rest, struct call *c) {
    const struct route *found = find_in(b->routes, rest, c);
    for (const struct route *const *more = b->more; !found && more && *more; more++)
        found = find_in(*more, rest, c);
    if (!found) c->capture_count = 0;
    return found;
}

const struct route *route_next(const struct backend *b, struct route_walk *walk) {
    for (;;) {
        const struct route *rows = walk->table == 0 ? b->routes
                                   : b->more        ? b->more[walk->table - 1]
                                                    : NULL;
        if (!rows) return NULL;
        const struct route *r = &rows[walk->row];
        if (r->pattern) {
            walk->row++;
            if (r->flags & ROUTE_NOTHING) continue; // nothing to be told of
            return r;
        }
        walk->table++;
        walk->row = 0;
    }
}
