// SPDX-License-Identifier: Apache-2.0
// Requests that wait for a person: the server over real sockets, in front of a gate that is made
// here and answers when the test says so. (The linker takes these functions for the gate's.)
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <pthread.h>

#include <cmocka.h>

#include "api/server.h"
#include "base/time.h"
#include "connect.h"

enum { WAITING_MAX = 64, PATIENCE_S = 30 };

struct waiting {
    uint64_t ticket; // 0: free
    void (*done)(void *ctx, const struct answer *a);
    void *ctx;
};

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct waiting waiting[WAITING_MAX];
    uint64_t last_ticket;
    int asked, given_up; // all in all
    uint64_t last_given_up;
    char remote_address[64], user_agent[64]; // of the last request
};

// ---- the gate

static void copy_text(char *to, size_t size, struct str text) {
    snprintf(to, size, "%.*s", STR_ARG(text.p ? text : STR("none")));
}

static struct waiting *free_place(struct gate *g) {
    for (size_t i = 0; i < WAITING_MAX; i++)
        if (!g->waiting[i].ticket) return &g->waiting[i];
    fail_msg("too many wait");
    return NULL;
}

static void answer_ok(void (*done)(void *ctx, const struct answer *a), void *ctx) {
    done(ctx, &(struct answer){.status = 200, .body = STR("{}\n")});
}

// What is asked below sys/ is answered at once; the rest waits.
uint64_t gate_handle(struct gate *g, const struct request *r,
                     void (*done)(void *ctx, const struct answer *a), void *ctx) {
    bool at_once = str_starts(r->path, STR("sys/"));
    pthread_mutex_lock(&g->lock);
    copy_text(g->remote_address, sizeof g->remote_address, r->remote_address);
    copy_text(g->user_agent, sizeof g->user_agent, r->user_agent);
    uint64_t ticket = at_once ? 0 : ++g->last_ticket;
    struct waiting *place = at_once ? NULL : free_place(g);
    if (place) *place = (struct waiting){.ticket = ticket, .done = done, .ctx = ctx};
    g->asked++;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
    if (at_once) answer_ok(done, ctx);
    return ticket;
}

static struct waiting take(struct gate *g, uint64_t ticket) {
    struct waiting w = {0};
    for (size_t i = 0; i < WAITING_MAX; i++) {
        if (g->waiting[i].ticket != ticket) continue;
        w = g->waiting[i];
        g->waiting[i] = (struct waiting){0};
    }
    return w;
}

// False: it is over.
static bool decide(struct gate *g, uint64_t ticket) {
    pthread_mutex_lock(&g->lock);
    struct waiting w = take(g, ticket);
    pthread_mutex_unlock(&g->lock);
    if (w.ticket) answer_ok(w.done, w.ctx);
    return w.ticket;
}

void gate_give_up(struct gate *g, uint64_t ticket) {
    pthread_mutex_lock(&g->lock);
    struct waiting w = take(g, ticket);
    g->given_up++;
    g->last_given_up = ticket;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
    if (w.ticket) w.done(w.ctx, &(struct answer){.status = 403, .body = STR("{}\n")});
}

static void wait_for(struct gate *g, const int *count, int wanted) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&g->lock);
    int e = 0;
    while (*count < wanted && !e) e = pthread_cond_timedwait(&g->changed, &g->lock, &until);
    pthread_mutex_unlock(&g->lock);
    if (e) fail_msg("nothing happened for %d seconds", PATIENCE_S);
}

static int read_count(struct gate *g, const int *count) {
    pthread_mutex_lock(&g->lock);
    int n = *count;
    pthread_mutex_unlock(&g->lock);
    return n;
}

// ---- clients

struct world {
    struct gate gate;
    struct server *server;
};

static void begin(struct world *w, const struct server_opts *more) {
    struct server_opts opts = *more;
    struct fault fault = {""};
    *w = (struct world){.server = NULL};
    pthread_mutex_init(&w->gate.lock, NULL);
    pthread_cond_init(&w->gate.changed, NULL);
    opts.gate = &w->gate;
    opts.address = "127.0.0.1:0";
    if (server_new(&w->server, &opts, &fault)) fail_msg("%s", fault.text);
}

static void end(struct world *w) {
    w->server = server_free(w->server);
    pthread_cond_destroy(&w->gate.changed);
    pthread_mutex_destroy(&w->gate.lock);
}

static int connect_to(const struct world *w) {
    return connect_to_address(server_address(w->server));
}

static void say(int fd, const char *text) {
    size_t n = strlen(text);
    assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

#define HEAD " HTTP/1.1\r\nHost: x\r\nX-Vault-Token: root\r\n"
#define WAITS "GET /v1/secret/a" HEAD "\r\n"
#define AT_ONCE "GET /v1/sys/a" HEAD "\r\n"

// Reads that many answers, whose bodies are "{}\n"; the number of those that came.
static int receive(int fd, int answers) {
    AUTO_FINI(buf) struct buf in = buf_make(1 << 16);
    char piece[4096];
    int seen = 0;
    while (seen < answers) {
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0) break;
        buf_add(&in, piece, (size_t)n);
        seen = 0;
        for (struct str rest = buf_str(&in); str_find(rest, STR("{}\n")) < rest.n; seen++)
            rest = str_sub(rest, str_find(rest, STR("{}\n")) + 3, rest.n);
    }
    return seen;
}

// A client whose request waits; its ticket.
static uint64_t begin_waiting(struct world *w, int *ret_fd) {
    int before = read_count(&w->gate, &w->gate.asked);
    *ret_fd = connect_to(w);
    say(*ret_fd, WAITS);
    wait_for(&w->gate, &w->gate.asked, before + 1);
    pthread_mutex_lock(&w->gate.lock);
    uint64_t ticket = w->gate.last_ticket;
    pthread_mutex_unlock(&w->gate.lock);
    return ticket;
}

// ---- going away

static void leave_closed(int fd) { close(fd); }

static void leave_reset(int fd) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

static void leave_half_closed(int fd) {
    shutdown(fd, SHUT_WR);
    assert_int_equal(receive(fd, 1), 1); // the refusal, all the same
    close(fd);
}

static void leave_with_more_said(int fd) {
    say(fd, AT_ONCE "GET /v1/sec");
    close(fd);
}

static void a_client_that_goes_away_is_given_up_once(void **state) {
    (void)state;
    static void (*const ways[])(int fd) = {leave_closed, leave_reset, leave_half_closed,
                                           leave_with_more_said};
    struct world w;
    begin(&w, &(struct server_opts){.threads = 1});
    for (size_t i = 0; i < LEN(ways); i++) {
        int fd;
        uint64_t ticket = begin_waiting(&w, &fd);
        ways[i](fd);
        wait_for(&w.gate, &w.gate.given_up, (int)i + 1);
        pthread_mutex_lock(&w.gate.lock);
        assert_int_equal(w.gate.last_given_up, ticket);
        pthread_mutex_unlock(&w.gate.lock);
    }
    end(&w);
    assert_int_equal(w.gate.given_up, LEN(ways));
}

// The library looks at the connection that was quiet for longest before all others, in which case
// it takes another way.
static void the_end_of_what_a_client_sends_loses_no_answer_beside_others(void **state) {
    (void)state;
    struct world w;
    begin(&w, &(struct server_opts){.threads = 1});
    int quiet = connect_to(&w);
    say(quiet, AT_ONCE);
    assert_int_equal(receive(quiet, 1), 1);
    for (int i = 1; i <= 20; i++) {
        int fd;
        begin_waiting(&w, &fd);
        shutdown(fd, SHUT_WR);
        wait_for(&w.gate, &w.gate.given_up, i);
        assert_int_equal(receive(fd, 1), 1);
        close(fd);
    }
    close(quiet);
    end(&w);
}

static void a_client_that_is_gone_before_it_waits_is_noticed_too(void **state) {
    (void)state;
    struct world w;
    begin(&w, &(struct server_opts){.threads = 1});
    for (int i = 1; i <= 50; i++) {
        int fd = connect_to(&w);
        say(fd, WAITS);
        shutdown(fd, SHUT_WR);
        wait_for(&w.gate, &w.gate.given_up, i);
        assert_int_equal(receive(fd, 1), 1);
        close(fd);
    }
    end(&w);
}

static void a_second_request_behind_it_is_no_end(void **state) {
    (void)state;
    struct world w;
    int patient, other;
    begin(&w, &(struct server_opts){.threads = 1});
    uint64_t ticket = begin_waiting(&w, &patient);
    say(patient, AT_ONCE);
    uint64_t others = begin_waiting(&w, &other);
    close(other);
    wait_for(&w.gate, &w.gate.given_up, 1); // so the server has looked since
    assert_int_equal(w.gate.last_given_up, others);
    assert_true(decide(&w.gate, ticket));
    assert_int_equal(receive(patient, 2), 2);
    close(patient);
    end(&w);
    assert_int_equal(w.gate.given_up, 1);
}

static void after_the_answer_nobody_waits_for_the_peers_end(void **state) {
    (void)state;
    struct world w;
    int fd;
    begin(&w, &(struct server_opts){.threads = 1});
    uint64_t ticket = begin_waiting(&w, &fd);
    assert_true(decide(&w.gate, ticket));
    assert_int_equal(receive(fd, 1), 1);
    say(fd, AT_ONCE);
    assert_int_equal(receive(fd, 1), 1);
    say(fd, WAITS); // once more on the same connection
    wait_for(&w.gate, &w.gate.asked, 3);
    assert_true(decide(&w.gate, ticket + 1));
    assert_int_equal(receive(fd, 1), 1);
    close(fd);
    end(&w);
    assert_int_equal(w.gate.given_up, 0);
}

struct decider {
    pthread_t thread;
    struct gate *gate;
    uint64_t ticket;
};

static void *run_decide(void *arg) {
    struct decider *d = arg;
    decide(d->gate, d->ticket);
    return NULL;
}

// Whoever comes first, there is one answer, and nothing is touched that is gone.
static void an_answer_and_an_end_may_meet(void **state) {
    (void)state;
    struct world w;
    begin(&w, &(struct server_opts){.threads = 2});
    for (int i = 0; i < 300; i++) {
        int fd;
        struct decider d = {.gate = &w.gate, .ticket = begin_waiting(&w, &fd)};
        assert_int_equal(pthread_create(&d.thread, NULL, run_decide, &d), 0);
        if (i % 3 == 0) leave_reset(fd);
        else close(fd);
        pthread_join(d.thread, NULL);
    }
    end(&w);
    for (size_t i = 0; i < WAITING_MAX; i++) assert_int_equal(w.gate.waiting[i].ticket, 0);
}

static void many_go_away_at_once(void **state) {
    (void)state;
    struct world w;
    int fds[WAITING_MAX];
    begin(&w, &(struct server_opts){.threads = 2});
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < WAITING_MAX; i++) begin_waiting(&w, &fds[i]);
        for (int i = 0; i < WAITING_MAX; i++) close(fds[i]);
        wait_for(&w.gate, &w.gate.given_up, round * WAITING_MAX);
    }
    end(&w);
}

static void *run_free(void *arg) {
    struct world *w = arg;
    w->server = server_free(w->server);
    return NULL;
}

static void the_server_ends_when_all_that_waits_is_decided(void **state) {
    (void)state;
    struct world w;
    pthread_t thread;
    int staying, leaving;
    begin(&w, &(struct server_opts){.threads = 1});
    uint64_t ticket = begin_waiting(&w, &staying);
    begin_waiting(&w, &leaving);
    assert_int_equal(pthread_create(&thread, NULL, run_free, &w), 0);
    close(leaving); // is noticed while the server ends
    wait_for(&w.gate, &w.gate.given_up, 1);
    assert_true(decide(&w.gate, ticket));
    assert_int_equal(receive(staying, 1), 1);
    close(staying);
    pthread_join(thread, NULL);
    end(&w);
}

// ---- over TLS

static void make_certificate(char directory[32], char cert[64], char key[64]) {
    char command[512];
    snprintf(directory, 32, "/tmp/gatehouse-tls-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(cert, 64, "%s/cert.pem", directory);
    snprintf(key, 64, "%s/key.pem", directory);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
             "-subj /CN=localhost -keyout %s -out %s 2>/dev/null",
             key, cert);
    assert_int_equal(system(command), 0);
}

static void a_client_that_goes_away_over_tls_is_given_up(void **state) {
    (void)state;
    struct world w;
    char directory[32], cert[64], key[64];
    make_certificate(directory, cert, key);
    begin(&w, &(struct server_opts){.threads = 1, .tls_cert_file = cert, .tls_key_file = key});
    for (int i = 0; i < 2; i++) {
        gnutls_session_t session;
        gnutls_certificate_credentials_t credentials;
        int fd = connect_to(&w);
        assert_int_equal(gnutls_certificate_allocate_credentials(&credentials), 0);
        assert_int_equal(gnutls_init(&session, GNUTLS_CLIENT), 0);
        gnutls_set_default_priority(session);
        gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
        gnutls_transport_set_int(session, fd);
        assert_int_equal(gnutls_handshake(session), 0);
        size_t n = sizeof WAITS - 1;
        assert_int_equal(gnutls_record_send(session, WAITS, n), (ssize_t)n);
        wait_for(&w.gate, &w.gate.asked, i + 1);
        assert_int_equal(read_count(&w.gate, &w.gate.given_up), i);
        if (i == 0) gnutls_bye(session, GNUTLS_SHUT_WR); // politely, or not
        close(fd);
        wait_for(&w.gate, &w.gate.given_up, i + 1);
        gnutls_deinit(session);
        gnutls_certificate_free_credentials(credentials);
    }
    end(&w);
    unlink(cert);
    unlink(key);
    rmdir(directory);
}

// ---- who asks

static void expect_client(struct world *w, const char *headers, const char *address,
                          const char *agent) {
    char text[2048];
    int fd = connect_to(w);
    snprintf(text, sizeof text, "GET /v1/sys/a" HEAD "%s\r\n", headers);
    say(fd, text);
    assert_int_equal(receive(fd, 1), 1);
    close(fd);
    pthread_mutex_lock(&w->gate.lock);
    if (strcmp(w->gate.remote_address, address) != 0 || strcmp(w->gate.user_agent, agent) != 0)
        fail_msg("%s: %s, %s", headers, w->gate.remote_address, w->gate.user_agent);
    pthread_mutex_unlock(&w->gate.lock);
}

static void a_trusted_proxy_is_believed_and_the_agent_is_told(void **state) {
    (void)state;
    static const char *const proxies[] = {"127.0.0.0/8", "10.0.0.1"};
    struct world w;
    begin(&w, &(struct server_opts){.threads = 1,
                                    .x_forwarded_for_authorized_addrs = proxies,
                                    .x_forwarded_for_authorized_addr_count = LEN(proxies)});
    expect_client(&w, "", "127.0.0.1", "none");
    expect_client(&w, "User-Agent: Vault/1.17\r\n", "127.0.0.1", "Vault/1.17");
    expect_client(&w, "X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7", "none");
    expect_client(&w, "x-forwarded-for: 1.1.1.1, [2001:DB8::7]:99\r\nX-Forwarded-For: 10.0.0.1\r\n",
                  "2001:db8::7", "none");
    expect_client(&w, "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: unknown\r\n", "127.0.0.1",
                  "none");
    end(&w);
}

static void nobody_else_is_believed(void **state) {
    (void)state;
    static const char *const proxies[] = {"10.0.0.0/8"};
    struct world w;
    begin(&w, &(struct server_opts){.threads = 1});
    expect_client(&w, "X-Forwarded-For: 192.0.2.7\r\n", "127.0.0.1", "none");
    end(&w);
    begin(&w, &(struct server_opts){.threads = 1,
                                    .x_forwarded_for_authorized_addrs = proxies,
                                    .x_forwarded_for_authorized_addr_count = LEN(proxies)});
    expect_client(&w, "X-Forwarded-For: 192.0.2.7\r\n", "127.0.0.1", "none");
    end(&w);
}

static void a_proxy_that_is_no_address_is_refused(void **state) {
    (void)state;
    static const char *const proxies[] = {"proxy.example.com"};
    struct gate gate = {.asked = 0};
    struct server *s = NULL;
    struct fault fault = {""};
    const struct server_opts opts = {.gate = &gate,
                                     .address = "127.0.0.1:0",
                                     .x_forwarded_for_authorized_addrs = proxies,
                                     .x_forwarded_for_authorized_addr_count = LEN(proxies)};
    assert_true(server_new(&s, &opts, &fault) < 0);
    assert_non_null(strstr(fault.text, "proxy.example.com"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_goes_away_is_given_up_once),
        cmocka_unit_test(the_end_of_what_a_client_sends_loses_no_answer_beside_others),
        cmocka_unit_test(a_client_that_is_gone_before_it_waits_is_noticed_too),
        cmocka_unit_test(a_second_request_behind_it_is_no_end),
        cmocka_unit_test(after_the_answer_nobody_waits_for_the_peers_end),
        cmocka_unit_test(an_answer_and_an_end_may_meet),
        cmocka_unit_test(many_go_away_at_once),
        cmocka_unit_test(the_server_ends_when_all_that_waits_is_decided),
        cmocka_unit_test(a_client_that_goes_away_over_tls_is_given_up),
        cmocka_unit_test(a_trusted_proxy_is_believed_and_the_agent_is_told),
        cmocka_unit_test(nobody_else_is_believed),
        cmocka_unit_test(a_proxy_that_is_no_address_is_refused),
    };
    return cmocka_run_group_tests_name("server_waiting", tests, NULL, NULL);
}
