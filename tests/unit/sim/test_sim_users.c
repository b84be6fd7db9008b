// SPDX-License-Identifier: Apache-2.0
#include "sim-test.h"

#include "sim/company.h"

#define NOW "2026-11-22T10:00:00Z"

static void add_user(struct sim *sim, const char *id, const char *login, const char *first,
                     const char *status) {
    char body[512];
    snprintf(body, sizeof body,
             "{\"id\":\"%s\",\"status\":\"%s\",\"lastUpdated\":\"2026-11-2%c\","
             "\"profile\":{\"login\":\"%s\",\"firstName\":\"%s\",\"lastName\":\"Vole\"}}",
             id, status, id[strlen(id) - 1], login, first);
    test_control(sim, "POST", "/_sim/users", body);
}

// u1 ada@a.test, u2 Bob@a.test (locked out), u3 bob@b.test, u4 cy@a.test (gone).
static struct sim *sim_with_four(void) {
    struct sim *sim = test_sim(NOW);
    add_user(sim, "u1", "ada@a.test", "Ada", "ACTIVE");
    add_user(sim, "u2", "Bob@a.test", "Bob", "LOCKED_OUT");
    add_user(sim, "u3", "bob@b.test", "bobby", "ACTIVE");
    add_user(sim, "u4", "cy@a.test", "Cy", "DEPROVISIONED");
    return sim;
}

// The numbers of the users in a body, in order: "13".
static const char *users_of(const struct test_answer *a, char ret[32]) {
    struct str rest = buf_str(&a->reply.body);
    size_t n = 0;
    for (;;) {
        size_t at = str_find(rest, STR("\"id\":\"u"));
        if (at == rest.n || n == 31) break;
        ret[n++] = rest.p[at + 7];
        rest = str_sub(rest, at + 8, rest.n);
    }
    ret[n] = '\0';
    return ret;
}

static void expect_users(struct sim *sim, const char *query, const char *numbers) {
    char url[512], found[32];
    snprintf(url, sizeof url, "/api/v1/users%s", query);
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, url);
    if (a.reply.status != 200 || strcmp(users_of(&a, found), numbers) != 0)
        print_error("%s: %d %.*s\n", query, a.reply.status, STR_ARG(buf_str(&a.reply.body)));
    assert_int_equal(a.reply.status, 200);
    assert_string_equal(users_of(&a, found), numbers);
}

static void lists_filters_and_searches_find_who_they_should(void **state) {
    (void)state;
    static const struct {
        const char *query, *numbers;
    } rows[] = {
        {"", "123"},
        {"?filter=status+eq+%22ACTIVE%22", "13"},
        {"?filter=status+eq+%22active%22", ""},
        {"?filter=status+eq+%22DEPROVISIONED%22", "4"},
        {"?filter=profile.login+eq+%22ada@a.test%22+or+id+eq+%22u3%22", "13"},
        {"?filter=profile.firstName+eq+%22Bob%22+and+status+eq+%22ACTIVE%22", ""},
        {"?filter=profile.email+eq+%22ada@a.test%22", "1"},
        {"?filter=lastUpdated+gt+%222026-11-21T12:00:00.000Z%22", "234"},
        {"?filter=lastUpdated+le+%222026-11-22%22", "12"},
        {"?search=profile.firstName+eq+%22BOB%22", "2"},
        {"?search=profile.firstName+sw+%22bob%22", "23"},
        {"?search=profile.login+co+%22A.TEST%22", "124"},
        {"?search=profile.lastName+pr+and+status+eq+%22active%22", "13"},
        {"?search=profile.mobilePhone+pr", ""},
        {"?search=lastUpdated+ge+%222026-11-23%22", "34"},
        {"?q=bo", "23"},
        {"?q=vole&limit=2", "12"},
        {"?q=nobody", ""},
    };
    AUTO(sim) struct sim *sim = sim_with_four();
    for (size_t i = 0; i < LEN(rows); i++) expect_users(sim, rows[i].query, rows[i].numbers);
}

static void wrong_questions_get_oktas_codes(void **state) {
    (void)state;
    static const struct {
        const char *query, *code;
    } rows[] = {
        {"?filter=profile.login+sw+%22a%22", "E0000031"},
        {"?filter=not+(status+eq+%22ACTIVE%22)", "E0000031"},
        {"?filter=profile.mobilePhone+eq+%22a%22", "E0000031"},
        {"?filter=status+gt+%22A%22", "E0000031"},
        {"?search=profile.login+ne+%22a%22", "E0000031"},
        {"?search=Profile.login+eq+%22a%22", "E0000031"},
        {"?search=profile.login+eq+", "E0000031"},
        {"?limit=0", "E0000001"},
        {"?limit=x", "E0000001"},
        {"?after=u9", "E0000001"},
        {"?q=%zz", "E0000001"},
    };
    AUTO(sim) struct sim *sim = sim_with_four();
    for (size_t i = 0; i < LEN(rows); i++) {
        char url[256];
        snprintf(url, sizeof url, "/api/v1/users%s", rows[i].query);
        AUTO_FINI(test_answer) struct test_answer a = test_get(sim, url);
        if (a.reply.status != 400 || !test_has(&a, rows[i].code))
            print_error("%s: %.*s\n", rows[i].query, STR_ARG(buf_str(&a.reply.body)));
        assert_int_equal(a.reply.status, 400);
        assert_true(test_has(&a, rows[i].code));
    }
}

static void a_user_is_found_by_id_login_and_short_login(void **state) {
    (void)state;
    static const struct {
        const char *name, *number; // NULL: 404
    } rows[] = {
        {"u1", "1"}, {"ada@a.test", "1"}, {"ADA%40a.test", "1"}, {"ada", "1"},
        {"cy", "4"}, {"bob", NULL},       {"nobody", NULL},      {"bob%40a.test", "2"},
    };
    AUTO(sim) struct sim *sim = sim_with_four();
    for (size_t i = 0; i < LEN(rows); i++) {
        char url[128], found[32];
        snprintf(url, sizeof url, "/api/v1/users/%s", rows[i].name);
        AUTO_FINI(test_answer) struct test_answer a = test_get(sim, url);
        assert_int_equal(a.reply.status, rows[i].number ? 200 : 404);
        if (rows[i].number) assert_string_equal(users_of(&a, found), rows[i].number);
        else
            assert_true(test_has(&a, "\"E0000007\",\"errorSummary\":\"Not found: Resource not "
                                     "found: "));
    }
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/users/x%40y");
    assert_true(test_has(&a, "not found: x@y (User)\""));
}

static void pages_lead_on_until_there_are_no_more(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with_four();
    char found[32];
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/users?limit=2");
    assert_string_equal(users_of(&a, found), "12");
    assert_string_equal(a.self, "/api/v1/users?limit=2");
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, a.next);
    assert_string_equal(users_of(&b, found), "3");
    assert_string_equal(b.next, "");
    AUTO_FINI(test_answer)
    struct test_answer c =
        test_get(sim, "/api/v1/users?limit=1&search=profile.login+co+%22a.test%22");
    assert_non_null(strstr(c.next, "search=profile.login+co+%22a.test%22"));
    AUTO_FINI(test_answer) struct test_answer d = test_get(sim, c.next);
    assert_string_equal(users_of(&d, found), "2");
    AUTO_FINI(test_answer) struct test_answer e = test_get(sim, d.next);
    assert_string_equal(users_of(&e, found), "4");
    assert_string_equal(e.next, "");
}

static void the_company_s_people_are_users(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = test_sim(NOW);
    const struct company *company = generator_company(sim->generator);
    int64_t now_ms = test_instant(NOW);
    assert_int_equal(users_add_company(sim->users, company, sim->reader, now_ms), 0);
    assert_int_equal(sim->users->n, COMPANY_PEOPLE);
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/users");
    assert_int_equal(test_count(sim, &a), 200);
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, a.next);
    assert_int_equal(test_count(sim, &b), COMPANY_PEOPLE - 200);
    for (size_t i = 0; i < COMPANY_PEOPLE; i++) {
        assert_ptr_equal(users_find(sim->users, str_from(company->people[i].login)),
                         &sim->users->each[i]);
        assert_int_equal(strlen(sim->users->each[i].id), 20);
    }
}

static void users_are_made_whole_changed_and_removed(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = test_sim(NOW);
    test_control(sim, "POST", "/_sim/users",
                 "[{\"profile\":{\"login\":\"x@y\"}},{\"profile\":{\"login\":\"z@y\"}}]");
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/users/x");
    assert_true(test_has(&a, "\"status\":\"ACTIVE\",\"created\":\"2026-11-22T10:00:00.000Z\""));
    assert_true(test_has(&a, "\"email\":\"x@y\""));
    assert_true(test_has(&a, "\"_links\":{\"self\":{\"href\":\"http://org.test/api/v1/users/00u"));
    test_control(sim, "POST", "/_sim/users",
                 "{\"status\":\"SUSPENDED\",\"profile\":{\"login\":\"x@y\"}}");
    assert_int_equal(sim->users->n, 2);
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, "/api/v1/users/x@y");
    assert_true(test_has(&b, "\"status\":\"SUSPENDED\""));
    test_control(sim, "DELETE", "/_sim/users?user=x@y", NULL);
    AUTO_FINI(test_answer) struct test_answer c = test_get(sim, "/api/v1/users/x@y");
    assert_int_equal(c.reply.status, 404);
    test_control(sim, "DELETE", "/_sim/users", NULL);
    assert_int_equal(sim->users->n, 0);
    static const char *const wrong[] = {"7", "[{}]", "{\"profile\":{}}",
                                        "{\"id\":\"\",\"profile\":{\"login\":\"a\"}}"};
    for (size_t i = 0; i < LEN(wrong); i++) {
        AUTO_FINI(test_answer)
        struct test_answer d = test_request(sim, "POST", "/_sim/users", NULL, wrong[i]);
        assert_int_equal(d.reply.status, 400);
    }
}

static void users_have_their_own_limits(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = sim_with_four();
    test_control(sim, "POST", "/_sim/settings", "{\"users_rate_limit\":4,\"user_rate_limit\":6}");
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/users");
    assert_string_equal(test_header(&a, "x-rate-limit-limit"), "2");
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, "/api/v1/users/u1");
    assert_string_equal(test_header(&b, "x-rate-limit-limit"), "3");
    assert_string_equal(test_header(&b, "x-rate-limit-remaining"), "2");
    test_control(sim, "POST", "/_sim/faults", "{\"kind\":\"503\",\"path\":\"users\"}");
    AUTO_FINI(test_answer) struct test_answer c = test_get(sim, "/api/v1/users");
    assert_int_equal(c.reply.status, 503);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_filters_and_searches_find_who_they_should),
        cmocka_unit_test(wrong_questions_get_oktas_codes),
        cmocka_unit_test(a_user_is_found_by_id_login_and_short_login),
        cmocka_unit_test(pages_lead_on_until_there_are_no_more),
        cmocka_unit_test(the_company_s_people_are_users),
        cmocka_unit_test(users_are_made_whole_changed_and_removed),
        cmocka_unit_test(users_have_their_own_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
