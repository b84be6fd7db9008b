// SPDX-License-Identifier: Apache-2.0
// HCL and JSON to the same tree, and what is said of texts that are neither. Messages and places
// are those of the real server, asked 2026-11-23, but where a comment says otherwise.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "identity/hcl.h"

enum { TEXT_MAX_BYTES = 1 << 20 };

static void assert_tree(const char *text, const char *want) {
    struct hcl h;
    struct fault fault = {{0}};
    int r = hcl_parse(&h, str_from(text), &fault);
    if (r) fail_msg("%s: %d %s", text, r, fault.text);
    AUTO_FINI(buf) struct buf out = buf_make(TEXT_MAX_BYTES);
    hcl_write(&h.root, &out);
    hcl_fini(&h);
    assert_string_equal(buf_z(&out), want);
}

static void assert_fault(const char *text, const char *want) {
    struct hcl h;
    struct fault fault = {{0}};
    int r = hcl_parse(&h, str_from(text), &fault);
    if (r == 0) hcl_fini(&h);
    if (r != HCL_E_SYNTAX) fail_msg("%s: %d", text, r);
    if (strcmp(fault.text, want) != 0) fail_msg("%s:\n%s, not\n%s", text, fault.text, want);
}

static void blocks_values_and_lists_make_a_tree(void **state) {
    (void)state;
    assert_tree("", "");
    assert_tree("  # nothing\n// here\n/* at\nall */ ", "");
    assert_tree("a = 1", "\"a\" = 1\n");
    assert_tree("path \"a\" { b = [\"c\", 1, 2.5, true, [-3], {d = 0x1F}] }",
                "\"path\" \"a\" {\n\"b\" = [\"c\", 1, 2.5, true, [-3], {\n\"d\" = 0x1F\n}]\n}\n");
    assert_tree("a b-c.d \"e\" {} \"f\" = {}", "\"a\" \"b-c.d\" \"e\" {\n}\n\"f\" {\n}\n");
    assert_tree("a = [,1,,2,], b = []", "\"a\" = [1, 2]\n\"b\" = []\n");
}

static void escapes_mean_their_characters(void **state) {
    (void)state;
    assert_tree("a = \"\\\"\\\\\\n\\t\\r\"", "\"a\" = \"\\\"\\\\\\n\\t\\r\"\n");
    assert_tree("a = \"\\x41\\u00e4\\101\\U0001F600\"", "\"a\" = \"AäA😀\"\n");
    assert_tree("{\"a\": \"\\/\\u00e4\\ud83d\\ude00\"}", "\"a\" = \"/ä😀\"\n");
    assert_tree("a = \"x${\"y\"}z\"", "\"a\" = \"x\\u0024{\\\"y\\\"}z\"\n");
    assert_fault("path \"a\\q\" { }", "At 1:9: illegal char escape");
    assert_fault("{\"path\":{\"a\\q\":{}}}", "At 1:13: illegal char escape");
    assert_fault("a = \"\\u12\"", "At 1:7: illegal char escape");
}

static void heredocs_are_texts(void **state) {
    (void)state;
    assert_tree("a = <<EOF\nx\n y\nEOF\n", "\"a\" = \"x\\n y\\n\"\n");
    assert_tree("a = <<EOF\nEOF\n", "\"a\" = \"\"\n");
    assert_tree("a = <<EOF\nread\n  EOF\n", "\"a\" = \"read\\n  \"\n");
    assert_tree("a = <<-EOF\n     r\n      w\n     EOF\n", "\"a\" = \"r\\n w\\n\"\n");
    assert_tree("a = <<-EOF\n   r\n     EOF\n", "\"a\" = \"   r\\n\"\n");
    assert_tree("a = <<-EOF\n\tr\n\n\t\tw\n\tEOF\n", "\"a\" = \"\\tr\\n\\n\\t\\tw\\n\"\n");
    assert_tree("a = <<EOF\nq\\\"\nEOF\n", "\"a\" = \"q\\\\\\\"\\n\"\n");
    assert_tree("a = [<<E\nx\nE\n, 1]", "\"a\" = [\"x\\n\", 1]\n");
    assert_fault("path \"a\" { comment = <<EOF\nx\nEO\n}", "At 4:2: heredoc not terminated");
    assert_fault("path \"a\" { comment = <<\nx\n}", "At 1:24: zero-length heredoc anchor");
    assert_fault("path \"a\" { comment = <<EOF x\nEOF\n}",
                 "At 1:27: invalid characters in heredoc anchor");
    assert_fault("path \"a\" { comment = <EOF\nEOF\n}",
                 "At 1:23: heredoc expected second '<', didn't see it");
}

static void what_is_not_closed_is_told_with_its_place(void **state) {
    (void)state;
    static const struct {
        const char *text, *fault;
    } rows[] = {
        {"path \"a\" {", "At 1:12: object expected closing RBRACE got: EOF"},
        {"path \"a", "At 1:8: literal not terminated"},
        {"path \"a\nb\" { }", "At 1:8: literal not terminated"}, // there: At 2:7
        {"path \"a\" { capabilities = [\"read\"]",
         "At 1:36: object expected closing RBRACE got: EOF"},
        {"path \"a\" { capabilities =", "At 1:27: object expected closing RBRACE got: EOF"},
        {"path \"a\" { capabilities = [", "At 1:28: unexpected token while parsing list: EOF"},
        {"path \"a\" { capabilities = [\"read\"",
         "At 1:34: error parsing list, expected comma or list end, got: EOF"},
        {"path \"a\" { x = [1,", "At 1:19: unexpected token while parsing list: EOF"},
        {"path \"a\" { x = { ", "At 1:19: object expected closing RBRACE got: EOF"},
        {"path \"${\" { capabilities=[\"fly\"]}", "At 1:34: literal not terminated"},
        {"/* unclosed", "At 1:12: comment not terminated"},
        {"a =", "At 1:4: expected a value got: EOF"},         // there: taken
        {"{", "At 1:2: expected: STRING got: EOF"},           // there: taken
        {"{\"path\":", "At 1:9: expected: a value got: EOF"}, // there: taken
    };
    for (size_t i = 0; i < LEN(rows); i++) assert_fault(rows[i].text, rows[i].fault);
}

static void what_stands_in_the_wrong_place_is_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *fault;
    } rows[] = {
        {"%%%", "At 1:1: illegal char"},
        {"path \"é\" { %", "At 1:12: illegal char"},
        {"path \"a\" { capabilities=[\"read\"]; comment=\"x\" }", "At 1:33: illegal char"},
        {"path \"a\" { capabilities : [\"read\"] }", "At 1:25: illegal char"},
        {"\xEF\xBB\xBFpath \"a\" {}", "At 1:1: illegal char"},
        {"path \"\xFF\" {}", "At 1:7: illegal char"},
        {"path <<E\na\nE\n {}", "At 1:6: expected: IDENT | STRING | ASSIGN | LBRACE got: HEREDOC"},
        {"path a", "At 1:8: key 'path a' expected start of object ('{') or assignment ('=')"},
        {"path \"a\"",
         "At 1:9: key 'path \"a\"' expected start of object ('{') or assignment ('=')"},
        {"path \"a\" {} \"x\"",
         "At 1:16: key '\"x\"' expected start of object ('{') or assignment ('=')"},
        {"path \"a\" { comment }",
         "At 1:20: key 'comment' expected start of object ('{') or assignment ('=')"},
        {"path \"a\" { capabilities [\"read\"] }",
         "At 1:25: expected: IDENT | STRING | ASSIGN | LBRACE got: LBRACK"},
        {"path \"a\" 5 {}", "At 1:10: expected: IDENT | STRING | ASSIGN | LBRACE got: NUMBER"},
        {"path \"a\" { } }", "At 1:14: expected: IDENT | STRING | ASSIGN | LBRACE got: RBRACE"},
        {"path \"a\" { {} }", "At 1:12: expected: IDENT | STRING got: LBRACE"},
        {"# c\n{\"path\":{}}", "At 2:1: expected: IDENT | STRING got: LBRACE"},
        {"path \"a\" = \"x\"", "At 1:10: nested object expected: LBRACE got: ASSIGN"},
        {"=", "At 1:1: no object keys found!"},
        {"path \"a\" { capabilities = null }", "At 1:27: Unknown token: 1:27 IDENT null"},
        {"path \"a\" { comment = - }", "At 1:22: Unknown token: 1:22 SUB -"},
        {"path \"a\" { x = , }", "At 1:16: Unknown token: 1:16 COMMA ,"},
        {"path \"a\" { capabilities = [read] }",
         "At 1:28: unexpected token while parsing list: IDENT"},
        {"path \"a\" { capabilities = [\"read\" \"list\"] }",
         "At 1:35: error parsing list, expected comma or list end, got: STRING"},
        {"path \"a\" { comment = 0x }", "At 1:24: illegal hexadecimal number"},
        {"/ x", "At 1:1: expected '/' for comment"},
        {"[1]", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: LBRACK"},
        {"{\"path\" {\"a\":{}}}", "At 1:9: expected: COLON got: LBRACE"},
        {"{\"a\":{}} x", "At 1:10: illegal char"},             // there: taken
        {"{\"a\":{}}{}", "At 1:9: expected: EOF got: LBRACE"}, // there: taken
        {"{\"a\":01}", "At 1:6: numbers cannot start with 0"},
        {"{\"a\":+1}", "At 1:6: illegal char"},
        {"{\"a\":# c\n1}", "At 1:6: illegal char"},
    };
    for (size_t i = 0; i < LEN(rows); i++) assert_fault(rows[i].text, rows[i].fault);
}

static void a_null_character_is_refused(void **state) {
    (void)state;
    static const char text[] = "path \"a\" {} \0";
    struct hcl h;
    struct fault fault = {{0}};
    assert_int_equal(hcl_parse(&h, (struct str){text, sizeof text - 1}, &fault), HCL_E_SYNTAX);
    assert_string_equal(fault.text, "At 1:13: unexpected null character (0x00)");
}

static void json_gives_the_tree_of_hcl(void **state) {
    (void)state;
    assert_tree(
        "{\"path\":{\"a\":{\"b\":[\"c\",1,null]},\"d\":{}},\"name\":\"n\"}",
        "\"path\" \"a\" {\n\"b\" = [\"c\", 1, null]\n}\n\"path\" \"d\" {\n}\n\"name\" = \"n\"\n");
    assert_tree(" {\"path\":[{\"a\":{}},{\"b\":{\"c\":-1.5e3}}],}",
                "\"path\" \"a\" {\n}\n\"path\" \"b\" {\n\"c\" = -1.5e3\n}\n");
    assert_tree("{}", "");
}

static void places_count_lines_and_characters(void **state) {
    (void)state;
    struct hcl h;
    assert_int_equal(hcl_parse(&h, STR("a = 1\r\n\n  \"éé\" \"x\" { b = 2 }"), NULL), 0);
    const struct hcl_item *first = h.root.items, *second = first->next;
    assert_int_equal(first->place.line, 1);
    assert_int_equal(first->value.place.column, 5);
    assert_int_equal(second->place.line, 3);
    assert_int_equal(second->place.column, 3);
    assert_int_equal(second->value.items->place.column, 14);
    hcl_fini(&h);
}

static void nesting_has_a_limit(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf text = buf_make(TEXT_MAX_BYTES);
    struct hcl h;
    struct fault fault = {{0}};
    buf_addz(&text, "a = ");
    for (int i = 0; i < HCL_DEPTH_MAX; i++) buf_addc(&text, '[');
    for (int i = 0; i < HCL_DEPTH_MAX; i++) buf_addc(&text, ']');
    assert_int_equal(hcl_parse(&h, buf_str(&text), &fault), 0);
    hcl_fini(&h);
    buf_reset(&text);
    buf_addz(&text, "a = ");
    for (int i = 0; i < 100000; i++) buf_addc(&text, '[');
    assert_int_equal(hcl_parse(&h, buf_str(&text), &fault), HCL_E_SYNTAX);
    assert_string_equal(fault.text, "At 1:69: nested deeper than 64 levels");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_values_and_lists_make_a_tree),
        cmocka_unit_test(escapes_mean_their_characters),
        cmocka_unit_test(heredocs_are_texts),
        cmocka_unit_test(what_is_not_closed_is_told_with_its_place),
        cmocka_unit_test(what_stands_in_the_wrong_place_is_named),
        cmocka_unit_test(a_null_character_is_refused),
        cmocka_unit_test(json_gives_the_tree_of_hcl),
        cmocka_unit_test(places_count_lines_and_characters),
        cmocka_unit_test(nesting_has_a_limit),
    };
    return cmocka_run_group_tests_name("hcl", tests, NULL, NULL);
}
