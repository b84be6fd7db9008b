// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_TOKEN_INTERNAL_H
#define IDENTITY_TOKEN_INTERNAL_H
// What the files about tokens share.

#include "identity/token.h"

// "b." is how a batch token begins.
bool token_is_batch(struct str token);

// Opens a batch token. Outcomes: 0 (a record of its own, one reference); TOKEN_E_BAD (not one of
// ours, or damaged); -errno.
int token_open_batch(const struct state *s, struct str token, struct token **ret) MUST_USE;

// A copy of `t` as a record. Outcomes: 0, one reference; -ENOMEM.
int token_make(struct token **ret, const struct token *t) MUST_USE;

// As JSON and back; hashes as base64url. The accessor and the hash are left out when absent.
void token_encode(const void *record, struct buf *out);
int token_decode(void **ret, const struct json *v, struct fault *fault) MUST_USE;

// The first token whose parent has that hash; NULL.
const struct token *token_first_child(const struct state *s, struct str parent_hash);

// The state's key to hashes, hex; absent: an empty state.
struct str token_key(const struct state *s);

#endif
