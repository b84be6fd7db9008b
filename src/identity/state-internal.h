// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_STATE_INTERNAL_H
#define IDENTITY_STATE_INTERNAL_H
// Between state.c and state-store.c.

#include "identity/state.h"

// Puts a record into a state that nobody else has yet. Holds a reference of its own. 0; -ENOMEM.
int state_insert(struct state *s, const void *record) MUST_USE;

#endif
