// SPDX-License-Identifier: Apache-2.0
// Sealed values in the state: they come back under their own name and key alone, and no file of the
// directory ever holds one in clear.
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hash.h"
#include "store/db.h"
#include "store/secret.h"

#include "scratch.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER_KEY "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define VALUE "-----a private key that nobody may see-----"

static struct store *open_state(struct scratch *s) {
    struct store *store = NULL;
    struct fault fault = {{0}};
    int r = store_open(&store, scratch_path(s, "state"), STORE_WRITE, &fault);
    if (r) fail_msg("%d: %s", r, fault.text);
    return store;
}

static struct crypto_sealer *sealer(const char *key) {
    struct crypto_sealer *s = NULL;
    assert_int_equal(crypto_sealer_new(&s, str_from(key), NULL), 0);
    return s;
}

static void put(struct store *store, const char *key, const char *name, const char *value) {
    AUTO(crypto_sealer) struct crypto_sealer *s = sealer(key);
    struct fault fault = {{0}};
    int r = store_secret_put(store, s, str_from(name), str_from(value), &fault);
    if (r) fail_msg("%d: %s", r, fault.text);
}

// The outcome must be `outcome`, and what is given `value`.
static void get(struct store *store, const char *key, const char *name, int outcome,
                const char *value) {
    AUTO(crypto_sealer) struct crypto_sealer *s = sealer(key);
    AUTO_FINI(buf) struct buf got = buf_make(10000);
    struct fault fault = {{0}};
    int r = store_secret_get(store, s, str_from(name), &got, &fault);
    if (r != outcome) fail_msg("%d, not %d: %s", r, outcome, fault.text);
    assert_true(str_eqz(buf_str(&got), value));
    if (r) assert_true(contains(fault.text, "state.db"));
}

static void a_secret_outlives_the_process(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    get(store, KEY, "dpop/acme", 0, "");
    put(store, KEY, "dpop/acme", VALUE);
    get(store, KEY, "dpop/acme", 0, VALUE);
    store = store_free(store);
    store = open_state(*state);
    get(store, KEY, "dpop/acme", 0, VALUE);
    get(store, KEY, "dpop/acm", 0, "");
    get(store, KEY, "dpop/other", 0, "");
}

static void each_name_has_one_value(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    put(store, KEY, "a", "first");
    put(store, KEY, "b", "of b");
    put(store, KEY, "a", "second");
    get(store, KEY, "a", 0, "second");
    get(store, KEY, "b", 0, "of b");
}

static void a_deleted_secret_is_gone(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    put(store, KEY, "a", "of a");
    put(store, KEY, "b", "of b");
    assert_int_equal(store_secret_delete(store, STR("a"), NULL), 0);
    assert_int_equal(store_secret_delete(store, STR("never there"), NULL), 0);
    get(store, KEY, "a", 0, "");
    get(store, KEY, "b", 0, "of b");
}

static void another_master_key_is_told_from_damage(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    put(store, KEY, "a", VALUE);
    get(store, OTHER_KEY, "a", STORE_E_OTHER_KEY, "");
    put(store, OTHER_KEY, "a", "replaced");
    get(store, OTHER_KEY, "a", 0, "replaced");
    get(store, KEY, "a", STORE_E_OTHER_KEY, "");
}

static void nothing_is_kept_without_a_name_or_a_value(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    AUTO(crypto_sealer) struct crypto_sealer *s = sealer(KEY);
    assert_int_equal(store_secret_put(store, s, STR(""), STR("v"), NULL), -EINVAL);
    assert_int_equal(store_secret_put(store, s, STR("a"), STR(""), NULL), -EINVAL);
    get(store, KEY, "a", 0, "");
}

// Does something to the table from outside, while no store is open.
static void tamper(struct scratch *s, const char *sql) {
    AUTO(db) struct db *db = NULL;
    const struct db_opts opts = {
        .path = scratch_path(s, "state/state.db"), .mode = DB_WRITE, .cache_kb = 64};
    assert_int_equal(db_open(&db, &opts, NULL), 0);
    struct fault fault = {{0}};
    if (db_exec(db, sql, &fault)) fail_msg("%s", fault.text);
}

static void with_tampering(void **state, const char *sql, const char *name) {
    AUTO(store) struct store *store = open_state(*state);
    put(store, KEY, "a", "of a");
    put(store, KEY, "b", "of b");
    store = store_free(store);
    tamper(*state, sql);
    store = open_state(*state);
    get(store, KEY, name, STORE_E_CORRUPT, "");
}

static void rows_that_changed_places_do_not_open(void **state) {
    with_tampering(state,
                   "UPDATE secret SET name = 'c' WHERE name = 'a';"
                   "UPDATE secret SET name = 'a' WHERE name = 'b';",
                   "a");
}

static void a_changed_byte_is_damage(void **state) {
    with_tampering(state,
                   "UPDATE secret SET sealed = substr(sealed, 1, 30) || x'00' || "
                   "substr(sealed, 32) WHERE name = 'a'",
                   "a");
}

static void a_value_that_lost_its_end_is_damage(void **state) {
    with_tampering(state, "UPDATE secret SET sealed = substr(sealed, 1, 10)", "b");
}

// Somebody who knows how the sums are made puts a row under another name.
static void put_row(struct scratch *s, struct str name, struct str sealed) {
    AUTO(db) struct db *db = NULL;
    AUTO(db_stmt) struct db_stmt *stmt = NULL;
    const struct db_opts opts = {
        .path = scratch_path(s, "state/state.db"), .mode = DB_WRITE, .cache_kb = 64};
    assert_int_equal(db_open(&db, &opts, NULL), 0);
    assert_int_equal(
        db_prepare(&stmt, db, "INSERT OR REPLACE INTO secret VALUES(?1, ?2, ?3)", NULL), 0);
    db_bind_text(stmt, 1, name);
    db_bind_blob(stmt, 2, sealed);
    db_bind_i64(stmt, 3, (int64_t)hash64(sealed, hash64(name, 2)));
    assert_int_equal(db_run(stmt, NULL), 0);
    stmt = db_stmt_free(stmt); // before its connection
}

static void a_row_with_a_good_sum_opens_under_its_own_name_alone(void **state) {
    AUTO(crypto_sealer) struct crypto_sealer *s = sealer(KEY);
    AUTO_FINI(buf) struct buf sealed = buf_make(1000);
    assert_int_equal(crypto_seal(s, STR("b"), STR("of b"), &sealed), 0);
    store_free(open_state(*state));
    put_row(*state, STR("a"), buf_str(&sealed));
    put_row(*state, STR("b"), buf_str(&sealed));
    AUTO(store) struct store *store = open_state(*state);
    get(store, KEY, "b", 0, "of b");
    get(store, KEY, "a", STORE_E_CORRUPT, "");
}

static bool file_holds(const char *path, const char *text) {
    AUTO_FINI(buf) struct buf content = scratch_read(path);
    return str_find(buf_str(&content), str_from(text)) < content.n;
}

// Looks into every file of the state directory; gives how many there are.
static int look_into_all(struct scratch *s, const char *const *texts, size_t n) {
    int files = 0;
    DIR *dir = opendir(scratch_path(s, "state"));
    assert_non_null(dir);
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.') continue;
        AUTO_FINI(buf) struct buf path = buf_make(4096);
        buf_addf(&path, "state/%s", entry->d_name);
        const char *full = scratch_path(s, buf_z(&path));
        for (size_t i = 0; i < n; i++)
            if (file_holds(full, texts[i])) fail_msg("%s holds %s", full, texts[i]);
        files++;
    }
    closedir(dir);
    return files;
}

static void no_file_holds_the_value_in_clear(void **state) {
    static const char *const texts[] = {VALUE, "nobody may see", "another value", KEY};
    AUTO(store) struct store *store = open_state(*state);
    put(store, KEY, "dpop/acme", VALUE);
    put(store, KEY, "dpop/other", VALUE);
    put(store, KEY, "dpop/other", "another value");
    assert_int_equal(store_secret_delete(store, STR("dpop/other"), NULL), 0);
    assert_true(look_into_all(*state, texts, LEN(texts)) >= 2); // state.db, its log, lock
    assert_true(file_holds(scratch_path(*state, "state/state.db-wal"), "dpop/acme"));
    store = store_free(store);
    assert_true(look_into_all(*state, texts, LEN(texts)) >= 1);
    assert_true(file_holds(scratch_path(*state, "state/state.db"), "dpop/acme"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_secret_outlives_the_process, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(each_name_has_one_value, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_deleted_secret_is_gone, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(another_master_key_is_told_from_damage, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(nothing_is_kept_without_a_name_or_a_value, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(rows_that_changed_places_do_not_open, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_changed_byte_is_damage, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_value_that_lost_its_end_is_damage, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_row_with_a_good_sum_opens_under_its_own_name_alone,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(no_file_holds_the_value_in_clear, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
