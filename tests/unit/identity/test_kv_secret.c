// SPDX-License-Identifier: Apache-2.0
// Secrets of kv mounts and cubbyholes: put, taken, listed as folders.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "identity/secret.h"

static const struct state_schema schema = {{[RECORD_SECRET] = &secret_type}};

static int setup(void **state) {
    static struct draft d;
    AUTO(state) struct state *empty = NULL;
    if (state_new(&empty, &schema) || draft_begin(&d, empty)) return -1;
    *state = &d;
    return 0;
}

static int teardown(void **state) {
    draft_fini(*state);
    return 0;
}

static void put(struct draft *d, const char *space, const char *path) {
    assert_int_equal(secret_put(d, str_from(space), str_from(path), STR("{\"a\":1.50}")), 0);
}

static void lists(struct draft *d, const char *prefix, size_t count, const char *keys) {
    AUTO_FINI(buf) struct buf out = buf_make(1000);
    size_t n = 99;
    secret_list(d->state, STR("s"), str_from(prefix), &out, &n);
    assert_int_equal(n, count);
    assert_string_equal(buf_z(&out) ? out.p : "", keys);
}

static void a_secret_is_given_back_as_it_was_written(void **state) {
    struct draft *d = *state;
    put(d, "s", "a/b");
    const struct secret *s = secret_get(d->state, STR("s"), STR("a/b"));
    assert_true(str_eqz(s->json, "{\"a\":1.50}"));
    assert_null(secret_get(d->state, STR("t"), STR("a/b")));
    assert_null(secret_get(d->state, STR("s"), STR("A/b")));
}

static void a_later_write_takes_the_place_of_an_earlier_one(void **state) {
    struct draft *d = *state;
    put(d, "s", "a");
    assert_int_equal(secret_put(d, STR("s"), STR("a"), STR("{}")), 0);
    assert_int_equal(state_count(d->state, RECORD_SECRET), 1);
    assert_true(str_eqz(secret_get(d->state, STR("s"), STR("a"))->json, "{}"));
}

static void what_is_deleted_is_gone_and_may_be_deleted_again(void **state) {
    struct draft *d = *state;
    put(d, "s", "a");
    assert_int_equal(secret_delete(d, STR("s"), STR("a")), 0);
    assert_null(secret_get(d->state, STR("s"), STR("a")));
    assert_int_equal(secret_delete(d, STR("s"), STR("a")), 0);
}

static void a_list_shows_what_is_directly_below_and_each_folder_once(void **state) {
    struct draft *d = *state;
    static const char *const paths[] = {"a",   "a/b/c", "a/b/d", "a/e",  "a.b",
                                        "a-b", "z/y",   "z/x/w", "z/x0", "Upper"};
    for (size_t i = 0; i < LEN(paths); i++) put(d, "s", paths[i]);
    put(d, "r", "before");
    put(d, "t", "behind");
    lists(d, "", 6, "\"Upper\",\"a\",\"a-b\",\"a.b\",\"a/\",\"z/\"");
    lists(d, "a/", 2, "\"b/\",\"e\"");
    lists(d, "a/b/", 2, "\"c\",\"d\"");
    lists(d, "z/", 3, "\"x/\",\"x0\",\"y\"");
    lists(d, "q/", 0, "");
    lists(d, "a.b/", 0, "");
}

static void a_whole_space_goes_and_no_other(void **state) {
    struct draft *d = *state;
    put(d, "s", "a");
    put(d, "s", "b/c");
    put(d, "s2", "a");
    put(d, "", "a");
    assert_int_equal(secret_delete_all(d, STR("s")), 0);
    assert_int_equal(state_count(d->state, RECORD_SECRET), 2);
    assert_non_null(secret_get(d->state, STR("s2"), STR("a")));
}

static void the_space_of_a_cubbyhole_is_the_hash_in_hex(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf out = buf_make(100);
    secret_cubbyhole(&out, STR("\x01\xAB\xFF"));
    assert_string_equal(buf_z(&out), "cubbyhole/01abff");
}

static void records_come_back_from_the_store_as_they_were(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf text = buf_make(1000);
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    AUTO_RECORD void *again = NULL;
    put(d, "s", "a/\"b\"");
    secret_type.encode(secret_get(d->state, STR("s"), STR("a/\"b\"")), &text);
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(json_read(reader, buf_str(&text), &v, NULL), 0);
    assert_int_equal(secret_type.decode(&again, v, NULL), 0);
    const struct secret *s = again;
    assert_true(str_eqz(s->path, "a/\"b\"") && str_eqz(s->json, "{\"a\":1.50}"));
    assert_true(secret_type.secret);
}

static void a_record_without_its_members_is_refused(void **state) {
    (void)state;
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    void *made = NULL;
    struct fault fault;
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(json_read(reader, STR("{\"space\":\"s\",\"path\":\"p\"}"), &v, NULL), 0);
    assert_true(secret_type.decode(&made, v, &fault) < 0);
    assert_string_equal(fault.text, "member \"space\", \"path\" or \"json\" is missing");
}

#define row(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        row(a_secret_is_given_back_as_it_was_written),
        row(a_later_write_takes_the_place_of_an_earlier_one),
        row(what_is_deleted_is_gone_and_may_be_deleted_again),
        row(a_list_shows_what_is_directly_below_and_each_folder_once),
        row(a_whole_space_goes_and_no_other),
        cmocka_unit_test(the_space_of_a_cubbyhole_is_the_hash_in_hex),
        row(records_come_back_from_the_store_as_they_were),
        cmocka_unit_test(a_record_without_its_members_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("kv_secret", tests, NULL, NULL);
}
