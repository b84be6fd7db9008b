// SPDX-License-Identifier: Apache-2.0
// Users, factors and pushes against okta-sim, which is as strict as Okta and shares no code with
// the room: with an API token, and with an app whose tokens are bound to a key and whose proofs
// need a nonce.
#include "push-test.h"

#include <signal.h>
#include <sys/wait.h>

#include "okta/org-internal.h"

struct sim {
    pid_t pid;
    int out; // its stderr
    int port;
};

struct stage {
    struct fixture f;
    struct sim sim;
    struct http_client *http; // to its control API
    struct buf control;       // what that said last
};

// ---- the simulator ----

static void run_sim(int out) {
    const char *program = getenv("OKTA_SIM");
    dup2(out, STDERR_FILENO);
    execl(program, program, "--api-token", API_KEY, (char *)NULL);
    _exit(127);
}

// "okta-sim: 0 events, listening on http://127.0.0.1:12345"
static int read_port(int fd) {
    char line[256];
    size_t n = 0;
    while (n < sizeof line && read(fd, line + n, 1) == 1 && line[n] != '\n') n++;
    struct str text = {line, n};
    uint64_t port = 0;
    size_t at = n;
    while (at > 0 && line[at - 1] != ':') at--;
    if (!parse_u64(str_sub(text, at, n), &port)) fail_msg("okta-sim says: %.*s", (int)n, line);
    return (int)port;
}

static struct sim start_sim(void) {
    int fds[2];
    assert_non_null(getenv("OKTA_SIM"));
    assert_int_equal(pipe(fds), 0);
    struct sim sim = {.pid = fork(), .out = fds[0]};
    assert_true(sim.pid >= 0);
    if (sim.pid == 0) run_sim(fds[1]);
    close(fds[1]);
    sim.port = read_port(sim.out);
    return sim;
}

static void stop_sim(const struct sim *sim) {
    kill(sim->pid, SIGTERM);
    assert_int_equal(waitpid(sim->pid, NULL, 0), sim->pid);
    close(sim->out);
}

static void on_control(void *ctx, const struct http_response *r) {
    struct stage *s = ctx;
    buf_reset(&s->control);
    buf_add_str(&s->control, r->body);
    if (r->status < 200 || r->status > 299) fail_msg("%d: %.*s", r->status, STR_ARG(r->body));
    loop_stop(s->f.loop);
}

// What the simulator's control API answers. A body makes it a POST.
static const char *control(struct stage *s, const char *path, const char *body) {
    char url[128];
    const char *const headers[] = {"Content-Type: application/json"};
    struct http_call *call;
    snprintf(url, sizeof url, "%s%s", s->f.base, path);
    const struct http_request request = {.method = body ? "POST" : "GET",
                                         .url = url,
                                         .body = str_from(body),
                                         .headers = headers,
                                         .header_count = body ? 1 : 0,
                                         .timeout_ms = 10000,
                                         .max_body_bytes = 1 << 20,
                                         .done = on_control,
                                         .ctx = s};
    assert_int_equal(http_send(s->http, &request, &call), 0);
    run_loop(s->f.loop);
    return buf_z(&s->control);
}

static void add_app(struct stage *s) {
    AUTO_FINI(buf) struct buf app = buf_make(10000);
    buf_addz(&app, "{\"client_id\":\"0oa1\",\"dpop\":true,\"scopes\":[\"okta.users.read\","
                   "\"okta.users.manage\"],\"jwks\":{\"keys\":[");
    assert_int_equal(crypto_key_public_jwk(s->f.key, false, &app), 0);
    buf_addz(&app, "]}}");
    control(s, "/_sim/apps", buf_z(&app));
    control(s, "/_sim/settings", "{\"nonce_at_resource\":true}");
}

// One person with a phone that does that, and a thing that makes codes.
static void add_person(struct stage *s, const char *phone) {
    AUTO_FINI(buf) struct buf body = buf_make(10000);
    buf_addf(&body,
             "{\"id\":\"00u1\",\"status\":\"ACTIVE\",\"profile\":{\"login\":\"al@acme.com\","
             "\"email\":\"al@mail.test\",\"firstName\":\"Al\",\"lastName\":\"Vole\"},"
             "\"factors\":[{\"factorType\":\"push\",\"id\":\"opf2\",\"name\":\"Al's phone\","
             "\"status\":\"ACTIVE\",\"created\":\"2026-01-01T00:00:00.000Z\"},"
             "{\"factorType\":\"token:software:totp\",\"id\":\"ost3\",\"provider\":\"GOOGLE\","
             "\"codes\":[\"" CODE "\"]}],\"phone\":%s}",
             phone);
    control(s, "/_sim/users", buf_z(&body));
}

static struct stage *raise_stage(enum okta_auth_method method, const char *phone) {
    struct stage *s = mem_new(sizeof *s);
    assert_non_null(s);
    s->control = buf_make(1 << 20);
    s->sim = start_sim();
    struct fixture *f = &s->f;
    const struct http_client_opts opts = {.user_agent = "test", .proxy_url = ""};
    assert_int_equal(loop_new(&f->loop), 0);
    assert_int_equal(http_client_new(&s->http, f->loop, &opts, NULL), 0);
    assert_int_equal(crypto_key_generate(&f->key, CRYPTO_P256), 0);
    snprintf(f->base, sizeof f->base, "http://127.0.0.1:%d", s->sim.port);
    snprintf(f->url, sizeof f->url, "%s/api/v1/logs", f->base);
    if (method == OKTA_AUTH_OAUTH2) add_app(s);
    add_person(s, phone);
    f->org = make_org(f, method, NULL);
    return s;
}

static void strike(struct stage *s) {
    okta_org_free(s->f.org);
    http_client_free(s->http);
    loop_free(s->f.loop);
    crypto_key_free(s->f.key);
    stop_sim(&s->sim);
    buf_fini(&s->control);
    free(s);
}

static void expect(const struct stage *s, const char *row, enum okta_ask_result result,
                   enum okta_factor_result factor_result) {
    const struct okta_answer *a = &s->f.got.answer;
    if (a->result != result || a->transaction.result != factor_result)
        fail_msg("%s: %s (%d): %s %d %s", row, okta_ask_result_name(a->result), a->status,
                 s->f.got.result_text, (int)a->transaction.result, a->fault.text);
}

static void poll_again(struct stage *s) {
    char url[256];
    snprintf(url, sizeof url, "%s", s->f.got.poll);
    begin(&s->f);
    wait_for_answer(&s->f, okta_poll_push(s->f.org, USER, FACTOR, str_from(url), on_answer,
                                          &s->f.got, &s->f.ask));
}

// How often a verify reached the simulator, and how many pushes came of it.
static void expect_count(struct stage *s, const char *what) {
    const char *phones = control(s, "/_sim/phones?user=00u1", NULL);
    if (!strstr(phones, what)) fail_msg("no %s in %s", what, phones);
}

// ---- the tests, by both ways to sign in ----

static const enum okta_auth_method methods[] = {OKTA_AUTH_API_KEY, OKTA_AUTH_OAUTH2};

static void a_push_is_sent_and_approved(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(methods); i++) {
        struct stage *s = raise_stage(methods[i], "\"approve\"");
        struct fixture *f = &s->f;
        find(f, "al@acme.com", false);
        expect(s, "find", OKTA_ASK_ANSWERED, OKTA_FACTOR_OTHER);
        assert_int_equal(f->got.answer.user_count, 1);
        assert_string_equal(f->got.users[0][0], "00u1");
        assert_true(f->got.active[0]);
        list(f);
        expect(s, "list", OKTA_ASK_ANSWERED, OKTA_FACTOR_OTHER);
        assert_int_equal(f->got.answer.factor_count, 2);
        assert_string_equal(f->got.factors[0][0], "opf2");
        assert_string_equal(f->got.factors[0][1], "push");
        assert_string_equal(f->got.factors[0][2], "OKTA");
        assert_string_equal(f->got.factors[0][3], "ACTIVE");
        assert_string_equal(f->got.factors[0][4], "Al's phone");
        assert_int_equal(f->got.times[0][0], INT64_C(1767225600000));
        begin(f);
        const struct okta_asker asker = {STR("Browser/1 (Al's)"), STR("203.0.113.7")};
        wait_for_answer(
            f, okta_verify_push(f->org, USER, FACTOR, false, &asker, on_answer, &f->got, &f->ask));
        expect(s, "push", OKTA_ASK_ANSWERED, OKTA_FACTOR_WAITING);
        assert_int_equal(f->got.answer.status, 201);
        assert_int_equal(f->got.answer.transaction.number, -1);
        assert_true(f->got.answer.transaction.expires_ms > f->got.answer.date_ms);
        assert_string_equal(f->got.poll, f->got.cancel);
        poll_again(s);
        expect(s, "poll", OKTA_ASK_ANSWERED, OKTA_FACTOR_SUCCESS);
        const char *pushes = control(s, "/_sim/pushes", NULL);
        assert_non_null(strstr(pushes, "\"user_agent\":\"Browser/1 (Al's)\""));
        assert_non_null(strstr(pushes, "\"x_forwarded_for\":\"203.0.113.7\""));
        assert_non_null(strstr(pushes, "\"sent\":1"));
        strike(s);
    }
}

struct phone_row {
    const char *phone;
    enum okta_ask_result verified, polled;
    enum okta_factor_result result; // of the poll
};

static const struct phone_row phones[] = {
    {"\"approve\"", OKTA_ASK_ANSWERED, OKTA_ASK_ANSWERED, OKTA_FACTOR_SUCCESS},
    {"\"ignore\"", OKTA_ASK_ANSWERED, OKTA_ASK_ANSWERED, OKTA_FACTOR_WAITING},
    {"\"deny\"", OKTA_ASK_ANSWERED, OKTA_ASK_ANSWERED, OKTA_FACTOR_REJECTED},
    {"\"wrong_number\"", OKTA_ASK_ANSWERED, OKTA_ASK_ANSWERED, OKTA_FACTOR_REJECTED},
    {"\"cancel\"", OKTA_ASK_ANSWERED, OKTA_ASK_ANSWERED, OKTA_FACTOR_OTHER},
    {"{\"do\":\"unknown\",\"result\":\"SUCCEEDED\"}", OKTA_ASK_ANSWERED, OKTA_ASK_ANSWERED,
     OKTA_FACTOR_OTHER},
    {"{\"do\":\"approve\",\"trouble\":\"verify_429\"}", OKTA_ASK_RATE_LIMITED, 0, 0},
    {"{\"do\":\"approve\",\"trouble\":\"verify_500\"}", OKTA_ASK_RETRY, 0, 0},
    {"{\"do\":\"approve\",\"trouble\":\"verify_503\"}", OKTA_ASK_RETRY, 0, 0},
    {"{\"do\":\"approve\",\"trouble\":\"verify_lost\"}", OKTA_ASK_RETRY, 0, 0},
    {"{\"do\":\"approve\",\"trouble\":\"foreign_host\"}", OKTA_ASK_STRANGE, 0, 0},
    {"{\"do\":\"approve\",\"trouble\":\"http_link\"}", OKTA_ASK_STRANGE, 0, 0},
    {"{\"do\":\"approve\",\"trouble\":\"foreign_user\"}", OKTA_ASK_STRANGE, 0, 0},
    {"{\"do\":\"approve\",\"trouble\":\"foreign_factor\"}", OKTA_ASK_STRANGE, 0, 0},
    {"{\"do\":\"approve\",\"trouble\":\"malformed_link\"}", OKTA_ASK_STRANGE, 0, 0},
    {"{\"do\":\"approve\",\"trouble\":\"poll_404\",\"polls\":0}", OKTA_ASK_ANSWERED,
     OKTA_ASK_DENIED, OKTA_FACTOR_OTHER},
    {"{\"do\":\"approve\",\"trouble\":\"poll_429\",\"polls\":0}", OKTA_ASK_ANSWERED,
     OKTA_ASK_RATE_LIMITED, OKTA_FACTOR_OTHER},
    {"{\"do\":\"approve\",\"trouble\":\"poll_500\",\"polls\":0}", OKTA_ASK_ANSWERED, OKTA_ASK_RETRY,
     OKTA_FACTOR_OTHER},
    {"{\"do\":\"approve\",\"trouble\":\"poll_503\",\"polls\":0}", OKTA_ASK_ANSWERED, OKTA_ASK_RETRY,
     OKTA_FACTOR_OTHER},
};

static void whatever_the_phone_does_is_told(void **state) {
    (void)state;
    for (size_t m = 0; m < LEN(methods); m++) {
        struct stage *s = raise_stage(methods[m], "\"ignore\"");
        for (size_t i = 0; i < LEN(phones); i++) {
            const struct phone_row *row = &phones[i];
            strike(s);
            s = raise_stage(methods[m], row->phone);
            push(&s->f, strstr(row->phone, "number") != NULL);
            bool waits = row->verified == OKTA_ASK_ANSWERED;
            if (row->verified != OKTA_ASK_STRANGE)
                expect(s, row->phone, row->verified,
                       waits ? OKTA_FACTOR_WAITING : OKTA_FACTOR_OTHER);
            assert_int_equal(s->f.got.answer.result, row->verified);
            assert_int_equal(s->f.got.poll[0] != '\0', waits);
            if (waits) poll_again(s);
            if (waits) expect(s, row->phone, row->polled, row->result);
            if (row->verified == OKTA_ASK_RATE_LIMITED) expect_count(s, "\"pushes\":0");
            else if (row->verified != OKTA_ASK_RETRY) expect_count(s, "\"pushes\":1");
        }
        strike(s);
    }
}

static void a_verify_that_is_lost_is_one_push(void **state) {
    (void)state;
    for (size_t m = 0; m < LEN(methods); m++) {
        struct stage *s =
            raise_stage(methods[m], "{\"do\":\"ignore\",\"trouble\":\"verify_lost\"}");
        push(&s->f, false);
        expect(s, "lost", OKTA_ASK_RETRY, OKTA_FACTOR_OTHER);
        expect_count(s, "\"pushes\":1");
        strike(s);
    }
}

static void the_number_to_be_tapped_is_told(void **state) {
    (void)state;
    for (size_t m = 0; m < LEN(methods); m++) {
        struct stage *s = raise_stage(methods[m], "\"approve\"");
        push(&s->f, true);
        expect(s, "number", OKTA_ASK_ANSWERED, OKTA_FACTOR_WAITING);
        assert_in_range(s->f.got.answer.transaction.number, 0, 99);
        poll_again(s);
        expect(s, "number", OKTA_ASK_ANSWERED, OKTA_FACTOR_SUCCESS);
        control(s, "/_sim/settings",
                "{\"number_matching\":\"always\",\"number_shown\":\"in_polls\"}");
        add_person(s, "\"ignore\"");
        push(&s->f, false);
        assert_int_equal(s->f.got.answer.transaction.number, -1);
        poll_again(s);
        expect(s, "shown in polls", OKTA_ASK_ANSWERED, OKTA_FACTOR_WAITING);
        assert_in_range(s->f.got.answer.transaction.number, 0, 99);
        strike(s);
    }
}

static void codes_are_right_or_wrong(void **state) {
    (void)state;
    for (size_t m = 0; m < LEN(methods); m++) {
        struct stage *s = raise_stage(methods[m], "\"ignore\"");
        struct fixture *f = &s->f;
        const struct str factor = STR("ost3");
        static const char *const codes[] = {CODE, "111111"};
        for (size_t i = 0; i < LEN(codes); i++) {
            begin(f);
            wait_for_answer(f, okta_verify_code(f->org, USER, factor, str_from(codes[i]), NULL,
                                                on_answer, &f->got, &f->ask));
            if (i == 0) expect(s, "right", OKTA_ASK_ANSWERED, OKTA_FACTOR_SUCCESS);
            else expect(s, "wrong", OKTA_ASK_DENIED, OKTA_FACTOR_OTHER);
        }
        assert_string_equal(f->got.error_code, "E0000068");
        expect_count(s, "\"wrong_codes\":1");
        strike(s);
    }
}

static void a_push_that_is_taken_back_is_over(void **state) {
    (void)state;
    for (size_t m = 0; m < LEN(methods); m++) {
        struct stage *s = raise_stage(methods[m], "{\"do\":\"approve\",\"after\":\"60s\"}");
        struct fixture *f = &s->f;
        char url[256];
        push(f, false);
        snprintf(url, sizeof url, "%s", f->got.cancel);
        begin(f);
        wait_for_answer(f, okta_cancel_push(f->org, str_from(url), on_answer, &f->got, &f->ask));
        expect(s, "cancel", OKTA_ASK_ANSWERED, OKTA_FACTOR_OTHER);
        snprintf(f->got.poll, sizeof f->got.poll, "%s", url);
        poll_again(s);
        assert_int_equal(f->got.answer.transaction.result, OKTA_FACTOR_OTHER);
        assert_non_null(strstr(control(s, "/_sim/pushes", NULL), "\"state\":\"cancelled\""));
        strike(s);
    }
}

static void nobody_two_people_and_people_who_may_not(void **state) {
    (void)state;
    static const char more[] =
        "[{\"id\":\"00u5\",\"status\":\"SUSPENDED\",\"profile\":{\"login\":\"bo@acme.com\","
        "\"email\":\"al@mail.test\",\"firstName\":\"Bo\",\"lastName\":\"Vole\"}},"
        "{\"id\":\"00u6\",\"status\":\"ACTIVE\",\"profile\":{\"login\":\"c\\\"\\\\d@acme.com\","
        "\"email\":\"c@mail.test\",\"firstName\":\"C\",\"lastName\":\"Vole\"}}]";
    for (size_t m = 0; m < LEN(methods); m++) {
        struct stage *s = raise_stage(methods[m], "\"ignore\"");
        struct fixture *f = &s->f;
        control(s, "/_sim/users", more);
        find(f, "nobody@acme.com", false);
        expect(s, "nobody", OKTA_ASK_ANSWERED, OKTA_FACTOR_OTHER);
        assert_int_equal(f->got.answer.user_count, 0);
        find(f, "AL@acme.com", false);
        assert_int_equal(f->got.answer.user_count, 0);
        find(f, "al@mail.test", true);
        expect(s, "two", OKTA_ASK_ANSWERED, OKTA_FACTOR_OTHER);
        assert_int_equal(f->got.answer.user_count, 2);
        find(f, "bo@acme.com", false);
        assert_int_equal(f->got.answer.user_count, 1);
        assert_false(f->got.active[0]);
        assert_string_equal(f->got.users[0][2], "SUSPENDED");
        find(f, "c\"\\d@acme.com", false);
        assert_int_equal(f->got.answer.user_count, 1);
        assert_string_equal(f->got.users[0][0], "00u6");
        find(f, "a\" or status eq \"ACTIVE", false);
        expect(s, "injection", OKTA_ASK_ANSWERED, OKTA_FACTOR_OTHER);
        assert_int_equal(f->got.answer.user_count, 0);
        strike(s);
    }
}

static void each_kind_of_refusal_is_named(void **state) {
    (void)state;
    struct stage *s = raise_stage(OKTA_AUTH_OAUTH2, "\"approve\"");
    struct fixture *f = &s->f;
    control(s, "/_sim/apps", "{\"client_id\":\"0oa1\",\"roles\":false}");
    push(f, false);
    expect(s, "no role", OKTA_ASK_REFUSED, OKTA_FACTOR_OTHER);
    assert_string_equal(f->got.error_code, "E0000006");
    assert_non_null(strstr(f->got.answer.fault.text, "Admin roles"));
    control(s, "/_sim/apps", "{\"client_id\":\"0oa1\",\"scopes\":[\"okta.users.read\"]}");
    okta_org_free(f->org);
    f->org = make_org(f, OKTA_AUTH_OAUTH2, NULL);
    list(f);
    expect(s, "no scope", OKTA_ASK_REFUSED, OKTA_FACTOR_OTHER);
    assert_non_null(strstr(f->got.answer.fault.text, "invalid_scope"));
    expect_count(s, "\"pushes\":0");
    strike(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_push_is_sent_and_approved),
        cmocka_unit_test(whatever_the_phone_does_is_told),
        cmocka_unit_test(a_verify_that_is_lost_is_one_push),
        cmocka_unit_test(the_number_to_be_tapped_is_told),
        cmocka_unit_test(codes_are_right_or_wrong),
        cmocka_unit_test(a_push_that_is_taken_back_is_over),
        cmocka_unit_test(nobody_two_people_and_people_who_may_not),
        cmocka_unit_test(each_kind_of_refusal_is_named),
    };
    return cmocka_run_group_tests_name("push_sim", tests, NULL, NULL);
}
