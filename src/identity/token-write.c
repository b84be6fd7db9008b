// SPDX-License-Identifier: Apache-2.0
// Tokens made, changed and taken out. Nothing here recurses: a chain of children may be as long as
// the patience of whoever made it.
#include <errno.h>

#include "crypto/digest.h"
#include "identity/secret.h"
#include "identity/token-internal.h"

enum { SPACE_MAX_BYTES = 256 };

// ---- making

// Letters and digits, each as likely as any other: bytes past the last whole multiple are passed
// over.
static int add_random(struct buf *out, size_t n) {
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    enum { LETTERS = sizeof letters - 1, FAIR = 256 / LETTERS * LETTERS };
    uint8_t bytes[64];
    while (n > 0) {
        int r = crypto_random(bytes, sizeof bytes);
        if (r < 0) return r;
        for (size_t i = 0; i < sizeof bytes && n > 0; i++) {
            if (bytes[i] >= FAIR) continue;
            buf_addc(out, letters[bytes[i] % LETTERS]);
            n--;
        }
    }
    crypto_wipe(bytes, sizeof bytes);
    return out->error;
}

static int add_id(struct buf *out, struct str id) {
    if (id.n) {
        buf_add_str(out, id);
        return out->error;
    }
    buf_addz(out, "s.");
    return add_random(out, TOKEN_ACCESSOR_BYTES);
}

static int put(struct draft *d, const struct token *t) {
    struct token *made = NULL;
    int r = token_make(&made, t);
    return r < 0 ? r : draft_put(d, made);
}

int token_create(struct draft *d, const struct token *want, struct str id, struct buf *ret_id,
                 const struct token **ret) {
    AUTO_FINI(buf) struct buf accessor = buf_make(TOKEN_ACCESSOR_BYTES);
    uint8_t hash[TOKEN_HASH_BYTES];
    size_t from = ret_id->n;
    int r = add_id(ret_id, id);
    if (r == 0) r = token_hash(d->state, str_sub(buf_str(ret_id), from, ret_id->n), hash);
    if (r == 0) r = add_random(&accessor, TOKEN_ACCESSOR_BYTES);
    if (r < 0) return r;
    struct token t = *want;
    t.hash = (struct str){(const char *)hash, sizeof hash};
    t.accessor = buf_str(&accessor);
    if (token_by_hash(d->state, t.hash)) {
        buf_cut(ret_id, from);
        return TOKEN_E_TAKEN;
    }
    r = put(d, &t);
    if (r < 0) return r;
    *ret = token_by_hash(d->state, t.hash);
    return 0;
}

int token_replace(struct draft *d, const struct token *changed) { return put(d, changed); }

int token_use(struct draft *d, const struct token *t) {
    if (t->num_uses <= 0) return 0;
    struct token used = *t;
    used.num_uses = t->num_uses == 1 ? TOKEN_USED_UP : t->num_uses - 1;
    return put(d, &used);
}

// ---- taking out

// A token that stays in memory while the draft forgets it.
struct held {
    const struct token *token;
};
static void held_fini(struct held *h) { record_drop(h->token); }
DEFINE_AUTO_FINI(held)
static struct held hold(const struct token *t) {
    if (t) record_hold(t);
    return (struct held){t};
}

static int remove_one(struct draft *d, const struct token *t) {
    AUTO_FINI(buf) struct buf space = buf_make(SPACE_MAX_BYTES);
    secret_cubbyhole(&space, t->hash);
    if (space.error) return space.error;
    int r = secret_delete_all(d, buf_str(&space));
    return r < 0 ? r : draft_delete(d, t);
}

// The youngest of a line of first children.
static const struct token *last_descendant(const struct state *s, const struct token *t) {
    const struct token *child;
    while ((child = token_first_child(s, t->hash))) t = child;
    return t;
}

// Leaves first, each time from where the last one was, so that a long line costs no more than its
// length.
int token_revoke(struct draft *d, const struct token *t) {
    AUTO_FINI(held) struct held top = hold(t);
    const struct token *at = top.token;
    for (bool done = false; !done;) {
        AUTO_FINI(held) struct held leaf = hold(last_descendant(d->state, at));
        done = str_eq(leaf.token->hash, top.token->hash);
        int r = remove_one(d, leaf.token);
        if (r < 0) return r;
        at = token_by_hash(d->state, leaf.token->parent);
    }
    return 0;
}

int token_revoke_orphan(struct draft *d, const struct token *t) {
    AUTO_FINI(held) struct held top = hold(t);
    const struct token *child;
    while ((child = token_first_child(d->state, top.token->hash))) {
        struct token orphan = *child;
        orphan.parent = STR_NONE;
        int r = put(d, &orphan);
        if (r < 0) return r;
    }
    return remove_one(d, top.token);
}

// ---- expiry

static bool is_over(const struct token *t, int64_t now_ms) {
    return t->num_uses < 0 || (t->expires_ms && t->expires_ms <= now_ms);
}

static struct tree_walk all(const struct state *s, struct str from) {
    return state_from(s, RECORD_TOKEN, 0, (struct tree_key){from, STR_NONE});
}

static const struct token *next_over(const struct state *s, struct str from, int64_t now_ms) {
    struct tree_walk walk = all(s, from);
    const struct token *t;
    while ((t = tree_next(&walk)))
        if (is_over(t, now_ms)) return t;
    return NULL;
}

int token_sweep(struct draft *d, int64_t now_ms, size_t max, bool *ret_more) {
    uint8_t last[TOKEN_HASH_BYTES] = {0};
    struct str from = {(const char *)last, sizeof last};
    const struct token *t = next_over(d->state, from, now_ms);
    for (; t && max > 0; max--) {
        memcpy(last, t->hash.p, sizeof last);
        int r = token_revoke(d, t);
        if (r < 0) return r;
        t = next_over(d->state, from, now_ms);
    }
    *ret_more = t != NULL;
    return 0;
}

int64_t token_next_expiry(const struct state *s) {
    struct tree_walk walk = all(s, STR_NONE);
    const struct token *t;
    int64_t first = 0;
    while ((t = tree_next(&walk))) {
        if (t->num_uses < 0) return 1;
        if (t->expires_ms && (first == 0 || t->expires_ms < first)) first = t->expires_ms;
    }
    return first;
}
