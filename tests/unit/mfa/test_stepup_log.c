// SPDX-License-Identifier: Apache-2.0
// What Okta's log does to challenges and to the guard; and what becomes of challenges when a reload
// gives the sources other orgs.
#include "okta/org.h"
#include "stepup-fixture.h"

static const char alice[] = "00ualice40acme.test0";

static bool is_waiting(struct fixture *f) {
    const struct run *r = f->stepup->first_run;
    return r && r->machine.state == CHALLENGE_WAITING;
}

// ---- sources

static struct okta_org *new_org(struct fixture *f, const char *url) {
    const struct okta_org_opts opts = {.url = url,
                                       .credentials = {.api_key = "anotherSecret"},
                                       .http_client_timeout_ms = 5000,
                                       .http = f->http};
    struct okta_org *org = NULL;
    struct fault fault = {{0}};
    if (okta_org_new(&org, f->loop, &opts, &fault)) fail_msg("%s", fault.text);
    return org;
}

static void use_source(struct fixture *f, const char *name, struct okta_org *org, const char *url) {
    const struct stepup_source source = {
        .name = name, .org = org, .url = url, .client_id = "0oaGate"};
    assert_int_equal(stepup_use_sources(f->stepup, &source, org ? 1 : 0), 0);
}

static void stop(struct fixture *f) {
    stepup_stop(f->stepup, on_stopped, f);
    run_until(f, is_stopped);
}

// ---- events

static void observe(struct fixture *f, const char *uuid, const char *type, const char *more) {
    char event[1024], published[TIME_RFC3339_MAX];
    time_format_rfc3339(time_now_ms(), published);
    int n = snprintf(event, sizeof event,
                     "{\"uuid\":\"%s\",\"published\":\"%s\",\"eventType\":\"%s\",\"actor\":{"
                     "\"id\":\"%s\",\"type\":\"User\",\"alternateId\":\"alice@acme.test\"}%s}",
                     uuid, published, type, alice, more);
    assert_true(n > 0 && (size_t)n < sizeof event);
    stepup_observe(f->stepup, "acme", (struct str){event, (size_t)n});
}

#define DENIAL ",\"debugContext\":{\"debugData\":{\"pushOnlyResponseType\":\"OV_RESPONSE_DENY\"}}"
static const char mfa[] = "user.authentication.auth_via_mfa";

static const struct guarded *alice_of(const struct state *s) {
    return guarded_of(s, "alice@acme.test");
}

struct with_source {
    struct fixture *f;
    struct okta_org *org;
};

static struct with_source begin(void **state) {
    struct fixture *f = *state;
    struct okta_org *org = new_org(f, f->url);
    set_method(f, "okta", ",\"okta_source\":\"acme\"");
    use_source(f, "acme", org, f->url);
    run_until(f, nothing_changes);
    return (struct with_source){f, org};
}

static void end(struct with_source *w) {
    stop(w->f);
    use_source(w->f, "acme", NULL, NULL);
    okta_org_free(w->org);
}

static void a_denial_made_elsewhere_pauses(void **state) {
    struct with_source w = begin(state);
    struct fixture *f = w.f;
    observe(f, "u-1", mfa, DENIAL);
    observe(f, "u-1", mfa, DENIAL); // the same again counts once
    run_until(f, nothing_changes);
    struct waiter *refused = ask(f);
    run_until(f, all_answered);
    assert_refused(refused, "pause");
    assert_int_equal(f->okta.asked[FAKE_FIND], 0);
    AUTO(state) struct state *s = state_now(f);
    assert_int_equal(alice_of(s)->denials, 1);
    assert_int_equal(fake_documents(&f->world, "mfa-guard", "u-1", NULL), 1);
    end(&w);
}

static void a_report_ends_the_push_that_waits(void **state) {
    struct with_source w = begin(state);
    struct fixture *f = w.f;
    struct waiter *waits = ask(f);
    run_until(f, is_waiting);
    observe(f, "u-2", "user.account.report_suspicious_activity_by_enduser", "");
    run_until(f, all_answered);
    assert_denied(waits, REASON_SIGNAL);
    run_until(f, nothing_runs);
    assert_int_equal(f->okta.asked[FAKE_CANCEL], 1);
    struct waiter *refused = ask(f);
    run_until(f, all_answered);
    assert_refused(refused, "lock");
    end(&w);
}

static void a_signal_of_somebody_else_ends_nothing(void **state) {
    struct with_source w = begin(state);
    struct fixture *f = w.f;
    struct waiter *waits = ask(f);
    run_until(f, is_waiting);
    stepup_observe(f->stepup, "acme",
                   STR("{\"uuid\":\"u-3\",\"published\":\"2026-11-22T10:00:00.123Z\","
                       "\"eventType\":\"user.account.report_suspicious_activity_by_enduser\","
                       "\"actor\":{\"id\":\"00uBob\",\"type\":\"User\",\"alternateId\":\"bob\"}}"));
    stepup_observe(f->stepup, "nowhere", STR("{}"));
    stepup_observe(f->stepup, "acme", STR("[1"));
    run_until(f, nothing_changes);
    assert_int_equal(waits->answers, 0);
    f->okta.result = "SUCCESS";
    run_until(f, all_answered);
    assert_allowed(waits);
    end(&w);
}

static void a_signal_that_cannot_be_kept_ends_the_push_all_the_same(void **state) {
    struct with_source w = begin(state);
    struct fixture *f = w.f;
    struct waiter *waits = ask(f);
    run_until(f, is_waiting);
    fake_fail_changes(&f->world, -EIO, 0);
    observe(f, "u-4", "user.account.lock", "");
    run_until(f, all_answered);
    assert_denied(waits, REASON_SIGNAL);
    fake_fail_changes(&f->world, 0, 0);
    end(&w);
}

static void the_denial_of_our_own_push_is_counted_once(void **state) {
    struct with_source w = begin(state);
    struct fixture *f = w.f;
    struct waiter *waits = ask(f);
    run_until(f, is_waiting);
    observe(f, "u-5", mfa, DENIAL); // quicker than the poll
    run_until(f, all_answered);
    assert_denied(waits, REASON_REJECTED);
    run_until(f, nothing_runs);
    run_until(f, nothing_changes);
    AUTO(state) struct state *s = state_now(f);
    assert_int_equal(alice_of(s)->denials, 1);
    assert_true(list_has(attempt_of(s, waits)->events, STR("u-5")));
    assert_int_equal(attempt_of(s, waits)->reason, REASON_REJECTED);
    assert_int_equal(fake_documents(&f->world, "mfa-joined", "u-5", NULL), 1);
    end(&w);
}

static void what_okta_logs_of_a_challenge_is_joined_to_it(void **state) {
    struct with_source w = begin(state);
    struct fixture *f = w.f;
    struct waiter *waits = ask(f);
    run_until(f, is_waiting);
    observe(f, "u-6", "system.push.send_factor_verify_push",
            ",\"outcome\":{\"result\":\"SUCCESS\"},\"transaction\":{\"id\":\"T6\"}");
    run_until(f, nothing_changes);
    f->okta.result = "SUCCESS";
    run_until(f, all_answered);
    assert_allowed(waits);
    AUTO(state) struct state *s = state_now(f);
    assert_true(list_has(attempt_of(s, waits)->events, STR("u-6"))); // the note has kept it
    assert_true(str_eqz(attempt_of(s, waits)->requester, "0oaGate"));
    assert_int_equal(fake_documents(&f->world, "mfa-joined", "u-6", waits->challenges), 1);
    end(&w);
}

static void a_push_by_our_credentials_that_nothing_explains_is_an_alarm(void **state) {
    struct with_source w = begin(state);
    struct fixture *f = w.f;
    observe(f, "u-7", "system.push.send_factor_verify_push",
            ",\"client\":{\"id\":\"0oaGate\"},\"outcome\":{\"result\":\"SUCCESS\"}");
    run_until(f, nothing_changes);
    assert_int_equal(fake_documents(&f->world, "mfa-foreign", "u-7", NULL), 1);
    end(&w);
}

static int add_old(struct draft *d, const void *id) {
    int64_t then = time_now_ms() - 2 * TIME_HOUR_MS;
    const struct attempt a = {.id = str_from(id),
                              .method = STR("okta"),
                              .org = STR("127.0.0.1"),
                              .user_id = str_from(alice),
                              .login = STR("alice@acme.test"),
                              .began_ms = then,
                              .sent_ms = then,
                              .decided_ms = then,
                              .outcome = TRAIL_ALLOWED};
    return attempt_put(d, &a);
}

static void what_okta_never_logged_is_noted_where_its_log_is_read(void **state) {
    struct with_source w = begin(state);
    struct fixture *f = w.f;
    fake_edit(&f->world, add_old, "c-0123456789abcdef");
    sweep_tick(f->stepup);
    run_until(f, nothing_changes);
    sweep_tick(f->stepup); // once
    run_until(f, nothing_changes);
    assert_int_equal(fake_documents(&f->world, "mfa-unlogged", "c-0123456789abcdef", NULL), 1);
    use_source(f, "acme", NULL, NULL);
    fake_edit(&f->world, add_old, "c-fedcba9876543210");
    sweep_tick(f->stepup);
    run_until(f, nothing_changes);
    assert_int_equal(fake_documents(&f->world, "mfa-unlogged", NULL, NULL), 1);
    end(&w);
}

static bool remembers(struct fixture *f) {
    AUTO_FINI(buf) struct buf methods = buf_make(256);
    AUTO(state) struct state *s = state_now(f);
    list_add(&methods, STR("okta"));
    return stepup_remembers(f->stepup, s, list_of(&methods), STR("token-hash"), STR("192.0.2.7"),
                            time_now_ms());
}

static void a_signal_takes_passes_back(void **state) {
    struct with_source w = begin(state);
    struct fixture *f = w.f;
    set_method(f, "okta", ",\"okta_source\":\"acme\",\"remember_s\":600");
    f->okta.result = "SUCCESS";
    ask(f);
    run_until(f, all_answered);
    assert_true(remembers(f));
    observe(f, "u-8", "user.account.lock", "");
    run_until(f, nothing_changes);
    assert_false(remembers(f));
    end(&w);
}

// ---- reloads

static void polls_go_on_at_the_org_of_the_same_name(void **state) {
    struct with_source w = begin(state);
    struct fixture *f = w.f;
    f->okta.hold[FAKE_POLL] = true;
    struct waiter *waits = ask(f);
    run_until(f, has_polled);
    struct okta_org *newer = new_org(f, f->url);
    use_source(f, "acme", newer, f->url);
    okta_org_free(w.org);
    w.org = newer;
    f->okta.result = "SUCCESS";
    fake_release(&f->okta, FAKE_POLL);
    run_until(f, all_answered);
    assert_allowed(waits);
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 1);
    end(&w);
}

static void a_verify_on_its_way_is_denied(void **state) {
    struct with_source w = begin(state);
    struct fixture *f = w.f;
    f->okta.hold[FAKE_VERIFY] = true;
    struct waiter *waits = ask(f);
    run_until(f, has_verified);
    struct okta_org *newer = new_org(f, f->url);
    use_source(f, "acme", newer, f->url);
    okta_org_free(w.org);
    w.org = newer;
    run_until(f, all_answered);
    assert_denied(waits, REASON_OKTA);
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 1);
    AUTO(state) struct state *s = state_now(f);
    assert_true(alice_of(s)->out_until_ms > time_now_ms());
    end(&w);
}

static void without_an_org_of_the_name_what_waits_is_denied(void **state) {
    struct with_source w = begin(state);
    struct fixture *f = w.f;
    struct waiter *waits = ask(f);
    run_until(f, is_waiting);
    use_source(f, "acme", NULL, NULL);
    run_until(f, all_answered);
    assert_denied(waits, REASON_OKTA);
    struct waiter *later = ask(f);
    run_until(f, all_answered);
    assert_denied(later, REASON_OKTA);
    end(&w);
}

static void an_org_that_has_moved_is_not_asked_for_old_transactions(void **state) {
    struct with_source w = begin(state);
    struct fixture *f = w.f;
    struct waiter *waits = ask(f);
    run_until(f, is_waiting);
    struct okta_org *elsewhere = new_org(f, "http://127.0.0.1:1");
    use_source(f, "acme", elsewhere, "http://127.0.0.1:1");
    run_until(f, all_answered);
    assert_denied(waits, REASON_OKTA);
    assert_int_equal(f->okta.asked[FAKE_CANCEL], 0);
    stop(f);
    use_source(f, "acme", NULL, NULL);
    okta_org_free(elsewhere);
    okta_org_free(w.org);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_denial_made_elsewhere_pauses),
        T(a_report_ends_the_push_that_waits),
        T(a_signal_of_somebody_else_ends_nothing),
        T(a_signal_that_cannot_be_kept_ends_the_push_all_the_same),
        T(the_denial_of_our_own_push_is_counted_once),
        T(what_okta_logs_of_a_challenge_is_joined_to_it),
        T(a_push_by_our_credentials_that_nothing_explains_is_an_alarm),
        T(what_okta_never_logged_is_noted_where_its_log_is_read),
        T(a_signal_takes_passes_back),
        T(polls_go_on_at_the_org_of_the_same_name),
        T(a_verify_on_its_way_is_denied),
        T(without_an_org_of_the_name_what_waits_is_denied),
        T(an_org_that_has_moved_is_not_asked_for_old_transactions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
