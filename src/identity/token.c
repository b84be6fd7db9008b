// SPDX-License-Identifier: Apache-2.0
// The record of a token, and finding one. A token that is asked about costs one HMAC and one
// look-up for it and for each token that it descends from.
#include "identity/token.h"

#include <errno.h>

#include "crypto/digest.h"
#include "identity/cidr.h"
#include "identity/codec.h"
#include "identity/core.h"
#include "identity/mount.h"
#include "identity/token-internal.h"

enum { LISTS_MAX_BYTES = 64 << 20, HASH_TEXT_MAX = 64 };

static const struct codec_row rows[] = {
    {"hash", CODEC_TEXT, offsetof(struct token, hash)},
    {"accessor", CODEC_TEXT, offsetof(struct token, accessor)},
    {"parent", CODEC_TEXT, offsetof(struct token, parent)},
    {"policies", CODEC_LIST, offsetof(struct token, policies)},
    {"path", CODEC_TEXT, offsetof(struct token, path)},
    {"meta", CODEC_PAIRS, offsetof(struct token, meta)},
    {"display_name", CODEC_TEXT, offsetof(struct token, display_name)},
    {"entity_id", CODEC_TEXT, offsetof(struct token, entity_id)},
    {"mount_accessor", CODEC_TEXT, offsetof(struct token, mount_accessor)},
    {"bound_cidrs", CODEC_LIST, offsetof(struct token, bound_cidrs)},
    {"created_ms", CODEC_INT, offsetof(struct token, created_ms)},
    {"renewed_ms", CODEC_INT, offsetof(struct token, renewed_ms)},
    {"expires_ms", CODEC_INT, offsetof(struct token, expires_ms)},
    {"ttl_s", CODEC_INT, offsetof(struct token, ttl_s)},
    {"period_s", CODEC_INT, offsetof(struct token, period_s)},
    {"explicit_max_ttl_s", CODEC_INT, offsetof(struct token, explicit_max_ttl_s)},
    {"num_uses", CODEC_INT, offsetof(struct token, num_uses)},
    {"max_ttl_s", CODEC_INT, offsetof(struct token, max_ttl_s)},
    {"renewable", CODEC_BOOL, offsetof(struct token, renewable)},
    {"wrapping", CODEC_BOOL, offsetof(struct token, wrapping)},
};

static const size_t texts[] = {
    offsetof(struct token, hash),         offsetof(struct token, accessor),
    offsetof(struct token, parent),       offsetof(struct token, policies),
    offsetof(struct token, path),         offsetof(struct token, meta),
    offsetof(struct token, display_name), offsetof(struct token, entity_id),
    offsetof(struct token, bound_cidrs),  offsetof(struct token, mount_accessor),
};

// ---- the record

static struct tree_key by_hash(const void *item) {
    return (struct tree_key){((const struct token *)item)->hash, STR_NONE};
}

static struct tree_key by_accessor(const void *item) {
    return (struct tree_key){((const struct token *)item)->accessor, STR_NONE};
}

static struct tree_key by_parent(const void *item) {
    const struct token *t = item;
    return (struct tree_key){t->parent, t->hash};
}

const struct record_type token_type = {
    .name = "token",
    .index = {{by_hash, record_hold, record_drop},
              {by_accessor, record_hold, record_drop},
              {by_parent, record_hold, record_drop}},
    .index_count = 3,
    .encode = token_encode,
    .decode = token_decode,
};

int token_make(struct token **ret, const struct token *t) {
    void *made = NULL;
    int r = record_make(&made, t, sizeof *t, texts, LEN(texts), &token_type, RECORD_TOKEN);
    if (r == 0) *ret = made;
    return r;
}

static struct str hash_text(struct str hash, struct buf *place) {
    if (hash.n == 0) return STR_NONE;
    crypto_base64url(place, hash);
    return buf_str(place);
}

void token_encode(const void *record, struct buf *out) {
    AUTO_FINI(buf) struct buf hash = buf_make(HASH_TEXT_MAX);
    AUTO_FINI(buf) struct buf parent = buf_make(HASH_TEXT_MAX);
    struct token t = *(const struct token *)record;
    t.hash = hash_text(t.hash, &hash);
    t.parent = hash_text(t.parent, &parent);
    if (hash.error || parent.error) out->error = -ENOMEM;
    json_open(out, '{');
    codec_encode(rows, LEN(rows), &t, out);
    json_close(out, '}');
}

static int decode_hash(struct str *text, struct buf *place, struct fault *fault) {
    if (!text->p) return 0;
    bool ok = crypto_base64url_decode(place, *text);
    if (place->error) return place->error;
    if (!ok || place->n != TOKEN_HASH_BYTES)
        return fault_set(fault, -EINVAL, "a hash is not %d bytes as base64url", TOKEN_HASH_BYTES);
    *text = buf_str(place);
    return 0;
}

int token_decode(void **ret, const struct json *v, struct fault *fault) {
    AUTO_FINI(buf) struct buf lists = buf_make(LISTS_MAX_BYTES);
    AUTO_FINI(buf) struct buf hash = buf_make(HASH_TEXT_MAX);
    AUTO_FINI(buf) struct buf parent = buf_make(HASH_TEXT_MAX);
    struct token t = {0};
    int r = codec_decode(rows, LEN(rows), v, &t, &lists, fault);
    if (r == 0) r = decode_hash(&t.hash, &hash, fault);
    if (r == 0) r = decode_hash(&t.parent, &parent, fault);
    if (r < 0) return r;
    return record_make(ret, &t, sizeof t, texts, LEN(texts), &token_type, RECORD_TOKEN);
}

// ---- finding

struct str token_key(const struct state *s) {
    const struct core *core = core_of(s);
    return core ? core->token_key : STR_NONE;
}

int token_hash(const struct state *s, struct str token, uint8_t ret[TOKEN_HASH_BYTES]) {
    struct str key = token_key(s);
    return key.n ? crypto_hmac_sha256(key, token, ret) : -EINVAL;
}

const struct token *token_by_hash(const struct state *s, struct str hash) {
    return state_get(s, RECORD_TOKEN, 0, (struct tree_key){hash, STR_NONE});
}

const struct token *token_by_accessor(const struct state *s, struct str accessor) {
    return state_get(s, RECORD_TOKEN, 1, (struct tree_key){accessor, STR_NONE});
}

const struct token *token_first_child(const struct state *s, struct str parent_hash) {
    struct tree_walk walk =
        state_from(s, RECORD_TOKEN, 2, (struct tree_key){parent_hash, STR_NONE});
    const struct token *t = tree_next(&walk);
    return t && str_eq(t->parent, parent_hash) ? t : NULL;
}

bool token_is_alive(const struct state *s, const struct token *t, int64_t now_ms) {
    for (;;) {
        if (t->num_uses < 0 || (t->expires_ms && t->expires_ms <= now_ms)) return false;
        if (t->parent.n == 0) return true;
        t = token_by_hash(s, t->parent);
        if (!t) return false;
    }
}

// A batch token is not among the records that go when its mount is disabled.
static bool is_orphaned_login(const struct state *s, const struct token *t) {
    return t->kind == TOKEN_BATCH && t->mount_accessor.n &&
           !mount_by_accessor(s, t->mount_accessor);
}

static int look_up(const struct state *s, struct str token, struct token_caller *ret) {
    if (token_is_batch(token)) {
        int r = token_open_batch(s, token, &ret->made);
        ret->token = ret->made;
        return r;
    }
    uint8_t hash[TOKEN_HASH_BYTES];
    int r = token_hash(s, token, hash);
    if (r < 0) return r == -EINVAL ? TOKEN_E_BAD : r;
    ret->token = token_by_hash(s, (struct str){(const char *)hash, sizeof hash});
    return ret->token ? 0 : TOKEN_E_BAD;
}

int token_find(const struct state *s, struct str token, int64_t now_ms, struct token_caller *ret) {
    AUTO_FINI(token_caller) struct token_caller found = {0};
    int r = look_up(s, token, &found);
    if (r) return r;
    const struct token *t = found.token;
    if (!token_is_alive(s, t, now_ms) || is_orphaned_login(s, t)) return TOKEN_E_BAD;
    found.policies = t->policies;
    found.root = list_has(t->policies, STR("root"));
    found.entity = t->entity_id.n ? entity_in_force(s, t->entity_id) : NULL;
    if (found.entity) found.identity_policies = found.entity->policies;
    *ret = found;
    found.made = NULL;
    return 0;
}

int token_check(const struct state *s, struct str token, struct str remote_address, int64_t now_ms,
                struct token_caller *ret) {
    AUTO_FINI(token_caller) struct token_caller found = {0};
    int r = token_find(s, token, now_ms, &found);
    if (r) return r;
    const struct token *t = found.token;
    if (t->entity_id.n && (!found.entity || found.entity->disabled)) return TOKEN_E_BAD;
    if (!list_is_empty(t->bound_cidrs) && !cidr_list_has(t->bound_cidrs, remote_address))
        return TOKEN_E_BAD;
    *ret = found;
    found.made = NULL;
    return 0;
}

void token_caller_fini(struct token_caller *c) {
    record_drop(c->made);
    *c = (struct token_caller){0};
}
