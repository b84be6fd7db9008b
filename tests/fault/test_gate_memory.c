// SPDX-License-Identifier: Apache-2.0
// As test_memory, for whole requests through the gate: with the n-th allocation failing, for every
// n, a request is answered as ever or by 500, and by 500 it has not happened.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/gate-fixture.h"
#include "failmalloc.h"

enum { ATTEMPTS_MAX = 20000 };

struct heard {
    int status;
    bool there;
    pthread_mutex_t mutex;
    pthread_cond_t answered;
};

static void hear(void *ctx, const struct answer *a) {
    struct heard *h = ctx;
    pthread_mutex_lock(&h->mutex);
    h->status = a->status;
    h->there = true;
    pthread_cond_signal(&h->answered);
    pthread_mutex_unlock(&h->mutex);
}

// The counting ends before anything of the test's own may allocate.
static long handle(struct gate *gate, const struct request *request, long n, int *ret_status) {
    struct heard h = {.status = 0};
    pthread_mutex_init(&h.mutex, NULL);
    pthread_cond_init(&h.answered, NULL);
    failmalloc_arm(n);
    gate_handle(gate, request, hear, &h);
    pthread_mutex_lock(&h.mutex);
    while (!h.there) pthread_cond_wait(&h.answered, &h.mutex);
    pthread_mutex_unlock(&h.mutex);
    long count = failmalloc_disarm();
    pthread_cond_destroy(&h.answered);
    pthread_mutex_destroy(&h.mutex);
    *ret_status = h.status;
    return count;
}

static const struct row {
    int status;
    const char *method, *path, *token, *body;
    int64_t wrap_ttl_s;
} rows[] = {
    {200, "GET", "sys/mounts", "root", NULL, 0},
    {200, "GET", "sys/mfa/method/okta/m", "root", NULL, 0},
    {200, "GET", "secret/foo", "limited", NULL, 0},
    {403, "PUT", "secret/foo", "limited", "{\"k\":\"v\"}", 0},
    {403, "GET", "secret/foo", "nobody", NULL, 0},
    {404, "GET", "secret/none", "root", NULL, 0},
    {405, "DELETE", "sys/mounts", "root", NULL, 0},
    {200, "LIST", "sys/policies/acl/", "root", NULL, 0},
    {200, "HELP", "sys/policies/acl/x", "root", NULL, 0},
    {200, "PUT", "sys/capabilities-self", "limited", "{\"paths\":[\"secret/foo\",\"sys/x\"]}", 0},
    {400, "PUT", "auth/token/create", "root", "{\"ttl\":\"abc\"}", 0},
    {200, "PUT", "auth/token/create", "root", "{\"policies\":[\"p\"],\"meta\":{\"a\":\"b\"}}", 0},
    {200, "PUT", "auth/token/create", "root", "{\"policies\":[\"p\"],\"type\":\"batch\"}", 0},
    {204, "PUT", "sys/policies/acl/q", "root", "{\"policy\":\"path \\\"a\\\" {}\"}", 0},
    {200, "PUT", "identity/entity", "root", "{\"metadata\":{\"a\":\"b\"},\"policies\":\"x,y\"}", 0},
    {204, "PUT", "secret/new", "root", "{\"n\":1.50}", 0},
    {200, "GET", "secret/foo", "root", NULL, 60},
};

static void every_request_survives_every_failing_allocation(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    ask_for(&f, 204, "PUT", "secret/foo", "root", "{\"k\":\"v\"}");
    ask_for(&f, 204, "POST", "sys/auth/up", "root", "{\"type\":\"userpass\"}");
    ask_for(&f, 204, "PUT", "sys/policies/acl/p", "root",
            "{\"policy\":\"path \\\"secret/*\\\" { capabilities = [\\\"read\\\"] }\"}");
    ask_for(&f, 200, "PUT", "auth/token/create", "root",
            "{\"id\":\"limited\",\"policies\":[\"p\"]}");
    struct said mounts = ask(&f, "GET", "sys/auth", "root", NULL);
    struct str accessor = json_str(json_get(said_data(&mounts, "up/"), "accessor"));
    char method[256];
    snprintf(method, sizeof method,
             "{\"mount_accessor\":\"%.*s\",\"org_name\":\"o\",\"api_token\":\"t\"}",
             STR_ARG(accessor));
    said_fini(&mounts);
    ask_for(&f, 204, "PUT", "sys/mfa/method/okta/m", "root", method);
    for (size_t i = 0; i < LEN(rows); i++) {
        const struct row *row = &rows[i];
        AUTO(json_reader) struct json_reader *reader = NULL;
        const struct json *data = NULL;
        assert_int_equal(json_reader_new(&reader), 0);
        if (row->body) assert_int_equal(json_read(reader, str_from(row->body), &data, NULL), 0);
        const struct request request = {.op = fixture_operation(row->method),
                                        .method = str_from(row->method),
                                        .path = str_from(row->path),
                                        .token = str_from(row->token),
                                        .remote_address = STR("127.0.0.1"),
                                        .data = data,
                                        .id = STR("11111111-2222-3333-4444-555555555555"),
                                        .wrap_ttl_s = row->wrap_ttl_s,
                                        .now_ms = time_now_ms()};
        long n = 1;
        for (; n < ATTEMPTS_MAX; n++) {
            struct gate_stats before, after;
            int status = 0;
            gate_stats(f.gate, &before);
            long count = handle(f.gate, &request, n, &status);
            gate_stats(f.gate, &after);
            if (status != row->status && status != 500)
                fail_msg("%s %s, allocation %ld: %d", row->method, row->path, n, status);
            if (status == 500 && after.tokens != before.tokens)
                fail_msg("%s %s, allocation %ld: 500, and a token all the same", row->method,
                         row->path, n);
            if (count >= n) continue;
            assert_int_equal(status, row->status);
            break;
        }
        assert_in_range(n, 2, ATTEMPTS_MAX - 1);
    }
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
