// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_MFA_TEST_H
#define SIM_MFA_TEST_H
// Users with factors, and the requests that are made of them.

#include "sim-test.h"

#include "json/write.h"

#define NOW "2026-11-22T10:00:00Z"
#define ADA "00uAda00000000000000"
#define ADA_PUSH "opfAda00000000000001"
#define ADA_TOTP "ostAda00000000000001"
#define BOB "00uBob00000000000000"
#define BOB_PUSH "opfBob00000000000001"
#define FACTORS_OF(user) "/api/v1/users/" user "/factors"
#define VERIFY(user, factor) FACTORS_OF(user) "/" factor "/verify"
// RFC 6238 appendix B: "12345678901234567890".
#define SECRET "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

static inline struct sim *mfa_sim(void) {
    struct sim *sim = test_sim(NOW);
    test_control(
        sim, "POST", "/_sim/users",
        "[{\"id\":\"" ADA "\",\"profile\":{\"login\":\"ada@a.test\",\"firstName\":\"Ada\","
        "\"lastName\":\"Vole\"},\"factors\":["
        "{\"factorType\":\"push\",\"id\":\"opfAda00000000000000\",\"name\":\"Old phone\","
        "\"status\":\"PENDING_ACTIVATION\",\"created\":\"2020-01-01T00:00:00Z\"},"
        "{\"factorType\":\"push\",\"id\":\"" ADA_PUSH "\",\"name\":\"Pixel 8\","
        "\"lastUpdated\":\"2026-05-05T00:00:00Z\"},"
        "{\"factorType\":\"token:software:totp\",\"id\":\"" ADA_TOTP "\",\"codes\":[\"123456\"],"
        "\"secret\":\"" SECRET "\"},"
        "{\"factorType\":\"token:hardware\",\"id\":\"ykkAda00000000000000\",\"codes\":[\"cccc\"],"
        "\"status\":\"INACTIVE\"},"
        "{\"factorType\":\"sms\",\"codes\":\"777777\"},"
        "{\"factorType\":\"question\",\"codes\":[\"a blue one\"]},"
        "{\"factorType\":\"signed_nonce\"}]},"
        "{\"id\":\"" BOB "\",\"profile\":{\"login\":\"bob@a.test\"},\"factors\":["
        "{\"factorType\":\"push\",\"id\":\"" BOB_PUSH "\"}]}]");
    return sim;
}

static inline struct test_answer mfa_post(struct sim *sim, const char *url, const char *body) {
    struct test_ask ask = {.method = "POST",
                           .url = url,
                           .body = body,
                           .authorization = TEST_TOKEN,
                           .content_type = body ? "application/json" : NULL,
                           .content_length = "0",
                           .user_agent = "Gatehouse-Test/1",
                           .forwarded_for = "203.0.113.9, 10.0.0.1"};
    return test_send(sim, &ask);
}

static inline void mfa_expect(struct sim *sim, const char *url, const char *body, int status,
                              const char *says) {
    AUTO_FINI(test_answer) struct test_answer a = mfa_post(sim, url, body);
    if (a.reply.status != status || !test_has(&a, says))
        print_error("%s %s: %d %.*s\n", url, body ? body : "", a.reply.status,
                    STR_ARG(buf_str(&a.reply.body)));
    assert_int_equal(a.reply.status, status);
    assert_true(test_has(&a, says));
}

// The string that stands behind `"key":"` for the n-th time, from 0; empty when there is none.
static inline void mfa_text(const struct test_answer *a, const char *key, size_t n, char ret[256]) {
    char mark[64];
    snprintf(mark, sizeof mark, "\"%s\":\"", key);
    struct str rest = buf_str(&a->reply.body);
    ret[0] = '\0';
    for (size_t i = 0; i <= n; i++) {
        size_t at = str_find(rest, str_from(mark));
        if (at == rest.n) return;
        rest = str_sub(rest, at + strlen(mark), rest.n);
    }
    snprintf(ret, 256, "%.*s", (int)str_find_char(rest, '"'), rest.p);
}

// Sends a push; the path of its transaction.
static inline void mfa_push(struct sim *sim, const char *url, const char *body, char ret[256]) {
    AUTO_FINI(test_answer) struct test_answer a = mfa_post(sim, url, body);
    char href[256];
    assert_int_equal(a.reply.status, 201);
    mfa_text(&a, "href", 0, href);
    snprintf(ret, 256, "%s", strstr(href, "/api/"));
}

static inline void mfa_poll(struct sim *sim, const char *path, int status, const char *says) {
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, path);
    if (a.reply.status != status || !test_has(&a, says))
        print_error("%s: %d %.*s, not %s\n", path, a.reply.status, STR_ARG(buf_str(&a.reply.body)),
                    says);
    assert_int_equal(a.reply.status, status);
    assert_true(test_has(&a, says));
}

static inline void mfa_script(struct sim *sim, const char *user, const char *script) {
    char body[512];
    snprintf(body, sizeof body, "{\"user\":\"%s\",\"script\":%s}", user, script);
    test_control(sim, "POST", "/_sim/phones", body);
}

static inline void mfa_advance(struct sim *sim, const char *duration) {
    char body[64];
    snprintf(body, sizeof body, "{\"advance\":\"%s\"}", duration);
    test_control(sim, "POST", "/_sim/clock", body);
}

static inline void mfa_set(struct sim *sim, const char *settings) {
    test_control(sim, "POST", "/_sim/settings", settings);
}

#endif
