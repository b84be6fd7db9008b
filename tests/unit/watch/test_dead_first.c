// SPDX-License-Identifier: Apache-2.0
// A sink that keeps positions commits before the store does. What it refuses is on record before
// that, once.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "delivering.h"

static struct world *keeps_positions(void **state) {
    static struct sink_type type;
    struct world *w = *state;
    type = fake_type;
    type.positions = no_positions;
    w->output_opts.type = &type;
    w->script.verdict = SINK_REJECTED;
    return w;
}

static void what_is_refused_is_on_record_before_the_sink_commits(void **state) {
    struct world *w = keeps_positions(state);
    give_page(w, "a", "there");
    w->script.sync = -EIO;
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, -EIO);
    assert_true(w->pair.delivery.dead_recorded);
    assert_int_equal(w->pair.delivery.rejected, 1);
    assert_dead(w, "a0 ");
    assert_cursor(w, "here", 0);
}

static void what_was_refused_is_not_refused_again(void **state) {
    struct world *w = keeps_positions(state);
    give_page(w, "a", "there");
    w->script.sync = -EIO;
    delivery_run(&w->pair);
    w->script.sync = 0;
    w->script.verdict = SINK_DELIVERED;
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, 0);
    assert_int_equal(w->pair.delivery.repeated, 1);
    assert_int_equal(w->pair.delivery.delivered, 2);
    assert_int_equal(w->pair.delivery.rejected, 0);
    assert_dead(w, "a0 ");
    assert_cursor(w, "there", 2);
}

static void nor_is_it_behind_a_restart(void **state) {
    struct world *w = keeps_positions(state);
    give_page(w, "a", "there");
    w->script.sync = -EIO;
    delivery_run(&w->pair);
    pair_fini(&w->pair);
    w->pair = a_pair(w);
    assert_int_equal(pair_load(&w->pair, w->store, NULL), 0);
    w->script.sync = 0;
    w->script.verdict = SINK_DELIVERED;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.repeated, 1);
    assert_int_equal(w->script.durable, 2);
    assert_dead(w, "a0 ");
}

static void nor_by_a_window_or_by_polling_behind_it(void **state) {
    struct world *w = keeps_positions(state);
    begin_window(w, first_ms(), first_ms() + 100);
    w->script.sync = -EIO;
    deliver_window(w, "a", "there");
    assert_true(w->pair.had);
    w->script.sync = 0;
    w->script.verdict = SINK_DELIVERED;
    deliver_window(w, "a", "there");
    assert_int_equal(w->window.delivery.repeated, 1);
    deliver_polled(w, "a", "further");
    assert_int_equal(w->pair.delivery.repeated, 3);
    assert_int_equal(w->script.durable, 2);
    assert_dead(w, "a0 ");
}

static void other_sinks_commit_them_with_the_page(void **state) {
    struct world *w = *state;
    w->script.verdict = SINK_REJECTED;
    give_page(w, "a", "there");
    w->script.sync = -EIO;
    delivery_run(&w->pair);
    assert_false(w->pair.delivery.dead_recorded);
    assert_dead(w, "");
}

static void what_cannot_be_mapped_is_a_dead_letter_once(void **state) {
    struct world *w = *state;
    AUTO_FINI(buf) struct buf extra = buf_make(1 << 16);
    add_deep(&extra, "deep", "");
    for (int i = 0; i < 2; i++) {
        give_typed_page(w, page_form_bit(ECS_FORM_ECS), buf_z(&extra));
        delivery_run(&w->pair);
        assert_int_equal(w->pair.delivery.error, 0);
        assert_int_equal(w->pair.delivery.dead, i == 0);
    }
    assert_dead(w, "deep ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        in_a_world(what_is_refused_is_on_record_before_the_sink_commits),
        in_a_world(what_was_refused_is_not_refused_again),
        in_a_world(nor_is_it_behind_a_restart),
        in_a_world(nor_by_a_window_or_by_polling_behind_it),
        in_a_world(other_sinks_commit_them_with_the_page),
        in_a_world(what_cannot_be_mapped_is_a_dead_letter_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
