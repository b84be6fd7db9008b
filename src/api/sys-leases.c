// SPDX-License-Identifier: Apache-2.0
// Leases, as far as clients need them: the only thing that expires here is a token, and its lease
// is the path that made it and the hash it is known by (Vault: sys/leases).
#include <errno.h>

#include "api/sys.h"
#include "crypto/digest.h"

enum { LEASE_ID_MAX_BYTES = 1 << 20, HASH_HEX = 2 * CRYPTO_SHA256_BYTES };

static struct str lease_of(const struct token *t, struct buf *out) {
    buf_reset(out);
    buf_add_str(out, t->path);
    buf_addz(out, "/h");
    buf_add_hex(out, t->hash.p, t->hash.n);
    return buf_str(out);
}

static int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The token of a lease; NULL: no such lease.
static const struct token *token_of_lease(const struct call *c, struct str lease) {
    char hash[CRYPTO_SHA256_BYTES];
    if (lease.n < HASH_HEX + 2 || lease.p[lease.n - HASH_HEX - 1] != 'h') return NULL;
    struct str hex = str_sub(lease, lease.n - HASH_HEX, lease.n);
    for (size_t i = 0; i < sizeof hash; i++) {
        int high = digit(hex.p[2 * i]), low = digit(hex.p[2 * i + 1]);
        if (high < 0 || low < 0) return NULL;
        hash[i] = (char)(high * 16 + low);
    }
    const struct token *t = token_by_hash(c->state, (struct str){hash, sizeof hash});
    if (!t || !token_is_alive(c->state, t, c->now_ms)) return NULL;
    struct str path = str_sub(lease, 0, lease.n - HASH_HEX - 2); // without "/h"
    return str_eq(path, t->path) && lease.p[path.n] == '/' ? t : NULL;
}

static struct str asked_lease(const struct call *c) {
    struct str id = call_str(c, "lease_id");
    return id.n ? id : call_str(c, "url_lease_id");
}

static int look_up(struct call *c) {
    struct str lease = asked_lease(c);
    if (!lease.n) return call_error(c, 400, "lease_id must be specified");
    const struct token *t = token_of_lease(c, lease);
    if (!t) return call_error(c, 400, "invalid lease");
    int64_t left_ms = t->expires_ms ? t->expires_ms - c->now_ms : 0;
    struct buf *data = call_data(c);
    call_member(data, "id", lease);
    call_time(data, "issue_time", t->created_ms);
    call_time(data, "expire_time", t->expires_ms);
    call_time(data, "last_renewal", t->renewed_ms);
    call_flag(data, "renewable", t->renewable);
    call_number(data, "ttl", left_ms > 0 ? (left_ms + 999) / 1000 : 0);
    json_close(data, '}');
    return 0;
}

// Tokens are renewed by auth/token/renew, which knows the limits of their mounts.
static int renew(struct call *c) {
    struct str lease = asked_lease(c);
    if (!lease.n) return call_error(c, 400, "lease_id must be specified");
    if (!token_of_lease(c, lease)) return call_error(c, 400, "lease not found");
    return call_error(c, 400, "this lease is a token's: use auth/token/renew-accessor");
}

static int revoke(struct call *c) {
    struct str lease = asked_lease(c);
    if (!lease.n) return call_error(c, 400, "lease_id must be specified");
    const struct token *t = token_of_lease(c, lease);
    int r = t ? token_revoke(c->draft, t) : 0;
    if (r < 0) return r;
    return call_no_content(c);
}

// Whether the token was made at `prefix` or below it.
static bool is_below(const struct token *t, struct str prefix) {
    if (!str_starts(t->path, prefix)) return false;
    return t->path.n == prefix.n || t->path.p[prefix.n] == '/';
}

static const struct token *token_below(const struct state *s, struct str from, struct str prefix) {
    struct tree_walk walk = state_from(s, RECORD_TOKEN, 0, (struct tree_key){from, STR_NONE});
    const struct token *t;
    while ((t = tree_next(&walk)))
        if (is_below(t, prefix)) return t;
    return NULL;
}

static struct str without_slash(struct str path) {
    while (str_ends(path, STR("/"))) path.n--;
    return path;
}

static int revoke_prefix(struct call *c) {
    struct str prefix = without_slash(call_str(c, "prefix"));
    char last[CRYPTO_SHA256_BYTES];
    struct str from = {last, 0};
    const struct token *t;
    while ((t = token_below(c->draft->state, from, prefix))) {
        from.n = t->hash.n < sizeof last ? t->hash.n : sizeof last;
        memcpy(last, t->hash.p, from.n);
        int r = token_revoke(c->draft, t);
        if (r < 0) return r;
    }
    return call_no_content(c);
}

// What of a lease comes directly below `prefix`: a folder with its slash, or the last part.
static struct str part_below(struct str lease, struct str prefix) {
    struct str rest = str_sub(lease, prefix.n, lease.n);
    size_t slash = str_find_char(rest, '/');
    return str_sub(rest, 0, slash < rest.n ? slash + 1 : rest.n);
}

static int collect_parts(const struct call *c, struct str prefix, struct buf *out) {
    AUTO_FINI(buf) struct buf id = buf_make(LEASE_ID_MAX_BYTES);
    struct tree_walk walk =
        state_from(c->state, RECORD_TOKEN, 0, (struct tree_key){STR(""), STR_NONE});
    const struct token *t;
    while ((t = tree_next(&walk))) {
        struct str lease = lease_of(t, &id);
        if (id.error) return id.error;
        if (!t->expires_ms || !str_starts(lease, prefix)) continue;
        list_add(out, part_below(lease, prefix));
    }
    return out->error;
}

static int list_leases(struct call *c) {
    AUTO_FINI(buf) struct buf prefix = buf_make(LEASE_ID_MAX_BYTES);
    AUTO_FINI(buf) struct buf parts = buf_make(SYS_LIST_MAX_BYTES);
    AUTO_FINI(buf) struct buf sorted = buf_make(SYS_LIST_MAX_BYTES);
    AUTO_FINI(buf) struct buf keys = buf_make(SYS_LIST_MAX_BYTES);
    struct str asked = without_slash(call_str(c, "prefix"));
    buf_add_str(&prefix, asked);
    if (asked.n) buf_addc(&prefix, '/');
    if (prefix.error) return prefix.error;
    int r = collect_parts(c, buf_str(&prefix), &parts);
    if (r == 0) r = list_union(&sorted, list_of(&parts), (struct list){STR_NONE});
    if (r < 0) return r;
    struct str rest = buf_str(&sorted), part;
    while (list_next(&rest, &part)) {
        json_comma(&keys);
        json_add_text(&keys, part);
    }
    if (keys.error) return keys.error;
    return call_keys(c, buf_str(&keys), STR_NONE);
}

static const struct field lease_fields[] = {
    {"lease_id", FIELD_STRING, NULL, FIELD_REQUIRED, "The lease."},
    {"url_lease_id", FIELD_STRING, NULL, 0, "The lease, in the path."},
    {"increment", FIELD_SIGNED_DURATION, NULL, 0, "Ignored."},
    {"sync", FIELD_BOOL, "true", 0, "Ignored: it is always done before the answer."},
    {0},
};

static const struct field prefix_fields[] = {
    {"prefix", FIELD_STRING, NULL, 0, "Path that made the tokens, for example auth/userpass."},
    {"sync", FIELD_BOOL, "true", 0, "Ignored: it is always done before the answer."},
    {0},
};

const struct route sys_lease_routes[] = {
    {.pattern = "leases/lookup",
     .fields = lease_fields,
     .update = look_up,
     .summary = "Look at a lease, which is always a token's."},
    {.pattern = "leases/lookup/{prefix**}",
     .fields = prefix_fields,
     .flags = ROUTE_SUDO,
     .list = list_leases,
     .summary = "List leases by the path that made them."},
    {.pattern = "leases/renew",
     .fields = lease_fields,
     .update = renew,
     .summary = "Refused: tokens are renewed by auth/token."},
    {.pattern = "leases/renew/{url_lease_id*}",
     .fields = lease_fields,
     .update = renew,
     .summary = "Refused: tokens are renewed by auth/token."},
    {.pattern = "leases/revoke",
     .fields = lease_fields,
     .update = revoke,
     .summary = "Revoke the token of a lease."},
    {.pattern = "leases/revoke/{url_lease_id*}",
     .fields = lease_fields,
     .update = revoke,
     .summary = "Revoke the token of a lease."},
    {.pattern = "leases/revoke-prefix/{prefix*}",
     .fields = prefix_fields,
     .flags = ROUTE_SUDO,
     .update = revoke_prefix,
     .summary = "Revoke all tokens made at or below a path."},
    {.pattern = "leases/revoke-force/{prefix*}",
     .fields = prefix_fields,
     .flags = ROUTE_SUDO,
     .update = revoke_prefix,
     .summary = "The same as revoke-prefix: nothing here can fail to be revoked."},
    {0},
};
