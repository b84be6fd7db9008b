// SPDX-License-Identifier: Apache-2.0
// What people see in a terminal: tables, and the gate's own words. Strangers choose parts of both.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/columns.h"
#include "cli/gate-client.h"

#define assert_buf(b, z) assert_string_equal(buf_z(&(b)), (z))

static const struct {
    struct str in;
    const char *out;
} cleaned[] = {
    {STR(""), ""},
    {STR("alice@example.com"), "alice@example.com"},
    {STR("J\xC3\xBCrgen \xE6\x97\xA5 \xF0\x9F\x94\x91"),
     "J\xC3\xBCrgen \xE6\x97\xA5 \xF0\x9F\x94\x91"},
    {STR("\x1b[2J"), "\\u{1b}[2J"},
    {STR("a\0b\tc\nd\re"), "a\\u{0}b\\u{9}c\\u{a}d\\u{d}e"},
    {STR("\x7f"), "\\u{7f}"},
    {STR("\xC2\x9B"
         "31m"),
     "\\u{9b}31m"},                                        // CSI as one character
    {STR("a\xE2\x80\xAEnimda"), "a\\u{202e}nimda"},        // right to left
    {STR("ad\xE2\x80\x8Bmin"), "ad\\u{200b}min"},          // no width
    {STR("\xF3\xA0\x81\x81"), "\\u{e0041}"},               // a tag
    {STR("\xC2\xAD\xEF\xBB\xBF"), "\\u{ad}\\u{feff}"},     // soft hyphen, byte order mark
    {STR("\xC2\xA0\xE2\x82\xAC"), "\xC2\xA0\xE2\x82\xAC"}, // seen, so left alone
};

static void what_a_terminal_would_act_upon_is_escaped(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(cleaned); i++) {
        AUTO_FINI(buf) struct buf b = buf_make(1024);
        columns_add_clean(&b, cleaned[i].in);
        assert_buf(b, cleaned[i].out);
    }
}

static void broken_utf_8_stays_inside_the_text(void **state) {
    static const char *const broken[] = {"\xC2", "\x80\x80\x80\x80\x80", "\xFF\xFE", "a\xE2\x80",
                                         "\xF8\x88\x80\x80\x80"};
    (void)state;
    for (size_t i = 0; i < LEN(broken); i++) {
        AUTO_FINI(buf) struct buf b = buf_make(1024);
        columns_add_clean(&b, str_from(broken[i]));
        columns_cell(&b, str_from(broken[i]));
        assert_int_equal(b.error, 0);
    }
}

// The table as it is printed.
static void print(const struct buf *t, char *ret, size_t size) {
    FILE *f = fmemopen(ret, size, "w");
    assert_non_null(f);
    assert_int_equal(columns_print(t, f), 0);
    fclose(f);
}

static void columns_are_as_wide_as_their_widest_cell_in_characters(void **state) {
    AUTO_FINI(buf) struct buf t = buf_make(4096);
    char out[256] = "";
    (void)state;
    columns_cell(&t, STR("WHO"));
    columns_cell(&t, STR("WHAT"));
    columns_end_row(&t);
    columns_cell(&t, STR("J\xC3\xBCrgen"));
    columns_cellf(&t, "%d s", 7);
    columns_end_row(&t);
    columns_note(&t, STR("a note is longer than any column, and makes none wider"));
    columns_cell(&t, STR(""));
    columns_cell(&t, STR_NONE);
    columns_end_row(&t);
    print(&t, out, sizeof out);
    assert_string_equal(out, "WHO     WHAT\n"
                             "J\xC3\xBCrgen  7 s\n"
                             "    a note is longer than any column, and makes none wider\n"
                             "-       -\n");
}

static void long_cells_are_cut_between_characters(void **state) {
    AUTO_FINI(buf) struct buf t = buf_make(4096);
    AUTO_FINI(buf) struct buf in = buf_make(4096);
    AUTO_FINI(buf) struct buf want = buf_make(4096);
    char out[1024] = "";
    (void)state;
    for (int i = 0; i < COLUMNS_CELL_MAX + 1; i++) buf_addz(&in, "\xE6\x97\xA5");
    for (int i = 0; i < COLUMNS_CELL_MAX - 3; i++) buf_addz(&want, "\xE6\x97\xA5");
    buf_addz(&want, "...\n");
    columns_cell(&t, buf_str(&in));
    columns_end_row(&t);
    print(&t, out, sizeof out);
    assert_string_equal(out, buf_z(&want));

    buf_reset(&t);
    columns_cell(&t, str_sub(buf_str(&in), 0, (size_t)COLUMNS_CELL_MAX * 3));
    columns_end_row(&t);
    print(&t, out, sizeof out);
    assert_int_equal(strlen(out), COLUMNS_CELL_MAX * 3 + 1);
}

static void a_table_that_did_not_fit_is_not_printed(void **state) {
    AUTO_FINI(buf) struct buf t = buf_make(8);
    char out[64] = "untouched";
    (void)state;
    columns_cell(&t, STR("more than eight"));
    FILE *f = fmemopen(out, sizeof out, "r+");
    assert_non_null(f);
    assert_int_not_equal(columns_print(&t, f), 0);
    fclose(f);
    assert_string_equal(out, "untouched");
}

static const struct {
    int status;
    const char *text, *explained;
} answers[] = {
    {403, "{\"errors\":[\"permission denied\"]}", "403 permission denied"},
    {403, "{\"errors\":[\"1 error occurred:\\n\\t* permission denied\\n\\n\"]}",
     "403 1 error occurred:\n    * permission denied"},
    {400, "{\"errors\":[\"one\",\"two\"]}", "400 one\ntwo"},
    {503, "{\"errors\":[\"Vault is sealed\"]}", "503 Vault is sealed"},
    {500, "{\"errors\":[\"\\u001b[31m\"]}", "500 \\u{1b}[31m"},
    {404, "", "404 without saying why"},
    {502, "<html>\nBad gateway</html>", "502 <html>\nBad gateway</html>"},
    {400, "{\"errors\":\"no list\"}", "400 {\"errors\":\"no list\"}"},
    {400, "{\"errors\":[]}", "400 {\"errors\":[]}"},
};

static void a_refusal_is_shown_as_the_gate_words_it(void **state) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    (void)state;
    assert_int_equal(json_reader_new(&reader), 0);
    for (size_t i = 0; i < LEN(answers); i++) {
        AUTO_FINI(buf) struct buf out = buf_make(4096);
        struct gate_answer a = {.status = answers[i].status, .text = str_from(answers[i].text)};
        if (json_read(reader, a.text, &a.body, NULL)) a.body = NULL;
        gate_answer_explain(&a, &out);
        assert_buf(out, answers[i].explained);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_terminal_would_act_upon_is_escaped),
        cmocka_unit_test(broken_utf_8_stays_inside_the_text),
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell_in_characters),
        cmocka_unit_test(long_cells_are_cut_between_characters),
        cmocka_unit_test(a_table_that_did_not_fit_is_not_printed),
        cmocka_unit_test(a_refusal_is_shown_as_the_gate_words_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
