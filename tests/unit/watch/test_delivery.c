// SPDX-License-Identifier: Apache-2.0
// What one page, one pair and one output make of each other when things go wrong: the page is in
// the sink and the cursor behind it, or neither. The store is the real one; the sink is a fake that
// fails when it is told to.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "store/scratch.h"
#include "watch/watch-internal.h"

// ---- a sink in memory ----

struct script {
    int open, deliver, sync, rollback; // errors to give next time; 0: none
    enum sink_verdict verdict;         // of the first document
    bool progress;                     // said with every deliver
    int64_t wait_ms;
    int opened, freed, rolled_back;
    size_t taken, durable;   // documents: since the last committed mark, and committed
    char mark_seen[32];      // what open was given
    char start_seen[256];    // the cursor in the store when a page was delivered
    struct sink_position at; // what sync was told; texts below
    char at_source[32], at_next[256];
    bool told;           // sync was told of a position
    char documents[512]; // the last page's, one behind the other
    char streams[256];   // "dataset namespace " of each
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

static int fake_open(struct sink **ret, const struct sink_opts *opts, const struct sink_host *host,
                     struct str mark, struct fault *fault) {
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

static int fake_deliver(struct sink *sink, const struct sink_doc *docs, size_t n, int64_t now_ms,
                        struct sink_reply *replies, struct fault *fault) {
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
    if (n > 0) replies[0] = (struct sink_reply){s->verdict, &the_world->reason};
    s->taken += n;
    return 0;
}

static int fake_sync(struct sink *sink, const struct sink_position *at, struct buf *ret_mark,
                     struct fault *fault) {
    struct script *s = ((struct fake *)sink)->script;
    if (s->sync) return fault_set(fault, s->sync, "told to fail");
    s->told = at != NULL;
    if (at) {
        s->at = *at;
        snprintf(s->at_source, sizeof s->at_source, "%.*s", STR_ARG(at->source));
        snprintf(s->at_next, sizeof s->at_next, "%.*s", STR_ARG(at->next));
    }
    buf_addf(ret_mark, "%zu", s->durable + s->taken);
    return 0;
}

static void fake_committed(struct sink *sink) {
    struct script *s = ((struct fake *)sink)->script;
    s->durable += s->taken;
    s->taken = 0;
}

static int fake_rollback(struct sink *sink, struct fault *fault) {
    struct script *s = ((struct fake *)sink)->script;
    s->rolled_back++;
    if (s->rollback) return fault_set(fault, s->rollback, "told to fail");
    s->taken = 0;
    return 0;
}

static struct sink *fake_free(struct sink *sink) {
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

// ---- the world around it ----

static struct pair a_pair(struct world *w) {
    return (struct pair){.stream = &w->source.poll, .source = &w->source, .output = &w->output};
}

static int set_up(void **state) {
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

static int tear_down(void **state) {
    struct world *w = *state;
    pair_fini(&w->pair);
    output_fini(&w->output);
    w->store = store_free(w->store);
    scratch_remove(w->dir);
    free(w);
    return 0;
}

// Gives the pair a page of three events with uuids that begin with `first`.
static void give_page(struct world *w, const char *first, const char *next) {
    AUTO(ecs_mapper) struct ecs_mapper *mapper = NULL;
    const struct ecs_opts ecs = {.data_stream_namespace = "default"};
    assert_int_equal(ecs_mapper_new(&mapper, &ecs), 0);
    w->pair.page = page_unref(w->pair.page);
    assert_int_equal(page_new(&w->pair.page), 0);
    struct page *page = w->pair.page;
    for (int i = 0; i < 3; i++)
        buf_addf(&page->body, "%c{\"uuid\":\"%s%d\",\"published\":\"2026-01-02T03:04:05.00%dZ\"}",
                 i ? ',' : '[', first, i, i);
    buf_addc(&page->body, ']');
    const struct page_map_opts opts = {
        .mapper = mapper, .source = "acme", .fetched_ms = 1, .stop = &w->watch.stop};
    assert_int_equal(page_map(page, &opts, NULL), 0);
    page->cursor = mem_copy("here", 4);
    page->next = mem_copy(next, strlen(next));
    assert_non_null(page->cursor);
    assert_non_null(page->next);
}

static void assert_cursor(struct world *w, const char *next, int64_t events) {
    AUTO_FINI(store_cursor) struct store_cursor c = {0};
    assert_int_equal(store_cursor_load(w->store, STR("acme"), STR("fake"), &c, NULL), 0);
    assert_string_equal(c.next ? c.next : "", next);
    assert_int_equal(c.events, events);
}

// ---- the tests ----

static void a_delivered_page_moves_the_cursor_and_is_remembered(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, 0);
    assert_int_equal(w->pair.delivery.delivered, 3);
    assert_int_equal(w->script.durable, 3);
    assert_cursor(w, "there", 3);
    assert_true(recent_has(&w->pair.recent, w->pair.page->events[2].id));
}

static void a_new_pair_is_on_record_before_anything_is_delivered(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    assert_string_equal(w->script.start_seen, "here");
}

static void what_came_before_is_not_delivered_again(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    give_page(w, "a", "further");
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.repeated, 3);
    assert_int_equal(w->pair.delivery.delivered, 0);
    assert_int_equal(w->script.durable, 3);
    assert_cursor(w, "further", 3);
}

static void what_came_before_is_known_after_a_restart_too(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    pair_fini(&w->pair);
    w->pair = a_pair(w);
    assert_int_equal(pair_load(&w->pair, w->store, NULL), 0);
    assert_string_equal(w->pair.cursor, "there");
    give_page(w, "a", "further");
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.repeated, 3);
}

static void assert_nothing_happened(struct world *w, int error) {
    assert_int_equal(w->pair.delivery.error, error);
    assert_string_not_equal(w->pair.delivery.fault.text, "");
    assert_int_equal(w->script.rolled_back, 1);
    assert_int_equal(w->script.taken, 0);
    assert_int_equal(w->script.durable, 0);
    assert_cursor(w, "here", 0);
    assert_false(recent_has(&w->pair.recent, w->pair.page->events[0].id));
}

static void a_failed_delivery_is_taken_back(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    w->script.deliver = -ENOSPC;
    delivery_run(&w->pair);
    assert_nothing_happened(w, -ENOSPC);
}

static void a_failed_sync_is_taken_back(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    w->script.sync = -EIO;
    delivery_run(&w->pair);
    assert_nothing_happened(w, -EIO);
}

static void one_document_to_be_retried_takes_the_page_back(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    w->script.verdict = SINK_RETRY;
    delivery_run(&w->pair);
    assert_nothing_happened(w, -EAGAIN);
}

static void the_next_try_delivers_everything(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    w->script.sync = -EIO;
    delivery_run(&w->pair);
    w->script.sync = 0;
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, 0);
    assert_int_equal(w->script.durable, 3);
    assert_cursor(w, "there", 3);
}

static void a_commit_that_fails_takes_the_page_back(void **state) {
    struct world *w = *state;
    struct store *readable = NULL;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    assert_int_equal(store_open(&readable, w->dir, STORE_READ, NULL), 0);
    give_page(w, "b", "further");
    w->watch.opts.store = readable; // refuses to be written to
    delivery_run(&w->pair);
    w->watch.opts.store = w->store;
    readable = store_free(readable);
    assert_true(w->pair.delivery.error < 0);
    assert_int_equal(w->script.rolled_back, 1);
    assert_int_equal(w->script.durable, 3);
    assert_cursor(w, "there", 3);
}

static void a_sink_that_cannot_go_back_is_opened_again_at_its_mark(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    give_page(w, "b", "further");
    w->script.sync = -EIO;
    w->script.rollback = -EIO;
    delivery_run(&w->pair);
    assert_int_equal(w->script.freed, 1);
    w->script.sync = 0;
    w->script.taken = 0;
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, 0);
    assert_int_equal(w->script.opened, 2);
    assert_string_equal(w->script.mark_seen, "3");
    assert_cursor(w, "further", 6);
}

static int count_dead(void *ctx, const struct store_dead_row *row) {
    struct world *w = ctx;
    assert_true(str_eqz(row->reason, "not wanted"));
    assert_true(str_eqz(row->uuid, "a0"));
    assert_true(str_eq(row->event, w->pair.page->events[0].text));
    w->script.taken += 100;
    return 0;
}

static void a_rejected_document_is_a_dead_letter_and_holds_up_nobody(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    w->script.verdict = SINK_REJECTED;
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, 0);
    assert_int_equal(w->pair.delivery.rejected, 1);
    assert_int_equal(w->pair.delivery.delivered, 2);
    assert_cursor(w, "there", 2);
    assert_int_equal(store_dead_each(w->store, count_dead, w, NULL), 0);
    assert_int_equal(w->script.taken, 100);
}

static void an_output_that_cannot_be_opened_leaves_everything_as_it_is(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    w->script.open = -ENOENT;
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, -ENOENT);
    assert_cursor(w, "", 0);
}

// ---- what the sink is told ----

static void a_sink_is_told_where_the_pair_will_stand(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    w->pair.start_ms = w->pair.begin.start_ms = 77;
    delivery_run(&w->pair);
    assert_true(w->script.told);
    assert_string_equal(w->script.at_source, "acme");
    assert_string_equal(w->script.at_next, "there");
    assert_int_equal(w->script.at.published_ms, w->pair.page->newest_ms);
    assert_int_equal(w->script.at.start_ms, 77);
    assert_false(w->script.at.window);
}

static void a_sink_is_told_which_stream_a_document_belongs_to(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    assert_string_equal(w->script.streams,
                        "okta.system default okta.system default okta.system default ");
}

static void what_a_failed_try_says_of_itself_is_handed_on(void **state) {
    struct world *w = *state;
    give_page(w, "a", "there");
    w->script.deliver = -EAGAIN;
    w->script.progress = true;
    w->script.wait_ms = 1234;
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, -EAGAIN);
    assert_true(w->pair.delivery.progress);
    assert_int_equal(w->pair.delivery.wait_ms, 1234);
}

// ---- filters ----

static const char *const only_odd[] = {"odd"};

// The middle one of the three events is of type "odd", the others "even".
static void give_typed_page(struct world *w, unsigned forms, const char *extra) {
    AUTO(ecs_mapper) struct ecs_mapper *mapper = NULL;
    const struct ecs_opts ecs = {.data_stream_namespace = "default"};
    assert_int_equal(ecs_mapper_new(&mapper, &ecs), 0);
    w->pair.page = page_unref(w->pair.page);
    assert_int_equal(page_new(&w->pair.page), 0);
    struct page *page = w->pair.page;
    for (int i = 0; i < 3; i++)
        buf_addf(&page->body,
                 "%c{\"uuid\":\"t%d\",\"published\":\"2026-01-02T03:04:05.00%dZ\","
                 "\"eventType\":\"%s\"}",
                 i ? ',' : '[', i, i, i == 1 ? "odd" : "even");
    buf_addf(&page->body, "%s]", extra);
    const struct page_map_opts opts = {.mapper = mapper,
                                       .source = "acme",
                                       .forms = forms,
                                       .fetched_ms = 1,
                                       .stop = &w->watch.stop};
    assert_int_equal(page_map(page, &opts, NULL), 0);
    page->cursor = mem_copy("here", 4);
    page->next = mem_copy("there", 5);
    assert_non_null(page->cursor);
    assert_non_null(page->next);
}

static void want_odd_ones(struct world *w) {
    w->output_opts.filter = (struct watch_filter){.event_types = only_odd, .event_type_count = 1};
}

static void what_an_output_does_not_want_passes_it_by(void **state) {
    struct world *w = *state;
    want_odd_ones(w);
    give_typed_page(w, 0, "");
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.delivered, 1);
    assert_int_equal(w->pair.delivery.filtered, 2);
    assert_int_equal(w->script.durable, 1);
    assert_cursor(w, "there", 1);
    for (size_t i = 0; i < 3; i++)
        assert_true(recent_has(&w->pair.recent, w->pair.page->events[i].id));
}

static void a_page_of_which_nothing_is_wanted_moves_the_cursor_alone(void **state) {
    struct world *w = *state;
    want_odd_ones(w);
    give_page(w, "a", "there");
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, 0);
    assert_int_equal(w->pair.delivery.filtered, 3);
    assert_false(w->script.told);
    assert_cursor(w, "there", 0);
}

static int note_dead_uuid(void *ctx, const struct store_dead_row *row) {
    buf_addf(ctx, "%.*s ", STR_ARG(row->uuid));
    return 0;
}

static void assert_dead(struct world *w, const char *uuids) {
    AUTO_FINI(buf) struct buf all = buf_make(1 << 16);
    assert_int_equal(store_dead_each(w->store, note_dead_uuid, &all, NULL), 0);
    assert_string_equal(all.n ? buf_z(&all) : "", uuids);
}

// Nested so deep that it cannot be mapped.
static void add_deep(struct buf *out, const char *uuid, const char *type) {
    buf_addf(out, ",{\"uuid\":\"%s\",%s\"debugContext\":{\"debugData\":{\"a\":", uuid, type);
    for (int i = 0; i < 300; i++) buf_addc(out, '[');
    for (int i = 0; i < 300; i++) buf_addc(out, ']');
    buf_addz(out, "}}}");
}

static void a_dead_letter_of_a_type_that_is_not_wanted_is_none(void **state) {
    struct world *w = *state;
    AUTO_FINI(buf) struct buf extra = buf_make(1 << 16);
    add_deep(&extra, "d1", "\"eventType\":\"even\",");
    add_deep(&extra, "d2", "\"eventType\":\"odd\",");
    add_deep(&extra, "d3", "");
    want_odd_ones(w);
    give_typed_page(w, 0, buf_z(&extra));
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.dead, 2);
    assert_int_equal(w->pair.delivery.filtered, 3);
    assert_string_not_equal(w->pair.delivery.dead_reason.text, "");
    assert_dead(w, "d2 d3 ");
}

// ---- forms ----

enum { BOTH = 1 << ECS_FORM_ECS | 1 << ECS_FORM_RAW };

static void an_output_is_given_the_form_that_it_wants(void **state) {
    struct world *w = *state;
    give_typed_page(w, BOTH, "");
    w->output_opts.form = ECS_FORM_RAW;
    delivery_run(&w->pair);
    assert_non_null(strstr(w->script.documents, "\"message\":"));
    assert_int_equal(w->script.durable, 3);
}

static void what_cannot_be_had_in_one_form_is_no_dead_letter_of_another(void **state) {
    struct world *w = *state;
    AUTO_FINI(buf) struct buf extra = buf_make(1 << 16);
    add_deep(&extra, "d1", "");
    give_typed_page(w, BOTH, buf_z(&extra));
    w->output_opts.form = ECS_FORM_RAW;
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.delivered, 4);
    assert_dead(w, "");
    pair_fini(&w->pair);
    w->pair = a_pair(w);
    give_typed_page(w, BOTH, buf_z(&extra));
    w->output_opts.form = ECS_FORM_ECS;
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.delivered, 3);
    assert_int_equal(w->pair.delivery.dead, 1);
    assert_dead(w, "d1 ");
}

// ---- windows of the history ----

// When the first event of give_page was published.
static int64_t first_ms(void) {
    int64_t ms = 0;
    assert_true(time_parse_iso8601(STR("2026-01-02T03:04:05.000Z"), &ms));
    return ms;
}

// A pair that polls from `until` on, and one for the window before it.
static void begin_window(struct world *w, int64_t since_ms, int64_t until_ms) {
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
static void deliver_window(struct world *w, const char *first, const char *next) {
    give_page(w, first, next ? next : "");
    w->window.page = TAKE(w->pair.page);
    if (!next) free(TAKE(w->window.page->next));
    delivery_run(&w->window);
    if (w->window.delivery.error == 0)
        w->window.window.position_ms = w->window.delivery.position_ms;
    w->window.page = page_unref(w->window.page);
}

static void deliver_polled(struct world *w, const char *first, const char *next) {
    give_page(w, first, next);
    delivery_run(&w->pair);
    assert_int_equal(w->pair.delivery.error, 0);
}

static void a_page_of_a_window_moves_the_window_and_not_the_cursor(void **state) {
    struct world *w = *state;
    begin_window(w, first_ms(), first_ms() + 100);
    deliver_window(w, "a", "there");
    assert_int_equal(w->window.delivery.error, 0);
    assert_int_equal(w->window.delivery.delivered, 3);
    assert_false(w->window.delivery.done);
    assert_int_equal(w->window.delivery.position_ms, first_ms() + 2);
    assert_cursor(w, "poll", 3);
}

static void a_sink_is_told_where_a_window_will_stand(void **state) {
    struct world *w = *state;
    begin_window(w, first_ms(), first_ms() + 100);
    deliver_window(w, "a", "there");
    assert_true(w->script.at.window);
    assert_int_equal(w->script.at.since_ms, first_ms());
    assert_int_equal(w->script.at.until_ms, first_ms() + 100);
    assert_int_equal(w->script.at.position_ms, first_ms() + 2);
    assert_string_equal(w->script.at_next, "there");
    assert_false(w->script.at.done);
    deliver_window(w, "b", NULL);
    assert_true(w->script.at.done);
    assert_null(w->script.at.next.p);
}

static void a_window_is_done_at_the_page_without_a_next_link(void **state) {
    struct world *w = *state;
    begin_window(w, first_ms(), first_ms() + 100);
    deliver_window(w, "a", NULL);
    assert_true(w->window.delivery.done);
}

static void what_is_outside_of_a_window_is_left_to_another(void **state) {
    struct world *w = *state;
    begin_window(w, first_ms() + 1, first_ms() + 2);
    deliver_window(w, "a", "there");
    assert_int_equal(w->window.delivery.delivered, 1);
    assert_int_equal(w->window.delivery.repeated, 0);
    assert_true(w->window.delivery.done);
    assert_int_equal(w->script.durable, 1);
}

static void what_polling_brought_late_a_window_does_not_bring_again(void **state) {
    struct world *w = *state;
    begin_window(w, first_ms(), first_ms() + 2);
    deliver_polled(w, "a", "further");
    assert_int_equal(w->pair.delivery.delivered, 3);
    deliver_window(w, "a", "there");
    assert_int_equal(w->window.delivery.repeated, 2);
    assert_int_equal(w->window.delivery.delivered, 0);
    assert_int_equal(w->script.durable, 3);
}

static void what_a_window_brought_polling_does_not_bring_again(void **state) {
    struct world *w = *state;
    begin_window(w, first_ms(), first_ms() + 100);
    deliver_window(w, "a", "there");
    assert_true(w->pair.had);
    deliver_polled(w, "a", "further");
    assert_int_equal(w->pair.delivery.repeated, 3);
    assert_int_equal(w->script.durable, 3);
    assert_true(recent_has(&w->pair.recent, w->pair.page->events[0].id));
}

static void a_window_that_is_asked_again_knows_what_it_had(void **state) {
    struct world *w = *state;
    begin_window(w, first_ms(), first_ms() + 100);
    deliver_window(w, "a", "there");
    deliver_window(w, "a", "there");
    assert_int_equal(w->window.delivery.repeated, 3);
    assert_int_equal(w->script.durable, 3);
}

static void a_window_that_was_split_meanwhile_is_not_moved(void **state) {
    struct world *w = *state;
    begin_window(w, first_ms(), first_ms() + 100);
    int64_t fresh;
    assert_int_equal(
        store_windows_split(w->store, &w->window.window.id, 1, first_ms() + 1, &fresh, NULL), 0);
    deliver_window(w, "a", "there");
    assert_int_equal(w->window.delivery.error, -ESTALE);
    assert_int_equal(w->script.durable, 0);
    assert_int_equal(w->script.rolled_back, 1);
}

static void a_new_pair_is_on_record_with_its_windows(void **state) {
    struct world *w = *state;
    w->pair.is_new = true;
    w->pair.start_ms = w->pair.begin.start_ms = first_ms() + 1;
    assert_int_equal(range_missing(&w->pair.begin.windows,
                                   (struct store_range){first_ms() - 1000, first_ms() + 1}, NULL,
                                   0),
                     0);
    deliver_polled(w, "a", "there");
    assert_true(w->pair.delivery.begun);
    AUTO_FINI(store_cursor) struct store_cursor cursor = {0};
    assert_int_equal(store_cursor_load(w->store, source_name(w->pair.source),
                                       str_from(w->pair.output->opts->name), &cursor, NULL),
                     0);
    assert_int_equal(cursor.start_ms, first_ms() + 1);
    AUTO_FINI(range_list) struct range_list there = {0};
    assert_int_equal(history_on_record(w->store, &w->pair, &there, NULL), 0);
    assert_int_equal(there.n, 1);
    assert_int_equal(there.p[0].since_ms, first_ms() - 1000);
}

#define in_a_world(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        in_a_world(a_delivered_page_moves_the_cursor_and_is_remembered),
        in_a_world(a_new_pair_is_on_record_before_anything_is_delivered),
        in_a_world(what_came_before_is_not_delivered_again),
        in_a_world(what_came_before_is_known_after_a_restart_too),
        in_a_world(a_failed_delivery_is_taken_back),
        in_a_world(a_failed_sync_is_taken_back),
        in_a_world(one_document_to_be_retried_takes_the_page_back),
        in_a_world(the_next_try_delivers_everything),
        in_a_world(a_commit_that_fails_takes_the_page_back),
        in_a_world(a_sink_that_cannot_go_back_is_opened_again_at_its_mark),
        in_a_world(a_rejected_document_is_a_dead_letter_and_holds_up_nobody),
        in_a_world(an_output_that_cannot_be_opened_leaves_everything_as_it_is),
        in_a_world(a_page_of_a_window_moves_the_window_and_not_the_cursor),
        in_a_world(a_window_is_done_at_the_page_without_a_next_link),
        in_a_world(what_is_outside_of_a_window_is_left_to_another),
        in_a_world(what_polling_brought_late_a_window_does_not_bring_again),
        in_a_world(what_a_window_brought_polling_does_not_bring_again),
        in_a_world(a_window_that_is_asked_again_knows_what_it_had),
        in_a_world(a_window_that_was_split_meanwhile_is_not_moved),
        in_a_world(a_new_pair_is_on_record_with_its_windows),
        in_a_world(a_sink_is_told_where_the_pair_will_stand),
        in_a_world(a_sink_is_told_which_stream_a_document_belongs_to),
        in_a_world(what_a_failed_try_says_of_itself_is_handed_on),
        in_a_world(what_an_output_does_not_want_passes_it_by),
        in_a_world(a_page_of_which_nothing_is_wanted_moves_the_cursor_alone),
        in_a_world(a_dead_letter_of_a_type_that_is_not_wanted_is_none),
        in_a_world(an_output_is_given_the_form_that_it_wants),
        in_a_world(what_cannot_be_had_in_one_form_is_no_dead_letter_of_another),
        in_a_world(a_sink_is_told_where_a_window_will_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
