// SPDX-License-Identifier: Apache-2.0
// A demand: its methods one after another, those with a code first. It waits for one run at a time,
// and ends with the first that fails. Every way out leads through demand_end.
#include <errno.h>

#include "mfa/stepup-internal.h"

// ---- those whose time is not up, in the order in which they came

static void link_demand(struct demand *d) {
    struct stepup *s = d->stepup;
    d->timed = true;
    d->prev = s->last_demand;
    *(d->prev ? &d->prev->next : &s->first_demand) = d;
    s->last_demand = d;
}

static void unlink_demand(struct demand *d) {
    struct stepup *s = d->stepup;
    if (!d->timed) return;
    *(d->prev ? &d->prev->next : &s->first_demand) = d->next;
    *(d->next ? &d->next->prev : &s->last_demand) = d->prev;
    d->prev = d->next = NULL;
    d->timed = false;
}

static int64_t time_left(const struct demand *d) {
    return d->asked_mono_ms + d->stepup->settings.wait_ms - time_mono_ms();
}

static void set_deadline(struct stepup *s) {
    if (s->first_demand) loop_timer_set(s->deadlines, time_left(s->first_demand));
    else loop_timer_cancel(s->deadlines);
}

struct demand *demand_free(struct demand *d) {
    if (!d) return NULL;
    unlink_demand(d);
    wants_free(d);
    record_drop(d->entity);
    claim_free(d->claim);
    buf_wipe(&d->credentials);
    buf_fini(&d->methods);
    buf_fini(&d->challenges);
    free(d);
    return NULL;
}

// ---- the end

static void return_ticket(struct demand *d) {
    struct stepup *s = d->stepup;
    pthread_mutex_lock(&s->mutex);
    table_remove(&s->tickets, &d->by_ticket);
    mailbox_take_back(s->mailbox, &d->departure);
    mailbox_take_back(s->mailbox, &d->arrival);
    pthread_mutex_unlock(&s->mutex);
}

void demand_end(struct demand *d, const struct ending *e) {
    struct stepup *s = d->stepup;
    const struct stepup_outcome outcome = {
        .allowed = e->allowed,
        .reason = e->allowed ? REASON_NONE : e->reason,
        .rule = e->reason == REASON_GUARD ? guard_rows[e->rule].name : NULL,
        .message = e->message,
        .challenges = list_of(&d->challenges),
    };
    return_ticket(d);
    d->done(d->ctx, &outcome);
    demand_free(d);
    stepup_look_stopped(s);
}

static void deny(struct demand *d, enum challenge_reason reason) {
    demand_end(d, &(struct ending){.reason = reason});
}

static void refuse(struct demand *d, enum challenge_reason reason, const struct guard_verdict *v) {
    const struct want *w = d->at < d->want_count ? &d->wants[d->at] : NULL;
    want_say_refused(d, w, reason, v);
    demand_end(d, &(struct ending){.reason = reason, .rule = v->rule});
}

// ---- one method after another

// Two methods that lead to one person do not ask twice.
static bool is_same_push(const struct want *done, const struct want *w) {
    return done->passed_push && done->org == w->org &&
           str_eq(str_from(done->login), str_from(w->login)) && (!w->number || done->passed_number);
}

static bool is_met(const struct demand *d, const struct want *w) {
    if (w->passed) return true;
    if (w->code || !w->login || w->credential.device.p) return false;
    for (size_t i = 0; i < d->at; i++)
        if (is_same_push(&d->wants[i], w)) return true;
    return false;
}

static void start_busy(struct demand *d, const struct want *w, struct run *r) {
    if (!want_shares(d, w, r)) {
        refuse(d, REASON_GUARD, &(struct guard_verdict){.rule = GUARD_BUSY});
        return;
    }
    list_add(&d->challenges, str_from(r->id));
    run_add_waiter(r, d);
}

static void start_new(struct demand *d, const struct want *w) {
    struct stepup *s = d->stepup;
    if (s->waiting >= s->settings.max_waiting) {
        log_warn(s->log, "mfa.too_many_wait", KV_INT("waiting", s->waiting));
        refuse(d, REASON_GUARD, &(struct guard_verdict){.rule = GUARD_BRAKE});
        return;
    }
    if (run_begin(d, w) < 0) refuse(d, REASON_STATE, &(struct guard_verdict){.rule = GUARD_CLEAR});
}

static void start_number(struct demand *d, const struct want *w) {
    enum challenge_reason reason = run_join_number(d, w);
    enum guard_rule rule = reason == REASON_GUARD ? GUARD_BUSY : GUARD_CLEAR;
    if (reason) refuse(d, reason, &(struct guard_verdict){.rule = rule});
}

static void demand_next(struct demand *d) {
    while (d->at < d->want_count && is_met(d, &d->wants[d->at])) d->at++;
    if (d->at == d->want_count) {
        demand_end(d, &(struct ending){.allowed = true});
        return;
    }
    const struct want *w = &d->wants[d->at];
    struct run *busy =
        w->login ? run_of_user(d->stepup, w->org->host, str_from(w->login), w->code) : NULL;
    if (w->credential.challenge.p) start_number(d, w);
    else if (busy) start_busy(d, w, busy);
    else start_new(d, w);
}

static void remember_pass(const struct demand *d, const struct run *r) {
    struct stepup *s = d->stepup;
    if (r->method->remember_s <= 0) return;
    const struct remember_key key = {d->claim->token_hash, r->method->id, d->claim->remote_address};
    uint64_t user = stepup_user_number(s, str_from(r->org->host), r->user_id);
    remember_add(s->remember, &key, user, r->method->remember_s, time_now_ms());
}

// A challenge that was begun before tells whom it has asked.
static void name_person(struct want *w, const struct run *r) {
    w->login = mem_copy(r->login.p, r->login.n);
    if (w->login) w->org = orgs_hold(r->org);
}

void demand_go_on(struct demand *d, const struct run *r, const struct ending *e) {
    if (!e->allowed) {
        demand_end(d, e);
        return;
    }
    struct want *w = &d->wants[d->at];
    if (!w->org) name_person(w, r);
    w->passed = true;
    w->passed_push = !r->machine.code;
    w->passed_number = r->number >= 0;
    run_mark_passed(r, d);
    remember_pass(d, r);
    demand_next(d);
}

// ---- letters

static void begin(struct demand *d) {
    AUTO(state) struct state *state = stepup_state(d->stepup);
    struct guard_verdict v = {.rule = GUARD_CLEAR};
    if (!state) {
        deny(d, REASON_STOPPED);
        return;
    }
    enum challenge_reason reason = demand_prepare(d, state, &v);
    if (reason) refuse(d, reason, &v);
    else demand_next(d);
}

static void read_again(struct letter *l) { begin(TABLE_ITEM(l, struct demand, arrival)); }

void demand_read_arrival(struct letter *l) {
    struct demand *d = TABLE_ITEM(l, struct demand, arrival);
    struct stepup *s = d->stepup;
    link_demand(d);
    if (s->first_demand == d) set_deadline(s);
    if (!s->stopping) sweep_look(s);
    d->arrival.read = read_again;
    if (s->stopping) deny(d, REASON_STOPPED);
    else if (s->past == PAST_SETTLED) begin(d);
    else if (s->past == PAST_ASKED) d->held = true;
    else deny(d, REASON_STATE);
}

void demand_drop_arrival(struct letter *l) { demand_free(TABLE_ITEM(l, struct demand, arrival)); }

void demand_release_held(struct stepup *s, enum challenge_reason reason) {
    for (struct demand *d = s->first_demand, *next; d; d = next) {
        next = d->next;
        if (!d->held) continue;
        d->held = false;
        if (reason) deny(d, reason);
        else mailbox_post(s->mailbox, &d->arrival);
    }
}

// It is told at once, or by the run that ends with it.
static void leave(struct demand *d, enum challenge_reason reason) {
    if (!d->run || !run_leave(d->run, d, reason)) deny(d, reason);
}

void demand_read_departure(struct letter *l) {
    leave(TABLE_ITEM(l, struct demand, departure), REASON_CANCELED);
}

// The oldest, if its time is up.
static struct demand *take_late(struct stepup *s) {
    struct demand *d = s->first_demand;
    if (!d || time_left(d) > 0) return NULL;
    s->first_demand = d->next;
    *(d->next ? &d->next->prev : &s->last_demand) = NULL;
    d->next = NULL;
    d->timed = false;
    return d;
}

void demand_look_deadlines(struct stepup *s) {
    struct demand *d;
    while ((d = take_late(s))) leave(d, REASON_TIMED_OUT);
    set_deadline(s);
}
