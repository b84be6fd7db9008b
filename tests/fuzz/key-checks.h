// SPDX-License-Identifier: Apache-2.0
#ifndef FUZZ_KEY_CHECKS_H
#define FUZZ_KEY_CHECKS_H
// What must hold for every key that was accepted, wherever it was read from.

#include "crypto/jws.h"

#include "fuzz.h"

enum { KEY_TEXT_MAX = 1 << 16 };

static inline bool same(const struct crypto_key *a, const struct crypto_key *b) {
    AUTO_FINI(buf) struct buf first = buf_make(100);
    AUTO_FINI(buf) struct buf second = buf_make(100);
    MUST(crypto_key_thumbprint(a, &first) == 0 && crypto_key_thumbprint(b, &second) == 0);
    return first.n == 43 && str_eq(buf_str(&first), buf_str(&second));
}

// Its own JWK is read as the same key, and is written the same again.
static inline struct crypto_key *key_again(const struct crypto_key *key, bool is_private) {
    AUTO_FINI(buf) struct buf text = buf_make(KEY_TEXT_MAX);
    AUTO_FINI(buf) struct buf text_again = buf_make(KEY_TEXT_MAX);
    struct crypto_key *again = NULL;
    MUST((is_private ? crypto_key_private_jwk(key, &text)
                     : crypto_key_public_jwk(key, true, &text)) == 0);
    MUST(crypto_key_from_jwk(&again, buf_str(&text), NULL) == 0);
    MUST(crypto_key_is_private(again) == is_private && same(key, again));
    MUST(crypto_key_alg(again) == crypto_key_alg(key));
    MUST((is_private ? crypto_key_private_jwk(again, &text_again)
                     : crypto_key_public_jwk(again, true, &text_again)) == 0);
    MUST(str_eq(buf_str(&text), buf_str(&text_again)));
    return again;
}

static inline void check_pem(const struct crypto_key *key) {
    AUTO_FINI(buf) struct buf text = buf_make(KEY_TEXT_MAX);
    AUTO(crypto_key) struct crypto_key *again = NULL;
    bool is_private = crypto_key_is_private(key);
    MUST((is_private ? crypto_key_private_pem(key, &text) : crypto_key_public_pem(key, &text)) ==
         0);
    MUST(crypto_key_from_pem(&again, buf_str(&text), NULL) == 0);
    MUST(crypto_key_is_private(again) == is_private && same(key, again));
}

static inline void check_key(const struct crypto_key *key) {
    AUTO(crypto_key) struct crypto_key *half = key_again(key, false);
    check_pem(key);
    if (!crypto_key_is_private(key)) return;
    AUTO(crypto_key) struct crypto_key *whole = key_again(key, true);
    AUTO_FINI(buf) struct buf out = buf_make(KEY_TEXT_MAX);
    AUTO_FINI(crypto_jws) struct crypto_jws jws = {.signed_part = STR_NONE};
    enum crypto_alg alg = crypto_key_alg(whole);
    MUST(crypto_jws_sign(&out, whole, alg, STR("{}"), STR("{}")) == 0);
    MUST(crypto_jws_parse(&jws, buf_str(&out), NULL) == 0);
    MUST(crypto_jws_verify(&jws, half, alg) == 0);
}

// One input for a reader: a key, or an outcome with a reason.
static inline void check_reader(int (*read)(struct crypto_key **, struct str, struct fault *),
                                struct str text) {
    AUTO(crypto_key) struct crypto_key *key = NULL;
    struct fault fault = {{0}};
    int r = read(&key, text, &fault);
    MUST(r == 0 || r == CRYPTO_E_NO_KEY || r == CRYPTO_E_UNFIT);
    MUST((r == 0) == (key != NULL));
    MUST(r == 0 || fault.text[0]);
    if (r == 0) check_key(key);
}

#endif
