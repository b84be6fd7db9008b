// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_CHALLENGE_H
#define MFA_CHALLENGE_H
// One attempt to prove presence, as a state machine: something has happened, what is to be done?
// Knows no clock, no network and no memory, so that every order of events can be tried
// (test_challenge_model). Allowed is reached by SUCCESS of this very challenge's own transaction
// alone. Pure.

#include <stdbool.h>
#include <stdint.h>

#include "mfa/reason.h"
#include "okta/push.h"

enum challenge_state {
    CHALLENGE_NEW,
    CHALLENGE_FINDING,   // the user is being looked up
    CHALLENGE_LISTING,   // the factors are being listed
    CHALLENGE_ADMITTING, // the guard is being asked, and told
    CHALLENGE_VERIFYING, // the push, or the code, is on its way to Okta
    CHALLENGE_WAITING,   // for the person; the next poll has its time
    CHALLENGE_POLLING,
    CHALLENGE_ALLOWED, // over
    CHALLENGE_DENIED,  // over; `reason` says why
};

enum challenge_event_kind {
    EVENT_START,
    EVENT_FOUND,     // exactly one user, who may be asked
    EVENT_CHOSEN,    // a factor
    EVENT_ADMITTED,  // by the guard, durably
    EVENT_ANSWERED,  // of a verify or a poll: `result`, `transaction`
    EVENT_AGAIN,     // a request that may be repeated has to be: find, list, poll; a verify that
                     // Okta did not take (429)
    EVENT_POLL_TIME, // a timer that this machine asked for
    EVENT_FAILED,    // the request that is awaited came to nothing, for good: `reason`
    EVENT_END, // whatever it is doing: `reason` (time is up, the caller is gone, a signal, the
               // gate stops)
};

struct challenge_event {
    enum challenge_event_kind kind;
    uint32_t asked;       // the request or timer that it answers (challenge.asked then); not of
                          // EVENT_START and EVENT_END
    uint32_t transaction; // of EVENT_ANSWERED: a name that the caller gives to each transaction id
                          // that Okta tells; 0: none (a code). The answer to a poll that tells none
                          // (SUCCESS may stand alone) is of the transaction that was polled
    enum okta_factor_result result;
    enum challenge_reason reason;
};

enum challenge_action {
    ACTION_NONE, // stale or without meaning now
    ACTION_FIND,
    ACTION_LIST,
    ACTION_ADMIT,
    ACTION_VERIFY, // send the push, or the code
    ACTION_WAIT,   // poll again after the interval
    ACTION_POLL,
    ACTION_REPEAT,  // the request that came to nothing, after a while
    ACTION_FINISH,  // it is decided: note it, answer
    ACTION_WITHDRAW // the same, and the push may still be on the phone: cancel it
};

struct challenge {
    enum challenge_state state;
    enum challenge_reason reason;
    bool code;            // by a code: nothing is polled
    bool pushed;          // a push may be on the phone; when over: nobody knows, or not taken back
    uint32_t asked;       // counts requests and timers: answers to others are stale
    uint32_t transaction; // of the push; 0: none yet
};

struct challenge challenge_make(bool code);
enum challenge_action challenge_step(struct challenge *c, const struct challenge_event *e);
static inline bool challenge_is_over(const struct challenge *c) {
    return c->state >= CHALLENGE_ALLOWED;
}

#endif
