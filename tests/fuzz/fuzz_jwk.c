// SPDX-License-Identifier: Apache-2.0
// Any bytes as a JWK, and as a JWS whose key is the JWK.
#include "key-checks.h"

static void check_jws(struct str text) {
    AUTO_FINI(crypto_jws) struct crypto_jws jws = {.signed_part = STR_NONE};
    struct fault fault = {{0}};
    int r = crypto_jws_parse(&jws, text, &fault);
    MUST(r == 0 || (r == CRYPTO_E_NO_JWS && fault.text[0]));
    if (r == 0) MUST(jws.signed_part.p == text.p && jws.signed_part.n < text.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = {(const char *)data, size};
    check_reader(crypto_key_from_jwk, text);
    check_jws(text);
    return 0;
}
