// SPDX-License-Identifier: Apache-2.0
// What a collector that takes over is told of what the other one remembered.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"

#include "kafka-bench.h"

struct fake_cluster cluster;

enum { SLOTS = 128, SLOT_MS = 10000, MINUTE_MS = 60000 };

// The id of event N is {N, 1}.
struct ids {
    struct hash128 p[2000];
    size_t n;
};

static struct ids ids_of(uint64_t first, size_t n) {
    struct ids ids = {.n = n};
    for (size_t i = 0; i < n; i++) ids.p[i] = (struct hash128){first + i, 1};
    return ids;
}

static struct str text_of(const struct ids *ids) {
    return (struct str){(const char *)ids->p, ids->n * sizeof *ids->p};
}

static const char *next_cursor(void) {
    static char text[20];
    static int n;
    snprintf(text, sizeof text, "n%d", ++n);
    return text;
}

// A page without documents of its own, but with something to be remembered.
static void commit_page(struct bench *b, struct sink_position at,
                        const struct sink_memory *memory) {
    at.source = STR("acme");
    if (!at.next.p && !at.done) at.next = str_from(next_cursor());
    at.memory = memory;
    ok(b, deliver(b, NULL, 0, NULL));
    ok(b, sync_to(b, &at));
    commit(b);
}

static void poll_events(struct bench *b, uint64_t first, size_t n, int64_t before_ms) {
    const struct ids ids = ids_of(first, n);
    const struct sink_memory memory = {.recent = text_of(&ids), .before_ms = before_ms};
    commit_page(b, (struct sink_position){.published_ms = before_ms + 1}, &memory);
}

static struct sink_position window(int64_t since_ms, int64_t until_ms, int64_t position_ms) {
    return (struct sink_position){
        .window = true, .since_ms = since_ms, .until_ms = until_ms, .position_ms = position_ms};
}

static struct sink_position done(int64_t since_ms, int64_t until_ms) {
    return (struct sink_position){.window = true,
                                  .since_ms = since_ms,
                                  .until_ms = until_ms,
                                  .position_ms = until_ms,
                                  .done = true};
}

static void have(struct bench *b, struct sink_position at, uint64_t first, int64_t first_ms,
                 int64_t last_ms) {
    const struct ids ids = ids_of(first, 2);
    const struct sink_memory memory = {.had = text_of(&ids),
                                       .window = at.window,
                                       .first_ms = first_ms,
                                       .last_ms = last_ms,
                                       .fetched_ms = (int64_t)first};
    commit_page(b, at, &memory);
}

static void forget(struct bench *b, int64_t before_ms) {
    const struct sink_memory memory = {.forget_ms = before_ms};
    commit_page(b, (struct sink_position){.published_ms = 1}, &memory);
}

// ---- what is told

struct told {
    size_t notes, ids;
    int64_t before_ms; // of the first
    uint64_t next_id;  // behind the last; they come one after the other
    bool with_gaps;
    uint64_t had[64]; // first ids, as told
    size_t had_count, windows;
};

static uint64_t first_id(struct str ids) {
    struct hash128 id;
    assert_true(ids.n >= sizeof id);
    memcpy(&id, ids.p, sizeof id);
    return id.lo;
}

static int on_memory(void *ctx, const struct sink_memory *m) {
    struct told *t = ctx;
    assert_true(str_eqz(m->source, "acme"));
    if (m->had.n) {
        t->had[t->had_count++] = first_id(m->had);
        assert_int_equal(m->fetched_ms, first_id(m->had));
        t->windows += m->window;
        return 0;
    }
    uint64_t first = first_id(m->recent);
    if (t->notes++ == 0) t->before_ms = m->before_ms;
    else t->with_gaps |= first != t->next_id;
    t->ids += m->recent.n / sizeof(struct hash128);
    t->next_id = first + m->recent.n / sizeof(struct hash128);
    return 0;
}

static struct told remembered(struct bench *b) {
    struct told t = {.notes = 0};
    (void)told(b);
    ok(b, sink_kafka.remembered(b->sink, on_memory, &t));
    return t;
}

static struct told taken_over(void) {
    AUTO(bench) struct bench *taker = bench_new();
    open_sink(taker);
    return remembered(taker);
}

static size_t records(const char *part) {
    size_t n = 0;
    for (size_t i = 0; i < cluster.log.n; i++)
        n += cluster.log.p[i].key && strstr(cluster.log.p[i].key, part) && cluster.log.p[i].value;
    return n;
}

// ---- the trail

static void who_takes_over_is_told_what_was_polled_last(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    assert_int_equal(remembered(b).notes, 0);
    poll_events(b, 10, 3, 0);
    poll_events(b, 13, 4, MINUTE_MS);
    struct told t = taken_over();
    assert_int_equal(t.notes, 2);
    assert_int_equal(t.ids, 7);
    assert_int_equal(t.before_ms, 0);
    assert_false(t.with_gaps);
    assert_int_equal(t.next_id, 17);
}

static void who_comes_back_to_its_own_is_told_nothing(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    poll_events(b, 10, 3, 0);
    have(b, window(0, 9, 5), 20, 1, 5);
    crash(b);
    open_sink(b);
    struct told t = remembered(b);
    assert_int_equal(t.notes + t.had_count, 0);
    poll_events(b, 13, 1, 1); // and goes on where the trail ends
    t = taken_over();
    assert_int_equal(t.ids, 4);
    assert_int_equal(t.notes, 1);
    assert_false(t.with_gaps);
}

static void the_trail_goes_on_when_it_is_taken_over(void **state) {
    (void)state;
    AUTO(bench) struct bench *first = bench_new();
    AUTO(bench) struct bench *second = bench_new();
    open_sink(first);
    poll_events(first, 10, 3, 0);
    open_sink(second);
    assert_int_equal(remembered(second).ids, 3);
    poll_events(second, 13, 5, MINUTE_MS);
    crash(first);
    open_sink(first);
    struct told t = remembered(first);
    assert_int_equal(t.ids, 8);
    assert_false(t.with_gaps);
}

static void small_pages_that_come_soon_share_a_record(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    for (size_t i = 0; i < 1000; i++) poll_events(b, i, 1, MINUTE_MS + (int64_t)i * 1000);
    struct told t = taken_over();
    assert_int_equal(t.ids, 1000); // of 1000 s
    assert_int_equal(t.notes, 1000 * 1000 / SLOT_MS);
    assert_false(t.with_gaps);
}

static void large_pages_have_records_of_their_own(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    for (size_t i = 0; i < 3; i++) poll_events(b, 600 * i, 600, MINUTE_MS);
    poll_events(b, 1800, 400, MINUTE_MS);
    struct told t = taken_over();
    assert_int_equal(t.ids, 2200);
    assert_int_equal(t.notes, 3);
    assert_false(t.with_gaps);
}

static void the_oldest_make_room(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    for (size_t i = 0; i < 300; i++) poll_events(b, 10 * i, 10, (int64_t)i * MINUTE_MS);
    struct told t = taken_over();
    assert_int_equal(t.notes, SLOTS);
    assert_int_equal(t.ids, SLOTS * 10);
    assert_int_equal(t.before_ms, (300 - SLOTS) * MINUTE_MS);
    assert_int_equal(t.next_id, 3000);
    assert_false(t.with_gaps);
}

static void lose_last(void) {
    const struct fake_message *m = &cluster.log.p[--cluster.log.n];
    free(m->topic);
    free(m->key);
    free(m->value);
}

// What the topic has lost is in the first one's state alone.
static void behind_a_topic_that_was_made_anew_a_new_trail_begins(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    poll_events(b, 10, 3, 0);
    poll_events(b, 13, 3, MINUTE_MS);
    crash(b);
    for (int i = 0; i < 2; i++) lose_last(); // the last position and what goes with it
    open_sink(b);
    assert_non_null(strstr(b->sink->notice.text, "knows less"));
    const struct sink_memory nothing = {.before_ms = 2 * MINUTE_MS};
    commit_page(b, (struct sink_position){.published_ms = 2 * MINUTE_MS}, &nothing);
    crash(b);
    open_sink(b); // it is known as long as it matters
    assert_string_equal(b->sink->notice.text, "");
    poll_events(b, 16, 3, 2 * MINUTE_MS);
    poll_events(b, 19, 3, 2 * MINUTE_MS);
    struct told t = taken_over();
    assert_int_equal(t.ids, 6);
    assert_int_equal(t.before_ms, 2 * MINUTE_MS);
}

static void what_is_in_doubt_is_in_the_trail_when_it_was_done(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    for (int done_there = 0; done_there <= 1; done_there++) {
        const struct ids ids = ids_of(10, 3);
        const struct sink_memory memory = {.recent = text_of(&ids)};
        const struct sink_position at = {
            .source = STR("acme"), .next = str_from(next_cursor()), .memory = &memory};
        cluster.next = done_there ? FAKE_DOUBT_DONE : FAKE_DOUBT_UNDONE;
        cluster.in_calls = 1; // flush, commit
        assert_int_equal(sync_to(b, &at), -EIO);
        assert_int_equal(undo(b), -EIO);
        assert_int_equal(taken_over().ids, done_there ? 3 : 0);
        crash(b);
        b->host.opened_before = false;
        open_sink(b);
    }
}

static void an_abort_leaves_nothing_of_it(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    const struct ids ids = ids_of(10, 3);
    const struct sink_memory memory = {.recent = text_of(&ids)};
    const struct sink_position at = {.source = STR("acme"), .next = STR("x"), .memory = &memory};
    open_sink(b);
    cluster.next = FAKE_GONE;
    assert_int_equal(sync_to(b, &at), -EIO);
    ok(b, undo(b));
    poll_events(b, 13, 2, 0);
    struct told t = taken_over();
    assert_int_equal(t.ids, 2);
    assert_int_equal(t.next_id, 15);
}

// ---- what may come the other way

static void who_takes_over_is_told_what_may_come_the_other_way(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    have(b, (struct sink_position){.published_ms = 5}, 10, 1, 5);
    have(b, window(0, 100, 50), 20, 1, 50);
    have(b, window(0, 100, 60), 30, 50, 60);
    struct told t = taken_over();
    assert_int_equal(t.had_count, 3);
    assert_int_equal(t.windows, 2);
    assert_int_equal(t.notes, 0);
}

// One that has taken over the windows alone remembers itself what it polled.
static void where_only_a_window_has_moved_the_trail_is_not_told(void **state) {
    (void)state;
    AUTO(bench) struct bench *first = bench_new();
    AUTO(bench) struct bench *second = bench_new();
    open_sink(first);
    poll_events(first, 10, 3, 0);
    open_sink(second);
    (void)remembered(second);
    have(second, window(0, 100, 50), 20, 1, 50);
    crash(first);
    open_sink(first);
    struct told t = remembered(first);
    assert_int_equal(t.had_count, 1);
    assert_int_equal(t.notes, 0);
}

static void once_nothing_can_meet_it_any_more_it_is_taken_away(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    have(b, (struct sink_position){.published_ms = 5}, 10, 30, 55); // polled
    have(b, window(0, 50, 20), 20, 1, 20);
    have(b, window(0, 50, 40), 30, 20, 40);
    forget(b, 20); // fetched later
    assert_int_equal(taken_over().had_count, 3);
    crash(b);
    open_sink(b);
    forget(b, 1000); // the window's last page may come again, and the polled by a window
    struct told t = taken_over();
    assert_int_equal(t.had_count, 2);
    crash(b);
    open_sink(b);
    commit_page(b, done(0, 50), NULL);
    forget(b, 1000); // half of what was polled is another window's
    t = taken_over();
    assert_int_equal(t.had_count, 1);
    assert_int_equal(t.had[0], 10);
    crash(b);
    open_sink(b);
    commit_page(b, done(50, 90), NULL);
    forget(b, 1000);
    assert_int_equal(taken_over().had_count, 0);
    assert_int_equal(records("|had|"), 3); // and a message without a value for each
}

static void at_most_some_hundred_are_taken_away_at_once(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    for (int64_t i = 1; i <= 450; i++) have(b, window(0, 1000, i), (uint64_t)i, i, i);
    commit_page(b, done(0, 1000), NULL);
    size_t before = cluster.log.n;
    forget(b, 1000);
    assert_int_equal(cluster.log.n - before, 201);
    forget(b, 1000);
    forget(b, 1000);
    assert_int_equal(cluster.log.n - before, 453);
    assert_int_equal(taken_over().had_count, 0);
}

static void a_record_of_another_version_is_left_alone(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    poll_events(b, 10, 3, 0);
    const struct fake_message odd = {fake_copy(STR("positions")), fake_copy(STR("gate|acme#1")),
                                     fake_copy(STR("{\"v\":2,\"trail\":1}"))};
    assert_int_equal(fake_append(odd), 0);
    AUTO(bench) struct bench *taker = bench_new();
    open_sink(taker);
    assert_non_null(strstr(taker->sink->notice.text, "not one that this version knows"));
    assert_int_equal(remembered(taker).notes, 0);
}

// ---- what is in doubt

enum { PAGE = 20 };

// A page of documents that are new, up to the commit of the state.
static void deliver_some(struct bench *b, int number) {
    struct sink_doc docs[PAGE];
    struct sink_reply replies[PAGE];
    char uuids[PAGE][20];
    struct ids ids = {.n = PAGE};
    for (size_t i = 0; i < PAGE; i++) {
        int n = snprintf(uuids[i], sizeof uuids[i], "%d-%zu", number, i);
        docs[i] = document(uuids[i], "{}");
        ids.p[i] = hash128((struct str){uuids[i], (size_t)n});
    }
    const struct sink_memory memory = {.recent = text_of(&ids),
                                       .before_ms = number * (int64_t)MINUTE_MS};
    const struct sink_position at = {
        .source = STR("acme"), .next = str_from(next_cursor()), .memory = &memory};
    ok(b, deliver(b, docs, PAGE, replies));
    ok(b, sync_to(b, &at));
}

static size_t last_bytes(const char *key) {
    for (size_t i = cluster.log.n; i-- > 0;)
        if (cluster.log.p[i].key && strcmp(cluster.log.p[i].key, key) == 0)
            return strlen(cluster.log.p[i].value);
    return 0;
}

// A taker knows the other one's documents: nothing of them is in doubt, and nothing adds up.
static void positions_do_not_grow_when_collectors_take_over_from_each_other(void **state) {
    (void)state;
    AUTO(bench) struct bench *a = bench_new();
    AUTO(bench) struct bench *b = bench_new();
    size_t first = 0;
    for (int i = 0; i < 40; i++) {
        struct bench *taker = i % 2 ? a : b;
        open_sink(taker);
        (void)remembered(taker);
        deliver_some(taker, i);
        if (i % 3) commit(taker); // else it dies before
        crash(taker);
        if (i == 0) first = last_bytes("gate|acme");
        assert_in_range(last_bytes("gate|acme"), 1, first + 20);
    }
}

// Documents that do not come again stay in doubt for a while; those behind them do not.
static void positions_do_not_grow_when_a_collector_is_restarted(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    deliver_some(b, 0); // it dies before the state has it
    for (int i = 1; i < 40; i++) {
        crash(b);
        open_sink(b);
        deliver_some(b, i);
        commit(b);
        assert_in_range(last_bytes("gate|acme"), 1, 2 * PAGE * 22 + 200);
    }
    crash(b);
    open_sink(b);
    size_t before = cluster.log.n;
    deliver_some(b, 0); // here they are
    commit(b);
    assert_int_equal(cluster.log.n - before, 2);
}

// ---- who has the id

// It was at work here, another one took over, and it has to open its producer anew.
static void a_reopened_sink_that_finds_another_claim_gives_way(void **state) {
    (void)state;
    AUTO(bench) struct bench *first = bench_new();
    AUTO(bench) struct bench *second = bench_new();
    open_sink(first);
    poll_events(first, 10, 3, 0);
    open_sink(second);
    crash(first);
    first->host.opened_before = true;
    assert_int_equal(try_open(first), -EPIPE);
    assert_non_null(strstr(first->fault.text, "another collector has taken over"));
    first->host.opened_before = false; // a process of its own
    open_sink(first);
    crash(first);
    first->host.opened_before = true; // and its own claim is no reason
    open_sink(first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(who_takes_over_is_told_what_was_polled_last, reset),
        cmocka_unit_test_teardown(who_comes_back_to_its_own_is_told_nothing, reset),
        cmocka_unit_test_teardown(the_trail_goes_on_when_it_is_taken_over, reset),
        cmocka_unit_test_teardown(small_pages_that_come_soon_share_a_record, reset),
        cmocka_unit_test_teardown(large_pages_have_records_of_their_own, reset),
        cmocka_unit_test_teardown(the_oldest_make_room, reset),
        cmocka_unit_test_teardown(behind_a_topic_that_was_made_anew_a_new_trail_begins, reset),
        cmocka_unit_test_teardown(what_is_in_doubt_is_in_the_trail_when_it_was_done, reset),
        cmocka_unit_test_teardown(an_abort_leaves_nothing_of_it, reset),
        cmocka_unit_test_teardown(who_takes_over_is_told_what_may_come_the_other_way, reset),
        cmocka_unit_test_teardown(where_only_a_window_has_moved_the_trail_is_not_told, reset),
        cmocka_unit_test_teardown(once_nothing_can_meet_it_any_more_it_is_taken_away, reset),
        cmocka_unit_test_teardown(at_most_some_hundred_are_taken_away_at_once, reset),
        cmocka_unit_test_teardown(a_record_of_another_version_is_left_alone, reset),
        cmocka_unit_test_teardown(positions_do_not_grow_when_collectors_take_over_from_each_other,
                                  reset),
        cmocka_unit_test_teardown(positions_do_not_grow_when_a_collector_is_restarted, reset),
        cmocka_unit_test_teardown(a_reopened_sink_that_finds_another_claim_gives_way, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
