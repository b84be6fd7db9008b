// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_SECRET_H
#define IDENTITY_SECRET_H
// What kv version 1 and the cubbyhole keep: one JSON object per path.

#include "identity/state.h"

struct secret {
    struct record record;
    struct str space; // uuid of the kv mount, or "cubbyhole/" and the token's hash in hex
    struct str path;  // below the mount; primary key (space, path)
    struct str json;  // the object as it was written, numbers as they were (secret)
};
extern const struct record_type secret_type;

const struct secret *secret_get(const struct state *s, struct str space, struct str path);
int secret_put(struct draft *d, struct str space, struct str path, struct str json) MUST_USE;
int secret_delete(struct draft *d, struct str space, struct str path) MUST_USE;
int secret_delete_all(struct draft *d, struct str space) MUST_USE;
// Appends what lies directly below `prefix` ("" or "a/b/") as JSON array elements, sorted, folders
// with a final slash, each once. Gives how many in ret.
void secret_list(const struct state *s, struct str space, struct str prefix, struct buf *out,
                 size_t *ret);
// The space of a token's cubbyhole, appended.
void secret_cubbyhole(struct buf *out, struct str token_hash);

#endif
