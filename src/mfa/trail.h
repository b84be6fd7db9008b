// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_TRAIL_H
#define MFA_TRAIL_H
// The trail: what became of each challenge, and what Okta logged of it. A record is made in the
// draft that admits the push, completed when it is decided, and again when Okta's own entries
// arrive; kept for a day. Pure.

#include "identity/state.h"
#include "mfa/reason.h"
#include "mfa/signal.h"

enum {
    TRAIL_KEEP_MS = 24 * 3600 * 1000,
    TRAIL_JOIN_MS = 3600 * 1000, // after that it is noted that Okta logged none
    TRAIL_EVENTS_MAX = 8,        // of Okta's entries, by challenge
};

enum trail_outcome { TRAIL_OPEN, TRAIL_ALLOWED, TRAIL_DENIED, TRAIL_INTERRUPTED };
const char *trail_outcome_name(enum trail_outcome o); // "allowed"

// A challenge that reached Okta (or was refused by the guard: then `sent_ms` is 0).
struct attempt {
    struct record record;
    struct str id;    // "c-" and 16 letters and digits; primary key
    struct str order; // began_ms as 16 hex digits, made by attempt_put: index 1 is (order, id)
    struct str method, method_id;
    struct str org; // host
    struct str user_id, login;
    struct str entity_id, entity_name;
    struct str factor_id, factor_name, factor_provider;
    struct str transaction; // Okta's id of the push transaction; empty: a code, or not told
    struct str request_id;  // of the gate's request
    struct str path, operation;
    struct str remote_address, user_agent;
    struct str requester; // who we are in Okta's log, as learned; empty: not known
    struct str rule;      // the guard's, if it refused
    struct list events;   // of Okta: uuid, transaction id, type, published (RFC 3339), uuid, ...
    int64_t began_ms, sent_ms, decided_ms;
    bool code, number; // by code; with number matching
    bool noted;        // it was written down that Okta logged none
    enum trail_outcome outcome;
    enum challenge_reason reason;
};
extern const struct record_type attempt_type; // RECORD_CHALLENGE

const struct attempt *attempt_by_id(const struct state *s, struct str id); // NULL
// Newest first:  struct tree_walk ... is oldest first; callers who want the newest walk it all.
struct tree_walk attempt_walk(const struct state *s); // by began_ms, oldest first

// Puts a copy of `a` (texts borrowed) in the place of the one of that id. Outcomes: 0; -ENOMEM.
int attempt_put(struct draft *d, const struct attempt *a) MUST_USE;

// Those that were open when the gate ended: nobody waits for them any more. Makes them interrupted,
// appends their ids (packed list). Outcomes: 0; -errno.
int trail_interrupt(struct draft *d, int64_t now_ms, struct buf *ret_ids) MUST_USE;

// ---- joining with Okta's log

enum trail_match {
    TRAIL_FOREIGN, // none of ours, and not by our credentials
    TRAIL_JOINED,  // it is about the challenge that is returned
    TRAIL_ALARM,   // by our own credentials, and no challenge explains it: somebody else has them
};
// What the guard is to be told of an event: everything (signal_news), but of a joined one only a
// wrong number, which the gate's own poll could not know. False: nothing.
bool trail_news(enum trail_match match, const struct signal *signal, enum guard_news *ret);

// Finds the challenge that an event is about and does not contradict: same org, user, factor (when
// told), kind, requester
// (when both are known), and a time between its sending and a while after its decision; of several
// the nearest that has no such entry yet. `requesters`: who we are in that org's log as far as it
// is known (client ids of OAuth apps, ids of API tokens learned from joined challenges). Clocks may
// differ by TRAIL_SKEW_MS. An event that was joined before is joined with the same one again. Only
// what the gate itself does at Okta is an alarm: pushes, codes and their answers, and unlocking.
enum { TRAIL_SKEW_MS = 120 * 1000 };
enum trail_match trail_match(const struct state *s, struct str org, const struct signal *signal,
                             struct list requesters, const struct attempt **ret);
// Notes the event in the challenge: an entry of Okta's, and who we are. Outcomes: 0; -errno.
int trail_join(struct draft *d, struct str attempt_id, const struct signal *signal) MUST_USE;
// Who we are in that org's log as joined challenges tell it (packed list of ids). Outcomes: 0;
// -ENOMEM.
int trail_requesters(const struct state *s, struct str org, struct buf *ret) MUST_USE;

// Drops what is older than TRAIL_KEEP_MS; marks those that are older than TRAIL_JOIN_MS and that
// Okta logged nothing of, appending their ids (packed list). Outcomes: 0; -errno.
int trail_sweep(struct draft *d, int64_t now_ms, size_t max, struct buf *ret_unlogged) MUST_USE;

#endif
