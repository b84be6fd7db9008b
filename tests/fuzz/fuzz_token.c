// SPDX-License-Identifier: Apache-2.0
// Any bytes as the answer of the token endpoint: what is taken for a token can stand in a header.
#include "okta/token.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    struct okta_token_answer a;
    MUST(json_reader_new(&reader) == 0);
    MUST(okta_token_read(reader, (struct str){(const char *)data, size}, &a) == 0);
    if (!a.is_token) return 0;
    MUST(a.access_token.n > 0 && a.expires_in_s > 0);
    for (size_t i = 0; i < a.access_token.n; i++)
        MUST(a.access_token.p[i] > ' ' && a.access_token.p[i] <= '~');
    return 0;
}
