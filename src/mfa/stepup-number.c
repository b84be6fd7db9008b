// SPDX-License-Identifier: Apache-2.0
// Number matching in two phases. An HTTP answer is all that reaches the person, so the demand is
// answered with the number, and the challenge goes on by itself; the very same request, sent again
// with the challenge's id, waits for the decision or gets the one that was made meanwhile. An
// approval is good once.
#include "crypto/digest.h"
#include "mfa/stepup-internal.h"

bool run_is_for(const struct run *r, const struct claim *c) {
    bool token = crypto_equal(r->claim->token_hash, c->token_hash);
    bool request = crypto_equal(r->claim->fingerprint, c->fingerprint);
    return token && request;
}

// ---- the first phase

static void remember_passed(struct run *r, const struct demand *d) {
    for (size_t i = 0; i < d->want_count; i++)
        if (d->wants[i].passed) list_add(&r->passed, d->wants[i].method->id);
}

void run_mark_passed(const struct run *r, struct demand *d) {
    if (r->passed.error) return;
    for (size_t i = 0; i < d->want_count; i++)
        if (list_has(list_of(&r->passed), d->wants[i].method->id)) d->wants[i].passed = true;
}

// Who shares a push without being the request that it was begun for has to come again.
static void tell_number(struct run *r, struct demand *d, struct str message) {
    struct ending e = {.reason = REASON_NUMBER, .message = message};
    if (!run_is_for(r, d->claim)) e = (struct ending){.reason = REASON_GUARD, .rule = GUARD_BUSY};
    else remember_passed(r, d);
    run_remove_waiter(r, d);
    demand_end(d, &e);
}

static void go_on_alone(struct run *r) {
    r->kept = true;
    r->end_mono_ms = time_mono_ms() + r->stepup->settings.wait_ms;
    if (r->expires_mono_ms && r->expires_mono_ms < r->end_mono_ms)
        r->end_mono_ms = r->expires_mono_ms;
    run_set_timer(r);
}

void run_show_number(struct run *r, int number) {
    AUTO_FINI(buf) struct buf message = buf_make(TEXT_MAX_BYTES);
    buf_addf(&message, "tap %d on your phone, then repeat the request with X-Vault-MFA: %.*s:%s",
             number, STR_ARG(r->method->name), r->id);
    if (message.error) {
        run_end(r, REASON_STATE);
        return;
    }
    r->number = number;
    log_debug(r->stepup->log, "mfa.number_shown", KV_STR("challenge", r->id),
              KV_SLICE("login", r->login));
    go_on_alone(r);
    while (r->first_waiter) tell_number(r, r->first_waiter, buf_str(&message));
}

// ---- the second phase

enum challenge_reason run_join_number(struct demand *d, const struct want *w) {
    struct run *r = run_by_id(d->stepup, w->credential.challenge);
    if (!r) return REASON_EXPIRED;
    bool same = r->kept && str_eq(r->method->id, w->method->id);
    if (!same || !run_is_for(r, d->claim)) return REASON_OTHER_REQUEST;
    list_add(&d->challenges, str_from(r->id));
    if (r->told) return run_is_allowed(r) ? REASON_EXPIRED : run_reason(r);
    // One tap is for one request, however often it is sent meanwhile.
    if (r->first_waiter && !r->method->share_challenge) return REASON_GUARD;
    run_add_waiter(r, d);
    if (run_is_over(r)) run_settle(r);
    return REASON_NONE;
}
