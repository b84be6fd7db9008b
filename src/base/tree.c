// SPDX-License-Identifier: Apache-2.0
// Weight-balanced trees (Adams; the constants are those that Hirai and Yamamoto proved to work).
//
// A node with one reference belongs to the tree that is being changed and is changed in place; any
// other is copied first. So a change after a copy costs as many new nodes as the tree is deep, and
// further changes next to it cost none.
#include "base/tree.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>

enum { DELTA = 3, RATIO = 2 };

struct tree_node {
    const void *item;
    struct tree_node *left, *right;
    atomic_uint refs;
    uint32_t count; // of items here and below
};

static uint32_t count_of(const struct tree_node *n) { return n ? n->count : 0; }
static uint64_t weight(const struct tree_node *n) { return (uint64_t)count_of(n) + 1; }

static int compare(struct tree_key a, struct tree_key b) {
    int c = str_cmp(a.a, b.a);
    return c ? c : str_cmp(a.b, b.b);
}

static struct tree_node *hold(struct tree_node *n) {
    if (n) atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
    return n;
}

// Depth is bounded by the balance, so is the recursion.
static void drop(struct tree_node *n, const struct tree_type *type) {
    while (n && atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) == 1) {
        struct tree_node *right = n->right;
        drop(n->left, type);
        type->drop(n->item);
        free(n);
        n = right;
    }
}

static struct tree_node *leaf(const struct tree_type *type, const void *item) {
    struct tree_node *n = mem_new(sizeof *n);
    if (!n) return NULL;
    type->hold(item);
    n->item = item;
    n->count = 1;
    atomic_init(&n->refs, 1);
    return n;
}

// Makes *at a node that only this tree has. False: no memory, nothing changed.
static bool own(struct tree_node **at, const struct tree_type *type) {
    struct tree_node *n = *at;
    if (atomic_load_explicit(&n->refs, memory_order_acquire) == 1) return true;
    struct tree_node *copy = leaf(type, n->item);
    if (!copy) return false;
    copy->left = hold(n->left);
    copy->right = hold(n->right);
    copy->count = n->count;
    drop(n, type);
    *at = copy;
    return true;
}

static void recount(struct tree_node *n) { n->count = count_of(n->left) + count_of(n->right) + 1; }

// Lifts the left or right child of an owned node over it.
static bool rotate(struct tree_node **at, bool lift_right, const struct tree_type *type) {
    struct tree_node *n = *at;
    struct tree_node **child = lift_right ? &n->right : &n->left;
    if (!own(child, type)) return false;
    struct tree_node *up = *child;
    struct tree_node **inner = lift_right ? &up->left : &up->right;
    *child = *inner;
    *inner = n;
    recount(n);
    recount(up);
    *at = up;
    return true;
}

// The right (or left) side of an owned node has grown too heavy: one rotation, or two when the
// inner grandchild is the heavy one.
static bool lighten(struct tree_node **at, bool right, const struct tree_type *type) {
    struct tree_node *n = *at;
    struct tree_node **heavy = right ? &n->right : &n->left;
    const struct tree_node *inner = right ? (*heavy)->left : (*heavy)->right;
    const struct tree_node *outer = right ? (*heavy)->right : (*heavy)->left;
    if (weight(inner) >= RATIO * weight(outer)) {
        if (!own(heavy, type) || !rotate(heavy, !right, type)) return false;
    }
    return rotate(at, right, type);
}

static bool balance(struct tree_node **at, const struct tree_type *type) {
    struct tree_node *n = *at;
    recount(n);
    if (weight(n->right) > DELTA * weight(n->left)) return lighten(at, true, type);
    if (weight(n->left) > DELTA * weight(n->right)) return lighten(at, false, type);
    return true;
}

static bool put(struct tree_node **at, const struct tree_type *type, struct tree_key key,
                const void *item) {
    if (!*at) {
        *at = leaf(type, item);
        return *at != NULL;
    }
    if (!own(at, type)) return false;
    struct tree_node *n = *at;
    int c = compare(key, type->key(n->item));
    if (c == 0) {
        type->hold(item);
        type->drop(n->item);
        n->item = item;
        return true;
    }
    bool done = put(c < 0 ? &n->left : &n->right, type, key, item);
    // Also after a failure: the counts must be right, and they are the tree's shape so far.
    return balance(at, type) && done;
}

// Takes the smallest node out of *at; the caller gets it, owned and alone.
static struct tree_node *take_first(struct tree_node **at, const struct tree_type *type) {
    if (!own(at, type)) return NULL;
    struct tree_node *n = *at;
    if (n->left) {
        struct tree_node *first = take_first(&n->left, type);
        (void)balance(at, type); // without memory the tree stays whole, only less even
        return first;
    }
    *at = TAKE(n->right);
    recount(n);
    return n;
}

// Takes the owned node at *at itself out.
static bool cut(struct tree_node **at, const struct tree_type *type) {
    struct tree_node *n = *at;
    if (!n->left || !n->right) {
        *at = n->left ? TAKE(n->left) : TAKE(n->right);
        drop(n, type);
        return true;
    }
    struct tree_node *next = take_first(&n->right, type);
    if (!next) return false;
    next->left = TAKE(n->left);
    next->right = TAKE(n->right);
    drop(n, type);
    *at = next;
    return balance(at, type);
}

static bool take_out(struct tree_node **at, const struct tree_type *type, struct tree_key key) {
    if (!own(at, type)) return false;
    struct tree_node *n = *at;
    int c = compare(key, type->key(n->item));
    if (c == 0) return cut(at, type);
    bool done = take_out(c < 0 ? &n->left : &n->right, type, key);
    return balance(at, type) && done;
}

struct tree tree_hold(const struct tree *t) {
    return (struct tree){hold(t->root)};
}

void tree_drop(struct tree *t, const struct tree_type *type) {
    drop(t->root, type);
    t->root = NULL;
}

size_t tree_count(const struct tree *t) { return count_of(t->root); }

const void *tree_get(const struct tree *t, const struct tree_type *type, struct tree_key key) {
    const struct tree_node *n = t->root;
    while (n) {
        int c = compare(key, type->key(n->item));
        if (c == 0) return n->item;
        n = c < 0 ? n->left : n->right;
    }
    return NULL;
}

int tree_put(struct tree *t, const struct tree_type *type, const void *item) {
    return put(&t->root, type, type->key(item), item) ? 0 : -ENOMEM;
}

int tree_remove(struct tree *t, const struct tree_type *type, struct tree_key key) {
    if (!tree_get(t, type, key)) return 0; // nothing is copied for nothing
    return take_out(&t->root, type, key) ? 0 : -ENOMEM;
}

// ---- many at once

// An item with the beginning of its key as a number: most comparisons need no more.
struct sortable {
    uint64_t front;
    struct tree_key key;
    const void *item;
    size_t at; // in the array: the order of equal keys
};

static uint64_t front_of(struct str s) {
    uint64_t front = 0;
    for (size_t i = 0; i < sizeof front; i++)
        front = front << 8 | (i < s.n ? (unsigned char)s.p[i] : 0);
    return front;
}

static int in_order(const void *a, const void *b) {
    const struct sortable *left = a, *right = b;
    if (left->front != right->front) return left->front < right->front ? -1 : 1;
    int c = compare(left->key, right->key);
    if (c) return c;
    return left->at < right->at ? -1 : 1;
}

// The middle item on top, both halves below it: false when there was no memory for all of it.
static bool build(struct tree_node **ret, const struct tree_type *type,
                  const struct sortable *items, size_t n) {
    *ret = NULL;
    if (n == 0) return true;
    struct tree_node *top = leaf(type, items[n / 2].item);
    if (!top) return false;
    bool done = build(&top->left, type, items, n / 2) &&
                build(&top->right, type, items + n / 2 + 1, n - n / 2 - 1);
    recount(top);
    *ret = top;
    return done;
}

int tree_build(struct tree *ret, const struct tree_type *type, const void *const *items, size_t n) {
    AUTO_MEM struct sortable *sorted = mem_new_array(n + 1, sizeof *sorted);
    if (!sorted) return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct tree_key key = type->key(items[i]);
        sorted[i] = (struct sortable){front_of(key.a), key, items[i], i};
    }
    qsort(sorted, n, sizeof *sorted, in_order);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || compare(sorted[i].key, sorted[i + 1].key) != 0)
            sorted[kept++] = sorted[i];
    struct tree t = {NULL};
    bool done = build(&t.root, type, sorted, kept);
    if (!done) tree_drop(&t, type);
    *ret = t;
    return done ? 0 : -ENOMEM;
}

static void descend(struct tree_walk *walk, const struct tree_node *n) {
    for (; n && walk->depth < TREE_DEPTH_MAX; n = n->left) walk->path[walk->depth++] = n;
}

struct tree_walk tree_from(const struct tree *t, const struct tree_type *type,
                           struct tree_key key) {
    struct tree_walk walk;
    walk.depth = 0;
    const struct tree_node *n = t->root;
    while (n && walk.depth < TREE_DEPTH_MAX) {
        if (compare(key, type->key(n->item)) <= 0) {
            walk.path[walk.depth++] = n;
            n = n->left;
        } else {
            n = n->right;
        }
    }
    return walk;
}

const void *tree_next(struct tree_walk *walk) {
    if (walk->depth == 0) return NULL;
    const struct tree_node *n = walk->path[--walk->depth];
    descend(walk, n->right);
    return n->item;
}
