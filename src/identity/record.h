// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_RECORD_H
#define IDENTITY_RECORD_H
// What the gate keeps: immutable, counted records of a few kinds. A change is a new record in the
// place of the old one.
//
// A record is one piece of memory: its struct, whose first member is `struct record`, then the
// bytes of its texts. Any thread may read, hold and drop.

#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/tree.h"
#include "json/read.h"

enum record_kind {
    RECORD_CORE,   // one: identity/core.h
    RECORD_MOUNT,  // identity/mount.h
    RECORD_POLICY, // identity/policy.h
    RECORD_TOKEN,  // identity/token.h
    RECORD_ENTITY, // identity/entity.h
    RECORD_ALIAS,
    RECORD_USER,      // identity/user.h
    RECORD_SECRET,    // identity/secret.h: kv and cubbyhole
    RECORD_METHOD,    // mfa/method.h
    RECORD_MERGED,    // identity/entity.h: what is left of entities that were merged
    RECORD_GUARD,     // mfa/guard.h: what is known of whom pushes go to
    RECORD_CHALLENGE, // mfa/trail.h: what became of a challenge
    RECORD_KINDS
};
enum { RECORD_INDEXES = 3 }; // most that a kind has; index 0 is its primary key

struct record_type {
    const char *name; // in storage keys: "token"
    struct tree_type index[RECORD_INDEXES];
    int index_count;
    // Appends the record as one JSON object (secrets in clear: it is sealed afterwards).
    void (*encode)(const void *record, struct buf *out);
    // Outcomes: 0; -EINVAL with fault (never quoting a secret); -ENOMEM.
    int (*decode)(void **ret, const struct json *v, struct fault *fault);
    void (*fini)(void *record); // beyond the one piece of memory (parsed rules); NULL: nothing
    bool secret;                // its memory is wiped before it is freed
};

struct record {
    const struct record_type *type;
    atomic_uint refs;
    uint32_t bytes; // of the whole piece
    enum record_kind kind;
};

// Makes a record out of a struct on the stack whose texts are borrowed: copies the struct (`bytes`)
// and, behind it, the bytes of each text; `texts` are the offsets of its `struct str` (or struct
// list) members. Sets the head. Outcomes: 0, one reference; -ENOMEM.
int record_make(void **ret, const void *draft, size_t bytes, const size_t *texts, size_t n,
                const struct record_type *type, enum record_kind kind) MUST_USE;

void record_hold(const void *record);
void record_drop(const void *record); // NULL-safe

static inline void record_auto_drop(void *p) {
    void *record;
    memcpy(&record, p, sizeof record);
    record_drop(record);
}
// A reference that is dropped at the end of the scope (TAKE hands it over).
#define AUTO_RECORD __attribute__((cleanup(record_auto_drop)))

#endif
