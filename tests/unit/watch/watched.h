// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_WATCH_WATCHED_H
#define TESTS_UNIT_WATCH_WATCHED_H
// A whole watch over a script of Okta on loopback, with outputs that do as they are told. Store and
// loop are the real ones. Include after cmocka.

#include <pthread.h>
#include <semaphore.h>

#include "../http/scripted.h"
#include "okta/org.h"
#include "store/scratch.h"
#include "watch/watch-internal.h"

enum { OUTPUTS = 2, PAGES = 9, FAILURES_FOREVER = 1 << 20 };

// An output in memory. What is set before the watch runs is not touched by it; the rest is under
// the lock.
struct probe {
    struct sink sink;
    const struct sink_host *host;
    int error; // of those that fail
    int64_t wait_ms;
    bool progress;
    bool blocks;   // a deliver waits for go_on, or for the end,
    int blocks_at; // when so many have been taken
    int tells_at;  // having taken so many, it lets the other one go on
    sem_t go_on, *other;
    const struct sink_position *positions; // another state's; told while there are no own
    size_t position_count;
    const struct sink_memory *remembered; // with them
    size_t remembered_count;
    int fails_after;                  // having taken so many, it fails once; 0: not for that
    const struct sink_position *then; // another one has been there when it does
    bool forgets;                     // cannot be rolled back, and is opened again

    pthread_mutex_t lock;
    int opens_to_fail, delivers_to_fail;
    int opened, delivered_to, taken;
    bool is_ours;     // a sync has been committed since positions were told
    bool blocked;     // waits now
    struct buf uuids; // "u1 u2 "
    struct buf forms; // 'r' for a raw document, 'e' for another
};

struct watched {
    struct scratch *scratch;
    struct loop *loop;
    struct loop_timer *ticks;
    struct store *store;
    struct okta_org *org;
    struct log log;
    struct scripted server;
    struct step pages[PAGES];
    struct buf text[PAGES];
    struct probe probes[OUTPUTS];
    struct sink_type types[OUTPUTS];
    char names[OUTPUTS][32];
    char url[64];
    bool bounded;                     // the links of pages that are set are a window's
    char published[TIME_RFC3339_MAX]; // of the events of pages that are set
    struct watch_output_opts outputs[OUTPUTS];
    struct watch_source_opts source;
    size_t chosen[OUTPUTS];
    struct watch *watch;
    bool once;
    const struct watch_backfill *backfill;
    bool (*until)(struct watched *w); // looked at on the loop now and then; NULL: until finished
    bool failed;
    bool (*wants)(struct str event_type); // watch_opts
    void (*seen)(void *ctx, const char *source, struct str event);
    void *seen_ctx;
};

// ---- outputs

static inline struct probe *probe_of(const char *name) {
    uint64_t at;
    assert_true(parse_u64(str_from(name), &at));
    return (struct probe *)(uintptr_t)at;
}

static inline int probe_get(struct probe *p, const int *what) {
    pthread_mutex_lock(&p->lock);
    int value = *what;
    pthread_mutex_unlock(&p->lock);
    return value;
}

static inline bool probe_has(struct probe *p, const char *uuids) {
    pthread_mutex_lock(&p->lock);
    bool same = str_eqz(buf_str(&p->uuids), uuids);
    pthread_mutex_unlock(&p->lock);
    return same;
}

static inline int probe_open(struct sink **ret, const struct sink_opts *opts,
                             const struct sink_host *host, struct str mark, struct fault *fault) {
    (void)mark;
    struct probe *p = probe_of(opts->name);
    pthread_mutex_lock(&p->lock);
    p->opened++;
    bool fails = p->opens_to_fail > 0;
    if (fails) p->opens_to_fail--;
    pthread_mutex_unlock(&p->lock);
    if (fails) return fault_set(fault, p->error, "nobody is there");
    p->sink.notice = (struct fault){{0}};
    p->host = host;
    *ret = &p->sink;
    return 0;
}

static inline void probe_wait(struct probe *p) {
    pthread_mutex_lock(&p->lock);
    p->blocked = true;
    pthread_mutex_unlock(&p->lock);
    const struct timespec moment = {.tv_nsec = 1000000};
    while (sem_trywait(&p->go_on) != 0 && !atomic_load(p->host->stop)) nanosleep(&moment, NULL);
    pthread_mutex_lock(&p->lock);
    p->blocked = false;
    pthread_mutex_unlock(&p->lock);
}

static inline void probe_take(struct probe *p, const struct sink_doc *docs, size_t n,
                              struct sink_reply *replies) {
    for (size_t i = 0; i < n; i++) {
        bool raw = str_find(docs[i].document, STR("\"message\":")) < docs[i].document.n;
        buf_addf(&p->uuids, "%.*s ", STR_ARG(docs[i].uuid));
        buf_addc(&p->forms, raw ? 'r' : 'e');
        replies[i] = (struct sink_reply){.verdict = SINK_DELIVERED};
    }
    p->taken += (int)n;
}

static inline int probe_deliver(struct sink *sink, const struct sink_doc *docs, size_t n,
                                int64_t now_ms, struct sink_reply *replies, struct fault *fault) {
    (void)now_ms;
    struct probe *p = (struct probe *)sink;
    if (p->blocks && probe_get(p, &p->taken) == p->blocks_at) probe_wait(p);
    if (atomic_load(p->host->stop)) return -ECANCELED;
    pthread_mutex_lock(&p->lock);
    p->delivered_to++;
    bool fails = p->delivers_to_fail > 0;
    if (p->fails_after && p->taken == p->fails_after) {
        fails = true;
        p->fails_after = 0;
        p->positions = p->then;
        p->position_count = p->then ? 1 : 0;
        p->is_ours = false;
    } else if (fails) p->delivers_to_fail--;
    if (!fails) probe_take(p, docs, n, replies);
    bool tells = !fails && p->other && p->taken == p->tells_at;
    pthread_mutex_unlock(&p->lock);
    if (tells) sem_post(p->other);
    p->sink.wait_ms = p->wait_ms;
    p->sink.progress = p->progress;
    return fails ? fault_set(fault, p->error, "it does not want to") : 0;
}

static inline int probe_sync(struct sink *sink, const struct sink_position *at,
                             struct buf *ret_mark, struct fault *fault) {
    (void)sink;
    (void)ret_mark;
    (void)fault;
    assert_non_null(at);
    return 0;
}

static inline void probe_committed(struct sink *sink) {
    struct probe *p = (struct probe *)sink;
    pthread_mutex_lock(&p->lock);
    p->is_ours = true;
    pthread_mutex_unlock(&p->lock);
}

static inline int probe_rollback(struct sink *sink, struct fault *fault) {
    struct probe *p = (struct probe *)sink;
    return p->forgets ? fault_set(fault, -EIO, "cannot go back") : 0;
}

static inline int probe_positions(struct sink *sink,
                                  int (*each)(void *ctx, const struct sink_position *p), void *ctx,
                                  struct fault *fault) {
    (void)fault;
    struct probe *p = (struct probe *)sink;
    pthread_mutex_lock(&p->lock);
    bool tells = !p->is_ours;
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; tells && i < p->position_count; i++) {
        int e = each(ctx, &p->positions[i]);
        if (e) return e;
    }
    return 0;
}

static inline int probe_remembered(struct sink *sink,
                                   int (*each)(void *ctx, const struct sink_memory *m), void *ctx) {
    struct probe *p = (struct probe *)sink;
    int e = 0;
    for (size_t i = 0; !e && !p->is_ours && i < p->remembered_count; i++)
        e = each(ctx, &p->remembered[i]);
    return e;
}

static inline struct sink *probe_free(struct sink *sink) {
    (void)sink;
    return NULL;
}

static inline void make_output(struct watched *w, size_t i) {
    struct probe *p = &w->probes[i];
    w->types[i] = (struct sink_type){.name = "probe",
                                     .guarantee = "none",
                                     .open = probe_open,
                                     .deliver = probe_deliver,
                                     .sync = probe_sync,
                                     .committed = probe_committed,
                                     .rollback = probe_rollback,
                                     .free = probe_free};
    snprintf(w->names[i], sizeof w->names[i], "%llu", (unsigned long long)(uintptr_t)p);
    p->sink.type = &w->types[i];
    p->error = -EIO;
    p->uuids = buf_make(1 << 16);
    p->forms = buf_make(1 << 16);
    sem_init(&p->go_on, 0, 0);
    pthread_mutex_init(&p->lock, NULL);
    w->outputs[i] = (struct watch_output_opts){.name = w->names[i],
                                               .type = &w->types[i],
                                               .sink = {.name = w->names[i]},
                                               .backoff_init_ms = 1,
                                               .backoff_max_ms = 2};
    w->chosen[i] = i;
}

// ---- Okta

// ?after=N is page N, a window's first one page PAGES - 2, what is asked to know the clock the
// last.
static inline size_t chosen_page(const struct scripted *s, const char *head) {
    (void)s;
    const char *after = strstr(head, "after=");
    if (after) return (size_t)(after[6] - '0');
    if (strstr(head, "until=")) return PAGES - 2;
    return strstr(head, "limit=1&") || strstr(head, "limit=1 ") ? PAGES - 1 : 0;
}

// The events are "TYPE:uuid", with blanks between.
static inline void add_events(struct buf *out, struct str events, const char *published) {
    buf_addc(out, '[');
    for (bool first = true; events.n; first = false) {
        struct str uuid = str_split(&events, ' ');
        struct str type = str_split(&uuid, ':');
        buf_addf(out, "%s{\"uuid\":\"%.*s\",\"eventType\":\"%.*s\",\"published\":\"%s\"}",
                 first ? "" : ",", STR_ARG(uuid), STR_ARG(type), published);
    }
    buf_addc(out, ']');
}

// `next` is the page behind it; -1: the answer says nothing of that.
static inline void set_published(struct watched *w, int64_t ms) {
    time_format_rfc3339(ms, w->published);
}

static inline void set_page(struct watched *w, size_t i, const char *events, int next) {
    AUTO_FINI(buf) struct buf body = buf_make(1 << 16);
    add_events(&body, str_from(events), w->published);
    buf_reset(&w->text[i]);
    buf_addf(&w->text[i],
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n",
             body.n);
    if (next >= 0)
        buf_addf(&w->text[i], "Link: <%s?after=%d%s>; rel=\"next\"\r\n", w->url, next,
                 w->bounded ? "&until=2027-01-01T00:00:00.000Z" : "");
    buf_addf(&w->text[i], "\r\n%.*s", STR_ARG(buf_str(&body)));
    w->pages[i] = (struct step){.bytes = w->text[i].p, .n = w->text[i].n};
}

// Three pages with an event each, u1 to u3, and the end.
static inline void set_three_pages(struct watched *w) {
    set_page(w, 0, "a:u1", 1);
    set_page(w, 1, "b:u2", 2);
    set_page(w, 2, "a:u3", 3);
    set_page(w, 3, "", 3);
}

// ---- the world

enum { TICK_MS = 2 };

static inline void on_tick(void *ctx) {
    struct watched *w = ctx;
    if (w->until(w)) loop_stop(w->loop);
    else loop_timer_set(w->ticks, TICK_MS);
}

static inline void watched_begin(struct watched *w, void **state) {
    *w = (struct watched){.scratch = *state, .once = true};
    struct fault fault = {{0}};
    set_published(w, 1767323045678);
    for (size_t i = 0; i < PAGES; i++) w->text[i] = buf_make(1 << 16);
    if (store_open(&w->store, scratch_path(w->scratch, "st"), STORE_WRITE, &fault))
        fail_msg("%s", fault.text);
    assert_int_equal(loop_new(&w->loop), 0);
    assert_int_equal(loop_timer_new(&w->ticks, w->loop, on_tick, w), 0);
    int fd = open(scratch_path(w->scratch, "log"), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    w->log = (struct log){.fd = fd, .level = LOG_INFO};
    scripted_start(&w->server, w->loop, w->pages, PAGES);
    w->server.choose = chosen_page;
    snprintf(w->url, sizeof w->url, "http://127.0.0.1:%d/api/v1/logs", w->server.port);
    const struct okta_org_opts org = {.url = w->url,
                                      .credentials = {.api_key = "k"},
                                      .rate_limit_early_limit = 0.9,
                                      .http_client_timeout_ms = 10000,
                                      .http = {.user_agent = "test"}};
    if (okta_org_new(&w->org, w->loop, &org, &fault)) fail_msg("%s", fault.text);
    for (size_t i = 0; i < OUTPUTS; i++) make_output(w, i);
    set_page(w, PAGES - 1, "", PAGES - 1);
    w->source = (struct watch_source_opts){.name = "acme",
                                           .url = w->url,
                                           .org = w->org,
                                           .interval_ms = 60000,
                                           .initial_interval_ms = 3600000,
                                           .limit = 1000,
                                           .ecs = {.data_stream_namespace = "default"},
                                           .outputs = w->chosen,
                                           .output_count = OUTPUTS};
}

static inline void watched_end(struct watched *w) {
    scripted_stop(&w->server);
    okta_org_free(w->org);
    store_free(w->store);
    loop_timer_free(w->ticks);
    loop_free(w->loop);
    close(w->log.fd);
    for (size_t i = 0; i < PAGES; i++) buf_fini(&w->text[i]);
    for (size_t i = 0; i < OUTPUTS; i++) {
        sem_destroy(&w->probes[i].go_on);
        pthread_mutex_destroy(&w->probes[i].lock);
        buf_fini(&w->probes[i].uuids);
        buf_fini(&w->probes[i].forms);
    }
}

static inline void watched_stopped(void *ctx) { loop_stop(((struct watched *)ctx)->loop); }

// Runs until it has finished, or `until` says so; the watch is still there then.
static inline void watched_run(struct watched *w) {
    struct fault fault = {{0}};
    const struct watch_opts opts = {.loop = w->loop,
                                    .store = w->store,
                                    .log = &w->log,
                                    .sources = &w->source,
                                    .source_count = 1,
                                    .outputs = w->outputs,
                                    .output_count = OUTPUTS,
                                    .once = w->once,
                                    .backfill = w->backfill,
                                    .seed = 1,
                                    .wants = w->wants,
                                    .seen = w->seen,
                                    .seen_ctx = w->seen_ctx,
                                    .finished = w->until ? NULL : watched_stopped,
                                    .ctx = w};
    int e = watch_new(&w->watch, &opts, &fault);
    if (e) fail_msg("%d: %s", e, fault.text);
    if (w->until) loop_timer_set(w->ticks, 0);
    watch_start(w->watch);
    run_loop(w->loop);
}

static inline void watched_stop(struct watched *w) {
    w->failed = watch_failed(w->watch);
    watch_stop(w->watch, watched_stopped, w);
    run_loop(w->loop);
    w->watch = watch_free(w->watch);
}

static inline struct watch_output_stats output_stats(struct watched *w, size_t i) {
    struct watch_output_stats s;
    watch_output_stats(w->watch, i, &s);
    return s;
}

static inline struct watch_pair_stats pair_stats(struct watched *w, size_t i) {
    struct watch_pair_stats s;
    watch_pair_stats(w->watch, 0, i, &s);
    return s;
}

static inline int log_count(struct watched *w, const char *what) {
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    char part[4096];
    int n = 0;
    for (ssize_t k; (k = pread(w->log.fd, part, sizeof part, (off_t)text.n)) > 0;)
        buf_add(&text, part, (size_t)k);
    for (struct str rest = buf_str(&text); rest.n; n++) {
        size_t at = str_find(rest, str_from(what));
        if (at == rest.n) break;
        rest = str_sub(rest, at + strlen(what), rest.n);
    }
    return n;
}

static inline void expect_taken(struct watched *w, size_t i, const char *uuids) {
    if (!probe_has(&w->probes[i], uuids))
        fail_msg("output %zu took: %.*s; expected: %s", i, STR_ARG(buf_str(&w->probes[i].uuids)),
                 uuids);
}

#endif
