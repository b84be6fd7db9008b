// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_SINK_KAFKA_BENCH_H
#define TESTS_UNIT_SINK_KAFKA_BENCH_H
// A Kafka sink over a cluster in memory, with the mark that a state would hold. After cmocka.

#include "sink/sink.h"
#include "sink/types-internal.h"

#include "fake-kafka.h"

struct bench {
    struct kafka_opts kafka;
    struct sink_opts opts;
    struct sink_host host;
    struct buf mark; // what the state holds
    struct buf synced;
    struct sink *sink;
    struct fault fault;
    int told; // positions
    char next[100];
};

static inline int save_mark(void *ctx, struct str mark) {
    struct bench *b = ctx;
    buf_reset(&b->mark);
    buf_add_str(&b->mark, mark);
    return b->mark.error;
}

static inline struct bench *bench_new(void) {
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->kafka = (struct kafka_opts){
        .topic = "logs", .key = "", .transactional_id = "gate", .position_topic = "positions"};
    b->opts = (struct sink_opts){.name = "bus", .kafka = &b->kafka};
    b->host = (struct sink_host){.save_mark = save_mark, .ctx = b};
    b->mark = b->synced = buf_make(1 << 20);
    return b;
}

static inline struct bench *bench_free(struct bench *b) {
    if (!b) return NULL;
    if (b->sink) b->sink->type->free(b->sink);
    buf_fini(&b->mark);
    buf_fini(&b->synced);
    free(b);
    return NULL;
}
DEFINE_AUTO_FREE(bench)

static inline int reset(void **state) {
    (void)state;
    fake_reset();
    return 0;
}

static inline void ok(struct bench *b, int r) {
    if (r) fail_msg("%d: %s", r, b->fault.text);
}

static inline void crash(struct bench *b) { b->sink = b->sink->type->free(b->sink); }

static inline int try_open(struct bench *b) {
    b->fault.text[0] = '\0';
    return sink_kafka.open(&b->sink, &b->opts, &b->host, buf_str(&b->mark), &b->fault);
}

static inline void open_sink(struct bench *b) { ok(b, try_open(b)); }

static inline struct sink_doc document(const char *uuid, const char *json) {
    return (struct sink_doc){.uuid = str_from(uuid),
                             .source = STR("acme"),
                             .event_type = STR("user.x"),
                             .dataset = STR("okta.system"),
                             .name_space = STR("default"),
                             .document = str_from(json)};
}

static inline int deliver(struct bench *b, const struct sink_doc *docs, size_t n,
                          struct sink_reply *replies) {
    b->fault.text[0] = '\0';
    return sink_kafka.deliver(b->sink, docs, n, 0, replies, &b->fault);
}

static inline int sync_to(struct bench *b, const struct sink_position *at) {
    buf_reset(&b->synced);
    return sink_kafka.sync(b->sink, at, &b->synced, &b->fault);
}

static inline int sync_at(struct bench *b, const char *next) {
    const struct sink_position at = {.source = STR("acme"), .next = str_from(next)};
    return sync_to(b, next ? &at : NULL);
}

static inline void commit(struct bench *b) {
    if (b->synced.n) (void)!save_mark(b, buf_str(&b->synced));
    sink_kafka.committed(b->sink);
}

// A whole page of two documents, "NAME1" and "NAME2".
static inline int page(struct bench *b, const char *one, const char *two, const char *next) {
    char json[2][100];
    struct sink_reply replies[2];
    snprintf(json[0], sizeof json[0], "{\"%s\":1}", one);
    snprintf(json[1], sizeof json[1], "{\"%s\":1}", two);
    const struct sink_doc docs[] = {document(one, json[0]), document(two, json[1])};
    int r = deliver(b, docs, 2, replies);
    for (size_t i = 0; r == 0 && i < 2; i++) assert_int_equal(replies[i].verdict, SINK_DELIVERED);
    return r ? r : sync_at(b, next);
}

static inline int on_position(void *ctx, const struct sink_position *p) {
    struct bench *b = ctx;
    b->told++;
    snprintf(b->next, sizeof b->next, "%.*s", STR_ARG(p->next));
    return 0;
}

static inline int told(struct bench *b) {
    b->told = 0;
    ok(b, sink_kafka.positions(b->sink, on_position, b, &b->fault));
    return b->told;
}

static inline int undo(struct bench *b) { return sink_kafka.rollback(b->sink, &b->fault); }

#endif
