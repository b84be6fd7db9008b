// SPDX-License-Identifier: Apache-2.0
#ifndef CONF_NODE_H
#define CONF_NODE_H
// A YAML document as a tree of nodes that know where they stand. This room is the only includer of
// yaml.h; the header does not show it.
//
// Of YAML, what settings need: one document of maps, lists and scalars. Anchors, aliases and tags
// are refused, and so are repeated keys, more than 32 levels, and files of more than 1 MB.

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "conf/errors.h"

enum { CONF_DEPTH_MAX = 32, CONF_FILE_MAX = 1024 * 1024 };

enum conf_kind { CONF_SCALAR, CONF_LIST, CONF_MAP };

struct conf_node {
    enum conf_kind kind;
    struct conf_place place;     // of the value
    struct conf_place key_place; // of the key, in a map
    const char *key;             // in a map; NULL in a list and for the root
    size_t index;                // in a list, from 0
    struct str text;             // scalar, as written; NUL-terminated, no NULs inside
    bool plain;                  // scalar without quotes: `null` and `~` mean nothing
    struct conf_node *parent;    // NULL: the root
    struct conf_node *first, *last, *next;
    size_t count; // of children
};

// Reads one document. `name` is the file's name for messages (copied). `*ret` lives in the arena;
// an empty document is an empty map. Outcomes: 0 (perhaps with errors for repeated keys; the first
// one counts); CONF_E_WRONG with an error; -ENOMEM.
int conf_parse(struct arena *a, const char *name, struct str text, struct conf_errors *errors,
               struct conf_node **ret) MUST_USE;

// A new node as the last child of `parent` (NULL: a root). NULL when there is no memory.
struct conf_node *conf_node_new(struct arena *a, struct conf_node *parent, enum conf_kind kind,
                                struct conf_place place) MUST_USE;

// The child of that key; NULL when there is none, or when `map` is NULL or no map.
struct conf_node *conf_node_get(const struct conf_node *map, struct str key);

// The child at `index`; NULL when there is none, or when `list` is NULL or no list.
struct conf_node *conf_node_item(const struct conf_node *list, size_t index);

// Appends the path from the root, dotted as for --set: "sources.0.interval". Empty for the root.
void conf_node_path(const struct conf_node *node, struct buf *out);

// Whether the value says nothing: no text, or a plain `null` or `~`.
bool conf_node_is_empty(const struct conf_node *scalar);

// Whether all of it is UTF-8. `*ret_bad` is the offset of the first byte that is not, or of a
// control character that YAML does not allow.
bool conf_text_ok(struct str text, size_t *ret_bad);

#endif
