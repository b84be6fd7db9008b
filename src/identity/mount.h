// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_MOUNT_H
#define IDENTITY_MOUNT_H
// Mounts: which backend answers below which path (Vault: sys/mounts, sys/auth).

#include "identity/list.h"
#include "identity/state.h"

enum mount_type {
    MOUNT_SYSTEM,    // sys/
    MOUNT_IDENTITY,  // identity/
    MOUNT_CUBBYHOLE, // cubbyhole/
    MOUNT_TOKEN,     // auth/token/
    MOUNT_USERPASS,  // auth/.../
    MOUNT_KV,        // kv version 1
    MOUNT_TYPES
};

struct mount {
    struct record record;
    enum mount_type type;
    struct str path; // with final slash, from the root: "secret/", "auth/userpass/"; primary key
    struct str uuid, accessor; // accessor "auth_userpass_1793464a", "kv_0e6b..."; index 1
    struct str description;
    struct str shown_type;            // as it was asked for: "kv", "generic"
    struct list options;              // pairs; absent (p == NULL): null
    int64_t default_ttl_s, max_ttl_s; // 0: the system's
    bool force_no_cache, local, seal_wrap, external_entropy;
    struct str token_type;         // "default-service", ...
    struct str listing_visibility; // "", "hidden", "unauth"
    struct list audit_request_keys, audit_response_keys, passthrough_headers, allowed_headers;
    struct str user_lockout; // JSON of what was tuned; empty: nothing
};
extern const struct record_type mount_type_record;
extern const size_t mount_texts[]; // offsets for record_make
extern const size_t mount_text_count;

enum { MOUNT_DEFAULT_TTL_S = 2764800, MOUNT_MAX_TTL_S = 2764800 }; // the system's: 768 h

static inline bool mount_is_auth(const struct mount *m) {
    return str_starts(m->path, STR("auth/"));
}
// The mount that a path (without v1/) belongs to: the longest whose path is a prefix; NULL.
const struct mount *mount_of(const struct state *s, struct str path);
const struct mount *mount_at(const struct state *s, struct str mount_path);        // exactly; NULL
const struct mount *mount_by_accessor(const struct state *s, struct str accessor); // NULL
int64_t mount_default_ttl_s(const struct mount *m); // with the system's filled in
int64_t mount_max_ttl_s(const struct mount *m);

// A new uuid (lower hex, 8-4-4-4-12) / accessor for a mount of that type, appended. 0; -EIO.
int mount_new_uuid(struct buf *out) MUST_USE;
int mount_new_accessor(struct buf *out, struct str type, bool auth) MUST_USE;

// Everything that lives below a mount goes with it: users, secrets (tokens of its logins too).
int mount_remove(struct draft *d, const struct mount *m) MUST_USE;

#endif
