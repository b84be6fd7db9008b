// SPDX-License-Identifier: Apache-2.0
// Answers with errors, in the shapes that engines and what stands before them give, and the one
// line that is made of each.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "elastic/engine.h"

struct say_row {
    int status;
    const char *body;
    const char *text; // behind "PUT /x: status N"
};

static const struct say_row rows[] = {
    {404,
     "{\"error\":{\"root_cause\":[{\"type\":\"index_not_found_exception\",\"reason\":\"no such "
     "index [x]\",\"index\":\"x\"}],\"type\":\"index_not_found_exception\",\"reason\":\"no such "
     "index [x]\",\"index\":\"x\"},\"status\":404}",
     ", index_not_found_exception: no such index [x]"},
    {400,
     "{\"error\":{\"type\":\"document_parsing_exception\",\"reason\":\"[1:9] failed to parse field "
     "[a]\",\"caused_by\":{\"type\":\"x_content\",\"reason\":\"outer\",\"caused_by\":{\"type\":"
     "\"number_format_exception\",\"reason\":\"For input string: \\\"b\\\"\"}}},\"status\":400}",
     ", document_parsing_exception: [1:9] failed to parse field [a]; because of "
     "number_format_exception: For input string: \"b\""},
    {400,
     "{\"error\":{\"root_cause\":[{\"type\":\"query_shard_exception\",\"reason\":\"No mapping\"}],"
     "\"type\":\"search_phase_execution_exception\",\"reason\":\"all shards failed\"}}",
     ", search_phase_execution_exception: all shards failed; because of query_shard_exception: No "
     "mapping"},
    {500, "{\"error\":{\"type\":\"null_pointer_exception\",\"reason\":null},\"status\":500}",
     ", null_pointer_exception"},
    {500, "{\"error\":{\"reason\":\"only a reason\"}}", ", only a reason"},
    {500, "{\"error\":{\"root_cause\":[{\"type\":\"a\",\"reason\":\"b\"}]}}", ", a: b"},
    {405, "{\"error\":\"Incorrect HTTP method for uri [/_x], allowed: [GET]\",\"status\":405}",
     ", Incorrect HTTP method for uri [/_x], allowed: [GET]"},
    {403, "{\"status\":\"FORBIDDEN\",\"message\":\"No permission to access REST API\"}",
     ", No permission to access REST API"},
    {403, "{\"Message\":\"User: anonymous is not authorized\"}",
     ", User: anonymous is not authorized"},
    {404, "{\"ok\":false,\"message\":\"Unknown resource.\"}", ", Unknown resource."},
    {404, "{\"_index\":\"a\",\"found\":false}", ", {\"_index\":\"a\",\"found\":false}"},
    {401, "Unauthorized", ", Unauthorized"},
    {401, "", ""},
    {401, " \r\n\t", ""},
    {502,
     "<html>\r\n<head><title>502 Bad\r\n Gateway</title></head>\r\n<body>nginx</body>\r\n</html>",
     ", 502 Bad Gateway"},
    {502, "<title>cut", ", cut"},
    {500, "{\"error\":", ", {\"error\":"},
    {500, "[1]", ", [1]"},
    {500, "{\"error\":{\"type\":7}}", ", {\"error\":{\"type\":7}}"},
    {500, "a\x01\x02 b\n\n c", ", a b c"},
    // What looks like credentials is not told.
    {400, "bad header Authorization: Basic dXNlcjpwdw== in request",
     ", bad header Authorization: Basic *** in request"},
    {400, "{\"error\":\"header [authorization: apikey SECRET]\"}",
     ", header [authorization: apikey ***]"},
    {400, "\"Bearer SECRET\" and Bearer SECRET2", ", \"Bearer ***\" and Bearer ***"},
    {400, "no route to https://me:SECRET@p@es:9200/x and <a href=http://es/a@b>",
     ", no route to https://***@es:9200/x and <a href=http://es/a@b>"},
    {400, "Basic", ", Basic"},
};

static void each_shape_becomes_one_line(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        const struct elastic_answer a = {.status = rows[i].status, .body = str_from(rows[i].body)};
        struct fault fault = {{0}};
        char expected[FAULT_TEXT_MAX];
        assert_true(snprintf(expected, sizeof expected, "PUT /x: status %d%s", rows[i].status,
                             rows[i].text) > 0);
        assert_int_equal(elastic_say(&a, "PUT /x", -EACCES, &fault), -EACCES);
        assert_string_equal(fault.text, expected);
    }
}

static void the_host_is_named_where_there_is_one(void **state) {
    (void)state;
    const struct elastic_answer a = {
        .status = 401, .body = STR("no"), .host = "https://es:9200/path"};
    struct fault fault = {{0}};
    assert_int_equal(elastic_say(&a, "GET /", -EACCES, &fault), -EACCES);
    assert_string_equal(fault.text, "https://es:9200/path: GET /: status 401, no");
}

// What stands before an engine and has its own reasons is told as it is.
static void an_answer_of_no_engine_is_told_with_a_hint(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *text;
        bool hint;
    } strange[] = {
        {404, "<title>404 Not Found</title>", true},
        {200, "<title>Welcome</title>", true},
        {302, "", true},
        {400, "plain HTTP to an HTTPS port", false},
        {403, "go away", false},
        {502, "<title>502</title>", false},
    };
    for (size_t i = 0; i < LEN(strange); i++) {
        const struct elastic_answer a = {.status = strange[i].status,
                                         .body = str_from(strange[i].text),
                                         .host = "http://es:9200"};
        struct fault fault = {{0}};
        char begin[64];
        snprintf(begin, sizeof begin, "http://es:9200: GET /: status %d", strange[i].status);
        assert_int_equal(elastic_say_strange(&a, "GET /", &fault), -EIO);
        assert_true(str_starts(str_from(fault.text), str_from(begin)));
        assert_int_equal(strstr(fault.text, "`path` right?") != NULL, strange[i].hint);
    }
}

static void a_long_answer_is_cut_and_a_missing_one_is_none(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf body = buf_make(4 << 20);
    struct fault fault = {{0}};
    struct elastic_answer a = {.status = 500};
    assert_int_equal(elastic_say(&a, "GET /", -EIO, &fault), -EIO);
    assert_string_equal(fault.text, "GET /: status 500");
    while (body.n < (3 << 20)) buf_addz(&body, "x");
    a.body = buf_str(&body);
    assert_int_equal(elastic_say(&a, "GET /", -EIO, &fault), -EIO);
    assert_int_equal(strlen(fault.text), strlen("GET /: status 500, ") + 300 + 3);
    assert_true(str_ends(str_from(fault.text), STR("x...")));
    assert_int_equal(elastic_say(&a, "GET /", -EIO, NULL), -EIO);
}

// A reason of many kilobytes (Elasticsearch shows the document) does not hide its beginning.
static void a_long_reason_is_cut_too(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf body = buf_make(1 << 20);
    struct fault fault = {{0}};
    buf_addz(&body, "{\"error\":{\"type\":\"t\",\"reason\":\"");
    for (int i = 0; i < 20000; i++) buf_addz(&body, "r");
    buf_addz(&body, "\"}}");
    const struct elastic_answer a = {.status = 400, .body = buf_str(&body)};
    assert_int_equal(elastic_say(&a, "GET /", -EIO, &fault), -EIO);
    assert_true(str_starts(str_from(fault.text), STR("GET /: status 400, t: rrrr")));
    assert_int_equal(strlen(fault.text), FAULT_TEXT_MAX - 1);
}

// Three bytes each, so that the cut would fall into one.
static void a_cut_leaves_characters_whole(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf body = buf_make(1 << 20);
    struct fault fault = {{0}};
    buf_addc(&body, 'a');
    for (int i = 0; i < 200; i++) buf_addz(&body, "\xE2\x82\xAC");
    const struct elastic_answer a = {.status = 400, .body = buf_str(&body)};
    assert_int_equal(elastic_say(&a, "GET /", -EIO, &fault), -EIO);
    assert_true(str_ends(str_from(fault.text), STR("\xE2\x82\xAC...")));
    assert_int_equal(strlen(fault.text), strlen("GET /: status 400, ") + 298 + 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_shape_becomes_one_line),
        cmocka_unit_test(the_host_is_named_where_there_is_one),
        cmocka_unit_test(an_answer_of_no_engine_is_told_with_a_hint),
        cmocka_unit_test(a_long_answer_is_cut_and_a_missing_one_is_none),
        cmocka_unit_test(a_long_reason_is_cut_too),
        cmocka_unit_test(a_cut_leaves_characters_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
