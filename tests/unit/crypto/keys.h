// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_CRYPTO_KEYS_H
#define TESTS_UNIT_CRYPTO_KEYS_H
// Reading keys that must be good, or must be bad for a reason. Include after cmocka.

#include "crypto/key.h"

typedef int key_reader(struct crypto_key **ret, struct str text, struct fault *fault);

static inline struct crypto_key *read_key(key_reader *read, struct str text) {
    struct crypto_key *key = NULL;
    struct fault fault = {{0}};
    int r = read(&key, text, &fault);
    if (r) fail_msg("outcome %d: %s", r, fault.text);
    assert_non_null(key);
    return key;
}

static inline struct crypto_key *jwk(const char *text) {
    return read_key(crypto_key_from_jwk, str_from(text));
}

// It is refused so, and for a reason in which these words occur.
static inline void refused(key_reader *read, struct str text, int outcome, const char *words) {
    struct crypto_key *key = NULL;
    struct fault fault = {{0}};
    int r = read(&key, text, &fault);
    if (r != outcome) fail_msg("outcome %d, not %d: %s", r, outcome, fault.text);
    assert_null(key);
    if (!strstr(fault.text, words)) fail_msg("'%s' is not in: %s", words, fault.text);
}

static inline void assert_text(struct str got, const char *expected) {
    if (!str_eqz(got, expected)) fail_msg("got %.*s, expected %s", STR_ARG(got), expected);
}

#endif
