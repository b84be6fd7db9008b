// SPDX-License-Identifier: Apache-2.0
#ifndef OKTA_CHALLENGE_H
#define OKTA_CHALLENGE_H
// WWW-Authenticate (RFC 9110 section 11.6.1, RFC 6750 section 3, RFC 9449 section 7.1): why a token
// was refused. Okta's answers to bad tokens have no body, so this header is all there is.

#include "base/str.h"

struct okta_challenge {
    struct str scheme; // "Bearer", "DPoP"; borrowed from the value, like the others
    struct str error;  // "insufficient_scope"; absent when there is none
    struct str error_description;
    struct str scope; // that would have been needed
};

// Reads the first challenge of the value with an `error`, else the first. Any bytes. Quoted strings
// are taken without unescaping. False: no challenge.
bool okta_challenge_read(struct str value, struct okta_challenge *ret);

#endif
