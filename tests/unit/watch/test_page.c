// SPDX-License-Identifier: Apache-2.0
// A page as received becomes documents and dead letters; a page that is none is refused whole.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/audited.h"
#include "watch/page.h"
#include "json/read.h"

struct fixture {
    struct ecs_mapper *mapper;
    struct page *page;
    struct page_map_opts opts;
    atomic_bool stop;
    struct fault fault;
};

static int set_up(void **state) {
    struct fixture *f = mem_new(sizeof *f);
    const struct ecs_opts ecs = {.data_stream_namespace = "default", .agent_name = "test"};
    if (!f || ecs_mapper_new(&f->mapper, &ecs) || page_new(&f->page)) return -1;
    f->opts = (struct page_map_opts){
        .mapper = f->mapper, .source = "acme", .fetched_ms = 1700000000000, .stop = &f->stop};
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    f->page = page_unref(f->page);
    f->mapper = ecs_mapper_free(f->mapper);
    free(f);
    return 0;
}

static int map(struct fixture *f, const char *body) {
    page_reset(f->page);
    buf_addz(&f->page->body, body);
    return page_map(f->page, &f->opts, &f->fault);
}

#define EVENT(uuid, published)                                                                     \
    "{\"uuid\":\"" uuid "\",\"published\":\"" published "\",\"eventType\":\"user.session.start\"," \
    "\"outcome\":{\"result\":\"SUCCESS\"},\"actor\":{\"alternateId\":\"a@b.c\"}}"

static void every_event_becomes_a_document_in_order(void **state) {
    struct fixture *f = *state;
    assert_int_equal(map(f, "[" EVENT("u1", "2026-01-02T03:04:05.678Z") ",\n" EVENT(
                                "u2", "2026-01-02T03:04:04.000Z") "]"),
                     0);
    assert_int_equal(f->page->received, 2);
    assert_int_equal(f->page->event_count, 2);
    assert_true(str_eqz(f->page->forms[0].docs[0].uuid, "u1"));
    assert_true(str_eqz(f->page->forms[0].docs[1].uuid, "u2"));
    assert_true(str_eqz(f->page->forms[0].docs[1].source, "acme"));
    assert_true(str_eqz(f->page->forms[0].docs[1].event_type, "user.session.start"));
    assert_true(str_eqz(f->page->forms[0].docs[1].outcome, "SUCCESS"));
    assert_true(str_eqz(f->page->forms[0].docs[1].actor, "a@b.c"));
    assert_int_equal(f->page->newest_ms, 1767323045678);

    AUTO(json_reader) struct json_reader *reader = NULL;
    assert_int_equal(json_reader_new(&reader), 0);
    const struct json *doc;
    assert_int_equal(json_read(reader, f->page->forms[0].docs[1].document, &doc, NULL), 0);
    assert_true(str_eqz(json_str(json_path(doc, "event.id")), "u2"));
    assert_true(str_eqz(json_str(json_path(doc, "event.module")), "okta"));
}

static void an_event_that_is_twice_in_a_page_counts_once(void **state) {
    struct fixture *f = *state;
    assert_int_equal(map(f, "[" EVENT("u1", "2026-01-02T03:04:05.678Z") "," EVENT(
                                "u1", "2026-01-02T03:04:05.678Z") "]"),
                     0);
    assert_int_equal(f->page->received, 2);
    assert_int_equal(f->page->event_count, 1);
}

static void what_cannot_be_mapped_costs_nobody_else_anything(void **state) {
    struct fixture *f = *state;
    assert_int_equal(
        map(f, "[17," EVENT("u1", "2026-01-02T03:04:05.678Z") ",{\"eventType\":\"x\"},\"text\"]"),
        0);
    assert_int_equal(f->page->event_count, 1);
    assert_int_equal(f->page->dead_count, 3);
    assert_true(str_eqz(f->page->dead[0].letter.event, "17"));
    assert_true(str_eqz(f->page->dead[1].letter.event, "{\"eventType\":\"x\"}"));
    for (int i = 0; i < 3; i++) assert_true(f->page->dead[i].letter.reason.n > 0);
}

static void a_page_that_is_none_is_refused(void **state) {
    struct fixture *f = *state;
    const char *const bodies[] = {
        "",    "{}",  "<html>", "[{\"uuid\":\"u1\"}", "[{\"uuid\":}]", "[{\"uuid\":\"u1\"} {}]",
        "[]]", "[,]", "[1,]",
    };
    for (size_t i = 0; i < LEN(bodies); i++) {
        f->fault.text[0] = '\0';
        assert_int_equal(map(f, bodies[i]), PAGE_E_BROKEN);
        assert_string_not_equal(f->fault.text, "");
    }
}

static void broken_events_can_be_accepted_as_dead_letters(void **state) {
    struct fixture *f = *state;
    f->opts.accept_broken = true;
    int e = map(f, "[{\"uuid\":nope}," EVENT("u1", "2026-01-02T03:04:05.678Z") "]");
    f->opts.accept_broken = false;
    assert_int_equal(e, 0);
    assert_int_equal(f->page->event_count, 1);
    assert_int_equal(f->page->dead_count, 1);
}

static void nesting_without_end_is_refused_not_followed(void **state) {
    struct fixture *f = *state;
    page_reset(f->page);
    for (int i = 0; i < 100000; i++) buf_addc(&f->page->body, '[');
    for (int i = 0; i < 100000; i++) buf_addc(&f->page->body, ']');
    assert_int_equal(page_map(f->page, &f->opts, &f->fault), PAGE_E_BROKEN);
}

static void an_empty_page_is_a_page(void **state) {
    struct fixture *f = *state;
    assert_int_equal(map(f, " [ ] "), 0);
    assert_int_equal(f->page->received, 0);
    assert_int_equal(f->page->newest_ms, 0);
}

static void an_event_later_than_its_page_does_not_count_as_the_newest(void **state) {
    struct fixture *f = *state;
    const char *body =
        "[" EVENT("u1", "2026-01-02T03:04:05.678Z") "," EVENT("u2", "2099-01-01T00:00:00.000Z") "]";
    page_reset(f->page);
    f->page->date_ms = 1767323045000; // cut to seconds: u1 is a little later
    buf_addz(&f->page->body, body);
    assert_int_equal(page_map(f->page, &f->opts, &f->fault), 0);
    assert_int_equal(f->page->event_count, 2);
    assert_int_equal(f->page->newest_ms, 1767323045678);
}

static void events_without_a_readable_date_are_counted(void **state) {
    struct fixture *f = *state;
    assert_int_equal(
        map(f, "[" EVENT("u1", "yesterday") "," EVENT("u2", "2026-01-02T03:04:05.678Z") "]"), 0);
    assert_int_equal(f->page->undated, 1);
    assert_int_equal(f->page->event_count, 2);
}

static void stopping_abandons_the_page(void **state) {
    struct fixture *f = *state;
    atomic_store(&f->stop, true);
    int e = map(f, "[" EVENT("u1", "2026-01-02T03:04:05.678Z") "]");
    atomic_store(&f->stop, false);
    assert_int_equal(e, -ECANCELED);
}

static bool wants_sessions(struct str event_type) {
    return str_eq(event_type, STR("user.session.start"));
}

static void events_of_wanted_types_are_pointed_out_once_and_in_order(void **state) {
    struct fixture *f = *state;
    const char *const page = "[" EVENT(
        "u1", "2026-01-02T03:04:05.678Z") ","
                                          "{\"uuid\":\"u2\",\"eventType\":\"user.session.end\"}"
                                          "," EVENT("u1", "2026-01-02T03:04:05.678Z") "," EVENT(
                                              "u3", "not a time") ",{\"uuid\":\"u4\"}]";
    assert_int_equal(map(f, page), 0);
    assert_int_equal(f->page->wanted_count, 0); // nobody wants any
    f->opts.wants = wants_sessions;
    assert_int_equal(map(f, page), 0);
    assert_int_equal(f->page->wanted_count, 2);
    assert_true(str_find(f->page->wanted[0].text, STR("\"u1\"")) < f->page->wanted[0].text.n);
    assert_true(str_find(f->page->wanted[1].text, STR("\"u3\"")) < f->page->wanted[1].text.n);
    assert_true(hash128_eq(f->page->wanted[0].id, f->page->events[0].id));
    assert_int_equal(map(f, "[]"), 0);
    assert_int_equal(f->page->wanted_count, 0);
}

// What cannot be mapped may be what somebody has to hear of.
static void a_dead_letter_of_a_wanted_type_is_pointed_out_too(void **state) {
    struct fixture *f = *state;
    f->opts.wants = wants_sessions;
    AUTO_FINI(buf) struct buf body = buf_make(1 << 20);
    buf_addz(&body, "[{\"uuid\":\"deep\",\"eventType\":\"user.session.start\",\"debugContext\":"
                    "{\"debugData\":{\"a\":");
    for (int i = 0; i < 2000; i++) buf_addc(&body, '[');
    for (int i = 0; i < 2000; i++) buf_addc(&body, ']');
    buf_addz(&body, "}}},{\"eventType\":\"user.session.start\"}]");
    assert_int_equal(map(f, buf_z(&body)), 0);
    assert_int_equal(f->page->event_count, 0);
    assert_int_equal(f->page->dead_count, 2);
    assert_int_equal(f->page->wanted_count, 2);
    assert_true(f->page->wanted[0].has_id);
    assert_false(f->page->wanted[1].has_id);
}

// ---- forms

static bool is_raw(struct str document) {
    return str_find(document, STR("\"message\":")) < document.n;
}

static void each_form_that_is_wanted_has_its_documents(void **state) {
    struct fixture *f = *state;
    f->opts.forms = page_form_bit(ECS_FORM_ECS) | page_form_bit(ECS_FORM_RAW_GO);
    int e = map(f, "[" EVENT("u1", "2026-01-02T03:04:05.678Z") "," EVENT(
                       "u2", "2026-01-02T03:04:04.000Z") "]");
    f->opts.forms = 0;
    assert_int_equal(e, 0);
    assert_int_equal(f->page->event_count, 2);
    assert_true(page_has_form(f->page, ECS_FORM_ECS));
    assert_false(page_has_form(f->page, ECS_FORM_RAW));
    assert_true(page_has_form(f->page, ECS_FORM_RAW_GO));
    for (size_t i = 0; i < 2; i++) {
        const struct sink_doc *mapped = &f->page->forms[ECS_FORM_ECS].docs[i];
        const struct sink_doc *raw = &f->page->forms[ECS_FORM_RAW_GO].docs[i];
        assert_true(str_eq(mapped->uuid, raw->uuid));
        assert_true(is_raw(raw->document));
        assert_false(is_raw(mapped->document));
        assert_true(str_eqz(raw->dataset, "okta.system"));
        assert_true(str_eqz(raw->name_space, "default"));
    }
}

static void the_namespace_is_the_source_s(void **state) {
    struct fixture *f = *state;
    f->opts.name_space = "prod";
    int e = map(f, "[" EVENT("u1", "2026-01-02T03:04:05.678Z") "]");
    f->opts.name_space = NULL;
    assert_int_equal(e, 0);
    assert_true(str_eqz(f->page->forms[0].docs[0].name_space, "prod"));
}

static void memory_of_forms_goes_from_page_to_page(void **state) {
    struct fixture *f = *state;
    struct page_memory memory = {.event_cap = 0};
    f->opts.forms = page_form_bit(ECS_FORM_RAW);
    assert_int_equal(map(f, "[" EVENT("u1", "2026-01-02T03:04:05.678Z") "]"), 0);
    const char *text = f->page->forms[ECS_FORM_RAW].documents.p;
    page_give_memory(f->page, &memory);
    assert_int_equal(f->page->event_count, 0);
    assert_int_equal(f->page->forms[ECS_FORM_RAW].documents.cap, 0);
    page_take_memory(f->page, &memory);
    assert_int_equal(map(f, "[" EVENT("u2", "2026-01-02T03:04:05.678Z") "]"), 0);
    f->opts.forms = 0;
    assert_ptr_equal(f->page->forms[ECS_FORM_RAW].documents.p, text);
    assert_true(is_raw(f->page->forms[ECS_FORM_RAW].docs[0].document));
    page_memory_fini(&memory);
}

static void a_document_of_the_gate_says_itself_where_it_belongs(void **state) {
    (void)state;
    AUTO(audited) struct audited *a = NULL;
    struct ecs_facts facts;
    assert_int_equal(audited_new(&a), 0);
    assert_int_equal(audited_facts(a,
                                   STR("{\"event\":{\"id\":\"1\"},\"data_stream\":{\"dataset\":"
                                       "\"gatehouse.mfa\",\"namespace\":\"prod\"}}"),
                                   &facts, NULL),
                     0);
    assert_true(str_eqz(audited_stream(a).dataset, "gatehouse.mfa"));
    assert_true(str_eqz(audited_stream(a).name_space, "prod"));
    assert_int_equal(audited_facts(a, STR("{\"event\":{\"id\":\"1\"}}"), &facts, NULL), 0);
    assert_true(str_eqz(audited_stream(a).dataset, "gatehouse.gate"));
    assert_true(str_eqz(audited_stream(a).name_space, "default"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_becomes_a_document_in_order),
        cmocka_unit_test(an_event_that_is_twice_in_a_page_counts_once),
        cmocka_unit_test(what_cannot_be_mapped_costs_nobody_else_anything),
        cmocka_unit_test(a_page_that_is_none_is_refused),
        cmocka_unit_test(broken_events_can_be_accepted_as_dead_letters),
        cmocka_unit_test(nesting_without_end_is_refused_not_followed),
        cmocka_unit_test(an_empty_page_is_a_page),
        cmocka_unit_test(an_event_later_than_its_page_does_not_count_as_the_newest),
        cmocka_unit_test(events_without_a_readable_date_are_counted),
        cmocka_unit_test(stopping_abandons_the_page),
        cmocka_unit_test(events_of_wanted_types_are_pointed_out_once_and_in_order),
        cmocka_unit_test(a_dead_letter_of_a_wanted_type_is_pointed_out_too),
        cmocka_unit_test(each_form_that_is_wanted_has_its_documents),
        cmocka_unit_test(the_namespace_is_the_source_s),
        cmocka_unit_test(memory_of_forms_goes_from_page_to_page),
        cmocka_unit_test(a_document_of_the_gate_says_itself_where_it_belongs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
