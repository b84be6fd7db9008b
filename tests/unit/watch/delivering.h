// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_WATCH_DELIVERING_H
#define TESTS_UNIT_WATCH_DELIVERING_H
// One page, one pair and one output: the store is the real one; the sink is a fake that fails when
// it is told to. Include after cmocka.

#include "store/scratch.h"
#include "watch/watch-internal.h"

// ---- a sink in memory ----

struct script {
    int open, deliver, sync, rollback; // errors to give next time; 0: none
    enum sink_verdict verdict;         // of the first document
    bool repeated;                     // the last one was there already
    bool progress;                     // said with every deliver
    int64_t wait_ms;
    int opened, freed, rolled_back;
    size_t taken, durable;   // documents: since the last committed mark, and committed
    char mark_seen[32];      // what open was given
    char start_seen[256];    // the cursor in the store when a page was delivered
    struct sink_position at; // what sync was told; texts below
    char at_source[32], at_next[256];
    struct sink_memory memory;  // likewise
    char recent[256], had[256]; // its uuids
    bool told;                  // sync was told of a position
    char documents[512];        // the last page's, one behind the other
    char streams[256];          // "dataset namespace " of each
};

struct fake {
    struct sink sink;
    struct script *script;
};

struct world {
    char dir[64];
    struct store *store;
    struct watch watch;
    struct watch_output_opts output_opts;
    struct watch_source_opts source_opts;
    struct output output;
    struct source source;
    struct pair pair;
    struct stream window_stream;
    struct pair window;
    struct script script;
    struct fault reason;
};

static struct world *the_world; // of the running test: a sink's type has no context of its own

static inline int fake_open(struct sink **ret, const struct sink_opts *opts,
                            const struct sink_host *host, struct str mark, struct fault *fault) {
    struct script *s = &the_world->script;
    (void)opts;
    (void)host;
    if (s->open) return fault_set(fault, s->open, "told to fail");
    struct fake *f = mem_new(sizeof *f);
    assert_non_null(f);
    f->sink.type = the_world->output_opts.type;
    f->script = s;
    s->opened++;
    snprintf(s->mark_seen, sizeof s->mark_seen, "%.*s", STR_ARG(mark));
    *ret = &f->sink;
    return 0;
}

static inline int fake_deliver(struct sink *sink, const struct sink_doc *docs, size_t n,
                               int64_t now_ms, struct sink_reply *replies, struct fault *fault) {
    struct script *s = ((struct fake *)sink)->script;
    AUTO_FINI(store_cursor) struct store_cursor cursor = {0};
    AUTO_FINI(buf) struct buf all = buf_make(1 << 16);
    AUTO_FINI(buf) struct buf streams = buf_make(1 << 16);
    for (size_t i = 0; i < n; i++) {
        buf_add_str(&all, docs[i].document);
        buf_addf(&streams, "%.*s %.*s ", STR_ARG(docs[i].dataset), STR_ARG(docs[i].name_space));
    }
    snprintf(s->documents, sizeof s->documents, "%s", buf_z(&all));
    snprintf(s->streams, sizeof s->streams, "%s", buf_z(&streams));
    (void)now_ms;
    assert_int_equal(store_cursor_load(the_world->store, STR("acme"), STR("fake"), &cursor, NULL),
                     0);
    snprintf(s->start_seen, sizeof s->start_seen, "%s", cursor.next ? cursor.next : "");
    sink->progress = s->progress;
    sink->wait_ms = s->wait_ms;
    if (s->deliver) return fault_set(fault, s->deliver, "told to fail");
    for (size_t i = 0; i < n; i++) replies[i].verdict = SINK_DELIVERED;
    if (n > 0) replies[n - 1].repeated = s->repeated;
    if (n > 0) replies[0] = (struct sink_reply){.verdict = s->verdict, .fault = &the_world->reason};
    s->taken += n;
    return 0;
}

static inline struct str fake_keep(char *to, size_t room, struct str from) {
    assert_true(from.n <= room);
    if (from.n) memcpy(to, from.p, from.n);
    return (struct str){to, from.n};
}

static inline void fake_note(struct script *s, const struct sink_memory *m) {
    assert_non_null(m);
    s->memory = *m;
    s->memory.recent = fake_keep(s->recent, sizeof s->recent, m->recent);
    s->memory.had = fake_keep(s->had, sizeof s->had, m->had);
}

static inline int fake_sync(struct sink *sink, const struct sink_position *at, struct buf *ret_mark,
                            struct fault *fault) {
    struct script *s = ((struct fake *)sink)->script;
    if (s->sync) return fault_set(fault, s->sync, "told to fail");
    s->told = at != NULL;
    if (at) {
        s->at = *at;
        snprintf(s->at_source, sizeof s->at_source, "%.*s", STR_ARG(at->source));
        snprintf(s->at_next, sizeof s->at_next, "%.*s", STR_ARG(at->next));
        fake_note(s, at->memory);
    }
    buf_addf(ret_mark, "%zu", s->durable + s->taken);
    return 0;
}

static inline void fake_committed(struct sink *sink) {
    struct script *s = ((struct fake *)sink)->script;
    s->durable += s->taken;
    s->taken = 0;
}

static inline int fake_rollback(struct sink *sink, struct fault *fault) {
    struct script *s = ((struct fake *)sink)->script;
    s->rolled_back++;
    if (s->rollback) return fault_set(fault, s->rollback, "told to fail");
    s->taken = 0;
    return 0;
}

static inline struct sink *fake_free(struct sink *sink) {
    if (!sink) return NULL;
    ((struct fake *)sink)->script->freed++;
    free(sink);
    return NULL;
}

static const struct sink_type fake_type = {.name = "fake",
                                           .guarantee = "in memory",
                                           .open = fake_open,
                                           .deliver = fake_deliver,
                                           .sync = fake_sync,
                                           .committed = fake_committed,
                                           .rollback = fake_rollback,
                                           .free = fake_free};

static inline int no_positions(struct sink *sink,
                               int (*each)(void *ctx, const struct sink_position *p), void *ctx,
                               struct fault *fault) {
    (void)sink;
    (void)each;
    (void)ctx;
    (void)fault;
    return 0;
}

// ---- the world around it ----

static inline struct pair a_pair(struct world *w) {
    return (struct pair){.stream = &w->source.poll, .source = &w->source, .output = &w->output};
}

static inline int set_up(void **state) {
    struct world *w = mem_new(sizeof *w);
    if (!w) return -1;
    the_world = w;
    snprintf(w->dir, sizeof w->dir, "/tmp/gatehouse-unit-XXXXXX");
    if (!mkdtemp(w->dir) || store_open(&w->store, w->dir, STORE_WRITE, NULL)) return -1;
    w->watch.opts.store = w->store;
    atomic_init(&w->watch.stop, false);
    w->output_opts = (struct watch_output_opts){.name = "fake", .type = &fake_type};
    if (output_init(&w->output, &w->watch, &w->output_opts)) return -1;
    w->source_opts = (struct watch_source_opts){.name = "acme"};
    w->source.watch = &w->watch;
    w->source.opts = &w->source_opts;
    w->pair = a_pair(w);
    fault_set(&w->reason, 0, "not wanted");
    *state = w;
    return pair_load(&w->pair, w->store, NULL);
}

static inline int tear_down(void **state) {
    struct world *w = *state;
    pair_fini(&w->pair);
    output_fini(&w->output);
    w->store = store_free(w->store);
    scratch_remove(w->dir);
    free(w);
    return 0;
}

// Gives the pair a page, to be filled, and a mapper for end_page.
static inline struct page *begin_page(struct world *w, struct ecs_mapper **ret_mapper) {
    const struct ecs_opts ecs = {.data_stream_namespace = "default"};
    assert_int_equal(ecs_mapper_new(ret_mapper, &ecs), 0);
    w->pair.page = page_unref(w->pair.page);
    assert_int_equal(page_new(&w->pair.page), 0);
    return w->pair.page;
}

static inline void end_page(struct world *w, struct ecs_mapper *mapper, unsigned forms,
                            const char *next) {
    struct page *page = w->pair.page;
    const struct page_map_opts opts = {.mapper = mapper,
                                       .source = "acme",
                                       .forms = forms,
                                       .fetched_ms = 1,
                                       .stop = &w->watch.stop};
    assert_int_equal(page_map(page, &opts, NULL), 0);
    page->cursor = mem_copy("here", 4);
    page->next = mem_copy(next, strlen(next));
    assert_non_null(page->cursor);
    assert_non_null(page->next);
}

// A page of three events with uuids that begin with `first`.
static inline void give_page(struct world *w, const char *first, const char *next) {
    AUTO(ecs_mapper) struct ecs_mapper *mapper = NULL;
    struct page *page = begin_page(w, &mapper);
    for (int i = 0; i < 3; i++)
        buf_addf(&page->body, "%c{\"uuid\":\"%s%d\",\"published\":\"2026-01-02T03:04:05.00%dZ\"}",
                 i ? ',' : '[', first, i, i);
    buf_addc(&page->body, ']');
    end_page(w, mapper, 0, next);
}

static inline void assert_cursor(struct world *w, const char *next, int64_t events) {
    AUTO_FINI(store_cursor) struct store_cursor c = {0};
    assert_int_equal(store_cursor_load(w->store, STR("acme"), STR("fake"), &c, NULL), 0);
    assert_string_equal(c.next ? c.next : "", next);
    assert_int_equal(c.events, events);
}

// The middle one of the three events is of type "odd", the others "even".
static inline void give_typed_page(struct world *w, unsigned forms, const char *extra) {
    AUTO(ecs_mapper) struct ecs_mapper *mapper = NULL;
    struct page *page = begin_page(w, &mapper);
    for (int i = 0; i < 3; i++)
        buf_addf(&page->body,
                 "%c{\"uuid\":\"t%d\",\"published\":\"2026-01-02T03:04:05.00%dZ\","
                 "\"eventType\":\"%s\"}",
                 i ? ',' : '[', i, i, i == 1 ? "odd" : "even");
    buf_addf(&page->body, "%s]", extra);
    end_page(w, mapper, forms, "there");
}

static inline int note_dead_uuid(void *ctx, const struct store_dead_row *row) {
    buf_addf(ctx, "%.*s ", STR_ARG(row->uuid));
    return 0;
}

static inline void assert_dead(struct world *w, const char *uuids) {
    AUTO_FINI(buf) struct buf all = buf_make(1 << 16);
    assert_int_equal(store_dead_each(w->store, note_dead_uuid, &all, NULL), 0);
    assert_string_equal(all.n ? buf_z(&all) : "", uuids);
}

// Nested so deep that it cannot be mapped.
static inline void add_deep(struct buf *out, const char *uuid, const char *type) {
    buf_addf(out, ",{\"uuid\":\"%s\",%s\"debugContext\":{\"debugData\":{\"a\":", uuid, type);
    for (int i = 0; i < 300; i++) buf_addc(out, '[');
    for (int i = 0; i < 300; i++) buf_addc(out, ']');
    buf_addz(out, "}}}");
}

// When the first event of give_page was published.
static inline int64_t first_ms(void) {
    int64_t ms = 0;
    assert_true(time_parse_iso8601(STR("2026-01-02T03:04:05.000Z"), &ms));
    return ms;
}

// A pair that polls from `until` on, and one for the window before it.
static inline void begin_window(struct world *w, int64_t since_ms, int64_t until_ms) {
    const struct store_range range = {since_ms, until_ms};
    int64_t id = 0;
    const struct store_begin b = {.source = STR("acme"),
                                  .output = STR("fake"),
                                  .next = STR("poll"),
                                  .start_ms = until_ms,
                                  .windows = &range,
                                  .window_count = 1};
    assert_int_equal(store_begin(w->store, &b, &id, NULL), 0);
    pair_fini(&w->pair);
    w->pair = a_pair(w);
    assert_int_equal(pair_load(&w->pair, w->store, NULL), 0);
    w->window_stream = (struct stream){
        .source = &w->source, .bounded = true, .since_ms = since_ms, .until_ms = until_ms};
    w->window = (struct pair){.stream = &w->window_stream,
                              .source = &w->source,
                              .output = &w->output,
                              .window = {id, since_ms, until_ms, 0, &w->pair}};
}

// The window gets the pair's page; `next` NULL: its last one.
static inline void deliver_window(struct world *w, const char *first, const char *next) {
    give_page(w, first, next ? next : "");
    w->window.page = TAKE(w->pair.page);
    if (!next) free(TAKE(w->window.page->next));
    delivery_run(&w->window);
    if (w->window.delivery.error == 0)
        w->window.window.position_ms = w->window.delivery.position_ms;
    w->window.page = page_unref(w->window.page);
}

static inline void deliver_polled(struct world *w, const char *first, const char *next) {
    give_page(w, first, next);
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, 0);
}

#define in_a_world(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
