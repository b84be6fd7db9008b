// SPDX-License-Identifier: Apache-2.0
// Which of the engine's tasks are bulk requests of ours, over an engine that answers from a script.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "elastic/tasks.h"

// ---- in the place of elastic/engine.c

static struct {
    int status; // 0: nobody answers
    const char *body;
    char path[400];
} script;

int elastic_ask(struct elastic *e, const struct elastic_request *q, struct elastic_answer *ret,
                struct fault *fault) {
    (void)e;
    snprintf(script.path, sizeof script.path, "%s %s", q->method, q->path);
    if (!script.status) return fault_set(fault, -EIO, "nobody");
    *ret = (struct elastic_answer){.status = script.status, .body = str_from(script.body)};
    return 0;
}

static int look(int status, const char *body, int64_t until_ms, struct elastic_tasks *ret,
                struct fault *fault) {
    script.status = status;
    script.body = body;
    fault->text[0] = '\0';
    return elastic_tasks_look(NULL, "ours", until_ms, ret, fault);
}

#define TASK(ms, id) "{\"start_time_in_millis\":" #ms ",\"headers\":{\"X-Opaque-Id\":\"" id "\"}}"

static void ours_are_counted_and_the_newest_is_told(void **state) {
    (void)state;
    static const struct {
        const char *body;
        int64_t until_ms;
        size_t n;
        int64_t newest_ms;
    } rows[] = {
        {"{}", INT64_MAX, 0, 0},
        {"{\"tasks\":[]}", INT64_MAX, 0, 0},
        {"{\"tasks\":[" TASK(5, "theirs") ",{\"start_time_in_millis\":6}]}", INT64_MAX, 0, 0},
        {"{\"tasks\":[" TASK(7, "ours") "," TASK(9, "ours") "," TASK(8, "ours") "]}", INT64_MAX, 3,
         9},
        {"{\"tasks\":[" TASK(7, "ours") "," TASK(9, "ours") "]}", 8, 1, 7},
        {"{\"tasks\":[" TASK(9, "ours") "]}", 8, 0, 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct elastic_tasks tasks = {.n = 99};
        struct fault fault;
        assert_int_equal(look(200, rows[i].body, rows[i].until_ms, &tasks, &fault), 0);
        assert_int_equal(tasks.n, rows[i].n);
        assert_int_equal(tasks.newest_ms, rows[i].newest_ms);
    }
    assert_non_null(strstr(script.path, "GET /_tasks?actions=indices:data/write/bulk*&"));
}

static void what_is_not_told_is_no_empty_list(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *body;
        int outcome;
        const char *fault;
    } rows[] = {
        {0, "", -EIO, "nobody"},
        {403, "{\"error\":{\"type\":\"security_exception\",\"reason\":\"no\"}}", ELASTIC_E_UNTOLD,
         "GET /_tasks: status 403, security_exception: no"},
        {410, "{\"error\":\"gone\"}", ELASTIC_E_UNTOLD, "status 410"},
        {429, "{}", -EIO, "status 429"},
        {503, "down", -EIO, "status 503"},
        {200, "<html>", -EIO, "does not answer as"},
        {200, "{\"tasks\":[{\"headers\":{\"X-Opaque-Id\":\"ours\"}}]}", -EIO, "without a time"},
        {200,
         "{\"node_failures\":[{\"type\":\"failed_node_exception\",\"reason\":\"Failed node [x]\"}],"
         "\"tasks\":[]}",
         -EIO, "a node does not tell: failed_node_exception: Failed node [x]"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct elastic_tasks tasks = {.n = 99};
        struct fault fault;
        assert_int_equal(look(rows[i].status, rows[i].body, INT64_MAX, &tasks, &fault),
                         rows[i].outcome);
        assert_non_null(strstr(fault.text, rows[i].fault));
        assert_int_equal(tasks.n, 99);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ours_are_counted_and_the_newest_is_told),
        cmocka_unit_test(what_is_not_told_is_no_empty_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
