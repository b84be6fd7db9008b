// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_STATE_INTERNAL_H
#define IDENTITY_STATE_INTERNAL_H
// Between state.c and state-store.c.

#include "identity/state.h"

// Fills an empty state that nobody else has yet. Holds references of its own. Outcomes: 0; -ENOMEM.
int state_fill(struct state *s, const void *const *records, size_t n) MUST_USE;

#endif
