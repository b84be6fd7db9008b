// SPDX-License-Identifier: Apache-2.0
// Raw documents: what is in them, what is not, and that no form of an event disturbs another.
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ecs/map.h"
#include "json/read.h"
#include "json/write.h"

enum { OWN_EVENTS_MIN = 35, FILE_MAX_BYTES = 1 << 20 };
#define FETCHED_MS 1795341600123

static const char *const tags[] = {"forwarded", "okta-system"};

struct fixture {
    struct ecs_mapper *mapper;
    struct json_reader *reader;
    struct buf out;
    struct fault fault;
};

static struct ecs_opts usual(void) {
    return (struct ecs_opts){
        .tags = tags,
        .tag_count = LEN(tags),
        .event_type_tags = true,
        .okta_url = "https://acme.okta.com/api/v1/logs",
        .agent_name = "host-1",
        .agent_version = "1.0",
        .data_stream_namespace = "prod",
    };
}

static struct fixture begin(struct ecs_opts opts) {
    struct fixture f = {.out = buf_make(SIZE_MAX / 2)};
    assert_int_equal(ecs_mapper_new(&f.mapper, &opts), 0);
    assert_int_equal(json_reader_new(&f.reader), 0);
    return f;
}

static void end(struct fixture *f) {
    ecs_mapper_free(f->mapper);
    json_reader_free(f->reader);
    buf_fini(&f->out);
}

static void write_form(struct fixture *f, enum ecs_form form) {
    int e = ecs_write(f->mapper, form, &f->out, &f->fault);
    if (e) fail_msg("outcome %d: %s", e, f->fault.text);
}

static struct str make(struct fixture *f, struct str event, int64_t fetched_ms,
                       enum ecs_form form) {
    int e = ecs_read(f->mapper, event, fetched_ms, NULL, &f->fault);
    if (e) fail_msg("outcome %d: %s", e, f->fault.text);
    buf_reset(&f->out);
    write_form(f, form);
    return buf_str(&f->out);
}

static struct str message_of(struct fixture *f, struct str document) {
    const struct json *root = NULL;
    if (json_read(f->reader, document, &root, &f->fault)) fail_msg("no JSON: %s", f->fault.text);
    return json_str(json_get(root, "message"));
}

static void assert_text(struct str s, const char *expected) {
    if (!str_eqz(s, expected)) fail_msg("%.*s", STR_ARG(s));
}

static const char event[] =
    "{ \"uuid\":\"u1\", \"published\":\"2026-03-07T08:15:00.000Z\",\"b\":1.50,"
    "\"a\":\"<\\u0026>\" }";

static void a_collected_document_has_what_elastic_agent_adds(void **state) {
    (void)state;
    struct ecs_opts opts = usual();
    opts.preserve_original_event = opts.remove_flattened_debug = true;
    struct fixture f = begin(opts);
    assert_text(make(&f, str_from(event), FETCHED_MS, ECS_FORM_RAW),
                "{\"@timestamp\":\"2026-11-22T10:00:00.123Z\","
                "\"_conf\":{\"remove_flattened_debug\":true},"
                "\"agent\":{\"name\":\"host-1\",\"type\":\"gatehouse\",\"version\":\"1.0\"},"
                "\"data_stream\":{\"dataset\":\"okta.system\",\"namespace\":\"prod\","
                "\"type\":\"logs\"},\"ecs\":{\"version\":\"8.0.0\"},"
                "\"event\":{\"created\":\"2026-11-22T10:00:00.123Z\",\"dataset\":\"okta.system\","
                "\"module\":\"okta\"},\"input\":{\"type\":\"httpjson\"},"
                "\"message\":\"{ \\\"uuid\\\":\\\"u1\\\", "
                "\\\"published\\\":\\\"2026-03-07T08:15:00.000Z\\\",\\\"b\\\":1.50,"
                "\\\"a\\\":\\\"<\\\\u0026>\\\" }\","
                "\"okta_url\":\"https://acme.okta.com/api/v1/logs\","
                "\"tags\":[\"preserve_original_event\",\"forwarded\",\"okta-system\"]}");
    end(&f);
}

static void map_writes_no_more_than_the_pipeline_reads(void **state) {
    (void)state;
    struct fixture f = begin((struct ecs_opts){.event_type_tags = true});
    assert_text(make(&f, STR("{\"b\":1,\"a\":0.0}"), 0, ECS_FORM_RAW),
                "{\"message\":\"{\\\"b\\\":1,\\\"a\\\":0.0}\"}");
    assert_text(make(&f, STR("{\"b\":1,\"a\":0.0}"), 0, ECS_FORM_RAW_GO),
                "{\"message\":\"{\\\"a\\\":0,\\\"b\\\":1}\"}");
    end(&f);
}

static void bytes_that_are_not_utf8_are_replaced_and_nothing_else_is(void **state) {
    (void)state;
    struct fixture f = begin(usual());
    struct str text = STR("{\"uuid\":\"u\",\"a\":\"\xFF\\ud800\",\"b\":\t0.00,\"b\":1e400}");
    assert_text(message_of(&f, make(&f, text, 1, ECS_FORM_RAW)),
                "{\"uuid\":\"u\",\"a\":\"\xEF\xBF\xBD\\ud800\",\"b\":\t0.00,\"b\":1e400}");
    end(&f);
}

static void a_byte_order_mark_is_no_part_of_the_message(void **state) {
    (void)state;
    struct fixture f = begin(usual());
    struct str text = STR("\xEF\xBB\xBF{\"uuid\":\"u\"}");
    assert_text(message_of(&f, make(&f, text, 1, ECS_FORM_RAW)), "{\"uuid\":\"u\"}");
    end(&f);
}

static void documents_of_one_event_do_not_disturb_each_other(void **state) {
    (void)state;
    static const enum ecs_form forms[] = {ECS_FORM_RAW, ECS_FORM_ECS,    ECS_FORM_RAW_GO,
                                          ECS_FORM_ECS, ECS_FORM_RAW_GO, ECS_FORM_RAW};
    struct fixture f = begin(usual());
    struct buf alone[3];
    for (size_t i = 0; i < LEN(alone); i++) alone[i] = buf_make(SIZE_MAX / 2);
    for (size_t i = 0; i < LEN(alone); i++)
        buf_add_str(&alone[i], make(&f, str_from(event), FETCHED_MS, (enum ecs_form)i));
    assert_int_equal(ecs_read(f.mapper, str_from(event), FETCHED_MS, NULL, NULL), 0);
    buf_reset(&f.out);
    for (size_t i = 0; i < LEN(forms); i++) {
        size_t before = f.out.n;
        write_form(&f, forms[i]);
        assert_true(str_eq(str_sub(buf_str(&f.out), before, f.out.n), buf_str(&alone[forms[i]])));
    }
    for (size_t i = 0; i < LEN(alone); i++) buf_fini(&alone[i]);
    end(&f);
}

static void facts_are_known_before_any_document(void **state) {
    (void)state;
    struct fixture f = begin(usual());
    struct ecs_facts facts = {0};
    assert_int_equal(ecs_read(f.mapper, str_from(event), FETCHED_MS, &facts, NULL), 0);
    assert_text(facts.uuid, "u1");
    assert_true(facts.has_published);
    assert_int_equal(ecs_read(f.mapper, STR("{\"eventType\":\"x\"}"), 1, &facts, &f.fault),
                     ECS_E_UNMAPPABLE);
    assert_string_equal(f.fault.text, "the event has no uuid");
    assert_text(facts.event_type, "x");
    assert_int_equal(ecs_read(f.mapper, STR("[1]"), 0, &facts, &f.fault), ECS_E_UNMAPPABLE);
    assert_int_equal(ecs_read(f.mapper, STR("{"), 0, &facts, &f.fault), ECS_E_NOT_JSON);
    end(&f);
}

// Each form refuses what it cannot hold, and leaves nothing behind.
static void a_refusal_of_one_form_is_none_of_another(void **state) {
    (void)state;
    struct fixture f = begin(usual());
    buf_addz(&f.out, "before");
    AUTO_FINI(buf) struct buf deep = buf_make(1 << 20);
    buf_addz(&deep, "{\"uuid\":\"u\",\"device\":");
    for (int i = 0; i < 300; i++) buf_addz(&deep, "{\"a\":");
    buf_addz(&deep, "1e400");
    for (int i = 0; i < 301; i++) buf_addc(&deep, '}');
    assert_int_equal(ecs_read(f.mapper, buf_str(&deep), 1, NULL, &f.fault), 0);
    assert_int_equal(ecs_write(f.mapper, ECS_FORM_ECS, &f.out, &f.fault), ECS_E_UNMAPPABLE);
    assert_string_equal(f.fault.text, "nested deeper than 200 levels");
    assert_int_equal(ecs_write(f.mapper, ECS_FORM_RAW_GO, &f.out, &f.fault), ECS_E_UNMAPPABLE);
    assert_string_equal(f.fault.text, "the number 1e400 is too large for Go");
    assert_text(buf_str(&f.out), "before");
    write_form(&f, ECS_FORM_RAW);
    assert_true(f.out.n > deep.n);
    end(&f);
}

static void a_document_too_large_for_its_buffer_leaves_nothing(void **state) {
    (void)state;
    struct fixture f = begin(usual());
    assert_int_equal(ecs_read(f.mapper, str_from(event), FETCHED_MS, NULL, NULL), 0);
    for (int form = ECS_FORM_ECS; form <= ECS_FORM_RAW_GO; form++) {
        AUTO_FINI(buf) struct buf small = buf_make(120);
        buf_addz(&small, "x");
        assert_int_equal(ecs_write(f.mapper, (enum ecs_form)form, &small, NULL), -EMSGSIZE);
        assert_int_equal(small.n, 1);
    }
    end(&f);
}

static struct str read_own(struct buf *into, const char *name, const char *ending) {
    char path[4096];
    const char *source = getenv("GATEHOUSE_SOURCE");
    snprintf(path, sizeof path, "%s/tests/golden/%s%s", source ? source : ".", name, ending);
    FILE *file = fopen(path, "rb");
    if (!file) return STR_NONE;
    buf_reset(into);
    assert_true(buf_reserve(into, FILE_MAX_BYTES));
    into->n = fread(into->p, 1, FILE_MAX_BYTES, file);
    fclose(file);
    return buf_str(into);
}

// NAME.go.json was made from NAME.okta.json by Go (tests/go-json). True: the event is in the run.
static bool check_own(struct fixture *f, const char *name) {
    AUTO_FINI(buf) struct buf own = buf_make(FILE_MAX_BYTES);
    AUTO_FINI(buf) struct buf go = buf_make(FILE_MAX_BYTES);
    struct str text = read_own(&own, name, ".okta.json"),
               expected = read_own(&go, name, ".go.json");
    if (!expected.p) return false;
    struct str message = message_of(f, make(f, text, 0, ECS_FORM_RAW_GO));
    if (!str_eq(message, str_trim(expected))) fail_msg("%s became %.*s", name, STR_ARG(message));
    message = message_of(f, make(f, text, 0, ECS_FORM_RAW));
    assert_true(str_eq(message, text));
    return true;
}

static void own_events_are_encoded_as_go_encoded_them(void **state) {
    (void)state;
    char path[4096];
    const char *source = getenv("GATEHOUSE_SOURCE");
    snprintf(path, sizeof path, "%s/tests/golden", source ? source : ".");
    struct fixture f = begin(usual());
    DIR *folder = opendir(path);
    assert_non_null(folder);
    int events = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        struct str name = str_from(entry->d_name);
        if (!str_ends(name, STR(".okta.json"))) continue;
        entry->d_name[name.n - strlen(".okta.json")] = '\0';
        events += check_own(&f, entry->d_name);
    }
    closedir(folder);
    assert_true(events >= OWN_EVENTS_MIN);
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_collected_document_has_what_elastic_agent_adds),
        cmocka_unit_test(map_writes_no_more_than_the_pipeline_reads),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced_and_nothing_else_is),
        cmocka_unit_test(a_byte_order_mark_is_no_part_of_the_message),
        cmocka_unit_test(documents_of_one_event_do_not_disturb_each_other),
        cmocka_unit_test(facts_are_known_before_any_document),
        cmocka_unit_test(a_refusal_of_one_form_is_none_of_another),
        cmocka_unit_test(a_document_too_large_for_its_buffer_leaves_nothing),
        cmocka_unit_test(own_events_are_encoded_as_go_encoded_them),
    };
    return cmocka_run_group_tests_name("ecs/raw", tests, NULL, NULL);
}
