// SPDX-License-Identifier: Apache-2.0
#include "sim-test.h"

#define NOW "2026-11-22T10:00:00Z"

static struct sim *sim_with(size_t n) {
    struct sim *sim = test_sim(NOW);
    char body[64];
    snprintf(body, sizeof body, "{\"n\":%zu,\"seed\":3,\"span\":\"1h\"}", n);
    test_control(sim, "POST", "/_sim/generate", body);
    return sim;
}

static void fault(struct sim *sim, const char *json) {
    test_control(sim, "POST", "/_sim/faults", json);
}

static struct str body_of(const struct test_answer *a) { return buf_str(&a->reply.body); }

static void faults_that_stand_for_the_answer_strike_once(void **state) {
    (void)state;
    static const struct {
        const char *kind;
        int status;
        const char *says, *limit;
    } rows[] = {
        {"rate_limit", 429, "E0000047", "50000"}, {"concurrency", 429, "E0000047", "0"},
        {"500", 500, "E0000009", "50000"},        {"503", 503, "E0000010", "50000"},
        {"504", 504, "Gateway", "50000"},
    };
    AUTO(sim) struct sim *sim = sim_with(3);
    for (size_t i = 0; i < LEN(rows); i++) {
        char json[64];
        snprintf(json, sizeof json, "{\"kind\":\"%s\"}", rows[i].kind);
        fault(sim, json);
        AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
        assert_int_equal(a.reply.status, rows[i].status);
        assert_true(test_has(&a, rows[i].says));
        assert_string_equal(test_header(&a, "x-rate-limit-limit"), rows[i].limit);
        AUTO_FINI(test_answer) struct test_answer b = test_get(sim, "/api/v1/logs");
        assert_int_equal(b.reply.status, 200);
    }
}

static void a_count_lasts_for_so_many_requests_that_it_fits(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with(3);
    fault(sim, "{\"kind\":\"bad_cursor\",\"count\":2}");
    AUTO_FINI(test_answer) struct test_answer first = test_get(sim, "/api/v1/logs");
    assert_int_equal(first.reply.status, 200);
    for (int i = 0; i < 3; i++) {
        AUTO_FINI(test_answer) struct test_answer a = test_get(sim, first.next);
        assert_int_equal(a.reply.status, i < 2 ? 400 : 200);
    }
}

static size_t count_503(uint64_t seed) {
    AUTO(sim) struct sim *sim = sim_with(1);
    char json[96];
    snprintf(json, sizeof json, "{\"kind\":\"503\",\"probability\":0.25,\"seed\":%d}", (int)seed);
    fault(sim, json);
    size_t n = 0;
    for (int i = 0; i < 400; i++) {
        AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
        n += a.reply.status == 503;
    }
    return n;
}

static void a_probability_is_drawn_from_its_seed(void **state) {
    (void)state;
    size_t n = count_503(8);
    assert_in_range(n, 60, 140);
    assert_int_equal(count_503(8), n);
}

static void short_and_empty_pages_lead_on_to_the_rest(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with(10);
    AUTO_FINI(test_answer) struct test_answer whole = test_get(sim, "/api/v1/logs");
    assert_int_equal(test_count(sim, &whole), 10);
    fault(sim, "{\"kind\":\"short_page\",\"events\":4}");
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
    assert_int_equal(test_count(sim, &a), 4);
    fault(sim, "{\"kind\":\"empty_page\"}");
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, a.next);
    assert_true(str_eqz(body_of(&b), "[]"));
    assert_string_equal(b.next, a.next);
    AUTO_FINI(test_answer) struct test_answer c = test_get(sim, b.next);
    assert_int_equal(test_count(sim, &c), 6);
    // The two pieces are the whole.
    struct str front = str_sub(body_of(&a), 0, body_of(&a).n - 1);
    struct str back = str_sub(body_of(&c), 1, body_of(&c).n);
    assert_true(str_starts(body_of(&whole), front));
    assert_true(str_ends(body_of(&whole), back));
}

static void an_empty_page_of_a_bounded_query_does_not_lose_the_start(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with(10);
    fault(sim, "{\"kind\":\"empty_page\"}");
    AUTO_FINI(test_answer)
    struct test_answer a = test_get(sim, "/api/v1/logs?until=2026-11-22T10:00:00Z");
    assert_true(str_eqz(body_of(&a), "[]"));
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, a.next);
    assert_in_range(test_count(sim, &b), 8, 10);
}

static void repeated_events_stand_in_front_and_none_is_lost(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with(10);
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs?limit=4");
    fault(sim, "{\"kind\":\"duplicate\",\"events\":2}");
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, a.next);
    assert_int_equal(test_count(sim, &b), 4);
    AUTO_FINI(test_answer) struct test_answer c = test_get(sim, b.next);
    assert_int_equal(test_count(sim, &c), 4);
    AUTO_FINI(test_answer) struct test_answer d = test_get(sim, c.next);
    assert_int_equal(test_count(sim, &d), 0); // 4 + 2 + 4 are all
    size_t last = body_of(&a).n - 500;
    struct str tail = str_sub(body_of(&a), last, body_of(&a).n - 1);
    assert_true(str_find(body_of(&b), tail) < body_of(&b).n);
}

static void links_can_mislead(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with(3);
    fault(sim, "{\"kind\":\"missing_next\"}");
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
    assert_int_equal(a.links, 1);
    assert_string_equal(a.next, "");
    test_control(sim, "POST", "/_sim/settings", "{\"link_order\":\"next_first\"}");
    fault(sim, "{\"kind\":\"http_link\"}");
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, "/api/v1/logs");
    assert_int_equal(strncmp(test_header(&b, "link"), "<https://org.test/", 18), 0);
    fault(sim, "{\"kind\":\"foreign_link\",\"host\":\"org.test.evil\"}");
    AUTO_FINI(test_answer) struct test_answer c = test_get(sim, "/api/v1/logs");
    assert_int_equal(strncmp(test_header(&c, "link"), "<http://org.test.evil/", 22), 0);
}

static void bodies_can_be_wrong(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with(3);
    const struct json *v;
    static const char *const broken[] = {"{\"kind\":\"wrong_json\"}",
                                         "{\"kind\":\"wrong_json\",\"style\":\"broken\"}",
                                         "{\"kind\":\"html\"}"};
    for (size_t i = 0; i < LEN(broken); i++) {
        fault(sim, broken[i]);
        AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
        assert_int_equal(a.reply.status, 200);
        assert_int_equal(json_read(sim->reader, body_of(&a), &v, NULL), JSON_E_SYNTAX);
        assert_true((i == 2) == (strcmp(test_header(&a, "content-type"), "application/json") != 0));
    }
    fault(sim, "{\"kind\":\"not_array\"}");
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, "/api/v1/logs");
    assert_int_equal(json_read(sim->reader, body_of(&b), &v, NULL), 0);
    assert_int_equal(json_type(v), JSON_OBJECT);
}

static void events_can_be_huge_or_deep(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with(3);
    fault(sim, "{\"kind\":\"huge_event\",\"bytes\":1000000}");
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
    assert_int_equal(test_count(sim, &a), 3);
    assert_true(body_of(&a).n > 1000000);
    fault(sim, "{\"kind\":\"deep_json\",\"levels\":1000}");
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, "/api/v1/logs");
    char deep[1000];
    memset(deep, '[', sizeof deep);
    assert_true(str_find(body_of(&b), (struct str){deep, sizeof deep}) < body_of(&b).n);
}

static void the_way_of_a_body_is_told_to_the_server(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with(3);
    fault(sim, "{\"kind\":\"reset_before\"}");
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
    assert_int_equal(a.reply.delivery, REPLY_NOTHING);
    fault(sim, "{\"kind\":\"reset_body\",\"bytes\":10}");
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, "/api/v1/logs");
    assert_int_equal(b.reply.delivery, REPLY_RESET);
    assert_int_equal(b.reply.deliver_bytes, 10);
    fault(sim, "{\"kind\":\"stall_body\"}");
    AUTO_FINI(test_answer) struct test_answer c = test_get(sim, "/api/v1/logs");
    assert_int_equal(c.reply.delivery, REPLY_STALL);
    assert_int_equal(c.reply.deliver_bytes, body_of(&c).n / 2);
    fault(sim, "{\"kind\":\"slow_body\",\"bytes\":1,\"delay_ms\":10,\"total_ms\":100}");
    AUTO_FINI(test_answer) struct test_answer d = test_get(sim, "/api/v1/logs");
    assert_int_equal(d.reply.delivery, REPLY_SLOW);
    assert_true(d.reply.step_bytes * 11 >= body_of(&d).n); // the total is kept
}

static void a_skewed_date_skews_the_reset_alike(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with(3);
    fault(sim, "{\"kind\":\"skewed_date\",\"seconds\":-3600}");
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
    assert_string_equal(test_header(&a, "date"), "Sun, 22 Nov 2026 09:00:00 GMT");
    assert_string_equal(test_header(&a, "x-rate-limit-reset"), "1795338060");
    fault(sim, "{\"kind\":\"no_rate_headers\"}");
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, "/api/v1/logs");
    assert_null(test_header(&b, "x-rate-limit-limit"));
    assert_non_null(test_header(&b, "date"));
}

static void faults_of_different_kinds_meet_and_are_recorded(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with(10);
    fault(sim, "{\"kind\":\"slow_body\"}");
    fault(sim, "{\"kind\":\"short_page\",\"events\":2}");
    fault(sim, "{\"kind\":\"no_rate_headers\"}");
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
    assert_int_equal(a.reply.delivery, REPLY_SLOW);
    assert_int_equal(test_count(sim, &a), 2);
    AUTO_FINI(test_answer)
    struct test_answer r = test_request(sim, "GET", "/_sim/requests", NULL, NULL);
    assert_true(test_has(&r, "\"faults\":[\"no_rate_headers\",\"short_page\",\"slow_body\"]"));
    AUTO_FINI(test_answer)
    struct test_answer f = test_request(sim, "DELETE", "/_sim/faults", NULL, NULL);
    assert_true(test_has(&f, "\"left\":0"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_that_stand_for_the_answer_strike_once),
        cmocka_unit_test(a_count_lasts_for_so_many_requests_that_it_fits),
        cmocka_unit_test(a_probability_is_drawn_from_its_seed),
        cmocka_unit_test(short_and_empty_pages_lead_on_to_the_rest),
        cmocka_unit_test(an_empty_page_of_a_bounded_query_does_not_lose_the_start),
        cmocka_unit_test(repeated_events_stand_in_front_and_none_is_lost),
        cmocka_unit_test(links_can_mislead),
        cmocka_unit_test(bodies_can_be_wrong),
        cmocka_unit_test(events_can_be_huge_or_deep),
        cmocka_unit_test(the_way_of_a_body_is_told_to_the_server),
        cmocka_unit_test(a_skewed_date_skews_the_reset_alike),
        cmocka_unit_test(faults_of_different_kinds_meet_and_are_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
