// SPDX-License-Identifier: Apache-2.0
#ifndef CHALLENGE_RULES_H
#define CHALLENGE_RULES_H
// What may happen to a challenge, in words of its own: each rule looks at one step, and at what the
// way up to there has been. Nothing here is taken from the machine's table. To be included once in
// a program.

#include "base/mem.h"
#include "mfa/challenge-internal.h"

// Values that no caller gives, one beyond the last.
enum { STRANGE_KIND = EVENT_END + 1, STRANGE_RESULT = OKTA_FACTOR_TIMEOUT + 1 };

// What is searched: the machine, and what has happened on the way.
struct node {
    struct challenge c;
    enum challenge_action awaited; // what was asked for last, and has not been answered
    bool found, chosen, admitted;  // as the events told
    bool waited;                   // a verify was answered WAITING
    uint32_t transaction;          // that this answer told
    unsigned verifies;             // sent, less those that Okta did not take
    unsigned ends;                 // how often it was said that it is over
};

// One step, from `a` by `e` with `action` to `b`.
struct step {
    const struct node *a, *b;
    const struct challenge_event *e;
    enum challenge_action action;
    bool meant; // the event is about what is awaited (or asks for no match)
};

static bool is_end(enum challenge_action a) { return a == ACTION_FINISH || a == ACTION_WITHDRAW; }

static bool is_answer(const struct step *s, enum okta_factor_result result) {
    return s->meant && s->e->kind == EVENT_ANSWERED && s->e->result == result;
}

static bool is_same_challenge(const struct challenge *a, const struct challenge *b) {
    return a->state == b->state && a->reason == b->reason && a->code == b->code &&
           a->pushed == b->pushed && a->asked == b->asked && a->transaction == b->transaction;
}

static bool allowed_only_by_success_of_its_own(const struct step *s) {
    if (s->a->c.state == CHALLENGE_ALLOWED || s->b->c.state != CHALLENGE_ALLOWED) return true;
    if (!is_answer(s, OKTA_FACTOR_SUCCESS) || !s->a->admitted || s->a->verifies != 1) return false;
    if (s->a->c.code)
        return s->a->c.state == CHALLENGE_VERIFYING && s->a->awaited == ACTION_VERIFY &&
               s->e->transaction == 0;
    return s->a->c.state == CHALLENGE_POLLING && s->a->awaited == ACTION_POLL && s->a->waited &&
           s->a->transaction != 0 && s->e->transaction == s->a->transaction;
}

static bool one_verify_at_most(const struct step *s) { return s->b->verifies <= 1; }

static bool over_is_over(const struct step *s) {
    return !challenge_is_over(&s->a->c) ||
           (s->action == ACTION_NONE && is_same_challenge(&s->a->c, &s->b->c));
}

static bool nothing_changes_without_an_action(const struct step *s) {
    return s->action != ACTION_NONE || is_same_challenge(&s->a->c, &s->b->c);
}

static bool stale_means_nothing(const struct step *s) { return s->meant || !s->action; }

static bool it_ends_once(const struct step *s) {
    return s->b->ends == (challenge_is_over(&s->b->c) ? 1u : 0u);
}

static bool each_request_is_a_new_one(const struct step *s) {
    bool asks = s->action != ACTION_NONE && !is_end(s->action);
    return s->b->c.asked == s->a->c.asked + (asks ? 1 : 0);
}

static bool the_action_is_the_states(const struct step *s) {
    static const enum challenge_state of[] = {
        [ACTION_FIND] = CHALLENGE_FINDING,    [ACTION_LIST] = CHALLENGE_LISTING,
        [ACTION_ADMIT] = CHALLENGE_ADMITTING, [ACTION_VERIFY] = CHALLENGE_VERIFYING,
        [ACTION_WAIT] = CHALLENGE_WAITING,    [ACTION_POLL] = CHALLENGE_POLLING,
        [ACTION_WITHDRAW] = CHALLENGE_DENIED,
    };
    enum challenge_state state = s->b->c.state;
    if (s->action == ACTION_FINISH) return challenge_is_over(&s->b->c);
    if (s->action == ACTION_NONE || s->action == ACTION_REPEAT) return state == s->a->c.state;
    return (size_t)s->action < LEN(of) && state == of[s->action];
}

// Each step of the way is taken because of the one event that permits it.
static bool the_way_is_gone_step_by_step(const struct step *s) {
    switch (s->action) {
    case ACTION_FIND: return s->e->kind == EVENT_START && s->a->c.state == CHALLENGE_NEW;
    case ACTION_LIST: return s->b->found && s->a->awaited == ACTION_FIND;
    case ACTION_ADMIT: return s->b->chosen && s->a->awaited == ACTION_LIST;
    case ACTION_VERIFY: return s->b->admitted && s->a->awaited == ACTION_ADMIT;
    case ACTION_WAIT: return !s->a->c.code && is_answer(s, OKTA_FACTOR_WAITING) && s->b->waited;
    case ACTION_POLL: return s->meant && s->e->kind == EVENT_POLL_TIME && s->b->waited;
    case ACTION_REPEAT: return s->meant && s->e->kind == EVENT_AGAIN;
    default: return true;
    }
}

// A request has one answer: if that were passed over, nothing would ever come.
static bool no_answer_is_lost(const struct step *s) {
    static const unsigned answers[] = {
        [ACTION_FIND] = 1u << EVENT_FOUND | 1u << EVENT_AGAIN,
        [ACTION_LIST] = 1u << EVENT_CHOSEN | 1u << EVENT_AGAIN,
        [ACTION_ADMIT] = 1u << EVENT_ADMITTED,
        [ACTION_VERIFY] = 1u << EVENT_ANSWERED | 1u << EVENT_AGAIN,
        [ACTION_WAIT] = 1u << EVENT_POLL_TIME,
        [ACTION_POLL] = 1u << EVENT_ANSWERED | 1u << EVENT_AGAIN,
    };
    if (challenge_is_over(&s->a->c) || !s->meant) return true;
    unsigned any = 1u << EVENT_FAILED | 1u << EVENT_END;
    unsigned first = s->a->c.state == CHALLENGE_NEW ? 1u << EVENT_START : 0;
    unsigned expected = answers[s->a->awaited] | any | first;
    return (s->action != ACTION_NONE) == ((expected >> s->e->kind & 1) != 0);
}

static bool what_may_be_repeated_is(const struct step *s) {
    return s->e->kind != EVENT_AGAIN || !s->action || s->action == ACTION_REPEAT;
}

static bool a_failure_denies_for_its_reason(const struct step *s) {
    bool failed = s->e->kind == EVENT_FAILED || s->e->kind == EVENT_END;
    if (!failed || !s->action) return true;
    return s->b->c.state == CHALLENGE_DENIED &&
           (s->e->reason ? s->b->c.reason == s->e->reason : s->b->c.reason != REASON_NONE);
}

static bool is_of_this_transaction(const struct step *s) {
    if (s->a->c.code) return s->e->transaction == 0;
    if (s->a->awaited == ACTION_POLL) return s->e->transaction == s->a->transaction;
    return s->e->result != OKTA_FACTOR_WAITING || s->e->transaction != 0;
}

// Reference 4.6, and okta-api 4.4: what each answer means.
static enum challenge_reason reason_of_answer(const struct step *s) {
    static const enum challenge_reason of_poll[] = {
        [OKTA_FACTOR_SUCCESS] = REASON_NONE,         [OKTA_FACTOR_WAITING] = REASON_NONE,
        [OKTA_FACTOR_REJECTED] = REASON_REJECTED,    [OKTA_FACTOR_TIMEOUT] = REASON_TIMED_OUT,
        [OKTA_FACTOR_OTHER] = REASON_UNKNOWN_STATUS, [STRANGE_RESULT] = REASON_UNKNOWN_STATUS,
    };
    if (!is_of_this_transaction(s)) return REASON_FOREIGN_LINK;
    if (s->a->awaited == ACTION_POLL) return of_poll[s->e->result];
    if (!s->a->c.code)
        return s->e->result == OKTA_FACTOR_WAITING ? REASON_NONE : REASON_NOT_WAITING;
    if (s->e->result == OKTA_FACTOR_SUCCESS) return REASON_NONE;
    return s->e->result == OKTA_FACTOR_REJECTED ? REASON_WRONG_CODE : REASON_UNKNOWN_STATUS;
}

static bool an_answer_denies_for_its_reason(const struct step *s) {
    if (s->e->kind != EVENT_ANSWERED || !s->action) return true;
    return s->b->c.reason == reason_of_answer(s) &&
           (s->b->c.state == CHALLENGE_DENIED) == (s->b->c.reason != REASON_NONE);
}

static bool only_denials_have_reasons(const struct step *s) {
    return (s->b->c.state == CHALLENGE_DENIED) == (s->b->c.reason != REASON_NONE);
}

// Okta has told that the phone shows nothing any more.
static bool is_settled(const struct step *s) {
    if (!s->meant) return false;
    if (s->e->kind == EVENT_FAILED) return s->e->reason == REASON_EXPIRED;
    if (s->e->kind != EVENT_ANSWERED || !is_of_this_transaction(s)) return false;
    return s->e->result == OKTA_FACTOR_SUCCESS || s->e->result == OKTA_FACTOR_REJECTED ||
           s->e->result == OKTA_FACTOR_TIMEOUT;
}

static bool a_push_is_not_forgotten(const struct step *s) {
    if (!s->action) return true;
    bool sent = !s->b->c.code && (s->a->c.pushed || s->action == ACTION_VERIFY);
    return s->b->c.pushed == (sent && !(is_end(s->action) && is_settled(s)));
}

static bool what_can_be_taken_back_is(const struct step *s) {
    bool can = s->b->c.pushed && s->b->c.transaction;
    return !is_end(s->action) || (s->action == ACTION_WITHDRAW) == can;
}

static bool the_transaction_is_the_verifys(const struct step *s) {
    bool told = s->meant && s->e->kind == EVENT_ANSWERED && s->a->awaited == ACTION_VERIFY &&
                !s->a->c.code && s->action != ACTION_NONE;
    return s->b->c.transaction == (told ? s->e->transaction : s->a->c.transaction);
}

// Those that are about safety come first: the first that is broken is told.
static const struct rule {
    const char *name;
    bool (*holds)(const struct step *s);
} rules[] = {
#define RULE(f)                                                                                    \
    { #f, f }
    RULE(allowed_only_by_success_of_its_own),
    RULE(one_verify_at_most),
    RULE(over_is_over),
    RULE(nothing_changes_without_an_action),
    RULE(stale_means_nothing),
    RULE(it_ends_once),
    RULE(each_request_is_a_new_one),
    RULE(the_action_is_the_states),
    RULE(the_way_is_gone_step_by_step),
    RULE(no_answer_is_lost),
    RULE(what_may_be_repeated_is),
    RULE(a_failure_denies_for_its_reason),
    RULE(an_answer_denies_for_its_reason),
    RULE(only_denials_have_reasons),
    RULE(the_transaction_is_the_verifys),
    RULE(a_push_is_not_forgotten),
    RULE(what_can_be_taken_back_is),
};

#endif
