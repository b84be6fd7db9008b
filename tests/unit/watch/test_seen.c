// SPDX-License-Identifier: Apache-2.0
// Who wants to hear of events of some types is told of them once, in order, and before any output
// has them. Okta is a script on loopback, store and loop are the real ones, outputs count.
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <semaphore.h>

#include <cmocka.h>

#include "../http/scripted.h"
#include "okta/org.h"
#include "store/scratch.h"
#include "watch/watch.h"

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

enum { OUTPUTS = 2, PAGES = 8 };

// An output that takes everything, but cannot be opened the first times.
struct counter {
    struct sink sink;
    atomic_int taken;
    atomic_int refusals; // still to come
    int slow_at;         // having taken so many, it takes its time, until it is told to go on
    int tells_at;        // having taken so many, it tells another to go on
    sem_t go_on, *other;
};

struct world {
    struct scratch *scratch;
    struct loop *loop;
    struct store *store;
    struct okta_org *org;
    struct log log;
    int log_fd;
    struct scripted server;
    struct step pages[PAGES];
    struct buf text[PAGES];
    struct counter counters[OUTPUTS];
    char names[OUTPUTS][32];
    char url[64];
    struct watch_output_opts outputs[OUTPUTS];
    struct watch_source_opts source;
    size_t chosen[OUTPUTS];
    struct watch *watch;
    struct buf told;     // "u1 u2 "
    int taken_when_told; // by all outputs, when the last one was told
};

// ---- outputs

// What an output is told of itself is its name: here, where its counter is.
static int counter_open(struct sink **ret, const struct sink_opts *opts,
                        const struct sink_host *host, struct str mark, struct fault *fault) {
    (void)host;
    (void)mark;
    uint64_t at;
    assert_true(parse_u64(str_from(opts->name), &at));
    struct counter *c = (struct counter *)(uintptr_t)at;
    if (atomic_fetch_sub(&c->refusals, 1) > 0) return fault_set(fault, -EIO, "not now");
    c->sink.notice = (struct fault){{0}};
    *ret = &c->sink;
    return 0;
}

static int counter_deliver(struct sink *s, const struct sink_doc *docs, size_t n, int64_t now_ms,
                           struct sink_reply *replies, struct fault *fault) {
    (void)docs;
    (void)now_ms;
    (void)fault;
    struct counter *c = (struct counter *)s;
    for (size_t i = 0; i < n; i++) replies[i] = (struct sink_reply){.verdict = SINK_DELIVERED};
    if (c->slow_at && atomic_load(&c->taken) == c->slow_at) sem_wait(&c->go_on);
    int taken = atomic_fetch_add(&c->taken, (int)n) + (int)n;
    if (c->other && taken == c->tells_at) sem_post(c->other);
    return 0;
}

static int counter_sync(struct sink *s, const struct sink_position *at, struct buf *ret_mark,
                        struct fault *fault) {
    (void)s;
    (void)at;
    (void)ret_mark;
    (void)fault;
    return 0;
}

static void counter_committed(struct sink *s) { (void)s; }

static int counter_rollback(struct sink *s, struct fault *fault) {
    (void)s;
    (void)fault;
    return 0;
}

static struct sink *counter_free(struct sink *s) {
    (void)s;
    return NULL;
}

static const struct sink_type counter_type = {.name = "counter",
                                              .guarantee = "none",
                                              .open = counter_open,
                                              .deliver = counter_deliver,
                                              .sync = counter_sync,
                                              .committed = counter_committed,
                                              .rollback = counter_rollback,
                                              .free = counter_free};

static void make_output(struct world *w, size_t i) {
    snprintf(w->names[i], sizeof w->names[i], "%llu",
             (unsigned long long)(uintptr_t)&w->counters[i]);
    w->counters[i].sink.type = &counter_type;
    sem_init(&w->counters[i].go_on, 0, 0);
    w->outputs[i] = (struct watch_output_opts){
        .name = w->names[i], .type = &counter_type, .sink = {.name = w->names[i]}};
    w->chosen[i] = i;
}

// ---- Okta

// ?after=N is page N.
static size_t chosen_page(const struct scripted *s, const char *head) {
    (void)s;
    const char *after = strstr(head, "after=");
    return after ? (size_t)(after[6] - '0') : 0;
}

// The events are "+uuid" (of a type that is wanted) and "-uuid", with blanks between.
static void add_events(struct buf *out, struct str events) {
    buf_addc(out, '[');
    for (bool first = true; events.n; first = false) {
        struct str one = str_split(&events, ' ');
        buf_addf(out,
                 "%s{\"uuid\":\"%.*s\",\"eventType\":\"%s\",\"published\":"
                 "\"2026-01-02T03:04:05.678Z\"}",
                 first ? "" : ",", (int)(one.n - 1), one.p + 1,
                 one.p[0] == '+' ? "user.mfa.wanted" : "user.mfa.other");
    }
    buf_addc(out, ']');
}

// `next` is the page behind it; -1: the answer says nothing of that.
static void set_page(struct world *w, size_t i, const char *events, int next) {
    AUTO_FINI(buf) struct buf body = buf_make(1 << 16);
    add_events(&body, str_from(events));
    buf_reset(&w->text[i]);
    buf_addf(&w->text[i],
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n",
             body.n);
    if (next >= 0) buf_addf(&w->text[i], "Link: <%s?after=%d>; rel=\"next\"\r\n", w->url, next);
    buf_addf(&w->text[i], "\r\n%.*s", STR_ARG(buf_str(&body)));
    w->pages[i] = (struct step){.bytes = w->text[i].p, .n = w->text[i].n};
}

static void begin(struct world *w, void **state) {
    *w = (struct world){.scratch = *state, .told = buf_make(1 << 16)};
    struct fault fault = {{0}};
    for (size_t i = 0; i < PAGES; i++) w->text[i] = buf_make(1 << 16);
    if (store_open(&w->store, scratch_path(w->scratch, "st"), STORE_WRITE, &fault))
        fail_msg("%s", fault.text);
    assert_int_equal(loop_new(&w->loop), 0);
    w->log_fd =
        open(scratch_path(w->scratch, "log"), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    w->log = (struct log){.fd = w->log_fd, .level = LOG_INFO};
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

static void end(struct world *w) {
    scripted_stop(&w->server);
    okta_org_free(w->org);
    store_free(w->store);
    loop_free(w->loop);
    close(w->log_fd);
    for (size_t i = 0; i < PAGES; i++) buf_fini(&w->text[i]);
    for (size_t i = 0; i < OUTPUTS; i++) sem_destroy(&w->counters[i].go_on);
    buf_fini(&w->told);
}

// ---- the watch

static bool wants(struct str event_type) { return str_eq(event_type, STR("user.mfa.wanted")); }

static void on_seen(void *ctx, const char *source, struct str event) {
    struct world *w = ctx;
    assert_string_equal(source, "acme");
    struct str rest = str_sub(event, str_find(event, STR("\"uuid\":\"")) + 8, event.n);
    struct str uuid = str_split(&rest, '"');
    assert_true(str_starts(event, STR("{")) && str_ends(event, STR("}")));
    buf_addf(&w->told, "%.*s ", STR_ARG(uuid));
    w->taken_when_told = 0;
    for (size_t i = 0; i < OUTPUTS; i++) w->taken_when_told += atomic_load(&w->counters[i].taken);
}

static void on_finished(void *ctx) { loop_stop(((struct world *)ctx)->loop); }

static void run(struct world *w, const struct watch_backfill *backfill) {
    struct fault fault = {{0}};
    const struct watch_opts opts = {.loop = w->loop,
                                    .store = w->store,
                                    .log = &w->log,
                                    .sources = &w->source,
                                    .source_count = 1,
                                    .outputs = w->outputs,
                                    .output_count = OUTPUTS,
                                    .once = true,
                                    .backfill = backfill,
                                    .seed = 1,
                                    .wants = wants,
                                    .seen = on_seen,
                                    .seen_ctx = w,
                                    .finished = on_finished,
                                    .ctx = w};
    int e = watch_new(&w->watch, &opts, &fault);
    if (e) fail_msg("%d: %s", e, fault.text);
    buf_reset(&w->told);
    watch_start(w->watch);
    run_loop(w->loop);
    assert_false(watch_failed(w->watch));
    watch_stop(w->watch, on_finished, w);
    run_loop(w->loop);
    w->watch = watch_free(w->watch);
}

static void expect_told(struct world *w, const char *uuids) {
    if (!str_eqz(buf_str(&w->told), uuids))
        fail_msg("told: %.*s; expected: %s", STR_ARG(buf_str(&w->told)), uuids);
}

// ---- tests

static void wanted_events_are_told_once_and_in_order_whoever_the_page_is_for(void **state) {
    struct world w;
    begin(&w, state);
    set_page(&w, 0, "+u1 -u2 +u3 +u1", 1);
    set_page(&w, 1, "-u4 +u5 +u3", 2);
    set_page(&w, 2, "", 2);
    run(&w, NULL);
    expect_told(&w, "u1 u3 u5 ");
    assert_int_equal(atomic_load(&w.counters[0].taken), 5);
    assert_int_equal(atomic_load(&w.counters[1].taken), 5);
    end(&w);
}

static void a_page_is_told_before_any_output_has_it(void **state) {
    struct world w;
    begin(&w, state);
    set_page(&w, 0, "-u1 -u2 +u3", 1);
    set_page(&w, 1, "", 1);
    run(&w, NULL);
    expect_told(&w, "u3 ");
    assert_int_equal(w.taken_when_told, 0);
    end(&w);
}

// The one that is down gets the pages later, by fetches of its own: nothing of them is news then.
static void an_output_that_is_down_holds_nothing_up_and_nothing_is_told_again(void **state) {
    struct world w;
    begin(&w, state);
    atomic_store(&w.counters[0].refusals, 1);
    set_page(&w, 0, "+u1", 1);
    set_page(&w, 1, "+u2", 2);
    set_page(&w, 2, "+u3", 3);
    set_page(&w, 3, "", 3);
    run(&w, NULL);
    expect_told(&w, "u1 u2 u3 ");
    assert_int_equal(atomic_load(&w.counters[0].taken), 3);
    assert_int_equal(atomic_load(&w.counters[1].taken), 3);
    end(&w);
}

// While an output is at work its memory cannot be asked, and the other one is a page behind.
static void what_was_told_is_known_while_the_output_that_has_it_is_at_work(void **state) {
    struct world w;
    begin(&w, state);
    atomic_store(&w.counters[0].refusals, 1);
    w.counters[0].tells_at = 2;
    w.counters[0].other = &w.counters[1].go_on;
    w.counters[1].slow_at = 2;
    set_page(&w, 0, "+u1", 1);
    set_page(&w, 1, "+u2", 2);
    set_page(&w, 2, "+u3", 3);
    set_page(&w, 3, "", 3);
    run(&w, NULL);
    expect_told(&w, "u1 u2 u3 ");
    end(&w);
}

static void with_no_output_up_it_is_told_all_the_same(void **state) {
    struct world w;
    begin(&w, state);
    for (size_t i = 0; i < OUTPUTS; i++) atomic_store(&w.counters[i].refusals, 1);
    set_page(&w, 0, "+u1", 1);
    set_page(&w, 1, "", 1);
    run(&w, NULL);
    expect_told(&w, "u1 ");
    assert_int_equal(w.taken_when_told, 0);
    end(&w);
}

static void after_a_restart_what_the_outputs_have_is_known(void **state) {
    struct world w;
    begin(&w, state);
    set_page(&w, 0, "+u1 +u2", 1);
    set_page(&w, 1, "", 1);
    run(&w, NULL);
    expect_told(&w, "u1 u2 ");
    set_page(&w, 1, "+u2 +u3", 2); // Okta repeats one
    set_page(&w, 2, "", 2);
    run(&w, NULL);
    expect_told(&w, "u3 ");
    end(&w);
}

static size_t broken_first(const struct scripted *s, const char *head) {
    return s->asked == 0 ? PAGES - 1 : chosen_page(s, head);
}

static void a_page_that_was_cut_on_its_way_is_told_when_it_is_whole(void **state) {
    struct world w;
    begin(&w, state);
    w.server.choose = broken_first;
    set_page(&w, 0, "+u1 +u2", 1);
    set_page(&w, 1, "", 1);
    set_page(&w, PAGES - 1, "+u1 +u2", 1);
    char *second = strstr(buf_z(&w.text[PAGES - 1]), "},{");
    assert_non_null(second);
    w.text[PAGES - 1].p[second - w.text[PAGES - 1].p] = ' ';
    run(&w, NULL);
    expect_told(&w, "u1 u2 ");
    end(&w);
}

// What is asked for before, to know Okta's clock, is empty and stands.
static size_t windows_first(const struct scripted *s, const char *head) {
    return strstr(head, "until=") ? chosen_page(s, head) : 1;
}

static void what_windows_of_the_history_bring_is_not_told(void **state) {
    struct world w;
    const struct watch_backfill backfill = {.since = {.ago = true, .ms = 7200000},
                                            .until = {.ago = true, .ms = 3600000}};
    begin(&w, state);
    w.server.choose = windows_first;
    set_page(&w, 0, "+u1 +u2", -1);
    set_page(&w, 1, "", 1);
    run(&w, &backfill);
    expect_told(&w, "");
    assert_int_not_equal(w.server.asked, 0);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(wanted_events_are_told_once_and_in_order_whoever_the_page_is_for),
        T(a_page_is_told_before_any_output_has_it),
        T(an_output_that_is_down_holds_nothing_up_and_nothing_is_told_again),
        T(what_was_told_is_known_while_the_output_that_has_it_is_at_work),
        T(with_no_output_up_it_is_told_all_the_same),
        T(after_a_restart_what_the_outputs_have_is_known),
        T(a_page_that_was_cut_on_its_way_is_told_when_it_is_whole),
        T(what_windows_of_the_history_bring_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
