// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>

#include "world.h"

// A world whose sink writes to a pipe; `*reader` is the other end.
static struct world *on_pipe(void **state, int *reader, int *writer) {
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    *reader = fds[0];
    *writer = fds[1];
    struct world *w = world_new(state, "stdout");
    w->opts.fd = fds[1];
    world_open(w);
    return w;
}

static void *stop_soon(void *ctx) {
    struct world *w = ctx;
    usleep(50000);
    atomic_store(&w->stop, true);
    return NULL;
}

struct drain {
    int fd;
    useconds_t pause_us;
    struct buf got;
};

static void *read_slowly(void *ctx) {
    struct drain *d = ctx;
    char chunk[3000];
    for (ssize_t n; (n = read(d->fd, chunk, sizeof chunk)) > 0;) {
        buf_add(&d->got, chunk, (size_t)n);
        usleep(d->pause_us);
    }
    return NULL;
}

static void registry_knows_the_kinds_and_nothing_else(void **state) {
    (void)state;
    static const char *const names[] = {"file", "sqlite", "stdout"};
    for (size_t i = 0; i < LEN(names); i++) {
        const struct sink_type *type = sink_type_find(names[i]);
        assert_non_null(type);
        assert_string_equal(type->name, names[i]);
    }
    assert_null(sink_type_find("kafkaesque"));
    assert_string_equal(sink_type_find("stdout")->guarantee, "at least once");
}

static void documents_are_lines(void **state) {
    int reader;
    int writer;
    AUTO(world) struct world *w = on_pipe(state, &reader, &writer);
    world_page(w, 2);
    close(writer);
    char text[1000];
    ssize_t n = read(reader, text, sizeof text);
    assert_int_equal(n, 202);
    assert_memory_equal(text, "{\"n\":0,", 7);
    assert_int_equal(text[100], '\n');
    assert_memory_equal(text + 101, "{\"n\":1,", 7);
    assert_int_equal(text[201], '\n');
    close(reader);
}

static void a_slow_reader_gets_everything_in_order(void **state) {
    struct drain d = {.pause_us = 200, .got = buf_make(SIZE_MAX)};
    int writer;
    AUTO(world) struct world *w = on_pipe(state, &d.fd, &writer);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_slowly, &d), 0);
    w->doc_bytes = 5001;
    for (int i = 0; i < 5; i++) world_page(w, 40);
    close(writer);
    pthread_join(thread, NULL);
    close(d.fd);
    struct str rest = buf_str(&d.got);
    for (int i = 0; i < 200; i++) {
        char text[WORLD_DOC_MAX];
        assert_true(str_eq(str_split(&rest, '\n'), world_document(text, i, 5001)));
    }
    assert_int_equal(rest.n, 0);
    buf_fini(&d.got);
}

static void a_reader_that_has_gone_is_an_error_that_says_so(void **state) {
    int reader;
    int writer;
    AUTO(world) struct world *w = on_pipe(state, &reader, &writer);
    close(reader);
    assert_int_equal(world_deliver(w, 1), -EPIPE);
    assert_true(contains(w->fault.text, "the reader has gone"));
    world_ok(w, w->sink->type->rollback(w->sink, &w->fault));
    close(writer);
}

static void a_stuck_reader_does_not_keep_us_from_stopping(void **state) {
    int reader;
    int writer;
    AUTO(world) struct world *w = on_pipe(state, &reader, &writer);
    w->doc_bytes = 5000;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, w), 0);
    int64_t before = time_mono_ms();
    assert_int_equal(world_deliver(w, 60), -ECANCELED);
    int64_t took = time_mono_ms() - before;
    pthread_join(thread, NULL);
    assert_true(took >= 40 && took < 1000);
    assert_int_equal(fcntl(writer, F_GETFL) & O_NONBLOCK, 0);
    close(reader);
    close(writer);
}

static void a_line_that_was_torn_is_ended_before_the_next(void **state) {
    struct drain d = {.got = buf_make(SIZE_MAX)};
    int writer;
    AUTO(world) struct world *w = on_pipe(state, &d.fd, &writer);
    w->doc_bytes = 7000;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, w), 0);
    assert_int_equal(world_deliver(w, 60), -ECANCELED);
    pthread_join(thread, NULL);
    world_ok(w, w->sink->type->rollback(w->sink, &w->fault));
    atomic_store(&w->stop, false);
    assert_int_equal(pthread_create(&thread, NULL, read_slowly, &d), 0);
    world_page(w, 1);
    close(writer);
    pthread_join(thread, NULL);
    close(d.fd);
    assert_int_equal(d.got.p[d.got.n - 1], '\n');
    char text[WORLD_DOC_MAX];
    struct str last = str_sub(buf_str(&d.got), d.got.n - 7001, d.got.n - 1);
    assert_true(str_eq(last, world_document(text, 0, 7000)));
    assert_int_equal(d.got.p[d.got.n - 7002], '\n');
    buf_fini(&d.got);
}

static void a_closed_descriptor_is_refused_at_once(void **state) {
    AUTO(world) struct world *w = world_new(state, "stdout");
    w->opts.fd = 987;
    assert_int_equal(world_try_open(w), -EBADF);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        T(registry_knows_the_kinds_and_nothing_else),
        T(documents_are_lines),
        T(a_slow_reader_gets_everything_in_order),
        T(a_reader_that_has_gone_is_an_error_that_says_so),
        T(a_stuck_reader_does_not_keep_us_from_stopping),
        T(a_line_that_was_torn_is_ended_before_the_next),
        T(a_closed_descriptor_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
