// SPDX-License-Identifier: Apache-2.0
// Walks along the attribute's names; an array on the way stands for each of its elements, so that
// `target.id eq "A"` asks whether any target has that id.
#include "base/parse.h"
#include "base/time.h"
#include "sim/filter-internal.h"

static struct str text_of(const struct json *v) {
    switch (json_type(v)) {
    case JSON_STRING: return json_str(v);
    case JSON_NUMBER: return json_number(v);
    case JSON_BOOL: return json_bool(v) ? STR("true") : STR("false");
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    return STR_NONE;
}

static char fold(const struct filter_dialect *dialect, char c) {
    return dialect->folds && c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

// <0, 0, >0: by bytes, in the dialect's way with case.
static int compare_bytes(const struct filter_dialect *dialect, struct str a, struct str b) {
    if (!dialect->folds) return str_cmp(a, b);
    for (size_t i = 0; i < a.n && i < b.n; i++) {
        int difference =
            (unsigned char)fold(dialect, a.p[i]) - (unsigned char)fold(dialect, b.p[i]);
        if (difference) return difference;
    }
    return a.n < b.n ? -1 : a.n > b.n;
}

static bool begins(const struct filter_dialect *dialect, struct str text, struct str with) {
    return with.n <= text.n && compare_bytes(dialect, str_sub(text, 0, with.n), with) == 0;
}

static bool holds(const struct filter_dialect *dialect, struct str text, struct str part) {
    for (size_t i = 0; i + part.n <= text.n; i++)
        if (begins(dialect, str_sub(text, i, text.n), part)) return true;
    return false;
}

// <0, 0, >0: by value when both are numbers or, in some dialects, instants; else by bytes.
static int compare(const struct filter_dialect *dialect, const struct filter_node *test,
                   const struct json *v, struct str text) {
    double a, b;
    int64_t from_ms, to_ms;
    bool numbers =
        json_type(v) == JSON_NUMBER && parse_double(text, &a) && parse_double(test->value, &b);
    if (numbers) return a < b ? -1 : a > b;
    bool instants = dialect->dates && time_parse_iso8601(text, &from_ms) &&
                    time_parse_iso8601(test->value, &to_ms);
    if (instants) return from_ms < to_ms ? -1 : from_ms > to_ms;
    return compare_bytes(dialect, text, test->value);
}

static bool test_scalar(const struct filter_dialect *dialect, const struct filter_node *test,
                        const struct json *v) {
    struct str text = text_of(v);
    if (!text.p) return test->op == FILTER_PR && json_count(v) > 0;
    switch (test->op) {
    case FILTER_PR: return true;
    case FILTER_EQ:
    case FILTER_NE: return compare(dialect, test, v, text) == 0;
    case FILTER_GT: return compare(dialect, test, v, text) > 0;
    case FILTER_GE: return compare(dialect, test, v, text) >= 0;
    case FILTER_LT: return compare(dialect, test, v, text) < 0;
    case FILTER_LE: return compare(dialect, test, v, text) <= 0;
    case FILTER_CO: return holds(dialect, text, test->value);
    case FILTER_SW: return begins(dialect, text, test->value);
    case FILTER_EW: return str_ends(text, test->value);
    case FILTER_OPS: break;
    }
    return false;
}

// True when any value at the end of `path` passes; the caller turns `ne` round.
static bool test_any(const struct filter_dialect *dialect, const struct filter_node *test,
                     const struct json *v, const char *path) {
    if (json_type(v) == JSON_ARRAY) {
        struct json_iter it = json_iter(v);
        while (json_next(&it))
            if (test_any(dialect, test, it.value, path)) return true;
        return false;
    }
    if (!*path) return v && test_scalar(dialect, test, v);
    if (json_type(v) != JSON_OBJECT) return false;
    return test_any(dialect, test, json_get(v, path), path + strlen(path) + 1);
}

static bool match(const struct filter_dialect *d, const struct filter_node *node,
                  const struct json *object) {
    switch (node->type) {
    case FILTER_TEST: return test_any(d, node, object, node->path) != (node->op == FILTER_NE);
    case FILTER_AND: return match(d, node->left, object) && match(d, node->right, object);
    case FILTER_OR: return match(d, node->left, object) || match(d, node->right, object);
    case FILTER_NOT: return !match(d, node->left, object);
    }
    return false;
}

bool filter_match(const struct filter *f, const struct json *event) {
    return match(f->dialect, f->root, event);
}

// "profile.login" to the names that a test has.
static bool is_path(const char *path, struct str attribute) {
    while (attribute.p) {
        struct str name = str_split(&attribute, '.');
        if (!str_eqz(name, path)) return false;
        path += name.n + 1;
    }
    return *path == '\0';
}

struct str filter_only_value(const struct filter *f, const char *attribute) {
    const struct filter_node *test = f->root;
    bool only = test->type == FILTER_TEST && test->op == FILTER_EQ && !test->is_number;
    return only && is_path(test->path, str_from(attribute)) ? test->value : STR_NONE;
}
