// SPDX-License-Identifier: Apache-2.0
// <<EOF takes the lines up to one that holds nothing but the anchor, blanks before it included in
// the content. <<-EOF takes from each line the blanks that stand before the closing anchor, unless
// a line has fewer: then all stay as they are.
#include <errno.h>

#include "identity/hcl-internal.h"

struct heredoc {
    struct str anchor;
    bool indented;      // <<-
    struct str content; // the lines, up to the closing line
    struct str indent;  // what stands before the closing anchor
};

static bool is_indent(char c) { return c == ' ' || c == '\t'; }

// Goes past `<<EOF` and the end of that line.
static int scan_anchor(struct hcl_lexer *l, struct heredoc *h) {
    hcl_skip(l, 1);
    if (hcl_peek(l, 0) != '<')
        return hcl_fault(l, l->place, "heredoc expected second '<', didn't see it");
    hcl_skip(l, 1);
    h->indented = hcl_peek(l, 0) == '-';
    if (h->indented) hcl_skip(l, 1);
    size_t start = l->at;
    while (l->at < l->text.n && hcl_peek(l, 0) != '\n' && hcl_peek(l, 0) != '\r') {
        char c = hcl_peek(l, 0);
        bool is_word =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!is_word) return hcl_fault(l, l->place, "invalid characters in heredoc anchor");
        hcl_skip(l, 1);
    }
    h->anchor = str_sub(l->text, start, l->at);
    if (l->at == l->text.n) return hcl_fault(l, l->place, "heredoc not terminated");
    if (h->anchor.n == 0) return hcl_fault(l, l->place, "zero-length heredoc anchor");
    if (hcl_peek(l, 0) == '\r') hcl_skip(l, 1);
    hcl_skip(l, 1);
    return 0;
}

// Is this line the closing one? Gives the blanks before the anchor.
static bool closes(const struct heredoc *h, struct str line, struct str *ret_indent) {
    size_t n = 0;
    while (n < line.n && is_indent(line.p[n])) n++;
    struct str rest = str_sub(line, n, line.n);
    if (rest.n && rest.p[rest.n - 1] == '\r') rest.n--;
    if (!str_eq(rest, h->anchor)) return false;
    *ret_indent = str_sub(line, 0, n);
    return true;
}

// Goes past the closing anchor, not past its line's end.
static int scan_lines(struct hcl_lexer *l, struct heredoc *h) {
    size_t start = l->at;
    while (l->at < l->text.n) {
        struct str rest = str_sub(l->text, l->at, l->text.n);
        struct str line = str_sub(rest, 0, str_find_char(rest, '\n'));
        if (closes(h, line, &h->indent)) {
            h->content = str_sub(l->text, start, l->at);
            hcl_skip(l, line.n);
            return 0;
        }
        hcl_skip(l, line.n + 1);
    }
    return hcl_fault(l, l->place, "heredoc not terminated");
}

static bool all_indented(struct str content, struct str indent) {
    while (content.n) {
        struct str line = str_split(&content, '\n');
        if (!str_starts(line, indent)) return false;
    }
    return true;
}

static int unindent(struct hcl_lexer *l, const struct heredoc *h, struct str *ret) {
    char *p = arena_take(l->arena, h->content.n + 1);
    if (!p) return -ENOMEM;
    size_t n = 0;
    for (struct str rest = h->content; rest.n;) {
        struct str line = str_sub(rest, 0, str_find_char(rest, '\n') + 1);
        rest = str_sub(rest, line.n, rest.n);
        line = str_sub(line, h->indent.n, line.n);
        memcpy(p + n, line.p, line.n);
        n += line.n;
    }
    *ret = (struct str){p, n};
    return 0;
}

int hcl_scan_heredoc(struct hcl_lexer *l, struct hcl_token *t) {
    struct heredoc h = {0};
    size_t start = l->at;
    int r = scan_anchor(l, &h);
    if (r == 0) r = scan_lines(l, &h);
    if (r) return r;
    t->type = HCL_T_HEREDOC;
    t->raw = str_sub(l->text, start, l->at);
    if (h.indented && all_indented(h.content, h.indent)) return unindent(l, &h, &t->text);
    if (!h.indented) h.content.n += h.indent.n; // they stand right behind it
    return arena_copy(l->arena, h.content, &t->text) ? 0 : -ENOMEM;
}
