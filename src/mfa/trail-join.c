// SPDX-License-Identifier: Apache-2.0
// Which challenge an entry of Okta's log is about. Okta does not say it: a push has an id for who
// polls it, and another one in the log. So it is found by who, with what, when and on whose behalf;
// what cannot be compared does not count against it.
#include <errno.h>

#include "base/time.h"
#include "mfa/trail-internal.h"

enum {
    AFTER_MS = 10 * TIME_MINUTE_MS, // a push may be answered when the gate waits no more
    FACTOR_KIND_BYTES = 3,          // "opf", "ost": what the id is of
};

// Which challenges can lead to an entry of that kind, and whether only they can, done with the
// gate's credentials.
static const struct {
    bool by_push, by_code;
    bool alarming;
} kinds[] = {
    [SIGNAL_NONE] = {false, false, false},       [SIGNAL_PUSH_SENT] = {true, false, true},
    [SIGNAL_VERIFIED] = {true, true, true},      [SIGNAL_DENIED] = {true, false, true},
    [SIGNAL_FAILED] = {true, true, true},        [SIGNAL_WRONG_NUMBER] = {true, false, true},
    [SIGNAL_SUSPICIOUS] = {false, false, false}, [SIGNAL_LOCKED] = {false, false, false},
    [SIGNAL_UNLOCKED] = {false, false, true},    [SIGNAL_RISK_HIGH] = {false, false, false},
    [SIGNAL_RISK_LOW] = {false, false, false},
};

bool trail_next_entry(struct str *rest, struct trail_entry *ret) {
    return list_next(rest, &ret->uuid) && list_next(rest, &ret->transaction_id) &&
           list_next(rest, &ret->type) && list_next(rest, &ret->published);
}

// ---- comparing

struct looked_for {
    struct str org;
    const struct signal *signal;
};

static bool is_kind(const struct attempt *a, const struct signal *s) {
    if (!(a->code ? kinds[s->kind].by_code : kinds[s->kind].by_push)) return false;
    return a->code != s->push;
}

static bool is_user(const struct attempt *a, const struct looked_for *l) {
    if (a->user_id.n && l->signal->user_id.n) return str_eq(a->user_id, l->signal->user_id);
    return a->login.n && str_eq_nocase(a->login, l->signal->login);
}

// Okta may name the enrolment of the phone instead of one of its factors: ids of different kinds
// cannot be compared.
static bool is_factor(const struct attempt *a, struct str factor_id) {
    struct str kind = str_sub(factor_id, 0, FACTOR_KIND_BYTES);
    if (!factor_id.n || !str_starts(a->factor_id, kind)) return true;
    return str_eq(a->factor_id, factor_id);
}

static bool is_requester(const struct attempt *a, struct str requester) {
    return !requester.n || !a->requester.n || str_eq(a->requester, requester);
}

static bool is_time(const struct attempt *a, int64_t at_ms) {
    int64_t end_ms = a->decided_ms ? a->decided_ms + AFTER_MS : a->sent_ms + TRAIL_JOIN_MS;
    return a->sent_ms && at_ms >= a->sent_ms - TRAIL_SKEW_MS && at_ms <= end_ms + TRAIL_SKEW_MS;
}

// What was approved was not denied, nor the other way round: then it is about a push of somebody
// else's.
static bool is_contradiction(const struct attempt *a, const struct signal *s) {
    if (s->kind == SIGNAL_DENIED || s->kind == SIGNAL_WRONG_NUMBER)
        return a->outcome == TRAIL_ALLOWED;
    return s->kind == SIGNAL_VERIFIED && a->outcome == TRAIL_DENIED && a->reason == REASON_REJECTED;
}

static bool is_about(const struct attempt *a, const struct looked_for *l) {
    const struct signal *s = l->signal;
    return is_kind(a, s) && !is_contradiction(a, s) && str_eq(a->org, l->org) &&
           is_time(a, s->published_ms) && is_factor(a, s->factor_id) &&
           is_requester(a, s->requester) && is_user(a, l);
}

enum had { HAD_NONE, HAD_TYPE, HAD_EVENT };

// Has the challenge such an entry already, or this very one?
static enum had had(const struct attempt *a, const struct signal *s) {
    struct str rest = a->events.packed;
    struct trail_entry entry;
    enum had found = HAD_NONE;
    while (trail_next_entry(&rest, &entry)) {
        if (s->uuid.n && str_eq(entry.uuid, s->uuid)) return HAD_EVENT;
        if (str_eq(entry.type, s->event_type)) found = HAD_TYPE;
    }
    return found;
}

// A push is logged when it is sent, everything else when it is decided.
static int64_t distance(const struct attempt *a, const struct signal *s) {
    bool sent = s->kind == SIGNAL_PUSH_SENT || !a->decided_ms;
    int64_t away_ms = s->published_ms - (sent ? a->sent_ms : a->decided_ms);
    return away_ms < 0 ? -away_ms : away_ms;
}

static const struct attempt *nearer(const struct attempt *best, const struct attempt *a,
                                    const struct signal *s) {
    return !best || distance(a, s) <= distance(best, s) ? a : best;
}

// NULL: none.
static const struct attempt *find(const struct state *s, const struct looked_for *l) {
    int64_t at_ms = l->signal->published_ms;
    struct tree_walk walk = trail_from(s, at_ms - TRAIL_JOIN_MS - AFTER_MS - TRAIL_SKEW_MS);
    const struct attempt *a, *best = NULL;
    while ((a = tree_next(&walk)) && a->began_ms <= at_ms + TRAIL_SKEW_MS) {
        if (!is_about(a, l)) continue;
        enum had had_it = had(a, l->signal);
        if (had_it == HAD_EVENT) return a;
        if (had_it == HAD_NONE) best = nearer(best, a, l->signal);
    }
    return best;
}

enum trail_match trail_match(const struct state *s, struct str org, const struct signal *signal,
                             struct list requesters, const struct attempt **ret) {
    const struct looked_for l = {org, signal};
    const struct attempt *a = find(s, &l);
    if (a) {
        *ret = a;
        return TRAIL_JOINED;
    }
    bool ours = signal->requester.n && list_has(requesters, signal->requester);
    return ours && kinds[signal->kind].alarming ? TRAIL_ALARM : TRAIL_FOREIGN;
}

bool trail_news(enum trail_match match, const struct signal *signal, enum guard_news *ret) {
    if (match == TRAIL_JOINED && signal->kind != SIGNAL_WRONG_NUMBER) return false;
    return signal_news(signal, ret);
}

// ---- joining

static int add_entry(struct buf *events, const struct attempt *a, const struct signal *signal) {
    char published[TIME_RFC3339_MAX];
    time_format_rfc3339(signal->published_ms, published);
    buf_add_str(events, a->events.packed);
    list_add(events, signal->uuid);
    list_add(events, signal->transaction_id);
    list_add(events, signal->event_type);
    list_add(events, str_from(published));
    return events->error;
}

int trail_join(struct draft *d, struct str attempt_id, const struct signal *signal) {
    const struct attempt *a = attempt_by_id(d->state, attempt_id);
    AUTO_FINI(buf) struct buf events = buf_make(TRAIL_TEXT_MAX);
    if (!a || had(a, signal) == HAD_EVENT) return 0;
    struct attempt next = *a;
    if (list_count(a->events) < TRAIL_EVENTS_MAX * 4) {
        int r = add_entry(&events, a, signal);
        if (r) return r;
        next.events = list_of(&events);
    }
    if (!a->requester.n) next.requester = signal->requester;
    return attempt_put(d, &next);
}

int trail_requesters(const struct state *s, struct str org, struct buf *ret) {
    struct tree_walk walk = attempt_walk(s);
    const struct attempt *a;
    while ((a = tree_next(&walk))) {
        if (!a->requester.n || !str_eq(a->org, org)) continue;
        if (!list_has(list_of(ret), a->requester)) list_add(ret, a->requester);
    }
    return ret->error;
}
