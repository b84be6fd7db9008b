// SPDX-License-Identifier: Apache-2.0
// One delivery into Kafka, and one takeover, with the first allocation failing, then the second,
// and so on: each run ends with 0 or -ENOMEM; when the page comes again, every document is there
// once, and who tries again to take over is told everything.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sink/sink.h"
#include "sink/types-internal.h"

#include "failmalloc.h"
#include "fake-kafka.h"

struct fake_cluster cluster;

enum { ATTEMPTS_MAX = 10000, PAGE = 3, MARK_MAX = 4096 };

static const struct kafka_opts kafka = {.topic = "t-%{[a.b]:none}",
                                        .key = "%{[event.id]}",
                                        .transactional_id = "gate",
                                        .position_topic = "positions"};
static const struct sink_opts opts = {.name = "bus", .kafka = &kafka};

struct state {
    char mark[MARK_MAX];
    struct sink *sink;
};

static int save_mark(void *ctx, struct str mark) {
    struct state *s = ctx;
    memcpy(s->mark, mark.p, mark.n);
    s->mark[mark.n] = '\0';
    return 0;
}

static const struct sink_doc docs[PAGE] = {
    {.uuid = {"u1", 2}, .source = {"acme", 4}, .document = {"{\"a\":{\"b\":\"x\"}}", 15}},
    {.uuid = {"u2", 2}, .source = {"acme", 4}, .document = {"{\"n\":2}", 7}},
    {.uuid = {"u3", 2}, .source = {"acme", 4}, .document = {"{\"big\":3}", 9}},
};

static int deliver(struct state *s) {
    const struct sink_host host = {.save_mark = save_mark, .ctx = s};
    const struct sink_memory memory = {
        .recent = STR("0123456789abcdef"), .had = STR("0123456789abcdef"), .forget_ms = 1};
    const struct sink_position at = {.source = STR("acme"), .next = STR("n1"), .memory = &memory};
    AUTO_FINI(buf) struct buf mark = buf_make(MARK_MAX);
    struct sink_reply replies[PAGE];
    struct fault fault = {0};
    int r = 0;
    if (!s->sink) r = sink_kafka.open(&s->sink, &opts, &host, str_from(s->mark), &fault);
    if (r) return r;
    r = sink_kafka.deliver(s->sink, docs, PAGE, 0, replies, &fault);
    if (r == 0) r = sink_kafka.sync(s->sink, &at, &mark, &fault);
    if (r) {
        if (sink_kafka.rollback(s->sink, &fault)) s->sink = sink_kafka.free(s->sink);
        return r;
    }
    if (mark.n) (void)!save_mark(s, buf_str(&mark));
    sink_kafka.committed(s->sink);
    return 0;
}

static long attempt(long n) {
    struct state s = {.sink = NULL};
    cluster.refuses = "big";
    failmalloc_arm(n);
    int r = deliver(&s);
    long count = failmalloc_disarm();
    if (r != 0 && r != -ENOMEM) fail_msg("allocation %ld failed: outcome %d", n, r);
    if (r) assert_int_equal(deliver(&s), 0);
    assert_int_equal(fake_count("t-x", "{\"a\":{\"b\":\"x\"}}"), 1);
    assert_int_equal(fake_count("t-none", "{\"n\":2}"), 1);
    assert_int_equal(fake_count("t-none", "{\"big\":3}"), 0);
    sink_kafka.free(s.sink);
    assert_int_equal(cluster.producers, 0);
    fake_reset();
    return count;
}

static void every_allocation_of_a_delivery_may_fail(void **state) {
    (void)state;
    for (long n = 1; n < ATTEMPTS_MAX; n++)
        if (attempt(n) < n) {
            assert_true(n > 20);
            return;
        }
    fail_msg("never got through");
}

struct told {
    size_t positions, recent, had;
};

static int on_position(void *ctx, const struct sink_position *p) {
    struct told *t = ctx;
    (void)p;
    t->positions++;
    return 0;
}

static int on_memory(void *ctx, const struct sink_memory *m) {
    struct told *t = ctx;
    t->recent += m->recent.n;
    t->had += m->had.n;
    return 0;
}

static int take_over(struct state *s, struct told *ret) {
    const struct sink_host host = {.save_mark = save_mark, .ctx = s};
    struct fault fault = {0};
    int r = sink_kafka.open(&s->sink, &opts, &host, str_from(s->mark), &fault);
    if (r == 0) r = sink_kafka.positions(s->sink, on_position, ret, &fault);
    if (r == 0) r = sink_kafka.remembered(s->sink, on_memory, ret);
    s->sink = s->sink ? sink_kafka.free(s->sink) : NULL;
    return r;
}

static long attempt_takeover(long n) {
    struct state first = {.sink = NULL}, second = {.sink = NULL};
    struct told told = {.positions = 0};
    assert_int_equal(deliver(&first), 0);
    sink_kafka.free(first.sink);
    failmalloc_arm(n);
    int r = take_over(&second, &told);
    long count = failmalloc_disarm();
    if (r != 0 && r != -ENOMEM) fail_msg("allocation %ld failed: outcome %d", n, r);
    if (r) {
        told = (struct told){.positions = 0};
        assert_int_equal(take_over(&second, &told), 0);
    }
    assert_int_equal(told.positions, 1);
    assert_int_equal(told.recent, 16);
    assert_int_equal(told.had, 16);
    assert_int_equal(cluster.producers, 0);
    fake_reset();
    return count;
}

static void every_allocation_of_a_takeover_may_fail(void **state) {
    (void)state;
    for (long n = 1; n < ATTEMPTS_MAX; n++)
        if (attempt_takeover(n) < n) {
            assert_true(n > 20);
            return;
        }
    fail_msg("never got through");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_of_a_delivery_may_fail),
        cmocka_unit_test(every_allocation_of_a_takeover_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
