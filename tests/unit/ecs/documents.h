// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_DOCUMENTS_H
#define TESTS_DOCUMENTS_H
// Comparing documents: lists as sets, numbers by value, null and empty lists as if they were not
// there. What remains different is told leaf by leaf.

#include <stdint.h>
#include <stdio.h>

#include "base/parse.h"
#include "json/read.h"
#include "json/write.h"

struct leaf {
    char *path;  // member names with points between them
    char *value; // canonical text
};

struct leaves {
    struct leaf *items;
    size_t n, cap;
};

static inline void leaves_fini(struct leaves *l) {
    for (size_t i = 0; i < l->n; i++) {
        free(l->items[i].path);
        free(l->items[i].value);
    }
    free(l->items);
    *l = (struct leaves){0};
}
DEFINE_AUTO_FINI(leaves)

static inline void need(bool ok) {
    if (ok) return;
    fprintf(stderr, "out of memory\n");
    abort();
}

static inline int compare_texts(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline void canonical(struct buf *out, const struct json *v);

// "name":value of each member, or the value of each element; sorted.
static inline void canonical_parts(struct buf *out, const struct json *v) {
    AUTO_MEM char **parts = mem_new_array(json_count(v), sizeof *parts);
    need(parts != NULL);
    size_t n = 0;
    struct json_iter it = json_iter(v);
    while (json_next(&it)) {
        AUTO_FINI(buf) struct buf part = buf_make(SIZE_MAX / 2);
        if (json_type(it.value) == JSON_NULL) continue;
        if (json_type(it.value) == JSON_ARRAY && json_is_empty(it.value)) continue;
        if (it.in_object) json_key(&part, it.key);
        canonical(&part, it.value);
        parts[n] = buf_take(&part);
        need(parts[n++] != NULL);
    }
    qsort(parts, n, sizeof *parts, compare_texts);
    for (size_t i = 0; i < n; i++) {
        json_add_raw(out, str_from(parts[i]));
        free(parts[i]);
    }
}

static inline void canonical(struct buf *out, const struct json *v) {
    double number = 0;
    if (json_type(v) == JSON_ARRAY || json_type(v) == JSON_OBJECT) {
        bool object = json_type(v) == JSON_OBJECT;
        json_open(out, object ? '{' : '[');
        canonical_parts(out, v);
        json_close(out, object ? '}' : ']');
    } else if (parse_double(json_number(v), &number)) {
        json_comma(out);
        buf_addf(out, "%.17g", number);
    } else {
        need(json_add_value(out, v) == 0);
    }
}

static inline void add_leaf(struct leaves *l, struct str path, const struct json *v) {
    AUTO_FINI(buf) struct buf text = buf_make(SIZE_MAX / 2);
    canonical(&text, v);
    need(mem_grow(&l->items, &l->cap, l->n + 1, sizeof *l->items) == 0);
    struct leaf leaf = {mem_copy(path.p, path.n), buf_take(&text)};
    need(leaf.path && leaf.value);
    l->items[l->n++] = leaf;
}

static inline void collect_leaves(struct leaves *l, struct buf *path, const struct json *v) {
    if (json_type(v) == JSON_NULL) return;
    if (json_type(v) == JSON_ARRAY && json_is_empty(v)) return;
    if (json_type(v) != JSON_OBJECT || json_is_empty(v)) {
        add_leaf(l, buf_str(path), v);
        return;
    }
    struct json_iter it = json_iter(v);
    while (json_next(&it)) {
        size_t before = path->n;
        if (path->n) buf_addc(path, '.');
        buf_add_str(path, it.key);
        collect_leaves(l, path, it.value);
        buf_cut(path, before);
    }
}

static inline int compare_leaves(const void *a, const void *b) {
    const struct leaf *x = a, *y = b;
    return strcmp(x->path, y->path);
}

static inline void leaves_of(struct leaves *l, const struct json *document) {
    AUTO_FINI(buf) struct buf path = buf_make(SIZE_MAX / 2);
    collect_leaves(l, &path, document);
    qsort(l->items, l->n, sizeof *l->items, compare_leaves);
}

// '+': only ours has it; '-': only theirs; '~': both, but different.
typedef void on_difference(void *context, char kind, const char *path, const char *theirs,
                           const char *ours);

static inline void compare_documents(const struct json *theirs, const struct json *ours,
                                     on_difference *tell, void *context) {
    AUTO_FINI(leaves) struct leaves a = {0};
    AUTO_FINI(leaves) struct leaves b = {0};
    leaves_of(&a, theirs);
    leaves_of(&b, ours);
    size_t i = 0, j = 0;
    while (i < a.n || j < b.n) {
        int order = i == a.n ? 1 : j == b.n ? -1 : strcmp(a.items[i].path, b.items[j].path);
        if (order < 0) tell(context, '-', a.items[i].path, a.items[i].value, "");
        else if (order > 0) tell(context, '+', b.items[j].path, "", b.items[j].value);
        else if (strcmp(a.items[i].value, b.items[j].value) != 0)
            tell(context, '~', a.items[i].path, a.items[i].value, b.items[j].value);
        if (order <= 0) i++;
        if (order >= 0) j++;
    }
}

#endif
