// SPDX-License-Identifier: Apache-2.0
#ifndef API_WRAPPING_INTERNAL_H
#define API_WRAPPING_INTERNAL_H
// Wrapping tokens in the form of a JWT (X-Vault-Wrap-Format: jwt): the token is its `jti`. Signed
// with HMAC-SHA256 by a key that comes of core.token_key; nobody but the gate reads it.

#include "api/call.h"

bool wrapping_is_jwt(struct str token);

// Appends the JWT (secret) of a wrapping token. Outcomes: 0; -errno.
int wrapping_jwt_make(const struct state *s, struct str token, const struct token *t,
                      struct str wrapped_accessor, struct buf *out) MUST_USE;

// Appends the token that a JWT carries. Outcomes: 0; WRAPPING_E_JWT with fault; -errno.
enum { WRAPPING_E_JWT = 1 };
int wrapping_jwt_open(const struct state *s, struct str jwt, struct buf *ret_token,
                      struct fault *fault) MUST_USE;

#endif
