// SPDX-License-Identifier: Apache-2.0
#include "http/concurrency.h"

#include "base/time.h"

enum {
    FIRST_MOST = 32, // before anything was learned, and never more
    ROUNDS = 8,      // of answers before one more is tried where that was too much before
    CUT = 4,         // one refusal leaves at least one of so many
    POLL_MS = TIME_SECOND_MS,
};

// What a class leaves to the others: one of so many.
static const int left[BUDGET_CLASS_COUNT] = {
    [BUDGET_PUSH] = 4, [BUDGET_COLLECTION] = 4, [BUDGET_BACKFILL] = 2};

struct concurrency concurrency_make(void) {
    return (struct concurrency){.most = FIRST_MOST};
}

int concurrency_most_of(const struct concurrency *c, enum budget_class class) {
    return c->most > 1 ? c->most - c->most / left[class] : 1;
}

int64_t concurrency_wait_ms(const struct concurrency *c, enum budget_class class) {
    if (c->in_flight >= c->most) return POLL_MS;
    return c->by_class[class] < concurrency_most_of(c, class) ? 0 : POLL_MS;
}

void concurrency_sent(struct concurrency *c, enum budget_class class) {
    c->in_flight++;
    c->by_class[class]++;
}

static int max_int(int a, int b) { return a > b ? a : b; }
static int min_int(int a, int b) { return a < b ? a : b; }

// What was in flight, the refused one among it, was too much; half of it is tried next. A request
// that was alone was refused because of others, of whom nothing is learned.
static void learn(struct concurrency *c) {
    if (c->in_flight == 0) return;
    c->refused_at = min_int(c->in_flight + 1, c->most);
    c->most = max_int(max_int(c->refused_at / 2, c->most / CUT), 1);
    c->told = c->in_flight;
    c->answers = 0;
}

static void count_answer(struct concurrency *c) {
    int rounds = c->most + 1 < c->refused_at ? 1 : ROUNDS;
    if (c->most >= FIRST_MOST || ++c->answers < rounds * c->most) return;
    c->most++;
    c->answers = 0;
}

void concurrency_answered(struct concurrency *c, enum budget_class class, int status,
                          const struct rate_headers *h) {
    bool news = c->told == 0;
    if (c->in_flight > 0) c->in_flight--;
    if (c->by_class[class] > 0) c->by_class[class]--;
    if (!news) c->told--;
    if (budget_is_concurrency(status, h)) {
        if (news) learn(c);
    } else if (status != 0 && status != 429) {
        count_answer(c);
    }
}
