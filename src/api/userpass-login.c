// SPDX-License-Identifier: Apache-2.0
// Logging in takes two steps. A hash thread checks the password over a snapshot; wrong ones end
// there. The writer makes sure that the hash which was checked is still the user's, and makes the
// token. Nothing in the answers or in their time says whether a user exists.
#include <errno.h>

#include "api/lease.h"
#include "api/lockout.h"
#include "api/userpass-handlers.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "identity/cidr.h"
#include "identity/names.h"
#include "identity/user.h"

enum { LIST_MAX_BYTES = 16 << 20, NAME_MAX_BYTES = 1 << 20 };

static int wrong(struct call *c) {
    c->reply.reason = "wrong password";
    return call_error(c, 400, "invalid username or password");
}

static int denied(struct call *c, const char *reason) {
    c->reply.reason = reason;
    return call_error(c, 403, "permission denied");
}

// ---- on a hash thread

int userpass_prepare_login(struct call *c) {
    struct str name = call_str(c, "username"), password = call_str(c, "password");
    if (password.n == 0) return call_error(c, 400, "missing password");
    struct lockout_rules rules = lockout_rules(c->mount);
    if (lockout_is_locked(c->lockout, &rules, c->mount->accessor, name, c->now_ms))
        return denied(c, "user is locked");
    const struct user *u = userpass_user(c);
    struct str hash = u ? u->password_hash : STR_NONE;
    int r = user_check(password, hash);
    if (r < 0) return r;
    if (r == USER_E_WRONG) {
        lockout_failed(c->lockout, &rules, c->mount->accessor, name, c->now_ms);
        return wrong(c);
    }
    buf_add_str(&c->prepared, hash);
    return c->prepared.error;
}

// ---- on the writer thread

struct login {
    const struct user *user;
    struct buf policies, cidrs, meta, name;
    struct token want;
};
static void login_fini(struct login *l) {
    buf_fini(&l->policies);
    buf_fini(&l->cidrs);
    buf_fini(&l->meta);
    buf_fini(&l->name);
}
DEFINE_AUTO_FINI(login)

static enum token_kind kind_of(const struct call *c, const struct user *u) {
    struct str by_mount = c->mount->token_type, by_user = u->token_type;
    if (str_eqz(by_mount, "batch")) return TOKEN_BATCH;
    if (str_eqz(by_mount, "service")) return TOKEN_SERVICE;
    if (str_eqz(by_user, "batch")) return TOKEN_BATCH;
    if (str_eqz(by_user, "service")) return TOKEN_SERVICE;
    return str_eqz(by_mount, "default-batch") ? TOKEN_BATCH : TOKEN_SERVICE;
}

// "userpass-alice", "up-two-alice".
static void write_name(const struct call *c, struct str user, struct buf *out) {
    struct str path = str_sub(c->mount->path, sizeof "auth/" - 1, c->mount->path.n);
    for (size_t i = 0; i < path.n; i++) buf_addc(out, path.p[i] == '/' ? '-' : path.p[i]);
    buf_add_str(out, user);
}

int userpass_policies(const struct user *u, struct buf *out) {
    AUTO_FINI(buf) struct buf own = buf_make(LIST_MAX_BYTES);
    AUTO_FINI(buf) struct buf fallback = buf_make(64);
    int r = names_fold(u->token_policies, &own);
    if (!u->token_no_default_policy) list_add(&fallback, STR("default"));
    if (r == 0) r = fallback.error;
    return r < 0 ? r : list_union(out, list_of(&own), list_of(&fallback));
}

static int set_policies(struct call *c, struct login *l) {
    int r = userpass_policies(l->user, &l->policies);
    if (r < 0) return r;
    l->want.policies = list_of(&l->policies);
    if (!list_has(l->want.policies, STR("root"))) return 0;
    return call_error(c, 400, "auth methods cannot create root tokens");
}

static int set_texts(struct call *c, struct login *l) {
    const struct user *u = l->user;
    list_add(&l->meta, STR("username"));
    list_add(&l->meta, u->name);
    write_name(c, u->name, &l->name);
    l->want.bound_cidrs = u->bound_cidrs;
    if (u->token_strictly_bind_ip) {
        list_add(&l->cidrs, c->request->remote_address);
        l->want.bound_cidrs = list_of(&l->cidrs);
    }
    if (l->cidrs.error || l->meta.error || l->name.error) return -ENOMEM;
    l->want.meta = list_of(&l->meta);
    l->want.display_name = buf_str(&l->name);
    l->want.path = c->request->path;
    l->want.mount_accessor = c->mount->accessor;
    return 0;
}

static int set_times(struct call *c, struct login *l) {
    const struct user *u = l->user;
    struct token *want = &l->want;
    want->kind = kind_of(c, u);
    want->created_ms = c->now_ms;
    want->period_s = u->token_period_s;
    want->max_ttl_s = u->token_max_ttl_s;
    want->explicit_max_ttl_s = u->token_explicit_max_ttl_s;
    want->renewable = want->kind == TOKEN_SERVICE;
    // Nothing keeps count of a batch token.
    want->num_uses = want->kind == TOKEN_SERVICE ? u->token_num_uses : 0;
    struct lease_ask ask = {.mount = c->mount,
                            .ttl_ms = u->token_ttl_s * TIME_SECOND_MS,
                            .period_s = want->period_s,
                            .max_ttl_s = want->max_ttl_s,
                            .explicit_max_ttl_s = want->explicit_max_ttl_s,
                            .created_ms = c->now_ms};
    int64_t ttl_ms = 0;
    if (lease_settle(c, &ask, &ttl_ms)) return denied(c, "no time to live");
    want->expires_ms = c->now_ms + ttl_ms;
    want->ttl_s = ttl_ms / TIME_SECOND_MS;
    return 0;
}

static int set_entity(struct call *c, struct login *l) {
    const struct entity *e = NULL;
    int r = entity_of_login(c->draft, c->mount->accessor, l->user->name, (struct list){STR_NONE},
                            c->now_ms, &e);
    if (r == ENTITY_E_DISABLED) return denied(c, "entity is disabled");
    if (r < 0) return r;
    l->want.entity_id = e->id;
    return 0;
}

static int grant(struct call *c, struct login *l) {
    static int (*const steps[])(struct call * c, struct login * l) = {set_policies, set_texts,
                                                                      set_times, set_entity};
    if (!list_is_empty(l->user->bound_cidrs) &&
        !cidr_list_has(l->user->bound_cidrs, c->request->remote_address))
        return denied(c, "address not permitted");
    if (!list_is_empty(c->request->mfa))
        call_warn(c, "Found MFA header but failed to find MFA Enforcement Config");
    for (size_t i = 0; i < LEN(steps); i++) {
        int r = steps[i](c, l);
        if (r || c->reply.failed) return r;
    }
    int r = lease_grant(c, &l->want, STR_NONE);
    return r > 0 ? -EEXIST : r;
}

int userpass_login(struct call *c) {
    const struct user *u = userpass_user(c);
    // The password that was right a moment ago may have been changed since.
    if (!u || c->prepared.n == 0 || !crypto_equal(buf_str(&c->prepared), u->password_hash))
        return wrong(c);
    AUTO_FINI(login)
    struct login l = {.user = u,
                      .policies = buf_make(LIST_MAX_BYTES),
                      .cidrs = buf_make(LIST_MAX_BYTES),
                      .meta = buf_make(NAME_MAX_BYTES),
                      .name = buf_make(NAME_MAX_BYTES)};
    lockout_clear(c->lockout, c->mount->accessor, u->name);
    return grant(c, &l);
}
