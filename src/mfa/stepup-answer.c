// SPDX-License-Identifier: Apache-2.0
// What Okta's answers mean to a run. Nothing of an answer outlives the function that is given it;
// the run may be gone when the machine has been told.
#include "mfa/choice.h"
#include "mfa/stepup-internal.h"

enum { TRIES_MAX = 2, CANCEL_TRIES_MAX = 3 };

// Names of transactions: the push's own, and any other.
enum { NO_TRANSACTION, OUR_TRANSACTION, OTHER_TRANSACTION };

// ---- what is no answer

// The first row that fits; ASKING_NOTHING: whatever was asked.
static const struct {
    enum run_asking asking;
    const char *code; // NULL: any
    int status;       // 0: any
    enum challenge_reason reason;
} denials[] = {
    {ASKING_NOTHING, "E0000068", 0, REASON_WRONG_CODE},
    {ASKING_NOTHING, "E0000082", 0, REASON_WRONG_CODE}, // used before
    {ASKING_NOTHING, "E0000083", 0, REASON_WRONG_CODE}, // outside its time
    {ASKING_NOTHING, "E0000069", 0, REASON_LOCKED_OUT},
    {ASKING_NOTHING, "E0000073", 0, REASON_REJECTED},
    {ASKING_NOTHING, "E0000038", 0, REASON_USER_INACTIVE},
    {ASKING_NOTHING, "E0000155", 0, REASON_USER_INACTIVE},
    {ASKING_NOTHING, "E0000191", 0, REASON_EXPIRED},
    {ASKING_POLL, "E0000007", 0, REASON_EXPIRED},
    {ASKING_POLL, NULL, 404, REASON_EXPIRED},
    {ASKING_POLL, NULL, 410, REASON_EXPIRED},
    {ASKING_FACTORS, "E0000007", 0, REASON_NO_USER},
};

static enum challenge_reason reason_of_denial(enum run_asking asking, const struct okta_answer *a) {
    for (size_t i = 0; i < LEN(denials); i++) {
        if (denials[i].asking && denials[i].asking != asking) continue;
        if (denials[i].code && !str_eqz(a->error_code, denials[i].code)) continue;
        if (denials[i].status && denials[i].status != a->status) continue;
        return denials[i].reason;
    }
    return REASON_OKTA;
}

static enum challenge_reason reason_of_strange(enum run_asking asking,
                                               const struct okta_answer *a) {
    bool transaction = asking == ASKING_VERIFY || asking == ASKING_POLL;
    return transaction && a->status >= 200 && a->status <= 299 ? REASON_FOREIGN_LINK : REASON_OKTA;
}

static bool may_be_repeated(struct run *r, enum run_asking asking) {
    if (asking == ASKING_POLL) return true; // until the wait is over
    return asking != ASKING_VERIFY && r->tries < TRIES_MAX;
}

static void try_again(struct run *r, enum run_asking asking) {
    if (may_be_repeated(r, asking)) {
        r->tries++;
        run_happens(r, EVENT_AGAIN, REASON_NONE);
    } else {
        run_fails(r, REASON_OKTA);
    }
}

static void say_trouble(const struct run *r, const struct okta_answer *a) {
    log_warn(r->stepup->log, "mfa.okta_trouble", KV_STR("challenge", r->id),
             KV_SLICE("method", r->method->name), KV_STR("result", okta_ask_result_name(a->result)),
             KV_STR("reason", a->fault.text));
}

// Okta has not sent the push for certain.
static bool was_not_taken(enum okta_ask_result result) {
    return result == OKTA_ASK_RATE_LIMITED || result == OKTA_ASK_REFUSED ||
           result == OKTA_ASK_DENIED;
}

static void handle_trouble(struct run *r, enum run_asking asking, const struct okta_answer *a) {
    if (a->result != OKTA_ASK_DENIED) say_trouble(r, a);
    switch (a->result) {
    case OKTA_ASK_RATE_LIMITED:
        r->again_ms = a->wait_ms > 0 ? a->wait_ms : 1;
        run_happens(r, EVENT_AGAIN, REASON_NONE);
        return;
    case OKTA_ASK_RETRY: try_again(r, asking); return;
    case OKTA_ASK_DENIED: run_fails(r, reason_of_denial(asking, a)); return;
    case OKTA_ASK_STRANGE: run_fails(r, reason_of_strange(asking, a)); return;
    case OKTA_ASK_REFUSED:
    case OKTA_ASK_ANSWERED: break;
    }
    run_fails(r, REASON_OKTA);
}

// The request is over. False: there is no answer, and the run knows.
static bool has_answer(struct run *r, const struct okta_answer *a) {
    enum run_asking asking = r->asking;
    r->ask = NULL;
    r->asking = ASKING_NOTHING;
    if (a->result == OKTA_ASK_ANSWERED) return true;
    handle_trouble(r, asking, a);
    return false;
}

// ---- users

static enum challenge_reason refuses_user(const struct okta_answer *a) {
    if (a->user_count == 0) return REASON_NO_USER;
    if (a->user_count > 1) return REASON_TWO_USERS;
    if (a->users[0].active) return REASON_NONE;
    return str_eqz(a->users[0].status, "LOCKED_OUT") ? REASON_LOCKED_OUT : REASON_USER_INACTIVE;
}

// Now that it is known who it is.
static enum challenge_reason judge(struct run *r) {
    struct stepup *s = r->stepup;
    AUTO(state) struct state *state = stepup_state(s);
    if (!state) return REASON_STOPPED;
    const struct guard_subject who = run_subject(r);
    double used = orgs_used(r->org, time_mono_ms());
    struct guard_verdict v =
        guard_judge(state, &s->settings.guard, &who, r->machine.code, used, time_now_ms());
    if (v.rule == GUARD_CLEAR) return REASON_NONE;
    run_set_verdict(r, &v);
    return REASON_GUARD;
}

void run_on_user(void *run, const struct okta_answer *a) {
    struct run *r = run;
    if (!has_answer(r, a)) return;
    enum challenge_reason reason = refuses_user(a);
    if (!reason && !text_set(&r->user_id, a->users[0].id)) reason = REASON_STATE;
    if (!reason) reason = judge(r);
    if (reason) run_fails(r, reason);
    else run_happens(r, EVENT_FOUND, REASON_NONE);
}

// ---- factors

static const struct okta_factor *choose(const struct run *r, const struct state *state,
                                        const struct okta_answer *a) {
    const struct guard_subject who = run_subject(r);
    const struct guarded *known = guard_user(state, &who);
    const struct choice wanted = {
        .code = r->machine.code,
        .device = r->credential.device,
        .used = known ? known->used : (struct list){STR_NONE},
    };
    const char *why = "";
    const struct okta_factor *f = choice_make(&wanted, a->factors, a->factor_count, &why);
    if (!f)
        log_info(r->stepup->log, "mfa.no_factor", KV_STR("challenge", r->id),
                 KV_STR("reason", why));
    return f;
}

static bool keep_factor(struct run *r, const struct okta_factor *f) {
    return text_set(&r->factor_id, f->id) && text_set(&r->factor_name, f->name) &&
           text_set(&r->factor_provider, f->provider);
}

void run_on_factors(void *run, const struct okta_answer *a) {
    struct run *r = run;
    if (!has_answer(r, a)) return;
    AUTO(state) struct state *state = stepup_state(r->stepup);
    const struct okta_factor *f = state ? choose(r, state, a) : NULL;
    if (!state) run_fails(r, REASON_STOPPED);
    else if (a->factor_count == 0) run_fails(r, REASON_NO_FACTORS);
    else if (!f) run_fails(r, r->machine.code ? REASON_NO_CODE_FACTOR : REASON_NO_PUSH_FACTOR);
    else if (!keep_factor(r, f)) run_fails(r, REASON_STATE);
    else run_happens(r, EVENT_CHOSEN, REASON_NONE);
}

// ---- pushes and codes

// When the transaction ends, by our monotonic clock.
static void learn_expiry(struct run *r, const struct okta_answer *a) {
    int64_t offset_ms = 0;
    if (!a->transaction.expires_ms) return;
    bool known = okta_org_clock(r->org->okta, &offset_ms);
    int64_t okta_ms = a->date_ms ? a->date_ms : time_now_ms() + (known ? offset_ms : 0);
    r->expires_mono_ms = time_mono_ms() + a->transaction.expires_ms - okta_ms;
    if (r->expires_mono_ms < r->end_mono_ms) r->end_mono_ms = r->expires_mono_ms;
}

// False: no memory.
static bool learn_transaction(struct run *r, const struct okta_transaction *t) {
    if (!r->transaction.p && t->id.p && !text_set(&r->transaction, t->id)) return false;
    if (t->poll_url.p && !str_eq(t->poll_url, r->poll_url) && !text_set(&r->poll_url, t->poll_url))
        return false;
    if (!t->cancel_url.p) return true;
    r->has_cancel = true;
    return str_eq(t->cancel_url, r->poll_url) || text_set(&r->cancel_url, t->cancel_url);
}

static bool is_settled(enum okta_factor_result result) {
    return result == OKTA_FACTOR_SUCCESS || result == OKTA_FACTOR_REJECTED ||
           result == OKTA_FACTOR_TIMEOUT;
}

// Nobody waits for it any more; but what it tells can be taken back.
static void take_late(struct run *r, const struct okta_answer *a) {
    r->ask = NULL;
    r->asking = ASKING_NOTHING;
    bool answered = a->result == OKTA_ASK_ANSWERED;
    if (was_not_taken(a->result) || (answered && is_settled(a->transaction.result))) r->out = false;
    if (answered && !learn_transaction(r, &a->transaction)) r->cancel_over = true;
    run_settle(r);
}

static void step_by_transaction(struct run *r, const struct okta_answer *a, uint32_t transaction) {
    int number = a->transaction.number;
    learn_expiry(r, a);
    if (!learn_transaction(r, &a->transaction)) {
        run_fails(r, REASON_STATE);
        return;
    }
    bool waits = a->transaction.result == OKTA_FACTOR_WAITING && transaction == OUR_TRANSACTION;
    bool shows = waits && number >= 0 && r->number < 0;
    run_answered(r, a->transaction.result, transaction); // unless it waits it may be gone now
    if (shows) run_show_number(r, number);
}

void run_on_verify(void *run, const struct okta_answer *a) {
    struct run *r = run;
    if (run_is_over(r)) {
        take_late(r, a);
        return;
    }
    if (was_not_taken(a->result)) r->out = false;
    if (!has_answer(r, a)) return;
    log_debug(r->stepup->log, "mfa.sent", KV_STR("challenge", r->id), KV_SLICE("login", r->login),
              KV_SLICE("factor", r->factor_id));
    buf_wipe(&r->secret);
    r->credential = (struct credential){.number = false};
    bool named = a->transaction.id.p && !r->machine.code;
    step_by_transaction(r, a, named ? OUR_TRANSACTION : NO_TRANSACTION);
}

// The transaction was named in the request; an answer that names none is about that one.
void run_on_poll(void *run, const struct okta_answer *a) {
    struct run *r = run;
    if (!has_answer(r, a)) return;
    struct str id = a->transaction.id;
    bool ours = !id.p || str_eq(id, r->transaction);
    step_by_transaction(r, a, ours ? OUR_TRANSACTION : OTHER_TRANSACTION);
}

// ---- taking back

void run_on_cancel(void *run, const struct okta_answer *a) {
    struct run *r = run;
    r->ask = NULL;
    r->asking = ASKING_NOTHING;
    bool again = a->result == OKTA_ASK_RATE_LIMITED && ++r->tries < CANCEL_TRIES_MAX;
    bool taken = a->status >= 200 && a->status < 500 && a->status != 429;
    if (taken) r->out = false;
    if (again) r->due_mono_ms = time_mono_ms() + (a->wait_ms > 0 ? a->wait_ms : 1);
    else r->cancel_over = true;
    log_debug(r->stepup->log, "mfa.withdrawn", KV_STR("challenge", r->id),
              KV_STR("result", okta_ask_result_name(a->result)));
    run_settle(r);
}
