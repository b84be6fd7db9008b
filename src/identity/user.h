// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_USER_H
#define IDENTITY_USER_H
// Users of a userpass mount (reference 5.2), and their passwords (crypt(3), yescrypt).

#include "identity/list.h"
#include "identity/state.h"

struct user {
    struct record record;
    struct str mount_uuid, name; // primary key; the name in lower case
    struct str password_hash;    // crypt(3)'s; empty: none
    struct list token_policies;
    struct list bound_cidrs; // identity/cidr.h; empty: none
    int64_t token_ttl_s, token_max_ttl_s, token_explicit_max_ttl_s, token_period_s, token_num_uses;
    bool token_no_default_policy;
    bool token_strictly_bind_ip;
    struct str token_type; // "default", "service", "batch"
    int64_t legacy;        // bits: what was written under its old name, and reads back under both
};
enum {
    USER_LEGACY_POLICIES = 1,
    USER_LEGACY_TTL = 2,
    USER_LEGACY_MAX_TTL = 4,
    USER_LEGACY_CIDRS = 8,
};
extern const struct record_type user_type;

const struct user *user_get(const struct state *s, struct str mount_uuid, struct str lower_name);

// A copy of `u` in the place of the user of that name. Outcomes: 0; -ENOMEM.
int user_put(struct draft *d, const struct user *u) MUST_USE;

// Hashes a password at the system's default cost (yescrypt), appended / checks one. Slow on
// purpose: for worker threads, any number at once. `user_check` with an absent hash takes as long
// as with one that user_hash made, and gives USER_E_WRONG. Outcomes of user_hash: 0; -EINVAL with
// fault (NUL inside, longer than crypt takes); -errno. Of user_check: 0: the password;
// USER_E_WRONG; -ENOMEM.
enum { USER_E_WRONG = 1 };
int user_hash(struct str password, struct buf *out, struct fault *fault) MUST_USE;
int user_check(struct str password, struct str hash) MUST_USE;
// A bcrypt hash ("$2a$", "$2b$", "$2y$", cost 5 to 31) made elsewhere. Outcomes: 0; -EINVAL with
// fault, worded as OpenBao words it.
int user_check_bcrypt(struct str hash, struct fault *fault) MUST_USE;

#endif
