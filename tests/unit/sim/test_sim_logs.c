// SPDX-License-Identifier: Apache-2.0
#include "sim-test.h"

#define NOW "2026-11-22T10:00:00Z"

// Five events, one a minute, persisted as published: e1 at 09:01 to e5 at 09:05.
static struct sim *sim_with_five(void) {
    struct sim *sim = test_sim(NOW);
    for (int i = 1; i <= 5; i++) {
        char url[128], event[256];
        snprintf(url, sizeof url, "/_sim/events?persisted=2026-11-22T09:0%d:00Z", i);
        snprintf(
            event, sizeof event,
            "{\"uuid\":\"e%d\",\"published\":\"2026-11-22T09:0%d:00.000Z\",\"severity\":\"%s\"}", i,
            i, i % 2 ? "INFO" : "WARN");
        test_control(sim, "POST", url, event);
    }
    return sim;
}

// The numbers of the events in a body, in order: "123".
static const char *events_of(const struct test_answer *a, char ret[32]) {
    struct str rest = buf_str(&a->reply.body);
    size_t n = 0;
    for (;;) {
        size_t at = str_find(rest, STR("\"uuid\":\"e"));
        if (at == rest.n || n == 31) break;
        ret[n++] = rest.p[at + 9];
        rest = str_sub(rest, at + 9, rest.n);
    }
    ret[n] = '\0';
    return ret;
}

static void expect_events(const struct test_answer *a, const char *numbers) {
    char found[32];
    assert_int_equal(a->reply.status, 200);
    assert_string_equal(events_of(a, found), numbers);
}

static void expect_error(struct sim *sim, const char *url, int status, const char *code) {
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, url);
    char needle[64];
    snprintf(needle, sizeof needle, "\"errorCode\":\"%s\"", code);
    if (a.reply.status != status || !test_has(&a, needle))
        print_error("%s: %d %.*s\n", url, a.reply.status, STR_ARG(buf_str(&a.reply.body)));
    assert_int_equal(a.reply.status, status);
    assert_true(test_has(&a, needle));
}

static void polling_follows_persistence_and_never_ends(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with_five();
    AUTO_FINI(test_answer)
    struct test_answer a = test_get(sim, "/api/v1/logs?limit=3&since=2026-11-22T09:01:30Z");
    expect_events(&a, "234");
    assert_int_equal(a.links, 2);
    assert_null(strstr(a.next, "since"));
    assert_non_null(strstr(a.next, "limit=3"));
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, a.next);
    expect_events(&b, "5");
    AUTO_FINI(test_answer) struct test_answer c = test_get(sim, b.next);
    expect_events(&c, "");
    assert_string_equal(c.next, b.next);
    assert_string_equal(c.self, c.next);
    // A late event: published long ago, persisted now.
    test_control(sim, "POST", "/_sim/events",
                 "{\"uuid\":\"e9\",\"published\":\"2026-11-22T08:00:00Z\"}");
    AUTO_FINI(test_answer) struct test_answer d = test_get(sim, c.next);
    expect_events(&d, "9");
}

static void events_of_one_millisecond_are_paged_through(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = test_sim(NOW);
    test_control(sim, "POST", "/_sim/events",
                 "[{\"uuid\":\"e1\"},{\"uuid\":\"e2\"},{\"uuid\":\"e3\"}]");
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs?limit=2");
    expect_events(&a, "12");
    test_control(sim, "POST", "/_sim/events", "[{\"uuid\":\"e4\"}]");
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, a.next);
    expect_events(&b, "34");
}

static void what_is_persisted_later_appears_when_the_clock_gets_there(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = test_sim(NOW);
    test_control(sim, "POST", "/_sim/events?persisted=2026-11-22T10:05:00Z", "{\"uuid\":\"e1\"}");
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
    expect_events(&a, "");
    test_control(sim, "POST", "/_sim/clock", "{\"advance\":\"5m\"}");
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, a.next);
    expect_events(&b, "1");
}

static void bounded_queries_follow_published_and_end(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with_five();
    AUTO_FINI(test_answer)
    struct test_answer a =
        test_get(sim, "/api/v1/logs?since=2026-11-22T09:02:00Z&until=2026-11-22T09:05:00Z&limit=2");
    expect_events(&a, "23"); // since counts in, until does not
    assert_non_null(strstr(a.next, "after=e3"));
    assert_non_null(strstr(a.next, "since=2026-11-22T09%3A02%3A00.000Z"));
    assert_non_null(strstr(a.next, "until=2026-11-22T09%3A05%3A00.000Z"));
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, a.next);
    expect_events(&b, "4");
    assert_string_equal(b.next, "");
    assert_int_equal(b.links, 1);
    AUTO_FINI(test_answer)
    struct test_answer c = test_get(sim, "/api/v1/logs?sortOrder=DESCENDING&limit=3");
    expect_events(&c, "543");
    AUTO_FINI(test_answer) struct test_answer d = test_get(sim, c.next);
    expect_events(&d, "21");
    assert_string_equal(d.next, "");
}

static void a_full_last_page_of_a_bounded_query_has_no_next_link(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with_five();
    AUTO_FINI(test_answer)
    struct test_answer a = test_get(sim, "/api/v1/logs?until=2026-11-22T10:00:00Z&limit=5");
    expect_events(&a, "12345");
    assert_string_equal(a.next, "");
}

static void events_without_a_uuid_can_be_paged_through(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = test_sim(NOW);
    test_control(sim, "POST", "/_sim/events", "[{\"a\":1},{\"a\":2},{\"a\":3},7]");
    test_control(sim, "POST", "/_sim/clock", "{\"advance\":\"1s\"}");
    char url[2048] = "/api/v1/logs?until=2026-11-22T10:00:01Z&limit=1";
    for (int i = 0; i < 4; i++) {
        AUTO_FINI(test_answer) struct test_answer a = test_get(sim, url);
        assert_int_equal(test_count(sim, &a), 1);
        assert_true(i == 3 || a.next[0]);
        snprintf(url, sizeof url, "%s", a.next);
    }
    assert_string_equal(url, "");
}

static void filters_and_keywords_choose_and_travel_in_the_link(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with_five();
    AUTO_FINI(test_answer)
    struct test_answer a = test_get(sim, "/api/v1/logs?filter=severity+eq+%22INFO%22&limit=2");
    expect_events(&a, "13");
    assert_non_null(strstr(a.next, "filter=severity+eq+%22INFO%22"));
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, a.next);
    expect_events(&b, "5");
    AUTO_FINI(test_answer) struct test_answer c = test_get(sim, "/api/v1/logs?q=warn");
    expect_events(&c, "24");
}

static void wrong_questions_get_oktas_codes(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with_five();
    static const struct {
        const char *query, *code;
    } rows[] = {
        {"limit=1001", "E0000001"},
        {"limit=-1", "E0000001"},
        {"limit=ten", "E0000001"},
        {"sortOrder=ascending", "E0000001"},
        {"since=yesterday", "E0000001"},
        {"until=2026-11-22T00:00:00+00:00", "E0000001"}, // the plus is a blank
        {"since=2026-11-22T10:00:01Z", "E0000001"},
        {"since=2026-05-26T09:59:59Z", "E0000053"}, // 180 days and a second
        {"after=1_2_3", "E0000001"},
        {"after=9999_1", "E0000001"},
        {"until=2026-11-22T00:00:00Z&after=unknown", "E0000001"},
        {"q=abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", "E0000001"},
        {"filter=nothing+eq+%22a%22", "E0000053"},
        {"filter=debugContext.debugData.url+co+%22a%22", "E0000031"},
        {"q=%4", "E0000001"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char url[256];
        snprintf(url, sizeof url, "/api/v1/logs?%s", rows[i].query);
        expect_error(sim, url, 400, rows[i].code);
    }
    expect_error(sim, "/api/v1/nothing", 404, "E0000007");
    AUTO_FINI(test_answer)
    struct test_answer a = test_get(sim, "/api/v1/logs?since=2026-05-26T10:00:00Z&limit=0");
    expect_events(&a, "");
}

static void credentials_are_checked_in_oktas_way(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with_five();
    test_control(sim, "POST", "/_sim/tokens", "{\"token\":\"poor\",\"role\":\"missing\"}");
    test_control(sim, "POST", "/_sim/tokens", "{\"token\":\"gone\",\"role\":\"revoked\"}");
    static const struct {
        const char *authorization;
        int status;
        const char *code; // NULL: no body
    } rows[] = {
        {NULL, 403, "E0000005"},         {"Basic eA==", 403, "E0000005"},
        {"SSWS wrong", 401, "E0000011"}, {"SSWS gone", 401, "E0000011"},
        {"SSWS poor", 403, "E0000006"},  {"Bearer x", 401, NULL},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(test_answer)
        struct test_answer a =
            test_request(sim, "GET", "/api/v1/logs", rows[i].authorization, NULL);
        assert_int_equal(a.reply.status, rows[i].status);
        if (rows[i].code) assert_true(test_has(&a, rows[i].code));
        else assert_int_equal(a.reply.body.n, 0);
        assert_true((test_header(&a, "www-authenticate") != NULL) == (rows[i].code == NULL));
    }
    AUTO_FINI(test_answer)
    struct test_answer post = test_request(sim, "POST", "/api/v1/logs", TEST_TOKEN, "x");
    assert_int_equal(post.reply.status, 405);
    assert_true(test_has(&post, "E0000022"));
}

static void retention_hides_what_is_older(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with_five();
    test_control(sim, "POST", "/_sim/settings", "{\"retention\":\"58m\"}");
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
    expect_events(&a, "2345");
}

static void a_token_has_its_share_of_a_window_of_sixty_seconds(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with_five();
    test_control(sim, "POST", "/_sim/settings", "{\"rate_limit\":7,\"token_share\":50}");
    for (int i = 0; i < 3; i++) {
        AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
        assert_int_equal(a.reply.status, 200);
        assert_string_equal(test_header(&a, "x-rate-limit-limit"), "3");
        char left[2] = {(char)('2' - i), '\0'};
        assert_string_equal(test_header(&a, "x-rate-limit-remaining"), left);
        assert_string_equal(test_header(&a, "x-rate-limit-reset"), "1795341660");
    }
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, "/api/v1/logs");
    assert_int_equal(b.reply.status, 429);
    assert_true(test_has(&b, "E0000047"));
    assert_string_equal(test_header(&b, "x-rate-limit-remaining"), "0");
    assert_null(test_header(&b, "cache-control"));
    test_control(sim, "POST", "/_sim/clock", "{\"advance\":\"59s\"}");
    AUTO_FINI(test_answer) struct test_answer c = test_get(sim, "/api/v1/logs");
    assert_int_equal(c.reply.status, 429);
    test_control(sim, "POST", "/_sim/clock", "{\"advance\":\"1s\"}");
    AUTO_FINI(test_answer) struct test_answer d = test_get(sim, "/api/v1/logs");
    assert_int_equal(d.reply.status, 200);
    AUTO_FINI(test_answer)
    struct test_answer stats = test_request(sim, "GET", "/_sim/stats", NULL, NULL);
    assert_true(test_has(&stats, "\"throttled\":{\"rate\":2,\"concurrency\":0}"));
    assert_true(test_has(&stats, "\"highest_used\":3,\"limit\":3,\"ratio\":1.0000"));
}

static void all_tokens_together_have_the_ceiling(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with_five();
    test_control(sim, "POST", "/_sim/settings", "{\"rate_limit\":2,\"token_share\":100}");
    test_control(sim, "POST", "/_sim/tokens", "{\"token\":\"second\"}");
    for (int i = 0; i < 2; i++) {
        AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
        assert_int_equal(a.reply.status, 200);
    }
    AUTO_FINI(test_answer)
    struct test_answer b = test_request(sim, "GET", "/api/v1/logs", "SSWS second", NULL);
    assert_int_equal(b.reply.status, 429);
    assert_string_equal(test_header(&b, "x-rate-limit-remaining"), "0");
}

static void too_many_at_once_get_a_limit_of_zero(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with_five();
    test_control(sim, "POST", "/_sim/settings", "{\"concurrency\":1}");
    limits_enter(&sim->limits);
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
    assert_int_equal(a.reply.status, 429);
    assert_string_equal(test_header(&a, "x-rate-limit-limit"), "0");
    assert_string_equal(test_header(&a, "x-rate-limit-remaining"), "0");
    limits_leave(&sim->limits);
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, "/api/v1/logs");
    assert_int_equal(b.reply.status, 200);
}

static void answers_carry_oktas_headers(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with_five();
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
    assert_string_equal(test_header(&a, "date"), "Sun, 22 Nov 2026 10:00:00 GMT");
    assert_string_equal(test_header(&a, "content-type"), "application/json");
    assert_string_equal(test_header(&a, "cache-control"), "no-cache, no-store");
    assert_int_equal(strlen(test_header(&a, "x-okta-request-id")), 32);
    test_control(sim, "POST", "/_sim/settings", "{\"link_style\":\"joined\"}");
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, "/api/v1/logs");
    assert_int_equal(b.links, 1);
    assert_non_null(strstr(test_header(&b, "link"), "rel=\"self\""));
    assert_non_null(strstr(test_header(&b, "link"), "rel=\"next\""));
}

static void requests_are_remembered_without_the_token(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with_five();
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs?limit=2");
    assert_int_equal(a.reply.status, 200);
    AUTO_FINI(test_answer)
    struct test_answer r = test_request(sim, "GET", "/_sim/requests?reset=1", NULL, NULL);
    assert_int_equal(test_count(sim, &r), 1);
    assert_true(test_has(&r, "\"query\":\"limit=2\""));
    assert_true(test_has(&r, "\"authorization\":{\"scheme\":\"SSWS\",\"match\":true}"));
    assert_true(test_has(&r, "\"headers\":{\"host\":\"org.test\"}"));
    assert_true(test_has(&r, "\"status\":200,\"events\":2"));
    assert_false(test_has(&r, "secret-of-the-test"));
    AUTO_FINI(test_answer)
    struct test_answer s = test_request(sim, "GET", "/_sim/requests", NULL, NULL);
    assert_int_equal(test_count(sim, &s), 0);
}

static void the_control_api_says_what_is_wrong(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = test_sim(NOW);
    static const struct {
        const char *method, *path, *body;
        int status;
        const char *says;
    } rows[] = {
        {"POST", "/_sim/events", "{\"uuid\":1}\n\n{]", 400, "line 3 is not JSON"},
        {"POST", "/_sim/events", "[{},{]", 400, "bracket"},
        {"POST", "/_sim/events?persisted=soon", "{}", 400, "persisted: expected an instant"},
        {"POST", "/_sim/faults", "{\"kind\":\"short_pages\"}", 400, "did you mean"},
        {"POST", "/_sim/faults", "{\"kind\":\"500\",\"events\":1}", 400, "no such parameter"},
        {"POST", "/_sim/faults", "[]", 400, "expected a JSON object"},
        {"POST", "/_sim/settings", "{\"rate_limit\":0}", 400, "from 1 to"},
        {"POST", "/_sim/settings", "{\"rate_limits\":1}", 400, "did you mean"},
        {"POST", "/_sim/clock", "{\"now\":\"noon\"}", 400, "now: expected an instant"},
        {"POST", "/_sim/generate", "{\"n\":0}", 400, "above 0"},
        {"POST", "/_sim/tokens", "{\"token\":\"a\",\"role\":\"king\"}", 400, "role: expected"},
        {"GET", "/_sim/nothing", NULL, 404, "no such call"},
        {"PUT", "/_sim/clock", "{}", 405, "another method"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(test_answer)
        struct test_answer a = test_request(sim, rows[i].method, rows[i].path, NULL, rows[i].body);
        if (a.reply.status != rows[i].status || !test_has(&a, rows[i].says))
            print_error("%s: %.*s\n", rows[i].path, STR_ARG(buf_str(&a.reply.body)));
        assert_int_equal(a.reply.status, rows[i].status);
        assert_true(test_has(&a, rows[i].says));
    }
    assert_int_equal(store_count(sim->store), 0);
}

static void only_this_machine_may_control(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = test_sim(NOW);
    struct request request = {.method = STR("GET"), .path = STR("/_sim/stats")};
    AUTO_FINI(reply) struct reply reply = reply_make();
    assert_int_equal(sim_handle(sim, &request, &reply), 0);
    assert_int_equal(reply.status, 403);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(polling_follows_persistence_and_never_ends),
        cmocka_unit_test(events_of_one_millisecond_are_paged_through),
        cmocka_unit_test(what_is_persisted_later_appears_when_the_clock_gets_there),
        cmocka_unit_test(bounded_queries_follow_published_and_end),
        cmocka_unit_test(a_full_last_page_of_a_bounded_query_has_no_next_link),
        cmocka_unit_test(events_without_a_uuid_can_be_paged_through),
        cmocka_unit_test(filters_and_keywords_choose_and_travel_in_the_link),
        cmocka_unit_test(wrong_questions_get_oktas_codes),
        cmocka_unit_test(credentials_are_checked_in_oktas_way),
        cmocka_unit_test(retention_hides_what_is_older),
        cmocka_unit_test(a_token_has_its_share_of_a_window_of_sixty_seconds),
        cmocka_unit_test(all_tokens_together_have_the_ceiling),
        cmocka_unit_test(too_many_at_once_get_a_limit_of_zero),
        cmocka_unit_test(answers_carry_oktas_headers),
        cmocka_unit_test(requests_are_remembered_without_the_token),
        cmocka_unit_test(the_control_api_says_what_is_wrong),
        cmocka_unit_test(only_this_machine_may_control),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
