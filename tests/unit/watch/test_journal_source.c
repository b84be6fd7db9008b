// SPDX-License-Identifier: Apache-2.0
// The gate's journal as a source: every document reaches every output once, in order, whatever
// fails or dies between; what all have is forgotten. Store, sinks and loop are the real ones.
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "loop/loop.h"
#include "store/db.h"
#include "store/journal.h"
#include "store/scratch.h"
#include "watch/replay.h"
#include "watch/watch.h"

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

enum { OUTPUTS = 2 };

struct world {
    struct scratch *scratch;
    struct loop *loop;
    struct store *store;
    struct log log;
    int log_fd;
    struct watch_output_opts outputs[OUTPUTS];
    struct watch_source_opts source;
    size_t chosen[OUTPUTS];
    struct watch *watch;
    struct loop_timer *timer;
    bool (*reached)(struct world *w); // the loop goes on until then
    int64_t wanted;
    int rounds; // of appending, still to come
    bool finished;
};

static void begin(struct world *w, void **state) {
    *w = (struct world){.scratch = *state};
    struct fault fault = {{0}};
    if (store_open(&w->store, scratch_path(w->scratch, "st"), STORE_WRITE, &fault))
        fail_msg("%s", fault.text);
    assert_int_equal(loop_new(&w->loop), 0);
    w->log_fd =
        open(scratch_path(w->scratch, "log"), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    w->log = (struct log){.fd = w->log_fd, .level = LOG_INFO};
    w->outputs[0] = (struct watch_output_opts){
        .name = "file",
        .type = sink_type_find("file"),
        .sink = {.name = "file", .path = w->scratch->dir, .filename = "out", .permissions = 0600}};
    w->outputs[1] = (struct watch_output_opts){
        .name = "rows",
        .type = sink_type_find("sqlite"),
        .sink = {.name = "rows", .path = scratch_path(w->scratch, "rows.db")}};
    for (size_t i = 0; i < OUTPUTS; i++) w->chosen[i] = i;
    w->source = (struct watch_source_opts){
        .name = "gate", .journal = true, .outputs = w->chosen, .output_count = OUTPUTS};
}

static bool wants_all(struct str event_type) {
    (void)event_type;
    return true;
}

static void must_not_be_told(void *ctx, const char *source, struct str event) {
    (void)ctx;
    fail_msg("%s told of %.*s", source, STR_ARG(event));
}

static struct watch_opts watch_opts_of(struct world *w) {
    return (struct watch_opts){.loop = w->loop,
                               .store = w->store,
                               .log = &w->log,
                               .sources = &w->source,
                               .source_count = 1,
                               .outputs = w->outputs,
                               .output_count = OUTPUTS,
                               .wants = wants_all,
                               .seen = must_not_be_told,
                               .seed = 1};
}

static void on_finished(void *ctx) {
    struct world *w = ctx;
    w->finished = true;
    loop_stop(w->loop);
}

static void start(struct world *w, bool once) {
    struct watch_opts opts = watch_opts_of(w);
    struct fault fault = {{0}};
    opts.once = once;
    opts.finished = on_finished;
    opts.ctx = w;
    int e = watch_new(&w->watch, &opts, &fault);
    if (e) fail_msg("%d: %s", e, fault.text);
    watch_start(w->watch);
}

static void on_stopped(void *ctx) { loop_stop(((struct world *)ctx)->loop); }

static void stop(struct world *w) {
    watch_stop(w->watch, on_stopped, w);
    assert_int_equal(loop_run(w->loop), 0);
    w->watch = watch_free(w->watch);
}

static void run_once(struct world *w) {
    w->finished = false;
    start(w, true);
    assert_int_equal(loop_run(w->loop), 0);
    assert_true(w->finished);
    stop(w);
}

static void end(struct world *w) {
    w->timer = loop_timer_free(w->timer);
    w->store = store_free(w->store);
    w->loop = loop_free(w->loop);
    close(w->log_fd);
}

// ---- documents

// Their uuids are the numbers that they get.
static void add_documents(struct store *store, size_t n) {
    struct str documents[64];
    AUTO_FINI(buf) struct buf text = buf_make(100000);
    size_t ends[64];
    int64_t last = 0;
    assert_true(n <= LEN(documents));
    assert_int_equal(journal_last(store, &last, NULL), 0);
    for (size_t i = 0; i < n; i++) {
        buf_addf(
            &text,
            "{\"@timestamp\":\"2026-01-02T03:04:05.006Z\",\"event\":{\"id\":\"doc-%lld\","
            "\"action\":\"read secret/\",\"outcome\":\"success\"},\"user\":{\"name\":\"eve\"}}",
            (long long)last + 1 + (long long)i);
        ends[i] = text.n;
    }
    for (size_t i = 0; i < n; i++) {
        size_t at = i ? ends[i - 1] : 0;
        documents[i] = (struct str){text.p + at, ends[i] - at};
    }
    assert_int_equal(journal_append(store, documents, n, NULL), 0);
}

static int64_t ask(struct world *w, const char *file, const char *query) {
    AUTO(db) struct db *db = NULL;
    int64_t answer = -1;
    const struct db_opts opts = {
        .path = scratch_path(w->scratch, file), .mode = DB_READ, .cache_kb = 64, .busy_ms = 5000};
    if (db_open(&db, &opts, NULL)) return -1;
    return db_get_i64(db, query, &answer, NULL) ? -1 : answer;
}

// What the file sink has written, one file a day.
static void read_files(struct world *w, const char *pattern, struct buf *out) {
    glob_t files = {0};
    assert_true(glob(scratch_path(w->scratch, pattern), 0, NULL, &files) != GLOB_ABORTED);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        AUTO_FINI(buf) struct buf one = scratch_read(files.gl_pathv[i]);
        buf_add_str(out, buf_str(&one));
    }
    globfree(&files);
}

static void expect_no_file(struct world *w) {
    AUTO_FINI(buf) struct buf all = buf_make(1000);
    read_files(w, "out-*.ndjson", &all);
    assert_int_equal(all.n, 0);
}

// Documents from 1 to `last`, each once, in order.
static void expect_file(struct world *w, int64_t last) {
    AUTO_FINI(buf) struct buf all = buf_make(SIZE_MAX);
    read_files(w, "out-*.ndjson", &all);
    struct str rest = buf_str(&all);
    for (int64_t i = 1; i <= last; i++) {
        char id[64];
        snprintf(id, sizeof id, "\"id\":\"doc-%lld\"", (long long)i);
        struct str line = str_split(&rest, '\n');
        if (str_find(line, str_from(id)) == line.n)
            fail_msg("line %lld is %.*s", (long long)i, STR_ARG(line));
    }
    assert_int_equal(rest.n, 0);
}

static void expect_rows(struct world *w, int64_t last) {
    assert_int_equal(ask(w, "rows.db", "SELECT count(*) FROM events"), last);
    assert_int_equal(ask(w, "rows.db", "SELECT count(DISTINCT uuid) FROM events"), last);
    assert_int_equal(
        ask(w, "rows.db",
            "SELECT count(*) FROM events WHERE uuid LIKE 'doc-%' AND source = 'gate' AND "
            "published = '2026-01-02T03:04:05.006Z' AND event_type = 'read secret/' AND "
            "outcome = 'success' AND actor = 'eve' AND document LIKE '{\"@timestamp\"%'"),
        last);
}

static void expect_all(struct world *w, int64_t last) {
    expect_file(w, last);
    expect_rows(w, last);
}

// ---- waiting

static void look(void *ctx) {
    struct world *w = ctx;
    if (w->reached(w)) loop_stop(w->loop);
    else loop_timer_set(w->timer, 10);
}

static void run_until(struct world *w, bool (*reached)(struct world *w)) {
    w->reached = reached;
    if (!w->timer) assert_int_equal(loop_timer_new(&w->timer, w->loop, look, w), 0);
    loop_timer_set(w->timer, 0);
    assert_int_equal(loop_run(w->loop), 0);
}

static int read_cursor(void *ctx, const struct store_pair *pair) {
    int64_t *least = ctx;
    int64_t number = 0;
    if (!pair->next.p || !parse_i64(pair->next, &number)) number = 0;
    if (number < *least) *least = number;
    return 0;
}

static bool all_have_it(struct world *w) {
    int64_t least = INT64_MAX;
    assert_int_equal(store_pairs(w->store, read_cursor, &least, NULL), 0);
    return least != INT64_MAX && least >= w->wanted;
}

static bool journal_is_empty(struct world *w) {
    return ask(w, "st/state.db", "SELECT count(*) FROM journal") == 0;
}

// ---- tests

static void documents_reach_every_output_once_and_are_forgotten(void **state) {
    struct world w;
    begin(&w, state);
    add_documents(w.store, 30);
    add_documents(w.store, 1);
    start(&w, false);
    run_until(&w, journal_is_empty);
    expect_all(&w, 31);
    stop(&w);
    assert_int_equal(ask(&w, "st/state.db", "SELECT count(*) FROM recent"), 0);
    assert_int_equal(ask(&w, "st/state.db",
                         "SELECT count(*) FROM pair WHERE source = 'gate' AND next = '31' AND "
                         "events = 31"),
                     2);
    end(&w);
}

static void what_is_appended_later_comes_when_the_watch_is_woken(void **state) {
    struct world w;
    begin(&w, state);
    start(&w, false);
    for (w.wanted = 5; w.wanted <= 25; w.wanted += 5) {
        add_documents(w.store, 5);
        watch_wake_journal(w.watch);
        run_until(&w, all_have_it);
    }
    expect_all(&w, 25);
    stop(&w);
    end(&w);
}

static void append_more(void *ctx) {
    struct world *w = ctx;
    if (w->rounds-- > 0) {
        add_documents(w->store, 7);
        watch_wake_journal(w->watch);
        loop_timer_set(w->timer, 1);
    } else if (all_have_it(w)) loop_stop(w->loop);
    else loop_timer_set(w->timer, 10);
}

// A wake that comes while a page is being read or delivered must not be lost.
static void no_wake_is_lost(void **state) {
    struct world w;
    begin(&w, state);
    start(&w, false);
    w.rounds = 300;
    w.wanted = 2100;
    assert_int_equal(loop_timer_new(&w.timer, w.loop, append_more, &w), 0);
    loop_timer_set(w.timer, 0);
    assert_int_equal(loop_run(w.loop), 0);
    expect_all(&w, 2100);
    stop(&w);
    end(&w);
}

static void more_than_a_page_comes_in_pages(void **state) {
    struct world w;
    begin(&w, state);
    for (int i = 0; i < 50; i++) add_documents(w.store, 50);
    run_once(&w);
    expect_all(&w, 2500);
    end(&w);
}

static void once_delivers_what_is_there_and_ends(void **state) {
    struct world w;
    begin(&w, state);
    run_once(&w);
    expect_no_file(&w);
    add_documents(w.store, 3);
    run_once(&w);
    expect_all(&w, 3);
    run_once(&w);
    expect_all(&w, 3);
    end(&w);
}

static void a_chosen_output_alone_gets_them(void **state) {
    struct world w;
    begin(&w, state);
    w.chosen[0] = 1;
    w.source.output_count = 1;
    add_documents(w.store, 3);
    run_once(&w);
    expect_rows(&w, 3);
    expect_no_file(&w);
    end(&w);
}

// ---- what goes wrong

static void what_is_no_document_becomes_a_dead_letter(void **state) {
    static const struct str odd[] = {{"not json", 8}, {"{\"event\":{}}", 12}, {"[]", 2}};
    struct world w;
    struct replay_result result;
    begin(&w, state);
    add_documents(w.store, 2);
    assert_int_equal(journal_append(w.store, odd, LEN(odd), NULL), 0);
    run_once(&w);
    expect_all(&w, 2);
    assert_int_equal(ask(&w, "st/state.db",
                         "SELECT count(*) FROM dead WHERE source = 'gate' AND "
                         "CAST(event AS TEXT) IN ('not json', '[]', '{\"event\":{}}')"),
                     6);
    struct watch_opts opts = watch_opts_of(&w);
    assert_int_equal(replay_run(&opts, 0, NULL, &result, NULL), 0);
    assert_int_equal(result.kept, 6);
    assert_int_equal(result.delivered, 0);
    end(&w);
}

// The file sink with another way of delivering.
static struct sink_type odd_type;

static int odd_open(struct sink **ret, const struct sink_opts *opts, const struct sink_host *host,
                    struct str mark, struct fault *fault) {
    int e = sink_type_find("file")->open(ret, opts, host, mark, fault);
    if (!e) (*ret)->type = &odd_type;
    return e;
}

static const struct sink_type *make_odd(int (*deliver)(struct sink *s, const struct sink_doc *docs,
                                                       size_t n, int64_t now_ms,
                                                       struct sink_reply *replies,
                                                       struct fault *fault)) {
    odd_type = *sink_type_find("file");
    odd_type.open = odd_open;
    odd_type.deliver = deliver;
    return &odd_type;
}

static atomic_int failures; // still to come

static int failing_deliver(struct sink *s, const struct sink_doc *docs, size_t n, int64_t now_ms,
                           struct sink_reply *replies, struct fault *fault) {
    if (atomic_fetch_sub(&failures, 1) > 0) return fault_set(fault, -EIO, "told to fail");
    return sink_type_find("file")->deliver(s, docs, n, now_ms, replies, fault);
}

static bool rows_have_it(struct world *w) {
    return ask(w, "rows.db", "SELECT count(*) FROM events") == w->wanted;
}

static void an_output_that_fails_holds_up_nobody_and_gets_all(void **state) {
    struct world w;
    atomic_store(&failures, 2);
    begin(&w, state);
    w.outputs[0].type = make_odd(failing_deliver);
    add_documents(w.store, 10);
    start(&w, false);
    w.wanted = 10;
    run_until(&w, rows_have_it);
    assert_int_equal(ask(&w, "st/state.db", "SELECT count(*) FROM journal"), 10);
    run_until(&w, journal_is_empty);
    expect_all(&w, 10);
    assert_true(atomic_load(&failures) < 0);
    stop(&w);
    end(&w);
}

static int rejecting_deliver(struct sink *s, const struct sink_doc *docs, size_t n, int64_t now_ms,
                             struct sink_reply *replies, struct fault *fault) {
    static struct fault why = {.text = "told to reject"};
    int e = sink_type_find("file")->deliver(s, docs, n, now_ms, replies, fault);
    replies[0] = (struct sink_reply){.verdict = SINK_REJECTED, .fault = &why};
    return e;
}

static void what_an_output_rejects_can_be_replayed(void **state) {
    struct world w;
    struct replay_result result;
    begin(&w, state);
    w.outputs[0].type = make_odd(rejecting_deliver);
    add_documents(w.store, 1);
    run_once(&w);
    assert_int_equal(ask(&w, "st/state.db", "SELECT count(*) FROM dead WHERE uuid = 'doc-1'"), 1);
    w.outputs[0].type = sink_type_find("file");
    w.outputs[0].sink.filename = "again";
    struct watch_opts opts = watch_opts_of(&w);
    assert_int_equal(replay_run(&opts, 0, NULL, &result, NULL), 0);
    assert_int_equal(result.delivered, 1);
    AUTO_FINI(buf) struct buf again = buf_make(10000);
    read_files(&w, "again-*.ndjson", &again);
    assert_true(str_find(buf_str(&again), STR("\"id\":\"doc-1\"")) < again.n);
    end(&w);
}

// ---- death

struct victim {
    struct world *world;
    void **state;
};

static void append_for_ever(void *ctx) {
    struct world *w = ctx;
    add_documents(w->store, 9);
    watch_wake_journal(w->watch);
    if (w->rounds-- <= 0) raise(SIGKILL);
    loop_timer_set(w->timer, 1);
}

// Appends and delivers, and dies in the midst of it.
static int live_and_die(void *ctx) {
    struct victim *v = ctx;
    struct world *w = v->world;
    int rounds = w->rounds;
    begin(w, v->state);
    w->rounds = rounds;
    start(w, false);
    if (loop_timer_new(&w->timer, w->loop, append_for_ever, w)) return 1;
    loop_timer_set(w->timer, 0);
    (void)!loop_run(w->loop);
    return 2;
}

static void every_document_comes_once_though_the_process_is_killed(void **state) {
    struct world w = {0};
    struct victim v = {&w, state};
    struct rand rand = scratch_rand();
    int64_t last = 0;
    for (int i = 0; i < 12; i++) {
        w.rounds = (int)rand_below(&rand, 40);
        assert_int_equal(in_child(live_and_die, &v), 128 + SIGKILL);
    }
    begin(&w, state);
    run_once(&w);
    assert_int_equal(journal_last(w.store, &last, NULL), 0);
    assert_true(last >= 12 * 9);
    expect_all(&w, last);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        // First: it forks, so there must be no threads yet.
        T(every_document_comes_once_though_the_process_is_killed),
        T(documents_reach_every_output_once_and_are_forgotten),
        T(what_is_appended_later_comes_when_the_watch_is_woken),
        T(no_wake_is_lost),
        T(more_than_a_page_comes_in_pages),
        T(once_delivers_what_is_there_and_ends),
        T(a_chosen_output_alone_gets_them),
        T(what_is_no_document_becomes_a_dead_letter),
        T(an_output_that_fails_holds_up_nobody_and_gets_all),
        T(what_an_output_rejects_can_be_replayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
