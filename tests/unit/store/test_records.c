// SPDX-License-Identifier: Apache-2.0
// Many sealed records: written together or not at all, read by prefix, sealed anew by another key.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/db.h"
#include "store/records.h"

#include "scratch.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER_KEY "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

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

static void write_plain(struct store *store, const char *const *names, size_t n) {
    struct store_record rows[16];
    assert_true(n <= LEN(rows));
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct store_record){str_from(names[i]), str_from(names[i])};
    assert_int_equal(store_records_write(store, rows, n, NULL), 0);
}

static int add_name(void *ctx, const struct store_record *row) {
    struct buf *out = ctx;
    assert_true(row->sealed.n > 0);
    if (out->n) buf_addc(out, ' ');
    buf_add_str(out, row->name);
    return 0;
}

static void expect_names(struct store *store, struct str prefix, const char *want) {
    AUTO_FINI(buf) struct buf got = buf_make(10000);
    struct fault fault = {{0}};
    int r = store_records_each(store, prefix, add_name, &got, &fault);
    if (r) fail_msg("%d: %s", r, fault.text);
    assert_string_equal(buf_z(&got), want);
}

static void a_prefix_gives_its_own_records_in_order_and_no_others(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    static const char *const names[] = {
        "gate/token/2",  "gate/token/1", "gate/tokens", "gate/tokem/9", "gate/token0",
        "gate/token/10", "dpop/acme",    "z",           "gate"};
    write_plain(store, names, LEN(names));
    expect_names(store, STR("gate/token/"), "gate/token/1 gate/token/10 gate/token/2");
    expect_names(store, STR("gate/user/"), "");
    expect_names(store, STR("zz"), "");
    expect_names(
        store, STR("gate"),
        "gate gate/tokem/9 gate/token/1 gate/token/10 gate/token/2 gate/token0 gate/tokens");
    expect_names(store, STR_NONE,
                 "dpop/acme gate gate/tokem/9 gate/token/1 gate/token/10 "
                 "gate/token/2 gate/token0 gate/tokens z");
}

static void names_of_any_bytes_keep_their_order(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    static const char *const names[] = {"a/\xff\xff", "a/\xff", "a/\xfe", "a/\xc3\xa4", "b"};
    write_plain(store, names, LEN(names));
    expect_names(store, STR("a/\xff"), "a/\xff a/\xff\xff");
    expect_names(store, STR("a/"), "a/\xc3\xa4 a/\xfe a/\xff a/\xff\xff");
}

static void a_record_is_replaced_and_taken_away(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    const struct store_record rows[] = {{STR("a"), STR("1")}, {STR("b"), STR("1")},
                                        {STR("a"), STR_NONE}, {STR("never there"), STR_NONE},
                                        {STR("b"), STR("2")}, {STR("c"), STR("3")}};
    assert_int_equal(store_records_write(store, rows, LEN(rows), NULL), 0);
    expect_names(store, STR(""), "b c");
    store = store_free(store);
    store = open_state(*state);
    expect_names(store, STR(""), "b c");
    assert_int_equal(store_records_write(store, NULL, 0, NULL), 0);
}

static int stop_at_b(void *ctx, const struct store_record *row) {
    (*(int *)ctx)++;
    return str_eqz(row->name, "b") ? -ECANCELED : 0;
}

static void the_callback_ends_the_walk(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    static const char *const names[] = {"a", "b", "c"};
    int seen = 0;
    write_plain(store, names, LEN(names));
    assert_int_equal(store_records_each(store, STR(""), stop_at_b, &seen, NULL), -ECANCELED);
    assert_int_equal(seen, 2);
    expect_names(store, STR(""), "a b c");
}

static void a_batch_with_a_bad_record_changes_nothing(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    static const char *const names[] = {"a"};
    const struct store_record nameless[] = {{STR("b"), STR("1")}, {STR(""), STR("1")}};
    const struct store_record valueless[] = {{STR("a"), STR_NONE}, {STR("c"), STR("")}};
    struct fault fault = {{0}};
    write_plain(store, names, LEN(names));
    assert_int_equal(store_records_write(store, nameless, 2, &fault), -EINVAL);
    assert_true(contains(fault.text, "needs a name"));
    assert_int_equal(store_records_write(store, valueless, 2, NULL), -EINVAL);
    expect_names(store, STR(""), "a");
}

static void tamper(struct scratch *s, const char *sql) {
    AUTO(db) struct db *db = NULL;
    const struct db_opts opts = {
        .path = scratch_path(s, "state/state.db"), .mode = DB_WRITE, .cache_kb = 64};
    assert_int_equal(db_open(&db, &opts, NULL), 0);
    struct fault fault = {{0}};
    if (db_exec(db, sql, &fault)) fail_msg("%s", fault.text);
}

static void a_state_that_cannot_be_written_keeps_what_it_has(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    static const char *const names[] = {"a", "b"};
    write_plain(store, names, LEN(names));
    store = store_free(store);
    tamper(*state, "CREATE TRIGGER t BEFORE INSERT ON secret WHEN NEW.name = 'd' "
                   "BEGIN SELECT RAISE(ABORT, 'no room'); END");
    store = open_state(*state);
    const struct store_record rows[] = {
        {STR("a"), STR_NONE}, {STR("c"), STR("1")}, {STR("d"), STR("1")}};
    struct fault fault = {{0}};
    assert_true(store_records_write(store, rows, LEN(rows), &fault) < 0);
    assert_true(contains(fault.text, "state.db"));
    expect_names(store, STR(""), "a b");
    rename(scratch_path(*state, "state/state.db"), scratch_path(*state, "elsewhere"));
    assert_int_equal(store_records_write(store, rows, 1, &fault), -ESTALE);
}

// What damage gives, and that the records before it have been given.
static void with_damage(void **state, const char *sql, int before) {
    AUTO(store) struct store *store = open_state(*state);
    AUTO(crypto_sealer) struct crypto_sealer *key = sealer(KEY);
    static const char *const names[] = {"a", "c", "e"};
    struct fault fault = {{0}};
    int seen = 0;
    write_plain(store, names, LEN(names));
    store = store_free(store);
    tamper(*state, sql);
    store = open_state(*state);
    assert_int_equal(store_records_each(store, STR(""), stop_at_b, &seen, &fault), STORE_E_CORRUPT);
    assert_true(contains(fault.text, "is damaged"));
    assert_true(contains(fault.text, "backup"));
    assert_int_equal(seen, before);
    assert_int_not_equal(store_records_reseal(store, key, key, NULL), 0);
}

static void a_changed_byte_is_damage(void **state) {
    with_damage(state, "UPDATE secret SET sealed = x'41' WHERE name = 'c'", 1);
}

static void a_changed_name_is_damage(void **state) {
    with_damage(state, "UPDATE secret SET name = 'f' WHERE name = 'c'", 2);
}

static void a_changed_sum_is_damage(void **state) {
    with_damage(state, "UPDATE secret SET sum = sum + 1 WHERE name = 'a'", 0);
}

// ---- another master key

static void put(struct store *store, const struct crypto_sealer *key, const char *name,
                const char *value) {
    assert_int_equal(store_secret_put(store, key, str_from(name), str_from(value), NULL), 0);
}

static void expect(struct store *store, const struct crypto_sealer *key, const char *name,
                   int outcome, const char *value) {
    AUTO_FINI(buf) struct buf got = buf_make(10000);
    assert_int_equal(store_secret_get(store, key, str_from(name), &got, NULL), outcome);
    assert_true(str_eqz(buf_str(&got), value));
}

static void every_value_is_sealed_anew(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    AUTO(crypto_sealer) struct crypto_sealer *old = sealer(KEY);
    AUTO(crypto_sealer) struct crypto_sealer *new = sealer(OTHER_KEY);
    put(store, old, "dpop/acme", "a key");
    put(store, old, "gate/core", "the core");
    put(store, old, "gate/token/1", "a token");
    struct fault fault = {{0}};
    int r = store_records_reseal(store, old, new, &fault);
    if (r) fail_msg("%d: %s", r, fault.text);
    store = store_free(store);
    store = open_state(*state);
    expect(store, new, "dpop/acme", 0, "a key");
    expect(store, new, "gate/core", 0, "the core");
    expect(store, new, "gate/token/1", 0, "a token");
    expect(store, old, "gate/core", STORE_E_OTHER_KEY, "");
}

static void one_value_of_another_key_stops_it_all(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    AUTO(crypto_sealer) struct crypto_sealer *old = sealer(KEY);
    AUTO(crypto_sealer) struct crypto_sealer *new = sealer(OTHER_KEY);
    struct fault fault = {{0}};
    put(store, old, "a", "of a");
    put(store, new, "b", "of b");
    assert_int_equal(store_records_reseal(store, old, new, &fault), STORE_E_OTHER_KEY);
    assert_true(contains(fault.text, "secret b"));
    expect(store, old, "a", 0, "of a");
    expect(store, new, "b", 0, "of b");
}

static void an_empty_table_is_sealed_anew_at_once(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    AUTO(crypto_sealer) struct crypto_sealer *old = sealer(KEY);
    AUTO(crypto_sealer) struct crypto_sealer *new = sealer(OTHER_KEY);
    assert_int_equal(store_records_reseal(store, old, new, NULL), 0);
}

static void a_value_that_does_not_open_stops_it_all(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    AUTO(crypto_sealer) struct crypto_sealer *old = sealer(KEY);
    AUTO(crypto_sealer) struct crypto_sealer *new = sealer(OTHER_KEY);
    AUTO_FINI(buf) struct buf sealed = buf_make(1000);
    put(store, old, "a", "of a");
    assert_int_equal(crypto_seal(old, STR("z"), STR("of z"), &sealed), 0);
    const struct store_record moved = {STR("b"), buf_str(&sealed)};
    assert_int_equal(store_records_write(store, &moved, 1, NULL), 0);
    assert_int_equal(store_records_reseal(store, old, new, NULL), STORE_E_CORRUPT);
    expect(store, old, "a", 0, "of a");
}

// ---- many

enum { MANY = 20000 };

static int count(void *ctx, const struct store_record *row) {
    assert_true(row->sealed.n == 200);
    (*(int *)ctx)++;
    return 0;
}

static void many_records_come_back(void **state) {
    AUTO(store) struct store *store = open_state(*state);
    char value[200] = "value";
    char names[100][32];
    struct store_record rows[100];
    for (int i = 0; i < MANY; i += 100) {
        for (int k = 0; k < 100; k++) {
            snprintf(names[k], sizeof names[k], "gate/token/%08x", (unsigned)(i + k) * 2654435761U);
            rows[k] = (struct store_record){str_from(names[k]), {value, sizeof value}};
        }
        assert_int_equal(store_records_write(store, rows, 100, NULL), 0);
    }
    int n = 0;
    assert_int_equal(store_records_each(store, STR("gate/"), count, &n, NULL), 0);
    assert_int_equal(n, MANY);
}

int main(void) {
#define ROW(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        ROW(a_prefix_gives_its_own_records_in_order_and_no_others),
        ROW(names_of_any_bytes_keep_their_order),
        ROW(a_record_is_replaced_and_taken_away),
        ROW(the_callback_ends_the_walk),
        ROW(a_batch_with_a_bad_record_changes_nothing),
        ROW(a_state_that_cannot_be_written_keeps_what_it_has),
        ROW(a_changed_byte_is_damage),
        ROW(a_changed_name_is_damage),
        ROW(a_changed_sum_is_damage),
        ROW(every_value_is_sealed_anew),
        ROW(one_value_of_another_key_stops_it_all),
        ROW(an_empty_table_is_sealed_anew_at_once),
        ROW(a_value_that_does_not_open_stops_it_all),
        ROW(many_records_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
