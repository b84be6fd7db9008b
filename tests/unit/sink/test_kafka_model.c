// SPDX-License-Identifier: Apache-2.0
// Collectors that die, are fenced, restored from backups and started elsewhere, and brokers that
// lose answers, and an Okta that refuses cursors, at moments drawn by chance over thousands of
// steps. Whatever happens, every event is in Kafka exactly once in the end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "sink/sink.h"
#include "sink/types-internal.h"

#include "fake-kafka.h"

struct fake_cluster cluster;

// Events are published MS_EACH after each other; BACK_MAX: so far an event may come again.
enum { MS_EACH = 200, BACK_MAX = 300 };
enum { SOURCES = 2, EVENTS = 2500, PAGE_MAX = 12, ROUNDS = 4, PLACES = 2, STEPS_MAX = 400000 };

static const char *const sources[SOURCES] = {"acme", "beta"};

// What a state holds: where each pair stands, which events it remembers, and the sink's mark.
struct memory {
    int cursor[SOURCES];
    int64_t newest_ms[SOURCES];
    bool known[SOURCES][EVENTS];
    char mark[4096];
};

// A collector with its state, an older copy of it, and its sink while it runs.
struct place {
    const struct model *model;
    struct memory now, backup;
    struct sink *sink;
    bool stopped; // fenced for good, until it is started again
};

struct model {
    struct rand rand;
    struct place places[PLACES];
    struct hash128 ids[SOURCES][EVENTS];
    struct sink_opts opts;
    struct sink_host host;
    struct place *opening;
    bool is_rejecting;
};

static const struct kafka_opts kafka = {.topic = "t-%{[okta.event_type]}",
                                        .key = "%{[event.id]}",
                                        .transactional_id = "gate",
                                        .position_topic = "positions"};

static int save_mark(void *ctx, struct str mark) {
    struct model *m = ctx;
    assert_true(mark.n < sizeof m->opening->now.mark);
    memcpy(m->opening->now.mark, mark.p, mark.n);
    m->opening->now.mark[mark.n] = '\0';
    return 0;
}

// Its memory is replaced by what is told behind.
static int on_position(void *ctx, const struct sink_position *p) {
    struct place *place = ctx;
    for (int i = 0; i < SOURCES; i++) {
        if (!str_eqz(p->source, sources[i])) continue;
        int cursor = -1;
        char text[32];
        snprintf(text, sizeof text, "%.*s", STR_ARG(p->next));
        assert_int_equal(sscanf(text, "after=%d", &cursor), 1);
        place->now.cursor[i] = cursor;
        place->now.newest_ms[i] = p->published_ms;
        memset(place->now.known[i], 0, sizeof place->now.known[i]);
    }
    return 0;
}

static int source_of(struct str name) {
    int i = 0;
    while (i < SOURCES - 1 && !str_eqz(name, sources[i])) i++;
    return i;
}

static int event_of(const struct place *p, int source, struct hash128 id, int begin) {
    const struct hash128 *ids = p->model->ids[source];
    int event = begin;
    while (event < EVENTS && !hash128_eq(id, ids[event])) event++;
    return event < EVENTS || begin == 0 ? event : event_of(p, source, id, 0);
}

static int on_memory(void *ctx, const struct sink_memory *m) {
    struct place *place = ctx;
    int source = source_of(m->source), event = 0;
    assert_true(m->recent.n > 0 && m->recent.n % sizeof(struct hash128) == 0);
    for (size_t at = 0; at < m->recent.n; at += sizeof(struct hash128)) {
        struct hash128 id;
        memcpy(&id, m->recent.p + at, sizeof id);
        event = event_of(place, source, id, event); // mostly the one behind the last
        assert_true(event < EVENTS);
        place->now.known[source][event] = true;
    }
    return 0;
}

static void close_sink(struct place *p) {
    if (p->sink) p->sink = p->sink->type->free(p->sink);
}

static bool chance(struct model *m, uint64_t percent) {
    return rand_below(&m->rand, 100) < percent;
}

static void maybe_trouble(struct model *m) {
    if (!chance(m, 30)) return;
    cluster.next = (enum fake_trouble)(1 + rand_below(&m->rand, FAKE_DEAD));
    cluster.in_calls = (int)rand_below(&m->rand, 6);
}

static bool start(struct model *m, struct place *p) {
    struct fault fault = {0};
    m->opening = p;
    int r = sink_kafka.open(&p->sink, &m->opts, &m->host, str_from(p->now.mark), &fault);
    if (r) return false;
    r = sink_kafka.positions(p->sink, on_position, p, &fault);
    assert_int_equal(r, 0);
    assert_int_equal(sink_kafka.remembered(p->sink, on_memory, p), 0);
    p->stopped = false;
    return true;
}

// The page behind the cursor; it may be longer or shorter than when it came before.
struct page {
    struct sink_doc docs[PAGE_MAX + 1];
    struct sink_reply replies[PAGE_MAX + 1];
    char uuids[PAGE_MAX][40], texts[PAGE_MAX][40], next[32];
    struct hash128 ids[PAGE_MAX];
    int events[PAGE_MAX];
    size_t n;
    int to;
};

static void make_page(struct model *m, const struct memory *now, int source, struct page *page) {
    size_t want = rand_below(&m->rand, PAGE_MAX) + 1;
    page->n = 0;
    page->to = now->cursor[source];
    for (; page->to < EVENTS && page->n < want; page->to++) {
        if (now->known[source][page->to]) continue;
        size_t i = page->n++;
        page->events[i] = page->to;
        page->ids[i] = m->ids[source][page->to];
        snprintf(page->uuids[i], sizeof page->uuids[i], "%d-%d", source, page->to);
        bool bad = m->is_rejecting && page->to % 37 == 5;
        snprintf(page->texts[i], sizeof page->texts[i], "{\"%s\":\"%d-%d\"}", bad ? "bad" : "id",
                 source, page->to);
        page->docs[i] = (struct sink_doc){.uuid = str_from(page->uuids[i]),
                                          .source = str_from(sources[source]),
                                          .event_type = STR("x"),
                                          .dataset = STR("d"),
                                          .name_space = STR("n"),
                                          .document = str_from(page->texts[i])};
    }
    snprintf(page->next, sizeof page->next, "after=%d", page->to);
}

// What the state commits, unless the process dies before.
static void commit(struct place *p, int source, const struct page *page, const struct buf *mark) {
    int64_t newest_ms = (int64_t)page->to * MS_EACH;
    p->now.cursor[source] = page->to;
    if (newest_ms > p->now.newest_ms[source]) p->now.newest_ms[source] = newest_ms;
    for (size_t i = 0; i < page->n; i++) p->now.known[source][page->events[i]] = true;
    if (mark->n == 0) return;
    assert_true(mark->n < sizeof p->now.mark);
    memcpy(p->now.mark, mark->p, mark->n);
    p->now.mark[mark->n] = '\0';
}

static void check_replies(const struct model *m, const struct page *page) {
    for (size_t i = 0; i < page->n; i++) {
        bool bad = m->is_rejecting && page->events[i] % 37 == 5;
        assert_int_equal(page->replies[i].verdict, bad ? SINK_REJECTED : SINK_DELIVERED);
    }
}

static void undo(struct place *p) {
    struct fault ignored;
    if (sink_kafka.rollback(p->sink, &ignored)) close_sink(p);
}

// Okta refuses the cursor.
static int go_back(struct model *m, int from) {
    int back = (int)rand_below(&m->rand, BACK_MAX);
    return back < from ? from - back : 0;
}

static void deliver(struct model *m, struct place *p) {
    int source = (int)rand_below(&m->rand, SOURCES);
    int64_t newest_ms = p->now.newest_ms[source];
    if (chance(m, 5)) p->now.cursor[source] = go_back(m, p->now.cursor[source]);
    AUTO_FINI(buf) struct buf mark = buf_make(1 << 20);
    struct fault fault = {0};
    struct page page;
    make_page(m, &p->now, source, &page);
    const struct sink_memory memory = {
        .recent = {(const char *)page.ids, page.n * sizeof *page.ids}, .before_ms = newest_ms};
    const int64_t page_ms = (int64_t)page.to * MS_EACH;
    const struct sink_position at = {.source = str_from(sources[source]),
                                     .next = str_from(page.next),
                                     .published_ms = page_ms > newest_ms ? page_ms : newest_ms,
                                     .memory = &memory};
    int r = sink_kafka.deliver(p->sink, page.docs, page.n, 0, page.replies, &fault);
    if (r == 0) check_replies(m, &page);
    if (r == 0) r = sink_kafka.sync(p->sink, &at, &mark, &fault);
    assert_true(r <= 0);
    if (r) assert_true(fault.text[0]);
    if (r == -EPIPE) p->stopped = true;
    if (r || chance(m, 8)) { // or the state could not be written
        undo(p);
    } else {
        commit(p, source, &page, &mark);
        if (chance(m, 8)) close_sink(p); // dies between the two
        else sink_kafka.committed(p->sink);
    }
    if (p->sink && chance(m, 8)) close_sink(p);
}

// The state comes from a backup: only where it is alone, or another would have gone on meanwhile
// and been fenced by nobody.
static void restore(struct model *m, struct place *p) {
    if (chance(m, 50)) p->backup = p->now;
    else if (chance(m, 20)) {
        close_sink(p);
        p->now = p->backup;
    }
}

static bool all_there(struct model *m, const struct place *p) {
    (void)m;
    for (int i = 0; i < SOURCES; i++)
        if (p->now.cursor[i] < EVENTS) return false;
    return true;
}

static void step(struct model *m) {
    struct place *p = &m->places[chance(m, 4)];
    maybe_trouble(m);
    if (chance(m, 3)) restore(m, p);
    if (p->sink && p->stopped && chance(m, 30)) close_sink(p);
    if (!p->sink && !start(m, p)) return;
    if (!p->stopped) deliver(m, p);
}

static void init(struct model *m, uint64_t seed, bool rejecting) {
    *m = (struct model){.rand = rand_make(seed), .is_rejecting = rejecting};
    m->opts = (struct sink_opts){.name = "bus", .kafka = &kafka};
    m->host = (struct sink_host){.save_mark = save_mark, .ctx = m};
    for (int i = 0; i < PLACES; i++) m->places[i].model = m;
    for (int i = 0; i < SOURCES * EVENTS; i++) {
        char uuid[40];
        int n = snprintf(uuid, sizeof uuid, "%d-%d", i / EVENTS, i % EVENTS);
        m->ids[i / EVENTS][i % EVENTS] = hash128((struct str){uuid, (size_t)n});
    }
    fake_reset();
    cluster.refuses = "bad";
    cluster.batches = seed % 2;
}

static int by_value(const void *a, const void *b) {
    const struct fake_message *x = a, *y = b;
    return strcmp(x->value ? x->value : "", y->value ? y->value : "");
}

static void each_once(const struct model *m) {
    size_t documents = 0;
    struct fake_list *log = &cluster.log;
    qsort(log->p, log->n, sizeof *log->p, by_value);
    for (size_t i = 0; i < log->n; i++) {
        if (strcmp(log->p[i].topic, "t-x") != 0) continue;
        documents++;
        if (i > 0 && strcmp(log->p[i].value, log->p[i - 1].value) == 0)
            fail_msg("twice: %s", log->p[i].value);
        assert_null(strstr(log->p[i].value, "bad"));
    }
    size_t bad = 0;
    for (int n = 0; m->is_rejecting && n < EVENTS; n++) bad += n % 37 == 5;
    assert_int_equal(documents, SOURCES * (EVENTS - bad));
}

static void run(uint64_t seed, bool rejecting) {
    struct model *m = calloc(1, sizeof *m);
    assert_non_null(m);
    init(m, seed, rejecting);
    int steps = 0;
    while (!all_there(m, &m->places[0]) && steps++ < STEPS_MAX) step(m);
    assert_true(steps < STEPS_MAX);
    print_message("# seed %d: %d steps, %d calls, %d commits, %d aborts\n", (int)seed, steps,
                  cluster.calls, cluster.commits, cluster.aborts);
    each_once(m);
    for (int i = 0; i < PLACES; i++) close_sink(&m->places[i]);
    assert_int_equal(cluster.producers, 0);
    fake_reset();
    free(m);
}

static void every_event_is_once_in_kafka_whatever_dies(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) run(seed, false);
}

static void and_what_a_broker_refuses_never_is(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) run(seed, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_is_once_in_kafka_whatever_dies),
        cmocka_unit_test(and_what_a_broker_refuses_never_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
