// SPDX-License-Identifier: Apache-2.0
// Letters from several threads: each is read once, those of one thread in their order, and many of
// them do not keep the loop from its timers. And the table that things are found by.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/table.h"
#include "loop/loop.h"
#include "loop/mailbox.h"

enum { THREADS = 4, EACH = 2000, ALL = THREADS * EACH };

struct note {
    struct letter letter; // first
    struct box *box;
    int thread, number, times;
};

struct box {
    struct loop *loop;
    struct mailbox *mailbox;
    struct note notes[THREADS][EACH];
    int read, next[THREADS], dropped;
    struct loop_timer *timer; // set by the first letter; NULL: none
};

struct poster {
    struct box *box;
    int thread;
};

static void read_note(struct letter *l) {
    struct note *n = (struct note *)l;
    assert_int_equal(n->number, n->box->next[n->thread]++);
    n->times++;
    if (n->box->timer && n->number == 0) loop_timer_set(n->box->timer, 0);
    if (++n->box->read == ALL) loop_stop(n->box->loop);
}

static void drop_note(struct letter *l) { ((struct note *)l)->box->dropped++; }

static void *post_all(void *ctx) {
    const struct poster *p = ctx;
    for (int i = 0; i < EACH; i++)
        mailbox_post(p->box->mailbox, &p->box->notes[p->thread][i].letter);
    return NULL;
}

static int open_box(void **state) {
    struct box *b = mem_new(sizeof *b);
    assert_non_null(b);
    assert_int_equal(loop_new(&b->loop), 0);
    assert_int_equal(mailbox_new(&b->mailbox, b->loop), 0);
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < EACH; i++)
            b->notes[t][i] = (struct note){.letter = {.read = read_note, .drop = drop_note},
                                           .box = b,
                                           .thread = t,
                                           .number = i};
    *state = b;
    return 0;
}

static int close_box(void **state) {
    struct box *b = *state;
    mailbox_free(b->mailbox);
    loop_free(b->loop);
    free(b);
    return 0;
}

static void every_letter_is_read_once_and_in_order(void **state) {
    struct box *b = *state;
    pthread_t threads[THREADS];
    struct poster posters[THREADS];
    for (int t = 0; t < THREADS; t++) {
        posters[t] = (struct poster){b, t};
        assert_int_equal(pthread_create(&threads[t], NULL, post_all, &posters[t]), 0);
    }
    assert_int_equal(loop_run(b->loop), 0);
    for (int t = 0; t < THREADS; t++) pthread_join(threads[t], NULL);
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < EACH; i++) assert_int_equal(b->notes[t][i].times, 1);
}

static void look_how_many(void *ctx) {
    struct box *b = ctx;
    assert_true(b->read < EACH); // the timer did not have to wait for all
    loop_stop(b->loop);
}

static void many_letters_do_not_hold_up_the_loop(void **state) {
    struct box *b = *state;
    assert_int_equal(loop_timer_new(&b->timer, b->loop, look_how_many, b), 0);
    post_all(&(struct poster){b, 0});
    assert_int_equal(loop_run(b->loop), 0);
    assert_true(b->read > 0);
    b->timer = loop_timer_free(b->timer);
    mailbox_read_all(b->mailbox);
    assert_int_equal(b->read, EACH);
}

static void a_letter_in_the_box_stays_one(void **state) {
    struct box *b = *state;
    mailbox_post(b->mailbox, &b->notes[0][0].letter);
    mailbox_post(b->mailbox, &b->notes[0][0].letter);
    mailbox_read_all(b->mailbox);
    assert_int_equal(b->notes[0][0].times, 1);
}

static void what_is_taken_back_is_not_read_and_what_is_left_is_dropped(void **state) {
    struct box *b = *state;
    for (int i = 0; i < 3; i++) mailbox_post(b->mailbox, &b->notes[0][i].letter);
    for (int i = 0; i < 3; i += 2) mailbox_take_back(b->mailbox, &b->notes[0][i].letter);
    mailbox_take_back(b->mailbox, &b->notes[1][0].letter); // it is not in it
    b->mailbox = mailbox_free(b->mailbox);
    assert_int_equal(b->dropped, 1);
    assert_int_equal(b->read, 0);
}

struct thing {
    int number;
    struct table_link link;
};

static void a_table_finds_what_is_in_it(void **state) {
    (void)state;
    static struct thing things[500];
    struct table t;
    assert_int_equal(table_init(&t), 0);
    for (int i = 0; i < 500; i++) {
        things[i].number = i;
        table_add(&t, &things[i].link, (uint64_t)i / 2); // two of each hash
    }
    for (int i = 0; i < 500; i += 2) table_remove(&t, &things[i].link);
    for (uint64_t h = 0; h < 250; h++) {
        struct table_link *l = table_first(&t, h);
        assert_non_null(l);
        assert_int_equal(TABLE_ITEM(l, struct thing, link)->number, 2 * (int)h + 1);
        assert_null(table_next(l));
    }
    assert_null(table_first(&t, 250));
    assert_int_equal(t.n, 250);
    table_fini(&t);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, open_box, close_box)
    const struct CMUnitTest tests[] = {
        T(every_letter_is_read_once_and_in_order),
        T(many_letters_do_not_hold_up_the_loop),
        T(a_letter_in_the_box_stays_one),
        T(what_is_taken_back_is_not_read_and_what_is_left_is_dropped),
        cmocka_unit_test(a_table_finds_what_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
