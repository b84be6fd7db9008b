// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_LIST_H
#define IDENTITY_LIST_H
// Lists of texts packed into one piece of memory: policies of a token, metadata (key, value, key,
// value, ...). Small, immutable, copied as a whole. Any thread.

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "json/read.h"
#include "json/write.h"

struct list {
    struct str packed; // each item: four bytes of length (little endian), then its bytes
};

// Appends an item to the packed form that is being made in `out`.
void list_add(struct buf *out, struct str item);
static inline struct list list_of(const struct buf *packed) {
    return (struct list){buf_str(packed)};
}

// Walking: struct str rest = l.packed, item; while (list_next(&rest, &item)) ...
bool list_next(struct str *rest, struct str *ret);
size_t list_count(struct list l);
bool list_has(struct list l, struct str item);
bool list_is_empty(struct list l);
// The value that follows `key` in a list of keys and values; absent when there is none.
struct str list_value(struct list pairs, struct str key);

// Appends the sorted set of the items of both (duplicates and empty items left out). -ENOMEM; 0.
int list_union(struct buf *out, struct list a, struct list b) MUST_USE;

// As JSON: ["a","b"]; and {"k":"v"} for pairs.
void list_write(struct buf *out, struct list l);
void list_write_pairs(struct buf *out, struct list pairs);
// From JSON: an array of strings; an object of strings. Other values in them are passed over.
void list_read(struct buf *out, const struct json *array);
void list_read_pairs(struct buf *out, const struct json *object);

#endif
