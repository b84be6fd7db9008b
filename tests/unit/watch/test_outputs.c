// SPDX-License-Identifier: Apache-2.0
// Several outputs, none hurting another: one that is down, one that hangs, one that is told to go
// away; what each wants; and what is told of them.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "watched.h"

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

// ---- one that hangs

// It lets it go on only when it has everything itself.
static void hang_until_the_other_has_all(struct watched *w, int all) {
    w->types[0].waits = true;
    w->probes[0].blocks = true;
    w->probes[1].tells_at = all;
    w->probes[1].other = &w->probes[0].go_on;
}

static void an_output_that_hangs_holds_up_no_other(void **state) {
    struct watched w;
    watched_begin(&w, state);
    set_three_pages(&w);
    hang_until_the_other_has_all(&w, 3);
    watched_run(&w);
    expect_taken(&w, 0, "u1 u2 u3 ");
    expect_taken(&w, 1, "u1 u2 u3 ");
    watched_stop(&w);
    assert_false(w.failed);
    watched_end(&w);
}

// Nor in the history, where pairs of a window go together: for a while.
static void nor_in_the_history(void **state) {
    struct watched w;
    const struct watch_backfill backfill = {.since = {.ago = true, .ms = 7200000},
                                            .until = {.ago = true, .ms = 3600000}};
    watched_begin(&w, state);
    w.backfill = &backfill;
    set_published(&w, time_now_ms() - 5400000);
    w.bounded = true;
    set_page(&w, PAGES - 2, "a:u1", 1);
    set_page(&w, 1, "a:u2", 2);
    set_page(&w, 2, "a:u3", -1);
    hang_until_the_other_has_all(&w, 3);
    watched_run(&w);
    expect_taken(&w, 0, "u1 u2 u3 ");
    expect_taken(&w, 1, "u1 u2 u3 ");
    watched_stop(&w);
    assert_false(w.failed);
    watched_end(&w);
}

// Nor in the past that both are to have when they are new.
static void nor_in_the_past_of_those_that_are_new(void **state) {
    struct watched w;
    watched_begin(&w, state);
    w.source.initial_interval_ms = 3 * TIME_DAY_MS;
    set_published(&w, time_now_ms() - TIME_DAY_MS);
    w.bounded = true;
    set_page(&w, PAGES - 2, "a:h1", -1);
    w.bounded = false;
    set_published(&w, time_now_ms());
    set_page(&w, 0, "a:u1", 3);
    set_page(&w, 3, "", 3);
    hang_until_the_other_has_all(&w, 2);
    watched_run(&w);
    expect_taken(&w, 0, "u1 h1 ");
    expect_taken(&w, 1, "u1 h1 ");
    watched_stop(&w);
    assert_false(w.failed);
    watched_end(&w);
}

static bool is_blocked(struct watched *w) {
    pthread_mutex_lock(&w->probes[0].lock);
    bool blocked = w->probes[0].blocked;
    pthread_mutex_unlock(&w->probes[0].lock);
    return blocked;
}

static void one_that_hangs_does_not_keep_the_watch_from_stopping(void **state) {
    struct watched w;
    watched_begin(&w, state);
    set_three_pages(&w);
    w.types[0].waits = true;
    w.probes[0].blocks = true;
    w.until = is_blocked;
    watched_run(&w);
    watched_stop(&w);
    expect_taken(&w, 0, "");
    w.probes[0].blocks = false;
    w.until = NULL;
    watched_run(&w);
    expect_taken(&w, 0, "u1 u2 u3 "); // nothing is lost by that
    watched_stop(&w);
    watched_end(&w);
}

// ---- one that fails

static void one_that_fails_is_tried_until_it_takes_its_page(void **state) {
    struct watched w;
    watched_begin(&w, state);
    set_three_pages(&w);
    w.probes[0].delivers_to_fail = 3;
    watched_run(&w);
    expect_taken(&w, 0, "u1 u2 u3 ");
    struct watch_output_stats s = output_stats(&w, 0);
    assert_int_equal(s.retries, 3);
    assert_int_equal(s.delivered, 3);
    assert_null(s.complaint);
    assert_null(s.reason);
    assert_int_equal(s.failing_since_ms, 0);
    assert_true(s.last_success_ms > 0);
    assert_true(s.deliveries >= 6);
    assert_int_equal(output_stats(&w, 1).retries, 0);
    assert_int_equal(log_count(&w, "output.failed"), 1);
    assert_int_equal(log_count(&w, "output.recovered"), 1);
    watched_stop(&w);
    watched_end(&w);
}

static bool is_failing(struct watched *w) { return output_stats(w, 0).retries > 0; }

static void it_is_left_alone_as_long_as_it_asks_for(void **state) {
    struct watched w;
    watched_begin(&w, state);
    set_three_pages(&w);
    w.probes[0].delivers_to_fail = FAILURES_FOREVER;
    w.probes[0].wait_ms = 3600000;
    w.until = is_failing;
    watched_run(&w);
    const struct pair *p = &w.watch->sources[0].poll.pairs[0];
    assert_int_equal(p->state, PAIR_RETRY);
    assert_true(p->due_mono_ms > time_mono_ms() + 3000000);
    struct watch_output_stats s = output_stats(&w, 0);
    assert_string_equal(s.complaint, "output.failed");
    assert_string_equal(s.reason, "it does not want to");
    assert_true(s.failing_since_ms > 0);
    assert_false(s.stopped);
    watched_stop(&w);
    watched_end(&w);
}

static void what_got_in_of_a_failed_page_begins_the_backoff_anew(void **state) {
    struct watched w;
    watched_begin(&w, state);
    set_three_pages(&w);
    w.probes[0].progress = true;
    w.probes[0].delivers_to_fail = 2 * ONCE_TRIES; // would be given up otherwise
    watched_run(&w);
    expect_taken(&w, 0, "u1 u2 u3 ");
    watched_stop(&w);
    assert_false(w.failed);
    watched_end(&w);
}

static void without_that_it_is_given_up_in_the_end(void **state) {
    struct watched w;
    watched_begin(&w, state);
    set_three_pages(&w);
    w.probes[0].delivers_to_fail = 2 * ONCE_TRIES;
    watched_run(&w);
    expect_taken(&w, 0, "");
    expect_taken(&w, 1, "u1 u2 u3 ");
    assert_true(pair_stats(&w, 0).stopped);
    assert_false(pair_stats(&w, 1).stopped);
    watched_stop(&w);
    assert_true(w.failed);
    watched_end(&w);
}

// What waits for the one that was given up would wait for ever.
static void what_it_has_of_the_history_is_given_up_with_it(void **state) {
    struct watched w;
    watched_begin(&w, state);
    w.source.initial_interval_ms = 3 * (int64_t)TIME_DAY_MS;
    set_published(&w, time_now_ms() - 2 * (int64_t)TIME_DAY_MS);
    set_page(&w, PAGES - 2, "a:h1", -1);
    set_page(&w, 0, "a:u1", 1);
    set_page(&w, 1, "", 1);
    w.probes[0].delivers_to_fail = FAILURES_FOREVER;
    watched_run(&w);
    expect_taken(&w, 0, "");
    assert_int_equal(probe_get(&w.probes[1], &w.probes[1].taken), 2);
    watched_stop(&w);
    assert_true(w.failed);
    watched_end(&w);
}

static void one_that_is_gone_for_good_is_never_tried_again(void **state) {
    struct watched w;
    watched_begin(&w, state);
    set_three_pages(&w);
    w.probes[0].error = -EPIPE;
    w.probes[0].delivers_to_fail = 1;
    watched_run(&w);
    struct watch_output_stats s = output_stats(&w, 0);
    assert_true(s.stopped);
    assert_string_equal(s.complaint, "output.stopped");
    assert_string_equal(s.reason, "it does not want to");
    assert_true(pair_stats(&w, 0).stopped);
    assert_int_equal(probe_get(&w.probes[0], &w.probes[0].opened), 1);
    assert_int_equal(probe_get(&w.probes[0], &w.probes[0].delivered_to), 1);
    assert_int_equal(log_count(&w, "output.stopped"), 1);
    expect_taken(&w, 1, "u1 u2 u3 ");
    watched_stop(&w);
    assert_true(w.failed);
    watched_end(&w);
}

// ---- what each wants

static const char *const only_a[] = {"a"};

static void each_output_gets_what_it_wants_in_its_form_for_the_same_requests(void **state) {
    struct watched w;
    watched_begin(&w, state);
    set_three_pages(&w);
    w.outputs[0].filter = (struct watch_filter){.event_types = only_a, .event_type_count = 1};
    w.outputs[0].form = ECS_FORM_RAW;
    watched_run(&w);
    expect_taken(&w, 0, "u1 u3 ");
    expect_taken(&w, 1, "u1 u2 u3 ");
    assert_true(str_eqz(buf_str(&w.probes[0].forms), "rr"));
    assert_true(str_eqz(buf_str(&w.probes[1].forms), "eee"));
    assert_int_equal(w.server.asked, 4);
    struct watch_pair_stats s = pair_stats(&w, 0);
    assert_int_equal(s.delivered, 2);
    assert_int_equal(s.filtered, 1);
    assert_true(s.caught_up);
    assert_true(s.committed_ms > 0);
    assert_int_equal(s.forgotten_in_ms, -1);
    assert_int_equal(output_stats(&w, 0).filtered, 1);
    watched_stop(&w);
    watched_end(&w);
}

// ---- what Okta is about to forget

// The pair of the first output is known, and had something published so many days ago.
static void stands_for_days(struct watched *w, int64_t days) {
    AUTO_FINI(buf) struct buf next = buf_make(256);
    buf_addf(&next, "%s?after=0", w->url);
    const struct store_commit c = {.source = STR("acme"),
                                   .output = str_from(w->names[0]),
                                   .next = buf_str(&next),
                                   .published_ms = time_now_ms() - days * TIME_DAY_MS,
                                   .recent_max = 10};
    assert_int_equal(store_commit(w->store, &c, NULL), 0);
}

static bool has_failed_often(struct watched *w) { return output_stats(w, 0).retries > 3; }

static void run_dead_for_days(struct watched *w, void **state, int64_t days) {
    watched_begin(w, state);
    set_three_pages(w);
    stands_for_days(w, days);
    w->once = false;
    w->probes[0].opens_to_fail = FAILURES_FOREVER;
    w->until = has_failed_often;
}

static void who_is_down_and_far_behind_is_warned_of_once(void **state) {
    struct watched w;
    run_dead_for_days(&w, state, 80);
    watched_run(&w);
    int64_t left_ms = pair_stats(&w, 0).forgotten_in_ms;
    assert_true(left_ms > 9 * TIME_DAY_MS && left_ms <= 10 * TIME_DAY_MS);
    assert_int_equal(log_count(&w, "output.forgotten_soon"), 1);
    watched_stop(&w);
    watched_end(&w);
}

static void who_is_down_and_about_to_lose_something_is_an_error(void **state) {
    struct watched w;
    run_dead_for_days(&w, state, 89);
    w.log.level = LOG_ERROR;
    watched_run(&w);
    assert_int_equal(log_count(&w, "output.forgotten_soon"), 1);
    watched_stop(&w);
    watched_end(&w);
}

static void who_is_down_and_not_far_behind_is_not_warned_of(void **state) {
    struct watched w;
    run_dead_for_days(&w, state, 70);
    watched_run(&w);
    assert_int_equal(log_count(&w, "output.forgotten_soon"), 0);
    watched_stop(&w);
    watched_end(&w);
}

static void a_quiet_log_is_not_far_behind(void **state) {
    struct watched w;
    run_dead_for_days(&w, state, 89);
    const struct store_stand stand = {.source = STR("acme"),
                                      .output = str_from(w.names[0]),
                                      .at_ms = time_now_ms() - TIME_DAY_MS,
                                      .caught_up = true};
    const struct store_noted noted = {.stands = &stand, .stand_count = 1};
    assert_int_equal(store_noted_put(w.store, &noted, NULL), 0);
    watched_run(&w);
    assert_true(pair_stats(&w, 0).forgotten_in_ms > 88 * (int64_t)TIME_DAY_MS);
    assert_int_equal(log_count(&w, "output.forgotten_soon"), 0);
    watched_stop(&w);
    watched_end(&w);
}

// ---- what is written down

struct found {
    bool failed, behind, caught_up;
    const char *first;
};

static int note_output(void *ctx, const struct store_output *o) {
    struct found *f = ctx;
    if (str_eqz(o->output, f->first))
        f->failed = str_eqz(o->complaint, "output.failed") && o->reason.n > 0 && o->retries > 0 &&
                    o->failing_since_ms > 0;
    return 0;
}

static int note_stand(void *ctx, const struct store_stand *t) {
    struct found *f = ctx;
    if (str_eqz(t->output, f->first)) f->behind = !t->caught_up && t->forgotten_in_ms >= 0;
    else f->caught_up = t->caught_up && t->forgotten_in_ms == -1;
    return 0;
}

static bool is_written(struct watched *w) {
    struct found f = {.first = w->names[0]};
    assert_int_equal(store_outputs(w->store, note_output, &f, NULL), 0);
    assert_int_equal(store_stands(w->store, note_stand, &f, NULL), 0);
    return f.failed && f.behind && f.caught_up;
}

static void how_the_outputs_are_is_written_down(void **state) {
    struct watched w;
    watched_begin(&w, state);
    set_three_pages(&w);
    w.once = false;
    w.probes[0].opens_to_fail = FAILURES_FOREVER;
    w.until = is_written;
    watched_run(&w);
    watched_stop(&w);
    watched_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(an_output_that_hangs_holds_up_no_other),
        T(nor_in_the_history),
        T(nor_in_the_past_of_those_that_are_new),
        T(one_that_hangs_does_not_keep_the_watch_from_stopping),
        T(one_that_fails_is_tried_until_it_takes_its_page),
        T(it_is_left_alone_as_long_as_it_asks_for),
        T(what_got_in_of_a_failed_page_begins_the_backoff_anew),
        T(without_that_it_is_given_up_in_the_end),
        T(what_it_has_of_the_history_is_given_up_with_it),
        T(one_that_is_gone_for_good_is_never_tried_again),
        T(each_output_gets_what_it_wants_in_its_form_for_the_same_requests),
        T(who_is_down_and_far_behind_is_warned_of_once),
        T(who_is_down_and_about_to_lose_something_is_an_error),
        T(who_is_down_and_not_far_behind_is_not_warned_of),
        T(a_quiet_log_is_not_far_behind),
        T(how_the_outputs_are_is_written_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
