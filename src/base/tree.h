// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_TREE_H
#define BASE_TREE_H
// A persistent ordered map: taking a copy of a tree costs nothing, and a copy never changes, so
// that any number of threads can read one while another thread makes the next (weight-balanced
// trees, path copying; a node that nobody else holds is changed in place).
//
// Items are borrowed pointers with a reference count of their own; the tree holds one reference per
// node. Keys are read from the items. A tree value belongs to one thread at a time; what two copies
// share may be read and let go of by different threads.

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/str.h"

// A key of two parts: compared by `a`, then by `b` (str_cmp).
struct tree_key {
    struct str a, b;
};

struct tree_type {
    struct tree_key (*key)(const void *item);
    void (*hold)(const void *item); // one reference more; any thread
    void (*drop)(const void *item); // one less; any thread
};

struct tree_node;
struct tree {
    struct tree_node *root; // NULL: empty
};

// A copy; to be dropped too.
struct tree tree_hold(const struct tree *t);
void tree_drop(struct tree *t, const struct tree_type *type); // the tree is empty then

size_t tree_count(const struct tree *t);
// The item of that key, borrowed from the tree; NULL.
const void *tree_get(const struct tree *t, const struct tree_type *type, struct tree_key key);

// Puts an item in, in the place of one of the same key; holds a reference of its own. Outcomes: 0;
// -ENOMEM: the tree is still whole, with or without the change.
int tree_put(struct tree *t, const struct tree_type *type, const void *item) MUST_USE;
// Takes the item of that key out, if there is one. Outcomes as tree_put.
int tree_remove(struct tree *t, const struct tree_type *type, struct tree_key key) MUST_USE;

// A tree of `n` items at once, for loading: much quicker than putting them in one by one. Of items
// with the same key the last one counts. Outcomes: 0; -ENOMEM.
int tree_build(struct tree *ret, const struct tree_type *type, const void *const *items,
               size_t n) MUST_USE;

// Walking in order:
//   struct tree_walk walk = tree_from(t, type, key);    // from the first item >= key
//   const void *item;
//   while ((item = tree_next(&walk))) use(item);
// The tree must not change meanwhile (a copy of it may).
enum { TREE_DEPTH_MAX = 96 }; // more items than memory can hold
struct tree_walk {
    const struct tree_node *path[TREE_DEPTH_MAX];
    size_t depth;
};
struct tree_walk tree_from(const struct tree *t, const struct tree_type *type, struct tree_key key);
const void *tree_next(struct tree_walk *walk);

#endif
