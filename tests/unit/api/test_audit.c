// SPDX-License-Identifier: Apache-2.0
// What a request leaves behind: one document, which says who asked for what and what came of it,
// and no secret.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/audit.h"
#include "gate-fixture.h"

// What the gate has audited. Writes are audited on another thread.
struct trail {
    struct fixture fixture;
    pthread_mutex_t mutex;
    struct buf all; // one document a line
    size_t n;
    bool refuses;
    struct json_reader *reader;
    struct buf last;
};

static bool keep(void *ctx, struct str document) {
    struct trail *t = ctx;
    pthread_mutex_lock(&t->mutex);
    bool kept = !t->refuses;
    if (kept) {
        buf_add_str(&t->all, document);
        buf_addc(&t->all, '\n');
        t->n++;
    }
    pthread_mutex_unlock(&t->mutex);
    return kept;
}

static void trail_open(struct trail *t) {
    *t = (struct trail){.all = buf_make(1 << 20), .last = buf_make(1 << 20)};
    struct fault fault = {{0}};
    AUTO_WIPED struct buf key = buf_make(64);
    AUTO_WIPED struct buf token = buf_make(64);
    const struct gate_opts opts = {.version = "1.17.0", .audit = keep, .audit_ctx = t};
    pthread_mutex_init(&t->mutex, NULL);
    assert_int_equal(json_reader_new(&t->reader), 0);
    assert_int_equal(gate_new(&t->fixture.gate, &opts, &fault), 0);
    assert_int_equal(gate_init(t->fixture.gate, true, STR("root"), &key, &token, &fault), 0);
}

static void trail_close(struct trail *t) {
    fixture_close(&t->fixture);
    json_reader_free(t->reader);
    buf_fini(&t->all);
    buf_fini(&t->last);
    pthread_mutex_destroy(&t->mutex);
}

// The document of the last request, read.
static const struct json *last_of(struct trail *t) {
    const struct json *v = NULL;
    struct fault fault = {{0}};
    pthread_mutex_lock(&t->mutex);
    struct str rest = buf_str(&t->all);
    struct str line = STR_NONE;
    for (struct str next; rest.n && (next = str_split(&rest, '\n')).n;) line = next;
    buf_reset(&t->last);
    buf_add_str(&t->last, line);
    pthread_mutex_unlock(&t->mutex);
    if (json_read(t->reader, buf_str(&t->last), &v, &fault))
        fail_msg("%s: %.*s", fault.text, STR_ARG(buf_str(&t->last)));
    return v;
}

// One request, which makes one document, which is given.
static const struct json *audited(struct trail *t, int status, const char *method, const char *path,
                                  const char *token, const char *body) {
    size_t before = t->n;
    ask_for(&t->fixture, status, method, path, token, body);
    assert_int_equal(t->n, before + 1);
    return last_of(t);
}

static void expect(const struct json *v, const char *path, const char *want) {
    struct str got = json_str(json_path(v, path));
    if (!str_eqz(got, want)) fail_msg("%s: %.*s, not %s", path, STR_ARG(got), want);
}

static void expect_list(const struct json *v, const char *path, const char *want) {
    AUTO_FINI(buf) struct buf got = buf_make(10000);
    struct json_iter it = json_iter(json_path(v, path));
    while (json_next(&it)) {
        if (got.n) buf_addc(&got, ' ');
        buf_add_str(&got, json_str(it.value));
    }
    if (!str_eqz(buf_str(&got), want))
        fail_msg("%s: %.*s, not %s", path, STR_ARG(buf_str(&got)), want);
}

static bool holds(const struct trail *t, const char *text) {
    return str_find(buf_str(&t->all), str_from(text)) < t->all.n;
}

static void expect_hash(const struct json *v, const char *path) {
    struct str hash = json_str(json_path(v, path));
    assert_int_equal(hash.n, 64);
    for (size_t i = 0; i < hash.n; i++) assert_non_null(strchr("0123456789abcdef", hash.p[i]));
}

// ---- what is said

static void a_read_says_who_what_and_what_came_of_it(void **state) {
    struct trail t;
    int64_t number = 0;
    (void)state;
    trail_open(&t);
    audited(&t, 204, "PUT", "secret/app/db", "root", "{\"password\":\"hunter2\"}");
    const struct json *v = audited(&t, 200, "GET", "secret/app/db", "root", NULL);
    assert_int_equal(json_str(json_get(v, "@timestamp")).n, 24);
    assert_int_equal(json_str(json_path(v, "event.created")).n, 24);
    expect(v, "event.kind", "event");
    expect(v, "event.module", "gatehouse");
    expect(v, "event.dataset", "gatehouse.gate");
    expect(v, "event.id", "11111111-2222-3333-4444-555555555555");
    expect(v, "event.action", "read secret/{path}");
    expect_list(v, "event.category", "api");
    expect_list(v, "event.type", "access allowed");
    expect(v, "event.outcome", "success");
    assert_null(json_path(v, "event.reason"));
    assert_true(json_i64(json_path(v, "event.duration"), &number) && number >= 0);
    expect(v, "url.path", "/v1/secret/app/db");
    expect(v, "http.request.method", "GET");
    expect(v, "http.request.id", "11111111-2222-3333-4444-555555555555");
    assert_true(json_i64(json_path(v, "http.response.status_code"), &number) && number == 200);
    expect(v, "source.ip", "127.0.0.1");
    expect(v, "user.name", "token"); // as Vault calls it
    assert_null(json_path(v, "user.id"));
    expect_list(v, "related.ip", "127.0.0.1");
    expect_list(v, "related.user", "token");
    expect(v, "gatehouse.gate.operation", "read");
    expect(v, "gatehouse.gate.mount.path", "secret/");
    expect(v, "gatehouse.gate.mount.type", "kv");
    expect_list(v, "gatehouse.gate.policies", "root");
    expect(v, "gatehouse.gate.token_type", "service");
    expect_hash(v, "gatehouse.gate.token_hash");
    expect_hash(v, "gatehouse.gate.accessor_hash");
    expect(v, "ecs.version", "8.11.0");
    expect(v, "data_stream.dataset", "gatehouse.gate");
    trail_close(&t);
}

static void each_operation_has_its_type(void **state) {
    static const struct {
        const char *method, *path, *body, *types, *action, *category;
        int status;
    } rows[] = {
        {"PUT", "secret/a", "{\"k\":\"v\"}", "creation allowed", "create secret/{path}", "api",
         204},
        {"POST", "secret/a", "{\"k\":\"w\"}", "change allowed", "update secret/{path}", "api", 204},
        {"LIST", "secret/", NULL, "access allowed", "list secret/{path}", "api", 200},
        {"DELETE", "secret/a", NULL, "deletion allowed", "delete secret/{path}", "api", 204},
        {"GET", "secret/a", NULL, "access", "read secret/{path}", "api", 404},
        {"GET", "sys/mounts", NULL, "access allowed", "read sys/mounts", "api configuration", 200},
        {"GET", "sys/policies/acl/default", NULL, "access allowed", "read sys/policies/acl/{name}",
         "api iam", 200},
        {"GET", "auth/token/lookup-self", NULL, "access allowed", "read auth/token/lookup-self",
         "api iam", 200},
        {"GET", "nowhere/at/all", NULL, "access", "read", "api", 404},
    };
    struct trail t;
    (void)state;
    trail_open(&t);
    for (size_t i = 0; i < LEN(rows); i++) {
        const struct json *v =
            audited(&t, rows[i].status, rows[i].method, rows[i].path, "root", rows[i].body);
        expect_list(v, "event.type", rows[i].types);
        expect(v, "event.action", rows[i].action);
        expect_list(v, "event.category", rows[i].category);
        expect(v, "event.outcome", rows[i].status < 400 ? "success" : "failure");
    }
    trail_close(&t);
}

static void a_refusal_says_why(void **state) {
    struct trail t;
    (void)state;
    trail_open(&t);
    const struct json *v = audited(&t, 403, "GET", "secret/a", NULL, NULL);
    expect_list(v, "event.type", "access denied");
    expect(v, "event.outcome", "failure");
    expect(v, "event.reason", "no token");
    assert_null(json_path(v, "gatehouse.gate.token_hash"));
    assert_null(json_path(v, "user.name"));
    v = audited(&t, 403, "GET", "secret/a", "s.AAAABBBBCCCCDDDDEEEEFFFF", NULL);
    expect(v, "event.reason", "bad token");
    expect_hash(v, "gatehouse.gate.token_hash");
    assert_null(json_path(v, "gatehouse.gate.accessor_hash"));
    assert_false(holds(&t, "AAAABBBB"));
    trail_close(&t);
}

// ---- a user's way

static void make_user(struct trail *t) {
    audited(t, 204, "POST", "sys/auth/userpass", "root", "{\"type\":\"userpass\"}");
    audited(t, 204, "POST", "auth/userpass/users/eve", "root",
            "{\"password\":\"correct horse\",\"token_policies\":\"readers\"}");
}

static void a_login_is_tied_to_what_its_token_does(void **state) {
    struct trail t;
    char token[200];
    char issued[65];
    (void)state;
    trail_open(&t);
    make_user(&t);
    struct said s =
        ask(&t.fixture, "PUT", "auth/userpass/login/eve", NULL, "{\"password\":\"correct horse\"}");
    assert_int_equal(s.status, 200);
    snprintf(token, sizeof token, "%.*s",
             STR_ARG(json_str(json_path(s.json, "auth.client_token"))));
    said_fini(&s);
    assert_true(strlen(token) > 20);
    const struct json *v = last_of(&t);
    expect_list(v, "event.category", "api authentication");
    expect_list(v, "event.type", "start allowed");
    expect(v, "event.action", "update auth/userpass/login/{username}");
    expect(v, "user.name", "eve");
    assert_int_equal(json_str(json_path(v, "user.id")).n, 36);
    expect_hash(v, "gatehouse.gate.issued_accessor_hash");
    snprintf(issued, sizeof issued, "%.*s",
             STR_ARG(json_str(json_path(v, "gatehouse.gate.issued_accessor_hash"))));
    v = audited(&t, 403, "GET", "secret/a", token, NULL);
    expect(v, "gatehouse.gate.accessor_hash", issued);
    expect(v, "user.name", "userpass-eve");
    assert_int_equal(json_str(json_path(v, "user.id")).n, 36);
    expect_list(v, "gatehouse.gate.policies", "default readers");
    assert_false(holds(&t, token));
    assert_false(holds(&t, "correct horse"));
    trail_close(&t);
}

static void a_failed_login_says_who_was_tried(void **state) {
    struct trail t;
    (void)state;
    trail_open(&t);
    make_user(&t);
    const struct json *v = audited(&t, 400, "PUT", "auth/userpass/login/eve", NULL,
                                   "{\"password\":\"battery staple\"}");
    expect_list(v, "event.type", "start");
    expect(v, "event.outcome", "failure");
    expect(v, "user.name", "eve");
    assert_null(json_path(v, "gatehouse.gate.issued_accessor_hash"));
    assert_false(holds(&t, "battery"));
    trail_close(&t);
}

// ---- secrets

static void what_goes_in_and_out_is_not_said(void **state) {
    struct trail t;
    char token[200];
    (void)state;
    trail_open(&t);
    audited(&t, 204, "PUT", "secret/a", "root", "{\"inner key\":\"hunter2\"}");
    audited(&t, 200, "GET", "secret/a", "root", NULL);
    audited(&t, 204, "PUT", "cubbyhole/b", "root", "{\"k\":\"hunter2\"}");
    struct said s = ask(&t.fixture, "POST", "auth/token/create", "root",
                        "{\"display_name\":\"ci\",\"meta\":{\"m\":\"hunter2\"}}");
    assert_int_equal(s.status, 200);
    snprintf(token, sizeof token, "%.*s",
             STR_ARG(json_str(json_path(s.json, "auth.client_token"))));
    AUTO_FINI(buf) struct buf accessor = buf_make(100);
    buf_add_str(&accessor, json_str(json_path(s.json, "auth.accessor")));
    said_fini(&s);
    assert_true(strlen(token) > 20);
    expect_hash(last_of(&t), "gatehouse.gate.issued_accessor_hash");
    assert_false(holds(&t, token));
    assert_false(holds(&t, buf_z(&accessor)));
    assert_false(holds(&t, "hunter2"));
    assert_false(holds(&t, "inner key"));
    trail_close(&t);
}

static void a_token_in_a_path_is_masked(void **state) {
    struct trail t;
    (void)state;
    trail_open(&t);
    const struct json *v =
        audited(&t, 404, "GET", "auth/token/lookup/s.AAAABBBBCCCCDDDDEEEEFFFF", "root", NULL);
    expect(v, "url.path", "/v1/auth/token/lookup/{masked}");
    v = audited(&t, 404, "GET", "nowhere/hvs.AAAABBBBCCCCDDDDEEEEFFFF/x", "root", NULL);
    expect(v, "url.path", "/v1/nowhere/{masked}/x");
    v = audited(&t, 404, "GET", "secret/s.short", "root", NULL);
    expect(v, "url.path", "/v1/secret/s.short");
    assert_false(holds(&t, "AAAABBBB"));
    trail_close(&t);
}

static void captures_that_are_secret_are_masked(void **state) {
    static const struct field fields[] = {{.name = "code", .flags = FIELD_SECRET}, {.name = NULL}};
    static const struct route route = {.pattern = "use/{code}/for/{accessor}/{other}",
                                       .fields = fields};
    const struct request request = {
        .path = STR("m/use/open-sesame/for/abc/plain"), .method = STR("GET"), .id = STR("an id")};
    struct call c = {.request = &request, .route = &route, .capture_count = 3};
    AUTO_FINI(buf) struct buf out = buf_make(100000);
    (void)state;
    c.capture[0].name = "code";
    c.capture[0].name_n = 4;
    c.capture[0].value = str_sub(request.path, 6, 17);
    c.capture[1].name = "accessor";
    c.capture[1].name_n = 8;
    c.capture[1].value = str_sub(request.path, 22, 25);
    c.capture[2].name = "other";
    c.capture[2].name_n = 5;
    c.capture[2].value = str_sub(request.path, 26, 31);
    assert_int_equal(audit_write(&out, &c, 200, 0), 0);
    assert_true(str_find(buf_str(&out), STR("\"/v1/m/use/{masked}/for/{masked}/plain\"")) < out.n);
}

// ---- odd calls

static void any_bytes_make_a_document(void **state) {
    struct trail t;
    (void)state;
    trail_open(&t);
    const struct json *v =
        audited(&t, 404, "GET", "secret/\xff\xfe\"\\\n\x01/\xc3\xa4", "root", NULL);
    expect(v, "url.path", "/v1/secret/\xEF\xBF\xBD\xEF\xBF\xBD\"\\\n\x01/\xc3\xa4");
    trail_close(&t);
}

static void a_call_of_which_nothing_is_known_makes_a_document(void **state) {
    const struct request request = {.path = STR(""), .now_ms = 1764072000123};
    const struct call c = {.request = &request, .now_ms = 1764072000123};
    AUTO(json_reader) struct json_reader *reader = NULL;
    AUTO_FINI(buf) struct buf out = buf_make(100000);
    const struct json *v = NULL;
    struct fault fault = {{0}};
    int64_t number = 0;
    (void)state;
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(audit_write(&out, &c, 503, 7), 0);
    if (json_read(reader, buf_str(&out), &v, &fault)) fail_msg("%s", fault.text);
    assert_int_equal(json_str(json_path(v, "event.id")).n, 36);
    expect(v, "@timestamp", "2025-11-25T12:00:00.123Z");
    expect(v, "event.created", "2025-11-25T12:00:00.130Z");
    assert_true(json_i64(json_path(v, "event.duration"), &number) && number == 7000000);
    expect(v, "event.outcome", "failure");
    expect(v, "url.path", "/v1/");
    assert_null(json_path(v, "source"));
}

static void a_document_that_does_not_fit_is_an_error(void **state) {
    const struct request request = {.path = STR("a/b/c")};
    const struct call c = {.request = &request};
    (void)state;
    for (size_t most = 0; most < 600; most += 50) {
        AUTO_FINI(buf) struct buf out = buf_make(most);
        assert_int_equal(audit_write(&out, &c, 200, 0), -EMSGSIZE);
    }
}

static void a_request_that_cannot_be_audited_is_refused(void **state) {
    struct trail t;
    (void)state;
    trail_open(&t);
    t.refuses = true;
    struct said s = ask(&t.fixture, "GET", "sys/mounts", "root", NULL);
    assert_int_equal(s.status, 500);
    assert_null(json_get(s.json, "data"));
    assert_true(str_find(said_error(&s), STR("audited")) < said_error(&s).n);
    said_fini(&s);
    t.refuses = false;
    audited(&t, 200, "GET", "sys/mounts", "root", NULL);
    trail_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_says_who_what_and_what_came_of_it),
        cmocka_unit_test(each_operation_has_its_type),
        cmocka_unit_test(a_refusal_says_why),
        cmocka_unit_test(a_login_is_tied_to_what_its_token_does),
        cmocka_unit_test(a_failed_login_says_who_was_tried),
        cmocka_unit_test(what_goes_in_and_out_is_not_said),
        cmocka_unit_test(a_token_in_a_path_is_masked),
        cmocka_unit_test(captures_that_are_secret_are_masked),
        cmocka_unit_test(any_bytes_make_a_document),
        cmocka_unit_test(a_call_of_which_nothing_is_known_makes_a_document),
        cmocka_unit_test(a_document_that_does_not_fit_is_an_error),
        cmocka_unit_test(a_request_that_cannot_be_audited_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
