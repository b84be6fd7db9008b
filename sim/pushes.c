// SPDX-License-Identifier: Apache-2.0
#include "sim/pushes.h"

#include <errno.h>
#include <stdio.h>

#include "base/parse.h"
#include "base/time.h"
#include "sim/mfa-log.h"
#include "sim/sim.h"

enum { LIFE_MINUTES = 5, MEMORY_MINUTES = 5, NUMBERS = 90, LEAST_NUMBER = 10 };

static const struct {
    const char *name, *result;
} states[PUSH_STATES] = {
    [PUSH_WAITING] = {"waiting", "WAITING"}, [PUSH_APPROVED] = {"approved", "SUCCESS"},
    [PUSH_DENIED] = {"denied", "REJECTED"},  [PUSH_WRONG_NUMBER] = {"wrong_number", "REJECTED"},
    [PUSH_CANCELLED] = {"cancelled", NULL},  [PUSH_EXPIRED] = {"expired", "TIMEOUT"},
    [PUSH_UNKNOWN] = {"unknown", NULL},
};

const char *push_state_name(enum push_state state) { return states[state].name; }

const char *push_result(const struct pushes *p, const struct push *push) {
    if (push->state == PUSH_UNKNOWN) return push->step.result;
    if (push->state != PUSH_CANCELLED) return states[push->state].result;
    return p->cancelled == PUSHES_CANCELED ? "CANCELED" : "CANCELLED";
}

struct pushes pushes_make(uint64_t seed) {
    return (struct pushes){.rand = rand_make(seed ^ 0x70757368),
                           .life_ms = (int64_t)LIFE_MINUTES * TIME_MINUTE_MS,
                           .memory_ms = (int64_t)MEMORY_MINUTES * TIME_MINUTE_MS};
}

static struct push *push_free(struct push *push) {
    if (!push) return NULL;
    for (size_t i = 0; i < PUSH_TEXTS; i++) free(push->texts[i]);
    free(push);
    return NULL;
}
DEFINE_AUTO_FREE(push)

void pushes_clear(struct pushes *p) {
    while (p->n) push_free(p->each[--p->n]);
    p->n_waiting = 0;
    p->changes++;
}

void pushes_fini(struct pushes *p) {
    pushes_clear(p);
    free(p->each);
    free(p->waiting);
}

// ---- the heap of those that wait

static bool is_before(const struct push *a, const struct push *b) {
    return a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->number < b->number);
}

static void put(struct pushes *p, size_t at, struct push *push) {
    p->waiting[at] = push;
    push->place = at;
}

static void move_up(struct pushes *p, size_t at) {
    struct push *push = p->waiting[at];
    while (at > 0 && is_before(push, p->waiting[(at - 1) / 2])) {
        put(p, at, p->waiting[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(p, at, push);
}

static void move_down(struct pushes *p, size_t at) {
    struct push *push = p->waiting[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= p->n_waiting) break;
        bool other =
            child + 1 < p->n_waiting && is_before(p->waiting[child + 1], p->waiting[child]);
        if (other) child++;
        if (!is_before(p->waiting[child], push)) break;
        put(p, at, p->waiting[child]);
        at = child;
    }
    put(p, at, push);
}

static void take_out(struct pushes *p, const struct push *push) {
    size_t at = push->place;
    struct push *last = p->waiting[--p->n_waiting];
    if (last == push) return;
    put(p, at, last);
    move_up(p, at);
    move_down(p, last->place);
}

int64_t pushes_next_due(const struct pushes *p) {
    return p->n_waiting ? p->waiting[0]->due_ms : INT64_MAX;
}

int64_t pushes_until_due(const struct sim *sim, int64_t most) {
    int64_t due_ms = pushes_next_due(&sim->pushes);
    if (due_ms == INT64_MAX || sim->clock.speed <= 0) return most;
    int64_t left = due_ms - simclock_now(&sim->clock);
    double real = left > 0 ? (double)left / sim->clock.speed + 1 : 1;
    return real < (double)most ? (int64_t)real : most;
}

// ---- going out

// The number is in the id, so that it is found without a table; some ids hold a dot.
static void make_id(char ret[PUSH_ID_MAX], uint32_t number, struct rand *rand) {
    char tail[COMPANY_ID_MAX];
    company_id(tail, "", rand);
    if (number % 2) snprintf(ret, PUSH_ID_MAX, "mst%08x%.9s", number, tail);
    else snprintf(ret, PUSH_ID_MAX, "v2mst%08x.%.9s", number, tail);
}

static int draw_number(struct rand *rand) { return LEAST_NUMBER + (int)rand_below(rand, NUMBERS); }

static bool is_choice(const struct push *push, size_t n, int number) {
    for (size_t i = 0; i < n; i++)
        if (push->choices[i] == number) return true;
    return false;
}

static void draw_choices(struct push *push, struct rand *rand) {
    for (size_t i = 0; i < PUSH_CHOICES; i++) {
        do push->choices[i] = draw_number(rand);
        while (is_choice(push, i, push->choices[i]));
    }
    push->correct = push->choices[rand_below(rand, PUSH_CHOICES)];
}

static int copy_texts(struct push *push, const struct push_opts *opts) {
    for (size_t i = 0; i < PUSH_TEXTS; i++) {
        struct str text = str_from(opts->texts[i]);
        push->texts[i] = mem_copy(text.n ? text.p : "", text.n);
        if (!push->texts[i]) return -ENOMEM;
    }
    return 0;
}

static bool wants_number(const struct pushes *p, const struct push_opts *opts) {
    if (p->numbers == PUSHES_NUMBERS_ALWAYS) return true;
    return opts->number_matching && p->numbers != PUSHES_NUMBERS_NEVER;
}

static void set_times(struct push *push, const struct pushes *p, int64_t now_ms) {
    push->asked_ms = now_ms;
    push->expires_ms = push->due_ms = now_ms + p->life_ms;
    bool in_time = push->step.after_ms < p->life_ms;
    if (push->step.deed != PHONE_IGNORE && in_time) push->due_ms = now_ms + push->step.after_ms;
}

int pushes_add(struct pushes *p, const struct push_opts *opts, struct push **ret) {
    AUTO(push) struct push *push = mem_new(sizeof *push);
    if (!push) return -ENOMEM;
    int e = copy_texts(push, opts);
    if (!e) e = mem_grow(&p->each, &p->cap, p->n + 1, sizeof(struct push *));
    if (!e) e = mem_grow(&p->waiting, &p->cap_waiting, p->n_waiting + 1, sizeof(struct push *));
    if (e) return e;
    push->number = (uint32_t)p->n + 1;
    push->step = opts->step;
    push->correct = push->tapped = PUSH_NO_NUMBER;
    make_id(push->id, push->number, &p->rand);
    set_times(push, p, opts->now_ms);
    if (wants_number(p, opts)) draw_choices(push, &p->rand);
    p->waiting[p->n_waiting++] = push;
    move_up(p, p->n_waiting - 1);
    p->changes++;
    *ret = push;
    p->each[p->n++] = TAKE(push);
    return 0;
}

// ---- finding

static bool read_number(struct str id, uint32_t *ret) {
    struct str prefix = str_starts(id, STR("v2mst")) ? STR("v2mst") : STR("mst");
    if (!str_starts(id, prefix) || id.n < prefix.n + 8) return false;
    *ret = 0;
    for (size_t i = prefix.n; i < prefix.n + 8; i++) {
        int digit = parse_hex_digit(id.p[i]);
        if (digit < 0) return false;
        *ret = *ret << 4 | (uint32_t)digit;
    }
    return true;
}

struct push *pushes_by_number(const struct pushes *p, uint32_t number) {
    return number && number <= p->n ? p->each[number - 1] : NULL;
}

struct push *pushes_find(const struct pushes *p, struct str id) {
    uint32_t number = 0;
    struct push *push = read_number(id, &number) ? pushes_by_number(p, number) : NULL;
    return push && str_eqz(id, push->id) ? push : NULL;
}

static bool is_of(const struct push *push, const char *user_id) {
    return !user_id || strcmp(push->texts[PUSH_USER], user_id) == 0;
}

struct push *pushes_oldest(const struct pushes *p, const char *user_id) {
    struct push *oldest = NULL;
    for (size_t i = 0; i < p->n_waiting; i++) {
        struct push *push = p->waiting[i];
        if (is_of(push, user_id) && (!oldest || push->number < oldest->number)) oldest = push;
    }
    return oldest;
}

bool push_is_forgotten(const struct pushes *p, const struct push *push, int64_t now_ms) {
    if (push->state == PUSH_WAITING) return false;
    bool gone = push->state == PUSH_CANCELLED && p->cancelled == PUSHES_CANCEL_GONE;
    return gone || now_ms >= push->ended_ms + p->memory_ms;
}

// ---- ending

static void end(struct sim *sim, struct push *push, enum push_state state, int64_t now_ms) {
    struct user *user = users_find(sim->users, str_from(push->texts[PUSH_USER]));
    push->state = state;
    push->ended_ms = now_ms;
    take_out(&sim->pushes, push);
    sim->pushes.changes++;
    if (user && user->phone.waiting) user->phone.waiting--;
}

void pushes_withdraw(struct sim *sim, struct push *push, int64_t now_ms) {
    end(sim, push, PUSH_CANCELLED, now_ms);
}

static int other_choice(const struct push *push) {
    size_t i = push->choices[0] == push->correct ? 1 : 0;
    return push->choices[i];
}

// Without number matching there is nothing to tap wrongly.
static enum push_state approve(struct push *push, int number) {
    if (push->correct == PUSH_NO_NUMBER) return PUSH_APPROVED;
    push->tapped = number == PUSH_NO_NUMBER ? push->correct : number;
    return push->tapped == push->correct ? PUSH_APPROVED : PUSH_WRONG_NUMBER;
}

static enum push_state state_after(struct push *push, enum phone_deed deed, int number) {
    switch (deed) {
    case PHONE_APPROVE: return approve(push, number);
    case PHONE_DENY: return PUSH_DENIED;
    case PHONE_WRONG_NUMBER:
        if (push->correct != PUSH_NO_NUMBER) push->tapped = other_choice(push);
        return PUSH_WRONG_NUMBER;
    case PHONE_CANCEL: push->by_phone = true; return PUSH_CANCELLED;
    case PHONE_UNKNOWN: return PUSH_UNKNOWN;
    default: return PUSH_EXPIRED;
    }
}

int pushes_answer(struct sim *sim, struct push *push, enum phone_deed deed, int number,
                  int64_t now_ms) {
    end(sim, push, state_after(push, deed, number), now_ms);
    return mfa_log_answer(sim, push);
}

int pushes_tick(struct sim *sim, int64_t now_ms) {
    const struct pushes *p = &sim->pushes;
    int e = 0;
    while (!e && pushes_next_due(p) <= now_ms) {
        struct push *push = p->waiting[0];
        bool expires = push->due_ms >= push->expires_ms;
        enum phone_deed deed = expires ? PHONE_IGNORE : push->step.deed;
        e = pushes_answer(sim, push, deed, PUSH_NO_NUMBER, push->due_ms);
    }
    return e;
}
