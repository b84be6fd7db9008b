// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H
// Values sealed at rest: AES-256-GCM with a fresh random nonce and the record's name as associated
// data, so that rows cannot be swapped (design decision 7).
//
// Layout: one byte version (1), eight bytes key id, twelve bytes nonce, ciphertext, sixteen bytes
// tag. The key id is derived from the key, so that a record says which key it needs.

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

enum { CRYPTO_MASTER_KEY_BYTES = 32 };

struct crypto_sealer; // one master key; immutable, any thread

// The key as 64 hex digits, or as base64 or base64url of 32 bytes, blanks around it ignored.
// Outcomes: 0; -EINVAL with fault (what was expected, never the key); -ENOMEM.
int crypto_sealer_new(struct crypto_sealer **ret, struct str key_text,
                      struct fault *fault) MUST_USE;
struct crypto_sealer *crypto_sealer_free(struct crypto_sealer *s); // NULL-safe; wipes
DEFINE_AUTO_FREE(crypto_sealer)

// Appends the sealed value. Outcomes: 0; -ENOMEM; -EMSGSIZE (past the buffer's maximum); -EIO (no
// random bytes).
int crypto_seal(const struct crypto_sealer *s, struct str name, struct str value,
                struct buf *out) MUST_USE;

// Outcomes of crypto_unseal.
enum {
    CRYPTO_E_OTHER_KEY = 1, // sealed with another master key
    CRYPTO_E_DAMAGED,       // not sealed, changed, or another record's
};
// Appends the value. Outcomes: 0; the two; -ENOMEM; -EMSGSIZE.
int crypto_unseal(const struct crypto_sealer *s, struct str name, struct str sealed,
                  struct buf *out) MUST_USE;

#endif
