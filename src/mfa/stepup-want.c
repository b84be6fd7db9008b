// SPDX-License-Identifier: Apache-2.0
// What a demand wants, made ready over a snapshot: every check that asks nothing of Okta, for all
// methods before the first push, so that nobody is asked for a request that cannot go through.
#include <errno.h>

#include "crypto/digest.h"
#include "mfa/document.h"
#include "mfa/stepup-internal.h"
#include "mfa/username.h"

struct preparing {
    const struct demand *demand;
    const struct state *state;
    struct guard_verdict *verdict;
    const struct alias *alias; // of the want that is being made ready
};

static void want_fini(struct demand *d, struct want *w) {
    record_drop(w->method);
    w->org = orgs_drop(d->stepup->orgs, w->org);
    free(w->login);
}

void wants_free(struct demand *d) {
    for (size_t i = 0; i < d->want_count; i++) want_fini(d, &d->wants[i]);
    free(TAKE(d->wants));
    d->want_count = 0;
}

static bool has_want(const struct demand *d, struct str name) {
    for (size_t i = 0; i < d->want_count; i++)
        if (str_eq(d->wants[i].name, name)) return true;
    return false;
}

static enum challenge_reason make_wants(struct demand *d) {
    struct list methods = list_of(&d->methods);
    struct str rest = methods.packed, name;
    if (list_is_empty(methods)) return REASON_NO_METHOD;
    d->wants = mem_new_array(list_count(methods), sizeof *d->wants);
    if (!d->wants) return REASON_STATE;
    while (list_next(&rest, &name))
        if (!has_want(d, name)) d->wants[d->want_count++].name = name;
    return REASON_NONE;
}

// ---- the checks, the cheap ones first

static enum challenge_reason find_method(struct preparing *p, struct want *w) {
    w->method = method_get(p->state, w->name);
    if (!w->method) return REASON_NO_METHOD;
    record_hold(w->method);
    const struct claim *c = p->demand->claim;
    const struct remember_key key = {c->token_hash, w->method->id, c->remote_address};
    w->passed =
        remember_has(p->demand->stepup->remember, &key, w->method->remember_s, time_now_ms());
    return REASON_NONE;
}

static enum challenge_reason find_alias(struct preparing *p, struct want *w) {
    p->alias = alias_on_mount(p->state, p->demand->entity->id, w->method->mount_accessor);
    return p->alias ? REASON_NONE : REASON_NO_ALIAS;
}

static enum challenge_reason read_credential(struct preparing *p, struct want *w) {
    struct fault fault = {{0}};
    int r = credential_read(list_of(&p->demand->credentials), w->name, &w->credential, &fault);
    if (r < 0) return REASON_STATE;
    if (r) {
        log_info(p->demand->stepup->log, "mfa.credential_refused", KV_SLICE("method", w->name),
                 KV_STR("reason", fault.text));
        return REASON_CREDENTIAL;
    }
    w->code = w->credential.passcode.p != NULL;
    w->number = !w->code && (w->credential.number || w->method->number_matching);
    return REASON_NONE;
}

static enum challenge_reason make_login(struct preparing *p, struct want *w) {
    AUTO_FINI(buf) struct buf login = buf_make(TEXT_MAX_BYTES);
    struct fault fault = {{0}};
    if (w->credential.challenge.p) return REASON_NONE; // it has one
    int r = username_make(w->method->username_format, p->alias, p->demand->entity, &login, &fault);
    if (r == 0 && !login.error) w->login = mem_copy(login.p, login.n);
    if (r > 0)
        log_warn(p->demand->stepup->log, "mfa.username_refused", KV_SLICE("method", w->name),
                 KV_STR("reason", fault.text));
    if (r > 0) return REASON_USERNAME;
    return w->login ? REASON_NONE : REASON_STATE;
}

static enum challenge_reason find_org(struct preparing *p, struct want *w) {
    struct fault fault = {{0}};
    if (!w->login) return REASON_NONE;
    int r = orgs_take(p->demand->stepup->orgs, w->method, &w->org, &fault);
    if (r <= 0) return r ? REASON_STATE : REASON_NONE;
    log_warn(p->demand->stepup->log, "mfa.no_org", KV_SLICE("method", w->name),
             KV_STR("reason", fault.text));
    return REASON_OKTA;
}

// The number of this very request is on the phone: another method may be about to go on with it.
static bool may_be_vouched_for(const struct demand *d, const struct run *busy) {
    return busy->kept && run_is_for(busy, d->claim);
}

static enum challenge_reason judge(struct preparing *p, struct want *w) {
    const struct demand *d = p->demand;
    struct stepup *s = d->stepup;
    if (!w->login) return REASON_NONE;
    const struct run *busy = run_of_user(s, w->org->host, str_from(w->login), w->code);
    if (busy && (want_shares(d, w, busy) || may_be_vouched_for(d, busy))) return REASON_NONE;
    const struct guard_subject who = {
        .org = str_from(w->org->host),
        .login = str_from(w->login),
        .entity_id = d->entity->id,
        .entity_name = d->entity->name,
    };
    double used = orgs_used(w->org, time_mono_ms());
    *p->verdict = guard_judge(p->state, &s->settings.guard, &who, w->code, used, time_now_ms());
    if (busy && p->verdict->rule == GUARD_CLEAR) p->verdict->rule = GUARD_BUSY;
    return p->verdict->rule == GUARD_CLEAR ? REASON_NONE : REASON_GUARD;
}

static enum challenge_reason (*const checks[])(struct preparing *p, struct want *w) = {
    find_method, find_alias, read_credential, make_login, find_org, judge,
};

static enum challenge_reason prepare_want(struct preparing *p, struct want *w) {
    enum challenge_reason reason = REASON_NONE;
    for (size_t i = 0; i < LEN(checks) && !reason && !w->passed; i++) reason = checks[i](p, w);
    return reason;
}

// ---- their order

// What was begun before goes on first: it may vouch for others. A wrong code shall cost no push.
static int rank(const struct want *w) {
    if (w->credential.challenge.p) return 0;
    return w->code ? 1 : 2;
}

static void sort_wants(struct demand *d) {
    for (size_t i = 1; i < d->want_count; i++) {
        struct want w = d->wants[i];
        size_t at = i;
        for (; at > 0 && rank(&d->wants[at - 1]) > rank(&w); at--) d->wants[at] = d->wants[at - 1];
        d->wants[at] = w;
    }
}

enum challenge_reason demand_prepare(struct demand *d, const struct state *s,
                                     struct guard_verdict *ret_verdict) {
    struct preparing p = {.demand = d, .state = s, .verdict = ret_verdict};
    enum challenge_reason reason = make_wants(d);
    if (reason) return reason;
    d->entity = d->claim->entity_id.n ? entity_in_force(s, d->claim->entity_id) : NULL;
    if (!d->entity) return REASON_NO_ENTITY;
    record_hold(d->entity);
    for (d->at = 0; d->at < d->want_count; d->at++) {
        reason = prepare_want(&p, &d->wants[d->at]);
        if (reason) return reason;
    }
    sort_wants(d);
    d->at = 0;
    return REASON_NONE;
}

// ---- sharing, refusing

bool want_shares(const struct demand *d, const struct want *w, const struct run *r) {
    bool plain = !w->code && !w->number && !w->credential.device.p && !r->machine.code;
    return plain && w->method->share_challenge && !run_is_over(r) && r->number < 0 &&
           !r->wants_number && crypto_equal(r->claim->token_hash, d->claim->token_hash) &&
           str_eq(r->method->id, w->method->id);
}

void want_say_refused(struct demand *d, const struct want *w, enum challenge_reason reason,
                      const struct guard_verdict *v) {
    struct stepup *s = d->stepup;
    int64_t now_ms = time_now_ms();
    const struct claim *c = d->claim;
    const char *rule = reason == REASON_GUARD ? guard_rows[v->rule].name : "";
    const struct attempt a = {
        .method = w ? w->name : STR(""),
        .method_id = w && w->method ? w->method->id : STR(""),
        .org = str_from(w && w->org ? w->org->host : ""),
        .login = str_from(w && w->login ? w->login : ""),
        .entity_id = d->entity ? d->entity->id : c->entity_id,
        .entity_name = d->entity ? d->entity->name : STR(""),
        .request_id = c->request_id,
        .path = c->path,
        .operation = c->operation,
        .remote_address = c->remote_address,
        .user_agent = c->user_agent,
        .rule = str_from(rule),
        .began_ms = now_ms,
        .decided_ms = now_ms,
        .code = w && w->code,
        .outcome = TRAIL_DENIED,
        .reason = reason,
    };
    AUTO_FINI(buf) struct buf document = buf_make(DOCUMENT_MAX_BYTES);
    if (document_challenge(&document, &a, v, now_ms) < 0 || !stepup_audit(s, &document))
        log_error(s->log, "mfa.not_audited", KV_SLICE("request", c->request_id));
    stepup_count(s, &(struct stepup_end){reason, v->rule, a.org, a.login, now_ms});
    log_info(s->log, "mfa.refused", KV_SLICE("method", a.method), KV_SLICE("login", a.login),
             KV_STR("reason", challenge_reason_name(reason)), KV_STR("rule", rule));
}
