// SPDX-License-Identifier: Apache-2.0
// What another state has left takes the place of what is on record, window by window.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "store/history.h"
#include "store/scratch.h"

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

static struct store *open_ok(void **state) {
    struct store *s = NULL;
    struct fault fault = {{0}};
    if (store_open(&s, scratch_path(*state, "st"), STORE_WRITE, &fault)) fail_msg("%s", fault.text);
    return s;
}

static struct store_stood polled(const char *next, int64_t published_ms, int64_t start_ms) {
    return (struct store_stood){.source = STR("acme"),
                                .next = str_from(next),
                                .published_ms = published_ms,
                                .start_ms = start_ms};
}

static struct store_stood window(int64_t since_ms, int64_t until_ms, int64_t position_ms) {
    return (struct store_stood){.source = STR("acme"),
                                .next = STR("theirs"),
                                .window = true,
                                .since_ms = since_ms,
                                .until_ms = until_ms,
                                .position_ms = position_ms};
}

static struct store_stood done(int64_t since_ms, int64_t until_ms) {
    struct store_stood w = window(since_ms, until_ms, until_ms);
    w.next = STR_NONE;
    w.done = true;
    return w;
}

static struct store_stood missing(int64_t since_ms, int64_t until_ms) {
    struct store_stood w = window(since_ms, until_ms, since_ms);
    w.next = STR_NONE;
    w.missing = true;
    return w;
}

static int join(struct store *s, const struct store_stood *rows, size_t n) {
    const struct store_join j = {.output = STR("kafka"), .now_ms = 5, .rows = rows, .n = n};
    return store_join(s, &j, NULL);
}

static int64_t begin(struct store *s, int64_t since_ms, int64_t until_ms) {
    int64_t id = 0;
    const struct store_range range = {since_ms, until_ms};
    const struct store_begin b = {.source = STR("acme"),
                                  .output = STR("kafka"),
                                  .next = STR("ours"),
                                  .start_ms = until_ms,
                                  .windows = &range,
                                  .window_count = 1};
    assert_int_equal(store_begin(s, &b, &id, NULL), 0);
    return id;
}

static void move(struct store *s, int64_t id, int64_t position_ms, int64_t until_ms, bool is_done) {
    const struct store_commit c = {.source = STR("acme"),
                                   .output = STR("kafka"),
                                   .recent_max = 10,
                                   .window = {.id = id,
                                              .position_ms = position_ms,
                                              .until_ms = until_ms,
                                              .next = is_done ? STR_NONE : STR("mine"),
                                              .done = is_done}};
    assert_int_equal(store_commit(s, &c, NULL), 0);
}

// "since-until@position:next" or "since-until!", in order.
static int write_down(void *ctx, const struct store_window *w) {
    struct buf *out = ctx;
    buf_addf(out, "%s%lld-%lld", out->n ? " " : "", (long long)w->since_ms, (long long)w->until_ms);
    if (w->done) buf_addz(out, "!");
    else buf_addf(out, "@%lld:%.*s", (long long)w->position_ms, STR_ARG(w->next));
    return 0;
}

static void assert_windows(struct store *s, const char *wanted) {
    AUTO_FINI(buf) struct buf got = buf_make(4096);
    assert_int_equal(store_windows(s, write_down, &got, NULL), 0);
    assert_string_equal(got.n ? buf_z(&got) : "", wanted);
}

static void assert_cursor(struct store *s, const char *next, int64_t published_ms,
                          int64_t start_ms) {
    AUTO_FINI(store_cursor) struct store_cursor c = {0};
    assert_int_equal(store_cursor_load(s, STR("acme"), STR("kafka"), &c, NULL), 0);
    assert_string_equal(c.next ? c.next : "", next);
    assert_int_equal(c.published_ms, published_ms);
    assert_int_equal(c.start_ms, start_ms);
}

static void a_pair_that_is_not_known_is_put_on_record(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    const struct store_stood rows[] = {polled("theirs", 77, 50), window(10, 20, 15), done(20, 50)};
    assert_int_equal(join(s, rows, LEN(rows)), 0);
    assert_cursor(s, "theirs", 77, 50);
    assert_windows(s, "10-20@15:theirs 20-50!");
}

static void a_cursor_is_replaced_and_what_is_not_told_stays(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    begin(s, 100, 200);
    const struct store_stood first = polled("theirs", 300, 0);
    assert_int_equal(join(s, &first, 1), 0);
    assert_cursor(s, "theirs", 300, 200);
    const struct store_stood second = polled(NULL, 0, 250);
    assert_int_equal(join(s, &second, 1), 0);
    assert_cursor(s, "theirs", 300, 250);
    assert_windows(s, "100-200@100:");
}

static void a_window_replaces_the_part_of_ours_that_it_covers(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    int64_t id = begin(s, 100, 200);
    move(s, id, 120, 200, false);
    const struct store_stood rows[] = {window(140, 160, 150)};
    assert_int_equal(join(s, rows, LEN(rows)), 0);
    assert_windows(s, "100-140@120:mine 140-160@150:theirs 160-200@160:");
}

static void the_same_window_takes_their_position(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    int64_t id = begin(s, 100, 200);
    move(s, id, 120, 200, false);
    const struct store_stood rows[] = {window(100, 200, 180)};
    assert_int_equal(join(s, rows, LEN(rows)), 0);
    assert_windows(s, "100-200@180:theirs");
    assert_int_equal(join(s, rows, LEN(rows)), 0); // once more changes nothing
    assert_windows(s, "100-200@180:theirs");
}

static void a_split_that_is_not_known_here_is_taken_over(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    begin(s, 100, 200);
    const struct store_stood rows[] = {done(100, 150), window(150, 200, 170)};
    assert_int_equal(join(s, rows, LEN(rows)), 0);
    assert_windows(s, "100-150! 150-200@170:theirs");
}

static void what_is_done_here_stays_done_around_it(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    move(s, begin(s, 100, 200), 200, 200, true);
    const struct store_stood rows[] = {window(150, 160, 155)};
    assert_int_equal(join(s, rows, LEN(rows)), 0);
    assert_windows(s, "100-150! 150-160@155:theirs 160-200!");
}

static void a_window_that_has_come_beyond_theirs_is_done_before_it(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    int64_t id = begin(s, 100, 200);
    move(s, id, 180, 200, false);
    const struct store_stood rows[] = {done(140, 160)};
    assert_int_equal(join(s, rows, LEN(rows)), 0);
    assert_windows(s, "100-160! 160-200@180:mine");
}

static void only_what_nobody_knows_is_missing(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    begin(s, 100, 120);
    const struct store_stood rows[] = {missing(90, 200), done(130, 150), window(180, 190, 185)};
    assert_int_equal(join(s, rows, LEN(rows)), 0);
    assert_windows(s, "90-100@90: 100-120@100: 120-130@120: 130-150! 150-180@150: "
                      "180-190@185:theirs 190-200@190:");
}

static void nothing_is_missing_where_all_is_known(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    begin(s, 100, 200);
    const struct store_stood rows[] = {missing(100, 200), missing(120, 150)};
    assert_int_equal(join(s, rows, LEN(rows)), 0);
    assert_windows(s, "100-200@100:");
}

static void one_row_that_is_wrong_leaves_everything_as_it_is(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    begin(s, 100, 200);
    const struct store_stood rows[] = {polled("theirs", 300, 0), window(100, 200, 180),
                                       window(7, 7, 7)};
    assert_int_equal(join(s, rows, LEN(rows)), -EINVAL);
    assert_cursor(s, "ours", 0, 200);
    assert_windows(s, "100-200@100:");
}

static void what_was_joined_is_there_after_a_restart_and_whole(void **state) {
    struct store *s = open_ok(state);
    const struct store_stood rows[] = {polled("theirs", 300, 40), window(10, 20, 15)};
    assert_int_equal(join(s, rows, LEN(rows)), 0);
    s = store_free(s);
    s = open_ok(state); // checks the sums
    assert_windows(s, "10-20@15:theirs");
    store_free(s);
}

// ---- what another state remembered

static char ids[8][16]; // of "0", "1", ...

static struct str uuids(size_t first, size_t n) {
    for (size_t i = 0; i < LEN(ids); i++) memset(ids[i], '0' + (int)i, sizeof ids[i]);
    return (struct str){ids[first], n * sizeof ids[0]};
}

static int join_remembered(struct store *s, const struct store_stood *row,
                           const struct store_remembered *remembered, size_t n, int64_t max) {
    const struct store_join j = {.output = STR("kafka"),
                                 .now_ms = 5,
                                 .rows = row,
                                 .n = 1,
                                 .remembered = remembered,
                                 .remembered_count = n,
                                 .recent_max = max};
    return store_join(s, &j, NULL);
}

static void assert_ring(struct store *s, const char *wanted, int64_t since_ms) {
    AUTO_FINI(store_cursor) struct store_cursor c = {0};
    assert_int_equal(store_cursor_load(s, STR("acme"), STR("kafka"), &c, NULL), 0);
    assert_int_equal(c.recent_bytes, 16 * strlen(wanted));
    for (size_t i = 0; i < strlen(wanted); i++) assert_int_equal(c.recent[16 * i], wanted[i]);
    assert_int_equal(c.recent_since_ms, since_ms);
}

static void poll_page(struct store *s, struct str recent, struct store_had had) {
    const struct store_commit c = {.source = STR("acme"),
                                   .output = STR("kafka"),
                                   .next = STR("mine"),
                                   .published_ms = 40,
                                   .recent_append = recent,
                                   .recent_max = 6,
                                   .had = had};
    assert_int_equal(store_commit(s, &c, NULL), 0);
}

static void what_it_polled_last_takes_the_place_of_ours(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    const struct store_stood row = polled("theirs", 77, 50);
    const struct store_remembered theirs[] = {
        {.source = STR("acme"), .recent = uuids(3, 2), .before_ms = 60},
        {.source = STR("acme"), .recent = uuids(5, 1), .before_ms = 70}};
    poll_page(s, uuids(0, 3), (struct store_had){.first_ms = 0});
    assert_ring(s, "012", 0);
    assert_int_equal(join_remembered(s, &row, theirs, LEN(theirs), 6), 0);
    assert_ring(s, "345", 60);
    poll_page(s, uuids(6, 2), (struct store_had){.first_ms = 0});
    assert_ring(s, "34567", 60);
    assert_int_equal(join_remembered(s, &row, theirs, LEN(theirs), 6), 0);
    assert_ring(s, "345", 60);
}

// Its page may come again, with what was refused of it.
static void what_was_refused_here_is_still_known(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    AUTO_FINI(store_cursor) struct store_cursor c = {0};
    const struct store_stood row = polled("theirs", 77, 50);
    const struct store_remembered theirs = {
        .source = STR("acme"), .recent = uuids(3, 2), .before_ms = 60};
    const struct store_dead_letter dead = {
        .event = STR("{}"), .uuid = STR("refused"), .reason = STR("too large")};
    const struct store_commit page = {.source = STR("acme"),
                                      .output = STR("kafka"),
                                      .recent_append = uuids(0, 1),
                                      .recent_max = 6,
                                      .dead = &dead,
                                      .dead_count = 1};
    assert_int_equal(store_commit(s, &page, NULL), 0);
    assert_int_equal(join_remembered(s, &row, &theirs, 1, 6), 0);
    assert_int_equal(store_cursor_load(s, STR("acme"), STR("kafka"), &c, NULL), 0);
    const struct hash128 refused[] = {hash128(dead.uuid), hash128(dead.event)};
    assert_int_equal(c.recent_bytes, sizeof refused + 2 * 16);
    assert_memory_equal(c.recent, refused, sizeof refused);
    assert_memory_equal(c.recent + sizeof refused, uuids(3, 2).p, 2 * 16);
    assert_int_equal(c.recent_since_ms, 60);
}

static void of_more_than_is_kept_the_oldest_go(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    const struct store_stood row = polled("theirs", 77, 50);
    const struct store_remembered theirs[] = {
        {.source = STR("acme"), .recent = uuids(0, 2), .before_ms = 60},
        {.source = STR("acme"), .recent = uuids(2, 2), .before_ms = 65},
        {.source = STR("acme"), .recent = uuids(4, 2), .before_ms = 70}};
    assert_int_equal(join_remembered(s, &row, theirs, LEN(theirs), 4), 0);
    assert_ring(s, "2345", 65);
}

static void each_source_has_what_is_its_own(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    const struct store_stood row = polled("theirs", 77, 50);
    const struct store_remembered theirs[] = {
        {.source = STR("beta"), .recent = uuids(0, 1), .before_ms = 60},
        {.source = STR("acme"), .recent = uuids(1, 2), .before_ms = 65},
        {.source = STR("gamma"), .recent = uuids(4, 2), .before_ms = 70}};
    assert_int_equal(join_remembered(s, &row, theirs, LEN(theirs), 4), 0);
    assert_ring(s, "12", 65);
}

static void add_up(void *ctx, struct str found) { *(size_t *)ctx += found.n / 16; }

static size_t had_at(struct store *s, int64_t at_ms) {
    size_t n = 0;
    const struct store_had_query q = {.source = STR("acme"),
                                      .output = STR("kafka"),
                                      .instants = &at_ms,
                                      .n = 1,
                                      .each = add_up,
                                      .ctx = &n};
    assert_int_equal(store_had_find(s, &q, NULL), 0);
    return n;
}

static int64_t forget(struct store *s, int64_t before_ms) {
    int64_t gone = 0;
    assert_int_equal(store_had_forget(s, STR("acme"), STR("kafka"), before_ms, 100, &gone, NULL),
                     0);
    return gone;
}

static struct store_remembered had(size_t first, int64_t at_ms, int64_t fetched_ms,
                                   bool of_window) {
    return (struct store_remembered){.source = STR("acme"),
                                     .had = {.first_ms = at_ms,
                                             .last_ms = at_ms + 3,
                                             .fetched_ms = fetched_ms,
                                             .uuids = uuids(first, 2)},
                                     .window = of_window};
}

static void what_may_come_the_other_way_is_added_once(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    const struct store_stood row = polled("theirs", 77, 50);
    const struct store_remembered theirs[] = {had(0, 10, 100, false), had(2, 10, 100, false),
                                              had(4, 20, 101, false)};
    poll_page(s, STR_NONE, theirs[0].had);
    assert_int_equal(had_at(s, 12), 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(join_remembered(s, &row, theirs, LEN(theirs), 6), 0);
        assert_int_equal(had_at(s, 12), 4);
        assert_int_equal(had_at(s, 22), 2);
    }
}

// A page of a window that is under way is needed until the window has moved on.
static void a_window_of_ours_is_found_for_it(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    const struct store_stood row = window(10, 40, 22);
    const struct store_remembered theirs[] = {had(0, 12, 100, true), had(2, 20, 101, true)};
    assert_int_equal(join_remembered(s, &row, theirs, LEN(theirs), 6), 0);
    assert_int_equal(forget(s, 100), 0); // polling has not come so far
    assert_int_equal(forget(s, 200), 1);
    assert_int_equal(had_at(s, 12), 0);
    assert_int_equal(had_at(s, 22), 2);
    bool any = false;
    assert_int_equal(store_had_any(s, STR("acme"), STR("kafka"), &any, NULL), 0);
    assert_true(any);
}

// Theirs takes the place of ours, and what we had of it belongs to theirs.
static void what_we_had_of_a_window_goes_with_the_one_in_its_place(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    const struct store_stood row = window(10, 40, 22);
    const struct store_remembered same = had(0, 20, 100, true);
    const struct store_commit c = {
        .source = STR("acme"),
        .output = STR("kafka"),
        .recent_max = 10,
        .window = {.id = begin(s, 10, 40), .position_ms = 22, .until_ms = 40, .next = STR("mine")},
        .had = same.had};
    assert_int_equal(store_commit(s, &c, NULL), 0);
    assert_int_equal(join_remembered(s, &row, &same, 1, 6), 0);
    assert_int_equal(had_at(s, 22), 2);
    assert_int_equal(forget(s, 200), 0); // it may bring its end again
}

static void of_a_window_that_is_gone_it_goes_by_time(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    const struct store_stood row = polled("theirs", 77, 50);
    const struct store_remembered theirs[] = {had(0, 12, 100, true), had(2, 12, 300, true)};
    assert_int_equal(join_remembered(s, &row, theirs, LEN(theirs), 6), 0);
    assert_int_equal(forget(s, 200), 1);
    assert_int_equal(had_at(s, 12), 2);
}

static void what_was_polled_goes_with_a_window_that_is_done(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    const struct store_stood row = done(10, 50);
    const struct store_remembered theirs[] = {had(0, 12, 100, false), had(2, 48, 100, false)};
    assert_int_equal(join_remembered(s, &row, theirs, LEN(theirs), 6), 0);
    assert_int_equal(forget(s, 0), 1);
    assert_int_equal(had_at(s, 49), 2);
}

static void half_a_uuid_is_refused(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    const struct store_stood row = polled("theirs", 77, 50);
    struct store_remembered bad[] = {{.source = STR("acme"), .recent = STR("short")}};
    assert_int_equal(join_remembered(s, &row, bad, 1, 6), -EINVAL);
    bad[0] = had(0, 1, 2, false);
    bad[0].had.uuids.n--;
    assert_int_equal(join_remembered(s, &row, bad, 1, 6), -EINVAL);
    assert_cursor(s, "", 0, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_pair_that_is_not_known_is_put_on_record),
        T(a_cursor_is_replaced_and_what_is_not_told_stays),
        T(a_window_replaces_the_part_of_ours_that_it_covers),
        T(the_same_window_takes_their_position),
        T(a_split_that_is_not_known_here_is_taken_over),
        T(what_is_done_here_stays_done_around_it),
        T(a_window_that_has_come_beyond_theirs_is_done_before_it),
        T(only_what_nobody_knows_is_missing),
        T(nothing_is_missing_where_all_is_known),
        T(one_row_that_is_wrong_leaves_everything_as_it_is),
        T(what_was_joined_is_there_after_a_restart_and_whole),
        T(what_it_polled_last_takes_the_place_of_ours),
        T(what_was_refused_here_is_still_known),
        T(of_more_than_is_kept_the_oldest_go),
        T(each_source_has_what_is_its_own),
        T(what_may_come_the_other_way_is_added_once),
        T(a_window_of_ours_is_found_for_it),
        T(what_we_had_of_a_window_goes_with_the_one_in_its_place),
        T(of_a_window_that_is_gone_it_goes_by_time),
        T(what_was_polled_goes_with_a_window_that_is_done),
        T(half_a_uuid_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
