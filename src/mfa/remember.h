// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_REMEMBER_H
#define MFA_REMEMBER_H
// Passes: which token has passed which method from which address, and when. In memory, a bounded
// number; nothing secret is kept. Any thread.

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

enum { REMEMBER_MAX = 50000 }; // beyond, the oldest is forgotten

struct remember;

struct remember_key {
    struct str token_hash, method_id, address;
};

int remember_new(struct remember **ret) MUST_USE;   // 0; -errno
struct remember *remember_free(struct remember *r); // NULL-safe; returns NULL
DEFINE_AUTO_FREE(remember)

// It was passed now, for so long, by `user` (a number of the caller's for an Okta user). Without
// memory it is not remembered.
void remember_add(struct remember *r, const struct remember_key *key, uint64_t user, int64_t keep_s,
                  int64_t now_ms);
// Whether it was passed less than `keep_s` ago: what the method says now counts, too.
bool remember_has(struct remember *r, const struct remember_key *key, int64_t keep_s,
                  int64_t now_ms);
// What that user has passed counts no more.
void remember_forget(struct remember *r, uint64_t user);

#endif
