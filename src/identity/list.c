// SPDX-License-Identifier: Apache-2.0
// A packed list is each item's length in four bytes and the item, one after the other.
#include "identity/list.h"

#include <errno.h>

enum { LENGTH_BYTES = 4 };

void list_add(struct buf *out, struct str item) {
    uint32_t n = (uint32_t)item.n;
    unsigned char length[LENGTH_BYTES] = {(unsigned char)n, (unsigned char)(n >> 8),
                                          (unsigned char)(n >> 16), (unsigned char)(n >> 24)};
    buf_add(out, length, sizeof length);
    buf_add_str(out, item);
}

bool list_next(struct str *rest, struct str *ret) {
    if (rest->n < LENGTH_BYTES) return false;
    const unsigned char *p = (const unsigned char *)rest->p;
    size_t n = p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
    if (n > rest->n - LENGTH_BYTES) return false;
    *ret = (struct str){rest->p + LENGTH_BYTES, n};
    *rest = str_sub(*rest, LENGTH_BYTES + n, rest->n);
    return true;
}

size_t list_count(struct list l) {
    struct str rest = l.packed, item;
    size_t n = 0;
    while (list_next(&rest, &item)) n++;
    return n;
}

bool list_has(struct list l, struct str item) {
    struct str rest = l.packed, one;
    while (list_next(&rest, &one))
        if (str_eq(one, item)) return true;
    return false;
}

bool list_is_empty(struct list l) { return l.packed.n == 0; }

struct str list_value(struct list pairs, struct str key) {
    struct str rest = pairs.packed, k, v;
    while (list_next(&rest, &k) && list_next(&rest, &v))
        if (str_eq(k, key)) return v;
    return STR_NONE;
}

static int compare(const void *a, const void *b) {
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static size_t collect(struct str *items, size_t n, struct list l) {
    struct str rest = l.packed, item;
    while (list_next(&rest, &item))
        if (item.n) items[n++] = item;
    return n;
}

int list_union(struct buf *out, struct list a, struct list b) {
    size_t most = list_count(a) + list_count(b);
    if (most == 0) return 0;
    AUTO_MEM struct str *items = mem_new_array(most, sizeof *items);
    if (!items) return -ENOMEM;
    size_t n = collect(items, collect(items, 0, a), b);
    qsort(items, n, sizeof *items, compare);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !str_eq(items[i], items[i - 1])) list_add(out, items[i]);
    return out->error;
}

void list_write(struct buf *out, struct list l) {
    struct str rest = l.packed, item;
    json_open(out, '[');
    while (list_next(&rest, &item)) json_add_text(out, item);
    json_close(out, ']');
}

void list_write_pairs(struct buf *out, struct list pairs) {
    struct str rest = pairs.packed, key, value;
    json_open(out, '{');
    while (list_next(&rest, &key) && list_next(&rest, &value)) {
        json_key(out, key);
        json_add_text(out, value);
    }
    json_close(out, '}');
}

void list_read(struct buf *out, const struct json *array) {
    struct json_iter it = json_iter(array);
    while (json_next(&it))
        if (json_type(it.value) == JSON_STRING) list_add(out, json_str(it.value));
}

void list_read_pairs(struct buf *out, const struct json *object) {
    struct json_iter it = json_iter(object);
    while (json_next(&it)) {
        if (json_type(it.value) != JSON_STRING) continue;
        list_add(out, it.key);
        list_add(out, json_str(it.value));
    }
}
