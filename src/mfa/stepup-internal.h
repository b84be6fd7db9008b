// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_STEPUP_INTERNAL_H
#define MFA_STEPUP_INTERNAL_H
// The parts of the step-up and who owns whom. All on the loop but for what says otherwise.
//
//   stepup   the mailbox, the tickets, all demands and runs               stepup.c
//   demand   a request that waits: wants one method after another         stepup-demand.c
//                                                                         stepup-want.c
//   run      one challenge under way: does what the machine says          stepup-run.c
//            what Okta answered                                           stepup-answer.c
//            decided: noted, told, taken back                             stepup-settle.c
//            with a number, in two phases                                 stepup-number.c
//   change   of the gate's state, on its way through world.change         stepup-change.c
//   log      what Okta's log tells                                        stepup-log.c
//   sweep    now and then                                                 stepup-sweep.c
//
// A demand has one run at a time; a run has any number of demands that wait for it, none when it
// is being taken back or shows a number.

#include <pthread.h>
#include <stdatomic.h>

#include "base/hash.h"
#include "base/table.h"
#include "base/time.h"
#include "identity/entity.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "mfa/challenge.h"
#include "mfa/credential.h"
#include "mfa/orgs.h"
#include "mfa/refusals.h"
#include "mfa/remember.h"
#include "mfa/stepup.h"
#include "mfa/trail.h"
#include "json/read.h"

enum {
    RUN_ID_BYTES = 18,                 // "c-" and 16 letters and digits
    PUSH_LIFE_MS = 5 * TIME_MINUTE_MS, // of a push on the phone, where Okta has not told
    PATIENCE_MS = 2 * TIME_SECOND_MS,  // how long a caller whose time is up waits for the way to be
                                       // free again
    STOP_MS = 3 * TIME_SECOND_MS,      // how long stopping waits for Okta
    TEXT_MAX_BYTES = 1 << 16,
    DOCUMENT_MAX_BYTES = 1 << 20,
};

// What the gate had when it ended last time has to be looked at before anything new is begun.
enum past { PAST_UNKNOWN, PAST_ASKED, PAST_SETTLED };

struct stepup {
    struct loop *loop;
    const struct log *log;
    struct stepup_settings settings;
    struct stepup_world world;
    struct mailbox *mailbox;
    struct orgs *orgs;
    struct remember *remember; // any thread, as
    struct refusals *refusals;
    uint64_t seed; // of the tables' hashes
    atomic_llong waiting, pushes, allowed, denied, refused, unlogged;
    atomic_llong outcomes[REASONS], rules[GUARD_RULES];

    pthread_mutex_t mutex; // over what follows; taken before the mailbox's
    bool has_mutex;
    struct table tickets; // demands
    uint64_t last_ticket;
    bool closed; // nothing is taken any more

    // The loop's.
    struct demand *first_demand, *last_demand; // whose time is not up: the oldest, the newest
    struct run *first_run;
    struct table runs_by_user, runs_by_id;
    struct loop_timer *deadlines; // for the oldest demand
    struct loop_timer *tick;      // for stepup-sweep.c
    struct json_reader *reader;   // of events
    enum past past;
    bool stopping;
    struct loop_timer *stop_timer;
    size_t changes; // on their way
    void (*stopped)(void *ctx);
    void *stopped_ctx;
};

static inline uint64_t stepup_hash(const struct stepup *s, struct str text) {
    return hash64(text, s->seed);
}
// The newest snapshot, one reference; NULL: sealed.
static inline struct state *stepup_state(const struct stepup *s) {
    return s->world.state(s->world.ctx);
}
// False: it cannot be kept.
bool stepup_audit(struct stepup *s, const struct buf *document);
// A challenge has come to this; `rule` counts with REASON_GUARD. Of whom, that is remembered.
struct stepup_end {
    enum challenge_reason reason;
    enum guard_rule rule;
    struct str org, login;
    int64_t now_ms;
};
void stepup_count(struct stepup *s, const struct stepup_end *e);
// Something has ended: perhaps it was the last that stopping waits for.
void stepup_look_stopped(struct stepup *s);
// A number for an Okta user, for struct remember.
uint64_t stepup_user_number(const struct stepup *s, struct str host, struct str user_id);

// ---- claim: what a request says of itself; shared by its demand and its runs

struct claim {
    unsigned refs;
    struct str token_hash, entity_id, request_id, path, operation, fingerprint, remote_address,
        user_agent;
};
struct claim *claim_new(const struct stepup_demand *d); // any thread; NULL: no memory
static inline struct claim *claim_hold(struct claim *c) {
    c->refs++;
    return c;
}
struct claim *claim_free(struct claim *c); // drops a reference; NULL-safe; returns NULL

// ---- demand

// One method of a demand.
struct want {
    struct str name;              // of the method; borrows from the demand's list
    const struct method *method;  // held
    struct credential credential; // borrows from the demand's
    struct orgs_org *org;         // one user
    char *login;                  // as username_format has it
    bool code, number;
    bool passed;        // nothing is to be asked any more,
    bool passed_number, // because a push was allowed, with a number
        passed_push;
};

struct demand {
    struct letter arrival, departure;
    struct table_link by_ticket; // under the mutex, as
    bool given_up;
    uint64_t ticket;
    struct stepup *stepup;
    void (*done)(void *ctx, const struct stepup_outcome *o);
    void *ctx;
    struct claim *claim;
    struct buf methods;     // packed list
    struct buf credentials; // packed list; wiped
    int64_t asked_mono_ms;

    struct demand *prev, *next;  // of those whose time is not up
    bool timed;                  // it is among them
    bool held;                   // until the past is settled
    const struct entity *entity; // held
    struct want *wants;
    size_t want_count, at;
    struct run *run; // that it waits for
    struct demand *prev_waiter, *next_waiter;
    struct buf challenges; // ids, packed list
};

struct demand *demand_free(struct demand *d);
DEFINE_AUTO_FREE(demand)
void demand_read_arrival(struct letter *l);
void demand_drop_arrival(struct letter *l);
void demand_read_departure(struct letter *l);
// The past is settled (or cannot be: `reason`): those that were held go on.
void demand_release_held(struct stepup *s, enum challenge_reason reason);
// Those whose time is up.
void demand_look_deadlines(struct stepup *s);

// How a demand ends.
struct ending {
    bool allowed;
    enum challenge_reason reason;
    enum guard_rule rule; // with REASON_GUARD
    struct str message;
};
// Tells who asked, and frees it. It waits for no run.
void demand_end(struct demand *d, const struct ending *e);
// The run that it waited for (it does no more) was decided.
void demand_go_on(struct demand *d, const struct run *r, const struct ending *e);

// Fills in what the wants need, over a snapshot, asking nothing of Okta. REASON_NONE: all are
// there, those with a code first; else why not, with the want at fault in d->at. The verdict's
// detail borrows from the snapshot.
enum challenge_reason demand_prepare(struct demand *d, const struct state *s,
                                     struct guard_verdict *ret_verdict);
void wants_free(struct demand *d);
// Another run asks the user of the want now: does the demand wait along with it (true), or is it
// busy?
bool want_shares(const struct demand *d, const struct want *w, const struct run *r);
// Writes the document of a want that has come to nothing before a run.
void want_say_refused(struct demand *d, const struct want *w, enum challenge_reason reason,
                      const struct guard_verdict *v);

// ---- run

enum run_asking {
    ASKING_NOTHING,
    ASKING_USER,
    ASKING_FACTORS,
    ASKING_VERIFY,
    ASKING_POLL,
    ASKING_CANCEL
};

struct run {
    struct stepup *stepup;
    struct run *prev, *next;
    struct table_link by_user, by_id;
    bool listed;  // it is in first_run and runs_by_id
    bool has_way; // it is in runs_by_user: nobody else may ask this user
    char id[RUN_ID_BYTES + 1];
    struct challenge machine;
    struct claim *claim;
    const struct method *method; // held, as
    const struct entity *entity;
    struct orgs_org *org; // one user
    struct str user_key;  // host and folded login; owned, as all texts here
    struct str login, user_id, factor_id, factor_name, factor_provider;
    struct str transaction, poll_url;
    struct str cancel_url; // absent: the same as poll_url, if has_cancel
    bool has_cancel;
    struct buf secret;            // passcode and device; wiped
    struct credential credential; // borrows from it
    bool wants_number;            // it is asked of Okta that the push have one

    struct okta_ask *ask; // one at a time
    enum run_asking asking;
    uint32_t asked;   // machine.asked then
    int64_t again_ms; // how long Okta wants to be left alone; 0: the usual
    int tries;        // of the same request that came to nothing
    struct loop_timer *timer;
    int64_t due_mono_ms;     // of the next request; 0: none
    int64_t end_mono_ms;     // nobody waits longer than that
    int64_t expires_mono_ms; // at Okta; 0: not told
    int64_t began_ms, sent_ms, decided_ms, decided_mono_ms;
    struct guard_verdict verdict; // with REASON_GUARD; its detail is owned

    struct demand *first_waiter, *last_waiter;
    int number;        // that is shown; -1: none
    struct buf passed; // ids of methods that its demand had passed before; packed list

    bool admitted; // an attempt is on record
    bool changing; // a change of it is on its way
    bool moving;   // its org is being replaced
    bool out;      // a push may be on the phone
    // Once it is decided:
    enum challenge_reason overruled; // allowed by Okta, and yet it counts for nothing
    bool noted;                      // the guard knows
    bool left_out;                   // it believes that the push is still out
    bool final;                      // the record says how it ended
    bool told;                       // the document is written, and who waited knows
    bool cancel_over;                // Okta was told to take it back, or cannot be
    bool kept; // its number was shown: it goes on by itself, and somebody may come for the answer
};

// Begins a challenge for a want of the demand, which waits for it. It may be decided before this
// returns: the demand may be gone. Outcomes: 0; -ENOMEM, -EIO: nothing has begun.
int run_begin(struct demand *d, const struct want *w) MUST_USE;
struct run *run_free(struct run *r); // NULL-safe; returns NULL; takes it out of everything
// Whoever waits is told, and nothing is asked any more: time to stop is over.
void run_give_up(struct run *r);
// The run that asks this user now, for a code or by a push; NULL (also without memory).
struct run *run_of_user(const struct stepup *s, const char *host, struct str login, bool code);
void run_release_way(struct run *r);
struct run *run_by_id(const struct stepup *s, struct str id);
void run_add_waiter(struct run *r, struct demand *d);
void run_remove_waiter(struct run *r, struct demand *d);
// The demand does not wait any more; ends the run if nobody else does and it goes on for nobody.
// True: the run ends, and tells the demand.
bool run_leave(struct run *r, struct demand *d, enum challenge_reason reason);
// Feeds the machine, and does what it says. The run may be gone afterwards.
void run_happens(struct run *r, enum challenge_event_kind kind, enum challenge_reason reason);
void run_answered(struct run *r, enum okta_factor_result result, uint32_t transaction);
void run_fails(struct run *r, enum challenge_reason reason);
void run_end(struct run *r, enum challenge_reason reason);
// Sends the request of the machine's state again, on another org.
void run_ask_again(struct run *r);
void run_set_timer(struct run *r);
bool text_set(struct str *to, struct str from); // false: no memory, as it was
static inline bool run_is_over(const struct run *r) { return challenge_is_over(&r->machine); }
static inline bool run_is_allowed(const struct run *r) {
    return r->machine.state == CHALLENGE_ALLOWED && !r->overruled;
}
struct guard_subject run_subject(const struct run *r);
struct attempt run_attempt(const struct run *r);                    // borrows from the run
void run_set_verdict(struct run *r, const struct guard_verdict *v); // copies it

// stepup-answer.c: what the requests of each state are answered by.
void run_on_user(void *run, const struct okta_answer *a);
void run_on_factors(void *run, const struct okta_answer *a);
void run_on_verify(void *run, const struct okta_answer *a);
void run_on_poll(void *run, const struct okta_answer *a);
void run_on_cancel(void *run, const struct okta_answer *a);

// stepup-settle.c: it is over; does what is next, until nothing is left and it is freed.
void run_decided(struct run *r);
void run_settle(struct run *r);
enum challenge_reason run_reason(const struct run *r); // why it is not allowed
// It was allowed, its number was shown, and nobody has come for the answer yet.
bool run_is_uncollected(const struct run *r);

// stepup-number.c
void run_show_number(struct run *r, int number);
// Joins a challenge whose number was shown. REASON_NONE: the demand waits for it, or was told;
// REASON_GUARD: another one waits.
enum challenge_reason run_join_number(struct demand *d, const struct want *w);
// It was begun for this very request, by the same token.
bool run_is_for(const struct run *r, const struct claim *c);
void run_mark_passed(const struct run *r, struct demand *d);

// ---- change

struct change {
    struct letter letter;
    struct stepup *stepup;
    int r;
    // On the gate's writer thread: only what does not change meanwhile may be read.
    int (*make)(struct change *c, struct draft *d);
    void (*done)(struct change *c); // on the loop; c->r
    void (*fini)(struct change *c); // frees what it holds; NULL: nothing
};
// Makes it happen; `*take` is freed after its `done`. Outcomes: 0; -ENOMEM, -EAGAIN: it was freed.
int change_start(struct change *take) MUST_USE;
struct change *change_free(struct change *c);

enum { CHANGE_E_REFUSED = 1 }; // by the guard
// The changes of a run. Outcomes of change_start.
int run_start_admission(struct run *r) MUST_USE;
// What became of it, on record; and told to the guard, unless that knows already.
int run_start_note(struct run *r) MUST_USE;

// ---- log, sweep

void sweep_look(struct stepup *s); // settles the past if that is to be done
void sweep_tick(void *stepup);
// After sealing the past is unknown again.
void sweep_forget_past(struct stepup *s);

#endif
