// SPDX-License-Identifier: Apache-2.0
// Renewing: a token of the token store lives on as it did; one of a login as its user says today.
#include <errno.h>

#include "api/backends.h"
#include "api/lease.h"
#include "api/token-handlers.h"
#include "api/userpass-handlers.h"
#include "base/time.h"
#include "identity/user.h"

enum { LIST_MAX_BYTES = 16 << 20 };
enum { DONE = 0, ANSWERED = 1 };

static int not_renewable(struct call *c) { return call_error(c, 400, "lease is not renewable"); }

static const struct mount *token_mount(const struct call *c, const struct token *t) {
    if (t->mount_accessor.n) return mount_by_accessor(c->state, t->mount_accessor);
    return mount_at(c->state, STR("auth/token/"));
}

// What it was given the last time.
static int64_t last_ttl_ms(const struct token *t) {
    return t->expires_ms - (t->renewed_ms ? t->renewed_ms : t->created_ms);
}

// The policies that a login would get now, against the token's.
static int same_policies(const struct user *u, const struct token *t, bool *ret) {
    AUTO_FINI(buf) struct buf now = buf_make(LIST_MAX_BYTES);
    int r = userpass_policies(u, &now);
    if (r == 0) *ret = str_eq(buf_str(&now), t->policies.packed);
    return r;
}

// By the user of a login. Outcomes: DONE; ANSWERED; -errno.
static int ask_user(struct call *c, const struct token *t, struct lease_ask *ask) {
    const struct user *u =
        user_get(c->state, ask->mount->uuid, list_value(t->meta, STR("username")));
    if (!u) return call_no_content(c), ANSWERED;
    bool same = false;
    int r = same_policies(u, t, &same);
    if (r < 0) return r;
    if (!same) {
        call_error(c, 400,
                   "1 error occurred:\n\t* failed to renew entry: policies have changed, "
                   "not renewing\n\n");
        return ANSWERED;
    }
    ask->period_s = u->token_period_s;
    ask->max_ttl_s = u->token_max_ttl_s;
    if (ask->ttl_ms == 0) ask->ttl_ms = u->token_ttl_s * TIME_SECOND_MS;
    return DONE;
}

static int answer(struct call *c, struct str id, const struct token *t) {
    const struct entity *e = t->entity_id.n ? entity_in_force(c->state, t->entity_id) : NULL;
    call_auth_token(c, id, t, e ? e->policies : (struct list){STR_NONE});
    return 0;
}

static int renew(struct call *c, struct str id, const struct token *t) {
    if (t->kind == TOKEN_BATCH) return call_error(c, 400, "batch tokens cannot be renewed");
    if (!t->renewable || t->expires_ms == 0) return not_renewable(c);
    struct lease_ask ask = {.mount = token_mount(c, t),
                            .ttl_ms = call_int(c, "increment") * TIME_SECOND_MS,
                            .period_s = t->period_s,
                            .max_ttl_s = t->max_ttl_s,
                            .explicit_max_ttl_s = t->explicit_max_ttl_s,
                            .created_ms = t->created_ms};
    if (!ask.mount) return not_renewable(c);
    int r = ask.mount->type == MOUNT_USERPASS ? ask_user(c, t, &ask) : DONE;
    if (r != DONE) return r < 0 ? r : 0;
    if (ask.ttl_ms == 0 && ask.mount->type != MOUNT_USERPASS) ask.ttl_ms = last_ttl_ms(t);
    int64_t ttl_ms = 0;
    if (lease_settle(c, &ask, &ttl_ms))
        return call_error(c, 400, "1 error occurred:\n\t* past the max TTL, cannot renew\n\n");
    struct token changed = *t;
    changed.renewed_ms = c->now_ms;
    changed.expires_ms = c->now_ms + ttl_ms;
    changed.period_s = ask.period_s;
    changed.max_ttl_s = ask.max_ttl_s;
    r = token_replace(c->draft, &changed);
    return r < 0 ? r : answer(c, id, &changed);
}

int token_handle_renew(struct call *c) {
    struct str token = call_str(c, "token");
    if (token.n == 0) return call_error(c, 400, "missing token ID");
    AUTO_FINI(token_caller) struct token_caller found = {0};
    int r = token_find(c->state, token, c->now_ms, &found);
    if (r < 0) return r;
    if (r == TOKEN_E_BAD) return call_error(c, 400, "token not found");
    return renew(c, token, found.token);
}

int token_handle_renew_self(struct call *c) {
    const struct token *t = c->caller.token;
    // As it stands after this use of it.
    const struct token *now = c->caller.made ? NULL : token_by_hash(c->state, t->hash);
    return renew(c, c->request->token, now ? now : t);
}

int token_handle_renew_accessor(struct call *c) {
    const struct token *t;
    int r = token_by_accessor_field(c, &t);
    if (r || c->reply.failed) return r;
    return t ? renew(c, STR(""), t) : token_bad_accessor(c);
}
