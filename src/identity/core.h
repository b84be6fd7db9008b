// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_CORE_H
#define IDENTITY_CORE_H
// What the first start settles for ever: names of the cluster, the keys of hashes, and the mounts,
// policies and root token that are there from the beginning.

#include "identity/state.h"

struct core {
    struct record record;
    struct str cluster_name; // "vault-cluster-0f7a80ba"
    struct str cluster_id;   // uuid
    struct str token_key;    // 32 bytes, hex: tokens are known by HMAC-SHA256 with it (secret)
    struct str audit_key;    // 32 bytes, hex: tokens in audit events are HMACs with it (secret)
    int64_t created_ms;
};
extern const struct record_type core_type;
const struct core *core_of(const struct state *s); // NULL: empty state

// What a first start puts into an empty draft: core, the mounts sys/, identity/, cubbyhole/,
// auth/token/, (`dev`: also kv version 1 at secret/), the policies default and response-wrapping.
// No token. Outcomes: 0; -errno.
int core_make(struct draft *d, bool dev, int64_t now_ms) MUST_USE;

#endif
