// SPDX-License-Identifier: Apache-2.0
// A worker does its jobs on one thread that is not the loop's, tells of each on the loop, holds up
// nobody else, and keeps the loop from ending only while there is something to do.
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/worker.h"

enum { JOBS = 500 };

struct bench {
    struct loop *loop;
    struct loop_worker *worker;
    struct loop_worker *other;
    pthread_t loop_thread;
    pthread_t job_thread; // of the last job; read behind `done`
    int worked, done;     // written by the job, by `done`
    bool foreign;         // a job ran on the loop's thread, or on another one than the first
    bool misplaced;       // a `done` did not run on the loop's
    sem_t gate;
    bool signals_open;
    struct loop_timer *timer;
};

static int open_bench(void **state) {
    struct bench *b = mem_new(sizeof *b);
    assert_non_null(b);
    assert_int_equal(loop_new(&b->loop), 0);
    assert_int_equal(loop_worker_new(&b->worker, b->loop), 0);
    assert_int_equal(sem_init(&b->gate, 0, 0), 0);
    b->loop_thread = pthread_self();
    *state = b;
    return 0;
}

static int close_bench(void **state) {
    struct bench *b = *state;
    loop_worker_free(b->worker);
    loop_worker_free(b->other);
    loop_timer_free(b->timer);
    loop_free(b->loop);
    sem_destroy(&b->gate);
    free(b);
    return 0;
}

static void work(void *ctx) {
    struct bench *b = ctx;
    pthread_t self = pthread_self();
    b->foreign |= pthread_equal(self, b->loop_thread) ||
                  (b->worked > 0 && !pthread_equal(self, b->job_thread));
    b->job_thread = self;
    b->worked++;
}

static void count(void *ctx) {
    struct bench *b = ctx;
    b->misplaced |= !pthread_equal(pthread_self(), b->loop_thread);
    b->done++;
}

static void again(void *ctx) {
    struct bench *b = ctx;
    count(ctx);
    if (b->done < JOBS) assert_int_equal(loop_worker_job(b->worker, work, again, b), 0);
}

static void jobs_run_one_after_the_other_on_one_thread_of_their_own(void **state) {
    struct bench *b = *state;
    assert_int_equal(loop_worker_job(b->worker, work, again, b), 0);
    assert_int_equal(loop_run(b->loop), 0);
    assert_int_equal(b->worked, JOBS);
    assert_int_equal(b->done, JOBS);
    assert_false(b->foreign);
    assert_false(b->misplaced);
}

static void an_idle_worker_does_not_keep_the_loop_running(void **state) {
    struct bench *b = *state;
    assert_int_equal(loop_run(b->loop), 0); // never had a job
    assert_int_equal(loop_worker_job(b->worker, work, count, b), 0);
    assert_int_equal(loop_run(b->loop), 0);
    assert_int_equal(b->done, 1);
    assert_int_equal(loop_run(b->loop), 0); // has had one
}

static void wait_at_gate(void *ctx) {
    struct bench *b = ctx;
    while (sem_wait(&b->gate) != 0) continue;
    work(ctx);
}

static void open_gate(void *ctx) {
    struct bench *b = ctx;
    count(ctx);
    sem_post(&b->gate);
}

static void a_job_that_waits_holds_up_no_timer(void **state) {
    struct bench *b = *state;
    assert_int_equal(loop_worker_job(b->worker, wait_at_gate, count, b), 0);
    assert_int_equal(loop_timer_new(&b->timer, b->loop, open_gate, b), 0);
    loop_timer_set(b->timer, 0);
    assert_int_equal(loop_run(b->loop), 0);
    assert_int_equal(b->done, 2);
}

static void post_gate(void *ctx) {
    struct bench *b = ctx;
    sem_post(&b->gate);
}

static void one_worker_waits_while_another_works(void **state) {
    struct bench *b = *state;
    assert_int_equal(loop_worker_new(&b->other, b->loop), 0);
    assert_int_equal(loop_worker_job(b->worker, wait_at_gate, count, b), 0);
    assert_int_equal(loop_worker_job(b->other, post_gate, count, b), 0);
    assert_int_equal(loop_run(b->loop), 0);
    assert_int_equal(b->done, 2);
}

static void a_second_job_is_refused_until_the_first_is_done(void **state) {
    struct bench *b = *state;
    assert_int_equal(loop_worker_job(b->worker, wait_at_gate, count, b), 0);
    assert_int_equal(loop_worker_job(b->worker, work, count, b), -EBUSY);
    sem_post(&b->gate);
    assert_int_equal(loop_run(b->loop), 0);
    assert_int_equal(b->worked, 1);
    assert_int_equal(b->done, 1);
    assert_int_equal(loop_worker_job(b->worker, work, count, b), 0);
    assert_int_equal(loop_run(b->loop), 0);
    assert_int_equal(b->done, 2);
}

static void free_worker(void *ctx) {
    struct bench *b = ctx;
    count(ctx);
    b->worker = loop_worker_free(b->worker);
}

static void a_worker_may_be_freed_by_its_own_done(void **state) {
    struct bench *b = *state;
    assert_int_equal(loop_worker_job(b->worker, work, free_worker, b), 0);
    assert_int_equal(loop_run(b->loop), 0);
    assert_int_equal(b->done, 1);
    assert_null(b->worker);
}

static void look_at_signals(void *ctx) {
    struct bench *b = ctx;
    sigset_t set;
    b->signals_open = pthread_sigmask(SIG_BLOCK, NULL, &set) != 0 || !sigismember(&set, SIGTERM) ||
                      !sigismember(&set, SIGHUP);
}

static void a_job_is_not_interrupted_by_signals(void **state) {
    struct bench *b = *state;
    sigset_t set;
    b->signals_open = true;
    assert_int_equal(loop_worker_job(b->worker, look_at_signals, count, b), 0);
    assert_int_equal(loop_run(b->loop), 0);
    assert_false(b->signals_open);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &set), 0);
    assert_false(sigismember(&set, SIGTERM)); // the loop's thread is as before
}

static void freeing_nothing_is_fine(void **state) {
    (void)state;
    assert_null(loop_worker_free(NULL));
}

#define BENCH_TEST(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)

int main(void) {
    const struct CMUnitTest tests[] = {
        BENCH_TEST(jobs_run_one_after_the_other_on_one_thread_of_their_own),
        BENCH_TEST(an_idle_worker_does_not_keep_the_loop_running),
        BENCH_TEST(a_job_that_waits_holds_up_no_timer),
        BENCH_TEST(one_worker_waits_while_another_works),
        BENCH_TEST(a_second_job_is_refused_until_the_first_is_done),
        BENCH_TEST(a_worker_may_be_freed_by_its_own_done),
        BENCH_TEST(a_job_is_not_interrupted_by_signals),
        cmocka_unit_test(freeing_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
