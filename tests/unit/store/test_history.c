// SPDX-License-Identifier: Apache-2.0
// Windows of the history, what may come twice, and states of older formats
// that are brought up to date.
#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/db.h"
#include "store/history.h"
#include "store/journal.h"
#include "store/scratch.h"

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

static struct store *open_ok(void **state) {
    struct store *s = NULL;
    struct fault fault = {{0}};
    if (store_open(&s, scratch_path(*state, "st"), STORE_WRITE, &fault)) fail_msg("%s", fault.text);
    return s;
}

static int64_t begin(struct store *s, const char *output, int64_t since_ms, int64_t until_ms) {
    int64_t id = 0;
    const struct store_range range = {since_ms, until_ms};
    const struct store_begin b = {.source = STR("acme"),
                                  .output = str_from(output),
                                  .next = STR("poll"),
                                  .start_ms = until_ms,
                                  .now_ms = 7,
                                  .windows = &range,
                                  .window_count = 1};
    assert_int_equal(store_begin(s, &b, &id, NULL), 0);
    assert_true(id > 0);
    return id;
}

static int move(struct store *s, int64_t id, int64_t position_ms, int64_t until_ms, bool done) {
    const struct store_commit c = {
        .source = STR("acme"),
        .output = STR("db"),
        .now_ms = 8,
        .events = 10,
        .pages = 1,
        .recent_max = 10,
        .window = {.id = id,
                   .position_ms = position_ms,
                   .until_ms = until_ms,
                   .next = STR("link"),
                   .done = done},
    };
    return store_commit(s, &c, NULL);
}

// All windows as "since-until@position[!]", with ! for done.
static int write_down(void *ctx, const struct store_window *w) {
    buf_addf(ctx, "%s%.*s:%lld-%lld@%lld%s", ((struct buf *)ctx)->n ? " " : "", STR_ARG(w->output),
             (long long)w->since_ms, (long long)w->until_ms, (long long)w->position_ms,
             w->done ? "!" : "");
    return 0;
}

static void assert_windows(struct store *s, const char *wanted) {
    AUTO_FINI(buf) struct buf got = buf_make(4096);
    assert_int_equal(store_windows(s, write_down, &got, NULL), 0);
    assert_string_equal(buf_z(&got), wanted);
}

static void a_pair_begins_with_its_cursor_and_windows_together(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    AUTO_FINI(store_cursor) struct store_cursor c = {0};
    begin(s, "db", 100, 200);
    assert_int_equal(store_cursor_load(s, STR("acme"), STR("db"), &c, NULL), 0);
    assert_string_equal(c.next, "poll");
    assert_int_equal(c.start_ms, 200);
    assert_windows(s, "db:100-200@100");
}

static void an_empty_window_is_refused_and_nothing_begun(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    AUTO_FINI(store_cursor) struct store_cursor c = {0};
    const struct store_range range = {5, 5};
    int64_t id;
    const struct store_begin b = {.source = STR("acme"),
                                  .output = STR("db"),
                                  .next = STR("poll"),
                                  .windows = &range,
                                  .window_count = 1};
    assert_int_equal(store_begin(s, &b, &id, NULL), -EINVAL);
    assert_int_equal(store_cursor_load(s, STR("acme"), STR("db"), &c, NULL), 0);
    assert_null(c.next);
}

static void a_page_moves_its_window_and_not_the_cursor(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    AUTO_FINI(store_cursor) struct store_cursor c = {0};
    int64_t id = begin(s, "db", 100, 200);
    assert_int_equal(move(s, id, 150, 200, false), 0);
    assert_windows(s, "db:100-200@150");
    assert_int_equal(store_cursor_load(s, STR("acme"), STR("db"), &c, NULL), 0);
    assert_string_equal(c.next, "poll");
    assert_int_equal(c.events, 10);
    s = store_free(s);
    s = open_ok(state);
    assert_windows(s, "db:100-200@150");
}

static void a_mover_who_is_wrong_about_the_window_is_refused(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    int64_t id = begin(s, "db", 100, 200);
    assert_int_equal(move(s, id, 150, 200, false), 0);
    assert_int_equal(move(s, id, 180, 250, false), -ESTALE);
    assert_int_equal(move(s, id, 140, 200, false), -ESTALE);
    assert_int_equal(move(s, id + 5, 180, 200, false), -ESTALE);
    assert_int_equal(move(s, id, 190, 200, true), 0);
    assert_int_equal(move(s, id, 190, 200, true), -ESTALE);
    assert_windows(s, "db:100-200@200!");
}

static void a_split_leaves_nothing_between(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    int64_t ids[] = {begin(s, "db", 100, 200), begin(s, "file", 100, 200)};
    int64_t fresh[2];
    assert_int_equal(store_windows_split(s, ids, 2, 160, fresh, NULL), 0);
    assert_windows(s, "db:100-160@100 db:160-200@160 file:100-160@100 file:160-200@160");
    assert_int_equal(move(s, ids[0], 150, 200, true), -ESTALE); // does not know of the split
    assert_int_equal(move(s, ids[0], 150, 160, true), 0);
    assert_int_equal(move(s, fresh[0], 180, 200, false), 0);
}

struct split_row {
    const char *what;
    int64_t at_ms;
};

static void a_split_where_there_is_nothing_to_split_changes_nothing(void **state) {
    static const struct split_row rows[] = {
        {"before it", 50}, {"at its begin", 100}, {"where it stands", 150}, {"at its end", 200}};
    AUTO(store) struct store *s = open_ok(state);
    int64_t ids[] = {begin(s, "file", 100, 200), begin(s, "db", 100, 200)};
    int64_t fresh[2];
    assert_int_equal(move(s, ids[1], 150, 200, false), 0);
    for (size_t i = 0; i < LEN(rows); i++)
        if (store_windows_split(s, ids, 2, rows[i].at_ms, fresh, NULL) != -ESTALE)
            fail_msg("%s", rows[i].what);
    assert_windows(s, "db:100-200@150 file:100-200@100");
}

static void windows_that_are_done_melt_into_one(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    int64_t first = begin(s, "db", 100, 400);
    int64_t second;
    int64_t third;
    assert_int_equal(store_windows_split(s, &first, 1, 200, &second, NULL), 0);
    assert_int_equal(store_windows_split(s, &second, 1, 300, &third, NULL), 0);
    assert_int_equal(move(s, first, 150, 200, true), 0);
    assert_int_equal(move(s, third, 350, 400, true), 0);
    assert_windows(s, "db:100-200@200! db:200-300@200 db:300-400@400!");
    assert_int_equal(move(s, second, 250, 300, true), 0);
    assert_windows(s, "db:100-400@400!");
}

// ---- what may come twice

static int keep(struct store *s, int64_t window, int64_t first_ms, int64_t last_ms,
                int64_t fetched_ms, char mark) {
    char uuids[32];
    memset(uuids, mark, sizeof uuids);
    struct store_commit c = {
        .source = STR("acme"),
        .output = STR("db"),
        .recent_max = 10,
        .had = {first_ms, last_ms, fetched_ms, {uuids, sizeof uuids}},
    };
    if (window)
        c.window = (struct store_window_move){
            .id = window, .position_ms = last_ms, .until_ms = 1000, .next = STR("link")};
    return store_commit(s, &c, NULL);
}

static void note(void *ctx, struct str uuids) { buf_addc(ctx, uuids.p[0]); }

static void assert_found(struct store *s, const int64_t *instants, size_t n, const char *wanted) {
    AUTO_FINI(buf) struct buf got = buf_make(100);
    const struct store_had_query q = {.source = STR("acme"),
                                      .output = STR("db"),
                                      .instants = instants,
                                      .n = n,
                                      .each = note,
                                      .ctx = &got};
    assert_int_equal(store_had_find(s, &q, NULL), 0);
    assert_string_equal(buf_z(&got), wanted);
}

static void only_rows_that_an_instant_falls_into_are_read(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    int64_t id = begin(s, "db", 100, 1000);
    assert_int_equal(keep(s, id, 100, 200, 5000, 'a'), 0);
    assert_int_equal(keep(s, id, 200, 300, 5000, 'b'), 0);
    assert_int_equal(keep(s, id, 310, 400, 5000, 'c'), 0);
    assert_found(s, (const int64_t[]){150}, 1, "a");
    assert_found(s, (const int64_t[]){200}, 1, "ab");
    assert_found(s, (const int64_t[]){305}, 1, "");
    assert_found(s, (const int64_t[]){120, 390}, 2, "ac");
    assert_found(s, NULL, 0, "");
}

static void pages_are_forgotten_when_polling_has_passed_them(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    int64_t id = begin(s, "db", 100, 1000);
    int64_t gone = -1;
    bool any = false;
    assert_int_equal(keep(s, id, 100, 200, 5000, 'a'), 0);
    assert_int_equal(keep(s, id, 200, 300, 6000, 'b'), 0);
    assert_int_equal(keep(s, id, 300, 400, 7000, 'c'), 0);
    assert_int_equal(store_had_forget(s, STR("acme"), STR("db"), 6000, 10, &gone, NULL), 0);
    assert_int_equal(gone, 1);
    assert_int_equal(store_had_forget(s, STR("acme"), STR("db"), 9000, 10, &gone, NULL), 0);
    assert_int_equal(gone, 1); // the last one of a window is kept: it may be asked for again
    assert_found(s, (const int64_t[]){350}, 1, "c");
    assert_int_equal(move(s, id, 500, 1000, true), 0);
    assert_int_equal(store_had_forget(s, STR("acme"), STR("db"), 9000, 10, &gone, NULL), 0);
    assert_int_equal(gone, 1);
    assert_int_equal(store_had_any(s, STR("acme"), STR("db"), &any, NULL), 0);
    assert_false(any);
}

static void what_was_polled_is_forgotten_when_its_window_is_done(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    int64_t id = begin(s, "db", 100, 1000);
    int64_t gone = -1;
    assert_int_equal(keep(s, 0, 150, 160, 5000, 'p'), 0);
    assert_int_equal(store_had_forget(s, STR("acme"), STR("db"), 9000, 10, &gone, NULL), 0);
    assert_int_equal(gone, 0);
    assert_int_equal(move(s, id, 500, 1000, true), 0);
    assert_int_equal(store_had_forget(s, STR("acme"), STR("db"), 9000, 10, &gone, NULL), 0);
    assert_int_equal(gone, 1);
}

static void forgetting_goes_in_slices(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    int64_t id = begin(s, "db", 100, 1000);
    int64_t gone = -1;
    for (int64_t i = 0; i < 9; i++)
        assert_int_equal(keep(s, id, 100 + i * 10, 110 + i * 10, 5000, 'x'), 0);
    assert_int_equal(store_had_forget(s, STR("acme"), STR("db"), 9000, 5, &gone, NULL), 0);
    assert_int_equal(gone, 5);
    assert_int_equal(store_had_forget(s, STR("acme"), STR("db"), 9000, 5, &gone, NULL), 0);
    assert_int_equal(gone, 3);
}

// ---- budgets

static int note_budget(void *ctx, const struct store_budget *b) {
    buf_addf(ctx, "%.*s/%.*s %lld of %lld, %.*s;", STR_ARG(b->source), STR_ARG(b->bucket),
             (long long)b->used, (long long)b->allowed, STR_ARG(b->early_limit));
    return 0;
}

static void the_last_state_of_a_budget_is_kept(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    AUTO_FINI(buf) struct buf got = buf_make(1000);
    struct store_budget rows[] = {
        {.source = STR("acme"),
         .bucket = STR("logs"),
         .used = 1,
         .allowed = 60,
         .early_limit = STR("0.9")},
        {.source = STR("acme"),
         .bucket = STR("token"),
         .used = 2,
         .allowed = 300,
         .early_limit = STR("5")},
    };
    assert_int_equal(store_budgets_put(s, rows, 2, NULL), 0);
    rows[0].used = 40;
    assert_int_equal(store_budgets_put(s, rows, 1, NULL), 0);
    assert_int_equal(store_budgets(s, note_budget, &got, NULL), 0);
    assert_string_equal(buf_z(&got), "acme/logs 40 of 60, 0.9;acme/token 2 of 300, 5;");
}

// ---- damage, and older formats

static void sql(void **state, const char *text) {
    sqlite3 *db = NULL;
    char *why = NULL;
    assert_int_equal(sqlite3_open(scratch_path(*state, "st/state.db"), &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s", why);
    sqlite3_close(db);
}

static void a_window_that_was_changed_is_noticed(void **state) {
    static const char *const changes[] = {
        "UPDATE window SET position_ms = position_ms + 1",
        "UPDATE window SET until_ms = 900",
        "UPDATE window SET done = 1",
        "UPDATE window SET pair = 2",
        "UPDATE window SET next = 'elsewhere'",
        "UPDATE pair SET start_ms = 1",
        "UPDATE pair SET start_ms = 0",
    };
    for (size_t i = 0; i < LEN(changes); i++) {
        struct store *s = open_ok(state);
        struct fault fault = {{0}};
        int64_t id = begin(s, "db", 100, 1000);
        assert_int_equal(move(s, id, 300, 1000, false), 0);
        store_free(s);
        sql(state, changes[i]);
        s = NULL;
        if (store_open(&s, scratch_path(*state, "st"), STORE_WRITE, &fault) != STORE_E_CORRUPT)
            fail_msg("%s", changes[i]);
        assert_true(contains(fault.text, "does not match"));
        scratch_remove(scratch_path(*state, "st"));
    }
}

static int64_t number_of(void **state, const char *query) {
    AUTO(db) struct db *db = NULL;
    int64_t number = -1;
    const struct db_opts opts = {
        .path = scratch_path(*state, "st/state.db"), .mode = DB_READ, .cache_kb = 64};
    assert_int_equal(db_open(&db, &opts, NULL), 0);
    assert_int_equal(db_get_i64(db, query, &number, NULL), 0);
    return number;
}

static void a_state_of_format_2_is_brought_up_to_date(void **state) {
    struct store *s = open_ok(state);
    begin(s, "db", 100, 200);
    store_free(s);
    sql(state, "DROP TABLE journal; DROP TABLE output; DROP TABLE stand; DROP TABLE source; PRAGMA "
               "user_version = 2;");
    struct fault fault = {{0}};
    s = NULL;
    assert_int_equal(store_open(&s, scratch_path(*state, "st"), STORE_READ, &fault), -ENOTSUP);
    assert_true(contains(fault.text, "older format (2)"));
    s = open_ok(state);
    assert_windows(s, "db:100-200@100");
    int64_t last = -1;
    assert_int_equal(journal_append(s, (struct str[]){STR("{}")}, 1, NULL), 0);
    assert_int_equal(journal_last(s, &last, NULL), 0);
    assert_int_equal(last, 1);
    store_free(s);
    assert_int_equal(number_of(state, "PRAGMA user_version"), 5);
}

static void a_format_2_that_cannot_be_changed_stays_as_it_is(void **state) {
    store_free(open_ok(state));
    sql(state, "DROP TABLE journal; DROP TABLE output; DROP TABLE stand; DROP TABLE source; PRAGMA "
               "user_version = 2;"
               "CREATE TABLE journal(x)");
    struct store *s = NULL;
    struct fault fault = {{0}};
    assert_true(store_open(&s, scratch_path(*state, "st"), STORE_WRITE, &fault) != 0);
    assert_int_equal(number_of(state, "PRAGMA user_version"), 2);
    sql(state, "DROP TABLE journal");
    store_free(open_ok(state));
}

// As the first format was: what was added is taken away again, with the sums that it had.
static void make_format_1(void **state) {
    struct store *s = open_ok(state);
    const struct store_commit c = {.source = STR("acme"),
                                   .output = STR("db"),
                                   .next = STR("https://acme/next"),
                                   .published_ms = 77,
                                   .now_ms = 5,
                                   .events = 3,
                                   .pages = 1,
                                   .recent_append = STR("aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb"),
                                   .recent_max = 10,
                                   .mark = STR("a mark")};
    assert_int_equal(store_commit(s, &c, NULL), 0);
    store_free(s);
    sql(state, "DROP TABLE window; DROP TABLE had; DROP TABLE budget; DROP TABLE secret;"
               "DROP TABLE journal; DROP TABLE output; DROP TABLE stand; DROP TABLE source;"
               "ALTER TABLE pair DROP COLUMN start_ms; PRAGMA user_version = 1;");
}

static void a_state_of_format_1_is_brought_up_to_date(void **state) {
    make_format_1(state);
    struct store *read = NULL;
    struct fault fault = {{0}};
    assert_int_equal(store_open(&read, scratch_path(*state, "st"), STORE_READ, &fault), -ENOTSUP);
    assert_true(contains(fault.text, "older format (1)"));
    struct store *s = open_ok(state);
    AUTO_FINI(store_cursor) struct store_cursor c = {0};
    AUTO_FINI(buf) struct buf mark = buf_make(100);
    assert_int_equal(store_cursor_load(s, STR("acme"), STR("db"), &c, NULL), 0);
    assert_string_equal(c.next, "https://acme/next");
    assert_int_equal(c.published_ms, 77);
    assert_int_equal(c.recent_bytes, 32);
    assert_int_equal(c.start_ms, 0);
    assert_int_equal(store_mark_load(s, STR("db"), &mark, NULL), 0);
    assert_true(str_eqz(buf_str(&mark), "a mark"));
    begin(s, "file", 100, 200);
    store_free(s);
    s = open_ok(state);
    assert_windows(s, "file:100-200@100");
    store_free(s);
}

static void a_format_1_that_cannot_be_changed_stays_as_it_is(void **state) {
    make_format_1(state);
    sql(state, "CREATE TABLE had(x)"); // in the way of the second half
    struct store *s = NULL;
    struct fault fault = {{0}};
    assert_true(store_open(&s, scratch_path(*state, "st"), STORE_WRITE, &fault) != 0);
    sql(state, "DROP TABLE had");
    s = open_ok(state);
    assert_windows(s, "");
    store_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_pair_begins_with_its_cursor_and_windows_together),
        T(an_empty_window_is_refused_and_nothing_begun),
        T(a_page_moves_its_window_and_not_the_cursor),
        T(a_mover_who_is_wrong_about_the_window_is_refused),
        T(a_split_leaves_nothing_between),
        T(a_split_where_there_is_nothing_to_split_changes_nothing),
        T(windows_that_are_done_melt_into_one),
        T(only_rows_that_an_instant_falls_into_are_read),
        T(pages_are_forgotten_when_polling_has_passed_them),
        T(what_was_polled_is_forgotten_when_its_window_is_done),
        T(forgetting_goes_in_slices),
        T(the_last_state_of_a_budget_is_kept),
        T(a_window_that_was_changed_is_noticed),
        T(a_state_of_format_1_is_brought_up_to_date),
        T(a_format_1_that_cannot_be_changed_stays_as_it_is),
        T(a_state_of_format_2_is_brought_up_to_date),
        T(a_format_2_that_cannot_be_changed_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
