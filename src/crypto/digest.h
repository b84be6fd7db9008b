// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H
// Random bytes, digests, base64url, comparing and wiping. This room is the only includer of
// OpenSSL. Any thread.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

enum { CRYPTO_SHA1_BYTES = 20, CRYPTO_SHA256_BYTES = 32 };

// Bytes nobody can foresee. Outcomes: 0; -EIO when the system has none to give.
int crypto_random(void *p, size_t n) MUST_USE;
// `n` random bytes as base64url, appended: 16 make a good jti or id. Outcomes: 0; -EIO. (Memory: as
// ever in the buffer.)
int crypto_random_text(struct buf *out, size_t n) MUST_USE;

// Outcomes: 0; -ENOMEM.
int crypto_sha256(struct str data, uint8_t ret[CRYPTO_SHA256_BYTES]) MUST_USE;
int crypto_hmac_sha256(struct str key, struct str data, uint8_t ret[CRYPTO_SHA256_BYTES]) MUST_USE;
// For one-time codes (RFC 4226), which know no other.
int crypto_hmac_sha1(struct str key, struct str data, uint8_t ret[CRYPTO_SHA1_BYTES]) MUST_USE;

// base64url without padding (RFC 4648 section 5, RFC 7515 appendix C), appended.
void crypto_base64url(struct buf *out, struct str bytes);
// Strict: no padding, no blanks, no other characters, unused bits zero. False: nothing to decode,
// `out` is as it was; memory is told by the buffer.
bool crypto_base64url_decode(struct buf *out, struct str text) MUST_USE;

// Compares in a time that depends on the lengths only.
bool crypto_equal(struct str a, struct str b) MUST_USE;

// Overwrites in a way that the compiler leaves in. For buffers there is buf_wipe.
void crypto_wipe(void *p, size_t n);

#endif
