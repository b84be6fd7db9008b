// SPDX-License-Identifier: Apache-2.0
// Who is there, by what is answered to `GET /`: the engines, those that look like another, services
// that are none, and pages of a proxy.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "elastic/engine.h"

enum { ES = ELASTIC_ELASTICSEARCH, OS = ELASTIC_OPENSEARCH, NOBODY = -1 };

struct greeting_row {
    const char *body;
    int kind; // NOBODY: it does not say
    bool json, engine;
    const char *version;
};

static const struct greeting_row rows[] = {
    {"{\"version\":{\"number\":\"9.5.3\"},\"tagline\":\"You Know, for Search\"}", ES, true, true,
     "9.5.3"},
    {"{\"version\":{\"distribution\":\"opensearch\",\"number\":\"2.19.3\"},\"tagline\":\"The "
     "OpenSearch Project: https://opensearch.org/\"}",
     OS, true, true, "2.19.3"},
    {"{\"version\":{\"number\":\"7.10.2\"},\"tagline\":\"The OpenSearch Project: "
     "https://opensearch.org/\"}",
     OS, true, true, "7.10.2"},
    {"{\"version\":{\"number\":\"1.0\"}}", NOBODY, true, true, "1.0"},
    {"{\"error\":{\"type\":\"security_exception\",\"reason\":\"no\"},\"status\":403}", NOBODY, true,
     true, ""},
    {"{\"error\":\"Incorrect HTTP method for uri [/]\",\"status\":405}", NOBODY, true, true, ""},
    {"{}", NOBODY, true, false, ""},
    {"{\"errorCode\":\"E0000022\"}", NOBODY, true, false, ""},
    {"{\"error\":\"not found\"}", NOBODY, true, false, ""},
    {"[{\"version\":{\"number\":\"1\"}}]", NOBODY, false, false, ""},
    {"<html><title>404 Not Found</title></html>", NOBODY, false, false, ""},
    {"", NOBODY, false, false, ""},
};

static void each_greeting_tells_who_is_there(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        const struct elastic_answer a = {.status = 200, .body = str_from(rows[i].body)};
        struct elastic_greeting g;
        assert_int_equal(elastic_greeting_read(&a, &g), 0);
        if (g.json != rows[i].json || g.engine != rows[i].engine ||
            g.known != (rows[i].kind != NOBODY) || strcmp(g.version, rows[i].version) != 0)
            fail_msg("%s: json %d, engine %d, known %d, version %s", rows[i].body, g.json, g.engine,
                     g.known, g.version);
        if (g.known) assert_int_equal(g.kind, rows[i].kind);
    }
}

static void check_kind(enum elastic_kind wanted, const struct greeting_row *row) {
    static const char *const hosts[] = {"http://me:secret@127.0.0.1:1"};
    const struct elastic_opts opts = {.kind = wanted, .hosts = hosts, .host_count = 1};
    const struct elastic_answer a = {.status = 200, .body = str_from(row->body)};
    AUTO(elastic) struct elastic *e = NULL;
    struct elastic_greeting g;
    struct fault fault = {{0}};
    bool good = row->kind == NOBODY || row->kind == (int)wanted;
    assert_int_equal(elastic_new(&e, &opts, NULL, &fault), 0);
    assert_int_equal(elastic_greeting_read(&a, &g), 0);
    assert_int_equal(elastic_greeting_check(e, &g, &fault), good ? 0 : -EINVAL);
    if (good) return;
    assert_non_null(strstr(fault.text, row->kind == OS ? "set `type: opensearch`"
                                                       : "set `type: elasticsearch`"));
    assert_null(strstr(fault.text, "secret"));
}

static void only_the_other_kind_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        check_kind(ELASTIC_ELASTICSEARCH, &rows[i]);
        check_kind(ELASTIC_OPENSEARCH, &rows[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_greeting_tells_who_is_there),
        cmocka_unit_test(only_the_other_kind_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
