// SPDX-License-Identifier: Apache-2.0
// What the program tells of itself when somebody asks: by the loop, or not at all. (With a watch
// and a gate behind it, it is tested in tests/live/test_metrics.py.)
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/parse.h"
#include "base/time.h"
#include "daemon/metrics-internal.h"
#include "loop/loop.h"
#include "loop/mailbox.h"

enum { ASKERS = 8, QUESTIONS = 20 };

struct world {
    struct loop *loop;
    struct metrics *metrics;
    struct log log;
    int log_ends[2];
    uint16_t port;
    atomic_llong counts[LOG_LEVELS];
    bool ready, ending;
    int looked;
    struct mailbox *done; // the askers tell when they are
    int left;
};

static void look(void *ctx, struct metrics_world *ret) {
    struct world *w = ctx;
    w->looked++;
    *ret = (struct metrics_world){.log_counts = w->counts, .ready = w->ready, .ending = w->ending};
}

// The port is what the log tells.
static uint16_t read_port(struct world *w) {
    char text[512];
    uint64_t port = 0;
    ssize_t n = read(w->log_ends[0], text, sizeof text);
    assert_true(n > 0);
    struct str line = str_trim((struct str){text, (size_t)n});
    size_t at = line.n;
    while (at > 0 && line.p[at - 1] != ':') at--;
    assert_true(parse_u64(str_sub(line, at, line.n), &port));
    return (uint16_t)port;
}

static void begin(struct world *w) {
    *w = (struct world){.ready = true};
    struct fault fault = {{0}};
    assert_int_equal(pipe(w->log_ends), 0);
    w->log = (struct log){.fd = w->log_ends[1], .level = LOG_INFO, .counts = w->counts};
    assert_int_equal(loop_new(&w->loop), 0);
    assert_int_equal(mailbox_new(&w->done, w->loop), 0);
    const struct metrics_opts opts = {
        .loop = w->loop, .log = &w->log, .address = "127.0.0.1:0", .look = look, .ctx = w};
    if (metrics_new(&w->metrics, &opts, &fault)) fail_msg("%s", fault.text);
    w->port = read_port(w);
}

static void end(struct world *w) {
    w->metrics = metrics_free(w->metrics);
    mailbox_free(w->done);
    loop_free(w->loop);
    close(w->log_ends[0]);
    close(w->log_ends[1]);
}

// ---- asking

struct asker {
    struct world *world;
    const char *path;
    int times;
    struct buf answer; // the last
    struct letter finished;
    pthread_t thread;
};

static void ask_once(struct asker *a) {
    char piece[65536];
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(a->world->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    AUTO_FINI(buf) struct buf request = buf_make(200);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    buf_addf(&request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", a->path);
    buf_reset(&a->answer);
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
        send(fd, request.p, request.n, MSG_NOSIGNAL) == (ssize_t)request.n)
        for (ssize_t n; (n = recv(fd, piece, sizeof piece, 0)) > 0;)
            buf_add(&a->answer, piece, (size_t)n);
    close(fd);
}

static void *ask(void *ctx) {
    struct asker *a = ctx;
    for (int i = 0; i < a->times; i++) ask_once(a);
    mailbox_post(a->world->done, &a->finished);
    return NULL;
}

static void on_finished(struct letter *l) {
    struct asker *a = (struct asker *)(void *)((char *)l - offsetof(struct asker, finished));
    if (--a->world->left == 0) loop_stop(a->world->loop);
}

static void start_asker(struct asker *a, struct world *w, const char *path, int times) {
    *a = (struct asker){.world = w, .path = path, .times = times, .answer = buf_make(1 << 24)};
    a->finished.read = on_finished;
    w->left++;
    assert_int_equal(pthread_create(&a->thread, NULL, ask, a), 0);
}

static bool holds(const struct asker *a, const char *text) {
    return str_find(buf_str(&a->answer), str_from(text)) < a->answer.n;
}

static void finish_answer(struct asker *a, const char *begins, const char *text) {
    if (!str_starts(buf_str(&a->answer), str_from(begins)) || !holds(a, text))
        fail_msg("%.*s", STR_ARG(buf_str(&a->answer)));
    buf_fini(&a->answer);
}

static void finish_asker(struct asker *a, const char *begins, const char *text) {
    pthread_join(a->thread, NULL);
    finish_answer(a, begins, text);
}

// He has been answered without the loop, which is not to be stopped for him.
static void forget_asker(struct asker *a, const char *begins, const char *text) {
    pthread_join(a->thread, NULL);
    mailbox_take_back(a->world->done, &a->finished);
    a->world->left--;
    finish_answer(a, begins, text);
}

// ---- tests

static void the_loop_answers_whoever_asks(void **state) {
    (void)state;
    static const char *const paths[] = {"/metrics", "/healthz", "/readyz"};
    static const char *const texts[] = {"gatehouse_build_info{version=\"", "\r\nok\n",
                                        "\r\nready\n"};
    struct world w;
    struct asker askers[ASKERS];
    begin(&w);
    for (size_t i = 0; i < ASKERS; i++) start_asker(&askers[i], &w, paths[i % 3], QUESTIONS);
    assert_int_equal(loop_run(w.loop), 0);
    for (size_t i = 0; i < ASKERS; i++) finish_asker(&askers[i], "HTTP/1.1 200 ", texts[i % 3]);
    assert_int_equal(w.looked, ASKERS * QUESTIONS);
    end(&w);
}

static void ask_ready(struct world *w, const char *begins, const char *text) {
    struct asker a;
    start_asker(&a, w, "/readyz", 1);
    assert_int_equal(loop_run(w->loop), 0);
    finish_asker(&a, begins, text);
}

static void who_begins_or_ends_is_not_ready(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    w.ready = false;
    ask_ready(&w, "HTTP/1.1 503 ", "not ready: it is being started\n");
    w.ready = true;
    ask_ready(&w, "HTTP/1.1 200 ", "ready\n");
    w.ending = true;
    ask_ready(&w, "HTTP/1.1 503 ", "not ready: it is being ended\n");
    end(&w);
}

// Everything that waits for the loop is looked after.
static void turn_once(struct world *w) {
    struct asker nobody = {.world = w, .finished.read = on_finished};
    w->left++;
    mailbox_post(w->done, &nobody.finished);
    assert_int_equal(loop_run(w->loop), 0);
}

static void a_loop_that_does_not_turn_is_not_waited_for(void **state) {
    (void)state;
    struct world w;
    struct asker first, second;
    begin(&w);
    start_asker(&first, &w, "/healthz", 1);
    forget_asker(&first, "HTTP/1.1 503 ", "the program is held up\n");
    start_asker(&second, &w, "/metrics", 1);
    forget_asker(&second, "HTTP/1.1 503 ", "the program is held up\n");
    assert_int_equal(w.looked, 0);
    turn_once(&w);
    assert_int_equal(w.looked, 1);
    ask_ready(&w, "HTTP/1.1 200 ", "ready\n");
    end(&w);
}

static void at_the_end_nobody_is_left_waiting(void **state) {
    (void)state;
    struct world w;
    struct asker a;
    begin(&w);
    start_asker(&a, &w, "/metrics", 1);
    w.metrics = metrics_free(w.metrics);
    pthread_join(a.thread, NULL);
    assert_false(holds(&a, "HTTP/1.1 200"));
    mailbox_take_back(w.done, &a.finished);
    buf_fini(&a.answer);
    end(&w);
}

static void messages_are_counted_by_level(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    AUTO_FINI(buf) struct buf out = buf_make(1 << 20);
    struct metrics_world world;
    log_warn(&w.log, "a.warning");
    look(&w, &world);
    assert_int_equal(metrics_write(&out, &world), 0);
    assert_non_null(strstr(buf_z(&out), "gatehouse_log_messages_total{level=\"warn\"} 1\n"));
    assert_non_null(strstr(buf_z(&out), "gatehouse_log_messages_total{level=\"info\"} 1\n"));
    assert_non_null(strstr(buf_z(&out), "gatehouse_log_messages_total{level=\"error\"} 0\n"));
    assert_null(strstr(buf_z(&out), "gatehouse_gate"));
    assert_null(strstr(buf_z(&out), "\ngatehouse_dead_letters_waiting "));
    end(&w);
}

static void an_address_that_cannot_be_had_is_told_by_its_setting(void **state) {
    (void)state;
    struct world w;
    struct metrics *m = NULL;
    struct fault fault = {{0}};
    begin(&w);
    const struct metrics_opts opts = {
        .loop = w.loop, .log = &w.log, .address = "nowhere", .look = look, .ctx = &w};
    assert_true(metrics_new(&m, &opts, &fault) < 0);
    assert_true(str_starts(str_from(fault.text), STR("metrics.address: nowhere: ")));
    end(&w);
}

static void what_the_system_says_of_the_process_makes_sense(void **state) {
    (void)state;
    struct process_stats before, after;
    int64_t now_ms = time_now_ms();
    process_stats(&before);
    int fd = dup(0);
    process_stats(&after);
    assert_true(fd >= 0 && after.open_fds == before.open_fds + 1);
    close(fd);
    assert_true(after.cpu_ms >= before.cpu_ms);
    assert_in_range(after.resident_bytes, 1 << 16, (int64_t)1 << 40);
    assert_true(after.virtual_bytes >= after.resident_bytes);
    assert_true(after.started_ms > now_ms - TIME_HOUR_MS &&
                after.started_ms <= time_now_ms() + 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loop_answers_whoever_asks),
        cmocka_unit_test(who_begins_or_ends_is_not_ready),
        cmocka_unit_test(a_loop_that_does_not_turn_is_not_waited_for),
        cmocka_unit_test(at_the_end_nobody_is_left_waiting),
        cmocka_unit_test(messages_are_counted_by_level),
        cmocka_unit_test(an_address_that_cannot_be_had_is_told_by_its_setting),
        cmocka_unit_test(what_the_system_says_of_the_process_makes_sense),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
