// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_PUSHES_H
#define SIM_PUSHES_H
// Every push that went out: whom it asks, what number it shows, when the phone will answer, and
// how it ended. Nothing here runs by itself: what is due by the simulator's clock is done when
// pushes_tick is called, in the order of time.

#include "base/rand.h"
#include "sim/phone.h"

struct sim;

enum push_state {
    PUSH_WAITING,
    PUSH_APPROVED,
    PUSH_DENIED,
    PUSH_WRONG_NUMBER,
    PUSH_CANCELLED, // by who asked, or on the phone
    PUSH_EXPIRED,
    PUSH_UNKNOWN,
    PUSH_STATES
};

enum push_text {
    PUSH_USER,  // id
    PUSH_LOGIN, // and the user's name
    PUSH_NAME,
    PUSH_FACTOR, // id
    PUSH_DEVICE, // name of the phone; "": unknown
    PUSH_AGENT,  // User-Agent, X-Forwarded-For and address of who asked; "": not told
    PUSH_FORWARDED,
    PUSH_ADDRESS,
    PUSH_CLIENT, // client id of an app; id of an API token; "": the other one
    PUSH_TOKEN,
    PUSH_TEXTS
};

enum { PUSH_ID_MAX = 32, PUSH_CHOICES = 3, PUSH_NO_NUMBER = -1 };

struct push {
    uint32_t number; // 1, 2, ...: in the order of asking
    char id[PUSH_ID_MAX];
    char *texts[PUSH_TEXTS]; // owned, never NULL
    struct phone_step step;
    int64_t asked_ms, expires_ms, due_ms, ended_ms; // due: answered by the script or expired
    enum push_state state;
    bool by_phone;             // cancelled there
    int correct;               // the number that is right; PUSH_NO_NUMBER: no number matching
    int choices[PUSH_CHOICES]; // what the phone shows, `correct` among them
    int tapped;                // PUSH_NO_NUMBER: none
    int64_t polls;
    size_t place; // in the heap of those that wait
};

enum pushes_numbers { PUSHES_NUMBERS_ASKED, PUSHES_NUMBERS_ALWAYS, PUSHES_NUMBERS_NEVER };
enum pushes_shown { PUSHES_SHOWN_AT_ONCE, PUSHES_SHOWN_IN_POLLS };
enum pushes_cancelled { PUSHES_CANCELLED, PUSHES_CANCELED, PUSHES_CANCEL_GONE };
enum pushes_engine { PUSHES_IDENTITY, PUSHES_CLASSIC };

struct pushes {
    struct push **each; // owned; the n-th has number n + 1
    size_t n, cap;
    struct push **waiting; // a heap: the first is due next
    size_t n_waiting, cap_waiting;
    uint64_t changes; // goes up with everything that happens to a push
    struct rand rand;
    uint64_t events; // written to the log
    // Settings.
    enum phone_deed usual; // of phones without a script
    enum pushes_numbers numbers;
    enum pushes_shown shown;
    enum pushes_cancelled cancelled;
    enum pushes_engine engine;
    int64_t life_ms, memory_ms; // until it expires; from its end until it is forgotten
    bool log_unanswered, trusted_proxy;
};

struct pushes pushes_make(uint64_t seed);
void pushes_fini(struct pushes *p);

// Forgets all.
void pushes_clear(struct pushes *p);

struct push_opts {
    const char *texts[PUSH_TEXTS]; // copied; NULL: ""
    struct phone_step step;
    int64_t now_ms;
    bool number_matching; // asked for
};

// A push goes out: the caller counts it as one that waits for its user (struct phone). Outcomes: 0
// with it, borrowed; -ENOMEM.
int pushes_add(struct pushes *p, const struct push_opts *opts, struct push **ret) MUST_USE;

// By transaction id; NULL. Borrowed until pushes_clear.
struct push *pushes_find(const struct pushes *p, struct str id);

// By number; NULL.
struct push *pushes_by_number(const struct pushes *p, uint32_t number);

// When something will happen by itself; INT64_MAX: never.
int64_t pushes_next_due(const struct pushes *p);

// Real milliseconds until then, at most `most`, which is also the answer while the clock stands.
int64_t pushes_until_due(const struct sim *sim, int64_t most);

// The oldest that waits, of one user when `user_id` is not NULL; NULL.
struct push *pushes_oldest(const struct pushes *p, const char *user_id);

// Ends a push that waits. `number` is what was tapped; PUSH_NO_NUMBER: the right one, where there
// is one. What happened goes to the log. Outcomes: 0; -ENOMEM and others of the log.
int pushes_answer(struct sim *sim, struct push *push, enum phone_deed deed, int number,
                  int64_t now_ms) MUST_USE;

// Cancelled by who asked: nothing is logged.
void pushes_withdraw(struct sim *sim, struct push *push, int64_t now_ms);

// Does everything that is due. Outcomes: as pushes_answer.
int pushes_tick(struct sim *sim, int64_t now_ms) MUST_USE;

// The factorResult, and whether nothing is known of it any more.
const char *push_result(const struct pushes *p, const struct push *push);
bool push_is_forgotten(const struct pushes *p, const struct push *push, int64_t now_ms);

const char *push_state_name(enum push_state state); // "waiting", "approved"

#endif
