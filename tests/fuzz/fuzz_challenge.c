// SPDX-License-Identifier: Apache-2.0
// Any bytes as the value of a WWW-Authenticate header field: what is found lies inside the value,
// and a challenge has a scheme.
#include "okta/challenge.h"

#include "fuzz.h"

static void check_inside(struct str value, struct str part) {
    if (!part.p) return;
    MUST(part.p >= value.p && part.p + part.n <= value.p + value.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str value = {(const char *)data, size};
    struct okta_challenge c;
    if (!okta_challenge_read(value, &c)) return 0;
    MUST(c.scheme.n > 0);
    check_inside(value, c.scheme);
    check_inside(value, c.error);
    check_inside(value, c.error_description);
    check_inside(value, c.scope);
    return 0;
}
