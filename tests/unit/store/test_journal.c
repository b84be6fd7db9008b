// SPDX-License-Identifier: Apache-2.0
// The audit journal: documents come back in the order of writing under numbers that never come
// twice, all of a batch or none.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/db.h"
#include "store/journal.h"

#include "scratch.h"

static struct store *open_state(struct scratch *s) {
    struct store *store = NULL;
    struct fault fault = {{0}};
    int r = store_open(&store, scratch_path(s, "state"), STORE_WRITE, &fault);
    if (r) fail_msg("%d: %s", r, fault.text);
    return store;
}

static void append(struct store *store, const char *const *texts, size_t n) {
    struct str documents[16];
    struct fault fault = {{0}};
    assert_true(n <= LEN(documents));
    for (size_t i = 0; i < n; i++) documents[i] = str_from(texts[i]);
    int r = journal_append(store, documents, n, &fault);
    if (r) fail_msg("%d: %s", r, fault.text);
}

struct reading {
    struct buf out;
    int stop_at; // after so many; 0: never
    int seen;
};

static int note(void *ctx, int64_t number, struct str document) {
    struct reading *r = ctx;
    buf_addf(&r->out, "%lld:%.*s ", (long long)number, STR_ARG(document));
    return ++r->seen == r->stop_at;
}

static void expect(struct store *store, int64_t after, size_t max, int stop_at, const char *want) {
    struct reading r = {.out = buf_make(100000), .stop_at = stop_at};
    struct fault fault = {{0}};
    int e = journal_read(store, after, max, note, &r, &fault);
    if (e) fail_msg("%d: %s", e, fault.text);
    assert_string_equal(buf_z(&r.out), want);
    buf_fini(&r.out);
}

static void expect_last(struct store *store, int64_t want) {
    int64_t last = -1;
    assert_int_equal(journal_last(store, &last, NULL), 0);
    assert_int_equal(last, want);
}

static void documents_come_back_in_their_order(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    static const char *const first[] = {"a", "b"};
    static const char *const second[] = {"c", "d", ""};
    expect_last(store, 0);
    expect(store, 0, 10, 0, "");
    append(store, first, 2);
    append(store, second, 3);
    append(store, NULL, 0);
    expect(store, 0, 10, 0, "1:a 2:b 3:c 4:d 5: ");
    expect(store, 2, 10, 0, "3:c 4:d 5: ");
    expect(store, 1, 2, 0, "2:b 3:c ");
    expect(store, 1, 10, 1, "2:b ");
    expect(store, 5, 10, 0, "");
    expect_last(store, 5);
    store = store_free(store);
    store = open_state(*state);
    expect(store, 3, 10, 0, "4:d 5: ");
}

static void a_number_never_comes_twice(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    static const char *const texts[] = {"a", "b", "c"};
    append(store, texts, 3);
    assert_int_equal(journal_forget(store, 2, NULL), 0);
    expect(store, 0, 10, 0, "3:c ");
    assert_int_equal(journal_forget(store, 99, NULL), 0);
    expect(store, 0, 10, 0, "");
    expect_last(store, 3);
    store = store_free(store);
    store = open_state(*state);
    expect_last(store, 3);
    append(store, texts, 1);
    expect(store, 0, 10, 0, "4:a ");
    assert_int_equal(journal_forget(store, 0, NULL), 0);
    expect(store, 3, 10, 0, "4:a ");
}

static void much_is_forgotten_piece_by_piece(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    struct str documents[1000];
    for (size_t i = 0; i < LEN(documents); i++) documents[i] = STR("x");
    for (int i = 0; i < 12; i++)
        assert_int_equal(journal_append(store, documents, LEN(documents), NULL), 0);
    assert_int_equal(journal_forget(store, 11998, NULL), 0);
    expect(store, 0, 10, 0, "11999:x 12000:x ");
}

static void tamper(struct scratch *s, const char *sql) {
    AUTO(db) struct db *db = NULL;
    const struct db_opts opts = {
        .path = scratch_path(s, "state/state.db"), .mode = DB_WRITE, .cache_kb = 64};
    assert_int_equal(db_open(&db, &opts, NULL), 0);
    struct fault fault = {{0}};
    if (db_exec(db, sql, &fault)) fail_msg("%s", fault.text);
}

static void a_batch_that_fails_leaves_nothing(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    static const char *const texts[] = {"a", "b", "refused"};
    const struct str documents[] = {STR("c"), STR("refused")};
    append(store, texts, 2);
    store = store_free(store);
    tamper(*state, "CREATE TRIGGER t BEFORE INSERT ON journal WHEN NEW.document = x'72656675736564'"
                   " BEGIN SELECT RAISE(ABORT, 'no room'); END");
    store = open_state(*state);
    struct fault fault = {{0}};
    assert_true(journal_append(store, documents, 2, &fault) < 0);
    assert_true(contains(fault.text, "state.db"));
    expect(store, 0, 10, 0, "1:a 2:b ");
    expect_last(store, 2);
    append(store, texts, 1);
    expect(store, 2, 10, 0, "3:a ");
}

static void a_changed_document_is_damage(void **state) {
    static const char *const changes[] = {
        "UPDATE journal SET document = x'41' WHERE number = 2",
        "UPDATE journal SET sum = sum + 1 WHERE number = 2",
        "DELETE FROM journal WHERE number = 3; UPDATE journal SET number = 3 WHERE number = 2",
    };
    for (size_t i = 0; i < LEN(changes); i++) {
        struct store *store = open_state(*state);
        static const char *const texts[] = {"a", "b", "c"};
        struct reading r = {.out = buf_make(1000)};
        struct fault fault = {{0}};
        append(store, texts, 3);
        store_free(store);
        tamper(*state, changes[i]);
        store = open_state(*state);
        assert_int_equal(journal_read(store, 0, 10, note, &r, &fault), STORE_E_CORRUPT);
        assert_string_equal(buf_z(&r.out), "1:a ");
        assert_true(contains(fault.text, "audit journal"));
        assert_true(contains(fault.text, "backup"));
        buf_fini(&r.out);
        store_free(store);
        scratch_remove(scratch_path(*state, "state"));
    }
}

int main(void) {
#define ROW(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        ROW(documents_come_back_in_their_order), ROW(a_number_never_comes_twice),
        ROW(much_is_forgotten_piece_by_piece),   ROW(a_batch_that_fails_leaves_nothing),
        ROW(a_changed_document_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
