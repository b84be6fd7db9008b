// SPDX-License-Identifier: Apache-2.0
// The settings as people write them: text in, struct or messages out. Nothing is read from the
// machine but the example file and the generated pages.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/node.h"
#include "settings-fixture.h"

static void refused_source(const char *line, const char *expected) {
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    buf_addf(&text,
             "outputs: [{type: stdout}]\nsources:\n  - url: " URL "\n    api_key: k\n    %s\n",
             line);
    refused(buf_z(&text), expected, NULL, 0);
}

static void refused_url(const char *url, const char *expected) {
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    buf_addf(&text, "outputs: [{type: stdout}]\nsources:\n  - {api_key: k, url: \"%s\"}\n", url);
    refused(buf_z(&text), expected, NULL, 0);
}

static void refused_output(const char *lines, const char *expected) {
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    buf_addf(&text, "sources:\n  - {api_key: k, url: \"" URL "\"}\noutputs:\n%s\n", lines);
    refused(buf_z(&text), expected, NULL, 0);
}

static void test_smallest_file_gets_every_default(void **state) {
    (void)state;
    AUTO_FINI(result) struct result r = accepted(SMALL, NULL, 0);
    const struct settings *s = r.settings;
    assert_string_equal(s->state, "gatehouse-state");
    assert_int_equal(s->log.level, LOG_INFO);
    assert_int_equal(s->log.format, LOG_TEXT);
    assert_int_equal(s->source_count, 1);
    const struct settings_source *source = &s->sources[0];
    assert_string_equal(source->name, "acme.okta.com");
    assert_string_equal(source->url, URL);
    assert_int_equal(source->interval_ms, 60000);
    assert_int_equal(source->initial_interval_ms, 24 * 3600 * 1000);
    assert_int_equal(source->limit, 1000);
    assert_int_equal(source->http_client_timeout_ms, 30000);
    assert_int_equal(source->tag_count, 2);
    assert_string_equal(source->tags[1], "okta-system");
    assert_true(source->event_type_tags);
    assert_false(source->preserve_original_event);
    assert_true(source->rate_limit_early_limit == 0.9);
    assert_null(source->proxy_url);
    assert_string_equal(source->data_stream.namespace, "default");
    assert_int_equal(s->output_count, 1);
    assert_string_equal(s->outputs[0].name, "sqlite");
    assert_int_equal(s->outputs[0].keep_ms, 0);
    assert_true(settings_source_feeds(source, &s->outputs[0]));
    assert_string_equal(s->useragents, "/usr/share/uap-core/regexes.yaml");
}

static void test_references_are_text_and_never_read_again(void **state) {
    (void)state;
    static const char text[] = "outputs: [{type: stdout}]\n"
                               "sources:\n  - url: " URL "\n    api_key: ${OKTA_API_KEY}\n"
                               "    tags: ['${SPACED}', 'x$${y}', 'a${NOPE:b${NOPE:c}}', $z]\n"
                               "  - url: " URL "\n    name: b\n"
                               "    api_key: ${file:${DIR:/etc/gatehouse}/okta-api-key}\n";
    AUTO_FINI(result) struct result r = accepted(text, NULL, 0);
    const struct settings_source *source = &r.settings->sources[0];
    assert_string_equal(source->api_key, "00secret");
    assert_int_equal(source->tag_count, 4);
    assert_string_equal(source->tags[0], "a: [b, ${OKTA_API_KEY}]");
    assert_string_equal(source->tags[1], "x${y}");
    assert_string_equal(source->tags[2], "abc");
    assert_string_equal(source->tags[3], "$z");
    assert_string_equal(r.settings->sources[1].api_key, "00fromfile");
}

static void test_wrong_references_are_named(void **state) {
    (void)state;
    refused_source("tags: ['${NOPE}']",
                   "g.yml:5:12: sources.0.tags.0: the environment variable NOPE is not set");
    refused_source("name: ${EMPTY}", "the environment variable EMPTY is empty");
    refused_source("name: '${NOPE:?ask the admins}'", "NOPE is not set: ask the admins");
    refused_source("name: ${file:/nowhere}", "cannot read the file /nowhere: No such file");
    refused_source("name: '${file:}'", "names no file");
    refused_source("name: ${path.home}", "is not a reference");
    refused_source("name: 'a${b'", "without its }");
    refused_source("name: '${NOPE:}'", "is empty, expected a value");
    refused_source("tags: [${OKTA_API_KEY}]", "inside [ ] and { }, ${...} needs quotes");
}

static void test_a_wrong_value_from_a_reference_is_not_shown(void **state) {
    (void)state;
    AUTO_FINI(result)
    struct result r = parse_all(SMALL "log: {level: '${OKTA_API_KEY}'}\n", 0, NULL, 0);
    assert_int_equal(r.rc, SETTINGS_E_WRONG);
    assert_non_null(strstr(buf_z(&r.text), "'${OKTA_API_KEY}' is wrong"));
    assert_null(strstr(buf_z(&r.text), "00secret"));
}

static void test_each_error_has_place_key_and_what_was_expected(void **state) {
    (void)state;
    refused_source("intervall: 5s", "g.yml:5:5: sources.0.intervall: no such key, expected one of "
                                    "the source's keys; did you mean interval?");
    refused("interval: 5s\n" SMALL,
            "g.yml:1:1: interval: no such key here, it belongs to `sources`", NULL, 0);
    refused_source("state: x", "it belongs to the top level");
    refused_source("interval: 60", "g.yml:5:15: sources.0.interval: needs a unit, such as 60s");
    refused_source("interval: 25h", "expected a duration with its unit from 10ms to 24h");
    refused_source("limit: 1001", "'1001' is wrong, expected a whole number from 1 to 1000");
    refused_source("limit: [1]", "expected a whole number from 1 to 1000; found a list");
    refused_source("tags: a", "expected a list of texts, such as [a, b]; found a single value");
    refused_source("interval:", "expected a duration with its unit from 10ms to 24h, such as 60s; "
                                "found nothing");
    refused_source("name: ~", "expected a text; found nothing");
    refused_source("ssl: yes", "expected the keys of one ssl table");
    refused_source("disable_keep_alive: maybe", "expected true or false");
    refused_source("rate_limit_early_limit: 0", "expected a number from 0.01 to 100000");
    refused_source("ssl: {supported_protocols: [TLSv1.1]}", "expected TLSv1.2, TLSv1.3 or both");
    refused_source("ssl: {cipher_suites: [NULL-SHA]}", "sources.0.ssl.cipher_suites");
    refused_source("ssl: {verification_mode: ful}", "did you mean full?");
    refused_source("ssl: {certificate_authorities: [/there.pem, /gone.pem]}",
                   "sources.0.ssl.certificate_authorities.1: cannot read '/gone.pem'");
    refused_source("name: 7", "only digits");
    refused_source("name: a b", "expected at most 255 letters");
    refused_source("data_stream: {namespace: A-b}", "lower-case letters");
    refused_source("outputs: []", "a list of 0, expected 1 to 64 elements");
    refused_source("outputs: [stdout, nope]",
                   "no output is called 'nope', expected some of: stdout");
}

static void test_all_errors_are_reported_at_once_in_the_order_of_the_file(void **state) {
    (void)state;
    AUTO_FINI(result)
    struct result r = parse_all("sources:\n  - {api_key: k, url: ftp://x, limit: 0}\noutputs: x\n"
                                "log: {level: 3}\nfoo: 1\n",
                                0, NULL, 0);
    const char *z = buf_z(&r.text);
    const char *const in_order[] = {"g.yml:2:23", "g.yml:2:39", "g.yml:3:10", "g.yml:4:14",
                                    "g.yml:5:1"};
    for (size_t i = 0; i < LEN(in_order); i++) {
        z = strstr(z, in_order[i]);
        if (!z) fail_msg("no %s in its place in:\n%s", in_order[i], buf_z(&r.text));
    }
}

static void test_more_errors_than_anybody_reads_are_counted(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    for (int i = 0; i < 50; i++) buf_addf(&text, "k%d: 1\n", i);
    refused(buf_z(&text), "and 32 more", NULL, 0); // sources and outputs are missing, too
}

static void test_urls_that_are_not_the_log_are_corrected(void **state) {
    (void)state;
    refused_url("http://acme.okta.com/api/v1/logs", "in the clear, expected " URL);
    refused_url("https://acme-admin.okta.com/api/v1/logs", "admin console, expected " URL);
    refused_url("https://acme.okta.com", "has nothing behind the host, expected " URL);
    refused_url("https://acme.okta.com/", "has / behind the host, expected " URL);
    refused_url("https://acme.okta.com/api/v1/logs?limit=5", "expected " URL);
    refused_url("https://acme.okta.com/api/v1/logs#x", "expected " URL);
    refused_url("https://acme.okta.com:8443/x", "expected https://acme.okta.com:8443/api/v1/logs");
    refused_url("https://u:p@acme.okta.com/api/v1/logs", "user name");
    refused_url("acme.okta.com", "expected a URL that begins with https://, http://");
    refused_url("https:///api/v1/logs", "expected a URL");
}

static void test_http_is_fine_on_this_machine(void **state) {
    (void)state;
    static const char *const hosts[] = {"127.0.0.1:8080", "127.9.9.9", "localhost:1", "[::1]:9"};
    for (size_t i = 0; i < LEN(hosts); i++) {
        AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
        buf_addf(&text,
                 "outputs: [{type: stdout}]\nsources:\n"
                 "  - {api_key: k, url: \"http://%s/api/v1/logs\"}\n",
                 hosts[i]);
        AUTO_FINI(result) struct result r = accepted(buf_z(&text), NULL, 0);
        assert_non_null(strstr(r.settings->sources[0].url, hosts[i]));
    }
}

// A key of this test alone.
#define JWK                                                                                        \
    "jwk_json: '{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k1\","                                 \
    "\"x\":\"5Ei9tB9PvE9y3en23DzuiYwqDu37wfyOJY3PlItE_xw\","                                       \
    "\"y\":\"AtThzvpCPiNJnu5WdeYz2xdAEgjVdLZfUL5tA4MwvPY\","                                       \
    "\"d\":\"0wvN1xhCufBXx4bJuNzJUrC69iLkzJdvzn7ikahjPtI\"}'"
#define PEM_LINES                                                                                  \
    "\\n-----BEGIN PRIVATE KEY-----\\n"                                                            \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg0wvN1xhCufBXx4bJ\\n"                          \
    "uNzJUrC69iLkzJdvzn7ikahjPtKhRANCAATkSL20H0+8T3Ld6fbcPO6JjCoO7fvB\\n"                          \
    "/I4ljc+Ui0T/HALU4c76Qj4jSZ7uVnXmM9sXQBII1XS2X1C+bQODMLz2\\n"                                  \
    "-----END PRIVATE KEY-----\\n"
#define KEY_PEM "key_pem: \"" PEM_LINES "\""
#define DPOP "dpop_key_pem: \"" PEM_LINES "\""
#define DOMAIN "okta_domain_url: https://acme.okta.com"
#define ID "client_id: 0oa1"
#define KEY "api_key: k"
#define OIN "oin_app: true"

struct auth_row {
    const char *keys[7]; // of the source, NULL-ended
    int method;          // -1: refused, and the message says
    const char *says;
};

// elastic-okta section 1.1: what means something is accepted, everything else names its keys.
static const struct auth_row auths[] = {
    {{KEY}, SETTINGS_API_KEY, NULL},
    {{KEY, "auth_method: api_key"}, SETTINGS_API_KEY, NULL},
    {{KEY, "oin_app: false"}, SETTINGS_API_KEY, NULL},
    {{KEY, "okta_scopes: [okta.logs.read]"}, SETTINGS_API_KEY, NULL},
    {{DOMAIN, ID, JWK}, SETTINGS_OAUTH2, NULL},
    {{DOMAIN, ID, KEY_PEM}, SETTINGS_OAUTH2, NULL},
    {{DOMAIN, ID, JWK, DPOP}, SETTINGS_OAUTH2, NULL},
    {{DOMAIN, ID, JWK, "auth_method: oauth2", "okta_scopes: [okta.logs.read, okta.users.read]"},
     SETTINGS_OAUTH2,
     NULL},
    {{"okta_domain_url: https://acme.okta.com/", ID, JWK}, SETTINGS_OAUTH2, NULL},
    {{DOMAIN, ID, KEY, OIN}, SETTINGS_OIN_APP, NULL},
    {{DOMAIN, ID, KEY, DPOP, "auth_method: oin_app"}, SETTINGS_OIN_APP, NULL},
    {{DOMAIN, ID, KEY, OIN, "auth_method: oin_app"}, SETTINGS_OIN_APP, NULL},
    // mixtures
    {{NULL}, -1, "sources.0.api_key: is missing, so that nothing would authenticate"},
    {{KEY, ID}, -1, "api_key and client_id are both set, which authentication"},
    {{KEY, DOMAIN}, -1, "api_key and okta_domain_url are both set"},
    {{KEY, DOMAIN, ID}, -1, "api_key and okta_domain_url are both set"},
    {{KEY, JWK}, -1, "api_key and jwk_json are both set"},
    {{KEY, DPOP}, -1, "api_key and dpop_key_pem are both set"},
    {{KEY, ID, "auth_method: api_key"}, -1, "client_id does not go with api_key"},
    {{ID, JWK}, -1, "okta_domain_url is missing, which oauth2 needs"},
    {{DOMAIN, JWK}, -1, "client_id is missing, which oauth2 needs"},
    {{DOMAIN, ID}, -1, "no private key is set, expected jwk_file, jwk_json or key_pem"},
    {{DOMAIN, ID, JWK, KEY_PEM}, -1, "jwk_json and key_pem are both set"},
    {{DOMAIN, ID, KEY, JWK, "auth_method: oauth2"}, -1, "api_key does not go with oauth2"},
    {{DOMAIN, ID, KEY, JWK, OIN}, -1, "jwk_json does not go with oin_app"},
    {{DOMAIN, ID, OIN}, -1, "api_key is missing, which oin_app needs"},
    {{KEY, OIN}, -1, "okta_domain_url is missing, which oin_app needs"},
    {{DOMAIN, ID, KEY, OIN, "auth_method: oauth2"}, -1, "contradict each other"},
    {{KEY, "okta_scopes: [okta.users.read]"}, -1, "okta_scopes does not go with api_key"},
    {{DOMAIN, ID, JWK, "okta_scopes: [\"okta.logs.read okta.users.read\"]"},
     -1,
     "each without blanks"},
    // keys that are none
    {{DOMAIN, ID, "jwk_json: '{}'"}, -1, "sources.0.jwk_json: "},
    {{DOMAIN, ID, "jwk_json: 'x'"}, -1, "sources.0.jwk_json: "},
    {{DOMAIN, ID, "jwk_file: /nowhere"}, -1, "sources.0.jwk_file: /nowhere: No such file"},
    {{DOMAIN, ID, "key_pem: x"}, -1, "sources.0.key_pem: "},
    {{DOMAIN, ID, JWK, "dpop_key_pem: x"}, -1, "sources.0.dpop_key_pem: "},
    // addresses
    {{"okta_domain_url: https://acme.okta.com/oauth2/default", ID, JWK}, -1, "expected the org"},
    {{"okta_domain_url: https://acme-admin.okta.com", ID, JWK}, -1, "admin console"},
    {{"okta_domain_url: http://acme.okta.com", ID, JWK}, -1, "in the clear"},
    {{"okta_domain_url: http://acme.okta.com", ID, JWK, "allow_any_url: true"},
     SETTINGS_OAUTH2,
     NULL},
};

static void test_each_mixture_means_one_way_to_sign_in_or_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(auths); i++) {
        AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
        buf_addz(&text, "outputs: [{type: stdout}]\nsources:\n  - url: " URL "\n");
        for (size_t k = 0; auths[i].keys[k]; k++) buf_addf(&text, "    %s\n", auths[i].keys[k]);
        if (auths[i].method < 0) {
            refused(buf_z(&text), auths[i].says, NULL, 0);
            continue;
        }
        AUTO_FINI(result) struct result r = accepted(buf_z(&text), NULL, 0);
        assert_int_equal(r.settings->sources[0].auth_method, auths[i].method);
    }
}

static void test_an_api_key_stands_alone(void **state) {
    (void)state;
    refused_source("api_key: SSWS abc", "set twice");
    refused("outputs: [{type: stdout}]\nsources: [{url: " URL ", api_key: SSWS abc}]\n",
            "without a word before it", NULL, 0);
}

static void test_unusual_urls_need_to_be_allowed(void **state) {
    (void)state;
    static const char *const urls[] = {"http://acme.okta.com/api/v1/logs", "https://a.example/x",
                                       "https://acme-admin.okta.com/api/v1/logs"};
    for (size_t i = 0; i < LEN(urls); i++) {
        AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
        buf_addf(
            &text,
            "outputs: [{type: stdout}]\nsources:\n  - {api_key: k, url: \"%s\", allow_any_url: "
            "true}\n",
            urls[i]);
        AUTO_FINI(result) struct result r = accepted(buf_z(&text), NULL, 0);
        assert_true(r.settings->sources[0].allow_any_url);
    }
}

static void test_a_master_key_is_32_bytes(void **state) {
    (void)state;
    refused("master_key: abc\n" SMALL, "g.yml:1:13: master_key: ", NULL, 0);
    AUTO_FINI(result)
    struct result r = accepted(
        "master_key: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n" SMALL,
        NULL, 0);
    AUTO_FINI(buf) struct buf shown = buf_make(1 << 20);
    settings_show(r.settings, &shown);
    assert_null(strstr(buf_z(&shown), "0f101112"));
}

#define MASTER_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const char *systemd_variable(void *ctx, const char *name) {
    return strcmp(name, "CREDENTIALS_DIRECTORY") == 0 ? "/run/credentials/g"
                                                      : fake_variable(ctx, name);
}

static int systemd_file(void *ctx, const char *path, struct buf *into) {
    const char *key = ctx;
    if (strcmp(path, "/run/credentials/g/master.key") != 0 || !key) return -ENOENT;
    buf_addz(into, key);
    return 0;
}

static void test_systemds_credential_is_the_master_key_where_none_is_set(void **state) {
    (void)state;
    static const char *const keys[] = {MASTER_KEY "\n", NULL, "too short"};
    for (size_t i = 0; i < LEN(keys); i++) {
        AUTO_MEM char *copy = keys[i] ? mem_copy(keys[i], strlen(keys[i])) : NULL;
        const struct conf_env env = {.variable = systemd_variable,
                                     .file = systemd_file,
                                     .readable = fake_readable,
                                     .ctx = copy};
        struct settings_input input = {.name = "g.yml", .text = STR(SMALL), .env = &env};
        struct conf_errors errors = {0};
        AUTO(settings) struct settings *s = NULL;
        int rc = settings_parse(&s, &input, &errors);
        AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
        conf_errors_write(&errors, &text);
        assert_int_equal(rc, i == 2 ? SETTINGS_E_WRONG : 0);
        if (i == 0) assert_string_equal(s->master_key, MASTER_KEY);
        if (i == 1) assert_null(s->master_key);
        if (i == 2) assert_non_null(strstr(buf_z(&text), "master_key"));
    }
}

static void test_known_keys_of_later_releases_say_so(void **state) {
    (void)state;
    refused_source("processors: [a]", "is not supported yet: ");
    refused_source("ssl: {curve_types: [P-256]}", "is not supported yet: ");
}

static void test_names_default_and_must_differ(void **state) {
    (void)state;
    AUTO_FINI(result)
    struct result r = accepted("outputs: [{type: stdout}]\nsources:\n"
                               "  - {api_key: k, url: \"https://a.okta.com/api/v1/logs\"}\n"
                               "  - {api_key: k, url: \"https://A.okta.com:8443/api/v1/logs\"}\n",
                               NULL, 0);
    assert_string_equal(r.settings->sources[0].name, "a.okta.com");
    assert_string_equal(r.settings->sources[1].name, "a.okta.com:8443");
    refused("outputs: [{type: stdout}]\nsources:\n  - {api_key: k, url: \"" URL "\", name: a}\n"
            "  - {api_key: k, url: \"" URL "\", name: a}\n",
            "g.yml:4:66: sources.1.name: another source is called a already", NULL, 0);
    refused_output("  - {type: file, path: a}\n  - {type: file, path: b}",
                   "outputs.1.name: another output is called file already");
}

static void test_the_gates_documents_go_where_they_are_told(void **state) {
    (void)state;
    static const char *const listening[] = {"listen.address=127.0.0.1:0"};
    AUTO_FINI(result) struct result none = accepted(SMALL, NULL, 0);
    assert_false(none.settings->gate.audit); // where there is no gate
    AUTO_FINI(result) struct result all = accepted(SMALL, listening, 1);
    assert_true(all.settings->gate.audit);
    assert_true(settings_gate_feeds(&all.settings->gate, &all.settings->outputs[0]));
    AUTO_FINI(result) struct result off = accepted(SMALL "gate: {audit: false}\n", listening, 1);
    assert_false(off.settings->gate.audit);
    AUTO_FINI(result)
    struct result some =
        accepted(SMALL "  - type: stdout\ngate: {outputs: [stdout]}\n", listening, 1);
    assert_false(settings_gate_feeds(&some.settings->gate, &some.settings->outputs[0]));
    assert_true(settings_gate_feeds(&some.settings->gate, &some.settings->outputs[1]));
    refused(SMALL "gate: {outputs: [sqlit]}\n", "gate.outputs: no output is called 'sqlit'", NULL,
            0);
    refused(SMALL "gate: {outputs: [sqlite, sqlite]}\n", "gate.outputs: sqlite stands there twice",
            NULL, 0);
    refused(SMALL "gate: {outputs: []}\n", "gate.outputs", NULL, 0);
    refused_source("name: gate", "sources.0.name: the gate's own documents are called so");
}

static void test_keys_of_another_output_type_are_refused(void **state) {
    (void)state;
    refused_output("  - {type: sqlite, path: a, filename: b}",
                   "outputs.0.filename: belongs to output of type file, not to one of type sqlite");
    refused_output("  - {type: stdout, path: a}",
                   "belongs to output of type file sqlite elasticsearch opensearch, not to one of "
                   "type stdout");
    refused_output("  - {type: file}", "outputs.0.path: is missing, expected a path");
    refused_output("  - {path: a}",
                   "outputs.0.type: is missing, expected one of stdout, file, sqlite");
    refused_output("  - {type: kafka}", "outputs.0.hosts: is missing");
    refused_output("  - {type: file, path: a, number_of_files: 1}", "or 2 to 1024");
    refused_output("  - {type: file, path: a, permissions: 0400}", "expected at least 0600");
    refused_output("  - {type: file, path: a, permissions: 999}", "octal file mode");
    refused_output("  - {type: file, path: a, filename: b/c}", "without /");
}

static void test_two_outputs_do_not_write_to_one_place(void **state) {
    (void)state;
    refused_output("  - {type: file, path: /a/b/}\n  - {type: file, path: /a//./b, name: x}",
                   "outputs.1.path: writes to the same place as output file");
    refused_output("  - {type: stdout}\n  - {type: stdout, name: x}",
                   "same place as output stdout");
    refused_output("  - {type: sqlite, path: a}\n  - {type: sqlite, path: ./a, name: x}",
                   "same place");
    AUTO_FINI(result)
    struct result r = accepted("sources: [{api_key: k, url: \"" URL "\", outputs: [y]}]\noutputs:\n"
                               "  - {type: file, path: /a}\n"
                               "  - {type: file, path: /a, filename: b, name: x}\n"
                               "  - {type: file, path: a, name: y, permissions: 0640}\n",
                               NULL, 0);
    const struct settings *s = r.settings;
    assert_int_equal(s->outputs[2].permissions, 0640);
    assert_false(settings_source_feeds(&s->sources[0], &s->outputs[0]));
    assert_true(settings_source_feeds(&s->sources[0], &s->outputs[2]));
}

static void test_set_overrides_file_by_index_name_and_list(void **state) {
    (void)state;
    static const char *const sets[] = {"sources.0.interval=5s",
                                       "sources.0.interval=7s",
                                       "sources.0.tags=a, b",
                                       "log.level=debug",
                                       "outputs.a.b.path=/x",
                                       "outputs.1.type=stdout",
                                       "geo={}",
                                       "sources.0.ssl.verification_mode=none",
                                       "sources.0.api_key=${OKTA_API_KEY}"};
    static const char text[] = "sources: [{api_key: k, url: \"" URL "\"}]\n"
                               "outputs: [{type: file, path: /a, name: a.b}]\n";
    refused(text, "--set geo: has keys of its own", sets, LEN(sets));
    const char *fine[LEN(sets)];
    size_t n = 0;
    for (size_t i = 0; i < LEN(sets); i++)
        if (strncmp(sets[i], "geo=", 4) != 0) fine[n++] = sets[i];
    AUTO_FINI(result) struct result r = accepted(text, fine, n);
    const struct settings *s = r.settings;
    assert_int_equal(s->sources[0].interval_ms, 7000);
    assert_int_equal(s->sources[0].tag_count, 2);
    assert_string_equal(s->sources[0].tags[1], "b");
    assert_string_equal(s->sources[0].api_key, "00secret");
    assert_int_equal(s->log.level, LOG_DEBUG);
    assert_string_equal(s->outputs[0].path, "/x");
    assert_int_equal(s->outputs[1].type, SETTINGS_STDOUT);
    assert_int_equal(s->warning_count, 1);
    assert_non_null(strstr(s->warnings[0], "verification_mode is none"));
}

static void test_wrong_set_is_named(void **state) {
    (void)state;
    static const struct {
        const char *set, *expected;
    } rows[] = {
        {"sources.0.interval=60", "--set sources.0.interval: needs a unit, such as 60s"},
        {"sources.0.intervall=60s", "--set sources.0.intervall: no such key"},
        {"sources.5.interval=60s", "--set sources.5.interval: no source 5"},
        {"outputs.nope.path=x", "no output nope, expected an index (there are 1"},
        {"sources.0.url.x=1", "this key has no keys of its own"},
        {"sources.0=1", "has keys of its own"},
        {"state", "--set state: expected KEY=VALUE"},
        {"=x", "expected KEY=VALUE"},
        {"state=", "--set state: expected a path; found nothing"},
        {"stat=x", "did you mean state?"},
        {"listen.address=x", "--set listen.address: expected HOST:PORT"},
        {"sources.0.outputs=a,,b", "found nothing"},
    };
    for (size_t i = 0; i < LEN(rows); i++) refused(SMALL, rows[i].expected, &rows[i].set, 1);
}

static void test_map_takes_keys_of_its_one_source(void **state) {
    (void)state;
    static const char *const sets[] = {"tags=a,b", "preserve_original_event=true",
                                       "remove_flattened_debug=true", "useragents=/dev/null"};
    struct conf_errors errors = {0};
    AUTO(settings) struct settings *s = NULL;
    assert_int_equal(settings_for_map(&s, sets, LEN(sets), &errors), 0);
    assert_int_equal(s->source_count, 1);
    assert_int_equal(s->output_count, 0);
    assert_int_equal(s->sources[0].tag_count, 2);
    assert_true(s->sources[0].preserve_original_event);
    assert_true(s->sources[0].remove_flattened_debug);
    assert_string_equal(s->useragents, "/dev/null");

    static const char *const wrong[] = {"preserve_original_events=true", "tags.x=1"};
    AUTO(settings) struct settings *none = NULL;
    assert_int_equal(settings_for_map(&none, wrong, LEN(wrong), &errors), SETTINGS_E_WRONG);
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    conf_errors_write(&errors, &text);
    assert_non_null(strstr(buf_z(&text), "--set preserve_original_events: no such key"));
    assert_non_null(strstr(buf_z(&text), "did you mean preserve_original_event?"));
}

static void test_a_literal_secret_in_a_file_for_everybody_is_warned_of(void **state) {
    (void)state;
    AUTO_FINI(result) struct result open = parse_all(SMALL, 0644, NULL, 0);
    assert_int_equal(open.settings->warning_count, 1);
    assert_non_null(strstr(open.settings->warnings[0], "g.yml:3: sources.0.api_key is a secret"));
    AUTO_FINI(result) struct result closed = parse_all(SMALL, 0640, NULL, 0);
    assert_int_equal(closed.settings->warning_count, 0);
    AUTO_FINI(result)
    struct result elsewhere =
        parse_all("sources: [{api_key: '${OKTA_API_KEY}', url: \"" URL "\"}]\n"
                  "outputs: [{type: stdout}]\n",
                  0644, NULL, 0);
    assert_int_equal(elsewhere.settings->warning_count, 0);
}

static void test_shown_settings_hide_secrets_and_load_again(void **state) {
    (void)state;
    static const char text[] =
        "sources:\n  - url: " URL "\n    api_key: 00verysecret\n"
        "    proxy_url: http://me:pw@proxy:1\n"
        "    tags: [\"a\\\"b\\\\c\\n\", '${OKTA_API_KEY:x}', '$${x}', '1']\n"
        "outputs: [{type: file, path: /a}, {type: sqlite, path: b, keep: 90d}]\n";
    AUTO_FINI(result) struct result r = accepted(text, NULL, 0);
    AUTO_FINI(buf) struct buf shown = buf_make(1 << 20);
    settings_show(r.settings, &shown);
    assert_null(strstr(buf_z(&shown), "verysecret"));
    assert_null(strstr(buf_z(&shown), "pw"));
    assert_non_null(strstr(buf_z(&shown), "proxy_url: \"http://********@proxy:1\""));
    AUTO_FINI(result) struct result again = accepted(buf_z(&shown), NULL, 0);
    assert_string_equal(again.settings->sources[0].tags[0], "a\"b\\c\n");
    assert_string_equal(again.settings->sources[0].tags[2], "${x}");
    AUTO_FINI(buf) struct buf twice = buf_make(1 << 20);
    settings_show(again.settings, &twice);
    assert_string_equal(buf_z(&shown), buf_z(&twice));
}

static void test_shown_settings_of_a_gate_alone_load_again(void **state) {
    (void)state;
    static const char *const texts[] = {
        "listen: {address: '127.0.0.1:0'}\n",
        "listen: {address: '127.0.0.1:0'}\ngate: {outputs: [a]}\n"
        "outputs: [{name: a, type: stdout}]\n",
    };
    for (size_t i = 0; i < LEN(texts); i++) {
        AUTO_FINI(result) struct result r = accepted(texts[i], NULL, 0);
        AUTO_FINI(buf) struct buf shown = buf_make(1 << 20);
        settings_show(r.settings, &shown);
        assert_null(strstr(buf_z(&shown), "sources"));
        AUTO_FINI(result) struct result again = accepted(buf_z(&shown), NULL, 0);
        assert_int_equal(again.settings->source_count, 0);
    }
}

static void test_missing_files_are_named(void **state) {
    (void)state;
    struct conf_errors errors = {0};
    AUTO(settings) struct settings *s = NULL;
    assert_int_equal(settings_load(&s, "/nowhere/g.yml", NULL, 0, &errors), SETTINGS_E_WRONG);
    assert_string_equal(errors.list[0].text.text,
                        "/nowhere/g.yml: cannot read the settings: No such file or directory");
    struct conf_errors directory = {0};
    assert_int_equal(settings_load(&s, "/", NULL, 0, &directory), SETTINGS_E_WRONG);
    assert_non_null(strstr(directory.list[0].text.text, "Is a directory"));
}

// ---- files of the tree ----

static const char *source_path(const char *name, char ret[4096]) {
    const char *root = getenv("GATEHOUSE_SOURCE");
    if (!root) fail_msg("GATEHOUSE_SOURCE is not set");
    snprintf(ret, 4096, "%s/%s", root, name);
    return ret;
}

static void read_source(const char *name, struct buf *into) {
    char path[4096];
    int rc = conf_env_system.file(NULL, source_path(name, path), into);
    if (rc && rc != -ENOENT) fail_msg("%s: %s", path, error_text(rc));
}

static void test_the_example_file_is_right(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    read_source("packaging/gatehouse.yml", &text);
    AUTO_FINI(result) struct result r = accepted(buf_z(&text), NULL, 0);
    assert_string_equal(r.settings->sources[0].api_key, "00fromfile");
    assert_string_equal(r.settings->outputs[0].name, "archive");
}

// Every key that the example shows in a comment is one, too.
static void test_the_example_file_is_right_without_its_comment_signs(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    AUTO_FINI(buf) struct buf bare = buf_make(1 << 20);
    read_source("packaging/gatehouse.yml", &text);
    struct str rest = buf_str(&text);
    while (rest.p) {
        struct str line = str_split(&rest, '\n');
        size_t hash = str_find_char(line, '#');
        bool prose = hash + 1 < line.n && line.p[hash + 1] == ' ' &&
                     (str_trim(line).p == line.p + hash) &&
                     !(hash + 2 < line.n && line.p[hash + 2] == ' ');
        bool commented = hash < line.n && str_trim(str_sub(line, 0, hash)).n == 0 && !prose;
        if (commented) {
            buf_add_str(&bare, str_sub(line, 0, hash));
            buf_add_str(&bare, str_sub(line, hash + 1, line.n));
        } else buf_add_str(&bare, line);
        buf_addc(&bare, '\n');
    }
    AUTO_FINI(result) struct result r = parse_all(buf_z(&bare), 0, NULL, 0);
    // Only files that are not there may be wrong with it.
    rest = buf_str(&r.text);
    while (rest.n) {
        struct str line = str_split(&rest, '\n');
        if (str_find(line, STR("cannot read ")) == line.n)
            fail_msg("%.*s\nin:\n%s", STR_ARG(line), buf_z(&bare));
    }
}

static void compare_page(const char *name, void (*make)(struct buf *), const char *flag) {
    AUTO_FINI(buf) struct buf now = buf_make(1 << 20);
    AUTO_FINI(buf) struct buf then = buf_make(1 << 20);
    make(&now);
    assert_int_equal(now.error, 0);
    char path[4096];
    if (getenv("REGENERATE")) {
        FILE *f = fopen(source_path(name, path), "w");
        assert_non_null(f);
        assert_int_equal(fwrite(now.p, 1, now.n, f), now.n);
        assert_int_equal(fclose(f), 0);
    }
    read_source(name, &then);
    if (!str_eq(buf_str(&now), buf_str(&then)))
        fail_msg("%s is stale: build/gatehouse settings %s > %s", name, flag, name);
}

static void test_docs_settings_md_is_what_the_table_says(void **state) {
    (void)state;
    compare_page("docs/settings.md", settings_write_markdown, "--markdown");
}

// The page itself is made when the program is built.
static void test_man_page_has_only_known_macros_and_every_section(void **state) {
    (void)state;
    static const char *const macros[] = {".SH ", ".SS ", ".TP", ".B ",  ".BR ",
                                         ".I ",  ".IR ", ".PP", ".nf",  ".fi",
                                         ".RS",  ".RE",  ".br", ".TH ", ".\\\""};
    AUTO_FINI(buf) struct buf page = buf_make(1 << 20);
    settings_write_man(&page);
    assert_int_equal(page.error, 0);
    struct str rest = buf_str(&page);
    while (rest.p) {
        struct str line = str_split(&rest, '\n');
        bool known = line.n == 0 || line.p[0] != '.';
        for (size_t i = 0; i < LEN(macros) && !known; i++)
            known = str_starts(line, str_from(macros[i]));
        if (!known || str_starts(line, STR("'"))) fail_msg("%.*s", STR_ARG(line));
    }
    assert_non_null(strstr(buf_z(&page), ".SH outputs[]\n"));
    assert_non_null(strstr(buf_z(&page), ".SS sources[].ssl\n"));
    assert_non_null(strstr(buf_z(&page), ".B initial_interval\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smallest_file_gets_every_default),
        cmocka_unit_test(test_references_are_text_and_never_read_again),
        cmocka_unit_test(test_wrong_references_are_named),
        cmocka_unit_test(test_a_wrong_value_from_a_reference_is_not_shown),
        cmocka_unit_test(test_each_error_has_place_key_and_what_was_expected),
        cmocka_unit_test(test_all_errors_are_reported_at_once_in_the_order_of_the_file),
        cmocka_unit_test(test_more_errors_than_anybody_reads_are_counted),
        cmocka_unit_test(test_urls_that_are_not_the_log_are_corrected),
        cmocka_unit_test(test_http_is_fine_on_this_machine),
        cmocka_unit_test(test_each_mixture_means_one_way_to_sign_in_or_is_refused),
        cmocka_unit_test(test_an_api_key_stands_alone),
        cmocka_unit_test(test_unusual_urls_need_to_be_allowed),
        cmocka_unit_test(test_a_master_key_is_32_bytes),
        cmocka_unit_test(test_systemds_credential_is_the_master_key_where_none_is_set),
        cmocka_unit_test(test_known_keys_of_later_releases_say_so),
        cmocka_unit_test(test_names_default_and_must_differ),
        cmocka_unit_test(test_the_gates_documents_go_where_they_are_told),
        cmocka_unit_test(test_keys_of_another_output_type_are_refused),
        cmocka_unit_test(test_two_outputs_do_not_write_to_one_place),
        cmocka_unit_test(test_set_overrides_file_by_index_name_and_list),
        cmocka_unit_test(test_wrong_set_is_named),
        cmocka_unit_test(test_map_takes_keys_of_its_one_source),
        cmocka_unit_test(test_a_literal_secret_in_a_file_for_everybody_is_warned_of),
        cmocka_unit_test(test_shown_settings_hide_secrets_and_load_again),
        cmocka_unit_test(test_shown_settings_of_a_gate_alone_load_again),
        cmocka_unit_test(test_missing_files_are_named),
        cmocka_unit_test(test_the_example_file_is_right),
        cmocka_unit_test(test_the_example_file_is_right_without_its_comment_signs),
        cmocka_unit_test(test_docs_settings_md_is_what_the_table_says),
        cmocka_unit_test(test_man_page_has_only_known_macros_and_every_section),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
