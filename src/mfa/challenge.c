// SPDX-License-Identifier: Apache-2.0
// The machine is a table: what happens, in which state, leads to which next one, and entering a
// state says what is to be done. An empty cell is an event without meaning there: nothing changes.
// The code around it knows three things that the table does not: what is stale, whose transaction
// an answer is about, and whether a push may be left on the phone.
#include "mfa/challenge-internal.h"

#include <stddef.h>

#define GO(state)                                                                                  \
    { .next = CHALLENGE_##state }
// Denied for the event's own reason.
#define DENY                                                                                       \
    { .next = CHALLENGE_DENIED }
#define DENY_FOR(why)                                                                              \
    { .next = CHALLENGE_DENIED, .reason = REASON_##why }
// The same, and Okta's answer means that the phone shows nothing any more.
#define DENY_SETTLED                                                                               \
    { .next = CHALLENGE_DENIED, .settled = true }
#define DENY_SETTLED_FOR(why)                                                                      \
    { .next = CHALLENGE_DENIED, .reason = REASON_##why, .settled = true }
#define ALLOW                                                                                      \
    { .next = CHALLENGE_ALLOWED, .settled = true }

const struct challenge_table challenge_table = {
    .cell =
        {
            [CHALLENGE_NEW] =
                {
                    [COLUMN_START] = GO(FINDING),
                    [COLUMN_FAILED] = DENY,
                    [COLUMN_EXPIRED] = DENY,
                    [COLUMN_END] = DENY,
                },
            [CHALLENGE_FINDING] =
                {
                    [COLUMN_FOUND] = GO(LISTING),
                    [COLUMN_AGAIN] = GO(FINDING),
                    [COLUMN_FAILED] = DENY,
                    [COLUMN_EXPIRED] = DENY,
                    [COLUMN_END] = DENY,
                },
            [CHALLENGE_LISTING] =
                {
                    [COLUMN_CHOSEN] = GO(ADMITTING),
                    [COLUMN_AGAIN] = GO(LISTING),
                    [COLUMN_FAILED] = DENY,
                    [COLUMN_EXPIRED] = DENY,
                    [COLUMN_END] = DENY,
                },
            [CHALLENGE_ADMITTING] =
                {
                    [COLUMN_ADMITTED] = GO(VERIFYING),
                    [COLUMN_FAILED] = DENY,
                    [COLUMN_EXPIRED] = DENY,
                    [COLUMN_END] = DENY,
                },
            // A push: nothing but WAITING goes on (reference 4.6, step 4).
            [CHALLENGE_VERIFYING] =
                {
                    [COLUMN_SUCCESS] = DENY_SETTLED_FOR(NOT_WAITING),
                    [COLUMN_WAITING] = GO(WAITING),
                    [COLUMN_REJECTED] = DENY_SETTLED_FOR(NOT_WAITING),
                    [COLUMN_TIMEOUT] = DENY_SETTLED_FOR(NOT_WAITING),
                    [COLUMN_OTHER] = DENY_FOR(NOT_WAITING),
                    [COLUMN_FOREIGN] = DENY_FOR(FOREIGN_LINK),
                    [COLUMN_AGAIN] = GO(VERIFYING),
                    [COLUMN_FAILED] = DENY,
                    [COLUMN_EXPIRED] = DENY_SETTLED,
                    [COLUMN_END] = DENY,
                },
            [CHALLENGE_ROW_CODE] =
                {
                    [COLUMN_SUCCESS] = ALLOW,
                    [COLUMN_WAITING] = DENY_FOR(UNKNOWN_STATUS),
                    [COLUMN_REJECTED] = DENY_FOR(WRONG_CODE),
                    [COLUMN_TIMEOUT] = DENY_FOR(UNKNOWN_STATUS),
                    [COLUMN_OTHER] = DENY_FOR(UNKNOWN_STATUS),
                    [COLUMN_FOREIGN] = DENY_FOR(FOREIGN_LINK),
                    [COLUMN_AGAIN] = GO(VERIFYING),
                    [COLUMN_FAILED] = DENY,
                    [COLUMN_EXPIRED] = DENY,
                    [COLUMN_END] = DENY,
                },
            [CHALLENGE_WAITING] =
                {
                    [COLUMN_POLL_TIME] = GO(POLLING),
                    [COLUMN_FAILED] = DENY,
                    [COLUMN_EXPIRED] = DENY_SETTLED,
                    [COLUMN_END] = DENY,
                },
            [CHALLENGE_POLLING] =
                {
                    [COLUMN_SUCCESS] = ALLOW,
                    [COLUMN_WAITING] = GO(WAITING),
                    [COLUMN_REJECTED] = DENY_SETTLED_FOR(REJECTED),
                    [COLUMN_TIMEOUT] = DENY_SETTLED_FOR(TIMED_OUT),
                    [COLUMN_OTHER] = DENY_FOR(UNKNOWN_STATUS),
                    [COLUMN_FOREIGN] = DENY_FOR(FOREIGN_LINK),
                    [COLUMN_AGAIN] = GO(POLLING),
                    [COLUMN_FAILED] = DENY,
                    [COLUMN_EXPIRED] = DENY_SETTLED,
                    [COLUMN_END] = DENY,
                },
        },
    .entering =
        {
            [CHALLENGE_FINDING] = ACTION_FIND,
            [CHALLENGE_LISTING] = ACTION_LIST,
            [CHALLENGE_ADMITTING] = ACTION_ADMIT,
            [CHALLENGE_VERIFYING] = ACTION_VERIFY,
            [CHALLENGE_WAITING] = ACTION_WAIT,
            [CHALLENGE_POLLING] = ACTION_POLL,
            [CHALLENGE_ALLOWED] = ACTION_FINISH,
            [CHALLENGE_DENIED] = ACTION_FINISH,
        },
};

struct challenge challenge_make(bool code) {
    return (struct challenge){.code = code};
}

static bool is_stale(const struct challenge *c, const struct challenge_event *e) {
    if (e->kind == EVENT_START || e->kind == EVENT_END) return false;
    return e->asked != c->asked;
}

static bool is_push_on_its_way(const struct challenge *c) {
    return c->state == CHALLENGE_VERIFYING && !c->code;
}

// The answer to a push names the transaction; whatever comes later has to be about that one.
static bool is_foreign(const struct challenge *c, const struct challenge_event *e) {
    if (is_push_on_its_way(c)) return e->result == OKTA_FACTOR_WAITING && !e->transaction;
    return e->transaction != c->transaction;
}

static enum challenge_column column_of_answer(enum okta_factor_result result) {
    switch (result) {
    case OKTA_FACTOR_SUCCESS: return COLUMN_SUCCESS;
    case OKTA_FACTOR_WAITING: return COLUMN_WAITING;
    case OKTA_FACTOR_REJECTED: return COLUMN_REJECTED;
    case OKTA_FACTOR_TIMEOUT: return COLUMN_TIMEOUT;
    case OKTA_FACTOR_OTHER: break;
    }
    return COLUMN_OTHER;
}

// CHALLENGE_COLUMNS: nothing that is known.
static enum challenge_column column_of(const struct challenge *c, const struct challenge_event *e) {
    switch (e->kind) {
    case EVENT_START: return COLUMN_START;
    case EVENT_FOUND: return COLUMN_FOUND;
    case EVENT_CHOSEN: return COLUMN_CHOSEN;
    case EVENT_ADMITTED: return COLUMN_ADMITTED;
    case EVENT_ANSWERED: return is_foreign(c, e) ? COLUMN_FOREIGN : column_of_answer(e->result);
    case EVENT_AGAIN: return COLUMN_AGAIN;
    case EVENT_POLL_TIME: return COLUMN_POLL_TIME;
    case EVENT_FAILED: return e->reason == REASON_EXPIRED ? COLUMN_EXPIRED : COLUMN_FAILED;
    case EVENT_END: return COLUMN_END;
    }
    return CHALLENGE_COLUMNS;
}

static size_t row_of(const struct challenge *c) {
    bool code = c->state == CHALLENGE_VERIFYING && c->code;
    return code ? (size_t)CHALLENGE_ROW_CODE : (size_t)c->state;
}

// A denial always has a reason, also when a caller gives none.
static enum challenge_reason reason_of(const struct challenge_cell *cell,
                                       const struct challenge_event *e) {
    if (cell->reason != REASON_NONE) return cell->reason;
    return e->reason == REASON_NONE ? REASON_UNKNOWN_STATUS : e->reason;
}

// What can be named can be taken back; of a push whose answer has not come nothing is known.
static enum challenge_action finish(struct challenge *c, const struct challenge_cell *cell,
                                    const struct challenge_event *e,
                                    enum challenge_action finished) {
    if (cell->next == CHALLENGE_DENIED) c->reason = reason_of(cell, e);
    if (cell->settled) c->pushed = false;
    return c->pushed && c->transaction ? ACTION_WITHDRAW : finished;
}

enum challenge_action challenge_step_by(const struct challenge_table *table, struct challenge *c,
                                        const struct challenge_event *e) {
    if (challenge_is_over(c) || is_stale(c, e)) return ACTION_NONE;
    enum challenge_column column = column_of(c, e);
    if (column == CHALLENGE_COLUMNS) return ACTION_NONE;
    const struct challenge_cell *cell = &table->cell[row_of(c)][column];
    if (cell->next == CHALLENGE_NEW) return ACTION_NONE;
    if (is_push_on_its_way(c) && e->kind == EVENT_ANSWERED) c->transaction = e->transaction;
    bool again = cell->next == c->state;
    c->state = cell->next;
    if (challenge_is_over(c)) return finish(c, cell, e, table->entering[cell->next]);
    c->asked++;
    if (is_push_on_its_way(c)) c->pushed = true;
    return again ? ACTION_REPEAT : table->entering[cell->next];
}

enum challenge_action challenge_step(struct challenge *c, const struct challenge_event *e) {
    return challenge_step_by(&challenge_table, c, e);
}
