// SPDX-License-Identifier: Apache-2.0
// A page cut into its events: the very bytes of each, or a clear refusal.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "json/split.h"

// Gives the outcome that ended it; `ret` takes the elements with '|' between them.
static int split_all(struct str text, struct buf *ret, struct fault *fault) {
    struct json_split s = json_split(text);
    struct str element;
    int e;
    while ((e = json_split_next(&s, &element, fault)) == 0) {
        if (s.count > 1) buf_addc(ret, '|');
        buf_add_str(ret, element);
    }
    return e;
}

static void elements_keep_their_very_bytes(void **state) {
    (void)state;
    const struct {
        struct str page;
        struct str elements;
    } rows[] = {
        {STR("[]"), STR("")},
        {STR(" [ ] \n"), STR("")},
        {STR("[1]"), STR("1")},
        {STR("[ {\"a\" : 1.0} ,\n\t[2, 3] , \"x\" ]"), STR("{\"a\" : 1.0}|[2, 3]|\"x\"")},
        {STR("[\"],\\\"[{\", \"\\\\\", {\"}\": \"{\"}]"),
         STR("\"],\\\"[{\"|\"\\\\\"|{\"}\": \"{\"}")},
        {STR("[\"a string of more than eight bytes\\\\\"]"),
         STR("\"a string of more than eight bytes\\\\\"")},
        {STR("[{\"a\":[{}]},{\"b\":[]}]"), STR("{\"a\":[{}]}|{\"b\":[]}")},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf got = buf_make(1000);
        struct fault fault = {0};
        assert_int_equal(split_all(rows[i].page, &got, &fault), JSON_SPLIT_E_END);
        assert_true(str_eq(buf_str(&got), rows[i].elements));
    }
}

static void every_cut_of_a_page_is_refused(void **state) {
    (void)state;
    const struct str page = STR("[{\"a\": \"b\\\"]\", \"c\": [1, 2]}, {\"d\": null}]");
    for (size_t n = 0; n < page.n; n++) {
        AUTO_FINI(buf) struct buf got = buf_make(1000);
        struct fault fault = {0};
        assert_int_equal(split_all(str_sub(page, 0, n), &got, &fault), JSON_SPLIT_E_SYNTAX);
        assert_non_null(strstr(fault.text, "at byte "));
    }
}

static void what_is_not_one_array_is_refused(void **state) {
    (void)state;
    const struct str bad[] = {
        STR("{\"errorCode\":\"E0000047\"}"),
        STR("<!doctype html>"),
        STR("null"),
        STR("\"[]\""),
        STR("[1}"),
        STR("[{]"),
        STR("[(1]]"),
        STR("[1],[2]"),
        STR("[1] x"),
        STR("[1][2]"),
        STR("[,]"),
        STR("[1,]"),
        STR("[1,,2]"),
        STR("[}"),
        STR("[]]"),
    };
    for (size_t i = 0; i < LEN(bad); i++) {
        AUTO_FINI(buf) struct buf got = buf_make(1000);
        struct fault fault = {0};
        int e = split_all(bad[i], &got, &fault);
        if (e != JSON_SPLIT_E_SYNTAX) fail_msg("text %zu gave %d", i, e);
    }
}

static struct buf nested(size_t depth) {
    struct buf text = buf_make(1 << 22);
    buf_addc(&text, '[');
    for (size_t i = 0; i < depth; i++) buf_addz(&text, i % 3 ? "[" : "{\"a\":");
    buf_addc(&text, '1');
    for (size_t i = depth; i-- > 0;) buf_addc(&text, i % 3 ? ']' : '}');
    buf_addc(&text, ']');
    return text;
}

static void nesting_is_followed_to_the_limit_and_refused_beyond(void **state) {
    (void)state;
    const struct {
        size_t depth;
        int outcome;
    } rows[] = {{JSON_SPLIT_DEPTH_MAX, JSON_SPLIT_E_END},
                {JSON_SPLIT_DEPTH_MAX + 1, JSON_SPLIT_E_DEPTH},
                {100000, JSON_SPLIT_E_DEPTH}};
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf text = nested(rows[i].depth);
        AUTO_FINI(buf) struct buf got = buf_make(1 << 22);
        struct fault fault;
        assert_int_equal(split_all(buf_str(&text), &got, &fault), rows[i].outcome);
    }
}

static void the_count_tells_how_many_were_given(void **state) {
    (void)state;
    struct json_split s = json_split(STR("[1, 2, x"));
    struct str element;
    struct fault fault;
    assert_int_equal(json_split_next(&s, &element, &fault), 0);
    assert_int_equal(json_split_next(&s, &element, &fault), 0);
    assert_int_equal(json_split_next(&s, &element, &fault), JSON_SPLIT_E_SYNTAX);
    assert_int_equal(s.count, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_keep_their_very_bytes),
        cmocka_unit_test(every_cut_of_a_page_is_refused),
        cmocka_unit_test(what_is_not_one_array_is_refused),
        cmocka_unit_test(nesting_is_followed_to_the_limit_and_refused_beyond),
        cmocka_unit_test(the_count_tells_how_many_were_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
