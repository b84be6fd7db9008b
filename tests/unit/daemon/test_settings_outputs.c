// SPDX-License-Identifier: Apache-2.0
// Outputs that are engines and brokers: their keys, defaults, and what does not go together.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "daemon/plan-outputs.h"
#include "settings-fixture.h"

#define SOURCE "sources: [{url: \"" URL "\", api_key: k}]\noutputs:\n"

static void refused_output(const char *output, const char *expected) {
    AUTO_FINI(buf) struct buf text = buf_make(1 << 16);
    buf_addf(&text, SOURCE "%s\n", output);
    refused(buf_z(&text), expected, NULL, 0);
}

static struct result accepted_output(const char *output) {
    AUTO_FINI(buf) struct buf text = buf_make(1 << 16);
    buf_addf(&text, SOURCE "%s\n", output);
    return accepted(buf_z(&text), NULL, 0);
}

static void an_engine_needs_nothing_but_its_hosts(void **state) {
    (void)state;
    AUTO_FINI(result)
    struct result r = accepted_output("  - {type: elasticsearch, hosts: [\"https://es:9200\"]}");
    const struct settings_output *o = &r.settings->outputs[0];
    assert_string_equal(o->name, "elasticsearch");
    assert_int_equal(o->host_count, 1);
    assert_int_equal(o->compression_level, 1);
    assert_int_equal(o->bulk_max_size, 1600);
    assert_int_equal(o->timeout_ms, 90000);
    assert_int_equal(o->backoff.init_ms, 1000);
    assert_int_equal(o->backoff.max_ms, 60000);
    assert_true(o->template);
    assert_null(o->index);
    assert_int_equal(o->format, SETTINGS_ECS);
    refused_output("  - {type: elasticsearch}", "outputs.0.hosts: is missing");
    refused_output("  - {type: opensearch, hosts: []}", "a list of 0, expected 1 to 64");
}

static void brokers_need_hosts_and_a_topic(void **state) {
    (void)state;
    AUTO_FINI(result)
    struct result r =
        accepted_output("  - {name: bus, type: kafka, hosts: [\"k1:9092\"], topic: okta}");
    const struct settings_output *o = &r.settings->outputs[0];
    assert_string_equal(o->transactional_id, "gatehouse-bus");
    assert_string_equal(o->position_topic, "gatehouse-positions");
    assert_string_equal(settings_compression_name(o->compression), "gzip");
    assert_int_equal(o->compression_level, -1);
    assert_int_equal(o->timeout_ms, 30000);
    assert_null(settings_mechanism_name(o->sasl.mechanism));
    assert_false(o->has_ssl);
    refused_output("  - {type: kafka, hosts: [k1]}", "outputs.0.topic: is missing");
    refused_output("  - {type: kafka, hosts: [k1], topic: t, required_acks: 1}",
                   "required_acks: 1, expected -1");
    refused_output("  - {type: kafka, hosts: [k1], topic: t, sasl: {mechanism: PLAIN}}",
                   "username: is missing");
    refused_output("  - {type: kafka, hosts: [k1], topic: t}\n"
                   "  - {name: b, type: kafka, hosts: [k1], topic: u, "
                   "transactional_id: gatehouse-kafka}",
                   "outputs.1.transactional_id: output kafka has the same");
}

static void the_positions_have_a_topic_of_their_own(void **state) {
    (void)state;
    refused_output("  - {type: kafka, hosts: [a], topic: t, position_topic: t}",
                   "g.yml:3:57: outputs.0.position_topic: topic and position_topic are the same");
    refused_output("  - {type: kafka, hosts: [a], topic: gatehouse-positions}",
                   "g.yml:3:38: outputs.0.topic: topic and position_topic are the same");
    AUTO_FINI(result)
    struct result r = accepted_output("  - {type: kafka, hosts: [a], topic: t, position_topic: u}");
    assert_string_equal(r.settings->outputs[0].position_topic, "u");
}

static void there_is_one_way_to_sign_in(void **state) {
    (void)state;
    refused_output("  - {type: elasticsearch, hosts: [a], api_key: a:b, username: u}",
                   "outputs.0.api_key: there is a username, too");
    refused_output("  - {type: elasticsearch, hosts: [a], password: u}",
                   "outputs.0.password: there is no username");
    refused_output("  - {type: elasticsearch, hosts: [a], username: u}",
                   "outputs.0.password: is missing, expected the password of `username`");
    refused_output("  - {type: kafka, hosts: [a], topic: t, username: u}", "password: is missing");
    refused_output("  - {type: kafka, hosts: [a], topic: t, password: u}", "username: is missing");
    refused_output("  - {type: kafka, topic: t, hosts: [a], api_key: a}",
                   "belongs to output of type elasticsearch opensearch");
}

static void headers_are_names_with_values(void **state) {
    (void)state;
    AUTO_FINI(result)
    struct result r = accepted_output(
        "  - {type: elasticsearch, hosts: [a], headers: {X-Team: a b, X-Key: \"${OKTA_API_KEY}\"},"
        " parameters: {refresh: wait_for}}");
    const struct settings_output *o = &r.settings->outputs[0];
    assert_int_equal(o->header_count, 2);
    assert_string_equal(o->headers[0], "X-Team=a b");
    assert_string_equal(o->headers[1], "X-Key=00secret");
    assert_string_equal(o->parameters[0], "refresh=wait_for");
    refused_output("  - {type: elasticsearch, hosts: [a], api_key: \"a:b\", headers: "
                   "{Authorization: x}}",
                   "headers: ");
    refused_output("  - {type: elasticsearch, hosts: [a], headers: {Content-Type: x}}",
                   "headers: ");
    refused_output("  - {type: elasticsearch, hosts: [a], headers: {\"a b\": x}}", "headers: ");
    refused_output("  - {type: elasticsearch, hosts: [a], headers: [x]}",
                   "headers: expected names with values; found a list");
}

static void a_header_can_be_set_on_the_command_line_and_is_not_shown(void **state) {
    (void)state;
    static const char *const sets[] = {"outputs.es.headers.X-Trace.Id=abc"};
    AUTO_FINI(result)
    struct result r = accepted(SOURCE "  - {name: es, type: elasticsearch, hosts: [a]}\n", sets, 1);
    assert_string_equal(r.settings->outputs[0].headers[0], "X-Trace.Id=abc");
    AUTO_FINI(buf) struct buf shown = buf_make(1 << 16);
    settings_show(r.settings, &shown);
    assert_non_null(strstr(buf_z(&shown), "\"X-Trace.Id\": \"********\""));
    assert_null(strstr(buf_z(&shown), "abc"));
    static const char *const bare[] = {"outputs.es.headers=abc"};
    refused(SOURCE "  - {name: es, type: elasticsearch, hosts: [a]}\n",
            "has names of your own choice", bare, 1);
}

static void what_would_do_nothing_is_refused(void **state) {
    (void)state;
    refused_output("  - {type: stdout, go_encoding: true}",
                   "go_encoding: belongs to `format: raw`");
    refused_output("  - {type: stdout, backoff: {init: 10s, max: 5s}}", "max is shorter than init");
    refused_output("  - {type: elasticsearch, hosts: [\"http://a\"], ssl: {}}",
                   "ssl: http://a is reached by http");
    refused_output("  - {type: elasticsearch, hosts: [a], compression_level: 10}", "from 0 to 9");
    refused_output("  - {type: elasticsearch, hosts: [a], proxy_url: \"http://p:1\", "
                   "proxy_disable: true}",
                   "proxy_disable: there is a proxy_url");
    refused_output("  - {type: elasticsearch, hosts: [a], loadbalance: true}",
                   "is not supported yet");
}

// `enabled: true` stands in many of Filebeat's files. Who writes false does not want the output.
static void an_output_that_is_not_enabled_is_refused(void **state) {
    (void)state;
    AUTO_FINI(result) struct result r = accepted_output("  - {type: stdout, enabled: true}");
    assert_int_equal(r.settings->output_count, 1);
    refused_output("  - {type: stdout, enabled: false}",
                   "enabled: false, expected true: leave the output out of the file");
}

static void hosts_and_names_are_checked_before_anybody_is_asked(void **state) {
    (void)state;
    refused_output("  - {type: elasticsearch, hosts: [\"ftp://x\"]}", "outputs.0.hosts: ");
    refused_output("  - {type: elasticsearch, hosts: [a], index: Okta}", "index: has O, which no");
    refused_output("  - {type: elasticsearch, hosts: [a], index: -okta}", "index: begins with -");
    refused_output("  - {type: opensearch, hosts: [a], index: \"okta-%{[nothing\"}",
                   "index: \"okta-%{[nothing\", byte 6");
    refused_output("  - {type: kafka, hosts: [a], topic: \"%{+qqqq}\"}", "topic: ");
    refused_output("  - {type: kafka, hosts: [\"http://a:9092\"], topic: t}", "is no broker");
    refused_output("  - {type: kafka, hosts: [\"a:0\"], topic: t}", "is no broker");
    refused_output("  - {type: kafka, hosts: [a], topic: \"okta log\"}", "topic: has  , which no");
    AUTO_FINI(result)
    struct result r = accepted_output(
        "  - {type: elasticsearch, hosts: [a], index: \"okta-%{[event.Action]}-%{+yyyy.MM}\"}");
    assert_non_null(r.settings->outputs[0].index);
}

static void a_password_in_a_host_is_not_shown(void **state) {
    (void)state;
    AUTO_FINI(result)
    struct result r =
        accepted_output("  - {type: elasticsearch, hosts: [\"https://u:secret@es:9200/x\"]}");
    AUTO_FINI(buf) struct buf shown = buf_make(1 << 16);
    settings_show(r.settings, &shown);
    assert_non_null(strstr(buf_z(&shown), "https://********@es:9200/x"));
    assert_null(strstr(buf_z(&shown), "secret"));
}

static void every_output_may_have_a_filter_and_a_format(void **state) {
    (void)state;
    AUTO_FINI(result)
    struct result r =
        accepted_output("  - {type: stdout, format: raw, go_encoding: true, filter: {event_types: "
                        "[\"user.*\"], outcomes: [FAILURE]}}");
    const struct settings_output *o = &r.settings->outputs[0];
    assert_int_equal(o->format, SETTINGS_RAW);
    assert_true(o->go_encoding);
    assert_int_equal(o->filter.event_type_count, 1);
    assert_string_equal(o->filter.outcomes[0], "FAILURE");
}

static void an_outcome_that_okta_does_not_give_is_warned_of(void **state) {
    (void)state;
    AUTO_FINI(result)
    struct result odd = accepted_output(
        "  - {type: stdout, filter: {outcomes: [FAIL, failure, \"DEN*\", none, Unanswered]}}");
    assert_int_equal(odd.settings->warning_count, 1);
    const char *said = odd.settings->warnings[0];
    assert_non_null(strstr(said, "output stdout: filter.outcomes: 'FAIL' is no result that Okta"));
    assert_non_null(strstr(said, "(SUCCESS, FAILURE, "));
    AUTO_FINI(result)
    struct result fine = accepted_output("  - {type: stdout, filter: {outcomes: [FAIL*, DENY]}}");
    assert_int_equal(fine.settings->warning_count, 0);
}

// What `test output` is told: "dataset/namespace" of each, one after the other.
static void streams_are(const struct watch_output_opts *output, const char *expected) {
    AUTO_FINI(buf) struct buf text = buf_make(1 << 12);
    for (size_t i = 0; i < output->sink.stream_count; i++)
        buf_addf(&text, "%s%s/%s", i ? " " : "", output->sink.streams[i].dataset,
                 output->sink.streams[i].name_space);
    assert_string_equal(text.n ? buf_z(&text) : "", expected);
}

static void each_output_knows_the_data_streams_that_come(void **state) {
    (void)state;
    AUTO_FINI(result)
    struct result r =
        accepted("listen: {address: \"127.0.0.1:0\"}\n"
                 "gate: {outputs: [b]}\n"
                 "sources:\n"
                 "  - {name: p, url: \"" URL "\", api_key: k, data_stream: {namespace: prod}}\n"
                 "  - {name: q, url: \"" URL "\", api_key: k, data_stream: {namespace: prod}}\n"
                 "  - {name: r, url: \"" URL "\", api_key: k, outputs: [a]}\n"
                 "outputs:\n"
                 "  - {name: a, type: elasticsearch, hosts: [\"es:9200\"]}\n"
                 "  - {name: b, type: opensearch, hosts: [\"es:9201\"]}\n",
                 NULL, 0);
    struct plan_outputs p = {0};
    assert_int_equal(plan_outputs_init(&p, r.settings), 0);
    streams_are(&p.opts[0], "okta.system/prod okta.system/default");
    streams_are(&p.opts[1], "okta.system/prod gatehouse.gate/default gatehouse.mfa/default");
    plan_outputs_fini(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_needs_nothing_but_its_hosts),
        cmocka_unit_test(brokers_need_hosts_and_a_topic),
        cmocka_unit_test(the_positions_have_a_topic_of_their_own),
        cmocka_unit_test(there_is_one_way_to_sign_in),
        cmocka_unit_test(headers_are_names_with_values),
        cmocka_unit_test(a_header_can_be_set_on_the_command_line_and_is_not_shown),
        cmocka_unit_test(what_would_do_nothing_is_refused),
        cmocka_unit_test(an_output_that_is_not_enabled_is_refused),
        cmocka_unit_test(hosts_and_names_are_checked_before_anybody_is_asked),
        cmocka_unit_test(a_password_in_a_host_is_not_shown),
        cmocka_unit_test(every_output_may_have_a_filter_and_a_format),
        cmocka_unit_test(an_outcome_that_okta_does_not_give_is_warned_of),
        cmocka_unit_test(each_output_knows_the_data_streams_that_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
