// SPDX-License-Identifier: Apache-2.0
// The documents of the gate's MFA: each passes what outputs read them by, and says what it is to
// say, no more.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "mfa/document.h"
#include "watch/audited.h"
#include "json/read.h"

enum { NOW_S = 1700000060 };
static const int64_t now_ms = NOW_S * 1000LL;

// A document, read.
struct paper {
    struct buf text;
    struct json_reader *reader;
    const struct json *json;
};

static void paper_open(struct paper *p) {
    *p = (struct paper){.text = buf_make(1 << 20)};
    assert_int_equal(json_reader_new(&p->reader), 0);
}

static void paper_close(struct paper *p) {
    buf_fini(&p->text);
    json_reader_free(p->reader);
}

// `r`: what writing it gave.
static void paper_read(struct paper *p, int r, const char *action, const char *actor) {
    AUTO(audited) struct audited *audited = NULL;
    struct ecs_facts facts;
    struct fault fault = {{0}};
    assert_int_equal(r, 0);
    assert_int_equal(audited_new(&audited), 0);
    if (audited_facts(audited, buf_str(&p->text), &facts, &fault)) fail_msg("%s", fault.text);
    assert_int_equal(facts.uuid.n, 36);
    assert_true(facts.has_published && facts.published_ms == now_ms);
    assert_true(str_eqz(facts.event_type, action));
    assert_true(str_eqz(facts.actor, actor));
    assert_int_equal(json_read(p->reader, buf_str(&p->text), &p->json, &fault), 0);
    assert_true(str_eqz(json_str(json_path(p->json, "ecs.version")), "8.11.0"));
    assert_true(str_eqz(json_str(json_path(p->json, "event.dataset")), "gatehouse.mfa"));
    assert_true(str_eqz(json_str(json_path(p->json, "data_stream.dataset")), "gatehouse.mfa"));
}

// `wanted` NULL: it is not there.
static void says(const struct paper *p, const char *path, const char *wanted) {
    const struct json *v = json_path(p->json, path);
    struct str text = json_type(v) == JSON_NUMBER ? json_number(v) : json_str(v);
    if (wanted ? !str_eqz(text, wanted) : v != NULL)
        fail_msg("%s: \"%.*s\" instead of \"%s\" in %.*s", path, STR_ARG(text),
                 wanted ? wanted : "nothing", STR_ARG(buf_str(&p->text)));
}

static void lists(const struct paper *p, const char *path, const char *wanted) {
    AUTO_FINI(buf) struct buf found = buf_make(1 << 10);
    struct json_iter it = json_iter(json_path(p->json, path));
    while (json_next(&it)) {
        if (found.n) buf_addc(&found, ' ');
        buf_add_str(&found, json_str(it.value));
    }
    if (!str_eqz(buf_str(&found), wanted))
        fail_msg("%s: %.*s instead of %s", path, STR_ARG(buf_str(&found)), wanted);
}

static struct attempt attempt(void) {
    return (struct attempt){.id = STR("c-1"),
                            .method = STR("my_okta"),
                            .method_id = STR("m-1"),
                            .org = STR("acme.okta.com"),
                            .user_id = STR("00u1"),
                            .login = STR("eve@example.com"),
                            .entity_id = STR("e-1"),
                            .entity_name = STR("eve"),
                            .factor_id = STR("opf1"),
                            .factor_name = STR("Eve's phone"),
                            .factor_provider = STR("OKTA"),
                            .transaction = STR("mst1"),
                            .request_id = STR("r-1"),
                            .path = STR("secret/hvs.secretsecretsecretsecret"),
                            .operation = STR("read"),
                            .remote_address = STR("10.0.0.1"),
                            .user_agent = STR("bao/2 \"x\""),
                            .began_ms = now_ms - 10000,
                            .sent_ms = now_ms - 9000,
                            .decided_ms = now_ms - 2000,
                            .outcome = TRAIL_ALLOWED};
}

static const struct signal denied = {.kind = SIGNAL_DENIED,
                                     .uuid = {"u-1", 3},
                                     .event_type = {"user.authentication.auth_via_mfa", 32},
                                     .published_ms = 1700000000000,
                                     .user_id = {"00u1", 4},
                                     .login = {"eve@example.com", 15},
                                     .requester = {"00T1", 4},
                                     .transaction_id = {"t-1", 3}};

static void a_challenge_that_was_passed(void **state) {
    struct paper *p = *state;
    struct attempt a = attempt();
    a.number = true;
    paper_read(p, document_challenge(&p->text, &a, NULL, now_ms), "mfa-challenge",
               "eve@example.com");
    static const char *const wanted[][2] = {
        {"@timestamp", "2023-11-14T22:14:20.000Z"},
        {"event.kind", "event"},
        {"event.module", "gatehouse"},
        {"event.outcome", "success"},
        {"event.reason", NULL},
        {"event.start", "2023-11-14T22:14:11.000Z"},
        {"event.end", "2023-11-14T22:14:18.000Z"},
        {"event.duration", "7000000000"},
        {"user.id", "00u1"},
        {"user.name", "eve@example.com"},
        {"source.ip", "10.0.0.1"},
        {"user_agent.original", "bao/2 \"x\""},
        {"http.request.id", "r-1"},
        {"url", NULL},
        {"gatehouse.mfa.challenge_id", "c-1"},
        {"gatehouse.mfa.method", "my_okta"},
        {"gatehouse.mfa.method_id", "m-1"},
        {"gatehouse.mfa.org", "acme.okta.com"},
        {"gatehouse.mfa.kind", "push"},
        {"gatehouse.mfa.factor.id", "opf1"},
        {"gatehouse.mfa.factor.name", "Eve's phone"},
        {"gatehouse.mfa.factor.provider", "OKTA"},
        {"gatehouse.mfa.transaction_id", "mst1"},
        {"gatehouse.mfa.entity.id", "e-1"},
        {"gatehouse.mfa.entity.name", "eve"},
        {"gatehouse.mfa.outcome", "allowed"},
        {"gatehouse.mfa.reason", NULL},
        {"gatehouse.mfa.guard", NULL},
        {"gatehouse.mfa.okta", NULL},
    };
    for (size_t i = 0; i < LEN(wanted); i++) says(p, wanted[i][0], wanted[i][1]);
    assert_true(json_bool(json_path(p->json, "gatehouse.mfa.number_matching")));
    lists(p, "event.category", "authentication");
    lists(p, "event.type", "start allowed");
    lists(p, "related.ip", "10.0.0.1");
    lists(p, "related.user", "00u1 eve@example.com e-1 eve");
    assert_true(str_find(buf_str(&p->text), STR("hvs.")) == p->text.n);
}

static void a_challenge_that_was_denied(void **state) {
    struct paper *p = *state;
    struct attempt a = attempt();
    a.outcome = TRAIL_DENIED;
    a.reason = REASON_REJECTED;
    a.code = true;
    paper_read(p, document_challenge(&p->text, &a, NULL, now_ms), "mfa-challenge",
               "eve@example.com");
    says(p, "event.outcome", "failure");
    says(p, "event.reason", challenge_reason_text(REASON_REJECTED));
    says(p, "gatehouse.mfa.reason", "rejected");
    says(p, "gatehouse.mfa.kind", "code");
    says(p, "gatehouse.mfa.number_matching", NULL);
    lists(p, "event.type", "start denied");
}

static void a_challenge_that_the_guard_refused(void **state) {
    struct paper *p = *state;
    const struct guard_verdict v = {GUARD_PAUSE, now_ms + 60000, STR_NONE};
    struct attempt a = attempt();
    a.outcome = TRAIL_DENIED;
    a.reason = REASON_GUARD;
    a.rule = STR("pause");
    a.sent_ms = 0;
    paper_read(p, document_challenge(&p->text, &a, &v, now_ms), "mfa-refused", "eve@example.com");
    says(p, "event.outcome", "failure");
    says(p, "event.reason", guard_rows[GUARD_PAUSE].reason);
    says(p, "event.start", "2023-11-14T22:14:10.000Z");
    says(p, "gatehouse.mfa.guard.rule", "pause");
    says(p, "gatehouse.mfa.guard.until", "2023-11-14T22:15:20.000Z");
    says(p, "gatehouse.mfa.guard.detail", NULL);
    lists(p, "event.type", "start denied");
}

static void a_challenge_that_okta_logged(void **state) {
    struct paper *p = *state;
    const struct attempt a = attempt();
    paper_read(p, document_joined(&p->text, &a, &denied, now_ms), "mfa-joined", "eve@example.com");
    says(p, "event.outcome", "failure");
    says(p, "gatehouse.mfa.challenge_id", "c-1");
    says(p, "gatehouse.mfa.signal", "denied");
    const struct json *entry = json_at(json_path(p->json, "gatehouse.mfa.okta.events"), 0);
    assert_true(str_eqz(json_str(json_get(entry, "uuid")), "u-1"));
    assert_true(str_eqz(json_str(json_get(entry, "transaction_id")), "t-1"));
    assert_true(str_eqz(json_str(json_get(entry, "type")), "user.authentication.auth_via_mfa"));
    assert_true(str_eqz(json_str(json_get(entry, "published")), "2023-11-14T22:13:20.000Z"));
    lists(p, "event.type", "info");
}

static void a_challenge_that_okta_did_not_log(void **state) {
    struct paper *p = *state;
    const struct attempt a = attempt();
    paper_read(p, document_unlogged(&p->text, &a, now_ms), "mfa-unlogged", "eve@example.com");
    says(p, "event.kind", "alert");
    says(p, "event.outcome", "unknown");
    says(p, "gatehouse.mfa.challenge_id", "c-1");
}

static void an_entry_by_our_credentials_that_is_not_ours(void **state) {
    struct paper *p = *state;
    paper_read(p, document_foreign(&p->text, STR("acme.okta.com"), &denied, now_ms), "mfa-foreign",
               "eve@example.com");
    says(p, "event.kind", "alert");
    says(p, "gatehouse.mfa.org", "acme.okta.com");
    says(p, "gatehouse.mfa.requester", "00T1");
    says(p, "gatehouse.mfa.signal", "denied");
    lists(p, "event.category", "intrusion_detection");
}

static void news_that_the_guard_has_taken(void **state) {
    struct paper *p = *state;
    struct guarded g = {.subject = STR("user:acme.okta.com:00u1"),
                        .org = STR("acme.okta.com"),
                        .login = STR("eve@example.com"),
                        .user_id = STR("00u1"),
                        .paused_until_ms = now_ms + 60000};
    paper_read(p, document_guard(&p->text, &g, &denied, now_ms), "mfa-guard", "eve@example.com");
    says(p, "gatehouse.mfa.guard.rule", "pause");
    says(p, "gatehouse.mfa.guard.until", "2023-11-14T22:15:20.000Z");
    says(p, "gatehouse.mfa.signal", "denied");
    lists(p, "event.category", "iam");
    g.locked_ms = now_ms;
    g.lock_reason = STR("wrong number");
    buf_reset(&p->text);
    paper_read(p, document_guard(&p->text, &g, &denied, now_ms), "mfa-guard", "eve@example.com");
    says(p, "gatehouse.mfa.guard.rule", "lock");
    says(p, "gatehouse.mfa.guard.detail", "wrong number");
    says(p, "gatehouse.mfa.guard.until", NULL);
}

// Of somebody of whom little is known, and by bytes that are no text.
static void what_is_not_known_is_left_out(void **state) {
    struct paper *p = *state;
    const struct attempt a = {
        .id = STR("c-1"), .user_id = STR("00u1"), .user_agent = STR("\xff\x01\"")};
    paper_read(p, document_challenge(&p->text, &a, NULL, now_ms), "mfa-challenge", "00u1");
    static const char *const absent[] = {"user.name",
                                         "source",
                                         "http",
                                         "event.start",
                                         "event.end",
                                         "event.duration",
                                         "gatehouse.mfa.factor",
                                         "gatehouse.mfa.entity"};
    for (size_t i = 0; i < LEN(absent); i++) says(p, absent[i], NULL);
    says(p, "user_agent.original", "\xEF\xBF\xBD\x01\"");
}

static int setup(void **state) {
    static struct paper p;
    paper_open(&p);
    *state = &p;
    return 0;
}

static int teardown(void **state) {
    paper_close(*state);
    return 0;
}

#define row(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        row(a_challenge_that_was_passed),        row(a_challenge_that_was_denied),
        row(a_challenge_that_the_guard_refused), row(a_challenge_that_okta_logged),
        row(a_challenge_that_okta_did_not_log),  row(an_entry_by_our_credentials_that_is_not_ours),
        row(news_that_the_guard_has_taken),      row(what_is_not_known_is_left_out),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("mfa_document", tests, NULL, NULL);
}
