// SPDX-License-Identifier: Apache-2.0
// Pushes from the request to the System Log, and everything that can happen to them.
#include "mfa-test.h"

#include <unistd.h>

#include "base/parse.h"
#include "sim/terminal.h"

#define PUSH VERIFY(ADA, ADA_PUSH)
#define NUMBERED "{\"useNumberMatchingChallenge\":true}"

static const struct phone *phone_of(const struct sim *sim, const char *user) {
    return &users_find(sim->users, str_from(user))->phone;
}

static void a_push_waits_until_the_phone_answers(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    char path[256];
    mfa_script(sim, ADA, "{\"do\":\"approve\",\"after\":\"3s\"}");
    AUTO_FINI(test_answer) struct test_answer a = mfa_post(sim, VERIFY(ADA, "push"), NULL);
    assert_int_equal(a.reply.status, 201);
    assert_true(test_has(&a, "{\"factorResult\":\"WAITING\",\"expiresAt\":"
                             "\"2026-11-22T10:05:00.000Z\",\"_links\":{\"cancel\":{\"href\":"
                             "\"http://org.test" FACTORS_OF(ADA) "/" ADA_PUSH "/transactions/mst"));
    assert_true(test_has(&a, "\"hints\":{\"allow\":[\"DELETE\"]}},\"poll\":{\"href\":"));
    assert_false(test_has(&a, "correctAnswer"));
    mfa_push(sim, PUSH, NULL, path);
    assert_non_null(strstr(path, "/transactions/v2mst"));
    mfa_poll(sim, path, 200, "\"WAITING\"");
    mfa_advance(sim, "2999ms");
    mfa_poll(sim, path, 200, "\"profile\":{\"credentialId\":\"ada@a.test\"}");
    mfa_advance(sim, "1ms");
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, path);
    assert_int_equal(b.reply.status, 200);
    assert_string_equal(buf_z(&b.reply.body), "{\"factorResult\":\"SUCCESS\"}");
    assert_int_equal(phone_of(sim, ADA)->polls.asked, 3);
    assert_int_equal(phone_of(sim, ADA)->overlapping, 1);
    assert_int_equal(phone_of(sim, ADA)->waiting, 0);
}

static void scripts_end_pushes_in_every_way(void **state) {
    (void)state;
    static const struct {
        const char *script, *body, *says;
    } rows[] = {
        {"\"approve\"", NULL, "{\"factorResult\":\"SUCCESS\"}"},
        {"\"approve\"", NUMBERED, "{\"factorResult\":\"SUCCESS\"}"},
        {"\"deny\"", NULL, "{\"factorResult\":\"REJECTED\",\"profile\""},
        {"\"deny\"", NUMBERED, "{\"factorResult\":\"REJECTED\",\"profile\""},
        {"\"wrong_number\"", NUMBERED, "{\"factorResult\":\"REJECTED\",\"profile\""},
        {"\"cancel\"", NULL, "{\"factorResult\":\"CANCELLED\",\"profile\""},
        {"\"unknown\"", NULL, "{\"factorResult\":\"SOMETHING_NEW\",\"profile\""},
        {"{\"do\":\"unknown\",\"result\":\"success\"}", NULL, "{\"factorResult\":\"success\""},
        {"\"ignore\"", NULL, "{\"factorResult\":\"WAITING\""},
        {"[]", NULL, "{\"factorResult\":\"WAITING\""},
    };
    AUTO(sim) struct sim *sim = mfa_sim();
    for (size_t i = 0; i < LEN(rows); i++) {
        char path[256];
        mfa_script(sim, "ada", rows[i].script);
        mfa_push(sim, PUSH, rows[i].body, path);
        mfa_poll(sim, path, 200, rows[i].says);
        mfa_poll(sim, path, 200, rows[i].says);
    }
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
    assert_int_equal(test_count(sim, &a), 10 + 8);
}

static void a_script_of_several_steps_goes_from_push_to_push(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    static const char *const results[] = {"REJECTED", "WAITING", "SUCCESS", "SUCCESS"};
    mfa_script(sim, ADA, "[\"deny\",{\"do\":\"approve\",\"after\":60},\"approve\"]");
    for (size_t i = 0; i < LEN(results); i++) {
        char path[256];
        mfa_push(sim, PUSH, NULL, path);
        mfa_poll(sim, path, 200, results[i]);
    }
    mfa_set(sim, "{\"phones\":\"deny\"}");
    char path[256];
    mfa_push(sim, VERIFY(BOB, "push"), NULL, path);
    mfa_poll(sim, path, 200, "REJECTED");
}

static void scripts_that_are_none_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *script, *says;
    } rows[] = {
        {"7", "expected a deed"},
        {"\"aprove\"", "did you mean \\\"approve\\\"?"},
        {"{\"do\":\"approve\",\"afte\":1}", "did you mean \\\"after\\\"?"},
        {"{\"after\":-1}", "after: expected"},
        {"{\"after\":\"soon\"}", "after: expected"},
        {"[\"deny\",{\"trouble\":\"poll_405\"}]", "did you mean \\\"poll_404\\\"?"},
        {"{\"polls\":-1}", "polls: expected"},
        {"{\"result\":\"\"}", "result: expected"},
    };
    AUTO(sim) struct sim *sim = mfa_sim();
    mfa_script(sim, ADA, "\"deny\"");
    for (size_t i = 0; i < LEN(rows); i++) {
        char body[256];
        snprintf(body, sizeof body, "{\"user\":\"ada\",\"script\":%s}", rows[i].script);
        AUTO_FINI(test_answer)
        struct test_answer a = test_request(sim, "POST", "/_sim/phones", NULL, body);
        if (!test_has(&a, rows[i].says)) print_error("%.*s\n", STR_ARG(buf_str(&a.reply.body)));
        assert_int_equal(a.reply.status, 400);
        assert_true(test_has(&a, rows[i].says));
    }
    assert_int_equal(phone_of(sim, ADA)->steps[0].deed, PHONE_DENY);
}

static void troubles_strike_where_the_script_says(void **state) {
    (void)state;
    static const struct {
        const char *trouble;
        int verify, polls[4];
    } rows[] = {
        {"\"verify_429\"", 429, {0}},
        {"\"verify_500\"", 500, {0}},
        {"\"verify_503\"", 503, {0}},
        {"\"poll_404\",\"polls\":2", 201, {200, 200, 404, 404}},
        {"\"poll_429\"", 201, {200, 429, 200, 200}},
        {"\"poll_429\",\"polls\":0,\"times\":2", 201, {429, 429, 200, 200}},
        {"\"poll_500\",\"times\":3", 201, {200, 500, 500, 500}},
        {"\"poll_503\",\"polls\":3", 201, {200, 200, 200, 503}},
    };
    AUTO(sim) struct sim *sim = mfa_sim();
    for (size_t i = 0; i < LEN(rows); i++) {
        char script[128], href[256] = "";
        uint64_t pushes = phone_of(sim, ADA)->pushes;
        snprintf(script, sizeof script, "{\"do\":\"ignore\",\"trouble\":%s}", rows[i].trouble);
        mfa_script(sim, ADA, script);
        AUTO_FINI(test_answer) struct test_answer a = mfa_post(sim, PUSH, NULL);
        assert_int_equal(a.reply.status, rows[i].verify);
        mfa_text(&a, "href", 0, href);
        for (size_t k = 0; rows[i].verify == 201 && k < LEN(rows[i].polls); k++)
            mfa_poll(sim, strstr(href, "/api/"), rows[i].polls[k],
                     rows[i].polls[k] == 200 ? "WAITING" : "errorCode");
        // What is refused has sent nothing.
        assert_int_equal(phone_of(sim, ADA)->pushes, pushes + (rows[i].verify == 201));
    }
    mfa_script(sim, ADA, "{\"do\":\"approve\",\"trouble\":\"verify_lost\"}");
    AUTO_FINI(test_answer) struct test_answer a = mfa_post(sim, PUSH, NULL);
    assert_int_equal(a.reply.delivery, REPLY_NOTHING);
    assert_int_equal(phone_of(sim, ADA)->pushes, 6);
}

static void links_can_lead_elsewhere(void **state) {
    (void)state;
    static const struct {
        const char *trouble, *begins;
    } rows[] = {
        {"none", "http://org.test" FACTORS_OF(ADA) "/" ADA_PUSH "/transactions/"},
        {"foreign_host", "https://okta.example.net" FACTORS_OF(ADA) "/" ADA_PUSH "/transactions/"},
        {"http_link", "https://org.test" FACTORS_OF(ADA) "/" ADA_PUSH "/transactions/"},
        {"foreign_user", "http://org.test" FACTORS_OF("00uSomebodyElse00000") "/" ADA_PUSH},
        {"foreign_factor", "http://org.test" FACTORS_OF(ADA) "/opfSomebodyElse00000/transactions/"},
        {"malformed_link", "not a link"},
        {"no_link", ""},
    };
    AUTO(sim) struct sim *sim = mfa_sim();
    for (size_t i = 0; i < LEN(rows); i++) {
        char script[128], href[256];
        snprintf(script, sizeof script, "{\"do\":\"approve\",\"trouble\":\"%s\"}", rows[i].trouble);
        mfa_script(sim, ADA, script);
        AUTO_FINI(test_answer) struct test_answer a = mfa_post(sim, PUSH, NULL);
        for (size_t k = 0; k < 2; k++) {
            mfa_text(&a, "href", k, href);
            assert_int_equal(strncmp(href, rows[i].begins, strlen(rows[i].begins)), 0);
            if (!*rows[i].begins) assert_string_equal(href, "");
        }
    }
}

// The correctAnswer of a body; -1: none.
static int answer_in(const struct test_answer *a) {
    struct str body = buf_str(&a->reply.body);
    struct str mark = STR("\"_embedded\":{\"challenge\":{\"correctAnswer\":");
    size_t at = str_find(body, mark);
    int64_t number = -1;
    struct str rest = str_sub(body, at + mark.n, body.n);
    assert_true(at == body.n || parse_i64(str_sub(rest, 0, str_find_char(rest, '}')), &number));
    return (int)number;
}

static void numbers_are_shown_when_they_are_asked_for_or_forced(void **state) {
    (void)state;
    static const struct {
        const char *settings, *body;
        bool at_once, in_polls;
    } rows[] = {
        {"{}", NULL, false, false},
        {"{}", "{\"useNumberMatchingChallenge\":false}", false, false},
        {"{}", NUMBERED, true, true},
        {"{\"number_matching\":\"always\"}", NULL, true, true},
        {"{\"number_shown\":\"in_polls\"}", NULL, false, true},
        {"{\"number_matching\":\"never\"}", NUMBERED, false, false},
    };
    AUTO(sim) struct sim *sim = mfa_sim();
    for (size_t i = 0; i < LEN(rows); i++) {
        char href[256];
        mfa_set(sim, rows[i].settings);
        AUTO_FINI(test_answer) struct test_answer a = mfa_post(sim, PUSH, rows[i].body);
        mfa_text(&a, "href", 0, href);
        AUTO_FINI(test_answer) struct test_answer b = test_get(sim, strstr(href, "/api/"));
        assert_int_equal(answer_in(&a) >= 10 && answer_in(&a) <= 99, rows[i].at_once);
        assert_int_equal(answer_in(&b) >= 10 && answer_in(&b) <= 99, rows[i].in_polls);
        if (rows[i].at_once) assert_int_equal(answer_in(&a), answer_in(&b));
    }
}

static void transactions_are_of_one_user_and_one_factor(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    char path[256], url[512];
    mfa_script(sim, ADA, "\"approve\"");
    mfa_push(sim, PUSH, NULL, path);
    const char *id = strrchr(path, '/') + 1;
    static const char *const others[] = {FACTORS_OF(BOB) "/" BOB_PUSH, FACTORS_OF(BOB) "/" ADA_PUSH,
                                         FACTORS_OF(ADA) "/opfAda00000000000000",
                                         FACTORS_OF(ADA) "/" ADA_TOTP};
    for (size_t i = 0; i < LEN(others); i++) {
        snprintf(url, sizeof url, "%s/transactions/%s", others[i], id);
        mfa_poll(sim, url, 404, "E0000007");
        AUTO_FINI(test_answer)
        struct test_answer a = test_request(sim, "DELETE", url, TEST_TOKEN, NULL);
        assert_int_equal(a.reply.status, 404);
    }
    snprintf(url, sizeof url, "%.*s%s", (int)(id - path), path, "mst00000001AAAAAAAAA");
    mfa_poll(sim, url, 404, "E0000007");
    mfa_poll(sim, path, 200, "SUCCESS");
}

static void an_unanswered_push_expires_and_is_forgotten(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    char path[256];
    mfa_set(sim, "{\"push_life\":\"60s\",\"push_memory\":\"2m\"}");
    mfa_script(sim, ADA, "{\"do\":\"approve\",\"after\":\"60s\"}"); // too late
    mfa_push(sim, PUSH, NULL, path);
    mfa_advance(sim, "59s");
    mfa_poll(sim, path, 200, "WAITING");
    mfa_advance(sim, "1s");
    mfa_poll(sim, path, 200,
             "{\"factorResult\":\"TIMEOUT\",\"profile\":{\"credentialId\":\"ada@a.test\"},"
             "\"_links\":{\"factor\":{\"href\":\"http://org.test" FACTORS_OF(
                 ADA) "/" ADA_PUSH
                      "\",\"hints\":{\"allow\":[\"GET\",\"DELETE\"]}},\"verify\":{\"href\":");
    mfa_advance(sim, "2m");
    mfa_poll(sim, path, 404, "E0000191");
    // Nothing but the sending is logged.
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
    assert_int_equal(test_count(sim, &a), 1);
    mfa_set(sim, "{\"log_unanswered\":true}");
    mfa_push(sim, PUSH, NULL, path);
    mfa_advance(sim, "1m");
    mfa_poll(sim, "/api/v1/logs", 200, "\"outcome\":{\"result\":\"UNANSWERED\"");
}

static void a_push_can_be_withdrawn(void **state) {
    (void)state;
    static const struct {
        const char *settings, *says;
        int status;
    } rows[] = {
        {"{}", "{\"factorResult\":\"CANCELLED\"", 200},
        {"{\"cancelled_poll\":\"CANCELED\"}", "{\"factorResult\":\"CANCELED\"", 200},
        {"{\"cancelled_poll\":\"gone\"}", "E0000007", 404},
    };
    AUTO(sim) struct sim *sim = mfa_sim();
    mfa_script(sim, ADA, "{\"do\":\"approve\",\"after\":\"1s\"}");
    for (size_t i = 0; i < LEN(rows); i++) {
        char path[256];
        mfa_set(sim, rows[i].settings);
        mfa_push(sim, PUSH, NULL, path);
        AUTO_FINI(test_answer)
        struct test_answer a = test_request(sim, "DELETE", path, TEST_TOKEN, NULL);
        assert_int_equal(a.reply.status, 204);
        assert_int_equal(a.reply.body.n, 0);
        assert_null(test_header(&a, "content-type"));
        mfa_advance(sim, "2s"); // the phone's answer comes too late
        mfa_poll(sim, path, rows[i].status, rows[i].says);
        AUTO_FINI(test_answer)
        struct test_answer b = test_request(sim, "DELETE", path, TEST_TOKEN, NULL);
        assert_int_equal(b.reply.status, 404);
    }
    assert_int_equal(phone_of(sim, ADA)->cancels.asked, 6);
    assert_int_equal(phone_of(sim, ADA)->cancels.refused, 3);
}

// ---- by hand

static void expect_control(struct sim *sim, const char *method, const char *url, const char *body,
                           int status, const char *says) {
    AUTO_FINI(test_answer) struct test_answer a = test_request(sim, method, url, NULL, body);
    if (a.reply.status != status || !test_has(&a, says))
        print_error("%s %s: %d %.*s, not %s\n", url, body ? body : "", a.reply.status,
                    STR_ARG(buf_str(&a.reply.body)), says);
    assert_int_equal(a.reply.status, status);
    assert_true(test_has(&a, says));
}

#define ANSWER "/_sim/pushes/answer"

static void pushes_are_answered_through_the_control_api(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    char path[256], body[256];
    expect_control(sim, "POST", ANSWER, "{\"answer\":\"approve\"}", 400, "no push is waiting");
    mfa_push(sim, PUSH, NULL, path);
    expect_control(sim, "POST", ANSWER, "{\"user\":\"bob\",\"answer\":\"approve\"}", 400,
                   "no push");
    expect_control(sim, "POST", ANSWER, "{\"user\":\"ada\"}", 400, "answer: expected");
    expect_control(sim, "POST", ANSWER, "{\"answer\":\"ignore\"}", 400, "answer: expected");
    expect_control(sim, "POST", ANSWER, "{\"answer\":\"deny\",\"x\":1}", 400, "not known here");
    expect_control(sim, "POST", ANSWER, "{\"user\":\"ada\",\"answer\":\"approve\"}", 200,
                   "\"state\":\"approved\"");
    mfa_poll(sim, path, 200, "SUCCESS");
    snprintf(body, sizeof body, "{\"id\":\"%s\",\"answer\":\"deny\"}", strrchr(path, '/') + 1);
    expect_control(sim, "POST", ANSWER, body, 400, "not waiting any more: approved");
    mfa_push(sim, PUSH, NUMBERED, path);
    const struct push *push = sim->pushes.each[1];
    for (size_t i = 0; i < PUSH_CHOICES; i++)
        for (size_t k = 0; k < i; k++) assert_int_not_equal(push->choices[i], push->choices[k]);
    snprintf(body, sizeof body, "{\"id\":\"%s\",\"number\":%d}", push->id, push->correct);
    expect_control(sim, "POST", ANSWER, body, 200, "\"state\":\"approved\"");
    mfa_push(sim, PUSH, NUMBERED, path);
    push = sim->pushes.each[2];
    snprintf(body, sizeof body, "{\"id\":\"%s\",\"number\":%d}", push->id,
             push->correct == 99 ? 98 : push->correct + 1);
    expect_control(sim, "POST", ANSWER, body, 200, "\"state\":\"wrong_number\"");
    mfa_poll(sim, path, 200, "REJECTED");
}

static void pushes_are_listed_and_waited_for(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    char path[256];
    mfa_script(sim, ADA, "[\"approve\",\"ignore\"]");
    mfa_push(sim, PUSH, NULL, path);
    mfa_push(sim, PUSH, NUMBERED, path);
    mfa_push(sim, VERIFY(BOB, "push"), NULL, path);
    expect_control(sim, "GET", "/_sim/pushes?user=ada&state=waiting", NULL, 200,
                   "\"device\":\"Pixel 8\",\"user_agent\":\"Gatehouse-Test/1\",\"x_forwarded_for\":"
                   "\"203.0.113.9, 10.0.0.1\",");
    expect_control(sim, "GET", "/_sim/pushes", NULL, 200, "\"found\":3,\"waiting\":2,\"sent\":3}");
    expect_control(sim, "GET", "/_sim/pushes?state=ended", NULL, 200, "\"found\":1,");
    expect_control(sim, "GET", "/_sim/pushes?after=2&limit=1", NULL, 200,
                   "{\"pushes\":[{\"number\":3,");
    expect_control(sim, "GET", "/_sim/pushes?wait=3m", NULL, 400, "wait: expected");
    expect_control(sim, "GET", "/_sim/pushes?state=gone", NULL, 400, "state: expected");
    expect_control(sim, "GET", "/_sim/phones?user=ada", NULL, 200,
                   "\"pushes\":2,\"waiting\":1,\"overlapping\":0,");
    // One that does not fit yet is asked again, until what it waits for is there or its time is up.
    struct reply reply = reply_make();
    struct request request = {.method = STR("GET"), .path = STR("/_sim/pushes"), .loopback = true};
    request.query = STR("user=bob&count=2&wait=10s");
    request.waited_ms = 4000;
    assert_int_equal(sim_handle(sim, &request, &reply), 0);
    assert_int_equal(reply.delivery, REPLY_AGAIN);
    assert_int_equal(reply.delay_ms, 6000);
    reply_fini(&reply);
    reply = reply_make();
    request.waited_ms = 10000;
    assert_int_equal(sim_handle(sim, &request, &reply), 0);
    assert_int_equal(reply.delivery, REPLY_WHOLE);
    reply_fini(&reply);
    expect_control(sim, "DELETE", "/_sim/pushes", NULL, 200, "{\"forgotten\":3}");
    mfa_poll(sim, path, 404, "E0000007");
    assert_int_equal(phone_of(sim, ADA)->waiting, 0);
}

static void many_pushes_end_in_the_order_of_time(void **state) {
    (void)state;
    enum { N = 500 };
    AUTO(sim) struct sim *sim = mfa_sim();
    struct rand rand = rand_make(3);
    char path[256], script[128];
    mfa_set(sim, "{\"verify_rate_limit\":100000,\"factors_rate_limit\":100000}");
    for (int i = 0; i < N; i++) {
        snprintf(script, sizeof script, "{\"do\":\"deny\",\"after\":\"%dms\"}",
                 (int)rand_below(&rand, 100000));
        mfa_script(sim, ADA, script);
        mfa_push(sim, PUSH, NULL, path);
        if (rand_below(&rand, 3)) continue;
        AUTO_FINI(test_answer)
        struct test_answer a = test_request(sim, "DELETE", path, TEST_TOKEN, NULL);
        assert_int_equal(a.reply.status, 204);
    }
    size_t waiting = sim->pushes.n_waiting;
    assert_in_range(waiting, N / 3, N - 1);
    mfa_advance(sim, "50s");
    mfa_poll(sim, FACTORS_OF(ADA), 200, ADA);
    for (size_t i = 0; i < sim->pushes.n; i++) {
        const struct push *push = sim->pushes.each[i];
        bool due = push->due_ms <= test_instant("2026-11-22T10:00:50Z");
        if (push->state != PUSH_CANCELLED) assert_int_equal(push->state == PUSH_DENIED, due);
        if (push->state == PUSH_DENIED) assert_int_equal(push->ended_ms, push->due_ms);
    }
    mfa_advance(sim, "50s");
    AUTO_FINI(test_answer)
    struct test_answer a = test_get(sim, "/api/v1/logs?limit=1000&filter=outcome.result+eq+"
                                         "%22FAILURE%22");
    assert_int_equal(test_count(sim, &a), waiting);
    char before[256] = "", published[256];
    for (size_t i = 0; i < waiting; i++) {
        mfa_text(&a, "published", i, published);
        assert_true(strcmp(before, published) <= 0);
        memcpy(before, published, sizeof before);
    }
}

// Lines are typed into a pipe.
static void type(int fd, const char *text) {
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void pushes_are_answered_on_a_terminal(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    AUTO(terminal) struct terminal *terminal = NULL;
    int fds[2];
    char *shown = NULL;
    size_t shown_n = 0;
    FILE *out = open_memstream(&shown, &shown_n);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(terminal_new(&terminal, sim, fds[0], out), 0);
    char one[256], two[256];
    mfa_push(sim, PUSH, NUMBERED, one);
    mfa_push(sim, PUSH, NULL, two);
    terminal_look(terminal);
    assert_non_null(strstr(shown, "ada@a.test"));
    assert_non_null(strstr(shown, "Gatehouse-Test/1"));
    assert_non_null(strstr(shown, "203.0.113.9"));
    type(fds[1], "approve\n\nwhat\n4");
    assert_int_equal(terminal_read(terminal), 0);
    mfa_poll(sim, one, 200, "WAITING");
    char number[16];
    snprintf(number, sizeof number, "\n%d\n", sim->pushes.each[0]->correct);
    type(fds[1], number);
    assert_int_equal(terminal_read(terminal), 0);
    // The 4 that was typed before is no number of this push, but it was tapped.
    mfa_poll(sim, one, 200, "REJECTED");
    assert_non_null(strstr(shown, "wrong_number"));
    mfa_poll(sim, two, 200, "WAITING");
    type(fds[1], "A\n");
    assert_int_equal(terminal_read(terminal), 0);
    mfa_poll(sim, two, 200, "SUCCESS");
    close(fds[1]);
    assert_int_equal(terminal_read(terminal), TERMINAL_E_END);
    close(fds[0]);
    fclose(out);
    free(shown);
}

static void a_terminal_shows_no_control_characters(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    AUTO(terminal) struct terminal *terminal = NULL;
    char *shown = NULL;
    size_t shown_n = 0;
    FILE *out = open_memstream(&shown, &shown_n);
    assert_int_equal(terminal_new(&terminal, sim, -1, out), 0);
    struct test_ask ask = {.method = "POST",
                           .url = PUSH,
                           .authorization = TEST_TOKEN,
                           .content_length = "0",
                           .user_agent = "nice\x1b[2Jclient\x9b"};
    AUTO_FINI(test_answer) struct test_answer a = test_send(sim, &ask);
    assert_int_equal(a.reply.status, 201);
    terminal_look(terminal);
    assert_non_null(strstr(shown, "nice?[2Jclient?\n"));
    fclose(out);
    free(shown);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_push_waits_until_the_phone_answers),
        cmocka_unit_test(scripts_end_pushes_in_every_way),
        cmocka_unit_test(a_script_of_several_steps_goes_from_push_to_push),
        cmocka_unit_test(scripts_that_are_none_are_refused),
        cmocka_unit_test(troubles_strike_where_the_script_says),
        cmocka_unit_test(links_can_lead_elsewhere),
        cmocka_unit_test(numbers_are_shown_when_they_are_asked_for_or_forced),
        cmocka_unit_test(transactions_are_of_one_user_and_one_factor),
        cmocka_unit_test(an_unanswered_push_expires_and_is_forgotten),
        cmocka_unit_test(a_push_can_be_withdrawn),
        cmocka_unit_test(pushes_are_answered_through_the_control_api),
        cmocka_unit_test(pushes_are_listed_and_waited_for),
        cmocka_unit_test(many_pushes_end_in_the_order_of_time),
        cmocka_unit_test(pushes_are_answered_on_a_terminal),
        cmocka_unit_test(a_terminal_shows_no_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
