// SPDX-License-Identifier: Apache-2.0
// Judging is a walk through the rules, the gravest first; each looks at what is known of the user
// and of the entity and says whether it speaks against, and until when. Admitting is judging, and
// writing down what leaves.
//
// Times that are noted may turn out to lie in the future, when a clock was wrong and has been set
// back: what is further ahead than it can be does not count.
#include "mfa/guard.h"

#include <errno.h>

#include "base/parse.h"
#include "base/time.h"
#include "identity/fold.h"
#include "mfa/guard-internal.h"

enum { NUMBER_MAX = 32, BRAKE_MS = TIME_MINUTE_MS };

const struct guard_row guard_rows[GUARD_RULES] = {
    [GUARD_CLEAR] = {"clear", "nothing speaks against it", NULL, false, false},
    [GUARD_BUSY] = {"busy", "another push to this user may still be on the phone", NULL, true,
                    false},
    [GUARD_USER_RATE] = {"user_rate", "too many pushes went to this user in a short time",
                         "mfa.guard.max_pushes", true, false},
    [GUARD_ENTITY_RATE] = {"entity_rate",
                           "too many pushes went out for this entity in a short time",
                           "mfa.guard.max_pushes", true, false},
    [GUARD_PAUSE] = {"pause", "the user has denied a push a short while ago", "mfa.guard.pause",
                     true, false},
    [GUARD_LOCK] = {"lock", "something grave has happened to the user's account", NULL, true,
                    false},
    [GUARD_RISK] = {"risk", "Okta holds the risk of this user to be high", NULL, true, false},
    [GUARD_CODES] = {"codes", "too many wrong codes in a row: Okta would lock the account",
                     "mfa.guard.max_codes", false, true},
    [GUARD_BRAKE] = {"brake", "the rate limit of the Okta org is nearly used up", "mfa.guard.brake",
                     true, true},
};

struct guard_limits guard_defaults(void) {
    return (struct guard_limits){.max_pushes = 10,
                                 .window_ms = 10 * TIME_MINUTE_MS,
                                 .pause_ms = TIME_MINUTE_MS,
                                 .max_pause_ms = TIME_HOUR_MS,
                                 .max_codes = 3,
                                 .brake = 0.9};
}

// ---- the rules

struct facts {
    const struct guarded *user, *entity; // NULL: nothing is known
    const struct guard_limits *limits;
    double used;
    int64_t now_ms;
};

// Is `until` still to come, and no more than `most` away?
static bool is_ahead(int64_t until_ms, int64_t now_ms, int64_t most_ms) {
    return until_ms > now_ms && until_ms - now_ms <= most_ms;
}

static bool is_in_window(int64_t at_ms, int64_t window_ms, int64_t now_ms) {
    return at_ms > now_ms - window_ms && at_ms < now_ms + window_ms;
}

static size_t count_window(struct list pushes, int64_t window_ms, int64_t now_ms) {
    struct str rest = pushes.packed, item;
    size_t n = 0;
    int64_t at = 0;
    while (list_next(&rest, &item))
        if (parse_i64(item, &at) && is_in_window(at, window_ms, now_ms)) n++;
    return n;
}

// When there are fewer than `max` in the window again.
static int64_t free_again(struct list pushes, const struct guard_limits *l, size_t n,
                          int64_t now_ms) {
    struct str rest = pushes.packed, item;
    size_t leave = l->max_pushes > 0 ? n - (size_t)l->max_pushes + 1 : n + 1;
    int64_t at = 0;
    while (list_next(&rest, &item)) {
        if (!parse_i64(item, &at) || !is_in_window(at, l->window_ms, now_ms)) continue;
        if (--leave == 0) return at + l->window_ms;
    }
    return now_ms + l->window_ms; // none is ever let through
}

static bool is_full(const struct guarded *g, const struct facts *f, struct guard_verdict *v) {
    const struct guard_limits *l = f->limits;
    size_t n = g ? count_window(g->pushes, l->window_ms, f->now_ms) : 0;
    if ((int64_t)n < l->max_pushes) return false;
    v->until_ms = free_again(g ? g->pushes : (struct list){STR_NONE}, l, n, f->now_ms);
    return true;
}

static bool speaks_lock(const struct facts *f, struct guard_verdict *v) {
    if (!f->user || !f->user->locked_ms) return false;
    v->detail = f->user->lock_reason;
    return true;
}

static bool speaks_risk(const struct facts *f, struct guard_verdict *v) {
    (void)v;
    return f->user && f->user->risk_ms;
}

static bool speaks_pause(const struct facts *f, struct guard_verdict *v) {
    if (!f->user) return false;
    v->until_ms = f->user->paused_until_ms;
    return is_ahead(v->until_ms, f->now_ms, f->limits->max_pause_ms);
}

static bool speaks_busy(const struct facts *f, struct guard_verdict *v) {
    if (!f->user) return false;
    v->until_ms = f->user->out_until_ms;
    return is_ahead(v->until_ms, f->now_ms, GUARD_OUT_MAX_MS);
}

static bool speaks_user_rate(const struct facts *f, struct guard_verdict *v) {
    return is_full(f->user, f, v);
}

static bool speaks_entity_rate(const struct facts *f, struct guard_verdict *v) {
    return f->entity && is_full(f->entity, f, v);
}

static bool speaks_codes(const struct facts *f, struct guard_verdict *v) {
    (void)v;
    return f->user && f->user->wrong_codes >= f->limits->max_codes;
}

// How long Okta's window still runs is not known here; it is a minute (okta-api section 2.1).
static bool speaks_brake(const struct facts *f, struct guard_verdict *v) {
    v->until_ms = f->now_ms + BRAKE_MS;
    return f->limits->brake < 1 && f->used > 0 && f->used >= f->limits->brake;
}

static const struct {
    enum guard_rule rule;
    bool (*speaks)(const struct facts *f, struct guard_verdict *v);
} checks[] = {
    {GUARD_LOCK, speaks_lock},
    {GUARD_RISK, speaks_risk},
    {GUARD_PAUSE, speaks_pause},
    {GUARD_BUSY, speaks_busy},
    {GUARD_CODES, speaks_codes},
    {GUARD_USER_RATE, speaks_user_rate},
    {GUARD_ENTITY_RATE, speaks_entity_rate},
    {GUARD_BRAKE, speaks_brake},
};

struct guard_verdict guard_judge(const struct state *s, const struct guard_limits *l,
                                 const struct guard_subject *who, bool code, double used,
                                 int64_t now_ms) {
    const struct facts facts = {.user = guard_user(s, who),
                                .entity = guard_entity(s, who->entity_id),
                                .limits = l,
                                .used = used,
                                .now_ms = now_ms};
    for (size_t i = 0; i < LEN(checks); i++) {
        const struct guard_row *row = &guard_rows[checks[i].rule];
        struct guard_verdict v = {.rule = checks[i].rule};
        if ((code ? row->codes : row->pushes) && checks[i].speaks(&facts, &v)) return v;
    }
    return (struct guard_verdict){.rule = GUARD_CLEAR};
}

size_t guard_pushes(const struct guarded *g, const struct guard_limits *l, int64_t now_ms) {
    return count_window(g->pushes, l->window_ms, now_ms);
}

// ---- admitting

// The times that still count, and now.
static int add_push(struct guard_edit *e, const struct guard_limits *l, int64_t now_ms) {
    struct str rest = e->g.pushes.packed, item;
    AUTO_FINI(buf) struct buf number = buf_make(NUMBER_MAX);
    int64_t at = 0;
    while (list_next(&rest, &item))
        if (parse_i64(item, &at) && is_in_window(at, l->window_ms, now_ms))
            list_add(&e->pushes, item);
    buf_add_i64(&number, now_ms);
    list_add(&e->pushes, buf_str(&number));
    e->g.pushes = list_of(&e->pushes);
    return number.error ? number.error : e->pushes.error;
}

// The gate may ask for somebody by another name than his login: to be found by that the next time,
// before Okta is asked who it is. True: something is new.
static bool learn_name(struct guard_edit *e) {
    struct str name = buf_str(&e->login);
    if (e->fresh || !name.n || str_eq(name, e->g.login) || str_eq(name, e->g.asked)) return false;
    e->g.asked = name;
    return true;
}

static int learn(struct draft *d, const struct guard_subject *who, int64_t now_ms) {
    AUTO_FINI(guard_edit) struct guard_edit e = {.fresh = false};
    int r = guard_edit_user(&e, d->state, who);
    if (r || !learn_name(&e)) return r;
    return guard_edit_put(&e, d, now_ms);
}

struct leaving {
    struct str challenge;
    int64_t until_ms;
    bool code;
};

static int note_user(struct draft *d, const struct guard_limits *l, const struct guard_subject *who,
                     const struct leaving *what, int64_t now_ms) {
    AUTO_FINI(guard_edit) struct guard_edit e = {.fresh = false};
    int r = guard_edit_user(&e, d->state, who);
    if (r) return r;
    if (e.fresh) e.g.asked = e.g.login; // the log may tell that his login is another
    if (what->code) {
        e.g.wrong_codes++;
        return guard_edit_put(&e, d, now_ms);
    }
    r = add_push(&e, l, now_ms);
    if (r) return r;
    int64_t most_ms = now_ms + GUARD_OUT_MAX_MS;
    e.g.out = what->challenge;
    e.g.out_until_ms = what->until_ms < most_ms ? what->until_ms : most_ms;
    return guard_edit_put(&e, d, now_ms);
}

static int note_entity(struct draft *d, const struct guard_limits *l,
                       const struct guard_subject *who, int64_t now_ms) {
    AUTO_FINI(guard_edit) struct guard_edit e = {.fresh = false};
    int r = guard_edit_entity(&e, d->state, who);
    if (r == 0) r = add_push(&e, l, now_ms);
    return r ? r : guard_edit_put(&e, d, now_ms);
}

int guard_admit(struct draft *d, const struct guard_limits *l, const struct guard_subject *who,
                bool code, double used, struct str challenge, int64_t out_until_ms, int64_t now_ms,
                struct guard_verdict *ret) {
    if (!who->org.n || !who->user_id.n) return -EINVAL;
    int r = learn(d, who, now_ms);
    if (r) return r;
    struct guard_verdict v = guard_judge(d->state, l, who, code, used, now_ms);
    const struct leaving what = {challenge, out_until_ms, code};
    if (v.rule == GUARD_CLEAR) r = note_user(d, l, who, &what, now_ms);
    if (v.rule == GUARD_CLEAR && r == 0 && !code && who->entity_id.n)
        r = note_entity(d, l, who, now_ms);
    if (r) return r;
    *ret = v;
    return 0;
}
