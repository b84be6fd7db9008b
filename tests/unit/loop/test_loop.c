// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/time.h"
#include "loop/loop.h"

struct trace {
    struct loop *loop;
    char text[64];
    size_t n;
    struct loop_timer *timers[4];
    struct loop_watch *watch;
    int fd;
};

static struct trace start(void) {
    struct trace t = {0};
    assert_int_equal(loop_new(&t.loop), 0);
    return t;
}

static void note(struct trace *t, char c) {
    assert_true(t->n < sizeof t->text - 1);
    t->text[t->n++] = c;
}

static void note_a(void *ctx) { note(ctx, 'a'); }
static void note_b(void *ctx) { note(ctx, 'b'); }
static void note_c(void *ctx) { note(ctx, 'c'); }

static void make_timers(struct trace *t) {
    void (*const fires[])(void *) = {note_a, note_b, note_c};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(loop_timer_new(&t->timers[i], t->loop, fires[i], t), 0);
}

static void free_timers(struct trace *t) {
    for (size_t i = 0; i < LEN(t->timers); i++) t->timers[i] = loop_timer_free(t->timers[i]);
}

static void timers_fire_in_the_order_of_their_times(void **state) {
    (void)state;
    struct trace t = start();
    make_timers(&t);
    loop_timer_set(t.timers[0], 30);
    loop_timer_set(t.timers[1], -5);
    loop_timer_set(t.timers[2], 10);
    assert_int_equal(loop_run(t.loop), 0);
    assert_string_equal(t.text, "bca");
    free_timers(&t);
    loop_free(t.loop);
}

static void a_timer_that_is_set_again_moves_and_a_cancelled_one_is_silent(void **state) {
    (void)state;
    struct trace t = start();
    make_timers(&t);
    loop_timer_set(t.timers[0], 1);
    loop_timer_set(t.timers[0], 20);
    loop_timer_set(t.timers[1], 5);
    loop_timer_set(t.timers[2], 2);
    assert_true(loop_timer_is_set(t.timers[2]));
    loop_timer_cancel(t.timers[2]);
    assert_false(loop_timer_is_set(t.timers[2]));
    assert_int_equal(loop_run(t.loop), 0);
    assert_string_equal(t.text, "ba");
    assert_false(loop_timer_is_set(t.timers[0]));
    free_timers(&t);
    loop_free(t.loop);
}

static void work_then_set(void *ctx) {
    struct trace *t = ctx;
    int64_t until = time_mono_ms() + 30;
    while (time_mono_ms() < until) continue;
    loop_timer_set(t->timers[0], 20);
}

static void a_timer_set_after_long_work_is_not_early(void **state) {
    (void)state;
    struct trace t = start();
    make_timers(&t);
    assert_int_equal(loop_timer_new(&t.timers[3], t.loop, work_then_set, &t), 0);
    int64_t from = time_mono_ms();
    loop_timer_set(t.timers[3], 0);
    assert_int_equal(loop_run(t.loop), 0);
    assert_true(time_mono_ms() - from >= 49);
    free_timers(&t);
    loop_free(t.loop);
}

static void free_all_timers(void *ctx) {
    note(ctx, 'f');
    free_timers(ctx);
}

static void a_timer_may_free_itself_and_others(void **state) {
    (void)state;
    struct trace t = start();
    make_timers(&t);
    assert_int_equal(loop_timer_new(&t.timers[3], t.loop, free_all_timers, &t), 0);
    loop_timer_set(t.timers[0], 5);
    loop_timer_set(t.timers[3], 1);
    assert_int_equal(loop_run(t.loop), 0);
    assert_string_equal(t.text, "f");
    loop_free(t.loop);
}

static void stop_loop(void *ctx) { loop_stop(((struct trace *)ctx)->loop); }

static void stopping_leaves_what_waits_for_the_next_run(void **state) {
    (void)state;
    struct trace t = start();
    make_timers(&t);
    assert_int_equal(loop_timer_new(&t.timers[3], t.loop, stop_loop, &t), 0);
    loop_timer_set(t.timers[3], 1);
    loop_timer_set(t.timers[0], 20);
    assert_int_equal(loop_run(t.loop), 0);
    assert_string_equal(t.text, "");
    assert_int_equal(loop_run(t.loop), 0);
    assert_string_equal(t.text, "a");
    free_timers(&t);
    loop_free(t.loop);
}

static void on_signal(void *ctx, int signum) {
    struct trace *t = ctx;
    note(t, signum == SIGUSR1 ? '1' : '?');
    loop_stop(t->loop);
}

static void signals_arrive_as_callbacks_and_sigpipe_does_not_kill(void **state) {
    (void)state;
    struct trace t = start();
    struct loop_signal *s = NULL;
    assert_int_equal(loop_signal_new(&s, t.loop, SIGUSR1, on_signal, &t), 0);
    assert_int_equal(raise(SIGPIPE), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(loop_run(t.loop), 0);
    assert_string_equal(t.text, "1");
    loop_signal_free(s);
    assert_true(loop_signal_new(&s, t.loop, SIGKILL, on_signal, &t) < 0);
    loop_free(t.loop);
}

static void on_readable(void *ctx, int ready) {
    struct trace *t = ctx;
    assert_true(ready & LOOP_READ);
    char byte = '?';
    ssize_t n = read(t->fd, &byte, 1);
    note(t, n == 1 ? byte : 'E');
    if (n != 1) t->watch = loop_watch_free(t->watch);
}

static void a_watch_tells_of_bytes_and_of_the_end(void **state) {
    (void)state;
    struct trace t = start();
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    t.fd = pair[0];
    assert_int_equal(loop_watch_new(&t.watch, t.loop, pair[0], on_readable, &t), 0);
    assert_int_equal(loop_watch_set(t.watch, LOOP_READ), 0);
    assert_int_equal(write(pair[1], "xy", 2), 2);
    close(pair[1]);
    assert_int_equal(loop_run(t.loop), 0);
    assert_string_equal(t.text, "xyE");
    close(pair[0]);
    loop_free(t.loop);
}

static void on_writable(void *ctx, int ready) {
    struct trace *t = ctx;
    note(t, ready == LOOP_WRITE ? 'w' : '?');
    if (t->n < 2) return;
    assert_int_equal(loop_watch_set(t->watch, 0), 0);
}

static void a_paused_watch_is_silent(void **state) {
    (void)state;
    struct trace t = start();
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(loop_watch_new(&t.watch, t.loop, pair[0], on_writable, &t), 0);
    assert_int_equal(loop_watch_set(t.watch, LOOP_WRITE), 0);
    assert_int_equal(loop_run(t.loop), 0); // ends, as nothing is watched any more
    assert_string_equal(t.text, "ww");
    loop_watch_free(t.watch);
    close(pair[0]);
    close(pair[1]);
    loop_free(t.loop);
}

static void a_bad_descriptor_is_refused(void **state) {
    (void)state;
    struct trace t = start();
    assert_int_equal(loop_watch_new(&t.watch, t.loop, -1, on_readable, &t), -EBADF);
    loop_free(t.loop);
}

enum { JOBS = 20 };

struct job_test {
    int worked[JOBS]; // each written by one job only
    int done;
    int which;
    struct job_test *all;
};

static void job_work(void *ctx) {
    struct job_test *j = ctx;
    j->all->worked[j->which]++;
}

static void job_done(void *ctx) {
    struct job_test *j = ctx;
    assert_int_equal(j->all->worked[j->which], 1);
    j->all->done++;
}

static void every_job_is_done_once_on_the_loop_after_its_work(void **state) {
    (void)state;
    struct trace t = start();
    struct job_test jobs[JOBS] = {0};
    for (int i = 0; i < JOBS; i++) {
        jobs[i].which = i;
        jobs[i].all = jobs;
        assert_int_equal(loop_job(t.loop, job_work, job_done, &jobs[i]), 0);
    }
    assert_int_equal(jobs->done, 0);
    assert_int_equal(loop_run(t.loop), 0);
    assert_int_equal(jobs->done, JOBS);
    loop_free(t.loop);
}

static void freeing_nothing_is_fine(void **state) {
    (void)state;
    assert_null(loop_free(NULL));
    assert_null(loop_timer_free(NULL));
    assert_null(loop_watch_free(NULL));
    assert_null(loop_signal_free(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_the_order_of_their_times),
        cmocka_unit_test(a_timer_that_is_set_again_moves_and_a_cancelled_one_is_silent),
        cmocka_unit_test(a_timer_set_after_long_work_is_not_early),
        cmocka_unit_test(a_timer_may_free_itself_and_others),
        cmocka_unit_test(stopping_leaves_what_waits_for_the_next_run),
        cmocka_unit_test(signals_arrive_as_callbacks_and_sigpipe_does_not_kill),
        cmocka_unit_test(a_watch_tells_of_bytes_and_of_the_end),
        cmocka_unit_test(a_paused_watch_is_silent),
        cmocka_unit_test(a_bad_descriptor_is_refused),
        cmocka_unit_test(every_job_is_done_once_on_the_loop_after_its_work),
        cmocka_unit_test(freeing_nothing_is_fine),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
