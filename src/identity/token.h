// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_TOKEN_H
#define IDENTITY_TOKEN_H
// Tokens (Vault: auth/token/; reference 5.3 and 9). A token itself is never kept: only its HMAC is.

#include "identity/entity.h"
#include "identity/list.h"
#include "identity/state.h"

enum token_kind { TOKEN_SERVICE, TOKEN_BATCH };

struct token {
    struct record record;
    struct str hash;      // HMAC-SHA256 of the token with core.token_key, 32 bytes; primary key
    struct str accessor;  // 24 letters and digits; index 1
    struct str parent;    // hash of the parent; empty: orphan. index 2 is (parent, hash)
    struct list policies; // sorted; root alone means root
    struct str path;      // "auth/token/create", "auth/userpass/login/bob"
    struct list meta;     // pairs; absent: null
    struct str display_name;
    struct str entity_id;      // empty: none
    struct str mount_accessor; // whose login made it; empty: the token store
    int64_t created_ms;
    int64_t renewed_ms; // last renewal; 0: never
    int64_t expires_ms; // 0: never
    int64_t ttl_s;      // as granted at creation ("creation_ttl")
    int64_t period_s, explicit_max_ttl_s;
    int64_t num_uses;  // left; 0: unlimited
    int64_t max_ttl_s; // of the login's role or user; 0: the mount's
    bool renewable;
    bool wrapping; // a response-wrapping token
    enum token_kind kind;
    struct list bound_cidrs; // identity/cidr.h; empty: none
};
extern const struct record_type token_type;

enum { TOKEN_HASH_BYTES = 32, TOKEN_ACCESSOR_BYTES = 24 };
// What a token in the last of its uses says of num_uses.
enum { TOKEN_USED_UP = -1 };

// HMAC of a token. Outcomes: 0; -EINVAL (an empty state: there is no key); -ENOMEM.
int token_hash(const struct state *s, struct str token, uint8_t ret[TOKEN_HASH_BYTES]) MUST_USE;

// Who carries a token: everything that later decisions need. Borrows from the snapshot.
struct token_caller {
    const struct token *token;   // NULL: no valid token
    const struct entity *entity; // NULL: none
    struct list policies;
    struct list identity_policies;
    bool root;
    struct token *made; // a batch token as unsealed: owned; NULL otherwise
};
// Outcomes: 0; TOKEN_E_BAD (unknown, expired, its parent gone, entity disabled or deleted, address
// not permitted: the caller gets 403 permission denied); -errno. Takes about the same time whatever
// is wrong.
enum { TOKEN_E_BAD = 1 };
int token_check(const struct state *s, struct str token, struct str remote_address, int64_t now_ms,
                struct token_caller *ret) MUST_USE;
// The same without asking who may use it from where: is there such a token, and is it alive?
// (auth/token/lookup and the like; a token of a disabled entity is still one.) Outcomes as above.
int token_find(const struct state *s, struct str token, int64_t now_ms,
               struct token_caller *ret) MUST_USE;
void token_caller_fini(struct token_caller *c);
DEFINE_AUTO_FINI(token_caller)

const struct token *token_by_hash(const struct state *s, struct str hash);         // NULL
const struct token *token_by_accessor(const struct state *s, struct str accessor); // NULL
// Not expired, not used up, and the same of every token that it descends from.
bool token_is_alive(const struct state *s, const struct token *t, int64_t now_ms);

// A new token. `want` holds everything but hash and accessor; its texts are borrowed. `id`: as the
// caller wants it; absent: a random one ("s." + 24 letters and digits). Appends the token (secret)
// to ret_id; `ret` is borrowed from the draft. Outcomes: 0; TOKEN_E_TAKEN (that id exists); -errno.
enum { TOKEN_E_TAKEN = 1 };
int token_create(struct draft *d, const struct token *want, struct str id, struct buf *ret_id,
                 const struct token **ret) MUST_USE;
// A batch token says all that there is to know of it: nothing is kept. It is sealed with a key that
// comes of core.token_key, so that it outlives a change of the master key. Appends it (secret).
// Outcomes: 0; -errno.
int token_create_batch(const struct state *s, const struct token *want,
                       struct buf *ret_id) MUST_USE;
// Takes it out with its cubbyhole, and its children with theirs / leaves its children as orphans.
int token_revoke(struct draft *d, const struct token *t) MUST_USE;
// Outcomes: 0; -errno.
int token_revoke_orphan(struct draft *d, const struct token *t) MUST_USE;
// One use less, before the request is worked on; the last one leaves num_uses at -1, and the gate
// revokes the token when the request is over. Outcomes: 0; -errno.
int token_use(struct draft *d, const struct token *t) MUST_USE;
// The same token with other values (renewals): hash stays.
int token_replace(struct draft *d, const struct token *changed) MUST_USE;

// Revokes what has expired, at most `max` of them; ret_more: there are more. Outcomes: 0; -errno.
int token_sweep(struct draft *d, int64_t now_ms, size_t max, bool *ret_more) MUST_USE;
// The earliest expiry of all: 0 when none expires. Walks everything: for a worker thread.
int64_t token_next_expiry(const struct state *s);

#endif
