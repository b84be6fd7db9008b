// SPDX-License-Identifier: Apache-2.0
#ifndef API_TOKEN_HANDLERS_H
#define API_TOKEN_HANDLERS_H
// What the files of the token backend share.

#include "api/call.h"

// token-create.c
extern const struct field token_create_fields[];
int token_handle_create(struct call *c);
int token_handle_create_orphan(struct call *c);

// token-renew.c
int token_handle_renew(struct call *c);
int token_handle_renew_self(struct call *c);
int token_handle_renew_accessor(struct call *c);

// token.c: the living token of the field `accessor`; NULL: none. A missing one is answered.
int token_by_accessor_field(struct call *c, const struct token **ret) MUST_USE;
int token_bad_accessor(struct call *c);

#endif
