// SPDX-License-Identifier: Apache-2.0
// As test_memory: each allocation fails once, on the way of every request about users, factors and
// pushes from the org's making to the answer's reading. Whatever fails, an ask ends once, allows
// nothing that was not told, and a verify reaches Okta once at most. Okta is a child process, whose
// memory does not fail.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop/loop.h"
#include "okta/push.h"

#include "failmalloc.h"

enum { ATTEMPTS_MAX = 100000, REQUEST_MAX = 8192 };

// ---- Okta ----

struct served {
    int port;
    volatile int verifies; // shared with the child
};

static struct served *served;
static pid_t child;

struct answer_row {
    const char *request; // what stands in it
    int status;
    const char *body; // with the server's port for each "PORT"
};

#define TRANSACTION "/api/v1/users/00u1/factors/opf2/transactions/t3"
#define LINK "{\"href\":\"http://127.0.0.1:PORT" TRANSACTION "\"}"

static const struct answer_row answers[] = {
    {"GET /api/v1/users?", 200,
     "[{\"id\":\"00u1\",\"status\":\"ACTIVE\",\"profile\":{\"login\":\"al\"}}]"},
    {"/verify ", 201,
     "{\"factorResult\":\"WAITING\",\"_links\":{\"poll\":" LINK ",\"cancel\":" LINK "}}"},
    {"DELETE ", 204, ""},
    {"/transactions/", 200, "{\"factorResult\":\"SUCCESS\"}"},
    {"/refused/factors ", 403, "{\"errorCode\":\"E0000006\",\"errorSummary\":\"no permission\"}"},
    {"/factors ", 200, "[{\"id\":\"opf2\",\"factorType\":\"push\",\"status\":\"ACTIVE\"}]"},
};

static int write_body(char *to, size_t size, const char *text) {
    int n = 0;
    to[0] = '\0';
    for (const char *port; (port = strstr(text, "PORT")); text = port + 4)
        n += snprintf(to + n, size - (size_t)n, "%.*s%d", (int)(port - text), text, served->port);
    return n + snprintf(to + n, size - (size_t)n, "%s", text);
}

static void serve_one(int fd) {
    char request[REQUEST_MAX + 1];
    char body[1024];
    char head[256];
    size_t n = 0;
    while (n < REQUEST_MAX) {
        ssize_t got = recv(fd, request + n, REQUEST_MAX - n, 0);
        if (got <= 0) return;
        n += (size_t)got;
        request[n] = '\0';
        if (strstr(request, "\r\n\r\n")) break;
    }
    const struct answer_row *row = answers;
    while (!strstr(request, row->request)) row++;
    if (row->status == 201) served->verifies++;
    int size = write_body(body, sizeof body, row->body);
    int head_n = snprintf(head, sizeof head,
                          "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %d\r\n\r\n",
                          row->status, size);
    if (send(fd, head, (size_t)head_n, MSG_NOSIGNAL) < 0) return;
    if (send(fd, body, (size_t)size, MSG_NOSIGNAL) < 0) return;
}

static void serve(int listener) {
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) _exit(1);
        serve_one(fd);
        close(fd);
    }
}

static int start_okta(void **state) {
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    served = mmap(NULL, sizeof *served, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(listener >= 0 && served != MAP_FAILED);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    served->port = ntohs(address.sin_port);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) serve(listener);
    close(listener);
    return 0;
}

static int stop_okta(void **state) {
    (void)state;
    kill(child, SIGKILL);
    return waitpid(child, NULL, 0) == child ? 0 : -1;
}

// ---- one request ----

struct scene {
    struct loop *loop;
    struct okta_org *org;
    struct okta_ask *ask;
    int calls;
    enum okta_ask_result result;
    enum okta_factor_result factor_result;
    bool told; // everything that the answer says
};

struct scenario {
    int (*ask)(struct scene *s);
    bool (*is_told)(const struct okta_answer *a);
    enum okta_ask_result result; // when nothing fails
};

static const struct scenario *playing;

static void on_answer(void *ctx, const struct okta_answer *a) {
    struct scene *s = ctx;
    s->calls++;
    s->result = a->result;
    s->factor_result = a->transaction.result;
    s->told = playing->is_told(a);
    loop_stop(s->loop);
}

static int find(struct scene *s) {
    return okta_find_user(s->org, STR("al"), false, on_answer, s, &s->ask);
}
static bool is_found(const struct okta_answer *a) {
    return a->user_count == 1 && str_eqz(a->users[0].id, "00u1") && a->users[0].active;
}

static int list(struct scene *s) {
    return okta_list_factors(s->org, STR("00u1"), on_answer, s, &s->ask);
}
static bool is_listed(const struct okta_answer *a) {
    return a->factor_count == 1 && str_eqz(a->factors[0].id, "opf2");
}

static const struct okta_asker asker = {STR("Browser/1"), STR("203.0.113.7")};

static int push(struct scene *s) {
    return okta_verify_push(s->org, STR("00u1"), STR("opf2"), true, &asker, on_answer, s, &s->ask);
}
static int try_code(struct scene *s) {
    return okta_verify_code(s->org, STR("00u1"), STR("opf2"), STR("424242"), &asker, on_answer, s,
                            &s->ask);
}
static bool is_waiting(const struct okta_answer *a) {
    return a->transaction.result == OKTA_FACTOR_WAITING && str_eqz(a->transaction.id, "t3") &&
           a->transaction.poll_url.p && a->transaction.cancel_url.p;
}

static int poll_push(struct scene *s) {
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%d" TRANSACTION, served->port);
    return okta_poll_push(s->org, STR("00u1"), STR("opf2"), str_from(url), on_answer, s, &s->ask);
}
static bool is_success(const struct okta_answer *a) {
    return a->transaction.result == OKTA_FACTOR_SUCCESS;
}

static int withdraw(struct scene *s) {
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%d" TRANSACTION, served->port);
    return okta_cancel_push(s->org, str_from(url), on_answer, s, &s->ask);
}
static bool is_taken(const struct okta_answer *a) { return a->status == 204; }

static int list_refused(struct scene *s) {
    return okta_list_factors(s->org, STR("refused"), on_answer, s, &s->ask);
}
static bool is_explained(const struct okta_answer *a) {
    return str_eqz(a->error_code, "E0000006") && strstr(a->fault.text, "E0000006");
}

static int make(struct scene *s) {
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/api/v1/logs", served->port);
    const struct okta_org_opts opts = {.url = url,
                                       .credentials.api_key = "00secret",
                                       .http_client_timeout_ms = 5000,
                                       .http = {.user_agent = "test", .proxy_url = ""}};
    struct fault fault = {{0}};
    int e = loop_new(&s->loop);
    if (!e) e = okta_org_new(&s->org, s->loop, &opts, &fault);
    return e;
}

// Plays it with the n-th allocation failing. Returns how many there were; `*ret_whole`: it came to
// what it comes to when nothing fails.
static long play(long n, bool *ret_whole) {
    struct scene s = {.loop = NULL};
    failmalloc_arm(n);
    int e = make(&s);
    if (!e) e = playing->ask(&s);
    if (!e) e = loop_run(s.loop);
    long count = failmalloc_disarm();
    // -EINVAL: a URL that there was no memory to look into is none of the org's.
    if (e != 0 && e != -ENOMEM && e != -EINVAL) fail_msg("allocation %ld: outcome %d", n, e);
    assert_int_equal(s.calls, e == 0);
    okta_org_free(s.org);
    loop_free(s.loop);
    *ret_whole = e == 0 && s.result == playing->result && s.told;
    if (e == 0 && s.result == OKTA_ASK_ANSWERED) assert_true(*ret_whole);
    if (e == 0 && s.factor_result == OKTA_FACTOR_SUCCESS)
        assert_true(playing->is_told == is_success);
    return count;
}

static void fail_each(const struct scenario *scenario) {
    bool verifies = scenario->is_told == is_waiting;
    playing = scenario;
    for (long n = 1; n < ATTEMPTS_MAX; n++) {
        bool whole = false;
        int before = served->verifies;
        long count = play(n, &whole);
        assert_in_range(served->verifies - before, 0, verifies);
        if (count >= n) continue;
        assert_true(whole && n > 1);
        assert_int_equal(served->verifies - before, verifies);
        return;
    }
    fail_msg("never got through");
}

static const struct scenario scenarios[] = {
    {find, is_found, OKTA_ASK_ANSWERED},
    {list, is_listed, OKTA_ASK_ANSWERED},
    {push, is_waiting, OKTA_ASK_ANSWERED},
    {try_code, is_waiting, OKTA_ASK_ANSWERED},
    {poll_push, is_success, OKTA_ASK_ANSWERED},
    {withdraw, is_taken, OKTA_ASK_ANSWERED},
    {list_refused, is_explained, OKTA_ASK_REFUSED},
};

static void finding_a_user(void **state) {
    (void)state;
    fail_each(&scenarios[0]);
}
static void listing_factors(void **state) {
    (void)state;
    fail_each(&scenarios[1]);
}
static void sending_a_push(void **state) {
    (void)state;
    fail_each(&scenarios[2]);
}
static void trying_a_code(void **state) {
    (void)state;
    fail_each(&scenarios[3]);
}
static void polling(void **state) {
    (void)state;
    fail_each(&scenarios[4]);
}
static void taking_a_push_back(void **state) {
    (void)state;
    fail_each(&scenarios[5]);
}
static void being_refused(void **state) {
    (void)state;
    fail_each(&scenarios[6]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finding_a_user), cmocka_unit_test(listing_factors),
        cmocka_unit_test(sending_a_push), cmocka_unit_test(trying_a_code),
        cmocka_unit_test(polling),        cmocka_unit_test(taking_a_push_back),
        cmocka_unit_test(being_refused),
    };
    return cmocka_run_group_tests(tests, start_okta, stop_okta);
}
