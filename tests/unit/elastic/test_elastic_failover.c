// SPDX-License-Identifier: Apache-2.0
// Every pair of things that two hosts may do: who is asked, what the answer is, and who is asked
// first the next time. And credentials, which stay with their host.
#include <errno.h>

#include "world.h"

enum kind { ANSWER, GATEWAY, NOTHING, TROUBLE };

struct behaviour {
    const char *name;
    enum kind kind;
    int status;
    bool absent; // nobody listens
    struct step step;
};

#define ANSWERS(name, kind, status)                                                                \
    {                                                                                              \
        name, kind, status, false, {                                                               \
            "HTTP/1.1 " #status " X\r\nContent-Length: 3\r\n\r\n" #status, 0, STEP_KEEP            \
        }                                                                                          \
    }
#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static const struct behaviour behaviours[] = {
    ANSWERS("ok", ANSWER, 200),
    ANSWERS("redirect", ANSWER, 301),
    ANSWERS("bad request", ANSWER, 400),
    ANSWERS("not allowed", ANSWER, 401),
    ANSWERS("not found", ANSWER, 404),
    ANSWERS("too large a request", ANSWER, 413),
    ANSWERS("too many requests", ANSWER, 429),
    ANSWERS("internal error", ANSWER, 500),
    ANSWERS("bad gateway", GATEWAY, 502),
    ANSWERS("unavailable", GATEWAY, 503),
    ANSWERS("gateway timeout", GATEWAY, 504),
    {"absent", NOTHING, 0, true, {"", 0, STEP_CLOSE}},
    {"reset", NOTHING, 0, false, {"", 0, STEP_RESET}},
    {"closed", NOTHING, 0, false, {"", 0, STEP_CLOSE}},
    {"cut", NOTHING, 0, false, {OK_HEAD "Content-Length: 9\r\n\r\nx", 0, STEP_CLOSE}},
    {"silent", NOTHING, 0, false, {OK_HEAD "Content-Length: 9\r\n\r\nx", 0, STEP_STALL}},
    {"no http", NOTHING, 0, false, {"what?\r\n\r\n", 0, STEP_CLOSE}},
    {"too large", TROUBLE, 0, false, {OK_HEAD "Content-Length: 99999999\r\n\r\nx", 0, STEP_STALL}},
};

enum { SILENCE_MS = 60 };

static void start_pair(struct world *w, const struct behaviour *a, const struct behaviour *b) {
    const struct step *steps[] = {&a->step, &b->step};
    const size_t counts[] = {1, 1};
    world_start(w, 2, steps, counts);
    if (a->absent) scripted_stop_listening(&w->servers[0]);
    if (b->absent) scripted_stop_listening(&w->servers[1]);
    bool waits = strcmp(a->name, "silent") == 0 || strcmp(b->name, "silent") == 0;
    if (waits) w->opts.timeout_ms = SILENCE_MS;
    world_open(w);
}

// Which of the two answers: 0, 1, or -1.
static int who_answers(const struct behaviour *a, const struct behaviour *b) {
    if (a->kind == ANSWER) return 0;
    if (a->kind == TROUBLE || b->kind == TROUBLE) return -1;
    if (b->kind == ANSWER || b->kind == GATEWAY) return 1;
    return a->kind == GATEWAY ? 0 : -1;
}

static bool is_second_asked(const struct behaviour *a) {
    return a->kind == GATEWAY || a->kind == NOTHING;
}

static void check_answer(const struct world *w, const struct behaviour *who) {
    char body[16];
    snprintf(body, sizeof body, "%d", who->status);
    assert_int_equal(w->answer.status, who->status);
    assert_true(str_eqz(w->answer.body, body));
}

static void check_pair(const struct behaviour *a, const struct behaviour *b) {
    struct world w;
    const struct behaviour *const pair[] = {a, b};
    start_pair(&w, a, b);
    int who = who_answers(a, b);
    int r = world_ask(&w);
    if (r != (who < 0 ? -EIO : 0)) fail_msg("%s, %s: %d, %s", a->name, b->name, r, w.fault.text);
    size_t last = is_second_asked(a);
    if (who >= 0) check_answer(&w, pair[who]);
    else assert_true(str_starts(str_from(w.fault.text), str_from(w.texts[last])));
    assert_string_equal(elastic_host(w.engine), w.texts[who >= 0 ? (size_t)who : last]);
    assert_int_equal(w.servers[0].asked, !a->absent);
    assert_int_equal(w.servers[1].asked, is_second_asked(a) && !b->absent);
    world_end(&w);
}

static void every_pair_of_hosts_gives_what_it_should(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(behaviours); i++)
        for (size_t k = 0; k < LEN(behaviours); k++) check_pair(&behaviours[i], &behaviours[k]);
}

// The first host fails, the second answers: it is asked at once from then on, and the first only
// when the second fails.
static void who_answered_is_asked_first(void **state) {
    (void)state;
    static const struct step fails[] = {
        {"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n", 0, STEP_KEEP},
        {OK_HEAD "Content-Length: 1\r\n\r\na", 0, STEP_KEEP}};
    static const struct step answers[] = {{OK_HEAD "Content-Length: 1\r\n\r\nb", 0, STEP_KEEP},
                                          {OK_HEAD "Content-Length: 1\r\n\r\nb", 0, STEP_KEEP},
                                          {"", 0, STEP_RESET}};
    const struct step *steps[] = {fails, answers};
    const size_t counts[] = {LEN(fails), LEN(answers)};
    struct world w;
    world_start(&w, 2, steps, counts);
    world_open(&w);
    world_expect(&w, 200, "b");
    assert_true(w.answer.repeated);
    world_expect(&w, 200, "b");
    assert_false(w.answer.repeated);
    assert_int_equal(w.servers[0].asked, 1);
    assert_int_equal(w.servers[1].asked, 2);
    world_expect(&w, 200, "a");
    assert_true(w.answer.repeated);
    size_t before = w.servers[1].asked;
    world_expect(&w, 200, "a");
    assert_false(w.answer.repeated);
    assert_int_equal(w.servers[1].asked, before);
    world_end(&w);
}

static void all_hosts_are_asked_once_and_the_last_reason_is_told(void **state) {
    (void)state;
    static const struct step resets[] = {{"", 0, STEP_RESET}};
    const struct step *steps[] = {resets, resets, resets};
    const size_t counts[] = {1, 1, 1};
    struct world w;
    world_start(&w, 3, steps, counts);
    world_open(&w);
    for (size_t n = 1; n <= 2; n++) {
        assert_int_equal(world_ask(&w), -EIO);
        for (size_t i = 0; i < 3; i++) assert_int_equal(w.servers[i].asked, n);
        assert_true(str_starts(str_from(w.fault.text), str_from(w.texts[2])));
    }
    world_end(&w);
}

// Three hosts: the answer of the first gateway is still whole after two more were asked.
static void the_last_gateways_answer_is_kept_when_nobody_knows_better(void **state) {
    (void)state;
    static const struct step first[] = {
        {"HTTP/1.1 503 X\r\nRetry-After: 3\r\nContent-Length: 5\r\n\r\nfirst", 0, STEP_KEEP}};
    static const struct step second[] = {
        {"HTTP/1.1 502 X\r\nRetry-After: 4\r\nContent-Length: 6\r\n\r\nsecond", 0, STEP_KEEP}};
    static const struct step cut[] = {{OK_HEAD "Content-Length: 9\r\n\r\nthird", 0, STEP_CLOSE}};
    const struct step *steps[] = {first, second, cut};
    const size_t counts[] = {1, 1, 1};
    struct world w;
    world_start(&w, 3, steps, counts);
    world_open(&w);
    world_expect(&w, 502, "second");
    assert_int_equal(w.answer.retry_after_ms, 4000);
    assert_string_equal(elastic_host(w.engine), w.texts[1]);
    world_end(&w);
}

static void credentials_of_a_host_go_to_no_other(void **state) {
    (void)state;
    static const struct step busy[] = {
        {"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n", 0, STEP_KEEP}};
    const struct step *steps[] = {busy, busy, busy};
    const size_t counts[] = {1, 1, 1};
    struct world w;
    world_start(&w, 3, steps, counts);
    char first[160], second[160];
    snprintf(first, sizeof first, "http://one:secret1@127.0.0.1:%d", w.servers[0].port);
    snprintf(second, sizeof second, "http://two:secret2@127.0.0.1:%d", w.servers[1].port);
    w.hosts[0] = first;
    w.hosts[1] = second;
    world_open(&w);
    world_expect(&w, 503, "");
    assert_true(scripted_saw(&w.servers[0], 0, "Authorization: Basic b25lOnNlY3JldDE=\r\n"));
    assert_true(scripted_saw(&w.servers[1], 0, "Authorization: Basic dHdvOnNlY3JldDI=\r\n"));
    assert_false(scripted_saw(&w.servers[2], 0, "Authorization"));
    for (size_t i = 0; i < 3; i++) scripted_stop_listening(&w.servers[i]);
    world_end(&w);
}

static void no_fault_holds_credentials(void **state) {
    (void)state;
    static const struct step resets[] = {{"", 0, STEP_RESET}};
    struct world w;
    world_start_one(&w, resets, 1);
    char text[160];
    snprintf(text, sizeof text, "http://me:secret@127.0.0.1:%d/x", w.servers[0].port);
    w.hosts[0] = text;
    world_open(&w);
    assert_int_equal(world_ask(&w), -EIO);
    assert_null(strstr(w.fault.text, "secret"));
    assert_null(strstr(w.fault.text, "me:"));
    assert_null(strstr(elastic_host(w.engine), "secret"));
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_hosts_gives_what_it_should),
        cmocka_unit_test(who_answered_is_asked_first),
        cmocka_unit_test(all_hosts_are_asked_once_and_the_last_reason_is_told),
        cmocka_unit_test(the_last_gateways_answer_is_kept_when_nobody_knows_better),
        cmocka_unit_test(credentials_of_a_host_go_to_no_other),
        cmocka_unit_test(no_fault_holds_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
