// SPDX-License-Identifier: Apache-2.0
// JSON for people: one pass over text that is known to be valid. An object or list without another
// one inside that fits in a line stays in one.
#include "elastic/template-internal.h"

enum { LINE = 100 };

struct pretty {
    struct buf *out;
    struct str json;
    size_t at, depth;
};

static void copy_string(struct pretty *p) {
    size_t from = p->at++;
    while (p->at < p->json.n && p->json.p[p->at] != '"') p->at += p->json.p[p->at] == '\\' ? 2 : 1;
    p->at++;
    buf_add_str(p->out, str_sub(p->json, from, p->at));
}

static void break_line(struct pretty *p) {
    buf_addc(p->out, '\n');
    for (size_t i = 0; i < 2 * p->depth; i++) buf_addc(p->out, ' ');
}

static bool is_open(char c) { return c == '{' || c == '['; }
static bool is_close(char c) { return c == '}' || c == ']'; }

// Where what opens here closes, if it holds nothing that opens again but one short level and fits.
static size_t short_end(const struct pretty *p) {
    size_t depth = 0, deepest = 0, max = LINE - 2 * p->depth;
    bool quoted = false;
    for (size_t i = p->at; i < p->json.n && i - p->at < max; i++) {
        char c = p->json.p[i];
        if (quoted && c == '\\') i++;
        else if (c == '"') quoted = !quoted;
        else if (!quoted && is_open(c) && ++depth > deepest) deepest = depth;
        else if (!quoted && is_close(c) && --depth == 0) return deepest > 2 ? 0 : i + 1;
    }
    return 0;
}

// Inside of a line: a blank behind each comma and colon.
static void copy_line(struct pretty *p, size_t end) {
    while (p->at < end) {
        char c = p->json.p[p->at];
        if (c == '"') {
            copy_string(p);
            continue;
        }
        buf_addc(p->out, c);
        if (c == ',' || c == ':') buf_addc(p->out, ' ');
        p->at++;
    }
}

static void take_mark(struct pretty *p, char c) {
    p->at++;
    if (is_close(c)) {
        p->depth--;
        break_line(p);
    }
    buf_addc(p->out, c);
    if (c == ':') buf_addc(p->out, ' ');
    if (is_open(c)) p->depth++;
    if (is_open(c) || c == ',') break_line(p);
}

void elastic_pretty(struct buf *out, struct str json) {
    struct pretty p = {.out = out, .json = json};
    while (p.at < json.n) {
        char c = json.p[p.at];
        size_t end = is_open(c) && p.at > 0 ? short_end(&p) : 0;
        if (c == '"') copy_string(&p);
        else if (end) copy_line(&p, end);
        else take_mark(&p, c);
    }
    buf_addc(out, '\n');
}
