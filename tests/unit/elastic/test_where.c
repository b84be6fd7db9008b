// SPDX-License-Identifier: Apache-2.0
// What stands behind a name, over an engine that answers from a script.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "elastic/where.h"

// ---- in the place of elastic/engine.c

enum { ASKED_MAX = 8 };

struct reply {
    int status;
    const char *body;
};

static struct {
    const struct reply *replies;
    int asked;
    char paths[ASKED_MAX][200];
    size_t body_bytes[ASKED_MAX];
    char body[400];
} script;

static void play(const struct reply *replies) {
    memset(&script, 0, sizeof script);
    script.replies = replies;
}

int elastic_ask(struct elastic *e, const struct elastic_request *q, struct elastic_answer *ret,
                struct fault *fault) {
    (void)e;
    assert_true(script.asked < ASKED_MAX);
    int i = script.asked++;
    snprintf(script.paths[i], sizeof script.paths[i], "%s %s", q->method, q->path);
    script.body_bytes[i] = q->body.n;
    snprintf(script.body, sizeof script.body, "%.*s", (int)(q->body.n < 300 ? q->body.n : 300),
             q->body.p ? q->body.p : "");
    const struct reply *reply = &script.replies[i];
    if (!reply->status) return fault_set(fault, -EIO, "nobody");
    *ret = (struct elastic_answer){.status = reply->status, .body = str_from(reply->body)};
    return 0;
}

// ---- resolving

static int resolve(struct elastic_indices *ret, const char *name, const struct reply *replies,
                   struct fault *fault) {
    play(replies);
    fault->text[0] = '\0';
    return elastic_resolve(NULL, name, ret, fault);
}

static void expect(const struct elastic_indices *i, const char *names) {
    AUTO_FINI(buf) struct buf all = buf_make(2000);
    for (size_t k = 0; k < i->n; k++) buf_addf(&all, "%s%s", k ? " " : "", i->names[k]);
    assert_string_equal(buf_z(&all), names);
}

static void a_data_stream_gives_its_indices_in_order(void **state) {
    (void)state;
    AUTO_FINI(elastic_indices) struct elastic_indices i = {0};
    struct fault fault;
    assert_int_equal(resolve(&i, "logs-x",
                             (const struct reply[]){
                                 {200, "{\"indices\":[],\"aliases\":[],\"data_streams\":[{"
                                       "\"name\":\"logs-x-other\",\"backing_indices\":[\"o\"]}"
                                       ",{\"name\":\"logs-x\",\"backing_indices\":["
                                       "\".ds-logs-x-000001\",\".ds-logs-x-000002\"],"
                                       "\"timestamp_field\":\"@timestamp\"}]}"}},
                             &fault),
                     0);
    expect(&i, ".ds-logs-x-000001 .ds-logs-x-000002");
    assert_string_equal(script.paths[0], "GET /_resolve/index/logs-x");
}

static void what_is_not_there_has_no_indices(void **state) {
    (void)state;
    static const struct reply replies[][1] = {
        {{404, "{\"error\":{\"type\":\"index_not_found_exception\"},\"status\":404}"}},
        {{200, "{\"indices\":[],\"aliases\":[],\"data_streams\":[]}"}},
    };
    for (size_t k = 0; k < LEN(replies); k++) {
        AUTO_FINI(elastic_indices) struct elastic_indices i = {0};
        struct fault fault;
        assert_int_equal(resolve(&i, "x", replies[k], &fault), 0);
        assert_int_equal(i.n, 0);
    }
}

static void a_plain_index_stands_behind_itself(void **state) {
    (void)state;
    AUTO_FINI(elastic_indices) struct elastic_indices i = {0};
    struct fault fault;
    const struct reply replies[] = {
        {200, "{\"indices\":[{\"name\":\"x\",\"attributes\":[\"open\"]}],\"aliases\":[]}"}};
    assert_int_equal(resolve(&i, "x", replies, &fault), 0);
    expect(&i, "x");
    assert_int_equal(resolve(&i, "x", replies, &fault), 0); // replaces what was there
    expect(&i, "x");
}

static void an_aliass_write_index_comes_last(void **state) {
    (void)state;
    static const struct {
        const char *answer, *names;
    } rows[] = {
        {"{\"b\":{\"aliases\":{\"al\":{\"is_write_index\":true},\"z\":{}}},"
         "\"a\":{\"aliases\":{\"al\":{\"is_write_index\":false}}},\"c\":{\"aliases\":{\"al\":{}}}}",
         "a c b"},
        {"{\"one\":{\"aliases\":{\"al\":{}}}}", "one"},
    };
    for (size_t k = 0; k < LEN(rows); k++) {
        AUTO_FINI(elastic_indices) struct elastic_indices i = {0};
        struct fault fault;
        const struct reply replies[] = {
            {200, "{\"aliases\":[{\"name\":\"al\",\"indices\":[\"a\",\"b\"]}]}"},
            {200, rows[k].answer}};
        assert_int_equal(resolve(&i, "al", replies, &fault), 0);
        expect(&i, rows[k].names);
        assert_string_equal(script.paths[1], "GET /al?filter_path=*.aliases");
    }
}

static void an_alias_without_a_write_index_is_a_fault(void **state) {
    (void)state;
    static const char *const answers[] = {
        "{\"a\":{\"aliases\":{\"al\":{}}},\"b\":{\"aliases\":{\"al\":{}}}}",
        "{\"a\":{\"aliases\":{\"al\":{\"is_write_index\":false}}}}", "{}"};
    for (size_t k = 0; k < LEN(answers); k++) {
        AUTO_FINI(elastic_indices) struct elastic_indices i = {0};
        struct fault fault;
        const struct reply replies[] = {{200, "{\"aliases\":[{\"name\":\"al\"}]}"},
                                        {200, answers[k]}};
        assert_int_equal(resolve(&i, "al", replies, &fault), -EINVAL);
        assert_non_null(strstr(fault.text, "alias al: none of its"));
    }
}

// Elasticsearch does not name such an alias at the indices.
static void an_alias_of_data_streams_is_written_to_in_the_written_streams_newest(void **state) {
    (void)state;
    static const char *const of[] = {
        "{\"s\":{\"aliases\":{\"al\":{}}}}",
        "{\"t\":{\"aliases\":{\"al\":{}}},\"s\":{\"aliases\":{\"al\":{\"is_write_index\":true}}}}"};
    for (size_t k = 0; k < LEN(of); k++) {
        AUTO_FINI(elastic_indices) struct elastic_indices i = {0};
        struct fault fault;
        const struct reply replies[] = {
            {200, "{\"aliases\":[{\"name\":\"al\",\"indices\":[\"s2\",\"s1\",\"t1\"]}]}"},
            {200,
             "{\"s2\":{\"aliases\":{}},\"t1\":{\"aliases\":{\"x\":{}}},\"s1\":{\"aliases\":{}}}"},
            {200, of[k]},
            {200, "{\"data_streams\":[{\"name\":\"s\",\"backing_indices\":[\"s1\",\"s2\"]}]}"}};
        assert_int_equal(resolve(&i, "al", replies, &fault), 0);
        expect(&i, "t1 s1 s2");
        assert_string_equal(script.paths[2], "GET /_alias/al");
        assert_string_equal(script.paths[3], "GET /_resolve/index/s");
    }
}

static void an_alias_of_data_streams_none_of_which_is_written_to_is_a_fault(void **state) {
    (void)state;
    AUTO_FINI(elastic_indices) struct elastic_indices i = {0};
    struct fault fault;
    const struct reply replies[] = {
        {200, "{\"aliases\":[{\"name\":\"al\"}]}"},
        {200, "{\"s1\":{\"aliases\":{}},\"t1\":{\"aliases\":{}}}"},
        {200, "{\"t\":{\"aliases\":{\"al\":{}}},\"s\":{\"aliases\":{\"al\":{}}}}"}};
    assert_int_equal(resolve(&i, "al", replies, &fault), -EINVAL);
    assert_non_null(strstr(fault.text, "alias al: none of its 2 data streams"));
}

static void trouble_while_resolving_is_told(void **state) {
    (void)state;
    static const struct {
        struct reply reply;
        int outcome;
        const char *fault;
    } rows[] = {
        {{0, NULL}, -EIO, "nobody"},
        {{403, "{\"error\":{\"type\":\"security_exception\",\"reason\":\"no\"}}"},
         -EACCES,
         "view_index_metadata"},
        {{503, "down"}, -EIO, "503"},
        {{200, "<html>"}, -EIO, "does not answer as Elasticsearch or OpenSearch does"},
        {{404, "<title>404 Not Found</title>"}, -EIO, "status 404, 404 Not Found: this does not"},
        {{404, "{\"errorCode\":\"E0\"}"}, -EIO, "`path` right?"},
    };
    for (size_t k = 0; k < LEN(rows); k++) {
        AUTO_FINI(elastic_indices) struct elastic_indices i = {0};
        struct fault fault;
        assert_int_equal(resolve(&i, "x", &rows[k].reply, &fault), rows[k].outcome);
        if (!strstr(fault.text, rows[k].fault)) print_error("%s\n", fault.text);
        assert_non_null(strstr(fault.text, rows[k].fault));
        assert_int_equal(i.n, 0);
    }
}

static void names_that_engines_read_as_more_than_a_name_are_not_good(void **state) {
    (void)state;
    static const char *const good[] = {"logs-okta.system-default", "a", ".x", "a_b-c+1",
                                       "\xc3\xa9"};
    static const char *const bad[] = {"",    "*",   "a*", "a,b", "<a-{now}>", "A",  "a b",
                                      "a/b", "-a",  "_a", "+a",  ".",         "..", "a?",
                                      "a|b", "a\"", "a#", "a:b", "a\n"};
    for (size_t i = 0; i < LEN(good); i++) assert_true(elastic_name_is_good(str_from(good[i])));
    for (size_t i = 0; i < LEN(bad); i++) assert_false(elastic_name_is_good(str_from(bad[i])));
    char name[256];
    memset(name, 'a', sizeof name);
    assert_true(elastic_name_is_good((struct str){name, 255}));
    assert_false(elastic_name_is_good((struct str){name, 256}));
}

// ---- finding

static const struct elastic_place two[] = {{STR("i\"1"), STR("a")}, {STR("i2"), STR("b")}};

static int find(const char *body, int status, bool *found, struct fault *fault) {
    const struct reply replies[] = {{status, body}};
    play(replies);
    fault->text[0] = '\0';
    return elastic_find(NULL, two, 2, found, fault);
}

static void documents_are_found_one_by_one(void **state) {
    (void)state;
    struct fault fault;
    bool found[2] = {false, true};
    assert_int_equal(find("{\"docs\":[{\"found\":true},{\"found\":false}]}", 200, found, &fault),
                     0);
    assert_true(found[0] && !found[1]);
    assert_string_equal(script.body, "{\"docs\":[{\"_index\":\"i\\\"1\",\"_id\":\"a\"},"
                                     "{\"_index\":\"i2\",\"_id\":\"b\"}]}");
}

static void an_index_that_is_gone_or_closed_has_nothing(void **state) {
    (void)state;
    struct fault fault;
    bool found[2] = {true, true};
    assert_int_equal(find("{\"docs\":[{\"error\":{\"type\":\"index_not_found_exception\"}},"
                          "{\"error\":{\"type\":\"index_closed_exception\"}}]}",
                          200, found, &fault),
                     0);
    assert_true(!found[0] && !found[1]);
}

static void what_cannot_be_told_is_a_fault(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *body;
        int outcome;
        const char *fault;
    } rows[] = {
        {403, "{\"error\":{\"type\":\"security_exception\",\"reason\":\"no\"}}", -EACCES, "read"},
        {200,
         "{\"docs\":[{\"found\":true},{\"error\":{\"type\":\"security_exception\",\"reason\":"
         "\"action [indices:data/read/mget] is unauthorized\"}}]}",
         -EACCES, "i2 cannot be searched"},
        {200,
         "{\"docs\":[{\"error\":{\"type\":\"no_shard_available_action_exception\",\"reason\":"
         "\"red\"}},{\"found\":true}]}",
         -EIO, "no_shard_available"},
        {200, "{\"docs\":[{\"found\":true}]}", -EIO, "2 documents"},
        {200, "{\"docs\":[{\"found\":true},{}]}", -EIO, "nothing of a document"},
        {200, "{}", -EIO, "2 documents"},
        {200, "x", -EIO, "does not answer as"},
        {0, NULL, -EIO, "nobody"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct fault fault;
        bool found[2];
        assert_int_equal(find(rows[i].body, rows[i].status, found, &fault), rows[i].outcome);
        if (!strstr(fault.text, rows[i].fault)) print_error("%s\n", fault.text);
        assert_non_null(strstr(fault.text, rows[i].fault));
    }
}

static void many_documents_are_asked_for_in_slices(void **state) {
    (void)state;
    enum { MANY = 2 * ELASTIC_FIND_MAX + 1 };
    AUTO_FINI(buf) struct buf answer = buf_make(1 << 20);
    AUTO_MEM struct elastic_place *places = mem_new_array(MANY, sizeof *places);
    AUTO_MEM bool *found = mem_new_array(MANY, sizeof *found);
    struct fault fault;
    assert_true(places && found);
    for (size_t i = 0; i < MANY; i++) places[i] = two[1];
    buf_addz(&answer, "{\"docs\":[{\"found\":true}");
    for (size_t i = 1; i < ELASTIC_FIND_MAX; i++) buf_addz(&answer, ",{\"found\":true}");
    buf_addz(&answer, "]}");
    const char *full = buf_z(&answer);
    const struct reply replies[] = {
        {200, full}, {200, full}, {200, "{\"docs\":[{\"found\":true}]}"}};
    play(replies);
    assert_int_equal(elastic_find(NULL, places, MANY, found, &fault), 0);
    assert_int_equal(script.asked, 3);
    for (size_t i = 0; i < MANY; i++) assert_true(found[i]);
}

// ---- removing

static void what_is_removed_or_gone_is_removed(void **state) {
    (void)state;
    struct fault fault;
    const struct reply replies[] = {
        {200, "{\"errors\":false,\"items\":[{\"delete\":{\"_index\":\"i\",\"result\":\"deleted\","
              "\"status\":200}},{\"delete\":{\"result\":\"not_found\",\"status\":404}}]}"}};
    play(replies);
    assert_int_equal(elastic_remove(NULL, two, 2, &fault), 0);
    assert_string_equal(script.body, "{\"delete\":{\"_index\":\"i\\\"1\",\"_id\":\"a\"}}\n"
                                     "{\"delete\":{\"_index\":\"i2\",\"_id\":\"b\"}}\n");
    assert_int_equal(elastic_remove(NULL, two, 0, &fault), 0);
    assert_int_equal(script.asked, 1);
}

static void what_cannot_be_removed_is_a_fault(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *body;
        int outcome;
        const char *fault;
    } rows[] = {
        {200,
         "{\"items\":[{\"delete\":{\"status\":200}},{\"delete\":{\"status\":403,\"error\":{"
         "\"type\":"
         "\"security_exception\",\"reason\":\"no\"}}}]}",
         -EACCES, "out of i2 (the privilege delete is needed): security_exception: no"},
        {200,
         "{\"items\":[{\"delete\":{\"status\":429,\"error\":{\"type\":\"t\",\"reason\":\"r\"}}},"
         "{\"delete\":{\"status\":200}}]}",
         -EIO, "t: r"},
        {200, "{\"items\":[]}", -EIO, "0 items"},
        {503, "", -EIO, "503"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct fault fault;
        const struct reply replies[] = {{rows[i].status, rows[i].body}};
        play(replies);
        assert_int_equal(elastic_remove(NULL, two, 2, &fault), rows[i].outcome);
        if (!strstr(fault.text, rows[i].fault)) print_error("%s\n", fault.text);
        assert_non_null(strstr(fault.text, rows[i].fault));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_data_stream_gives_its_indices_in_order),
        cmocka_unit_test(what_is_not_there_has_no_indices),
        cmocka_unit_test(a_plain_index_stands_behind_itself),
        cmocka_unit_test(an_aliass_write_index_comes_last),
        cmocka_unit_test(an_alias_without_a_write_index_is_a_fault),
        cmocka_unit_test(an_alias_of_data_streams_is_written_to_in_the_written_streams_newest),
        cmocka_unit_test(an_alias_of_data_streams_none_of_which_is_written_to_is_a_fault),
        cmocka_unit_test(trouble_while_resolving_is_told),
        cmocka_unit_test(names_that_engines_read_as_more_than_a_name_are_not_good),
        cmocka_unit_test(documents_are_found_one_by_one),
        cmocka_unit_test(an_index_that_is_gone_or_closed_has_nothing),
        cmocka_unit_test(what_cannot_be_told_is_a_fault),
        cmocka_unit_test(many_documents_are_asked_for_in_slices),
        cmocka_unit_test(what_is_removed_or_gone_is_removed),
        cmocka_unit_test(what_cannot_be_removed_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
