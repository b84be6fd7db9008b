// SPDX-License-Identifier: Apache-2.0
// What Okta's log tells: an event is joined to the challenge that it is about, told to the guard,
// and ends the pushes that the guard would not let begin now; in one change, and only after that is
// durable.
#include <errno.h>

#include "mfa/document.h"
#include "mfa/stepup-internal.h"

enum { LIST_MAX_BYTES = 1 << 20 };

// An event that changes something: with texts of its own.
struct hearing {
    struct change base; // first
    struct guard_limits limits;
    struct buf texts; // what the signal borrows from
    struct signal signal;
    struct guard_subject who;
    bool joins, tells;
    enum guard_news news;
    char challenge[RUN_ID_BYTES + 1]; // that it is about
    bool changed;                     // what the guard permits
};

static void hearing_fini(struct change *base) { buf_fini(&((struct hearing *)base)->texts); }

// ---- texts

static void keep_text(struct hearing *h, struct str *text) {
    size_t at = h->texts.n;
    buf_add_str(&h->texts, *text);
    if (!h->texts.error) *text = str_sub(buf_str(&h->texts), at, h->texts.n);
}

static int keep_texts(struct hearing *h, struct str org) {
    struct signal *g = &h->signal;
    struct str *const all[] = {&g->uuid,      &g->event_type, &g->user_id,       &g->login,
                               &g->factor_id, &g->requester,  &g->transaction_id};
    size_t n = org.n;
    h->texts = buf_make(LIST_MAX_BYTES);
    for (size_t i = 0; i < LEN(all); i++) n += all[i]->n;
    if (n > 0 && !buf_reserve(&h->texts, n)) return -ENOMEM; // it does not move any more
    for (size_t i = 0; i < LEN(all); i++) keep_text(h, all[i]);
    h->who = (struct guard_subject){.org = org, .login = g->login, .user_id = g->user_id};
    keep_text(h, &h->who.org);
    return h->texts.error;
}

// ---- the change

static bool permits_the_same(const struct guarded *a, const struct guarded *b) {
    if (!a || !b) return a == b;
    return a->denials == b->denials && a->paused_until_ms == b->paused_until_ms &&
           a->wrong_codes == b->wrong_codes && a->locked_ms == b->locked_ms &&
           a->risk_ms == b->risk_ms;
}

static int tell_guard(struct hearing *h, struct draft *d) {
    const struct guard_note note = {
        .news = h->news, .event = h->signal.uuid, .at_ms = h->signal.published_ms};
    AUTO_RECORD const struct guarded *before = guard_user(d->state, &h->who);
    if (before) record_hold(before);
    int r = guard_note(d, &h->limits, &h->who, &note, time_now_ms());
    if (r) return r;
    h->changed = !permits_the_same(before, guard_user(d->state, &h->who));
    return 0;
}

static int make_hearing(struct change *base, struct draft *d) {
    struct hearing *h = (struct hearing *)base;
    int r = h->joins ? trail_join(d, str_from(h->challenge), &h->signal) : 0;
    return r == 0 && h->tells ? tell_guard(h, d) : r;
}

// ---- afterwards

static void audit(struct stepup *s, int r, const struct buf *document, struct str event) {
    if (r < 0 || !stepup_audit(s, document))
        log_error(s->log, "mfa.not_audited", KV_SLICE("event", event));
}

static void write_joined(struct hearing *h, const struct state *state) {
    AUTO_FINI(buf) struct buf document = buf_make(DOCUMENT_MAX_BYTES);
    const struct attempt *a = attempt_by_id(state, str_from(h->challenge));
    if (!a) return;
    int r = document_joined(&document, a, &h->signal, time_now_ms());
    audit(h->base.stepup, r, &document, h->signal.uuid);
}

static void write_guard(struct hearing *h, const struct state *state) {
    AUTO_FINI(buf) struct buf document = buf_make(DOCUMENT_MAX_BYTES);
    const struct guarded *g = guard_user(state, &h->who);
    if (!g) return;
    int r = document_guard(&document, g, &h->signal, time_now_ms());
    audit(h->base.stepup, r, &document, h->signal.uuid);
    log_info(h->base.stepup->log, "mfa.guard_heard", KV_SLICE("login", g->login),
             KV_STR("signal", signal_name(h->signal.kind)), KV_SLICE("event", h->signal.uuid));
}

// Of a push that is out already no other rule speaks.
static bool forbids(enum guard_rule rule) {
    return rule == GUARD_LOCK || rule == GUARD_RISK || rule == GUARD_PAUSE;
}

static bool is_forbidden(const struct run *r, const struct state *state) {
    const struct guard_subject who = run_subject(r);
    struct guard_verdict v =
        guard_judge(state, &r->stepup->settings.guard, &who, false, 0, time_now_ms());
    return forbids(v.rule);
}

static bool is_about(const struct hearing *h, const struct run *r) {
    if (!str_eqz(h->who.org, r->org->host)) return false;
    if (r->user_id.n && h->who.user_id.n) return str_eq(r->user_id, h->who.user_id);
    return h->who.login.n && str_eq_nocase(r->login, h->who.login);
}

// `state` NULL: what was heard could not be kept, so it ends what it is about to be safe.
static void end_forbidden(struct hearing *h, const struct state *state) {
    struct stepup *s = h->base.stepup;
    for (struct run *r = s->first_run, *next; r; r = next) {
        next = r->next;
        if (run_is_over(r) || r->machine.code || !is_about(h, r)) continue;
        if (!state || is_forbidden(r, state)) run_end(r, REASON_SIGNAL);
    }
}

static bool is_bad(enum guard_news news) {
    return news == NEWS_DENIED || news == NEWS_WRONG_NUMBER || news == NEWS_SUSPICIOUS ||
           news == NEWS_LOCKED || news == NEWS_RISK_HIGH;
}

static void forget_passes(struct hearing *h, const struct state *state) {
    struct stepup *s = h->base.stepup;
    const struct guarded *g = guard_user(state, &h->who);
    struct str user_id = g ? g->user_id : h->who.user_id;
    remember_forget(s->remember, stepup_user_number(s, h->who.org, user_id));
}

static void on_hearing(struct change *base) {
    struct hearing *h = (struct hearing *)base;
    AUTO(state) struct state *state = stepup_state(base->stepup);
    bool bad = h->tells && is_bad(h->news);
    if (base->r || !state) {
        log_error(base->stepup->log, "mfa.signal_not_kept", KV_SLICE("event", h->signal.uuid),
                  KV_STR("reason", error_text(base->r)));
        if (bad) end_forbidden(h, NULL);
        return;
    }
    if (h->joins) write_joined(h, state);
    if (!h->changed) return;
    write_guard(h, state);
    if (bad) forget_passes(h, state);
    if (bad) end_forbidden(h, state);
}

// ---- hearing

// A denial of the gate's own push is told by the run itself, which learns of it here if the log is
// quicker than its poll; unless it had stopped looking before.
static bool is_news(struct stepup *s, enum trail_match match, const struct signal *g,
                    const struct attempt *a, enum guard_news *ret) {
    if (trail_news(match, g, ret)) return true;
    if (match != TRAIL_JOINED || g->kind != SIGNAL_DENIED) return false;
    const struct run *r = run_by_id(s, a->id);
    bool knows = a->reason == REASON_REJECTED;
    if (r) knows = !run_is_over(r) || r->machine.reason == REASON_REJECTED;
    return !knows && signal_news(g, ret);
}

static void end_denied(struct stepup *s, const struct signal *g, const struct attempt *a) {
    struct run *r = g->kind == SIGNAL_DENIED ? run_by_id(s, a->id) : NULL;
    if (r && !run_is_over(r)) run_end(r, REASON_REJECTED);
}

static int hear(struct stepup *s, const char *host, const struct signal *g,
                const struct attempt *joined, const enum guard_news *news) {
    struct hearing *h = mem_new(sizeof *h);
    if (!h) return -ENOMEM;
    h->base.stepup = s;
    h->base.make = make_hearing;
    h->base.done = on_hearing;
    h->base.fini = hearing_fini;
    h->limits = s->settings.guard;
    h->signal = *g;
    h->joins = joined != NULL;
    h->tells = news != NULL;
    if (news) h->news = *news;
    if (joined && joined->id.n < sizeof h->challenge)
        memcpy(h->challenge, joined->id.p, joined->id.n);
    int r = keep_texts(h, str_from(host));
    if (r == 0) return change_start(&h->base);
    change_free(&h->base);
    return r;
}

static void raise_alarm(struct stepup *s, const char *host, const struct signal *g) {
    AUTO_FINI(buf) struct buf document = buf_make(DOCUMENT_MAX_BYTES);
    int r = document_foreign(&document, str_from(host), g, time_now_ms());
    audit(s, r, &document, g->uuid);
    log_warn(s->log, "mfa.foreign_use_of_credentials", KV_STR("org", host),
             KV_SLICE("event", g->uuid), KV_SLICE("type", g->event_type));
}

static int find_requesters(const struct state *state, const struct orgs_org *org, struct buf *out) {
    if (org->client_id) list_add(out, str_from(org->client_id));
    int r = trail_requesters(state, str_from(org->host), out);
    return r ? r : out->error;
}

static int observe(struct stepup *s, const struct orgs_org *org, const struct signal *g) {
    AUTO(state) struct state *state = stepup_state(s);
    AUTO_FINI(buf) struct buf requesters = buf_make(LIST_MAX_BYTES);
    const struct attempt *a = NULL;
    enum guard_news news;
    if (!state) return -EPERM;
    int r = g->requester.n ? find_requesters(state, org, &requesters) : 0;
    if (r) return r;
    enum trail_match match = trail_match(state, str_from(org->host), g, list_of(&requesters), &a);
    if (match == TRAIL_ALARM) raise_alarm(s, org->host, g);
    if (match != TRAIL_JOINED) a = NULL;
    bool tells = is_news(s, match, g, a, &news);
    if (a || tells) r = hear(s, org->host, g, a, tells ? &news : NULL);
    if (a) end_denied(s, g, a);
    return r;
}

void stepup_observe(struct stepup *s, const char *source, struct str event) {
    const struct orgs_org *org = orgs_of_source(s->orgs, source);
    struct signal signal;
    if (!org || s->stopping) return;
    int r = signal_read(s->reader, event, &signal);
    if (r == 0 && signal.kind != SIGNAL_NONE) r = observe(s, org, &signal);
    if (r)
        log_warn(s->log, "mfa.signal_lost", KV_STR("source", source),
                 KV_STR("reason", r < 0 ? error_text(r) : "not an event"));
}
