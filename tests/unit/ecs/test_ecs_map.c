// SPDX-License-Identifier: Apache-2.0
// What an option or an odd event does to single members of the document.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ecs/map.h"
#include "ecs/mapper-internal.h"
#include "json/read.h"
#include "json/write.h"

struct fixture {
    struct ecs_opts opts;
    struct ecs_mapper *mapper;
    struct json_reader *reader;
    struct buf out;
    struct ecs_facts facts;
    struct fault fault;
    int64_t fetched_ms;
};

static struct fixture begin(struct ecs_opts opts) {
    struct fixture f = {.opts = opts, .out = buf_make(SIZE_MAX / 2)};
    assert_int_equal(ecs_mapper_new(&f.mapper, &opts), 0);
    assert_int_equal(json_reader_new(&f.reader), 0);
    return f;
}

static void end(struct fixture *f) {
    ecs_mapper_free(f->mapper);
    json_reader_free(f->reader);
    buf_fini(&f->out);
}

static const struct json *map(struct fixture *f, struct str event) {
    const struct json *doc = NULL;
    f->fault.text[0] = '\0';
    buf_reset(&f->out);
    int e = ecs_map(f->mapper, event, f->fetched_ms, &f->out, &f->facts, &f->fault);
    if (e) fail_msg("outcome %d: %s", e, f->fault.text);
    assert_int_equal(json_read(f->reader, buf_str(&f->out), &doc, &f->fault), 0);
    return doc;
}

// The JSON of the member at a dotted path must be `expected`; NULL: there is none.
static void assert_member(const struct json *doc, const char *path, const char *expected) {
    AUTO_FINI(buf) struct buf text = buf_make(1 << 24);
    const struct json *v = json_path(doc, path);
    if (!v && !expected) return;
    if (!v || !expected) fail_msg("%s is %s", path, v ? "there" : "not there");
    assert_int_equal(json_add_value(&text, v), 0);
    if (!str_eqz(buf_str(&text), expected))
        fail_msg("%s is %.*s, expected %s", path, STR_ARG(buf_str(&text)), expected);
}

struct member {
    const char *path, *expected;
};

static void assert_mapped(struct ecs_opts opts, const char *event, const struct member *members,
                          size_t n) {
    struct fixture f = begin(opts);
    const struct json *doc = map(&f, str_from(event));
    for (size_t i = 0; i < n; i++) assert_member(doc, members[i].path, members[i].expected);
    end(&f);
}

static const char start[] = "{\"uuid\":\"u1\",\"eventType\":\"user.session.start\"}";

static void tags_of_the_source_come_first_and_once(void **state) {
    (void)state;
    static const char *const tags[] = {"b", "session", "b", "", "preserve_original_event"};
    static const struct member with[] = {
        {"tags", "[\"b\",\"session\",\"preserve_original_event\",\"end-user-visible\","
                 "\"event-hook-eligible\",\"user\"]"},
        {"event.original",
         "\"{\\\"uuid\\\":\\\"u1\\\",\\\"eventType\\\":\\\"user.session.start\\\"}\""}};
    static const struct member without[] = {{"tags", "[\"b\",\"session\"]"},
                                            {"event.original", NULL}};
    static const struct member option[] = {{"tags", "[\"preserve_original_event\",\"b\"]"}};
    static const struct member none[] = {{"tags", NULL}};
    struct ecs_opts opts = {.tags = tags, .tag_count = 5, .event_type_tags = true};
    assert_mapped(opts, start, with, LEN(with));
    opts = (struct ecs_opts){.tags = tags, .tag_count = 2};
    assert_mapped(opts, start, without, LEN(without));
    opts = (struct ecs_opts){.tags = tags, .tag_count = 1, .preserve_original_event = true};
    assert_mapped(opts, start, option, LEN(option));
    assert_mapped((struct ecs_opts){0}, start, none, LEN(none));
}

static void the_original_is_what_came_byte_by_byte(void **state) {
    (void)state;
    struct fixture f = begin((struct ecs_opts){.preserve_original_event = true});
    static const char event[] = " {\"uuid\" : \"u\\u0031\",\"n\":1.50, \"s\":\"\\/\xFF\"}  ";
    const struct json *doc = map(&f, STR(event));
    struct str original = json_str(json_path(doc, "event.original"));
    assert_true(str_eq(original,
                       STR(" {\"uuid\" : \"u\\u0031\",\"n\":1.50, \"s\":\"\\/\xEF\xBF\xBD\"}  ")));
    end(&f);
}

static void a_collected_document_says_who_fetched_it_and_when(void **state) {
    (void)state;
    static const struct member members[] = {
        {"@timestamp", "\"2026-11-22T10:00:00.123Z\""},
        {"event.created", "\"2026-11-22T10:00:00.123Z\""},
        {"event.module", "\"okta\""},
        {"event.dataset", "\"okta.system\""},
        {"data_stream", "{\"dataset\":\"okta.system\",\"namespace\":\"prod\",\"type\":\"logs\"}"},
        {"agent", "{\"name\":\"box \\\"7\\\"\",\"type\":\"gatehouse\",\"version\":\"1.2.3\"}"},
        {"host.name", "\"acme.okta.com\""},
    };
    struct fixture f = begin((struct ecs_opts){.agent_name = "box \"7\"",
                                               .agent_version = "1.2.3",
                                               .data_stream_namespace = "prod",
                                               .okta_url = "https://acme.okta.com:443/api?x#y"});
    f.fetched_ms = 1795341600123;
    const struct json *doc = map(&f, STR("{\"uuid\":\"u\",\"published\":\"yesterday\"}"));
    for (size_t i = 0; i < LEN(members); i++)
        assert_member(doc, members[i].path, members[i].expected);
    assert_false(f.facts.has_published);
    assert_true(str_eqz(f.facts.published, "yesterday"));
    end(&f);
}

static void hosts_come_without_port_user_and_path(void **state) {
    (void)state;
    static const struct {
        const char *url, *host;
    } cases[] = {
        {"https://acme.okta.com/api/v1/logs", "\"acme.okta.com\""},
        {"https://u:p@acme.okta.com:8443?x", "\"acme.okta.com\""},
        {"acme.okta.com", "\"acme.okta.com\""},
        {"http://[::1]:80/x", "\"::1\""},
        {"https://", NULL},
        {NULL, NULL},
    };
    for (size_t i = 0; i < LEN(cases); i++) {
        struct member member = {"host.name", cases[i].host};
        assert_mapped((struct ecs_opts){.okta_url = cases[i].url}, start, &member, 1);
    }
}

static void facts_tell_what_sinks_ask(void **state) {
    (void)state;
    struct fixture f = begin((struct ecs_opts){0});
    map(&f, STR("{\"uuid\":\"u9\",\"published\":\"1970-01-01T00:00:01.500Z\",\"eventType\":\"a.b\","
                "\"outcome\":{\"result\":\"DENY\"},\"actor\":{\"alternateId\":\"x@y\"}}"));
    assert_true(f.facts.has_published);
    assert_int_equal(f.facts.published_ms, 1500);
    assert_true(str_eqz(f.facts.uuid, "u9"));
    assert_true(str_eqz(f.facts.event_type, "a.b"));
    assert_true(str_eqz(f.facts.outcome, "DENY"));
    assert_true(str_eqz(f.facts.actor, "x@y"));
    map(&f, STR("{\"uuid\":7}"));
    assert_true(str_eqz(f.facts.uuid, "7"));
    assert_null(f.facts.actor.p);
    end(&f);
}

static void what_cannot_be_mapped_leaves_the_output_alone(void **state) {
    (void)state;
    struct fixture f = begin((struct ecs_opts){0});
    static const struct {
        const char *event;
        int64_t fetched_ms;
        int outcome;
    } cases[] = {
        {"", 0, ECS_E_NOT_JSON},        {"{", 0, ECS_E_NOT_JSON},
        {"{}x", 0, ECS_E_NOT_JSON},     {"[]", 0, ECS_E_UNMAPPABLE},
        {"null", 0, ECS_E_UNMAPPABLE},  {"\"x\"", 0, ECS_E_UNMAPPABLE},
        {"{}", 1000, ECS_E_UNMAPPABLE}, {"{\"uuid\":\"\"}", 1000, ECS_E_UNMAPPABLE},
    };
    for (size_t i = 0; i < LEN(cases); i++) {
        buf_reset(&f.out);
        buf_addz(&f.out, "before");
        f.fault.text[0] = '\0';
        assert_int_equal(ecs_map(f.mapper, str_from(cases[i].event), cases[i].fetched_ms, &f.out,
                                 &f.facts, &f.fault),
                         cases[i].outcome);
        assert_true(str_eqz(buf_str(&f.out), "before"));
        assert_int_not_equal(f.fault.text[0], '\0');
    }
    end(&f);
}

static void add_times(struct buf *out, const char *text, size_t times) {
    for (size_t i = 0; i < times; i++) buf_addz(out, text);
}

static void deep_nesting_is_refused_with_the_uuid_known(void **state) {
    (void)state;
    struct fixture f = begin((struct ecs_opts){0});
    AUTO_FINI(buf) struct buf event = buf_make(SIZE_MAX / 2);
    buf_addz(&event, "{\"uuid\":\"deep\",\"device\":{\"x\":");
    add_times(&event, "[", 100000);
    buf_addz(&event, "1");
    add_times(&event, "]", 100000);
    buf_addz(&event, "}}");
    assert_int_equal(ecs_map(f.mapper, buf_str(&event), 5, &f.out, &f.facts, &f.fault),
                     ECS_E_UNMAPPABLE);
    assert_int_equal(f.out.n, 0);
    assert_true(str_eqz(f.facts.uuid, "deep"));
    assert_non_null(strstr(f.fault.text, "nested deeper"));
    // Where nobody looks, depth does no harm.
    memcpy(strstr(event.p, "device"), "nobody", 6);
    assert_int_equal(ecs_map(f.mapper, buf_str(&event), 5, &f.out, &f.facts, &f.fault), 0);
    end(&f);
}

static void an_output_that_is_full_is_told(void **state) {
    (void)state;
    struct fixture f = begin((struct ecs_opts){0});
    int e = -EMSGSIZE;
    size_t max = 0;
    for (; max < 2000 && e; max++) {
        AUTO_FINI(buf) struct buf out = buf_make(max);
        e = ecs_map(f.mapper, str_from(start), 0, &out, NULL, NULL);
        if (e) assert_int_equal(e, -EMSGSIZE);
    }
    assert_int_equal(e, 0);
    assert_true(max > 100);
    end(&f);
}

#define DEBUG(members) "{\"uuid\":\"u\",\"debugContext\":{\"debugData\":{" members "}}}"
#define D "okta.debug_context.debug_data."

static void debug_texts_become_objects(void **state) {
    (void)state;
    static const struct {
        const char *event;
        struct member members[4];
    } cases[] = {
        {DEBUG("\"behaviors\":\"{New IP=POSITIVE, a-b=x=y, lone, =none}\""),
         {{D "flattened.behaviors", "{\"New IP\":\"POSITIVE\",\"a-b\":\"x=y\"}"},
          {D "behaviors", "{\"New_IP\":\"POSITIVE\",\"a_b\":\"x=y\"}"},
          {D "risk_behaviors", "[\"New IP\"]"}}},
        {DEBUG("\"behaviors\":\"{New IP=POSITIVE, New-IP=NEGATIVE}\""),
         {{D "flattened.behaviors", "{\"New IP\":\"POSITIVE\",\"New-IP\":\"NEGATIVE\"}"},
          {D "behaviors", "{\"New_IP\":\"NEGATIVE\"}"}}},
        {DEBUG("\"behaviors\":\"{}\""), {{"okta", "{\"uuid\":\"u\"}"}}},
        {DEBUG("\"behaviors\":\"plain\""),
         {{D "flattened.behaviors", "\"plain\""}, {D "behaviors", NULL}}},
        {DEBUG("\"behaviors\":{\"New City\":\"POSITIVE\"}"),
         {{D "behaviors", "{\"New_City\":\"POSITIVE\"}"}, {D "risk_behaviors", "[\"New City\"]"}}},
        {DEBUG("\"risk\":\"{level=HIGH, reasons=a b, c}\""),
         {{D "flattened.risk", "{\"level\":\"HIGH\",\"reasons\":\"a b, c\"}"},
          {D "flattened.risk_object", "\"{level=HIGH, reasons=a b, c}\""},
          {D "risk_level", "\"HIGH\""},
          {D "risk_reasons", "[\"a b\",\"c\"]"}}},
        {DEBUG("\"risk\":\"{reasons=a, b, level=LOW}\""),
         {{D "risk_level", "\"LOW\""}, {D "risk_reasons", "[\"a\",\"b\"]"}}},
        {DEBUG("\"risk\":\"{level=LOW}\",\"risk_object\":\"okta's\""),
         {{D "flattened.risk_object", "\"okta's\""}, {D "flattened.risk", "{\"level\":\"LOW\"}"}}},
        {DEBUG("\"risk\":\"{level=X, reasons=a, b}\",\"risk_object\":\"okta's\""),
         {{D "flattened.risk_object", "\"{level=X, reasons=a, b}\""}}},
        {DEBUG("\"risk\":\"nonsense\""),
         {{D "flattened.risk", "\"nonsense\""}, {D "risk_level", NULL}}},
        {DEBUG("\"risk\":{\"level\":\"LOW\",\"reasons\":\"a,b\"}"),
         {{D "risk_level", "\"LOW\""}, {D "risk_reasons", "[\"a\",\"b\"]"}}},
        {DEBUG("\"risk\":3"), {{D "flattened.risk", "3"}, {D "risk_level", NULL}}},
        {DEBUG("\"logOnlySecurityData\":\"{not json\",\"dtHash\":\"d\""),
         {{D "flattened.logOnlySecurityData", "\"{not json\""}, {D "dt_hash", "\"d\""}}},
        {DEBUG("\"logOnlySecurityData\":\"{\\\"risk\\\":{\\\"level\\\":\\\"LOW\\\"}}\","
               "\"risk\":\"{level=HIGH}\""),
         {{D "risk_level", "\"LOW\""}}},
        {DEBUG("\"tunnels\":\"[{\\\"anonymous\\\":true}]\""),
         {{D "flattened.tunnels", "[{\"anonymous\":true}]"}, {"error", NULL}}},
        {DEBUG("\"tunnels\":\"[{\""),
         {{D "flattened.tunnels", "\"[{\""},
          {"error.message", "[\"debugContext.debugData.tunnels is not a text that holds JSON\"]"}}},
    };
    for (size_t i = 0; i < LEN(cases); i++)
        for (size_t j = 0; j < 4 && cases[i].members[j].path; j++)
            assert_mapped((struct ecs_opts){0}, cases[i].event, &cases[i].members[j], 1);
}

static void debug_names_are_folded_when_flattened_is_removed(void **state) {
    (void)state;
    static const struct member members[] = {
        {"okta.debug_context.debug_data",
         "{\"a_b_c\":{\"x_y\":[{\"p_q\":1}]},\"request_id\":\"r\",\"client_secret\":\"s\","
         "\"behaviors\":{\"New_IP\":\"POSITIVE\"},\"risk\":{\"level\":\"LOW\"},"
         "\"risk_level\":\"LOW\",\"risk_behaviors\":[\"New IP\"]}"},
    };
    struct ecs_opts opts = {.remove_flattened_debug = true};
    assert_mapped(opts,
                  DEBUG("\"a b-c\":1,\"request-id\":0,\"a-b c\":{\"x y\":[{\"p-q\":1}]},"
                        "\"requestId\":\"r\",\"clientSecret\":\"s\",\"risk_level\":\"theirs\","
                        "\"behaviors\":\"{New IP=POSITIVE}\",\"risk\":\"{level=LOW}\","
                        "\"tunnels\":\"[bad\""),
                  members, LEN(members));
}

static void a_text_of_very_many_pieces_stays_a_text(void **state) {
    (void)state;
    struct fixture f = begin((struct ecs_opts){0});
    AUTO_FINI(buf) struct buf event = buf_make(SIZE_MAX / 2);
    buf_addz(&event, "{\"uuid\":\"u\",\"debugContext\":{\"debugData\":{\"behaviors\":\"{");
    add_times(&event, "a=1, ", 1000000);
    buf_addz(&event, "a=1}\"}}}");
    const struct json *doc = map(&f, buf_str(&event));
    assert_int_equal(json_type(json_path(doc, D "flattened.behaviors")), JSON_STRING);
    assert_null(json_path(doc, D "behaviors"));
    end(&f);
}

static void a_hundred_thousand_members_are_no_problem(void **state) {
    (void)state;
    struct fixture f = begin((struct ecs_opts){0});
    AUTO_FINI(buf) struct buf event = buf_make(SIZE_MAX / 2);
    buf_addz(&event, "{\"uuid\":\"u\",\"debugContext\":{\"debugData\":{");
    for (int i = 0; i < 100000; i++) buf_addf(&event, "\"k%d\":%d,", i % 50000, i);
    buf_addz(&event, "\"url\":\"/x\"}}}");
    const struct json *doc = map(&f, buf_str(&event));
    assert_int_equal(json_count(json_path(doc, D "flattened")), 50001);
    assert_member(doc, D "flattened.k7", "50007");
    end(&f);
}

static void an_event_of_thirty_megabytes_is_mapped(void **state) {
    (void)state;
    struct fixture f = begin((struct ecs_opts){.preserve_original_event = true});
    AUTO_FINI(buf) struct buf event = buf_make(SIZE_MAX / 2);
    buf_addz(&event, "{\"uuid\":\"u\",\"displayMessage\":\"");
    add_times(&event, "\\\"0123456789", 2500000);
    buf_addz(&event, "\"}");
    const struct json *doc = map(&f, buf_str(&event));
    assert_int_equal(json_str(json_path(doc, "okta.display_message")).n, 27500000);
    assert_true(str_eq(json_str(json_path(doc, "event.original")), buf_str(&event)));
    end(&f);
}

static void addresses_are_taken_as_elasticsearch_takes_them(void **state) {
    (void)state;
    static const char *const good[] = {"0.0.0.0",     "255.255.255.255", "::",          "::1",
                                       "2001:db8::1", "::ffff:1.2.3.4",  "fe80::1%eth0"};
    static const char *const bad[] = {"",         "1.2.3",     "1.2.3.4.5", "256.1.1.1", "01.2.3.4",
                                      "1.2.3.4 ", "1.2.3.4:5", "null",      "0x7f.1",    "[::1]",
                                      ":::",      "1.2.3.4%e", "fe80::1%",  "12345::",   "g::1"};
    for (size_t i = 0; i < LEN(good); i++)
        if (!ecs_is_address(str_from(good[i]))) fail_msg("%s", good[i]);
    for (size_t i = 0; i < LEN(bad); i++)
        if (ecs_is_address(str_from(bad[i]))) fail_msg("%s", bad[i]);
    assert_false(ecs_is_address(STR("1.2.3.4\0")));
}

static void targets_lose_nothing_but_what_does_not_belong(void **state) {
    (void)state;
    static const struct member members[] = {
        {"okta.target", "[{\"id\":\"1\",\"type\":\"User\",\"alternate_id\":\"a@b\","
                        "\"changeDetails\":{\"from\":{\"n\":"
                        "\"2.50\",\"o\":\"{\\\"x\\\":[1]}\",\"s\":\"t\"},\"to\":{\"b\":\"true\"}}},"
                        "{\"type\":\"UserGroup\",\"id\":\"2\",\"display_name\":\"G\","
                        "\"detailEntry\":{\"methodTypeUsed\":\"Push\"}}]"},
        {"user.target", "{\"email\":\"a@b\",\"group\":{\"id\":\"2\",\"name\":\"G\"},\"id\":\"1\"}"},
    };
    assert_mapped(
        (struct ecs_opts){0},
        "{\"target\":[{\"id\":\"1\",\"type\":\"User\",\"alternateId\":\"a@b\","
        "\"displayName\":null,\"changeDetails\":{\"from\":{\"n\":2.50,\"o\":{\"x\":[1,null]},"
        "\"s\":\"t\",\"z\":null},\"to\":{\"b\":true}}},"
        "{\"type\":\"UserGroup\",\"id\":\"2\",\"displayName\":\"G\",\"detailEntry\":"
        "{\"methodTypeUsed\":\"Push\",\"policyType\":\"x\"}}]}",
        members, LEN(members));
}

static const char rich_event[] =
    "{\"uuid\":\"u\",\"eventType\":\"user.session.start\",\"actor\":{\"id\":\"i\",\"type\":"
    "\"User\","
    "\"alternateId\":\"a@b\",\"displayName\":\"A\"},\"client\":{\"device\":\"Computer\","
    "\"ipAddress\":\"192.0.2.1\",\"userAgent\":{\"rawUserAgent\":\"x\"},"
    "\"geographicalContext\":{"
    "\"city\":\"C\",\"country\":\"N\"}},\"outcome\":{\"result\":\"DENY\",\"reason\":\"r\"},"
    "\"securityContext\":{\"asNumber\":1,\"asOrg\":\"o\",\"isProxy\":true},"
    "\"authenticationContext\":{\"externalSessionId\":\"e\",\"rootSessionId\":\"s\","
    "\"issuer\":{\"id\":\"q\"}},\"target\":[{\"id\":\"t\",\"type\":\"x\"}],\"debugContext\":{"
    "\"debugData\":{\"dtHash\":\"1\",\"threatSuspected\":\"true\",\"requestUri\":\"/"
    "\",\"factor\":\"f\","
    "\"deviceFingerprint\":\"d\",\"behaviors\":\"{New IP=POSITIVE}\",\"risk\":\"{level=LOW, "
    "reasons=r}\",\"grantType\":\"g\",\"requestedScopes\":\"s\",\"privilegeGranted\":\"p\"}}}";
static const char *const rule_fields[] = {"event.action",
                                          "okta.actor.alternate_id",
                                          "okta.outcome.reason",
                                          "okta.security_context.is_proxy",
                                          "okta.event_type",
                                          "okta.client.user_agent.raw_user_agent",
                                          "client.geo.country_name",
                                          "okta.client.device",
                                          "okta.client.ip",
                                          "okta.outcome.result",
                                          "okta.actor.id",
                                          D "dt_hash",
                                          "client.geo.city_name",
                                          D "risk_level",
                                          D "threat_suspected",
                                          D "risk_reasons",
                                          "source.as.number",
                                          "source.as.organization.name",
                                          "user.name",
                                          "event.outcome",
                                          "okta.authentication_context.external_session_id",
                                          D "request_uri",
                                          D "factor",
                                          "okta.actor.display_name",
                                          D "behaviors",
                                          D "device_fingerprint",
                                          D "risk_behaviors",
                                          "okta.authentication_context.root_session_id",
                                          "source.geo.city_name",
                                          "source.geo.country_name",
                                          "user_agent.original",
                                          "client.ip",
                                          "source.ip",
                                          "user.email",
                                          "okta.actor.type",
                                          D "flattened.grantType",
                                          D "flattened.requestedScopes",
                                          "event.category",
                                          "event.dataset",
                                          "data_stream.dataset",
                                          "okta.authentication_context.issuer.id",
                                          "client.user.name",
                                          D "flattened.privilegeGranted",
                                          "okta.target"};

static void fields_of_detection_rules_are_filled(void **state) {
    (void)state;
    struct fixture f = begin((struct ecs_opts){0});
    f.fetched_ms = 1;
    const struct json *doc = map(&f, STR(rich_event));
    for (size_t i = 0; i < LEN(rule_fields); i++)
        if (!json_path(doc, rule_fields[i])) fail_msg("%s is not filled", rule_fields[i]);
    end(&f);
}

static void what_is_collected_has_only_objects_where_an_index_wants_them(void **state) {
    (void)state;
    struct fixture f = begin((struct ecs_opts){0});
    struct str event =
        STR("{\"uuid\":\"u\",\"request\":{\"ipChain\":[\"192.0.2.1\",{\"ip\":\"192.0.2.2\"}]},"
            "\"device\":{\"device_integrator\":\"{not json\"}}");
    const struct json *doc = map(&f, event);
    assert_member(doc, "okta.request.ip_chain", "[\"192.0.2.1\",{\"ip\":\"192.0.2.2\"}]");
    assert_member(doc, "okta.device.device_integrator", "\"{not json\"");
    f.fetched_ms = 1;
    doc = map(&f, event);
    assert_member(doc, "okta.request.ip_chain", "[{\"ip\":\"192.0.2.1\"},{\"ip\":\"192.0.2.2\"}]");
    assert_member(doc, "okta.device.device_integrator", "{\"text\":\"{not json\"}");
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_of_the_source_come_first_and_once),
        cmocka_unit_test(the_original_is_what_came_byte_by_byte),
        cmocka_unit_test(a_collected_document_says_who_fetched_it_and_when),
        cmocka_unit_test(hosts_come_without_port_user_and_path),
        cmocka_unit_test(facts_tell_what_sinks_ask),
        cmocka_unit_test(what_cannot_be_mapped_leaves_the_output_alone),
        cmocka_unit_test(deep_nesting_is_refused_with_the_uuid_known),
        cmocka_unit_test(an_output_that_is_full_is_told),
        cmocka_unit_test(debug_texts_become_objects),
        cmocka_unit_test(debug_names_are_folded_when_flattened_is_removed),
        cmocka_unit_test(a_text_of_very_many_pieces_stays_a_text),
        cmocka_unit_test(a_hundred_thousand_members_are_no_problem),
        cmocka_unit_test(an_event_of_thirty_megabytes_is_mapped),
        cmocka_unit_test(addresses_are_taken_as_elasticsearch_takes_them),
        cmocka_unit_test(targets_lose_nothing_but_what_does_not_belong),
        cmocka_unit_test(what_is_collected_has_only_objects_where_an_index_wants_them),
        cmocka_unit_test(fields_of_detection_rules_are_filled),
    };
    return cmocka_run_group_tests_name("ecs/map", tests, NULL, NULL);
}
