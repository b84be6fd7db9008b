// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "json/overrides.h"
#include "json/write.h"

static const struct json *read_text(struct json_reader *r, struct str text) {
    const struct json *root = NULL;
    struct fault fault = {0};
    if (json_read(r, text, &root, &fault)) fail_msg("%s", fault.text);
    return root;
}

// Which members are overridden, as a text of 0 and 1.
static void assert_overridden(const char *text, const unsigned char *fold, const char *expected) {
    AUTO(json_reader) struct json_reader *r = NULL;
    AUTO_FINI(json_overrides) struct json_overrides o = {0};
    assert_int_equal(json_reader_new(&r), 0);
    const struct json *object = read_text(r, str_from(text));
    assert_int_equal(json_overrides_find(object, fold, &o), 0);
    for (size_t i = 0; expected[i]; i++)
        if (json_overrides_has(&o, i) != (expected[i] == '1')) fail_msg("%s: member %zu", text, i);
}

static void only_the_last_of_a_name_counts(void **state) {
    (void)state;
    assert_overridden("{}", NULL, "");
    assert_overridden("[1,1]", NULL, "00");
    assert_overridden("{\"a\":1}", NULL, "0");
    assert_overridden("{\"a\":1,\"b\":{\"a\":1},\"a\":2,\"\":0,\"a\":3,\"\":1}", NULL, "101100");
    assert_overridden("{\"a\\u0000b\":1,\"a\":1,\"a\\u0000c\":1,\"a\\u0000b\":1}", NULL, "1000");
}

static void names_may_be_folded(void **state) {
    (void)state;
    unsigned char fold[256];
    for (int i = 0; i < 256; i++) fold[i] = (unsigned char)(i == '-' ? '_' : i);
    assert_overridden("{\"a-b\":1,\"a_b\":2,\"ab\":3}", fold, "100");
    assert_overridden("{\"a-b\":1,\"a_b\":2,\"ab\":3}", NULL, "000");
}

// An object of n members, of which every one whose number divides by `step` is there twice.
static void add_many(struct buf *out, size_t n, size_t step) {
    json_open(out, '{');
    for (size_t i = 0; i < n; i++) {
        json_comma(out);
        buf_addf(out, "\"name-%zu\":%zu", i % step ? i : 0, i);
    }
    json_close(out, '}');
}

static void many_members_are_sorted_out_too(void **state) {
    (void)state;
    static const size_t sizes[] = {63, 64, 65, 1000, 100000};
    AUTO(json_reader) struct json_reader *r = NULL;
    assert_int_equal(json_reader_new(&r), 0);
    for (size_t s = 0; s < LEN(sizes); s++) {
        AUTO_FINI(buf) struct buf text = buf_make(SIZE_MAX / 2);
        AUTO_FINI(json_overrides) struct json_overrides o = {0};
        add_many(&text, sizes[s], 7);
        assert_int_equal(json_overrides_find(read_text(r, buf_str(&text)), NULL, &o), 0);
        size_t last = (sizes[s] - 1) / 7 * 7;
        for (size_t i = 0; i < sizes[s]; i++)
            assert_int_equal(json_overrides_has(&o, i), i % 7 == 0 && i != last);
    }
}

static void a_value_is_written_without_repeated_names(void **state) {
    (void)state;
    AUTO(json_reader) struct json_reader *r = NULL;
    AUTO_FINI(buf) struct buf out = buf_make(1 << 20);
    assert_int_equal(json_reader_new(&r), 0);
    const struct json *v = read_text(r, STR("{\"a\":1,\"b\":{\"x\":1,\"x\":2},\"a\":[3]}"));
    assert_int_equal(json_add_value(&out, v), 0);
    assert_string_equal(buf_z(&out), "{\"b\":{\"x\":2},\"a\":[3]}");
}

static void a_member_is_written_with_its_comma(void **state) {
    (void)state;
    for (size_t n = 0; n < 100; n++) {
        char text[100];
        memset(text, 'x', sizeof text);
        AUTO_FINI(buf) struct buf out = buf_make(1 << 20);
        AUTO_FINI(buf) struct buf quoted = buf_make(1 << 20);
        json_add_member(&out, (struct str){text, n}, (struct str){text, n});
        assert_int_equal(out.n, 2 * n + 3);
        for (size_t at = 0; at < n; at++) {
            text[at] = '\n';
            buf_reset(&quoted);
            json_add_member(&quoted, STR_NONE, (struct str){text, n});
            assert_int_equal(quoted.n, n + 4);
            assert_memory_equal(quoted.p + at + 1, "\\n", 2);
            for (size_t i = 0; i < n - 1; i++)
                assert_int_equal(quoted.p[i < at ? i + 1 : i + 3], 'x');
            text[at] = 'x';
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_last_of_a_name_counts),
        cmocka_unit_test(names_may_be_folded),
        cmocka_unit_test(many_members_are_sorted_out_too),
        cmocka_unit_test(a_value_is_written_without_repeated_names),
        cmocka_unit_test(a_member_is_written_with_its_comma),
    };
    return cmocka_run_group_tests_name("json/overrides", tests, NULL, NULL);
}
