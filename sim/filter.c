// SPDX-License-Identifier: Apache-2.0
// Recursive descent over the text. Nodes lie in a fixed array inside the filter, so that there is
// one thing to free. Positions in messages count bytes from 0.
#include "sim/filter.h"

#include <errno.h>

#include "sim/filter-internal.h"

struct parser {
    struct filter *filter;
    struct str text;
    size_t at;
    size_t depth;
    struct json_reader *reader;
    struct api_error *error;
};

static const char *const op_names[FILTER_OPS] = {
    [FILTER_EQ] = "eq", [FILTER_NE] = "ne", [FILTER_GT] = "gt", [FILTER_GE] = "ge",
    [FILTER_LT] = "lt", [FILTER_LE] = "le", [FILTER_CO] = "co", [FILTER_SW] = "sw",
    [FILTER_EW] = "ew", [FILTER_PR] = "pr",
};

struct filter *filter_free(struct filter *f) {
    if (!f) return NULL;
    free(f->text);
    buf_fini(&f->strings);
    free(f);
    return NULL;
}

static int refuse(struct parser *p, size_t at, const char *what, struct str shown) {
    return api_error_set(p->error, FILTER_E_REFUSED, API_FILTER_SYNTAX,
                         "'%.*s': %s%.*s at position %zu.", STR_ARG(p->text), what, STR_ARG(shown),
                         at);
}

static void skip_blanks(struct parser *p) {
    while (p->at < p->text.n && p->text.p[p->at] == ' ') p->at++;
}

static bool ends_word(char c) { return c == ' ' || c == '(' || c == ')' || c == '"'; }

// The word at the present position, without moving.
static struct str peek_word(struct parser *p) {
    skip_blanks(p);
    size_t end = p->at;
    while (end < p->text.n && !ends_word(p->text.p[end])) end++;
    return str_sub(p->text, p->at, end);
}

static bool take_word(struct parser *p, const char *word) {
    struct str found = peek_word(p);
    if (!str_eq_nocase(found, str_from(word))) return false;
    p->at += found.n;
    return true;
}

static bool take_char(struct parser *p, char c) {
    skip_blanks(p);
    if (p->at >= p->text.n || p->text.p[p->at] != c) return false;
    p->at++;
    return true;
}

static struct filter_node *node_new(struct parser *p, enum filter_node_type type) {
    if (p->filter->n_nodes == FILTER_NODES_MAX) return NULL;
    struct filter_node *node = &p->filter->nodes[p->filter->n_nodes++];
    node->type = type;
    return node;
}

static int too_complex(struct parser *p) {
    return refuse(p, p->at, "The expression is too complex", STR_NONE);
}

static int parse_or(struct parser *p, struct filter_node **ret);

static int parse_group(struct parser *p, struct filter_node **ret) {
    if (!take_char(p, '(')) return refuse(p, p->at, "Expected '('", STR_NONE);
    if (p->depth == FILTER_DEPTH_MAX) return too_complex(p);
    p->depth++;
    int e = parse_or(p, ret);
    p->depth--;
    if (e) return e;
    return take_char(p, ')') ? 0 : refuse(p, p->at, "Expected ')'", STR_NONE);
}

static int parse_operator(struct parser *p, enum filter_op *ret) {
    struct str word = peek_word(p);
    if (word.n == 0) return refuse(p, p->at, "Expected an attribute operator", STR_NONE);
    for (size_t i = 0; i < LEN(op_names); i++) {
        if (!str_eq_nocase(word, str_from(op_names[i]))) continue;
        p->at += word.n;
        *ret = (enum filter_op)i;
        return 0;
    }
    return api_error_set(p->error, FILTER_E_REFUSED, API_FILTER_SYNTAX,
                         "'%.*s': Unrecognized attribute operator '%.*s' at position %zu. "
                         "Expected: eq,co,sw,pr,gt,ge,lt,le",
                         STR_ARG(p->text), STR_ARG(word), p->at);
}

static size_t end_of_string(const struct parser *p) {
    size_t end = p->at + 1;
    while (end < p->text.n && p->text.p[end] != '"') end += p->text.p[end] == '\\' ? 2 : 1;
    return end;
}

// Keeps the decoded string; `strings` was made large enough at the start, so it never moves.
static void keep_string(struct filter *f, struct str decoded, struct str *ret) {
    const char *from = f->strings.p + f->strings.n;
    buf_add_str(&f->strings, decoded);
    *ret = (struct str){from, decoded.n};
}

static int parse_string(struct parser *p, struct filter_node *node) {
    size_t end = end_of_string(p);
    if (end >= p->text.n) return refuse(p, p->at, "Unterminated string", STR_NONE);
    const struct json *value;
    int e = json_read(p->reader, str_sub(p->text, p->at, end + 1), &value, NULL);
    if (e > 0) return refuse(p, p->at, "Invalid string", STR_NONE);
    if (e) return e;
    keep_string(p->filter, json_str(value), &node->value);
    p->at = end + 1;
    return 0;
}

static int parse_value(struct parser *p, struct filter_node *node) {
    skip_blanks(p);
    if (p->at >= p->text.n) return refuse(p, p->at, "Unexpected end of filter string", STR_NONE);
    if (p->text.p[p->at] == '"') return parse_string(p, node);
    struct str word = peek_word(p);
    const struct json *value = NULL;
    int e = word.n ? json_read(p->reader, word, &value, NULL) : JSON_E_SYNTAX;
    if (e < 0) return e;
    node->is_number = !e && json_type(value) == JSON_NUMBER;
    bool is_bool = !e && json_type(value) == JSON_BOOL;
    if (!node->is_number && !is_bool)
        return refuse(p, p->at, "Expected a quoted string, a number, true or false instead of ",
                      word);
    node->value = word;
    p->at += word.n;
    return 0;
}

static bool is_substring(enum filter_op op) {
    return op == FILTER_CO || op == FILTER_SW || op == FILTER_EW;
}

static int refuse_combination(struct parser *p, enum filter_op op, struct str attribute) {
    return api_error_set(p->error, FILTER_E_REFUSED, API_FILTER_COMBINATION,
                         "Operator: %s, Field: %.*s", op_names[op], STR_ARG(attribute));
}

static int parse_test(struct parser *p, struct filter_node **ret) {
    struct str attribute = peek_word(p);
    if (attribute.n == 0)
        return p->at >= p->text.n
                   ? refuse(p, p->at, "Unexpected end of filter string", STR_NONE)
                   : refuse(p, p->at, "Unexpected character ", str_sub(p->text, p->at, p->at + 1));
    struct filter_node *node = node_new(p, FILTER_TEST);
    if (!node) return too_complex(p);
    p->at += attribute.n;
    int e = parse_operator(p, &node->op);
    if (e) return e;
    const struct filter_dialect *dialect = p->filter->dialect;
    if (!dialect->find(attribute, node->path, sizeof node->path))
        return api_error_set(p->error, FILTER_E_REFUSED, API_FILTER_FIELD, "%.*s",
                             STR_ARG(attribute));
    if (dialect->refuses(attribute, node->op)) return refuse_combination(p, node->op, attribute);
    if (node->op != FILTER_PR) e = parse_value(p, node);
    if (e) return e;
    if (is_substring(node->op) && node->is_number)
        return refuse_combination(p, node->op, attribute);
    *ret = node;
    return 0;
}

static int parse_not(struct parser *p, struct filter_node **ret) {
    struct filter_node *node = node_new(p, FILTER_NOT);
    if (!node) return too_complex(p);
    struct filter_node *inner = NULL;
    int e = parse_group(p, &inner);
    if (e) return e;
    node->left = inner;
    *ret = node;
    return 0;
}

static int parse_factor(struct parser *p, struct filter_node **ret) {
    skip_blanks(p);
    if (p->at < p->text.n && p->text.p[p->at] == '(') return parse_group(p, ret);
    if (p->filter->dialect->has_not && take_word(p, "not")) return parse_not(p, ret);
    return parse_test(p, ret);
}

typedef int parse_part(struct parser *p, struct filter_node **ret);

// A chain of parts with the same word between them.
static int parse_chain(struct parser *p, struct filter_node **ret, const char *word,
                       enum filter_node_type type, parse_part *part) {
    struct filter_node *left = NULL;
    int e = part(p, &left);
    while (!e && take_word(p, word)) {
        struct filter_node *node = node_new(p, type);
        if (!node) return too_complex(p);
        struct filter_node *right = NULL;
        e = part(p, &right);
        node->left = left;
        node->right = right;
        left = node;
    }
    if (!e) *ret = left;
    return e;
}

static int parse_and(struct parser *p, struct filter_node **ret) {
    return parse_chain(p, ret, "and", FILTER_AND, parse_factor);
}

static int parse_or(struct parser *p, struct filter_node **ret) {
    return parse_chain(p, ret, "or", FILTER_OR, parse_and);
}

static int parse_whole(struct parser *p, struct filter_node **ret) {
    int e = parse_or(p, ret);
    if (e) return e;
    skip_blanks(p);
    if (p->at < p->text.n)
        return refuse(p, p->at, "Unexpected ", str_sub(p->text, p->at, p->text.n));
    return 0;
}

// Room for every decoded string: none is more than three times as long as it was written (a byte
// that is not UTF-8 becomes three).
static int filter_init(struct filter *f, struct str text) {
    f->text = mem_copy(text.p, text.n);
    if (!f->text) return -ENOMEM;
    f->strings = buf_make(text.n * 3 + 1);
    return buf_reserve(&f->strings, text.n * 3 + 1) ? 0 : -ENOMEM;
}

int filter_compile(struct filter **ret, const struct filter_dialect *dialect, struct str text,
                   struct api_error *error) {
    AUTO(filter) struct filter *f = mem_new(sizeof *f);
    AUTO(json_reader) struct json_reader *reader = NULL;
    if (!f) return -ENOMEM;
    int e = filter_init(f, text);
    if (!e) e = json_reader_new(&reader);
    if (e) return e;
    f->dialect = dialect;
    struct parser p = {.filter = f, .text = {f->text, text.n}, .reader = reader, .error = error};
    struct filter_node *root = NULL;
    e = parse_whole(&p, &root);
    if (e) return e;
    f->root = root;
    *ret = TAKE(f);
    return 0;
}
