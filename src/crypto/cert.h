// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_CERT_H
#define CRYPTO_CERT_H
// X.509 certificates of our own making (RFC 5280): a certificate authority, and server certificates
// that it signs. For test servers; keys are EC P-256.

#include "crypto/key.h"

struct crypto_ca; // immutable; any thread may use it, one at a time

// A new authority, with `name` as its common name, valid for ten years. Outcomes: 0; -ENOMEM; -EIO.
int crypto_ca_new(struct crypto_ca **ret, const char *name) MUST_USE;

// Outcome of crypto_ca_load: not the certificate of an authority and its private key.
enum { CRYPTO_E_NO_CA = 1 };
// One that was made before, from its PEM texts. Outcomes: 0; CRYPTO_E_NO_CA with fault; -ENOMEM.
int crypto_ca_load(struct crypto_ca **ret, struct str cert_pem, struct str key_pem,
                   struct fault *fault) MUST_USE;

struct crypto_ca *crypto_ca_free(struct crypto_ca *ca); // NULL-safe; wipes; returns NULL
DEFINE_AUTO_FREE(crypto_ca)

// Appends its certificate, and its private key (PKCS#8), as PEM. Outcomes: 0; -ENOMEM.
int crypto_ca_pem(const struct crypto_ca *ca, struct buf *cert, struct buf *key) MUST_USE;

// Makes a key and a certificate for a server of these names (host names or IP addresses), valid for
// a year from yesterday, and appends both as PEM. Outcomes: 0; -EINVAL (no name, or an empty one);
// -ENOMEM; -EIO.
int crypto_ca_issue(const struct crypto_ca *ca, const char *const *names, size_t n,
                    struct buf *cert, struct buf *key) MUST_USE;

#endif
