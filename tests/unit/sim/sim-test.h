// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_TEST_H
#define SIM_TEST_H
// A simulator without a network for the unit tests: requests in, replies out.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/time.h"
#include "sim/ingest.h"
#include "sim/sim.h"

#define TEST_TOKEN "SSWS secret-of-the-test"

static inline int64_t test_instant(const char *text) {
    int64_t ms = 0;
    assert_true(time_parse_iso8601(str_from(text), &ms));
    return ms;
}

// A simulator whose clock stands still at that instant.
static inline struct sim *test_sim(const char *now) {
    struct sim_opts opts = {.now_ms = test_instant(now),
                            .seed = 5,
                            .rate_limit = 100000,
                            .token_share_percent = 50,
                            .concurrency = 75};
    struct sim *sim = NULL;
    assert_int_equal(sim_new(&sim, &opts), 0);
    sim->clock = simclock_make(opts.now_ms, 0);
    assert_int_equal(limits_set_token(&sim->limits, STR("secret-of-the-test"), LIMITS_OK, 0), 0);
    return sim;
}

struct test_answer {
    struct reply reply;
    int links;
    char self[2048], next[2048]; // path and query; empty: absent
};

static inline void test_answer_fini(struct test_answer *a) { reply_fini(&a->reply); }
DEFINE_AUTO_FINI(test_answer)

static inline const char *test_header(const struct test_answer *a, const char *name) {
    for (size_t i = 0; i < a->reply.n_headers; i++)
        if (strcmp(a->reply.text.p + a->reply.headers[i].name, name) == 0)
            return a->reply.text.p + a->reply.headers[i].value;
    return NULL;
}

// <http://org.test/PATH>; rel="next" to PATH.
static inline void test_read_links(struct test_answer *a) {
    for (size_t i = 0; i < a->reply.n_headers; i++) {
        const char *value = a->reply.text.p + a->reply.headers[i].value;
        if (strcmp(a->reply.text.p + a->reply.headers[i].name, "link") != 0) continue;
        a->links++;
        const char *from = strstr(value, "org.test") + strlen("org.test");
        const char *to = strchr(value, '>');
        char *place = strstr(to, "rel=\"next\"") ? a->next : a->self;
        snprintf(place, sizeof a->next, "%.*s", (int)(to - from), from);
    }
}

static inline void test_add_header(struct request *request, const char *name, const char *value) {
    if (!value) return;
    request->headers[request->n_headers++] =
        (struct request_header){str_from(name), str_from(value)};
}

struct test_ask {
    const char *method, *url, *body;
    const char *authorization, *content_type, *content_length; // headers; NULL: not sent
    const char *proof, *other_proof;                           // DPoP
    const char *user_agent, *forwarded_for, *accept;
    bool tls;
};

static inline struct test_answer test_send(struct sim *sim, const struct test_ask *ask) {
    struct test_answer a = {.reply = reply_make()};
    struct str query = str_from(ask->url);
    struct request request = {.method = str_from(ask->method), .loopback = true, .tls = ask->tls};
    request.path = str_split(&query, '?');
    request.query = query;
    request.body = str_from(ask->body);
    test_add_header(&request, "Host", "org.test");
    test_add_header(&request, "Authorization", ask->authorization);
    test_add_header(&request, "Content-Type", ask->content_type);
    test_add_header(&request, "Content-Length", ask->content_length);
    test_add_header(&request, "DPoP", ask->proof);
    test_add_header(&request, "dpop", ask->other_proof);
    test_add_header(&request, "User-Agent", ask->user_agent);
    test_add_header(&request, "X-Forwarded-For", ask->forwarded_for);
    test_add_header(&request, "Accept", ask->accept);
    assert_int_equal(sim_handle(sim, &request, &a.reply), 0);
    if (a.reply.counted) limits_leave(&sim->limits);
    test_read_links(&a);
    return a;
}

static inline struct test_answer test_request(struct sim *sim, const char *method, const char *url,
                                              const char *authorization, const char *body) {
    struct test_ask ask = {
        .method = method, .url = url, .authorization = authorization, .body = body};
    return test_send(sim, &ask);
}

static inline struct test_answer test_get(struct sim *sim, const char *url) {
    return test_request(sim, "GET", url, TEST_TOKEN, NULL);
}

static inline void test_control(struct sim *sim, const char *method, const char *url,
                                const char *body) {
    AUTO_FINI(test_answer)
    struct test_answer a = test_request(sim, method, url, NULL, body);
    if (a.reply.status != 200) print_error("%.*s\n", STR_ARG(buf_str(&a.reply.body)));
    assert_int_equal(a.reply.status, 200);
}

static inline bool test_has(const struct test_answer *a, const char *text) {
    struct str body = buf_str(&a->reply.body);
    return str_find(body, str_from(text)) < body.n;
}

// How many events the body holds.
static inline size_t test_count(const struct sim *sim, const struct test_answer *a) {
    const struct json *v;
    assert_int_equal(json_read(sim->reader, buf_str(&a->reply.body), &v, NULL), 0);
    assert_int_equal(json_type(v), JSON_ARRAY);
    return json_count(v);
}

#endif
