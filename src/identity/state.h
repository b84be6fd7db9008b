// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_STATE_H
#define IDENTITY_STATE_H
// All that the gate knows, as an immutable snapshot: the records of every kind, each found by its
// keys. Token check, ACL decision and dispatch read nothing else. The next snapshot is made by a
// draft; both share what has not changed.
//
// A snapshot may be read by any thread that holds it. A draft belongs to one thread.

#include "crypto/seal.h"
#include "identity/record.h"
#include "store/store.h"

// Which kinds there are: rooms above add theirs. Constant, outlives every state.
struct state_schema {
    const struct record_type *types[RECORD_KINDS];
};

struct state;

// An empty one, one reference. Outcomes: 0; -ENOMEM.
int state_new(struct state **ret, const struct state_schema *schema) MUST_USE;
struct state *state_hold(const struct state *s); // any thread
struct state *state_free(struct state *s);       // drops one reference; NULL-safe; returns NULL
DEFINE_AUTO_FREE(state)

// The record of that kind and key in the kind's index, borrowed from the snapshot; NULL.
const void *state_get(const struct state *s, enum record_kind kind, int index, struct tree_key key);
// Walking an index from the first key that is not smaller.
struct tree_walk state_from(const struct state *s, enum record_kind kind, int index,
                            struct tree_key key);
size_t state_count(const struct state *s, enum record_kind kind);

// A change in the making: every write is seen by later reads of draft->state at once.
struct state_change {
    const void *record; // put, or the last one that was there when `gone`; held
    bool gone;
};
struct draft {
    struct state *state; // to be read as a snapshot while the draft lives
    struct state_change *changes;
    size_t n, cap;
};
// Begins with what `base` holds. Outcomes: 0; -ENOMEM.
int draft_begin(struct draft *d, const struct state *base) MUST_USE;
// Puts a record in the place of the one with the same primary key (and takes that one out of every
// index). Consumes the reference, also on failure. Outcomes: 0; -ENOMEM (the draft is then only
// good for draft_fini).
int draft_put(struct draft *d, void *take_record) MUST_USE;
// Takes a record out. `record` may be borrowed from the draft. Outcomes as draft_put.
int draft_delete(struct draft *d, const void *record) MUST_USE;
void draft_fini(struct draft *d);
DEFINE_AUTO_FINI(draft)

// Loads every record from the store. Blocks. `fault` names the record that does not open or decode.
// Outcomes: 0; STATE_E_OTHER_KEY (sealed with another master key); STATE_E_EMPTY (never
// initialised); -errno.
enum { STATE_E_OTHER_KEY = 1, STATE_E_EMPTY };
int state_load(struct state **ret, const struct state_schema *schema, struct store *store,
               const struct crypto_sealer *sealer, struct fault *fault) MUST_USE;
// Writes changes, sealed, in one transaction; the last change of a record counts. Blocks. `store`
// NULL: nothing to do. Outcomes: 0; -errno with fault: nothing was written.
int state_save(struct store *store, const struct crypto_sealer *sealer,
               const struct state_change *changes, size_t n, struct fault *fault) MUST_USE;

#endif
