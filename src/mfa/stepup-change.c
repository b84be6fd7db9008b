// SPDX-License-Identifier: Apache-2.0
// Changes of the gate's state. `make` runs on the gate's writer thread while the loop goes on: what
// it reads belongs to the change, or does not change before its `done`.
#include <errno.h>

#include "mfa/stepup-internal.h"

struct change *change_free(struct change *c) {
    if (!c) return NULL;
    if (c->fini) c->fini(c);
    free(c);
    return NULL;
}

static void read_made(struct letter *l) {
    struct change *c = TABLE_ITEM(l, struct change, letter);
    struct stepup *s = c->stepup;
    s->changes--;
    if (c->r == -EPERM) sweep_forget_past(s);
    c->done(c);
    change_free(c);
    stepup_look_stopped(s);
}

static void drop_made(struct letter *l) { change_free(TABLE_ITEM(l, struct change, letter)); }

static int make_any(void *arg, struct draft *d) {
    struct change *c = arg;
    return c->make(c, d);
}

static void made_any(void *arg, int r) {
    struct change *c = arg;
    c->r = r;
    mailbox_post(c->stepup->mailbox, &c->letter);
}

int change_start(struct change *take) {
    struct stepup *s = take->stepup;
    take->letter.read = read_made;
    take->letter.drop = drop_made;
    s->changes++;
    int r = s->world.change(s->world.ctx, make_any, made_any, take);
    if (r == 0) return 0;
    s->changes--;
    change_free(take);
    return r;
}

// ---- of a run: its texts stay as they are while one is on its way

struct run_change {
    struct change base; // first
    struct run *run;
    struct attempt attempt;
    struct guard_subject who;
    struct guard_limits limits;
    int64_t now_ms;
    // Admission.
    bool code;
    double used;
    int64_t out_until_ms;
    struct guard_verdict verdict; // its detail borrows from `detail`
    char detail[128];
    // Note.
    bool tells; // the guard, `note`
    struct guard_note note;
};

static struct run_change *run_change_new(struct run *r,
                                         int (*make)(struct change *c, struct draft *d),
                                         void (*done)(struct change *c)) {
    struct run_change *c = mem_new(sizeof *c);
    if (!c) return NULL;
    c->base.stepup = r->stepup;
    c->base.make = make;
    c->base.done = done;
    c->run = r;
    c->now_ms = time_now_ms();
    c->limits = r->stepup->settings.guard;
    c->who = run_subject(r);
    return c;
}

static int start(struct run *r, struct run_change *c) {
    int e = change_start(&c->base);
    r->changing = e == 0;
    return e;
}

// ---- admission

static void keep_verdict(struct run_change *c, const struct guard_verdict *v) {
    size_t n = v->detail.n < sizeof c->detail ? v->detail.n : sizeof c->detail;
    if (n) memcpy(c->detail, v->detail.p, n);
    c->verdict = *v;
    c->verdict.detail = (struct str){c->detail, n};
}

static int make_admission(struct change *base, struct draft *d) {
    struct run_change *c = (struct run_change *)base;
    struct guard_verdict v = {.rule = GUARD_CLEAR};
    int r = guard_admit(d, &c->limits, &c->who, c->code, c->used, c->attempt.id, c->out_until_ms,
                        c->now_ms, &v);
    if (r) return r;
    keep_verdict(c, &v);
    return v.rule == GUARD_CLEAR ? attempt_put(d, &c->attempt) : CHANGE_E_REFUSED;
}

static enum challenge_reason reason_of(int r) {
    if (r == CHANGE_E_REFUSED) return REASON_GUARD;
    return r == -EPERM ? REASON_STOPPED : REASON_STATE;
}

static void on_admission(struct change *base) {
    struct run_change *c = (struct run_change *)base;
    struct run *r = c->run;
    r->changing = false;
    r->admitted = base->r == 0;
    if (r->admitted) r->sent_ms = c->now_ms;
    if (base->r == CHANGE_E_REFUSED) run_set_verdict(r, &c->verdict);
    if (base->r < 0)
        log_warn(base->stepup->log, "mfa.not_admitted", KV_STR("challenge", r->id),
                 KV_STR("reason", error_text(base->r)));
    if (run_is_over(r)) {
        run_settle(r);
    } else if (base->r) {
        run_fails(r, reason_of(base->r));
    } else {
        if (!c->code) base->stepup->pushes++;
        run_happens(r, EVENT_ADMITTED, REASON_NONE);
    }
}

int run_start_admission(struct run *r) {
    struct run_change *c = run_change_new(r, make_admission, on_admission);
    if (!c) return -ENOMEM;
    c->attempt = run_attempt(r);
    c->attempt.sent_ms = c->now_ms;
    c->code = r->machine.code;
    c->used = orgs_used(r->org, time_mono_ms());
    c->out_until_ms = c->now_ms + PUSH_LIFE_MS;
    return start(r, c);
}

// ---- notes

// What the log has told of it meanwhile stays.
static int put_attempt(struct draft *d, const struct attempt *from) {
    const struct attempt *old = attempt_by_id(d->state, from->id);
    struct attempt a = *from;
    if (!old) return attempt_put(d, &a);
    record_hold(old);
    AUTO_RECORD const struct attempt *held = old;
    a.events = held->events;
    a.noted = held->noted;
    if (held->requester.n) a.requester = held->requester;
    return attempt_put(d, &a);
}

static int make_note(struct change *base, struct draft *d) {
    struct run_change *c = (struct run_change *)base;
    int r = 0;
    if (c->tells) r = guard_note(d, &c->limits, &c->who, &c->note, c->now_ms);
    return r ? r : put_attempt(d, &c->attempt);
}

static void on_note(struct change *base) {
    struct run_change *c = (struct run_change *)base;
    struct run *r = c->run;
    r->changing = false;
    r->noted = true;
    r->final = r->final || c->attempt.outcome != TRAIL_OPEN || base->r;
    r->left_out = c->tells && c->note.still_out && !base->r;
    if (base->r && run_is_allowed(r) && !r->told) r->overruled = REASON_STATE;
    if (base->r)
        log_error(base->stepup->log, "mfa.not_noted", KV_STR("challenge", r->id),
                  KV_STR("reason", error_text(base->r)));
    run_settle(r);
}

// By the reason of a denial; of a code what is not known is what guard_admit has counted.
static enum guard_news news_of(const struct run *r) {
    bool code = r->machine.code;
    if (r->machine.state == CHALLENGE_ALLOWED) return code ? NEWS_CODE_RIGHT : NEWS_APPROVED;
    switch (r->machine.reason) {
    case REASON_WRONG_CODE: return code ? NEWS_CODE_WRONG : NEWS_UNANSWERED;
    case REASON_REJECTED: return code ? NEWS_UNANSWERED : NEWS_DENIED;
    case REASON_LOCKED_OUT: return NEWS_LOCKED;
    default: return NEWS_UNANSWERED;
    }
}

int run_start_note(struct run *r) {
    struct run_change *c = run_change_new(r, make_note, on_note);
    if (!c) return -ENOMEM;
    bool returns = r->left_out && !r->out;
    c->attempt = run_attempt(r);
    c->tells = !r->noted || returns;
    c->note = (struct guard_note){
        .news = returns ? NEWS_UNANSWERED : news_of(r),
        .challenge = str_from(r->id),
        .factor = r->factor_id,
        .at_ms = c->now_ms,
        .still_out = r->out,
    };
    return start(r, c);
}
