// SPDX-License-Identifier: Apache-2.0
// Answers to bulk requests: those of Elasticsearch 9 and OpenSearch 2 follow what real engines said
// (9.5.3, 2.19.3) and are partly filled in by hand, that of Elasticsearch 7.10 is written after its
// format; and what each status and error of an item means.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "elastic/bulk.h"
#include "json/read.h"

struct read {
    struct elastic_bulk_reader *reader;
    struct elastic_item items[1000];
    struct fault fault;
};

static struct read *start(void) {
    struct read *r = mem_new(sizeof *r);
    assert_non_null(r);
    assert_int_equal(elastic_bulk_reader_new(&r->reader), 0);
    return r;
}

static void finish(struct read *r) {
    elastic_bulk_reader_free(r->reader);
    free(r);
}

static void read_ok(struct read *r, const char *body, size_t n) {
    int e = elastic_bulk_read(r->reader, str_from(body), n, r->items, &r->fault);
    if (e) print_error("%d: %s\n", e, r->fault.text);
    assert_int_equal(e, 0);
}

static void says(struct str s, const char *text) {
    if (!str_eqz(s, text)) print_error("%.*s\n", STR_ARG(s));
    assert_true(str_eqz(s, text));
}

// ---- requests

static void an_action_is_two_lines_with_everything_escaped(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf out = buf_make(1000);
    elastic_bulk_add(&out, STR("logs-a"), STR("u\"\n1\xff"), STR("{\"a\":1}"));
    elastic_bulk_add(&out, STR("b"), STR("2"), STR("{}"));
    assert_string_equal(buf_z(&out),
                        "{\"create\":{\"_index\":\"logs-a\",\"_id\":\"u\\\"\\n1\xef\xbf\xbd\"}}\n"
                        "{\"a\":1}\n"
                        "{\"create\":{\"_index\":\"b\",\"_id\":\"2\"}}\n{}\n");
}

// ---- answers as they came

static void elasticsearch_9_is_understood(void **state) {
    (void)state;
    struct read *r = start();
    read_ok(r,
            "{\"errors\":true,\"took\":0,\"items\":[{\"create\":{\"_index\":\".ds-logs-okta.system-"
            "default-2026.11.23-000001\",\"_id\":\"a\",\"_version\":1,\"result\":\"created\","
            "\"_shards\":{\"total\":1,\"successful\":1,\"failed\":0},\"_seq_no\":0,"
            "\"_primary_term\":1,\"failure_store\":\"not_applicable_or_unknown\",\"status\":201}},"
            "{\"create\":{\"_index\":\".ds-x-000001\",\"_id\":\"a\",\"status\":409,"
            "\"failure_store\":\"not_enabled\",\"error\":{\"type\":"
            "\"version_conflict_engine_exception\",\"reason\":\"[a]: version conflict, document "
            "already exists (current version [1])\",\"index_uuid\":\"q\",\"shard\":\"0\","
            "\"index\":\".ds-x-000001\"}}},"
            "{\"create\":{\"_index\":\".ds-x-000001\",\"_id\":\"b\",\"status\":400,"
            "\"failure_store\":\"not_enabled\",\"error\":{\"type\":\"document_parsing_exception\","
            "\"reason\":\"[1:45] failed to parse field [n] of type [long] in document with id 'b'. "
            "Preview of field's value: 'text'\",\"caused_by\":{\"type\":"
            "\"illegal_argument_exception\",\"reason\":\"For input string: \\\"text\\\"\"}}}}]}",
            3);
    assert_int_equal(r->items[0].verdict, ELASTIC_ITEM_CREATED);
    assert_int_equal(r->items[0].status, 201);
    says(r->items[0].index, ".ds-logs-okta.system-default-2026.11.23-000001");
    assert_null(r->items[0].reason.p);
    assert_int_equal(r->items[1].verdict, ELASTIC_ITEM_THERE);
    assert_null(r->items[1].reason.p);
    assert_int_equal(r->items[2].verdict, ELASTIC_ITEM_REJECTED);
    says(r->items[2].reason,
         "document_parsing_exception: [1:45] failed to parse field [n] of type [long] in document "
         "with id 'b'. Preview of field's value: 'text', caused by illegal_argument_exception: For "
         "input string: \"text\"");
    finish(r);
}

static void opensearch_2_is_understood(void **state) {
    (void)state;
    struct read *r = start();
    read_ok(r,
            "{\"took\":5,\"errors\":true,\"items\":[{\"create\":{\"_index\":\".ds-logs-x-000001\","
            "\"_id\":\"a\",\"_version\":1,\"result\":\"created\",\"_shards\":{\"total\":1},"
            "\"_seq_no\":0,\"_primary_term\":1,\"status\":201}},{\"create\":{\"_index\":"
            "\".ds-logs-x-000001\",\"_id\":\"m\",\"status\":400,\"error\":{\"type\":"
            "\"mapper_parsing_exception\",\"reason\":\"failed to parse\",\"caused_by\":{\"type\":"
            "\"illegal_argument_exception\",\"reason\":\"data stream timestamp field [@timestamp] "
            "is missing\"}}}}]}",
            2);
    assert_int_equal(r->items[0].verdict, ELASTIC_ITEM_CREATED);
    assert_int_equal(r->items[1].verdict, ELASTIC_ITEM_REJECTED);
    says(r->items[1].reason, "mapper_parsing_exception: failed to parse, caused by "
                             "illegal_argument_exception: data stream timestamp field [@timestamp] "
                             "is missing");
    finish(r);
}

static void elasticsearch_7_is_understood(void **state) {
    (void)state;
    struct read *r = start();
    read_ok(
        r,
        "{\"took\":3,\"ingest_took\":1,\"errors\":true,\"items\":[{\"create\":{\"_index\":\"x\","
        "\"_type\":\"_doc\",\"_id\":\"a\",\"_version\":1,\"result\":\"created\",\"status\":201}},"
        "{\"create\":{\"_index\":\"x\",\"_type\":\"_doc\",\"_id\":\"b\",\"status\":500,"
        "\"error\":{\"type\":\"fail_processor_exception\",\"reason\":\"no zebra\"}}}]}",
        2);
    assert_int_equal(r->items[0].verdict, ELASTIC_ITEM_CREATED);
    assert_int_equal(r->items[1].verdict, ELASTIC_ITEM_REJECTED);
    says(r->items[1].reason, "fail_processor_exception: no zebra");
    finish(r);
}

static void what_filter_path_leaves_is_enough(void **state) {
    (void)state;
    struct read *r = start();
    read_ok(r, "{\"items\":[{\"create\":{\"_index\":\"x\",\"status\":201}}]}", 1);
    assert_int_equal(r->items[0].verdict, ELASTIC_ITEM_CREATED);
    finish(r);
}

static void the_failure_store_is_no_delivery(void **state) {
    (void)state;
    struct read *r = start();
    read_ok(r,
            "{\"items\":[{\"create\":{\"_index\":\".fs-logs-x-000002\",\"status\":201,"
            "\"failure_store\":\"used\"}},{\"create\":{\"_index\":\".ds-x\",\"status\":201,"
            "\"failure_store\":\"not_applicable_or_unknown\"}}]}",
            2);
    assert_int_equal(r->items[0].verdict, ELASTIC_ITEM_REJECTED);
    assert_true(r->items[0].failure_store);
    says(r->items[0].reason, "the engine could not index it and put it into the failure store "
                             ".fs-logs-x-000002");
    assert_int_equal(r->items[1].verdict, ELASTIC_ITEM_CREATED);
    assert_false(r->items[1].failure_store);
    finish(r);
}

// ---- verdicts

struct verdict_row {
    int status;
    const char *error; // JSON; NULL: none
    enum elastic_item_verdict verdict;
};

#define ERROR(type, reason) "{\"type\":\"" type "\",\"reason\":\"" reason "\"}"

static const struct verdict_row verdicts[] = {
    {200, NULL, ELASTIC_ITEM_CREATED},
    {201, NULL, ELASTIC_ITEM_CREATED},
    {409, ERROR("version_conflict_engine_exception", "there"), ELASTIC_ITEM_THERE},
    {409, ERROR("something_else", "there"), ELASTIC_ITEM_RETRY},
    {429, ERROR("es_rejected_execution_exception", "queue"), ELASTIC_ITEM_RETRY},
    {429, ERROR("rejected_execution_exception", "queue"), ELASTIC_ITEM_RETRY},
    {429, ERROR("circuit_breaking_exception", "[parent] Data too large"), ELASTIC_ITEM_RETRY},
    {429, ERROR("cluster_block_exception", "index [x] blocked by: [TOO_MANY_REQUESTS/12/disk"),
     ELASTIC_ITEM_RETRY},
    {403, ERROR("cluster_block_exception", "blocked by: [FORBIDDEN/8/index write (api)]"),
     ELASTIC_ITEM_RETRY},
    {503, ERROR("unavailable_shards_exception", "primary shard is not active"), ELASTIC_ITEM_RETRY},
    {404, ERROR("index_not_found_exception", "no such index [x]"), ELASTIC_ITEM_WAITS},
    {403, ERROR("security_exception", "action [indices:data/write/bulk] is unauthorized"),
     ELASTIC_ITEM_WAITS},
    {400, ERROR("index_closed_exception", "closed"), ELASTIC_ITEM_RETRY},
    {400, ERROR("illegal_argument_exception", "pipeline with id [none] does not exist"),
     ELASTIC_ITEM_WAITS},
    {400, ERROR("illegal_argument_exception", "no write index is defined for alias [a]. The ..."),
     ELASTIC_ITEM_WAITS},
    {400,
     ERROR("validation_exception", "Validation Failed: 1: this action would add [2] shards, but"),
     ELASTIC_ITEM_WAITS},
    {400, ERROR("document_parsing_exception", "x"), ELASTIC_ITEM_REJECTED},
    {400, ERROR("mapper_parsing_exception", "x"), ELASTIC_ITEM_REJECTED},
    {400, ERROR("strict_dynamic_mapping_exception", "x"), ELASTIC_ITEM_REJECTED},
    {400, ERROR("illegal_argument_exception", "Limit of total fields [1000] has been exceeded"),
     ELASTIC_ITEM_REJECTED},
    {400, ERROR("a_new_exception", "x"), ELASTIC_ITEM_REJECTED},
    {413, ERROR("a_new_exception", "x"), ELASTIC_ITEM_REJECTED},
    {500, ERROR("fail_processor_exception", "x"), ELASTIC_ITEM_REJECTED},
    {500, ERROR("exception", "java.lang.IllegalStateException: x"), ELASTIC_ITEM_REJECTED},
    {500, ERROR("a_new_exception", "x"), ELASTIC_ITEM_RETRY},
    {500, "\"a mere text\"", ELASTIC_ITEM_RETRY},
    {503, NULL, ELASTIC_ITEM_RETRY},
    {408, NULL, ELASTIC_ITEM_RETRY},
    {401, NULL, ELASTIC_ITEM_RETRY},
    {302, NULL, ELASTIC_ITEM_RETRY},
    {400, NULL, ELASTIC_ITEM_REJECTED},
};

static void each_status_and_error_has_its_verdict(void **state) {
    (void)state;
    struct read *r = start();
    for (size_t i = 0; i < LEN(verdicts); i++) {
        const struct verdict_row *row = &verdicts[i];
        AUTO_FINI(buf) struct buf body = buf_make(2000);
        buf_addf(&body, "{\"items\":[{\"create\":{\"_index\":\"x\",\"status\":%d", row->status);
        if (row->error) buf_addf(&body, ",\"error\":%s", row->error);
        buf_addz(&body, "}}]}");
        read_ok(r, buf_z(&body), 1);
        if (r->items[0].verdict != row->verdict) print_error("%d %s\n", row->status, row->error);
        assert_int_equal(r->items[0].verdict, row->verdict);
        bool delivered = row->verdict <= ELASTIC_ITEM_THERE;
        assert_int_equal(r->items[0].reason.n == 0, delivered);
    }
    finish(r);
}

static void the_innermost_cause_is_told(void **state) {
    (void)state;
    struct read *r = start();
    read_ok(
        r,
        "{\"items\":[{\"create\":{\"status\":400,\"error\":{\"type\":\"a\",\"reason\":\"b\","
        "\"caused_by\":{\"type\":\"c\",\"reason\":\"d\",\"caused_by\":{\"type\":\"e\",\"reason\":"
        "null}}}}},{\"create\":{\"status\":400,\"error\":\"text\"}},"
        "{\"create\":{\"status\":400,\"error\":{}}}]}",
        3);
    says(r->items[0].reason, "a: b, caused by e");
    says(r->items[1].reason, "text");
    says(r->items[2].reason, "the engine gave no reason");
    finish(r);
}

static void a_thousand_items_keep_their_reasons(void **state) {
    (void)state;
    struct read *r = start();
    AUTO_FINI(buf) struct buf body = buf_make(1 << 20);
    buf_addz(&body, "{\"items\":[");
    for (int i = 0; i < 1000; i++)
        buf_addf(&body, "%s{\"create\":{\"_index\":\"i%d\",\"status\":%d%s%d%s}}", i ? "," : "", i,
                 i % 3 ? 400 : 201,
                 i % 3 ? ",\"error\":{\"type\":\"t\",\"reason\":\"r" : ",\"n\":", i,
                 i % 3 ? "\"}" : "");
    buf_addz(&body, "]}");
    for (int again = 0; again < 2; again++) {
        read_ok(r, buf_z(&body), 1000);
        for (int i = 0; i < 1000; i++) {
            char index[20], reason[20];
            snprintf(index, sizeof index, "i%d", i);
            snprintf(reason, sizeof reason, "t: r%d", i);
            says(r->items[i].index, index);
            if (i % 3) says(r->items[i].reason, reason);
            else assert_null(r->items[i].reason.p);
        }
    }
    finish(r);
}

static void what_is_no_answer_is_as_good_as_lost(void **state) {
    (void)state;
    static const struct {
        const char *body, *fault;
    } rows[] = {
        {"", "not JSON"},
        {"<html>", "not JSON"},
        {"{\"items\":[{\"create\":{\"status\":201}}", "not JSON"},
        {"[]", "0 items for 1"},
        {"{}", "0 items for 1"},
        {"{\"items\":{\"a\":1}}", "0 items for 1"},
        {"{\"items\":[]}", "0 items for 1"},
        {"{\"items\":[{\"create\":{\"status\":201}},{\"create\":{\"status\":201}}]}", "2 items"},
        {"{\"items\":[1]}", "item 0"},
        {"{\"items\":[{}]}", "item 0"},
        {"{\"items\":[{\"create\":1}]}", "item 0"},
        {"{\"items\":[{\"create\":{\"status\":\"201\"}}]}", "item 0"},
        {"{\"items\":[{\"create\":{\"status\":2010}}]}", "item 0"},
        {"{\"items\":[{\"create\":{\"status\":201},\"index\":{\"status\":201}}]}", "item 0"},
    };
    struct read *r = start();
    for (size_t i = 0; i < LEN(rows); i++) {
        int e = elastic_bulk_read(r->reader, str_from(rows[i].body), 1, r->items, &r->fault);
        assert_int_equal(e, -EBADMSG);
        if (!strstr(r->fault.text, rows[i].fault)) print_error("%s\n", r->fault.text);
        assert_non_null(strstr(r->fault.text, rows[i].fault));
    }
    finish(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_action_is_two_lines_with_everything_escaped),
        cmocka_unit_test(elasticsearch_9_is_understood),
        cmocka_unit_test(opensearch_2_is_understood),
        cmocka_unit_test(elasticsearch_7_is_understood),
        cmocka_unit_test(what_filter_path_leaves_is_enough),
        cmocka_unit_test(the_failure_store_is_no_delivery),
        cmocka_unit_test(each_status_and_error_has_its_verdict),
        cmocka_unit_test(the_innermost_cause_is_told),
        cmocka_unit_test(a_thousand_items_keep_their_reasons),
        cmocka_unit_test(what_is_no_answer_is_as_good_as_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
