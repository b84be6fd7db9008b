// SPDX-License-Identifier: Apache-2.0
// What Okta's answers about users, factors and transactions are taken for: okta-api sections 4.1
// to 4.5, row by row, and what nobody would expect.
#include "push-test.h"

#define MANY_TEXTS 5

// Asks once, and gets that answer.
static struct fixture *answered(enum asked what, int status, const char *headers,
                                const char *body) {
    struct step step = {.end = STEP_KEEP};
    struct fixture *f = start(&step, 1);
    AUTO_MEM char *bytes = answer_of(f, status, headers, body);
    step.bytes = bytes;
    ask(f, what);
    assert_int_equal(f->server.asked, 1);
    f->server.steps = NULL;
    return f;
}

static void check(const struct fixture *f, size_t row, enum okta_ask_result result,
                  const char *says) {
    const struct okta_answer *a = &f->got.answer;
    if (a->result != result || !strstr(a->fault.text, says))
        fail_msg("row %zu: %s: %s", row, okta_ask_result_name(a->result), a->fault.text);
}

// ---- users ----

#define PERSON(id, status, login, email)                                                           \
    "{\"id\":\"" id "\",\"status\":\"" status "\",\"profile\":{\"login\":\"" login                 \
    "\",\"email\":\"" email "\"}}"
#define AL "al@acme.com"

struct users_row {
    const char *body;
    bool by_email;
    enum okta_ask_result result;
    size_t count;
    bool active;
    const char *says;
};

static const struct users_row users[] = {
    {"[]", false, OKTA_ASK_ANSWERED, 0, false, ""},
    {"[" PERSON("00u1", "ACTIVE", AL, "x@y") "]", false, OKTA_ASK_ANSWERED, 1, true, ""},
    {"[" PERSON("00u1", "PASSWORD_EXPIRED", AL, "x@y") "]", false, OKTA_ASK_ANSWERED, 1, true, ""},
    {"[" PERSON("00u1", "RECOVERY", AL, "x@y") "]", false, OKTA_ASK_ANSWERED, 1, true, ""},
    {"[" PERSON("00u1", "STAGED", AL, "x@y") "]", false, OKTA_ASK_ANSWERED, 1, false, ""},
    {"[" PERSON("00u1", "PROVISIONED", AL, "x@y") "]", false, OKTA_ASK_ANSWERED, 1, false, ""},
    {"[" PERSON("00u1", "LOCKED_OUT", AL, "x@y") "]", false, OKTA_ASK_ANSWERED, 1, false, ""},
    {"[" PERSON("00u1", "SUSPENDED", AL, "x@y") "]", false, OKTA_ASK_ANSWERED, 1, false, ""},
    {"[" PERSON("00u1", "DEPROVISIONED", AL, "x@y") "]", false, OKTA_ASK_ANSWERED, 1, false, ""},
    {"[" PERSON("00u1", "active", AL, "x@y") "]", false, OKTA_ASK_ANSWERED, 1, false, ""},
    {"[" PERSON("00u1", "", AL, "x@y") "]", false, OKTA_ASK_ANSWERED, 1, false, ""},
    {"[{\"id\":\"00u1\",\"profile\":{\"login\":\"" AL "\"}}]", false, OKTA_ASK_ANSWERED, 1, false,
     ""},
    {"[{\"id\":\"00u1\",\"status\":[\"ACTIVE\"],\"profile\":{\"login\":\"" AL "\"}}]", false,
     OKTA_ASK_ANSWERED, 1, false, ""},
    {"[" PERSON("00u1", "ACTIVE", "x", AL) "]", true, OKTA_ASK_ANSWERED, 1, true, ""},
    {"[" PERSON("00u1", "ACTIVE", "x", AL) "," PERSON("00u2", "ACTIVE", "y", AL) "]", true,
     OKTA_ASK_ANSWERED, 2, true, ""},
    {"[" PERSON("00u1", "ACTIVE", AL, "") "," PERSON("00u2", "ACTIVE", AL, "") ",7]", false,
     OKTA_ASK_ANSWERED, 2, true, ""},
    // in another case
    {"[" PERSON("00u1", "ACTIVE", "AL@acme.com", "") "]", false, OKTA_ASK_ANSWERED, 1, true, ""},
    {"[" PERSON("00u1", "ACTIVE", "x", "Al@acme.com") "]", true, OKTA_ASK_ANSWERED, 1, true, ""},
    // somebody else
    {"[" PERSON("00u1", "ACTIVE", "bo@acme.com", AL) "]", false, OKTA_ASK_STRANGE, 0, false,
     "another login"},
    {"[" PERSON("00u1", "ACTIVE", AL, "bo@acme.com") "]", true, OKTA_ASK_STRANGE, 0, false,
     "another login"},
    {"[" PERSON("00u1", "ACTIVE", AL " ", "") "]", false, OKTA_ASK_STRANGE, 0, false, "another"},
    {"[" PERSON("00u1", "ACTIVE", AL, "") "," PERSON("00u2", "ACTIVE", "bo", "") "]", false,
     OKTA_ASK_STRANGE, 1, true, "another"},
    {"[{\"id\":\"00u1\",\"status\":\"ACTIVE\"}]", false, OKTA_ASK_STRANGE, 0, false, "another"},
    {"[{\"id\":\"00u1\",\"status\":\"ACTIVE\",\"profile\":null}]", true, OKTA_ASK_STRANGE, 0, false,
     "another"},
    {"[{\"id\":\"00u1\",\"profile\":{\"login\":[\"" AL "\"]}}]", false, OKTA_ASK_STRANGE, 0, false,
     "another"},
    // no user
    {"[" PERSON("", "ACTIVE", AL, "") "]", false, OKTA_ASK_STRANGE, 0, false, "without an id"},
    {"[" PERSON("../x", "ACTIVE", AL, "") "]", false, OKTA_ASK_STRANGE, 0, false, "without an id"},
    {"[" PERSON("..", "ACTIVE", AL, "") "]", false, OKTA_ASK_STRANGE, 0, false, "without an id"},
    {"[{\"profile\":{\"login\":\"" AL "\"}}]", false, OKTA_ASK_STRANGE, 0, false, "without an id"},
    {"[null]", false, OKTA_ASK_STRANGE, 0, false, "without an id"},
    {PERSON("00u1", "ACTIVE", AL, ""), false, OKTA_ASK_STRANGE, 0, false, "no list of users"},
    {"null", false, OKTA_ASK_STRANGE, 0, false, "no list of users"},
    {"", false, OKTA_ASK_STRANGE, 0, false, "empty body instead of a list of users"},
    {"<html>Sign in</html>", false, OKTA_ASK_STRANGE, 0, false, "web page instead of a list"},
    {"[{\"id\"", false, OKTA_ASK_STRANGE, 0, false, "a list of users is cut off"},
    {"SSWS " API_KEY, false, OKTA_ASK_STRANGE, 0, false, "repeats the API token"},
};

static void a_user_is_taken_only_by_the_name_that_was_asked_for(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(users); i++) {
        const struct users_row *row = &users[i];
        struct step step = {.end = STEP_KEEP};
        struct fixture *f = start(&step, 1);
        AUTO_MEM char *bytes = answer_of(f, 200, "", row->body);
        step.bytes = bytes;
        find(f, AL, row->by_email);
        check(f, i, row->result, row->says);
        if (f->got.answer.user_count != row->count || f->got.active[0] != row->active)
            fail_msg("row %zu", i);
        if (row->count) assert_string_equal(f->got.users[0][0], "00u1");
        if (row->count == 2) assert_string_equal(f->got.users[1][0], "00u2");
        finish(f);
    }
}

static void a_user_s_login_and_status_are_told(void **state) {
    (void)state;
    struct fixture *f = answered(FIND, 200, "", "[" PERSON("00u1", "LOCKED_OUT", AL, "mail") "]");
    assert_string_equal(f->got.users[0][1], AL);
    assert_string_equal(f->got.users[0][2], "LOCKED_OUT");
    finish(f);
}

// ---- factors ----

static const char factor_list[] =
    "[{\"id\":\"opf2\",\"factorType\":\"push\",\"provider\":\"OKTA\",\"vendorName\":\"OKTA\","
    "\"status\":\"ACTIVE\",\"created\":\"2026-11-22T10:00:00.000Z\","
    "\"lastUpdated\":\"2026-11-22T10:00:01.500Z\",\"profile\":{\"credentialId\":\"al@acme.com\","
    "\"deviceType\":\"SmartPhone_IPhone\",\"keys\":[{\"kty\":\"RSA\"}],\"name\":\"Al's phone\"},"
    "\"_links\":{}},"
    "{\"id\":\"a/b\",\"factorType\":\"push\"},{\"factorType\":\"push\"},7,null,[],"
    "{\"id\":\"ost3\",\"factorType\":null,\"provider\":7,\"status\":[],\"created\":\"soon\","
    "\"lastUpdated\":1,\"profile\":[]},"
    "{\"id\":\"ost4\",\"profile\":{\"name\":null}}]";

static void factors_are_listed_as_far_as_they_can_be_used(void **state) {
    (void)state;
    static const char *const wanted[][MANY_TEXTS] = {
        {"opf2", "push", "OKTA", "ACTIVE", "Al's phone"},
        {"ost3", "", "", "", ""},
        {"ost4", "", "", "", ""},
    };
    struct fixture *f = answered(LIST, 200, "", factor_list);
    assert_int_equal(f->got.answer.result, OKTA_ASK_ANSWERED);
    assert_int_equal(f->got.answer.factor_count, LEN(wanted));
    for (size_t i = 0; i < LEN(wanted); i++)
        for (size_t k = 0; k < MANY_TEXTS; k++)
            assert_string_equal(f->got.factors[i][k], wanted[i][k]);
    assert_int_equal(f->got.times[0][0], INT64_C(1795341600000));
    assert_int_equal(f->got.times[0][1], INT64_C(1795341601500));
    assert_int_equal(f->got.times[1][0], 0);
    assert_int_equal(f->got.times[1][1], 0);
    finish(f);
}

static const char *const no_factor_lists[] = {
    "{}", "null", "7", "\"push\"", "{\"errorCode\":\"E0000007\"}", "", "[", "<html>",
};

static void what_is_no_list_of_factors_is_strange(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(no_factor_lists); i++) {
        struct fixture *f = answered(LIST, 200, "", no_factor_lists[i]);
        check(f, i, OKTA_ASK_STRANGE, "factors");
        assert_int_equal(f->got.answer.factor_count, 0);
        finish(f);
    }
    struct fixture *f = answered(LIST, 200, "", "[]");
    check(f, 0, OKTA_ASK_ANSWERED, "");
    assert_int_equal(f->got.answer.factor_count, 0);
    finish(f);
}

// ---- results: section 4.4 ----

struct result_row {
    const char *json; // of factorResult
    enum okta_factor_result result;
    const char *text;
};

static const struct result_row results[] = {
    {"\"SUCCESS\"", OKTA_FACTOR_SUCCESS, "SUCCESS"},
    {"\"WAITING\"", OKTA_FACTOR_WAITING, "WAITING"},
    {"\"REJECTED\"", OKTA_FACTOR_REJECTED, "REJECTED"},
    {"\"TIMEOUT\"", OKTA_FACTOR_TIMEOUT, "TIMEOUT"},
    {"\"CHALLENGE\"", OKTA_FACTOR_OTHER, "CHALLENGE"},
    {"\"TIME_WINDOW_EXCEEDED\"", OKTA_FACTOR_OTHER, "TIME_WINDOW_EXCEEDED"},
    {"\"CANCELLED\"", OKTA_FACTOR_OTHER, "CANCELLED"},
    {"\"CANCELED\"", OKTA_FACTOR_OTHER, "CANCELED"},
    {"\"ERROR\"", OKTA_FACTOR_OTHER, "ERROR"},
    {"\"EXPIRED\"", OKTA_FACTOR_OTHER, "EXPIRED"},
    {"\"FAILED\"", OKTA_FACTOR_OTHER, "FAILED"},
    {"\"PASSCODE_REPLAYED\"", OKTA_FACTOR_OTHER, "PASSCODE_REPLAYED"},
    {"\"WAITING (with number matching challenge)\"", OKTA_FACTOR_OTHER,
     "WAITING (with number matching challenge)"},
    {"\"success\"", OKTA_FACTOR_OTHER, "success"},
    {"\"SUCCESS \"", OKTA_FACTOR_OTHER, "SUCCESS "},
    {"\"SUCCESS\\u0000\"", OKTA_FACTOR_OTHER, "SUCCESS"}, // as far as a C string shows it
    {"\"\"", OKTA_FACTOR_OTHER, ""},
};

static void nothing_but_success_is_success(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(results); i++) {
        char body[128];
        snprintf(body, sizeof body, "{\"factorResult\":%s}", results[i].json);
        for (int what = PUSH; what <= POLL; what++) {
            struct fixture *f = answered((enum asked)what, 200, "", body);
            check(f, i, OKTA_ASK_ANSWERED, "");
            assert_int_equal(f->got.answer.transaction.result, results[i].result);
            assert_string_equal(f->got.result_text, results[i].text);
            assert_int_equal(f->got.answer.transaction.number, -1);
            assert_int_equal(f->got.answer.transaction.expires_ms, 0);
            assert_string_equal(f->got.poll, "");
            finish(f);
        }
    }
}

static const char *const no_results[] = {
    "{}",
    "{\"factorResult\":null}",
    "{\"factorResult\":true}",
    "{\"factorResult\":1}",
    "{\"factorResult\":[\"SUCCESS\"]}",
    "{\"factorResult\":{\"SUCCESS\":\"SUCCESS\"}}",
    "{\"factorresult\":\"SUCCESS\"}",
    "{\"_embedded\":{\"factorResult\":\"SUCCESS\"}}",
    "{\"factorResult\":\"SUCCESS\",\"factorResult\":null}",
    "{\"errorCode\":\"E0000070\"}",
    "[{\"factorResult\":\"SUCCESS\"}]",
    "\"SUCCESS\"",
    "SUCCESS",
    "",
    "{\"factorResult\":\"SUCCESS\"",
    "{\"factorResult\":\"SUCCESS\"} {}",
    "<html>SUCCESS</html>",
};

static void a_success_without_a_result_is_strange(void **state) {
    (void)state;
    static const int statuses[] = {200, 201, 202, 299};
    for (size_t i = 0; i < LEN(no_results); i++) {
        for (int what = PUSH; what <= POLL; what++) {
            struct fixture *f =
                answered((enum asked)what, statuses[i % LEN(statuses)], "", no_results[i]);
            check(f, i, OKTA_ASK_STRANGE, "answered 2");
            assert_int_equal(f->got.answer.transaction.result, OKTA_FACTOR_OTHER);
            finish(f);
        }
    }
}

static void any_status_of_success_will_do(void **state) {
    (void)state;
    for (int status = 200; status <= 203; status++) {
        struct fixture *f = answered(PUSH, status, "", "{\"factorResult\":\"WAITING\"}");
        check(f, (size_t)status, OKTA_ASK_ANSWERED, "");
        assert_int_equal(f->got.answer.status, status);
        finish(f);
    }
}

static const char whole[] =
    "{\"expiresAt\":\"2026-11-22T10:05:00.000Z\",\"factorResult\":\"WAITING\","
    "\"profile\":{\"credentialId\":\"al@acme.com\"},"
    "\"_links\":{\"poll\":{\"href\":\"http://127.0.0.1:PORT" TRANSACTION
    "\",\"hints\":{\"allow\":[\"GET\"]}},\"cancel\":{\"href\":\"http://127.0.0.1:PORT" TRANSACTION
    "\",\"hints\":{\"allow\":[\"DELETE\"]}}},"
    "\"_embedded\":{\"challenge\":{\"correctAnswer\":92}}}";

static void a_transaction_is_told_in_full(void **state) {
    (void)state;
    struct fixture *f = answered(PUSH, 201, "Date: Sun, 22 Nov 2026 10:00:00 GMT\r\n", whole);
    AUTO_MEM char *url = with_port(f, "http://127.0.0.1:PORT" TRANSACTION);
    const struct okta_transaction *t = &f->got.answer.transaction;
    check(f, 0, OKTA_ASK_ANSWERED, "");
    assert_int_equal(t->result, OKTA_FACTOR_WAITING);
    assert_string_equal(f->got.poll, url);
    assert_string_equal(f->got.cancel, url);
    assert_string_equal(f->got.id, "v2mst.3");
    assert_int_equal(t->expires_ms, INT64_C(1795341900000));
    assert_int_equal(t->number, 92);
    assert_int_equal(f->got.answer.date_ms, INT64_C(1795341600000));
    finish(f);
}

struct number_row {
    const char *json;
    int number;
};

static const struct number_row numbers[] = {
    {"92", 92},
    {"0", 0},
    {"\"07\"", 7},
    {"\"92\"", 92},
    {"-1", -1},
    {"9.5", -1},
    {"1e1", -1},
    {"\"x\"", -1},
    {"\"\"", -1},
    {"null", -1},
    {"[92]", -1},
    {"true", -1},
    {"{}", -1},
    {"\"-5\"", -1},
    {"\" 92\"", -1},
    {"2147483648", -1},
    {"99999999999999999999", -1},
    {"\"2147483647\"", 2147483647},
};

static void the_number_to_be_tapped_may_be_a_number_or_digits(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(numbers); i++) {
        char body[160];
        snprintf(
            body, sizeof body,
            "{\"factorResult\":\"WAITING\",\"_embedded\":{\"challenge\":{\"correctAnswer\":%s}}}",
            numbers[i].json);
        struct fixture *f = answered(i % 2 ? POLL : PUSH, 200, "", body);
        check(f, i, OKTA_ASK_ANSWERED, "");
        if (f->got.answer.transaction.number != numbers[i].number)
            fail_msg("%s: %d", numbers[i].json, f->got.answer.transaction.number);
        finish(f);
    }
}

static const char *const no_instants[] = {"null",     "7",  "\"\"",
                                          "\"soon\"", "[]", "\"2026-13-22T10:00:00Z\""};

static void an_end_that_cannot_be_read_is_not_told(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(no_instants); i++) {
        char body[128];
        snprintf(body, sizeof body, "{\"factorResult\":\"WAITING\",\"expiresAt\":%s}",
                 no_instants[i]);
        struct fixture *f = answered(POLL, 200, "", body);
        check(f, i, OKTA_ASK_ANSWERED, "");
        assert_int_equal(f->got.answer.transaction.expires_ms, 0);
        finish(f);
    }
}

// ---- links ----

#define HOME "http://127.0.0.1:PORT"

static const char *const good_links[] = {
    HOME TRANSACTION,
    "HTTP://127.0.0.1:PORT" TRANSACTION,
    HOME "/api/v1/users/%30%30u1/factors/opf%32/transactions/v2mst.3",
    HOME "/%61pi/v1/users/00u1/factors/opf2/transactions/v2mst.3",
    "https://acme.okta.com" TRANSACTION,
    "https://acme.okta.com:443" TRANSACTION,
    "https://dev-1.oktapreview.com" TRANSACTION,
};

// Okta's own hosts are taken, since a custom domain may be another name of such a one; but with
// https alone.
static const char *const bad_links[] = {
    "http://acme.okta.com" TRANSACTION,
    "https://acme.okta.com:8443" TRANSACTION,
    "https://acme.okta.com.evil.example" TRANSACTION,
    "https://evil-okta.com" TRANSACTION,
    "https://okta.com.evil.example" TRANSACTION,
    "https://acme.okta.com/api/v1/users/00u2/factors/opf2/transactions/v2mst.3",
    "http://127.0.0.2:PORT" TRANSACTION,
    "http://evil.example" TRANSACTION,
    "https://127.0.0.1:PORT" TRANSACTION,
    "http://127.0.0.1:1" TRANSACTION,
    "http://127.0.0.1" TRANSACTION,
    "http://127.0.0.1:PORT@evil.example" TRANSACTION,
    "http://al:pw@127.0.0.1:PORT" TRANSACTION,
    "http://127.0.0.1:PORT.evil.example" TRANSACTION,
    "http://127.0.0.1%3aPORT" TRANSACTION,
    "ftp://127.0.0.1:PORT" TRANSACTION,
    "//127.0.0.1:PORT" TRANSACTION,
    TRANSACTION,
    "",
    "nonsense",
    HOME,
    HOME "/",
    HOME "/api/v1/users/00u2/factors/opf2/transactions/v2mst.3",
    HOME "/api/v1/users/00u1/factors/opf1/transactions/v2mst.3",
    HOME "/api/v1/users/00U1/factors/opf2/transactions/v2mst.3",
    HOME "/api/v1/users//factors/opf2/transactions/v2mst.3",
    HOME "/api/v1/users/00u1/factors/opf2/transactions/",
    HOME "/api/v1/users/00u1/factors/opf2/transactions",
    HOME "/api/v1/users/00u1/factors/opf2/transactions/v2mst.3/",
    HOME "/api/v1/users/00u1/factors/opf2/transactions/v2mst.3/verify",
    HOME "/api/v1/users/00u1/factors/opf2/transactions/../transactions/v2mst.3",
    HOME "/api/v1/users/00u1/factors/opf2/transactions/..",
    HOME "/api/v1/users/00u1/factors/opf2/transactions/%2e%2e",
    HOME "/api/v1/users/00u1/factors/opf2/transactions/a%2Fb",
    HOME "/api/v1/users/00u1/factors/opf2/transactions/v2mst.3?x=1",
    HOME "/api/v1/users/00u1/factors/opf2/transactions/v2mst.3#x",
    HOME "?" TRANSACTION,
    HOME "//api/v1/users/00u1/factors/opf2/transactions/v2mst.3",
    HOME "/api/v1/users/00u1/factors/opf2/verify",
    HOME "/api/v1/users/00u1%2Ffactors/opf2/transactions/v2mst.3",
    HOME "/api/v1/users/%00u1/factors/opf2/transactions/v2mst.3",
    HOME "/api/v1/users/%3/factors/opf2/transactions/v2mst.3",
    HOME "/api/v1/users/00u1%/factors/opf2/transactions/v2mst.3",
    HOME "/api/v2/users/00u1/factors/opf2/transactions/v2mst.3",
    HOME "/x" TRANSACTION,
    HOME "\\\\@evil.example" TRANSACTION,
    HOME TRANSACTION "\\r\\nX: y",
    HOME TRANSACTION "\\u0000",
    HOME TRANSACTION " ",
    " " HOME TRANSACTION,
};

// How a link can stand in _links.
static const char *const forms[] = {
    "{\"factorResult\":\"WAITING\",\"_links\":{\"%s\":{\"href\":\"%s\"}}}",
    "{\"factorResult\":\"WAITING\",\"_links\":{\"%s\":[{\"href\":\"%s\"}]}}",
    "{\"factorResult\":\"WAITING\",\"_links\":{\"%s\":{\"href\":[\"%s\"]}}}",
};

static struct fixture *answered_link(enum asked what, const char *form, const char *relation,
                                     const char *link) {
    AUTO_FINI(buf) struct buf body = buf_make(10000);
    struct str rest = str_from(form);
    buf_add_str(&body, str_split(&rest, '%'));
    buf_addz(&body, relation);
    rest = str_sub(rest, 1, rest.n);
    buf_add_str(&body, str_split(&rest, '%'));
    buf_addz(&body, link);
    buf_add_str(&body, str_sub(rest, 1, rest.n));
    return answered(what, 201, "", buf_z(&body));
}

static void a_link_to_this_very_transaction_is_taken(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(good_links) * LEN(forms); i++) {
        const char *link = good_links[i % LEN(good_links)];
        const char *form = forms[i / LEN(good_links)];
        struct fixture *f = answered_link(i % 2 ? POLL : PUSH, form, "poll", link);
        AUTO_MEM char *url = with_port(f, link);
        check(f, i, OKTA_ASK_ANSWERED, "");
        assert_string_equal(f->got.poll, url);
        assert_string_equal(f->got.id, "v2mst.3");
        finish(f);
        f = answered_link(PUSH, form, "cancel", link);
        check(f, i, OKTA_ASK_ANSWERED, "");
        assert_string_equal(f->got.poll, "");
        assert_string_equal(f->got.id, "");
        assert_int_not_equal(f->got.cancel[0], 0);
        finish(f);
    }
}

static void a_link_to_anywhere_else_is_strange_and_not_handed_on(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(bad_links); i++) {
        const char *form = forms[i % LEN(forms)];
        struct fixture *f = answered_link(i % 2 ? POLL : PUSH, form, "poll", bad_links[i]);
        check(f, i, OKTA_ASK_STRANGE, "poll link leads to another");
        assert_string_equal(f->got.poll, "");
        assert_string_equal(f->got.id, "");
        finish(f);
        f = answered_link(PUSH, form, "cancel", bad_links[i]);
        check(f, i, OKTA_ASK_STRANGE, "cancel link leads to another");
        assert_string_equal(f->got.cancel, "");
        finish(f);
    }
}

static void a_poll_that_tells_of_another_transaction_is_strange(void **state) {
    (void)state;
    static const char other[] = HOME "/api/v1/users/00u1/factors/opf2/transactions/v2mst.4";
    struct fixture *f = answered_link(POLL, forms[0], "poll", other);
    check(f, 0, OKTA_ASK_STRANGE, "another");
    finish(f);
    f = answered_link(POLL, forms[0], "cancel", other);
    check(f, 1, OKTA_ASK_STRANGE, "another");
    finish(f);
    f = answered(PUSH, 201, "",
                 "{\"factorResult\":\"WAITING\",\"_links\":{\"poll\":{\"href\":\"" HOME TRANSACTION
                 "\"},\"cancel\":{\"href\":\"" HOME
                 "/api/v1/users/00u1/factors/opf2/transactions/v2mst.4\"}}}");
    check(f, 2, OKTA_ASK_STRANGE, "cancel link leads to another");
    assert_int_not_equal(f->got.poll[0], 0);
    assert_string_equal(f->got.cancel, "");
    finish(f);
}

static const char *const no_links[] = {
    "null",
    "[]",
    "7",
    "{}",
    "{\"poll\":null}",
    "{\"poll\":[]}",
    "{\"poll\":{\"href\":null}}",
    "{\"poll\":{\"href\":7}}",
    "{\"poll\":{\"href\":[]}}",
    "{\"poll\":\"http://evil.example/\"}",
    "{\"poll\":[\"http://evil.example/\"]}",
    "{\"verify\":{\"href\":\"http://evil.example/\"}}",
};

static void links_that_are_not_there_are_absent(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(no_links); i++) {
        char body[160];
        snprintf(body, sizeof body, "{\"factorResult\":\"REJECTED\",\"_links\":%s}", no_links[i]);
        struct fixture *f = answered(POLL, 200, "", body);
        check(f, i, OKTA_ASK_ANSWERED, "");
        assert_null(f->got.answer.transaction.poll_url.p);
        assert_null(f->got.answer.transaction.cancel_url.p);
        assert_null(f->got.answer.transaction.id.p);
        finish(f);
    }
}

// ---- errors: section 4.5 ----

struct error_row {
    int status;
    const char *code; // in the body; NULL: an empty body
    enum okta_ask_result result;
    const char *says;
};

static const struct error_row errors[] = {
    {403, "E0000068", OKTA_ASK_DENIED, "the code is wrong"},
    {403, "E0000069", OKTA_ASK_DENIED, "Directory > People"},
    {403, "E0000073", OKTA_ASK_DENIED, "said no"},
    {403, "E0000079", OKTA_ASK_DENIED, "no state"},
    {403, "E0000082", OKTA_ASK_DENIED, "used before"},
    {403, "E0000083", OKTA_ASK_DENIED, "clock"},
    {400, "E0000074", OKTA_ASK_DENIED, "service failed"},
    {504, "E0000067", OKTA_ASK_RETRY, "in time"},
    {403, "E0000067", OKTA_ASK_RETRY, "in time"},
    {403, "E0000038", OKTA_ASK_DENIED, "status"},
    {410, "E0000154", OKTA_ASK_DENIED, "not active"},
    {410, "E0000156", OKTA_ASK_DENIED, "id"},
    {423, "E0000155", OKTA_ASK_DENIED, "not active"},
    {423, "E0000180", OKTA_ASK_DENIED, "suspended"},
    {404, "E0000007", OKTA_ASK_DENIED, "no such user, factor or transaction"},
    {404, "E0000191", OKTA_ASK_DENIED, "is over"},
    {403, "E0000006", OKTA_ASK_REFUSED, "Security > Administrators"},
    {429, "E0000047", OKTA_ASK_RATE_LIMITED, "rate limit"},
    {429, NULL, OKTA_ASK_RATE_LIMITED, "rate limit"},
    {429, "E0000109", OKTA_ASK_DENIED, "too often"},
    {429, "E0000118", OKTA_ASK_DENIED, "too often"},
    {429, "E0000133", OKTA_ASK_DENIED, "too often"},
    {403, "E0000150", OKTA_ASK_DENIED, "403 E0000150"},
    {403, "E0000151", OKTA_ASK_DENIED, "403 E0000151"},
    {429, "E0000204", OKTA_ASK_DENIED, "too often"},
    {429, "E0000205", OKTA_ASK_DENIED, "too often"},
    {409, "E0000113", OKTA_ASK_DENIED, "another challenge"},
    {400, "E0000001", OKTA_ASK_DENIED, "in Okta's words"},
    {400, "E0000003", OKTA_ASK_DENIED, "E0000003"},
    {400, "E0000018", OKTA_ASK_DENIED, "E0000018"},
    {400, "E0000019", OKTA_ASK_DENIED, "E0000019"},
    {400, "E0000021", OKTA_ASK_DENIED, "E0000021"},
    {405, "E0000022", OKTA_ASK_DENIED, "E0000022"},
    {406, "E0000122", OKTA_ASK_DENIED, "E0000122"},
    {411, NULL, OKTA_ASK_DENIED, "length"},
    {500, "E0000009", OKTA_ASK_RETRY, "took too long"},
    {503, "E0000010", OKTA_ASK_RETRY, "read-only mode"},
    // our credentials
    {401, "E0000011", OKTA_ASK_REFUSED, "Security > API > Tokens"},
    {401, "E0000015", OKTA_ASK_REFUSED, "feature"},
    {401, "E0000004", OKTA_ASK_REFUSED, "create a new one"},
    {401, NULL, OKTA_ASK_REFUSED, "create a new one"},
    {403, "E0000005", OKTA_ASK_REFUSED, "no valid credentials"},
    {403, NULL, OKTA_ASK_REFUSED, "network zone"},
    // everything else
    {400, NULL, OKTA_ASK_DENIED, "400"},
    {404, NULL, OKTA_ASK_DENIED, "base URL"},
    {407, NULL, OKTA_ASK_RETRY, "proxy_url"},
    {408, NULL, OKTA_ASK_RETRY, "408"},
    {418, "E9", OKTA_ASK_DENIED, "418 E9"},
    {425, NULL, OKTA_ASK_RETRY, "425"},
    {500, NULL, OKTA_ASK_RETRY, "500"},
    {502, NULL, OKTA_ASK_RETRY, "502"},
    {504, NULL, OKTA_ASK_RETRY, "504"},
    {503, "E0000047", OKTA_ASK_RATE_LIMITED, "rate limit"},
    {304, NULL, OKTA_ASK_STRANGE, "304"},
    {600, NULL, OKTA_ASK_STRANGE, "600"},
};

static void each_error_has_its_meaning_and_says_what_to_do(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(errors); i++) {
        const struct error_row *row = &errors[i];
        char body[256] = "";
        if (row->code)
            snprintf(body, sizeof body,
                     "{\"errorCode\":\"%s\",\"errorSummary\":\"in Okta's words\","
                     "\"errorCauses\":[{\"errorSummary\":\"the cause\"}]}",
                     row->code);
        for (int what = FIND; what <= WITHDRAW; what++) {
            struct fixture *f = answered((enum asked)what, row->status, "", body);
            check(f, i, row->result, row->says);
            assert_string_equal(f->got.error_code, row->code ? row->code : "");
            assert_int_equal(f->got.answer.status, row->status);
            bool limited = row->result == OKTA_ASK_RATE_LIMITED;
            assert_int_equal(f->got.answer.wait_ms >= 1000, limited);
            if (row->code) assert_non_null(strstr(f->got.answer.fault.text, "words; the cause"));
            assert_int_equal(f->got.answer.transaction.result, OKTA_FACTOR_OTHER);
            assert_null(strchr(f->got.answer.fault.text, '\n'));
            finish(f);
        }
    }
}

struct odd_row {
    int status;
    const char *headers, *body;
    enum okta_ask_result result;
    const char *says;
};

static const struct odd_row odd[] = {
    {403, "", "<h1>Blocked</h1>", OKTA_ASK_REFUSED, "firewall"},
    {403, "WWW-Authenticate: Bearer error=\"insufficient_scope\"\r\n", "", OKTA_ASK_REFUSED, "403"},
    {400, "", "{\"errorCode\":null,\"errorSummary\":7,\"errorCauses\":{}}", OKTA_ASK_DENIED, "400"},
    {400, "", "{\"errorCode\":\"a\\nb\"}", OKTA_ASK_DENIED, "400"},
    {400, "", "{\"errorCode\":\"" API_KEY "\"}", OKTA_ASK_DENIED, "400"},
    {400, "", "{\"errorSummary\":\"got SSWS " API_KEY "\"}", OKTA_ASK_DENIED, "not shown"},
    {400, "", "not json", OKTA_ASK_DENIED, "not json"},
    {302, "Location: https://login.example/?session=s3cret\r\n", "", OKTA_ASK_STRANGE,
     "https://login.example:"},
    {301, "Location: /x\r\n", "", OKTA_ASK_STRANGE, "another page"},
};

static void odd_errors_are_refused_without_giving_anything_away(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(odd); i++) {
        for (int what = FIND; what <= WITHDRAW; what++) {
            struct fixture *f =
                answered((enum asked)what, odd[i].status, odd[i].headers, odd[i].body);
            check(f, i, odd[i].result, odd[i].says);
            assert_null(strstr(f->got.answer.fault.text, "s3cret"));
            finish(f);
        }
    }
}

static void a_code_that_is_repeated_is_not_shown(void **state) {
    (void)state;
    static const struct odd_row rows[] = {
        {403, "", "{\"errorCode\":\"E0000068\",\"errorSummary\":\"not " CODE "\"}", OKTA_ASK_DENIED,
         "not shown"},
        {200, "", "you sent {\"passCode\":\"" CODE "\"}", OKTA_ASK_STRANGE, "not shown"},
        {502, "", "<p>" CODE "</p>", OKTA_ASK_RETRY, "not shown"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct fixture *f = answered(TRY_CODE, rows[i].status, "", rows[i].body);
        check(f, i, rows[i].result, rows[i].says);
        finish(f);
    }
}

static void an_answer_that_is_too_large_is_strange(void **state) {
    (void)state;
    for (int what = FIND; what <= POLL; what++) {
        const struct step step = {"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n[", 0,
                                  STEP_CLOSE};
        struct fixture *f = start(&step, 1);
        ask(f, (enum asked)what);
        check(f, 0, OKTA_ASK_STRANGE, "too large");
        finish(f);
    }
}

static void results_have_names(void **state) {
    (void)state;
    static const char *const names[] = {"answered", "rate_limited", "retry",
                                        "refused",  "denied",       "strange"};
    for (size_t i = 0; i < LEN(names); i++)
        assert_string_equal(okta_ask_result_name((enum okta_ask_result)i), names[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_is_taken_only_by_the_name_that_was_asked_for),
        cmocka_unit_test(a_user_s_login_and_status_are_told),
        cmocka_unit_test(factors_are_listed_as_far_as_they_can_be_used),
        cmocka_unit_test(what_is_no_list_of_factors_is_strange),
        cmocka_unit_test(nothing_but_success_is_success),
        cmocka_unit_test(a_success_without_a_result_is_strange),
        cmocka_unit_test(any_status_of_success_will_do),
        cmocka_unit_test(a_transaction_is_told_in_full),
        cmocka_unit_test(the_number_to_be_tapped_may_be_a_number_or_digits),
        cmocka_unit_test(an_end_that_cannot_be_read_is_not_told),
        cmocka_unit_test(a_link_to_this_very_transaction_is_taken),
        cmocka_unit_test(a_link_to_anywhere_else_is_strange_and_not_handed_on),
        cmocka_unit_test(a_poll_that_tells_of_another_transaction_is_strange),
        cmocka_unit_test(links_that_are_not_there_are_absent),
        cmocka_unit_test(each_error_has_its_meaning_and_says_what_to_do),
        cmocka_unit_test(odd_errors_are_refused_without_giving_anything_away),
        cmocka_unit_test(a_code_that_is_repeated_is_not_shown),
        cmocka_unit_test(an_answer_that_is_too_large_is_strange),
        cmocka_unit_test(results_have_names),
    };
    return cmocka_run_group_tests_name("push_answers", tests, NULL, NULL);
}
