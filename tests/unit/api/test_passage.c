// SPDX-License-Identifier: Apache-2.0
// Requests for which a policy demands MFA: when it is asked for, what its outcome does, and that a
// request which waited is judged anew. What asks for MFA is played by this test, on a thread of its
// own, as the real one answers on the loop's.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate-fixture.h"
#include "identity/core.h"
#include "identity/mount.h"
#include "mfa/stepup.h"

// ---- the other side

struct stepup {
    struct stepup_outcome outcome;
    bool remembers, deaf;
    int asked, looked;
    void (*before)(struct fixture *f); // what happens while the request waits
    struct fixture *fixture;
    struct buf methods, credentials, print;
    pthread_t thread;
    bool runs;
    void (*done)(void *ctx, const struct stepup_outcome *o);
    void *ctx;
};

static void *decide_later(void *arg) {
    struct stepup *s = arg;
    if (s->before) s->before(s->fixture);
    s->done(s->ctx, &s->outcome);
    return NULL;
}

static void settle(struct stepup *s) {
    if (s->runs) pthread_join(s->thread, NULL);
    s->runs = false;
}

uint64_t stepup_ask(struct stepup *s, const struct stepup_demand *demand,
                    void (*done)(void *ctx, const struct stepup_outcome *o), void *ctx) {
    settle(s);
    s->asked++;
    if (s->deaf) return 0;
    buf_reset(&s->methods);
    buf_reset(&s->credentials);
    buf_reset(&s->print);
    buf_add_str(&s->methods, demand->methods.packed);
    buf_add_str(&s->credentials, demand->credentials.packed);
    buf_add_str(&s->print, demand->fingerprint);
    assert_int_equal(demand->token_hash.n, TOKEN_HASH_BYTES);
    s->done = done;
    s->ctx = ctx;
    s->runs = true;
    assert_int_equal(pthread_create(&s->thread, NULL, decide_later, s), 0);
    return 7;
}

bool stepup_remembers(struct stepup *s, const struct state *state, struct list methods,
                      struct str token_hash, struct str remote_address, int64_t now_ms) {
    (void)state;
    (void)methods;
    (void)token_hash;
    (void)remote_address;
    (void)now_ms;
    s->looked++;
    return s->remembers;
}

struct refusal stepup_refusals(const struct stepup *s, struct str org, struct str login) {
    (void)s;
    (void)org;
    (void)login;
    return (struct refusal){.times = 0};
}

const struct guard_limits *stepup_limits(const struct stepup *s) {
    (void)s;
    return NULL; // the paths of the guard are not asked here
}

void stepup_give_up(struct stepup *s, uint64_t ticket) {
    (void)s;
    assert_int_equal(ticket, 7);
}

// ---- fixtures

struct waiting {
    struct fixture f;
    struct stepup s;
};

#define POLICY                                                                                     \
    "{\"policy\":\"path \\\"secret/*\\\" { capabilities = [\\\"read\\\",\\\"create\\\","           \
    "\\\"update\\\",\\\"delete\\\"] mfa_methods = [\\\"my_okta\\\"] }\"}"
#define POLICY_OF_TWO                                                                              \
    "{\"policy\":\"path \\\"secret/*\\\" { capabilities = [\\\"read\\\"] "                         \
    "mfa_methods = [\\\"my_okta\\\", \\\"other\\\"] }\"}"

static const struct stepup_outcome passed = {.allowed = true};
static const struct stepup_outcome rejected = {.allowed = false, .reason = REASON_REJECTED};

static int open_gate(void **state) {
    struct waiting *w = mem_new(sizeof *w);
    if (!w) return -1;
    fixture_open(&w->f);
    w->s = (struct stepup){.outcome = passed,
                           .fixture = &w->f,
                           .methods = buf_make(4096),
                           .credentials = buf_make(4096),
                           .print = buf_make(4096)};
    gate_use_stepup(w->f.gate, &w->s);
    ask_for(&w->f, 204, "PUT", "secret/a", "root", "{\"k\":\"v\"}");
    ask_for(&w->f, 204, "PUT", "sys/policies/acl/p", "root", POLICY);
    ask_for(&w->f, 200, "POST", "auth/token/create", "root",
            "{\"id\":\"t1\",\"policies\":[\"p\"]}");
    *state = w;
    return 0;
}

static int close_gate(void **state) {
    struct waiting *w = *state;
    settle(&w->s);
    fixture_close(&w->f);
    buf_fini(&w->s.methods);
    buf_fini(&w->s.credentials);
    buf_fini(&w->s.print);
    free(w);
    return 0;
}

#define DENIED "1 error occurred:\\n\\t* permission denied\\n\\n"

// ---- tests

static void a_read_waits_and_gets_exactly_the_data(void **state) {
    struct waiting *w = *state;
    ask_saying(&w->f, "t1", 200, "GET", "secret/a", NULL, "\"data\":{\"k\":\"v\"}");
    assert_int_equal(w->s.asked, 1);
    assert_true(list_has(list_of(&w->s.methods), STR("my_okta")));
}

static void a_write_waits_and_happens_once(void **state) {
    struct waiting *w = *state;
    ask_for(&w->f, 204, "PUT", "secret/b", "t1", "{\"n\":1}");
    ask_saying(&w->f, "root", 200, "GET", "secret/b", NULL, "\"n\":1");
    w->s.outcome = rejected;
    ask_saying(&w->f, "t1", 403, "PUT", "secret/b", "{\"n\":2}", DENIED);
    ask_saying(&w->f, "root", 200, "GET", "secret/b", NULL, "\"n\":1");
    assert_int_equal(w->s.asked, 2);
}

static void a_refusal_tells_the_caller_nothing(void **state) {
    struct waiting *w = *state;
    for (int r = REASON_NONE + 1; r < REASONS; r++) {
        w->s.outcome = (struct stepup_outcome){.reason = (enum challenge_reason)r};
        ask_saying(&w->f, "t1", 403, "GET", "secret/a", NULL, "{\"errors\":[\"" DENIED "\"]}");
    }
}

static void a_message_for_the_person_comes_with_the_403(void **state) {
    struct waiting *w = *state;
    w->s.outcome = (struct stepup_outcome){.reason = REASON_NUMBER, .message = STR("tap 42")};
    ask_saying(&w->f, "t1", 403, "GET", "secret/a", NULL, "1 error occurred:\\n\\t* tap 42\\n\\n");
}

static void nobody_is_asked_where_the_answer_is_known(void **state) {
    static const struct {
        const char *token, *method, *path;
        int status;
    } rows[] = {
        {"root", "GET", "secret/a", 200},      {"t1", "HELP", "secret/a", 200},
        {"t1", "GET", "sys/mounts", 403},      {"t1", "LIST", "secret/", 403},
        {"none", "GET", "secret/a", 403},      {NULL, "GET", "secret/a", 403},
        {"t1", "PATCH", "secret/a", 403},      {"t1", "GET", "auth/token/lookup-self", 200},
        {NULL, "GET", "sys/seal-status", 200},
    };
    struct waiting *w = *state;
    for (size_t i = 0; i < LEN(rows); i++)
        ask_for(&w->f, rows[i].status, rows[i].method, rows[i].path, rows[i].token, NULL);
    assert_int_equal(w->s.asked, 0);
}

static void nobody_is_asked_for_what_the_path_cannot_do(void **state) {
    struct waiting *w = *state;
    ask_for(&w->f, 204, "PUT", "sys/policies/acl/q", "root",
            "{\"policy\":\"path \\\"sys/*\\\" { capabilities = [\\\"read\\\",\\\"delete\\\"] "
            "mfa_methods = [\\\"my_okta\\\"] }\"}");
    ask_for(&w->f, 200, "POST", "auth/token/create", "root",
            "{\"id\":\"t2\",\"policies\":[\"q\"]}");
    ask_for(&w->f, 404, "GET", "sys/no/such/path", "t2", NULL);
    ask_for(&w->f, 405, "DELETE", "sys/mounts", "t2", NULL);
    assert_int_equal(w->s.asked, 0);
}

static void what_is_remembered_is_not_asked_for_again(void **state) {
    struct waiting *w = *state;
    w->s.remembers = true;
    ask_for(&w->f, 200, "GET", "secret/a", "t1", NULL);
    ask_for(&w->f, 204, "PUT", "secret/c", "t1", "{\"k\":1}");
    ask_for(&w->f, 204, "DELETE", "secret/c", "t1", NULL);
    assert_int_equal(w->s.asked, 0);
    assert_int_equal(w->s.looked, 3);
}

static void revoke(struct fixture *f) {
    ask_for(f, 204, "POST", "auth/token/revoke", "root", "{\"token\":\"t1\"}");
}

static void a_token_that_ended_meanwhile_gets_nothing(void **state) {
    struct waiting *w = *state;
    w->s.before = revoke;
    ask_saying(&w->f, "t1", 403, "GET", "secret/a", NULL, "permission denied");
    assert_int_equal(w->s.asked, 1);
}

static void demand_more(struct fixture *f) {
    ask_for(f, 204, "PUT", "sys/policies/acl/p", "root", POLICY_OF_TWO);
}

static void a_demand_that_grew_meanwhile_is_not_met(void **state) {
    struct waiting *w = *state;
    w->s.before = demand_more;
    ask_saying(&w->f, "t1", 403, "GET", "secret/a", NULL, DENIED);
    assert_int_equal(w->s.asked, 1);
    w->s.before = NULL;
    ask_for(&w->f, 200, "GET", "secret/a", "t1", NULL);
    assert_true(list_has(list_of(&w->s.methods), STR("other")));
}

static void take_away(struct fixture *f) {
    ask_for(f, 204, "PUT", "sys/policies/acl/p", "root",
            "{\"policy\":\"path \\\"x\\\" { capabilities = [] }\"}");
}

static void a_right_that_ended_meanwhile_is_gone(void **state) {
    struct waiting *w = *state;
    w->s.before = take_away;
    ask_saying(&w->f, "t1", 403, "GET", "secret/a", NULL, DENIED);
}

static void a_limited_token_loses_a_use_whatever_comes_of_it(void **state) {
    struct waiting *w = *state;
    ask_for(&w->f, 200, "POST", "auth/token/create", "root",
            "{\"id\":\"once\",\"policies\":[\"p\"],\"num_uses\":2}");
    w->s.outcome = rejected;
    ask_saying(&w->f, "once", 403, "GET", "secret/a", NULL, DENIED);
    w->s.outcome = passed;
    ask_for(&w->f, 200, "GET", "secret/a", "once", NULL);
    ask_for(&w->f, 403, "GET", "secret/a", "once", NULL);
    assert_int_equal(w->s.asked, 2);
}

static void it_fails_closed_where_nobody_can_be_asked(void **state) {
    struct waiting *w = *state;
    w->s.deaf = true;
    ask_saying(&w->f, "t1", 403, "GET", "secret/a", NULL, DENIED);
    ask_saying(&w->f, "t1", 403, "PUT", "secret/a", "{\"k\":\"w\"}", DENIED);
    gate_use_stepup(w->f.gate, NULL);
    ask_saying(&w->f, "t1", 403, "GET", "secret/a", NULL, DENIED);
    ask_saying(&w->f, "t1", 403, "DELETE", "secret/a", NULL, DENIED);
    ask_saying(&w->f, "root", 200, "GET", "secret/a", NULL, "\"k\":\"v\"");
}

static void passwords_are_hashed_only_behind_it(void **state) {
    struct waiting *w = *state;
    ask_for(&w->f, 204, "POST", "sys/auth/userpass", "root", "{\"type\":\"userpass\"}");
    ask_for(&w->f, 204, "PUT", "sys/policies/acl/u", "root",
            "{\"policy\":\"path \\\"auth/*\\\" { capabilities = [\\\"create\\\",\\\"update\\\"] "
            "mfa_methods = [\\\"my_okta\\\"] }\"}");
    ask_for(&w->f, 200, "POST", "auth/token/create", "root",
            "{\"id\":\"t3\",\"policies\":[\"u\"]}");
    ask_for(&w->f, 204, "POST", "auth/userpass/users/bob", "t3", "{\"password\":\"pw\"}");
    ask_for(&w->f, 200, "POST", "auth/userpass/login/bob", NULL, "{\"password\":\"pw\"}");
    assert_int_equal(w->s.asked, 1); // a login needs none
    w->s.outcome = rejected;
    ask_for(&w->f, 403, "POST", "auth/userpass/users/eve", "t3", "{\"password\":\"pw\"}");
    ask_for(&w->f, 400, "POST", "auth/userpass/login/eve", NULL, "{\"password\":\"pw\"}");
}

static void a_wrapped_answer_waits_too(void **state) {
    struct waiting *w = *state;
    w->f.wrap_ttl_s = 60;
    ask_saying(&w->f, "t1", 200, "GET", "secret/a", NULL, "\"wrap_info\":{");
    w->s.outcome = rejected;
    ask_saying(&w->f, "t1", 403, "GET", "secret/a", NULL, DENIED);
    assert_int_equal(w->s.asked, 2);
}

static void another_request_has_another_fingerprint(void **state) {
    struct waiting *w = *state;
    AUTO_FINI(buf) struct buf first = buf_make(64);
    ask_for(&w->f, 204, "PUT", "secret/x", "t1", "{\"a\":1}");
    settle(&w->s);
    buf_add_str(&first, buf_str(&w->s.print));
    ask_for(&w->f, 204, "PUT", "secret/x", "t1", "{\"a\":1}");
    settle(&w->s);
    assert_true(str_eq(buf_str(&first), buf_str(&w->s.print)));
    const char *others[] = {"{\"a\":2}", "{\"a\":\"1\"}"};
    for (size_t i = 0; i < LEN(others); i++) {
        ask_for(&w->f, 204, "PUT", "secret/x", "t1", others[i]);
        settle(&w->s);
        assert_false(str_eq(buf_str(&first), buf_str(&w->s.print)));
    }
    ask_for(&w->f, 204, "PUT", "secret/y", "t1", "{\"a\":1}");
    settle(&w->s);
    assert_false(str_eq(buf_str(&first), buf_str(&w->s.print)));
}

// ---- changes of the gate's own

struct made {
    struct fixture *f;
    int outcome, result;
    bool there;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
};

static int make_mount(void *arg, struct draft *d) {
    struct made *m = arg;
    const struct mount *secret = mount_of(d->state, STR("secret/a"));
    assert_non_null(secret);
    int r = draft_delete(d, secret);
    return r ? r : m->outcome;
}

static void on_made(void *arg, int r) {
    struct made *m = arg;
    pthread_mutex_lock(&m->mutex);
    m->result = r;
    m->there = true;
    pthread_cond_signal(&m->cond);
    pthread_mutex_unlock(&m->mutex);
}

static int change(struct fixture *f, int outcome) {
    struct made m = {.f = f, .outcome = outcome};
    pthread_mutex_init(&m.mutex, NULL);
    pthread_cond_init(&m.cond, NULL);
    assert_int_equal(gate_change(f->gate, make_mount, on_made, &m), 0);
    pthread_mutex_lock(&m.mutex);
    while (!m.there) pthread_cond_wait(&m.cond, &m.mutex);
    pthread_mutex_unlock(&m.mutex);
    pthread_cond_destroy(&m.cond);
    pthread_mutex_destroy(&m.mutex);
    return m.result;
}

static void a_change_of_the_gates_own_is_kept_or_not_made_at_all(void **state) {
    struct waiting *w = *state;
    assert_int_equal(change(&w->f, 3), 3);
    ask_for(&w->f, 200, "GET", "secret/a", "root", NULL);
    assert_int_equal(change(&w->f, -ENOMEM), -ENOMEM);
    ask_for(&w->f, 200, "GET", "secret/a", "root", NULL);
    assert_int_equal(change(&w->f, 0), 0);
    ask_for(&w->f, 404, "GET", "secret/a", "root", NULL);
}

static void a_sealed_gate_changes_nothing(void **state) {
    struct waiting *w = *state;
    ask_for(&w->f, 204, "PUT", "sys/seal", "root", NULL);
    assert_int_equal(change(&w->f, 0), -EPERM);
    assert_null(gate_state(w->f.gate));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_gate, close_gate)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_read_waits_and_gets_exactly_the_data),
        TEST(a_write_waits_and_happens_once),
        TEST(a_refusal_tells_the_caller_nothing),
        TEST(a_message_for_the_person_comes_with_the_403),
        TEST(nobody_is_asked_where_the_answer_is_known),
        TEST(nobody_is_asked_for_what_the_path_cannot_do),
        TEST(what_is_remembered_is_not_asked_for_again),
        TEST(a_token_that_ended_meanwhile_gets_nothing),
        TEST(a_demand_that_grew_meanwhile_is_not_met),
        TEST(a_right_that_ended_meanwhile_is_gone),
        TEST(a_limited_token_loses_a_use_whatever_comes_of_it),
        TEST(it_fails_closed_where_nobody_can_be_asked),
        TEST(passwords_are_hashed_only_behind_it),
        TEST(a_wrapped_answer_waits_too),
        TEST(another_request_has_another_fingerprint),
        TEST(a_change_of_the_gates_own_is_kept_or_not_made_at_all),
        TEST(a_sealed_gate_changes_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("passage", tests, NULL, NULL);
}
