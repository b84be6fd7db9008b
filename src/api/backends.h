// SPDX-License-Identifier: Apache-2.0
#ifndef API_BACKENDS_H
#define API_BACKENDS_H
// The backends, one per kind of mount, and the kinds of records that they keep.

#include "api/route.h"

extern const struct backend backend_system;    // system.c
extern const struct backend backend_identity;  // identity.c
extern const struct backend backend_cubbyhole; // cubbyhole.c
extern const struct backend backend_token;     // token.c
extern const struct backend backend_userpass;  // userpass.c
extern const struct backend backend_kv;        // kv.c

extern const struct state_schema api_schema;

#endif
