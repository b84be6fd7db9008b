// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_HCL_H
#define IDENTITY_HCL_H
// HCL, version 1, as policies are written in it, and JSON: both give the same tree.
//
//   path "secret/*" {                  # an item with key and label; its value is an object
//     capabilities = ["read", "list"]  // an item with a key; its value is a list
//   }
//
// The first character that is not blank decides: `{` begins JSON. In JSON, {"path": {"a": {...}}}
// is the item `path` with the label "a", once per member (also where the value is an array of such
// objects). Pure; any thread.

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum hcl_type { HCL_STRING, HCL_NUMBER, HCL_FLOAT, HCL_BOOL, HCL_NULL, HCL_LIST, HCL_OBJECT };

// Counted from 1; columns in characters.
struct hcl_place {
    unsigned line, column;
};

struct hcl_value {
    enum hcl_type type;
    struct hcl_place place;
    struct str text; // a string's content (escapes resolved); a number or a bool as it was written
    struct hcl_value *elements; // of a list: the first one
    struct hcl_value *next;     // the next element of the list that this one is in
    struct hcl_item *items;     // of an object: the first one
};

struct hcl_label {
    struct str text;
    struct hcl_label *next;
};

struct hcl_item {
    struct str key;
    struct hcl_place place;
    struct hcl_label *labels;
    struct hcl_value value;
    struct hcl_item *next;
};

struct hcl {
    struct arena arena;    // owns all of it; nothing borrows from the text
    struct hcl_value root; // an object
};

// Parses a whole text. Outcomes: 0; HCL_E_SYNTAX with fault, "At 1:12: object expected closing
// RBRACE got: EOF"; -ENOMEM. `ret` needs hcl_fini only after 0.
enum { HCL_E_SYNTAX = 1, HCL_DEPTH_MAX = 64 };
int hcl_parse(struct hcl *ret, struct str text, struct fault *fault) MUST_USE;
void hcl_fini(struct hcl *h);
DEFINE_AUTO_FINI(hcl)

// An object as it would be written, one item a line; for tests.
void hcl_write(const struct hcl_value *object, struct buf *out);

#endif
