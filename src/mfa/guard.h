// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_GUARD_H
#define MFA_GUARD_H
// The guard: rules that refuse to send a push, or to try a code, one row each (guard_rows). Judged
// over a snapshot before anything is asked of Okta, again and for certain in guard_admit, which
// notes the attempt in the same draft, so that what has not been written down does not leave; and
// again when the log tells of something new. Facts are records, so they survive a restart.
//
// Subjects: an Okta user of an org, known by id and login; an entity. Pure.

#include "identity/list.h"
#include "identity/state.h"

enum guard_rule {
    GUARD_CLEAR,       // no rule speaks against it
    GUARD_BUSY,        // another push to this user is still out
    GUARD_USER_RATE,   // too many pushes to this user in the window
    GUARD_ENTITY_RATE, // too many pushes for this entity in the window
    GUARD_PAUSE,       // after a denial, wherever it was made; doubles with each further one
    GUARD_LOCK,        // wrong number, report of suspicious activity, Okta's account lock
    GUARD_RISK,        // Okta holds the user's risk to be high
    GUARD_CODES,       // too many wrong codes: Okta would lock the account
    GUARD_BRAKE,       // the org's rate budget runs low
    GUARD_RULES
};
struct guard_row {
    const char *name;    // "busy": in audit documents and `gatehouse mfa guard`
    const char *reason;  // a line for people
    const char *setting; // that tunes it: "mfa.guard.max_pushes"; NULL: none
    bool pushes, codes;  // what it speaks against
};
extern const struct guard_row guard_rows[GUARD_RULES];

struct guard_limits {   // settings mfa.guard
    int64_t max_pushes; // per user and per entity in the window
    int64_t window_ms;
    int64_t pause_ms, max_pause_ms; // after the first denial; the longest
    int64_t max_codes;              // wrong codes in a row (Okta locks at five)
    double brake;                   // share of an org's limit, used up, beyond which no push begins
};
struct guard_limits guard_defaults(void); // 10 in 10 min, 1 min up to 1 h, 3 codes, 0.9

// What is known of one subject.
struct guarded {
    struct record record;
    struct str subject;   // for people: "user:HOST:OKTA_ID" or "entity:ID"; one of each
    struct str org;       // host of the org; empty for an entity; primary key is (org, user_id)
    struct str login;     // folded; index 1 is (login, subject); of an entity its name
    struct str asked;     // folded: by what the gate asked for him, which may not be his login (an
                          // e-mail address); index 2 is (asked, subject); empty: not, or by login
    struct str user_id;   // Okta's; of an entity its id
    struct list used;     // ids of factors that worked, the latest first, at most 8
    struct list pushes;   // when pushes left within the window: decimal milliseconds, oldest first
    int64_t out_until_ms; // a push may be on the phone until then; 0: none is
    struct str out;       // the challenge that sent it; empty: none
    int64_t denials;      // in a row, since the last approval
    int64_t paused_until_ms;
    int64_t wrong_codes;    // in a row
    int64_t locked_ms;      // since; 0: not locked
    struct str lock_reason; // "wrong number", "reported suspicious activity", "locked by Okta"
    struct str lock_event;  // uuid of Okta's event; empty: our own observation
    int64_t unlocked_ms;    // when Okta last unlocked the account: no lock before that counts
    int64_t risk_ms;        // high since; 0: not high
    int64_t risk_told_ms;   // when Okta last told of the risk: what is older does not count
    int64_t cleared_ms;     // what was published before counts no more
    struct list seen;       // uuids of Okta's events that were noted, the latest first, at most 16
    int64_t touched_ms;     // last change: for guard_sweep
};
extern const struct record_type guarded_type; // RECORD_GUARD

struct guard_subject {
    struct str org;                    // host
    struct str login;                  // as asked for or as told; any case
    struct str user_id;                // empty: not known yet: then found by login
    struct str entity_id, entity_name; // empty: none
};
// By id where that is known, and then by nothing else; else by name in that org: the one that was
// touched last of those whose login it is, or for whom the gate asked by it. NULL: nothing is known
// (by name also without memory).
const struct guarded *guard_user(const struct state *s, const struct guard_subject *who);
const struct guarded *guard_entity(const struct state *s, struct str entity_id);       // NULL
const struct guarded *guard_get(const struct state *s, struct str org, struct str id); // NULL
// Everything known, by login:  struct tree_walk walk = guard_walk(s); while ((g =
// tree_next(&walk)))
struct tree_walk guard_walk(const struct state *s);
// Whether a person means this one by `folded`: login, other name, or id.
bool guard_is_called(const struct guarded *g, struct str folded);
struct guard_subject guard_subject_of(const struct guarded *g); // texts borrowed from g

struct guard_verdict {
    enum guard_rule rule;
    int64_t until_ms;  // when it ends by itself; 0: by an administrator, or a right code
    struct str detail; // of a lock its reason; borrowed from the snapshot
};
// Of several rules the gravest is told: lock, risk, pause, busy, rates, brake. What ends a wait for
// a person who has been asked already are the first three alone: his own push makes him busy.
// `used`: share of the org's budget that is spent, 0 to 1; 0 when nothing is known.
struct guard_verdict guard_judge(const struct state *s, const struct guard_limits *l,
                                 const struct guard_subject *who, bool code, double used,
                                 int64_t now_ms);
// How many pushes left within the window.
size_t guard_pushes(const struct guarded *g, const struct guard_limits *l, int64_t now_ms);

// Judges, and if nothing speaks against it notes that the push (or the code) of that challenge
// leaves now, and may be on the phone until `out_until_ms`. A code is counted as wrong until
// guard_note tells otherwise. `who` must have org and user_id. Outcomes: 0, verdict in ret (its
// detail borrowed from the draft); -EINVAL (who is that?); -errno.
enum { GUARD_OUT_MAX_MS = 3600 * 1000 }; // no push is taken to be out for longer
int guard_admit(struct draft *d, const struct guard_limits *l, const struct guard_subject *who,
                bool code, double used, struct str challenge, int64_t out_until_ms, int64_t now_ms,
                struct guard_verdict *ret) MUST_USE;

// What is learned, of our own challenges or from the log.
enum guard_news {
    NEWS_APPROVED,     // our push: forgets denials and wrong codes; `factor` worked
    NEWS_CODE_RIGHT,   // forgets denials, wrong codes, locks, risk, and what was before it
    NEWS_CODE_WRONG,   // (guard_admit has counted it)
    NEWS_DENIED,       // on the phone, of whatever push
    NEWS_WRONG_NUMBER, // locks
    NEWS_SUSPICIOUS,   // reported by the end user: locks
    NEWS_LOCKED,       // Okta locked the account: locks
    NEWS_UNLOCKED,     // Okta unlocked it: lifts that lock, no other
    NEWS_RISK_HIGH,
    NEWS_RISK_LOW,
    NEWS_UNANSWERED, // our push ended without an answer
};
struct guard_note {
    enum guard_news news;
    struct str challenge; // ours, whose push is not out any more; empty: none
    struct str factor;    // id; with NEWS_APPROVED and NEWS_CODE_RIGHT
    struct str event;     // uuid of Okta's event; empty: ours
    int64_t at_ms;        // when it was; older than the last clearing: ignored
    bool still_out;       // the push could not be taken back: it stays out until its time
};
// Outcomes: 0; -errno. The same event twice counts once (the last 16 are remembered: who wants to
// know looks into guarded.seen first). News of somebody without id and of whom nothing is known by
// that login is nobody's: nothing is noted.
int guard_note(struct draft *d, const struct guard_limits *l, const struct guard_subject *who,
               const struct guard_note *note, int64_t now_ms) MUST_USE;

// An administrator's word: nothing speaks against the subject any more, but a push that is still
// on the phone. Outcomes: 0; -errno.
int guard_clear(struct draft *d, const struct guarded *g, int64_t now_ms) MUST_USE;
// Forgets subjects of which nothing is to be known any more, at most `max`. Outcomes: 0; -errno.
int guard_sweep(struct draft *d, const struct guard_limits *l, int64_t now_ms, size_t max) MUST_USE;

#endif
