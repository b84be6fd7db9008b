// SPDX-License-Identifier: Apache-2.0
// Walks along the attribute's names; an array on the way stands for each of its elements, so that
// `target.id eq "A"` asks whether any target has that id.
#include "base/parse.h"
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

// <0, 0, >0: by value when both are numbers, else by bytes.
static int compare(const struct filter_node *test, const struct json *v, struct str text) {
    double a, b;
    bool numbers =
        json_type(v) == JSON_NUMBER && parse_double(text, &a) && parse_double(test->value, &b);
    if (numbers) return a < b ? -1 : a > b;
    return str_cmp(text, test->value);
}

static bool test_scalar(const struct filter_node *test, const struct json *v) {
    struct str text = text_of(v);
    if (!text.p) return test->op == FILTER_PR && json_count(v) > 0;
    switch (test->op) {
    case FILTER_PR: return true;
    case FILTER_EQ:
    case FILTER_NE: return compare(test, v, text) == 0;
    case FILTER_GT: return compare(test, v, text) > 0;
    case FILTER_GE: return compare(test, v, text) >= 0;
    case FILTER_LT: return compare(test, v, text) < 0;
    case FILTER_LE: return compare(test, v, text) <= 0;
    case FILTER_CO: return test->value.n == 0 || str_find(text, test->value) < text.n;
    case FILTER_SW: return str_starts(text, test->value);
    case FILTER_EW: return str_ends(text, test->value);
    case FILTER_OPS: break;
    }
    return false;
}

// True when any value at the end of `path` passes; the caller turns `ne` round.
static bool test_any(const struct filter_node *test, const struct json *v, const char *path) {
    if (json_type(v) == JSON_ARRAY) {
        struct json_iter it = json_iter(v);
        while (json_next(&it))
            if (test_any(test, it.value, path)) return true;
        return false;
    }
    if (!*path) return v && test_scalar(test, v);
    if (json_type(v) != JSON_OBJECT) return false;
    return test_any(test, json_get(v, path), path + strlen(path) + 1);
}

static bool match(const struct filter_node *node, const struct json *event) {
    switch (node->type) {
    case FILTER_TEST: return test_any(node, event, node->path) != (node->op == FILTER_NE);
    case FILTER_AND: return match(node->left, event) && match(node->right, event);
    case FILTER_OR: return match(node->left, event) || match(node->right, event);
    case FILTER_NOT: return !match(node->left, event);
    }
    return false;
}

bool filter_match(const struct filter *f, const struct json *event) {
    return match(f->root, event);
}
