// SPDX-License-Identifier: Apache-2.0
// A broker in a few lines: it takes or refuses batches, which are cut wherever it comes, and by
// what is waited for. Whatever the batches, exactly the bad ones are found.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rand.h"
#include "kafka/suspects.h"

enum { MESSAGES_MAX = 1000, SMALL = 100, LARGE = 5000 };

struct page {
    size_t bytes[MESSAGES_MAX];
    bool bad[MESSAGES_MAX];
    bool left_out[MESSAGES_MAX];
    size_t n, tries, waits;
    uint64_t batch_max; // messages
    struct rand *rand;
};

// A batch, from `first` (of those that are sent, from 1). Outcomes: false: refused.
static bool take_batch(struct page *p, struct kafka_suspects *s, const size_t *which, size_t first,
                       size_t last) {
    bool refused = false;
    for (size_t i = first; i <= last; i++) refused = refused || p->bad[which[i]];
    for (size_t i = first; refused && i <= last; i++)
        kafka_suspects_refused(s, i, p->bytes[which[i]]);
    return !refused;
}

static bool take(struct page *p, struct kafka_suspects *s, const size_t *which, size_t *from,
                 size_t to) {
    p->waits++;
    while (*from <= to) {
        size_t last = *from + (size_t)rand_below(p->rand, p->batch_max);
        if (last > to) last = to;
        if (!take_batch(p, s, which, *from, last)) return false;
        *from = last + 1;
    }
    return true;
}

// One transaction. Outcomes: false: something of it was refused. `which` is filled from 1 on.
static bool send_page(struct page *p, struct kafka_suspects *s, size_t *which) {
    size_t sent = 0, from = 1;
    kafka_suspects_begin(s);
    p->tries++;
    for (size_t i = 0; i < p->n; i++) {
        if (p->left_out[i]) continue;
        if (kafka_suspects_wait_before(s, sent, p->bytes[i]) && !take(p, s, which, &from, sent))
            return false;
        which[++sent] = i;
        if (kafka_suspects_wait_behind(s, sent, p->bytes[i]) && !take(p, s, which, &from, sent))
            return false;
    }
    return take(p, s, which, &from, sent);
}

static void send_until_taken(struct page *p, struct kafka_suspects *s, bool for_size) {
    size_t which[MESSAGES_MAX + 1];
    while (!send_page(p, s, which)) {
        size_t number = 0;
        int r = kafka_suspects_judge(s, for_size, &number);
        assert_true(p->tries <= 4 * MESSAGES_MAX);
        if (r == KAFKA_SUSPECTS_E_AGAIN) continue;
        assert_int_equal(r, 0);
        assert_true(p->bad[which[number]]);
        p->left_out[which[number]] = true;
    }
    kafka_suspects_settle(s);
    for (size_t i = 0; i < p->n; i++) assert_int_equal(p->left_out[i], p->bad[i]);
}

static void make_page(struct page *p, struct rand *rand, size_t n, size_t bad) {
    *p = (struct page){.n = n, .rand = rand, .batch_max = n};
    for (size_t i = 0; i < n; i++) p->bytes[i] = SMALL + (size_t)rand_below(rand, SMALL);
    for (size_t k = 0; k < bad; k++) {
        size_t i = (size_t)rand_below(rand, n);
        p->bad[i] = true;
        p->bytes[i] = LARGE + (size_t)rand_below(rand, LARGE);
    }
}

static void whatever_the_batches_exactly_the_bad_ones_are_found(void **state) {
    struct rand rand = rand_make(7);
    (void)state;
    for (int round = 0; round < 300; round++) {
        AUTO_FINI(kafka_suspects) struct kafka_suspects s = {0};
        struct page p;
        size_t n = 1 + (size_t)rand_below(&rand, 300);
        make_page(&p, &rand, n, (size_t)rand_below(&rand, 12));
        p.batch_max = 1 + rand_below(&rand, n);
        send_until_taken(&p, &s, rand_below(&rand, 2));
    }
}

static void one_of_a_thousand_is_found_by_three_refusals(void **state) {
    struct rand rand = rand_make(8);
    (void)state;
    for (size_t at = 0; at < MESSAGES_MAX; at += 37) {
        AUTO_FINI(kafka_suspects) struct kafka_suspects s = {0};
        struct page p;
        make_page(&p, &rand, MESSAGES_MAX, 0);
        p.batch_max = 1; // no chance: batches are as large as they can be
        p.bad[at] = true;
        p.bytes[at] = LARGE;
        size_t which[MESSAGES_MAX + 1], number = 0;
        kafka_suspects_begin(&s);
        for (size_t i = 1; i <= p.n; i++) which[i] = i - 1;
        assert_false(take_batch(&p, &s, which, 1, p.n));
        p.batch_max = MESSAGES_MAX;
        assert_int_equal(kafka_suspects_judge(&s, true, &number), KAFKA_SUSPECTS_E_AGAIN);
        send_until_taken(&p, &s, true);
        assert_in_range(p.tries, 2, 4); // the last one is taken
        assert_in_range(p.waits, 1, 2 * 64 + 2 * 16 + 20);
    }
}

static void further_large_ones_cost_one_refusal_each(void **state) {
    struct rand rand = rand_make(9);
    (void)state;
    AUTO_FINI(kafka_suspects) struct kafka_suspects s = {0};
    struct page p;
    make_page(&p, &rand, 500, 20);
    s.large_bytes = LARGE; // was refused in an earlier page
    size_t bad = 0;
    for (size_t i = 0; i < p.n; i++) bad += p.bad[i];
    send_until_taken(&p, &s, true);
    assert_int_equal(p.tries, bad + 1);
}

static void what_is_taken_is_not_large_any_more(void **state) {
    struct rand rand = rand_make(10);
    (void)state;
    AUTO_FINI(kafka_suspects) struct kafka_suspects s = {.large_bytes = SMALL};
    struct page p;
    make_page(&p, &rand, 100, 0);
    send_until_taken(&p, &s, true);
    size_t waits = p.waits;
    assert_true(waits >= p.n);
    p.waits = 0;
    send_until_taken(&p, &s, true);
    assert_int_equal(p.waits, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_the_batches_exactly_the_bad_ones_are_found),
        cmocka_unit_test(one_of_a_thousand_is_found_by_three_refusals),
        cmocka_unit_test(further_large_ones_cost_one_refusal_each),
        cmocka_unit_test(what_is_taken_is_not_large_any_more),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
