// SPDX-License-Identifier: Apache-2.0
// An output that keeps the positions of its pairs itself: they are known before anything is asked,
// and another collector's take the place of ours.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "watched.h"

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

static const int64_t day_ms = TIME_DAY_MS;

static void begin(struct watched *w, void **state) {
    watched_begin(w, state);
    w->types[0].positions = probe_positions;
    w->types[0].remembered = probe_remembered;
    w->types[0].waits = true;
    w->source.output_count = 1;
}

// A cursor that leads to a page; good until the next test.
static struct str cursor(struct watched *w, int page, const char *suffix) {
    static char texts[PAGES][256];
    snprintf(texts[page], sizeof texts[page], "%s?after=%d%s", w->url, page, suffix);
    return str_from(texts[page]);
}

static struct sink_position polled(struct watched *w, int page) {
    return (struct sink_position){
        .source = STR("acme"), .next = cursor(w, page, ""), .published_ms = 1767323045678};
}

static bool has_been_tried(struct watched *w) {
    return probe_get(&w->probes[0], &w->probes[0].opened) >= 4;
}

static void nothing_is_asked_before_the_output_has_been_there(void **state) {
    struct watched w;
    begin(&w, state);
    set_three_pages(&w);
    w.once = false;
    w.probes[0].opens_to_fail = FAILURES_FOREVER;
    w.until = has_been_tried;
    watched_run(&w);
    assert_int_equal(w.server.asked, 0);
    assert_string_equal(output_stats(&w, 0).complaint, "output.failed");
    assert_false(pair_stats(&w, 0).caught_up);
    watched_stop(&w);
    watched_end(&w);
}

static void others_begin_without_it(void **state) {
    struct watched w;
    begin(&w, state);
    set_three_pages(&w);
    w.source.output_count = 2;
    w.probes[0].opens_to_fail = FAILURES_FOREVER;
    watched_run(&w);
    expect_taken(&w, 0, ""); // given up
    expect_taken(&w, 1, "u1 u2 u3 ");
    assert_true(pair_stats(&w, 0).stopped);
    watched_stop(&w);
    assert_true(w.failed);
    watched_end(&w);
}

static void when_it_is_there_its_pair_begins(void **state) {
    struct watched w;
    begin(&w, state);
    set_three_pages(&w);
    w.probes[0].opens_to_fail = ONCE_FEW_TRIES - 1;
    watched_run(&w);
    expect_taken(&w, 0, "u1 u2 u3 ");
    assert_null(output_stats(&w, 0).complaint);
    assert_int_equal(log_count(&w, "output.recovered"), 1);
    assert_int_equal(log_count(&w, "output.joined"), 0);
    watched_stop(&w);
    assert_false(w.failed);
    watched_end(&w);
}

static void a_new_pair_goes_on_where_another_collector_stood(void **state) {
    struct watched w;
    begin(&w, state);
    set_three_pages(&w);
    const struct sink_position there[] = {polled(&w, 2)};
    w.probes[0].positions = there;
    w.probes[0].position_count = LEN(there);
    watched_run(&w);
    expect_taken(&w, 0, "u3 ");
    assert_int_equal(log_count(&w, "output.joined"), 1);
    assert_true(scripted_saw(&w.server, 0, "after=2"));
    watched_stop(&w);
    watched_end(&w);
}

// It has been at work here, then another one was, then it is again.
static void a_pair_that_is_known_goes_on_where_another_collector_stood(void **state) {
    struct watched w;
    begin(&w, state);
    set_page(&w, 0, "a:u1", 1);
    set_page(&w, 1, "", 1);
    watched_run(&w);
    watched_stop(&w);
    expect_taken(&w, 0, "u1 ");
    set_page(&w, 1, "a:u2", 2);
    set_page(&w, 2, "a:u3", 3);
    set_page(&w, 3, "", 3);
    const struct sink_position there[] = {polled(&w, 2)};
    w.probes[0].positions = there;
    w.probes[0].position_count = LEN(there);
    w.probes[0].is_ours = false;
    watched_run(&w);
    watched_stop(&w);
    expect_taken(&w, 0, "u1 u3 ");
    watched_end(&w);
}

static void without_another_one_it_goes_on_where_it_stood(void **state) {
    struct watched w;
    begin(&w, state);
    set_page(&w, 0, "a:u1", 1);
    set_page(&w, 1, "", 1);
    watched_run(&w);
    watched_stop(&w);
    const struct sink_position there[] = {polled(&w, 0)};
    w.probes[0].positions = there;
    w.probes[0].position_count = LEN(there); // but they are ours
    set_page(&w, 1, "a:u2", 2);
    set_page(&w, 2, "", 2);
    watched_run(&w);
    watched_stop(&w);
    expect_taken(&w, 0, "u1 u2 ");
    watched_end(&w);
}

// ---- windows

static int write_down(void *ctx, const struct store_window *w) {
    buf_addf(ctx, "%lld-%lld%s ", (long long)w->since_ms, (long long)w->until_ms,
             w->done ? "!" : "");
    return 0;
}

static void expect_windows(struct watched *w, const char *wanted) {
    AUTO_FINI(buf) struct buf got = buf_make(4096);
    assert_int_equal(store_windows(w->store, write_down, &got, NULL), 0);
    assert_string_equal(got.n ? buf_z(&got) : "", wanted);
}

static bool was_asked(const struct watched *w, const char *what) {
    for (size_t i = 0; i < w->server.asked; i++)
        if (scripted_saw(&w->server, i, what)) return true;
    return false;
}

// Of the three days before it began to poll, the first is done, the second is half done, and of the
// third nothing is known.
static void windows_go_on_and_what_nobody_has_had_is_fetched(void **state) {
    struct watched w;
    begin(&w, state);
    int64_t start_ms = time_now_ms() - day_ms;
    set_published(&w, start_ms - day_ms - 1000); // the second window's
    w.bounded = true;
    set_page(&w, 4, "a:h1", 5);
    set_page(&w, 5, "a:h2", -1);
    set_published(&w, start_ms - 1000); // the third's
    set_page(&w, PAGES - 2, "a:h3", 5);
    w.bounded = false;
    set_page(&w, 0, "", 0);
    struct sink_position there[] = {
        polled(&w, 0),
        {.source = STR("acme"),
         .window = true,
         .since_ms = start_ms - 3 * day_ms,
         .until_ms = start_ms, // as it was before it was split
         .position_ms = start_ms - 2 * day_ms,
         .done = true},
        {.source = STR("acme"),
         .next = cursor(&w, 4, "&until=2027-01-01T00:00:00.000Z"),
         .window = true,
         .since_ms = start_ms - 2 * day_ms,
         .until_ms = start_ms - day_ms,
         .position_ms = start_ms - 2 * day_ms + 1000},
    };
    there[0].start_ms = start_ms;
    w.source.initial_interval_ms = 3 * day_ms;
    w.probes[0].positions = there;
    w.probes[0].position_count = LEN(there);
    watched_run(&w);
    watched_stop(&w);
    assert_false(w.failed);
    assert_int_equal(w.probes[0].taken, 3);
    assert_true(was_asked(&w, "after=4"));
    assert_true(was_asked(&w, "until="));
    AUTO_FINI(buf) struct buf all = buf_make(256);
    buf_addf(&all, "%lld-%lld! ", (long long)(start_ms - 3 * day_ms), (long long)start_ms);
    expect_windows(&w, buf_z(&all)); // melted into one
    watched_end(&w);
}

static void positions_of_another_journal_mean_nothing(void **state) {
    struct watched w;
    begin(&w, state);
    const struct sink_position there[] = {{.source = STR("gate"), .next = STR("500")}};
    w.source = (struct watch_source_opts){
        .name = "gate", .journal = true, .outputs = w.chosen, .output_count = 1};
    w.probes[0].positions = there;
    w.probes[0].position_count = LEN(there);
    watched_run(&w);
    assert_string_equal(w.watch->sources[0].poll.pairs[0].cursor, "0");
    watched_stop(&w);
    watched_end(&w);
}

static void backfill_waits_for_it_and_knows_what_another_one_fetched(void **state) {
    struct watched w;
    int64_t now_ms = time_now_ms();
    const struct watch_backfill backfill = {.since = {.ms = now_ms - 4 * day_ms},
                                            .until = {.ms = now_ms - 2 * day_ms}};
    begin(&w, state);
    const struct sink_position there[] = {{.source = STR("acme"),
                                           .window = true,
                                           .since_ms = now_ms - 5 * day_ms,
                                           .until_ms = now_ms - day_ms,
                                           .position_ms = now_ms - day_ms,
                                           .done = true}};
    w.probes[0].positions = there;
    w.probes[0].position_count = LEN(there);
    w.probes[0].opens_to_fail = 2;
    w.backfill = &backfill;
    watched_run(&w);
    assert_int_equal(w.server.asked, 0);
    assert_int_equal(log_count(&w, "backfill.nothing_missing"), 1);
    watched_stop(&w);
    assert_false(w.failed);
    watched_end(&w);
}

static void backfill_gives_up_with_it(void **state) {
    struct watched w;
    const struct watch_backfill backfill = {.since = {.ago = true, .ms = 2 * TIME_HOUR_MS},
                                            .until = {.ago = true, .ms = TIME_HOUR_MS}};
    begin(&w, state);
    w.probes[0].opens_to_fail = FAILURES_FOREVER;
    w.backfill = &backfill;
    watched_run(&w);
    assert_false(was_asked(&w, "until="));
    watched_stop(&w);
    assert_true(w.failed);
    watched_end(&w);
}

// ---- what another collector had comes again

static struct str ids_of(const char *uuids) {
    static struct hash128 ids[8][4];
    static size_t calls;
    struct hash128 *to = ids[calls++ % 8];
    size_t n = 0;
    for (struct str rest = str_from(uuids); rest.n;) to[n++] = hash128(str_split(&rest, ' '));
    return (struct str){(const char *)to, n * sizeof *to};
}

static void refuse_cursor(struct watched *w, int page) {
    static const char answer[] =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    w->pages[page] = (struct step){.bytes = answer};
}

// Okta has forgotten the cursor, so it is asked for all that was published lately.
static void of_a_refused_cursor_nothing_is_had_twice(void **state) {
    struct watched w;
    begin(&w, state);
    set_three_pages(&w);
    refuse_cursor(&w, 5);
    const struct sink_position there[] = {polled(&w, 5)};
    const struct sink_memory theirs[] = {
        {.source = STR("acme"), .recent = ids_of("u0 u1")},
        {.source = STR("acme"), .recent = ids_of("u2"), .before_ms = 1767323045678}};
    w.probes[0].positions = there;
    w.probes[0].position_count = LEN(there);
    w.probes[0].remembered = theirs;
    w.probes[0].remembered_count = LEN(theirs);
    watched_run(&w);
    expect_taken(&w, 0, "u3 ");
    assert_true(was_asked(&w, "since="));
    watched_stop(&w);
    assert_false(w.failed);
    watched_end(&w);
}

// "since=2026-01-02T03%3A04%3A05.678Z"
static int64_t asked_since_ms(const struct watched *w) {
    AUTO_FINI(buf) struct buf text = buf_make(100);
    int64_t since_ms = 0;
    for (size_t i = 0; i < w->server.asked; i++) {
        const char *at = strstr(w->server.requests[i], "since=");
        for (at = at ? at + 6 : ""; *at && *at != '&' && *at != ' '; at++) {
            bool colon = strncmp(at, "%3A", 3) == 0;
            buf_addc(&text, colon ? ':' : *at);
            at += colon ? 2 : 0;
        }
    }
    assert_true(time_parse_iso8601(buf_str(&text), &since_ms));
    return since_ms;
}

// The memory of a busy org reaches back a minute: half of it is the way back.
static void it_goes_back_half_as_far_as_it_is_told(void **state) {
    struct watched w;
    begin(&w, state);
    set_three_pages(&w);
    refuse_cursor(&w, 5);
    int64_t newest_ms = time_now_ms() - TIME_HOUR_MS;
    struct sink_position there[] = {polled(&w, 5)};
    const struct sink_memory theirs[] = {{.source = STR("acme"),
                                          .recent = ids_of("u1 u2 u3"),
                                          .before_ms = newest_ms - TIME_MINUTE_MS}};
    there[0].published_ms = newest_ms;
    w.probes[0].positions = there;
    w.probes[0].position_count = LEN(there);
    w.probes[0].remembered = theirs;
    w.probes[0].remembered_count = LEN(theirs);
    watched_run(&w);
    expect_taken(&w, 0, "");
    assert_int_equal(asked_since_ms(&w), newest_ms - TIME_MINUTE_MS / 2);
    watched_stop(&w);
    watched_end(&w);
}

// The other one polled from a little before its beginning and died while the past was fetched: the
// window that ends there brings it once more.
static void what_it_polled_a_window_does_not_bring_again(void **state) {
    struct watched w;
    begin(&w, state);
    int64_t start_ms = time_now_ms() - day_ms;
    set_published(&w, start_ms - 1000);
    set_page(&w, 0, "", 0);
    set_page(&w, PAGES - 2, "a:h1 a:u1 a:h2", -1);
    struct sink_position there[] = {polled(&w, 0)};
    const struct sink_memory theirs[] = {{.source = STR("acme"),
                                          .had = ids_of("u1"),
                                          .first_ms = start_ms - 1000,
                                          .last_ms = start_ms - 1000,
                                          .fetched_ms = start_ms + 5}};
    there[0].start_ms = start_ms;
    w.source.initial_interval_ms = 3 * day_ms;
    w.probes[0].positions = there;
    w.probes[0].position_count = LEN(there);
    w.probes[0].remembered = theirs;
    w.probes[0].remembered_count = LEN(theirs);
    watched_run(&w);
    watched_stop(&w);
    assert_false(w.failed);
    expect_taken(&w, 0, "h1 h2 ");
    watched_end(&w);
}

// A window brought it when it was logged late; polling comes to it, too.
static void what_a_window_brought_polling_does_not_bring_again(void **state) {
    struct watched w;
    begin(&w, state);
    int64_t start_ms = time_now_ms() - day_ms;
    set_published(&w, start_ms - 2 * day_ms);
    set_page(&w, 0, "a:u1 a:u2", 1);
    set_page(&w, 1, "", 1);
    struct sink_position there[] = {polled(&w, 0),
                                    {.source = STR("acme"),
                                     .window = true,
                                     .since_ms = start_ms - 3 * day_ms,
                                     .until_ms = start_ms,
                                     .position_ms = start_ms,
                                     .done = true}};
    const struct sink_memory theirs[] = {{.source = STR("acme"),
                                          .had = ids_of("u1"),
                                          .window = true,
                                          .first_ms = start_ms - 3 * day_ms,
                                          .last_ms = start_ms - day_ms,
                                          .fetched_ms = start_ms + 5}};
    there[0].start_ms = start_ms;
    w.source.initial_interval_ms = 3 * day_ms;
    w.probes[0].positions = there;
    w.probes[0].position_count = LEN(there);
    w.probes[0].remembered = theirs;
    w.probes[0].remembered_count = LEN(theirs);
    watched_run(&w);
    watched_stop(&w);
    expect_taken(&w, 0, "u2 ");
    watched_end(&w);
}

// ---- another one comes while this one works

// While the place is closed after a failure, another collector goes on to page 3 and leaves.
static void one_that_was_elsewhere_meanwhile_joins_again(void **state) {
    struct watched w;
    begin(&w, state);
    set_page(&w, 0, "a:u1", 1);
    set_page(&w, 1, "a:u2", 2);
    set_page(&w, 2, "a:u3", 3);
    set_page(&w, 3, "a:u4", 4);
    set_page(&w, 4, "", 4);
    const struct sink_position there[] = {polled(&w, 3)};
    w.probes[0].fails_after = 1;
    w.probes[0].forgets = true;
    w.probes[0].then = there;
    watched_run(&w);
    expect_taken(&w, 0, "u1 u4 ");
    assert_int_equal(log_count(&w, "output.joined"), 1);
    watched_stop(&w);
    assert_false(w.failed);
    watched_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(nothing_is_asked_before_the_output_has_been_there),
        T(others_begin_without_it),
        T(when_it_is_there_its_pair_begins),
        T(a_new_pair_goes_on_where_another_collector_stood),
        T(a_pair_that_is_known_goes_on_where_another_collector_stood),
        T(without_another_one_it_goes_on_where_it_stood),
        T(windows_go_on_and_what_nobody_has_had_is_fetched),
        T(positions_of_another_journal_mean_nothing),
        T(backfill_waits_for_it_and_knows_what_another_one_fetched),
        T(backfill_gives_up_with_it),
        T(of_a_refused_cursor_nothing_is_had_twice),
        T(it_goes_back_half_as_far_as_it_is_told),
        T(what_it_polled_a_window_does_not_bring_again),
        T(what_a_window_brought_polling_does_not_bring_again),
        T(one_that_was_elsewhere_meanwhile_joins_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
