// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_SINK_ENGINE_RIG_H
#define TESTS_UNIT_SINK_ENGINE_RIG_H
// The sink with the fake engine below it, and a caller above that does what the watch does.

#include "base/time.h"
#include "sink/sink.h"

#include "fake_engine.h"

enum { RIG_PAGE_MAX = 64, RIG_MARK_MAX = 4096 };
#define RIG_STREAM "logs-okta.system-default"
#define RIG_NOON ((int64_t)1795348800000) // 2026-11-22T12:00:00Z

struct rig {
    struct elastic_opts elastic;
    struct sink_opts opts;
    struct sink_host host;
    struct sink *sink;
    struct fault fault;
    char mark[RIG_MARK_MAX]; // what the state holds
    int saves;
    int fail_save;
    int64_t now_ms;
    struct sink_doc docs[RIG_PAGE_MAX];
    char ids[RIG_PAGE_MAX][40];
    struct sink_reply replies[RIG_PAGE_MAX];
    size_t n;
};

static inline int rig_save(void *ctx, struct str mark) {
    struct rig *rig = ctx;
    rig->saves++;
    if (rig->fail_save) return -rig->fail_save;
    snprintf(rig->mark, sizeof rig->mark, "%.*s", STR_ARG(mark));
    return 0;
}

static inline void rig_init(struct rig *rig) {
    static const char *const hosts[] = {"http://fake:9200"};
    fake_reset();
    *rig = (struct rig){.elastic = {.hosts = hosts, .host_count = 1, .bulk_max_size = 1600},
                        .now_ms = RIG_NOON};
    rig->opts = (struct sink_opts){.name = "search", .elastic = &rig->elastic};
    rig->host = (struct sink_host){.save_mark = rig_save, .ctx = rig};
}

static inline int rig_try_open(struct rig *rig) {
    rig->fault.text[0] = '\0';
    return sink_type_find("elasticsearch")
        ->open(&rig->sink, &rig->opts, &rig->host, str_from(rig->mark), &rig->fault);
}

static inline void rig_ok(struct rig *rig, int r) {
    if (r) print_error("%d: %s\n", r, rig->fault.text);
    assert_int_equal(r, 0);
}

static inline void rig_close(struct rig *rig) {
    if (rig->sink) rig->sink = rig->sink->type->free(rig->sink);
}

static inline void rig_open(struct rig *rig) {
    rig_close(rig);
    rig_ok(rig, rig_try_open(rig));
}

// One more document for the page.
static inline struct sink_doc *rig_add(struct rig *rig, const char *id, int64_t published_ms) {
    assert_true(rig->n < RIG_PAGE_MAX);
    struct sink_doc *d = &rig->docs[rig->n];
    snprintf(rig->ids[rig->n], sizeof rig->ids[0], "%s", id);
    *d = (struct sink_doc){.uuid = str_from(rig->ids[rig->n]),
                           .has_published = true,
                           .published_ms = published_ms,
                           .dataset = STR("okta.system"),
                           .name_space = STR("default"),
                           .document = STR("{\"a\":1}")};
    rig->n++;
    return d;
}

// A new page of n documents "PREFIX0", ..., published now.
static inline void rig_page(struct rig *rig, const char *prefix, size_t n) {
    char id[40];
    rig->n = 0;
    for (size_t i = 0; i < n; i++) {
        snprintf(id, sizeof id, "%s%zu", prefix, i);
        rig_add(rig, id, rig->now_ms);
    }
}

static inline int rig_deliver(struct rig *rig) {
    rig->fault.text[0] = '\0';
    int r = rig->sink->type->deliver(rig->sink, rig->docs, rig->n, rig->now_ms, rig->replies,
                                     &rig->fault);
    if (r) assert_int_equal(rig->sink->type->rollback(rig->sink, &rig->fault), 0);
    return r;
}

static inline void rig_commit(struct rig *rig) {
    AUTO_FINI(buf) struct buf mark = buf_make(RIG_MARK_MAX);
    rig_ok(rig, rig->sink->type->sync(rig->sink, NULL, &mark, &rig->fault));
    if (mark.n) snprintf(rig->mark, sizeof rig->mark, "%.*s", STR_ARG(buf_str(&mark)));
    rig->sink->type->committed(rig->sink);
}

static inline void rig_pass(struct rig *rig) {
    rig_ok(rig, rig_deliver(rig));
    rig_commit(rig);
}

// Every document of the page is in the engine once.
static inline void rig_each_once(struct rig *rig) {
    for (size_t i = 0; i < rig->n; i++) {
        int n = fake_count(rig->ids[i]);
        if (n != 1) print_error("%s is there %d times\n", rig->ids[i], n);
        assert_int_equal(n, 1);
    }
}

#endif
