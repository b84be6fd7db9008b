// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_USERS_INDEX_H
#define SIM_USERS_INDEX_H
// Ids and logins to places, so that an org of ten thousand is not walked through for each request.

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

struct user;

struct users_index {
    uint32_t *slots; // place + 1; 0: free
    size_t n_slots;  // a power of two, or 0
};

void users_index_fini(struct users_index *index);

// Built anew for these. Outcomes: 0; -ENOMEM, unchanged.
int users_index_build(struct users_index *index, const struct user *each, size_t n) MUST_USE;

// Adds the one at that place. Outcomes: 0; -ENOMEM.
int users_index_add(struct users_index *index, const struct user *each, size_t place) MUST_USE;

// The place of the user with that id, or that login without case; SIZE_MAX: none.
size_t users_index_find(const struct users_index *index, const struct user *each, struct str name);

#endif
