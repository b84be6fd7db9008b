// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_OPENSSL_INTERNAL_H
#define CRYPTO_OPENSSL_INTERNAL_H
// What the files of this room share about OpenSSL: its objects released by scope, its errors as
// ours. Its error queue belongs to the thread and is left empty by whatever looks at it.

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>

#include "crypto/digest.h"

// DEFINE_AUTO_OPENSSL(bn, BIGNUM, BN_clear_free) makes AUTO_OPENSSL(bn) release a BIGNUM *.
#define DEFINE_AUTO_OPENSSL(name, type, release)                                                   \
    static inline void openssl_##name##_release(type **p) { release(*p); }
#define AUTO_OPENSSL(name) __attribute__((cleanup(openssl_##name##_release)))

DEFINE_AUTO_OPENSSL(bn, BIGNUM, BN_clear_free)
DEFINE_AUTO_OPENSSL(bn_ctx, BN_CTX, BN_CTX_free)
DEFINE_AUTO_OPENSSL(bio, BIO, BIO_free_all)
DEFINE_AUTO_OPENSSL(pkey, EVP_PKEY, EVP_PKEY_free)
DEFINE_AUTO_OPENSSL(pkey_ctx, EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_AUTO_OPENSSL(md_ctx, EVP_MD_CTX, EVP_MD_CTX_free)
DEFINE_AUTO_OPENSSL(cipher_ctx, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

// After a failure: empties the queue of OpenSSL's errors. Gives -ENOMEM when there is a lack of
// memory among them, else `code`.
int openssl_failed(int code) MUST_USE;
// After either: 0 when all went well (what is in the queue then was got over), else as above.
int openssl_outcome(bool ok, int code) MUST_USE;

#endif
