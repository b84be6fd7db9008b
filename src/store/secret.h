// SPDX-License-Identifier: Apache-2.0
#ifndef STORE_SECRET_H
#define STORE_SECRET_H
// Secrets in the state, sealed by the master key under their names (crypto/seal.h): what lies in
// the files says nothing, and a row that was moved to another name does not open. Thread-safe as
// the rest of the store; calls block.

#include "crypto/seal.h"
#include "store/store.h"

// Outcome of store_secret_get beyond those of store.h: another master key is needed.
enum { STORE_E_OTHER_KEY = STORE_E_CORRUPT + 1 };

// Names are text without NULs, such as "dpop/acme"; values are any bytes, but not none. A value of
// that name is replaced. Outcomes: 0; -EINVAL (no name or no value); -errno with fault: nothing was
// changed.
int store_secret_put(struct store *s, const struct crypto_sealer *sealer, struct str name,
                     struct str value, struct fault *fault) MUST_USE;

// Appends the value; nothing when there is none of that name. The caller wipes `ret`. Outcomes: 0;
// STORE_E_OTHER_KEY; STORE_E_CORRUPT (its bytes have changed, or it is another name's); -errno.
int store_secret_get(struct store *s, const struct crypto_sealer *sealer, struct str name,
                     struct buf *ret, struct fault *fault) MUST_USE;

// Outcomes: 0, also when there is none of that name; -errno.
int store_secret_delete(struct store *s, struct str name, struct fault *fault) MUST_USE;

#endif
