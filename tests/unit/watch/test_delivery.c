// SPDX-License-Identifier: Apache-2.0
// What one page, one pair and one output make of each other when things go wrong: the page is in
// the sink and the cursor behind it, or neither.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "delivering.h"

static void a_delivered_page_moves_the_cursor_and_is_remembered(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, 0);
    assert_int_equal(w->pair.delivery.delivered, 3);
    assert_int_equal(w->script.durable, 3);
    assert_cursor(w, "there", 3);
    assert_true(recent_has(&w->pair.recent, w->pair.page->events[2].id));
}

static void a_new_pair_is_on_record_before_anything_is_delivered(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    assert_string_equal(w->script.start_seen, "here");
}

static void what_came_before_is_not_delivered_again(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    give_page(w, "a", "further");
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.repeated, 3);
    assert_int_equal(w->pair.delivery.delivered, 0);
    assert_int_equal(w->script.durable, 3);
    assert_cursor(w, "further", 3);
}

static void what_the_output_had_already_counts_as_repeated(void **state) {
    struct world *w = *state;
    w->script.repeated = true;
    w->script.verdict = SINK_REJECTED;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.taken, 2);
    assert_int_equal(w->pair.delivery.delivered, 1);
    assert_int_equal(w->pair.delivery.repeated, 1);
    assert_int_equal(w->pair.delivery.rejected, 1);
    assert_cursor(w, "there", 2);
}

static void what_came_before_is_known_after_a_restart_too(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    pair_fini(&w->pair);
    w->pair = a_pair(w);
    assert_int_equal(pair_load(&w->pair, w->store, NULL), 0);
    assert_string_equal(w->pair.cursor, "there");
    give_page(w, "a", "further");
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.repeated, 3);
}

static void assert_nothing_happened(struct world *w, int error) {
    assert_int_equal(w->pair.delivery.error, error);
    assert_string_not_equal(w->pair.delivery.fault.text, "");
    assert_int_equal(w->script.rolled_back, 1);
    assert_int_equal(w->script.taken, 0);
    assert_int_equal(w->script.durable, 0);
    assert_cursor(w, "here", 0);
    assert_false(recent_has(&w->pair.recent, w->pair.page->events[0].id));
}

static void a_failed_delivery_is_taken_back(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    w->script.deliver = -ENOSPC;
    delivery_run(&w->pair);
    assert_nothing_happened(w, -ENOSPC);
}

static void a_failed_sync_is_taken_back(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    w->script.sync = -EIO;
    delivery_run(&w->pair);
    assert_nothing_happened(w, -EIO);
}

static void one_document_to_be_retried_takes_the_page_back(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    w->script.verdict = SINK_RETRY;
    delivery_run(&w->pair);
    assert_nothing_happened(w, -EAGAIN);
}

static void the_next_try_delivers_everything(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    w->script.sync = -EIO;
    delivery_run(&w->pair);
    w->script.sync = 0;
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, 0);
    assert_int_equal(w->script.durable, 3);
    assert_cursor(w, "there", 3);
}

static void a_commit_that_fails_takes_the_page_back(void **state) {
    struct world *w = *state;
    struct store *readable = NULL;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    assert_int_equal(store_open(&readable, w->dir, STORE_READ, NULL), 0);
    give_page(w, "b", "further");
    w->watch.opts.store = readable; // refuses to be written to
    delivery_run(&w->pair);
    w->watch.opts.store = w->store;
    readable = store_free(readable);
    assert_true(w->pair.delivery.error < 0);
    assert_int_equal(w->script.rolled_back, 1);
    assert_int_equal(w->script.durable, 3);
    assert_cursor(w, "there", 3);
}

static void a_sink_that_cannot_go_back_is_opened_again_at_its_mark(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    give_page(w, "b", "further");
    w->script.sync = -EIO;
    w->script.rollback = -EIO;
    delivery_run(&w->pair);
    assert_int_equal(w->script.freed, 1);
    w->script.sync = 0;
    w->script.taken = 0;
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, 0);
    assert_int_equal(w->script.opened, 2);
    assert_string_equal(w->script.mark_seen, "3");
    assert_cursor(w, "further", 6);
}

static int count_dead(void *ctx, const struct store_dead_row *row) {
    struct world *w = ctx;
    assert_true(str_eqz(row->reason, "not wanted"));
    assert_true(str_eqz(row->uuid, "a0"));
    assert_true(str_eq(row->event, w->pair.page->events[0].text));
    w->script.taken += 100;
    return 0;
}

static void a_rejected_document_is_a_dead_letter_and_holds_up_nobody(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    w->script.verdict = SINK_REJECTED;
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, 0);
    assert_int_equal(w->pair.delivery.rejected, 1);
    assert_int_equal(w->pair.delivery.delivered, 2);
    assert_cursor(w, "there", 2);
    assert_int_equal(store_dead_each(w->store, count_dead, w, NULL), 0);
    assert_int_equal(w->script.taken, 100);
}

static void an_output_that_cannot_be_opened_leaves_everything_as_it_is(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    w->script.open = -ENOENT;
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, -ENOENT);
    assert_cursor(w, "", 0);
}

// ---- what the sink is told ----

static void a_sink_is_told_where_the_pair_will_stand(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    w->pair.start_ms = w->pair.begin.start_ms = 77;
    delivery_run(&w->pair);
    assert_true(w->script.told);
    assert_string_equal(w->script.at_source, "acme");
    assert_string_equal(w->script.at_next, "there");
    assert_int_equal(w->script.at.published_ms, w->pair.page->newest_ms);
    assert_int_equal(w->script.at.start_ms, 77);
    assert_false(w->script.at.window);
}

static bool is_id(struct str ids, size_t i, struct hash128 id) {
    assert_true(ids.n >= (i + 1) * sizeof id);
    return memcmp(ids.p + i * sizeof id, &id, sizeof id) == 0;
}

static void a_sink_is_told_what_will_be_remembered(void **state) {
    struct world *w = *state;
    const struct sink_memory *m = &w->script.memory;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    assert_int_equal(m->recent.n, 3 * sizeof(struct hash128));
    for (size_t i = 0; i < 3; i++) assert_true(is_id(m->recent, i, w->pair.page->events[i].id));
    assert_int_equal(m->before_ms, 0);
    assert_int_equal(m->had.n, 0);
    assert_int_equal(m->forget_ms, 0);
    give_page(w, "b", "further");
    w->pair.published_ms = 77;
    w->pair.page->caught_up = true;
    delivery_run(&w->pair);
    assert_int_equal(m->before_ms, 77);
    assert_int_equal(m->forget_ms, w->pair.page->newest_ms - SETTLED_MS);
}

// Published before the pair began to poll: a window may bring it, too.
static void a_sink_is_told_what_a_window_may_bring_again(void **state) {
    struct world *w = *state;
    const struct sink_memory *m = &w->script.memory;
    give_page(w, "a", "there");
    w->pair.start_ms = w->pair.begin.start_ms = first_ms() + 2;
    w->pair.page->date_ms = 99;
    delivery_run(&w->pair);
    assert_int_equal(m->recent.n, 3 * sizeof(struct hash128));
    assert_int_equal(m->had.n, 2 * sizeof(struct hash128));
    assert_true(is_id(m->had, 1, w->pair.page->events[1].id));
    assert_false(m->window);
    assert_int_equal(m->first_ms, first_ms());
    assert_int_equal(m->last_ms, first_ms() + 1);
    assert_int_equal(m->fetched_ms, 99);
}

static void a_sink_is_told_what_polling_may_bring_again(void **state) {
    struct world *w = *state;
    const struct sink_memory *m = &w->script.memory;
    begin_window(w, first_ms(), first_ms() + 100);
    deliver_window(w, "a", "there");
    assert_int_equal(m->recent.n, 0);
    assert_int_equal(m->had.n, 3 * sizeof(struct hash128));
    assert_true(m->window);
    assert_int_equal(m->last_ms, first_ms() + 2);
    assert_int_equal(m->forget_ms, 0);
}

static void a_sink_is_told_which_stream_a_document_belongs_to(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    assert_string_equal(w->script.streams,
                        "okta.system default okta.system default okta.system default ");
}

static void what_a_failed_try_says_of_itself_is_handed_on(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    w->script.deliver = -EAGAIN;
    w->script.progress = true;
    w->script.wait_ms = 1234;
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, -EAGAIN);
    assert_true(w->pair.delivery.progress);
    assert_int_equal(w->pair.delivery.wait_ms, 1234);
}

// ---- filters ----

static const char *const only_odd[] = {"odd"};

static void want_odd_ones(struct world *w) {
    w->output_opts.filter = (struct watch_filter){.event_types = only_odd, .event_type_count = 1};
}

static void what_an_output_does_not_want_passes_it_by(void **state) {
    struct world *w = *state;
    want_odd_ones(w);
    give_typed_page(w, 0, "");
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.delivered, 1);
    assert_int_equal(w->pair.delivery.filtered, 2);
    assert_int_equal(w->script.durable, 1);
    assert_cursor(w, "there", 1);
    for (size_t i = 0; i < 3; i++)
        assert_true(recent_has(&w->pair.recent, w->pair.page->events[i].id));
}

static void a_page_of_which_nothing_is_wanted_moves_the_cursor_alone(void **state) {
    struct world *w = *state;
    want_odd_ones(w);
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, 0);
    assert_int_equal(w->pair.delivery.filtered, 3);
    assert_false(w->script.told);
    assert_cursor(w, "there", 0);
}

static void a_dead_letter_of_a_type_that_is_not_wanted_is_none(void **state) {
    struct world *w = *state;
    AUTO_FINI(buf) struct buf extra = buf_make(1 << 16);
    add_deep(&extra, "d1", "\"eventType\":\"even\",");
    add_deep(&extra, "d2", "\"eventType\":\"odd\",");
    add_deep(&extra, "d3", "");
    want_odd_ones(w);
    give_typed_page(w, 0, buf_z(&extra));
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.dead, 2);
    assert_int_equal(w->pair.delivery.filtered, 3);
    assert_string_not_equal(w->pair.delivery.dead_reason.text, "");
    assert_dead(w, "d2 d3 ");
}

// ---- forms ----

enum { BOTH = 1 << ECS_FORM_ECS | 1 << ECS_FORM_RAW };

static void an_output_is_given_the_form_that_it_wants(void **state) {
    struct world *w = *state;
    give_typed_page(w, BOTH, "");
    w->output_opts.form = ECS_FORM_RAW;
    delivery_run(&w->pair);
    assert_non_null(strstr(w->script.documents, "\"message\":"));
    assert_int_equal(w->script.durable, 3);
}

static void what_cannot_be_had_in_one_form_is_no_dead_letter_of_another(void **state) {
    struct world *w = *state;
    AUTO_FINI(buf) struct buf extra = buf_make(1 << 16);
    add_deep(&extra, "d1", "");
    give_typed_page(w, BOTH, buf_z(&extra));
    w->output_opts.form = ECS_FORM_RAW;
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.delivered, 4);
    assert_dead(w, "");
    pair_fini(&w->pair);
    w->pair = a_pair(w);
    give_typed_page(w, BOTH, buf_z(&extra));
    w->output_opts.form = ECS_FORM_ECS;
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.delivered, 3);
    assert_int_equal(w->pair.delivery.dead, 1);
    assert_dead(w, "d1 ");
}

// ---- windows of the history ----

static void a_page_of_a_window_moves_the_window_and_not_the_cursor(void **state) {
    struct world *w = *state;
    begin_window(w, first_ms(), first_ms() + 100);
    deliver_window(w, "a", "there");
    assert_int_equal(w->window.delivery.error, 0);
    assert_int_equal(w->window.delivery.delivered, 3);
    assert_false(w->window.delivery.done);
    assert_int_equal(w->window.delivery.position_ms, first_ms() + 2);
    assert_cursor(w, "poll", 3);
}

static void a_sink_is_told_where_a_window_will_stand(void **state) {
    struct world *w = *state;
    begin_window(w, first_ms(), first_ms() + 100);
    deliver_window(w, "a", "there");
    assert_true(w->script.at.window);
    assert_int_equal(w->script.at.since_ms, first_ms());
    assert_int_equal(w->script.at.until_ms, first_ms() + 100);
    assert_int_equal(w->script.at.position_ms, first_ms() + 2);
    assert_string_equal(w->script.at_next, "there");
    assert_false(w->script.at.done);
    deliver_window(w, "b", NULL);
    assert_true(w->script.at.done);
    assert_null(w->script.at.next.p);
}

static void a_window_is_done_at_the_page_without_a_next_link(void **state) {
    struct world *w = *state;
    begin_window(w, first_ms(), first_ms() + 100);
    deliver_window(w, "a", NULL);
    assert_true(w->window.delivery.done);
}

static void what_is_outside_of_a_window_is_left_to_another(void **state) {
    struct world *w = *state;
    begin_window(w, first_ms() + 1, first_ms() + 2);
    deliver_window(w, "a", "there");
    assert_int_equal(w->window.delivery.delivered, 1);
    assert_int_equal(w->window.delivery.repeated, 0);
    assert_true(w->window.delivery.done);
    assert_int_equal(w->script.durable, 1);
}

static void what_polling_brought_late_a_window_does_not_bring_again(void **state) {
    struct world *w = *state;
    begin_window(w, first_ms(), first_ms() + 2);
    deliver_polled(w, "a", "further");
    assert_int_equal(w->pair.delivery.delivered, 3);
    deliver_window(w, "a", "there");
    assert_int_equal(w->window.delivery.repeated, 2);
    assert_int_equal(w->window.delivery.delivered, 0);
    assert_int_equal(w->script.durable, 3);
}

static void what_a_window_brought_polling_does_not_bring_again(void **state) {
    struct world *w = *state;
    begin_window(w, first_ms(), first_ms() + 100);
    deliver_window(w, "a", "there");
    assert_true(w->pair.had);
    deliver_polled(w, "a", "further");
    assert_int_equal(w->pair.delivery.repeated, 3);
    assert_int_equal(w->script.durable, 3);
    assert_true(recent_has(&w->pair.recent, w->pair.page->events[0].id));
}

static void a_window_that_is_asked_again_knows_what_it_had(void **state) {
    struct world *w = *state;
    begin_window(w, first_ms(), first_ms() + 100);
    deliver_window(w, "a", "there");
    deliver_window(w, "a", "there");
    assert_int_equal(w->window.delivery.repeated, 3);
    assert_int_equal(w->script.durable, 3);
}

static void a_window_that_was_split_meanwhile_is_not_moved(void **state) {
    struct world *w = *state;
    begin_window(w, first_ms(), first_ms() + 100);
    int64_t fresh;
    assert_int_equal(
        store_windows_split(w->store, &w->window.window.id, 1, first_ms() + 1, &fresh, NULL), 0);
    deliver_window(w, "a", "there");
    assert_int_equal(w->window.delivery.error, -ESTALE);
    assert_int_equal(w->script.durable, 0);
    assert_int_equal(w->script.rolled_back, 1);
}

static void a_new_pair_is_on_record_with_its_windows(void **state) {
    struct world *w = *state;
    w->pair.is_new = true;
    w->pair.start_ms = w->pair.begin.start_ms = first_ms() + 1;
    assert_int_equal(range_missing(&w->pair.begin.windows,
                                   (struct store_range){first_ms() - 1000, first_ms() + 1}, NULL,
                                   0),
                     0);
    deliver_polled(w, "a", "there");
    assert_true(w->pair.delivery.begun);
    AUTO_FINI(store_cursor) struct store_cursor cursor = {0};
    assert_int_equal(store_cursor_load(w->store, source_name(w->pair.source),
                                       str_from(w->pair.output->opts->name), &cursor, NULL),
                     0);
    assert_int_equal(cursor.start_ms, first_ms() + 1);
    AUTO_FINI(range_list) struct range_list there = {0};
    assert_int_equal(history_on_record(w->store, &w->pair, &there, NULL), 0);
    assert_int_equal(there.n, 1);
    assert_int_equal(there.p[0].since_ms, first_ms() - 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        in_a_world(a_delivered_page_moves_the_cursor_and_is_remembered),
        in_a_world(a_new_pair_is_on_record_before_anything_is_delivered),
        in_a_world(what_came_before_is_not_delivered_again),
        in_a_world(what_the_output_had_already_counts_as_repeated),
        in_a_world(what_came_before_is_known_after_a_restart_too),
        in_a_world(a_failed_delivery_is_taken_back),
        in_a_world(a_failed_sync_is_taken_back),
        in_a_world(one_document_to_be_retried_takes_the_page_back),
        in_a_world(the_next_try_delivers_everything),
        in_a_world(a_commit_that_fails_takes_the_page_back),
        in_a_world(a_sink_that_cannot_go_back_is_opened_again_at_its_mark),
        in_a_world(a_rejected_document_is_a_dead_letter_and_holds_up_nobody),
        in_a_world(an_output_that_cannot_be_opened_leaves_everything_as_it_is),
        in_a_world(a_page_of_a_window_moves_the_window_and_not_the_cursor),
        in_a_world(a_window_is_done_at_the_page_without_a_next_link),
        in_a_world(what_is_outside_of_a_window_is_left_to_another),
        in_a_world(what_polling_brought_late_a_window_does_not_bring_again),
        in_a_world(what_a_window_brought_polling_does_not_bring_again),
        in_a_world(a_window_that_is_asked_again_knows_what_it_had),
        in_a_world(a_window_that_was_split_meanwhile_is_not_moved),
        in_a_world(a_new_pair_is_on_record_with_its_windows),
        in_a_world(a_sink_is_told_where_the_pair_will_stand),
        in_a_world(a_sink_is_told_what_will_be_remembered),
        in_a_world(a_sink_is_told_what_a_window_may_bring_again),
        in_a_world(a_sink_is_told_what_polling_may_bring_again),
        in_a_world(a_sink_is_told_which_stream_a_document_belongs_to),
        in_a_world(what_a_failed_try_says_of_itself_is_handed_on),
        in_a_world(what_an_output_does_not_want_passes_it_by),
        in_a_world(a_page_of_which_nothing_is_wanted_moves_the_cursor_alone),
        in_a_world(a_dead_letter_of_a_type_that_is_not_wanted_is_none),
        in_a_world(an_output_is_given_the_form_that_it_wants),
        in_a_world(what_cannot_be_had_in_one_form_is_no_dead_letter_of_another),
        in_a_world(a_sink_is_told_where_a_window_will_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
