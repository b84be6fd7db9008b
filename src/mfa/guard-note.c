// SPDX-License-Identifier: Apache-2.0
// What is learned changes what is known of one user, by a row for each kind of news. Okta's events
// come late, twice, and not in the order in which things happened: an event counts once, not if it
// is older than the last clearing, and what it says of a lock or of the risk not if something later
// has been told.
#include <errno.h>

#include "base/time.h"
#include "identity/fold.h"
#include "mfa/guard-internal.h"

enum { DENIALS_MAX = 1000000 };
static const int64_t keep_ms = 90LL * TIME_DAY_MS; // so long Okta keeps its log

static const struct str by_okta = {"locked by Okta", 14};

static int64_t latest(int64_t a, int64_t b) { return a > b ? a : b; }

// ---- the news

struct news {
    const struct guard_note *note;
    const struct guard_limits *limits;
    int64_t at_ms; // never later than now
};

static void forget_denials(struct guarded *g) {
    g->denials = 0;
    g->paused_until_ms = 0;
}

static void unlock(struct guarded *g) {
    g->locked_ms = 0;
    g->lock_reason = g->lock_event = STR_NONE;
}

static void lock(struct guarded *g, const struct news *n, struct str reason) {
    g->locked_ms = n->at_ms;
    g->lock_reason = reason;
    g->lock_event = n->note->event;
}

// An approval counts as a success at Okta, too, which then forgets wrong codes.
static void hear_approved(struct guarded *g, const struct news *n) {
    (void)n;
    forget_denials(g);
    g->wrong_codes = 0;
}

// Whoever has the code has the phone, and says with it that he knows of what has happened.
static void hear_code_right(struct guarded *g, const struct news *n) {
    forget_denials(g);
    unlock(g);
    g->wrong_codes = 0;
    g->risk_ms = 0;
    g->cleared_ms = latest(g->cleared_ms, n->at_ms);
}

// It was counted when it was let through; unless a right one, sent later, was answered earlier.
static void hear_code_wrong(struct guarded *g, const struct news *n) {
    (void)n;
    g->wrong_codes = latest(g->wrong_codes, 1);
}

static void hear_denied(struct guarded *g, const struct news *n) {
    const struct guard_limits *l = n->limits;
    int64_t pause_ms = l->pause_ms;
    if (g->denials < DENIALS_MAX) g->denials++;
    for (int64_t i = 1; i < g->denials && pause_ms > 0 && pause_ms < l->max_pause_ms; i++)
        pause_ms *= 2;
    if (pause_ms > l->max_pause_ms) pause_ms = l->max_pause_ms;
    g->paused_until_ms = latest(g->paused_until_ms, n->at_ms + pause_ms);
}

// Takes the place of Okta's own lock, which Okta would lift; the first of ours stays.
static void lock_ourselves(struct guarded *g, const struct news *n, struct str reason) {
    if (!g->locked_ms || str_eq(g->lock_reason, by_okta)) lock(g, n, reason);
}

static void hear_wrong_number(struct guarded *g, const struct news *n) {
    lock_ourselves(g, n, STR("wrong number"));
}

static void hear_suspicious(struct guarded *g, const struct news *n) {
    lock_ourselves(g, n, STR("reported suspicious activity"));
}

static void hear_locked(struct guarded *g, const struct news *n) {
    if (!g->locked_ms && n->at_ms >= g->unlocked_ms) lock(g, n, by_okta);
}

static void hear_unlocked(struct guarded *g, const struct news *n) {
    g->unlocked_ms = latest(g->unlocked_ms, n->at_ms);
    if (g->locked_ms < g->unlocked_ms && str_eq(g->lock_reason, by_okta)) unlock(g);
}

// True: nothing later has been told.
static bool is_newest_risk(struct guarded *g, const struct news *n) {
    if (n->at_ms < g->risk_told_ms) return false;
    g->risk_told_ms = n->at_ms;
    return true;
}

static void hear_risk_high(struct guarded *g, const struct news *n) {
    if (is_newest_risk(g, n) && !g->risk_ms) g->risk_ms = n->at_ms;
}

static void hear_risk_low(struct guarded *g, const struct news *n) {
    if (is_newest_risk(g, n)) g->risk_ms = 0;
}

static void hear_nothing(struct guarded *g, const struct news *n) {
    (void)g;
    (void)n;
}

static const struct {
    void (*hear)(struct guarded *g, const struct news *n);
    bool works;  // the factor has worked
    bool begins; // worth a record where there is none
} rows[] = {
    [NEWS_APPROVED] = {hear_approved, true, true},
    [NEWS_CODE_RIGHT] = {hear_code_right, true, true},
    [NEWS_CODE_WRONG] = {hear_code_wrong, false, true},
    [NEWS_DENIED] = {hear_denied, false, true},
    [NEWS_WRONG_NUMBER] = {hear_wrong_number, false, true},
    [NEWS_SUSPICIOUS] = {hear_suspicious, false, true},
    [NEWS_LOCKED] = {hear_locked, false, true},
    [NEWS_UNLOCKED] = {hear_unlocked, false, true},
    [NEWS_RISK_HIGH] = {hear_risk_high, false, true},
    [NEWS_RISK_LOW] = {hear_risk_low, false, true},
    [NEWS_UNANSWERED] = {hear_nothing, false, false},
};

// ---- noting

// By id; without one, whom that login is known to belong to. Outcomes: 0; NOBODY; -ENOMEM.
enum { NOBODY = 1 };
static int open_user(struct guard_edit *e, const struct state *s, const struct guard_subject *who) {
    if (!who->org.n) return NOBODY;
    if (who->user_id.n) return guard_edit_user(e, s, who);
    const struct guarded *known = NULL;
    int r = guard_find_user(s, who, &known);
    if (r || !known) return r ? r : NOBODY;
    const struct guard_subject found = {
        .org = who->org, .login = who->login, .user_id = known->user_id};
    return guard_edit_user(e, s, &found);
}

// The log says what somebody's login is now.
static void learn_login(struct guard_edit *e, const struct guard_note *note) {
    struct str login = buf_str(&e->login);
    if (note->event.n && login.n) e->g.login = login;
}

static void release(struct guarded *g, const struct guard_note *note) {
    if (!note->challenge.n || note->still_out || !str_eq(g->out, note->challenge)) return;
    g->out = STR_NONE;
    g->out_until_ms = 0;
}

static int hear(struct guard_edit *e, const struct guard_limits *l, const struct guard_note *note,
                int64_t now_ms) {
    int64_t at_ms = note->at_ms && note->at_ms < now_ms ? note->at_ms : now_ms;
    const struct news news = {.note = note, .limits = l, .at_ms = at_ms};
    if (note->event.n && list_has(e->g.seen, note->event)) return 0;
    int r = 0;
    if (note->event.n) r = guard_list_front(&e->seen, &e->g.seen, note->event, GUARD_SEEN_MAX);
    if (r || at_ms < e->g.cleared_ms) return r;
    rows[note->news].hear(&e->g, &news);
    if (rows[note->news].works && note->factor.n)
        r = guard_list_front(&e->used, &e->g.used, note->factor, GUARD_USED_MAX);
    return r;
}

int guard_note(struct draft *d, const struct guard_limits *l, const struct guard_subject *who,
               const struct guard_note *note, int64_t now_ms) {
    AUTO_FINI(guard_edit) struct guard_edit e = guard_edit_of(NULL);
    int r = open_user(&e, d->state, who);
    if (r) return r < 0 ? r : 0;
    if (e.fresh && !rows[note->news].begins) return 0;
    learn_login(&e, note);
    release(&e.g, note);
    r = hear(&e, l, note, now_ms);
    return r ? r : guard_edit_put(&e, d, now_ms);
}

// ---- clearing and forgetting

int guard_clear(struct draft *d, const struct guarded *g, int64_t now_ms) {
    struct guard_edit e = guard_edit_of(g);
    forget_denials(&e.g);
    unlock(&e.g);
    e.g.wrong_codes = 0;
    e.g.risk_ms = 0;
    e.g.pushes = (struct list){STR_NONE};
    e.g.cleared_ms = latest(e.g.cleared_ms, now_ms);
    return guard_edit_put(&e, d, now_ms);
}

// Of a user all is kept as long as Okta could tell the same once more; what only a person, or Okta,
// can lift is kept until then.
static bool is_forgotten(const struct guarded *g, const struct guard_limits *l, int64_t now_ms) {
    if (!g->org.n) return g->touched_ms <= now_ms - l->window_ms;
    if (g->locked_ms || g->risk_ms || g->wrong_codes) return false;
    return g->touched_ms <= now_ms - keep_ms;
}

int guard_sweep(struct draft *d, const struct guard_limits *l, int64_t now_ms, size_t max) {
    struct tree_key from = {STR(""), STR("")};
    struct tree_walk walk = state_from(d->state, RECORD_GUARD, 0, from);
    const struct guarded *g;
    while (max > 0 && (g = tree_next(&walk))) {
        if (!is_forgotten(g, l, now_ms)) continue;
        from = (struct tree_key){g->org, g->user_id}; // the draft holds what it takes out
        int r = draft_delete(d, g);
        if (r) return r;
        max--;
        walk = state_from(d->state, RECORD_GUARD, 0, from);
    }
    return 0;
}
