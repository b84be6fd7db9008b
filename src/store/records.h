// SPDX-License-Identifier: Apache-2.0
#ifndef STORE_RECORDS_H
#define STORE_RECORDS_H
// Many sealed values at once, in the table of store/secret.h: what the gate keeps. Thread-safe;
// calls block.

#include "store/secret.h"

struct store_record {
    struct str name;   // "gate/token/..."
    struct str sealed; // by crypto_seal with this name; absent: the record is gone
};
// One transaction. Outcomes: 0; -errno with fault: nothing was changed.
int store_records_write(struct store *s, const struct store_record *rows, size_t n,
                        struct fault *fault) MUST_USE;
// Every record whose name begins with `prefix`, in order of names; the callback borrows, non-zero
// stops and is handed on. It must not call the store, which is locked meanwhile. Outcomes: 0;
// STORE_E_CORRUPT; -errno.
int store_records_each(struct store *s, struct str prefix,
                       int (*each)(void *ctx, const struct store_record *row), void *ctx,
                       struct fault *fault) MUST_USE;
// Seals every value of the table anew, in one transaction. Outcomes: 0; STORE_E_OTHER_KEY (one was
// not sealed with `old`); STORE_E_CORRUPT; -errno: nothing was changed.
int store_records_reseal(struct store *s, const struct crypto_sealer *old,
                         const struct crypto_sealer *new, struct fault *fault) MUST_USE;

#endif
