// SPDX-License-Identifier: Apache-2.0
#ifndef OKTA_TOKEN_H
#define OKTA_TOKEN_H
// Answers of the token endpoint, POST /oauth2/v1/token (okta-api sections 3.3 to 3.7, RFC 6749
// section 5).

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "json/read.h"

struct okta_token_answer {
    bool is_token; // token and type are there and make sense
    bool is_dpop;  // token_type DPoP, else Bearer
    struct str access_token;
    int64_t expires_in_s; // 1 or more; 3600 when it was not told
    struct str scope;
    // or an error object: OAuth's, or Okta's (429)
    struct str error, error_description;
};

// Reads a body, any bytes. Slices live until the reader's next read. Outcomes: 0 (also for an error
// object, or for what is neither); -ENOMEM.
int okta_token_read(struct json_reader *reader, struct str body,
                    struct okta_token_answer *ret) MUST_USE;

#endif
