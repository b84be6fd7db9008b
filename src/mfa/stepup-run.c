// SPDX-License-Identifier: Apache-2.0
// A run: the machine (mfa/challenge.h) says what is to be done, and here it is done. One request
// or change is on its way at a time, and one timer says when to go on: whichever comes first of the
// next request and the end.
#include <errno.h>

#include "crypto/digest.h"
#include "identity/fold.h"
#include "mfa/stepup-internal.h"

enum { USER_KEY_MAX = 4096, FIRST_PAUSE_MS = TIME_SECOND_MS, DOUBLINGS_MAX = 4 };

// ---- texts

bool text_set(struct str *to, struct str from) {
    char *copy = mem_copy(from.n ? from.p : "", from.n);
    if (!copy) return false;
    free((void *)(uintptr_t)to->p);
    *to = (struct str){copy, from.n};
    return true;
}

static void text_free(struct str *t) {
    free((void *)(uintptr_t)t->p);
    *t = STR_NONE;
}

// Whom only one challenge asks at a time: by pushes, and with codes.
static int add_user_key(struct buf *out, const char *host, struct str login, bool code) {
    buf_addz(out, host);
    buf_addc(out, code ? '#' : ' ');
    fold_text(out, login);
    return out->error;
}

// ---- finding

struct run *run_of_user(const struct stepup *s, const char *host, struct str login, bool code) {
    AUTO_FINI(buf) struct buf key = buf_make(USER_KEY_MAX);
    if (add_user_key(&key, host, login, code)) return NULL;
    struct table_link *l = table_first(&s->runs_by_user, stepup_hash(s, buf_str(&key)));
    for (; l; l = table_next(l)) {
        struct run *r = TABLE_ITEM(l, struct run, by_user);
        if (str_eq(r->user_key, buf_str(&key))) return r;
    }
    return NULL;
}

struct run *run_by_id(const struct stepup *s, struct str id) {
    struct table_link *l = table_first(&s->runs_by_id, stepup_hash(s, id));
    for (; l; l = table_next(l)) {
        struct run *r = TABLE_ITEM(l, struct run, by_id);
        if (str_eqz(id, r->id)) return r;
    }
    return NULL;
}

// ---- making and freeing

// "c-" and letters and digits that nobody can foresee.
static int make_id(char id[RUN_ID_BYTES + 1]) {
    static const char signs[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    enum { SIGNS = sizeof signs - 1, FAIR = 256 - 256 % SIGNS };
    size_t n = 0;
    id[n++] = 'c';
    id[n++] = '-';
    while (n < RUN_ID_BYTES) {
        uint8_t byte;
        int r = crypto_random(&byte, sizeof byte);
        if (r) return r;
        if (byte < FAIR) id[n++] = signs[byte % SIGNS];
    }
    id[n] = '\0';
    return 0;
}

// The credential outlives the demand, whose other texts it borrows from.
static int keep_credential(struct run *r, const struct credential *c) {
    r->secret = buf_make(c->passcode.n + c->device.n);
    if (!buf_reserve(&r->secret, c->passcode.n + c->device.n)) return -ENOMEM;
    buf_add_str(&r->secret, c->passcode);
    buf_add_str(&r->secret, c->device);
    struct str all = buf_str(&r->secret);
    if (c->passcode.p) r->credential.passcode = str_sub(all, 0, c->passcode.n);
    if (c->device.p) r->credential.device = str_sub(all, c->passcode.n, all.n);
    return 0;
}

static void on_timer(void *ctx);

static int fill(struct run *r, const struct demand *d, const struct want *w) {
    AUTO_FINI(buf) struct buf key = buf_make(USER_KEY_MAX);
    r->claim = claim_hold(d->claim);
    r->org = orgs_hold(w->org);
    record_hold(r->method = w->method);
    record_hold(r->entity = d->entity);
    int e = make_id(r->id);
    if (!e) e = add_user_key(&key, w->org->host, str_from(w->login), w->code);
    if (!e && !text_set(&r->user_key, buf_str(&key))) e = -ENOMEM;
    if (!e && !text_set(&r->login, str_from(w->login))) e = -ENOMEM;
    if (!e) e = keep_credential(r, &w->credential);
    return e ? e : loop_timer_new(&r->timer, r->stepup->loop, on_timer, r);
}

static struct run *run_auto_free(struct run **r) { return *r = run_free(*r); }
#define AUTO_RUN __attribute__((cleanup(run_auto_free)))

static int run_new(struct run **ret, const struct demand *d, const struct want *w) {
    AUTO_RUN struct run *r = mem_new(sizeof *r);
    if (!r) return -ENOMEM;
    r->stepup = d->stepup;
    r->number = -1;
    r->passed = buf_make(TEXT_MAX_BYTES);
    r->machine = challenge_make(w->code);
    r->wants_number = w->number;
    r->began_ms = time_now_ms();
    r->end_mono_ms = d->asked_mono_ms + d->stepup->settings.wait_ms;
    int e = fill(r, d, w);
    if (e) return e;
    *ret = TAKE(r);
    return 0;
}

static void link_run(struct run *r) {
    struct stepup *s = r->stepup;
    r->next = s->first_run;
    if (r->next) r->next->prev = r;
    s->first_run = r;
    r->listed = true;
    table_add(&s->runs_by_id, &r->by_id, stepup_hash(s, str_from(r->id)));
    table_add(&s->runs_by_user, &r->by_user, stepup_hash(s, r->user_key));
    r->has_way = true;
    s->waiting++;
}

void run_release_way(struct run *r) {
    if (!r->has_way) return;
    table_remove(&r->stepup->runs_by_user, &r->by_user);
    r->has_way = false;
}

static void unlink_run(struct run *r) {
    struct stepup *s = r->stepup;
    if (!r->listed) return;
    run_release_way(r);
    table_remove(&s->runs_by_id, &r->by_id);
    *(r->prev ? &r->prev->next : &s->first_run) = r->next;
    if (r->next) r->next->prev = r->prev;
    r->listed = false;
}

static void free_texts(struct run *r) {
    struct str *const texts[] = {
        &r->user_key,        &r->login,       &r->user_id,  &r->factor_id,  &r->factor_name,
        &r->factor_provider, &r->transaction, &r->poll_url, &r->cancel_url, &r->verdict.detail};
    for (size_t i = 0; i < LEN(texts); i++) text_free(texts[i]);
}

struct run *run_free(struct run *r) {
    if (!r) return NULL;
    struct stepup *s = r->stepup;
    unlink_run(r);
    while (r->first_waiter) {
        struct demand *d = r->first_waiter;
        run_remove_waiter(r, d);
        demand_free(d);
    }
    okta_ask_cancel(r->ask);
    loop_timer_free(r->timer);
    orgs_drop(s->orgs, r->org);
    record_drop(r->method);
    record_drop(r->entity);
    claim_free(r->claim);
    buf_wipe(&r->secret);
    buf_fini(&r->passed);
    free_texts(r);
    free(r);
    stepup_look_stopped(s);
    return NULL;
}

int run_begin(struct demand *d, const struct want *w) {
    struct run *r = NULL;
    int e = run_new(&r, d, w);
    if (e) return e;
    link_run(r);
    list_add(&d->challenges, str_from(r->id));
    run_add_waiter(r, d);
    log_debug(r->stepup->log, "mfa.begun", KV_STR("challenge", r->id),
              KV_SLICE("method", r->method->name), KV_SLICE("login", r->login));
    run_happens(r, EVENT_START, REASON_NONE);
    return 0;
}

// ---- who waits

void run_add_waiter(struct run *r, struct demand *d) {
    d->run = r;
    d->prev_waiter = r->last_waiter;
    *(d->prev_waiter ? &d->prev_waiter->next_waiter : &r->first_waiter) = d;
    r->last_waiter = d;
}

void run_remove_waiter(struct run *r, struct demand *d) {
    *(d->prev_waiter ? &d->prev_waiter->next_waiter : &r->first_waiter) = d->next_waiter;
    *(d->next_waiter ? &d->next_waiter->prev_waiter : &r->last_waiter) = d->prev_waiter;
    d->prev_waiter = d->next_waiter = NULL;
    d->run = NULL;
}

bool run_leave(struct run *r, struct demand *d, enum challenge_reason reason) {
    bool alone = r->first_waiter == r->last_waiter;
    if (run_is_over(r)) return true;
    if (r->kept || !alone) {
        run_remove_waiter(r, d);
        return false;
    }
    run_end(r, reason);
    return true;
}

// ---- requests

static int ask_user(struct run *r) {
    return okta_find_user(r->org->okta, r->login, r->method->primary_email, run_on_user, r,
                          &r->ask);
}

static int ask_factors(struct run *r) {
    return okta_list_factors(r->org->okta, r->user_id, run_on_factors, r, &r->ask);
}

static int ask_verify(struct run *r) {
    const struct okta_asker asker = {r->claim->user_agent, r->claim->remote_address};
    if (r->machine.code)
        return okta_verify_code(r->org->okta, r->user_id, r->factor_id, r->credential.passcode,
                                &asker, run_on_verify, r, &r->ask);
    int e = okta_verify_push(r->org->okta, r->user_id, r->factor_id, r->wants_number, &asker,
                             run_on_verify, r, &r->ask);
    r->out = e == 0;
    return e;
}

static int ask_poll(struct run *r) {
    return okta_poll_push(r->org->okta, r->user_id, r->factor_id, r->poll_url, run_on_poll, r,
                          &r->ask);
}

static const struct {
    int (*ask)(struct run *r); // NULL: nothing is asked in this state
    enum run_asking asking;
    enum challenge_reason invalid; // it cannot even be asked
} requests[] = {
    [CHALLENGE_FINDING] = {ask_user, ASKING_USER, REASON_USERNAME},
    [CHALLENGE_LISTING] = {ask_factors, ASKING_FACTORS, REASON_OKTA},
    [CHALLENGE_VERIFYING] = {ask_verify, ASKING_VERIFY, REASON_OKTA},
    [CHALLENGE_POLLING] = {ask_poll, ASKING_POLL, REASON_FOREIGN_LINK},
    [CHALLENGE_DENIED] = {NULL, ASKING_NOTHING, REASON_NONE},
};

void run_ask_again(struct run *r) {
    if (!requests[r->machine.state].ask) return;
    if (!r->org->okta) {
        run_fails(r, REASON_OKTA);
        return;
    }
    r->due_mono_ms = 0;
    int e = requests[r->machine.state].ask(r);
    r->asking = e ? ASKING_NOTHING : requests[r->machine.state].asking;
    if (e) run_fails(r, e == -EINVAL ? requests[r->machine.state].invalid : REASON_STATE);
    else run_set_timer(r);
}

// ---- time

void run_set_timer(struct run *r) {
    int64_t at = r->end_mono_ms;
    if (r->due_mono_ms && r->due_mono_ms < at) at = r->due_mono_ms;
    loop_timer_set(r->timer, at - time_mono_ms());
}

// Sealed in the middle of it: nobody is let through any more.
static void poll_time(struct run *r) {
    AUTO(state) struct state *state = stepup_state(r->stepup);
    if (state) run_happens(r, EVENT_POLL_TIME, REASON_NONE);
    else run_end(r, REASON_STOPPED);
}

static void on_timer(void *ctx) {
    struct run *r = ctx;
    int64_t now = time_mono_ms();
    if (run_is_over(r)) {
        run_settle(r);
    } else if (now >= r->end_mono_ms) {
        run_end(r, REASON_TIMED_OUT);
    } else if (r->due_mono_ms && now >= r->due_mono_ms) {
        r->due_mono_ms = 0;
        if (r->machine.state == CHALLENGE_WAITING) poll_time(r);
        else run_ask_again(r);
    } else {
        run_set_timer(r);
    }
}

// How long until the same request again: as Okta says, else a little longer each time. Polls are
// never quicker than they are anyway.
static int64_t pause_ms(const struct run *r) {
    int64_t poll_ms = r->stepup->settings.poll_interval_ms;
    int64_t wait = r->again_ms;
    if (!wait) wait = FIRST_PAUSE_MS << (r->tries < DOUBLINGS_MAX ? r->tries : DOUBLINGS_MAX);
    bool polls = r->machine.state == CHALLENGE_POLLING;
    return polls && wait < poll_ms ? poll_ms : wait;
}

// What would come too late is not waited for, unless the person may answer meanwhile.
static void repeat(struct run *r) {
    r->due_mono_ms = time_mono_ms() + pause_ms(r);
    r->again_ms = 0;
    bool in_vain = r->due_mono_ms >= r->end_mono_ms && r->machine.state != CHALLENGE_POLLING;
    if (in_vain) run_fails(r, REASON_OKTA);
    else run_set_timer(r);
}

static void wait_for_poll(struct run *r) {
    r->tries = 0;
    r->due_mono_ms = time_mono_ms() + r->stepup->settings.poll_interval_ms;
    run_set_timer(r);
}

// ---- the machine

static void admit(struct run *r) {
    int e = run_start_admission(r);
    if (e) run_fails(r, REASON_STATE);
    else run_set_timer(r);
}

static void ask_first(struct run *r) {
    r->tries = 0;
    run_ask_again(r);
}

static void (*const actions[])(struct run *r) = {
    [ACTION_NONE] = NULL,          [ACTION_FIND] = ask_first,
    [ACTION_LIST] = ask_first,     [ACTION_ADMIT] = admit,
    [ACTION_VERIFY] = ask_first,   [ACTION_WAIT] = wait_for_poll,
    [ACTION_POLL] = run_ask_again, [ACTION_REPEAT] = repeat,
    [ACTION_FINISH] = run_decided, [ACTION_WITHDRAW] = run_decided,
};

static void step(struct run *r, const struct challenge_event *e) {
    enum challenge_action action = challenge_step(&r->machine, e);
    r->asked = r->machine.asked;
    if (actions[action]) actions[action](r);
}

void run_happens(struct run *r, enum challenge_event_kind kind, enum challenge_reason reason) {
    step(r, &(struct challenge_event){.kind = kind, .asked = r->asked, .reason = reason});
}

void run_answered(struct run *r, enum okta_factor_result result, uint32_t transaction) {
    step(r, &(struct challenge_event){.kind = EVENT_ANSWERED,
                                      .asked = r->asked,
                                      .transaction = transaction,
                                      .result = result});
}

void run_fails(struct run *r, enum challenge_reason reason) {
    run_happens(r, EVENT_FAILED, reason);
}

void run_end(struct run *r, enum challenge_reason reason) { run_happens(r, EVENT_END, reason); }

// ---- as others see it

struct guard_subject run_subject(const struct run *r) {
    return (struct guard_subject){
        .org = str_from(r->org->host),
        .login = r->login,
        .user_id = r->user_id,
        .entity_id = r->entity->id,
        .entity_name = r->entity->name,
    };
}

static enum trail_outcome outcome_of(const struct run *r) {
    if (!run_is_over(r) || run_is_uncollected(r)) return TRAIL_OPEN;
    return run_is_allowed(r) ? TRAIL_ALLOWED : TRAIL_DENIED;
}

struct attempt run_attempt(const struct run *r) {
    const struct claim *c = r->claim;
    enum trail_outcome outcome = outcome_of(r);
    enum challenge_reason reason = outcome == TRAIL_DENIED ? run_reason(r) : REASON_NONE;
    return (struct attempt){
        .id = str_from(r->id),
        .method = r->method->name,
        .method_id = r->method->id,
        .org = str_from(r->org->host),
        .user_id = r->user_id,
        .login = r->login,
        .entity_id = r->entity->id,
        .entity_name = r->entity->name,
        .factor_id = r->factor_id,
        .factor_name = r->factor_name,
        .factor_provider = r->factor_provider,
        .transaction = r->transaction,
        .request_id = c->request_id,
        .path = c->path,
        .operation = c->operation,
        .remote_address = c->remote_address,
        .user_agent = c->user_agent,
        .requester = str_from(r->org->client_id),
        .rule = str_from(reason == REASON_GUARD ? guard_rows[r->verdict.rule].name : ""),
        .began_ms = r->began_ms,
        .sent_ms = r->sent_ms,
        .decided_ms = outcome == TRAIL_OPEN ? 0 : r->decided_ms,
        .code = r->machine.code,
        .number = r->wants_number || r->number >= 0,
        .outcome = outcome,
        .reason = reason,
    };
}

void run_set_verdict(struct run *r, const struct guard_verdict *v) {
    struct str detail = r->verdict.detail;
    r->verdict = *v;
    r->verdict.detail = detail;
    (void)text_set(&r->verdict.detail, v->detail); // without memory the rule alone is told
}
