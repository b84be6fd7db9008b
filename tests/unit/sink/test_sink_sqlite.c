// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/resource.h>

#include "store/db.h"

#include "world.h"

static struct db *look(struct world *w, enum db_mode mode) {
    struct db *db = NULL;
    const struct db_opts opts = {.path = w->dir, .mode = mode, .cache_kb = 500};
    struct fault fault = {0};
    int r = db_open(&db, &opts, &fault);
    if (r) print_error("%s\n", fault.text);
    assert_int_equal(r, 0);
    return db;
}

static int64_t ask(struct world *w, const char *sql) {
    AUTO(db) struct db *db = look(w, DB_READ);
    int64_t n = -1;
    assert_int_equal(db_get_i64(db, sql, &n, NULL), 0);
    return n;
}

static void run_sql(struct world *w, const char *sql) {
    AUTO(db) struct db *db = look(w, DB_WRITE);
    assert_int_equal(db_exec(db, sql, NULL), 0);
}

static int deliver(struct world *w, const struct sink_doc *docs, size_t n,
                   struct sink_reply *replies) {
    return w->sink->type->deliver(w->sink, docs, n, w->now_ms, replies, &w->fault);
}

static void rows_hold_every_column(void **state) {
    AUTO(world) struct world *w = world_new(state, "sqlite");
    world_open(w);
    const struct sink_doc docs[] = {
        {.uuid = STR("u1"),
         .has_published = true,
         .published_ms = WORLD_NOON,
         .published = STR("2026-11-22T13:00:00+01:00"),
         .source = STR("acme"),
         .event_type = STR("user.session.start"),
         .outcome = STR("SUCCESS"),
         .actor = STR("ada@example.com"),
         .document = STR("{\"a\":\"\0\"}")},
        {.uuid = STR("u2"), .source = STR("acme"), .document = STR("{}")},
    };
    struct sink_reply replies[2];
    world_ok(w, deliver(w, docs, 2, replies));
    world_ok(w, world_commit(w, 2));
    assert_int_equal(ask(w, "SELECT count(*) FROM events WHERE uuid = 'u1' AND"
                            " published = '2026-11-22T12:00:00.000Z' AND source = 'acme' AND"
                            " event_type = 'user.session.start' AND outcome = 'SUCCESS' AND"
                            " actor = 'ada@example.com' AND typeof(document) = 'text' AND"
                            " length(CAST(document AS BLOB)) = 9"),
                     1);
    assert_int_equal(ask(w, "SELECT count(*) FROM events WHERE uuid = 'u2' AND published IS NULL"
                            " AND event_type IS NULL AND outcome IS NULL AND actor IS NULL"),
                     1);
    struct stat st;
    assert_int_equal(stat(w->dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void repeated_documents_are_kept_once_and_called_delivered(void **state) {
    AUTO(world) struct world *w = world_new(state, "sqlite");
    world_open(w);
    world_page(w, 10);
    world_ok(w, world_deliver_from(w, 5, 10));
    world_ok(w, world_commit(w, 5));
    world_ok(w, world_deliver_from(w, 14, 1));
    world_ok(w, world_deliver_from(w, 14, 1));
    world_ok(w, world_commit(w, 0));
    assert_int_equal(ask(w, "SELECT count(*) FROM events"), 15);
    assert_int_equal(w->mark.n, 0);
}

static void what_was_there_is_told_as_repeated(void **state) {
    AUTO(world) struct world *w = world_new(state, "sqlite");
    const struct sink_doc docs[] = {
        {.uuid = STR("a"), .document = STR("{}")},
        {.uuid = STR("b"), .document = STR("{}")},
        {.uuid = STR("a"), .document = STR("{}")},
        {.document = STR("{}")},
    };
    static const bool wanted[] = {false, false, true, false};
    struct sink_reply replies[LEN(docs)];
    world_open(w);
    world_ok(w, deliver(w, docs, LEN(docs), replies));
    for (size_t i = 0; i < LEN(docs); i++) assert_int_equal(replies[i].repeated, wanted[i]);
    world_ok(w, w->sink->type->rollback(w->sink, &w->fault));
    world_ok(w, deliver(w, docs, 1, replies));
    assert_false(replies[0].repeated);
}

static void rollback_and_a_crash_take_the_page_back(void **state) {
    AUTO(world) struct world *w = world_new(state, "sqlite");
    world_open(w);
    world_page(w, 3);
    world_ok(w, world_deliver(w, 5));
    world_ok(w, w->sink->type->rollback(w->sink, &w->fault));
    assert_int_equal(ask(w, "SELECT count(*) FROM events"), 3);
    world_ok(w, world_deliver(w, 5));
    world_crash(w);
    world_open(w);
    assert_int_equal(ask(w, "SELECT count(*) FROM events"), 3);
}

static void a_document_without_uuid_is_rejected_alone(void **state) {
    AUTO(world) struct world *w = world_new(state, "sqlite");
    world_open(w);
    const struct sink_doc docs[] = {{.document = STR("{}")},
                                    {.uuid = STR("u"), .document = STR("{}")}};
    struct sink_reply replies[2];
    world_ok(w, deliver(w, docs, 2, replies));
    assert_int_equal(replies[0].verdict, SINK_REJECTED);
    assert_true(contains(replies[0].fault->text, "uuid"));
    assert_int_equal(replies[1].verdict, SINK_DELIVERED);
}

static void a_document_past_sqlites_limit_is_rejected_alone(void **state) {
    AUTO(world) struct world *w = world_new(state, "sqlite");
    world_open(w);
    // The length is refused before a byte is read.
    const struct sink_doc docs[] = {{.uuid = STR("big"), .document = {"{}", 1000000001}},
                                    {.uuid = STR("u"), .document = STR("{}")}};
    struct sink_reply replies[2];
    world_ok(w, deliver(w, docs, 2, replies));
    assert_int_equal(replies[0].verdict, SINK_REJECTED);
    assert_true(contains(replies[0].fault->text, "larger"));
    world_ok(w, world_commit(w, 1));
    assert_int_equal(ask(w, "SELECT count(*) FROM events"), 1);
}

static void rows_older_than_keep_go_once_a_minute_and_not_all_at_once(void **state) {
    AUTO(world) struct world *w = world_new(state, "sqlite");
    w->opts.keep_ms = TIME_DAY_MS;
    world_open(w);
    world_page(w, 10);
    w->now_ms += TIME_DAY_MS;
    world_page(w, 10); // exactly a day old: kept
    assert_int_equal(ask(w, "SELECT count(*) FROM events"), 20);
    w->now_ms += 1000;
    world_page(w, 1); // a second later is less than a minute
    assert_int_equal(ask(w, "SELECT count(*) FROM events"), 21);
    w->now_ms += TIME_MINUTE_MS;
    world_page(w, 1);
    assert_int_equal(ask(w, "SELECT count(*) FROM events"), 12);
    run_sql(w, "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 5000)"
               " INSERT INTO events(uuid, published, document)"
               " SELECT 'old' || i, '2020-01-01T00:00:00.000Z', '{}' FROM c");
    static const int64_t left[] = {3013, 1014, 15};
    w->now_ms += TIME_MINUTE_MS;
    for (size_t i = 0; i < LEN(left); i++) {
        world_page(w, 1);
        assert_int_equal(ask(w, "SELECT count(*) FROM events"), left[i]);
    }
}

static void a_foreign_database_is_refused_and_not_changed(void **state) {
    static const struct {
        const char *sql;
        const char *text;
    } rows[] = {
        {"CREATE TABLE t(x)", "another application"},
        {"CREATE TABLE events(id INTEGER PRIMARY KEY, what TEXT)", "columns"},
        {"PRAGMA application_id = 7; CREATE TABLE t(x)", "application_id"},
        {"PRAGMA user_version = 3; CREATE TABLE t(x)", "another application"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO(world) struct world *w = world_new(state, "sqlite");
        run_sql(w, "PRAGMA journal_mode = DELETE");
        AUTO(db) struct db *db = look(w, DB_WRITE);
        assert_int_equal(db_exec(db, "PRAGMA journal_mode = DELETE", NULL), 0);
        assert_int_equal(db_exec(db, rows[i].sql, NULL), 0);
        db = db_free(db);
        AUTO_FINI(buf) struct buf before = scratch_read(w->dir);
        for (int dry = 0; dry < 2; dry++) {
            w->opts.dry_run = dry;
            assert_int_equal(world_try_open(w), -EINVAL);
            assert_true(contains(w->fault.text, rows[i].text));
            assert_true(contains(w->fault.text, w->dir));
        }
        AUTO_FINI(buf) struct buf after = scratch_read(w->dir);
        assert_true(str_eq(buf_str(&before), buf_str(&after)));
        unlink(w->dir);
    }
}

static void a_newer_format_and_garbage_are_refused(void **state) {
    AUTO(world) struct world *w = world_new(state, "sqlite");
    world_open(w);
    world_page(w, 1);
    world_close(w);
    run_sql(w, "PRAGMA user_version = 2");
    assert_int_equal(world_try_open(w), -ENOTSUP);
    assert_true(contains(w->fault.text, "newer"));
    scratch_write(w->dir, STR("{\"this is\":\"no database, but long enough to be taken for one\","
                              "\"really\":\"it is not: more than a hundred bytes are needed\"}"));
    assert_int_equal(world_try_open(w), -EUCLEAN);
    assert_true(contains(w->fault.text, "not a database"));
    assert_int_equal(mkdir(scratch_path(*state, "d"), 0755), 0);
    w->opts.path = scratch_path(*state, "d");
    assert_int_equal(world_try_open(w), -EINVAL);
}

static void an_empty_file_and_a_restored_dump_are_taken(void **state) {
    AUTO(world) struct world *w = world_new(state, "sqlite");
    scratch_write(w->dir, STR(""));
    world_open(w);
    world_page(w, 2);
    world_close(w);
    run_sql(w, "PRAGMA application_id = 0; PRAGMA user_version = 0");
    world_open(w);
    world_page(w, 2);
    assert_int_equal(ask(w, "SELECT count(*) FROM events"), 4);
}

static void a_missing_directory_is_named(void **state) {
    AUTO(world) struct world *w = world_new(state, "sqlite");
    w->opts.path = scratch_path(*state, "no/such/events.db");
    for (int dry = 0; dry < 2; dry++) {
        w->opts.dry_run = dry;
        assert_int_equal(world_try_open(w), -ENOENT);
        assert_true(contains(w->fault.text, "no/such"));
    }
}

static void a_database_moved_away_while_running_is_noticed(void **state) {
    AUTO(world) struct world *w = world_new(state, "sqlite");
    world_open(w);
    world_page(w, 2);
    assert_int_equal(rename(w->dir, scratch_path(*state, "away")), 0);
    assert_int_equal(world_deliver(w, 2), -ESTALE);
    assert_true(contains(w->fault.text, w->dir));
    assert_int_equal(w->sink->type->rollback(w->sink, &w->fault), -ESTALE);
    world_close(w);
    world_open(w);
    world_page(w, 2);
    assert_int_equal(ask(w, "SELECT count(*) FROM events"), 2);
}

static void a_reader_does_not_stop_the_writer(void **state) {
    AUTO(world) struct world *w = world_new(state, "sqlite");
    world_open(w);
    world_page(w, 2);
    AUTO(db) struct db *reader = look(w, DB_READ);
    assert_int_equal(db_exec(reader, "BEGIN; SELECT * FROM events", NULL), 0);
    world_page(w, 2);
    int64_t n = 0;
    assert_int_equal(db_get_i64(reader, "SELECT count(*) FROM events", &n, NULL), 0);
    assert_int_equal(n, 2);
}

static int fill_disk(void *ctx) {
    struct world *w = ctx;
    w->doc_bytes = 4000;
    signal(SIGXFSZ, SIG_IGN);
    world_open(w);
    world_page(w, 10);
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 300000;
    setrlimit(RLIMIT_FSIZE, &limit);
    int r = 0;
    int pages = 0;
    for (; r == 0 && pages < 50; pages++) {
        r = world_deliver(w, 50);
        if (r == 0) r = world_commit(w, 50);
    }
    if (r != -EFBIG || !contains(w->fault.text, w->dir)) return 1;
    if (w->sink->type->rollback(w->sink, &w->fault)) return 2;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
    world_page(w, 50);
    return ask(w, "SELECT count(*) FROM events") == w->next ? 0 : 3;
}

static void a_full_disk_loses_and_doubles_nothing(void **state) {
    AUTO(world) struct world *w = world_new(state, "sqlite");
    assert_int_equal(in_child(fill_disk, w), 0);
}

static int open_unwritable(void *ctx) {
    struct world *w = ctx;
    become_nobody();
    int r = world_try_open(w);
    return r == -EACCES && contains(w->fault.text, w->opts.path) ? 0 : 1;
}

static void an_unwritable_place_is_named(void **state) {
    AUTO(world) struct world *w = world_new(state, "sqlite");
    assert_int_equal(chmod(w->scratch->dir, 0755), 0);
    assert_int_equal(in_child(open_unwritable, w), 0);
    scratch_write(w->dir, STR(""));
    assert_int_equal(chmod(w->dir, 0444), 0);
    assert_int_equal(in_child(open_unwritable, w), 0);
    w->opts.dry_run = true;
    assert_int_equal(in_child(open_unwritable, w), 0);
}

static void a_dry_run_changes_nothing(void **state) {
    AUTO(world) struct world *w = world_new(state, "sqlite");
    w->opts.dry_run = true;
    world_open(w);
    assert_int_equal(scratch_size(w->dir), -1);
    world_close(w);
    w->opts.dry_run = false;
    world_open(w);
    world_page(w, 1);
    world_close(w);
    AUTO_FINI(buf) struct buf before = scratch_read(w->dir);
    w->opts.dry_run = true;
    world_open(w);
    AUTO_FINI(buf) struct buf after = scratch_read(w->dir);
    assert_true(str_eq(buf_str(&before), buf_str(&after)));
    assert_int_equal(scratch_size(scratch_path(*state, "out-wal")), -1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(rows_hold_every_column),
        T(repeated_documents_are_kept_once_and_called_delivered),
        T(what_was_there_is_told_as_repeated),
        T(rollback_and_a_crash_take_the_page_back),
        T(a_document_without_uuid_is_rejected_alone),
        T(a_document_past_sqlites_limit_is_rejected_alone),
        T(rows_older_than_keep_go_once_a_minute_and_not_all_at_once),
        T(a_foreign_database_is_refused_and_not_changed),
        T(a_newer_format_and_garbage_are_refused),
        T(an_empty_file_and_a_restored_dump_are_taken),
        T(a_missing_directory_is_named),
        T(a_database_moved_away_while_running_is_noticed),
        T(a_reader_does_not_stop_the_writer),
        T(a_full_disk_loses_and_doubles_nothing),
        T(an_unwritable_place_is_named),
        T(a_dry_run_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
