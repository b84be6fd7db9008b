// SPDX-License-Identifier: Apache-2.0
// What is in doubt, and the mark that remembers it. All sequences of a few steps are played:
// sending, lost answers, rollovers, time, commits and crashes; whatever was sent to an index that
// is not written to any more must be in doubt there.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/time.h"
#include "sink/elasticsearch-internal.h"

#define NOON ((int64_t)1795348800000)

// ---- the mark

static void mark_of(struct buf *out, struct es_mark *m) {
    m->sink = "elasticsearch";
    buf_reset(out);
    es_mark_write(out, m);
    assert_int_equal(out->error, 0);
}

static void a_mark_is_read_as_it_was_written(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf text = buf_make(4096);
    AUTO_FINI(buf) struct buf again = buf_make(4096);
    struct es_targets targets = {0}, read = {0};
    struct es_target *t = es_target_get(&targets, STR("logs-\"x\""));
    assert_non_null(t);
    assert_int_equal(doubt_list_add(&t->past, STR("i1"), NOON), 0);
    assert_int_equal(doubt_list_add(&t->past, STR("i2"), INT64_MAX), 0);
    assert_non_null(es_target_get(&targets, STR("one-index")));
    struct es_mark m = {.cluster = 0xfedcba9876543210, .horizon_ms = NOON, .targets = &targets};
    mark_of(&text, &m);
    assert_string_equal(
        buf_z(&text),
        "{\"sink\":\"elasticsearch\",\"version\":1,\"cluster\":\"fedcba9876543210\",\"horizon\":"
        "1795348800000,\"targets\":[{\"name\":\"logs-\\\"x\\\"\",\"past\":[{\"index\":\"i1\","
        "\"until\":1795348800000},{\"index\":\"i2\",\"until\":9223372036854775807}]}]}");
    struct es_mark back = {.sink = "elasticsearch", .cluster = m.cluster, .targets = &read};
    assert_int_equal(es_mark_read(buf_str(&text), &back, NULL), 0);
    mark_of(&again, &back);
    assert_string_equal(buf_z(&again), buf_z(&text));
    es_targets_fini(&read);
    back.cluster = 1; // of another cluster only the horizon counts
    back.horizon_ms = 0;
    assert_int_equal(es_mark_read(buf_str(&text), &back, NULL), 0);
    assert_int_equal(back.horizon_ms, NOON);
    assert_int_equal(read.n, 0);
    es_targets_fini(&targets);
    es_targets_fini(&read);
}

static void names_without_a_past_are_forgotten_when_they_are_many(void **state) {
    (void)state;
    struct es_targets targets = {0};
    char name[20];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "n%d", i);
        struct es_target *t = es_target_get(&targets, str_from(name));
        assert_non_null(t);
        assert_ptr_equal(es_target_get(&targets, str_from(name)), t);
        if (i % 40 == 0) assert_int_equal(doubt_list_add(&t->past, STR("p"), 1), 0);
        if (i == 50) es_targets_trim(&targets);
    }
    assert_int_equal(targets.n, 100);
    es_targets_trim(&targets);
    assert_int_equal(targets.n, 3);
    es_targets_fini(&targets);
}

// ---- times

static void a_time_that_cannot_be_trusted_may_be_anywhere(void **state) {
    (void)state;
    const struct doubt_index index = {.until_ms = 0};
    struct sink_doc d = {.has_published = true, .published_ms = NOON};
    assert_int_equal(doubt_time(&d, NOON), NOON);
    assert_int_equal(doubt_time(&d, NOON - DOUBT_FUTURE_MS), NOON);
    assert_int_equal(doubt_time(&d, NOON - DOUBT_FUTURE_MS - 1), INT64_MIN);
    d.has_published = false;
    assert_int_equal(doubt_time(&d, NOON), INT64_MIN);
    assert_true(doubt_may_hold(&index, doubt_time(&d, NOON)));
    assert_false(doubt_may_hold(&index, NOON));
}

static void a_horizon_moves_only_when_it_is_passed(void **state) {
    (void)state;
    assert_int_equal(doubt_horizon(0, INT64_MIN, NOON), 0);
    assert_int_equal(doubt_horizon(NOON, NOON, NOON), NOON);
    assert_int_equal(doubt_horizon(NOON, NOON + 1, NOON + 5), NOON + 5 + DOUBT_AHEAD_MS);
    assert_int_equal(doubt_horizon(NOON, NOON + 9, NOON + 5), NOON + 9 + DOUBT_AHEAD_MS);
    assert_int_equal(doubt_horizon(NOON, NOON - 1, 0), NOON);
}

// ---- all sequences

enum { STEPS = 7, INDICES_MAX = STEPS + 2, DOCS_MAX = STEPS };

enum step { SEND, LOSE, ROLL, PASS, COMMIT, CRASH, STEP_KINDS };

struct world {
    int64_t now_ms, horizon_ms;
    int64_t ahead_ms; // of Okta's clock before ours
    int write;        // what the engine writes to
    int known;        // what we think; -1: nothing resolved yet
    struct doubt_list now, saved;
    struct {
        int64_t time_ms;
        int index;
    } docs[DOCS_MAX];
    int doc_count;
};

static void resolve(struct world *w) {
    static char names[INDICES_MAX][16];
    static char *list[INDICES_MAX];
    bool rewritten = false;
    for (int i = 0; i <= w->write; i++) {
        snprintf(names[i], sizeof names[i], "i%d", i);
        list[i] = names[i];
    }
    const struct elastic_indices indices = {.names = list, .n = (size_t)w->write + 1};
    const char *before = w->known >= 0 ? names[w->known] : NULL;
    assert_int_equal(doubt_update(&w->now, &indices, before, names[w->write], w->horizon_ms,
                                  w->now_ms, &rewritten),
                     0);
    assert_false(rewritten);
    w->known = w->write;
}

static void copy_list(struct doubt_list *to, const struct doubt_list *from) {
    doubt_list_fini(to);
    for (size_t i = 0; i < from->n; i++)
        assert_int_equal(doubt_list_add(to, str_from(from->p[i].name), from->p[i].until_ms), 0);
}

static void send(struct world *w, bool lost) {
    if (w->known < 0) resolve(w);
    int64_t time_ms = w->now_ms + w->ahead_ms;
    w->horizon_ms = doubt_horizon(w->horizon_ms, time_ms, w->now_ms); // and saved
    w->docs[w->doc_count].time_ms = time_ms;
    w->docs[w->doc_count++].index = w->write;
    if (lost) w->known = -1;
    else if (w->known != w->write) resolve(w);
}

static void play(struct world *w, enum step step) {
    switch (step) {
    case SEND: send(w, false); break;
    case LOSE: send(w, true); break;
    case ROLL: w->write++; break;
    case PASS: w->now_ms += 7 * TIME_MINUTE_MS; break;
    case COMMIT: copy_list(&w->saved, &w->now); break;
    default: copy_list(&w->now, &w->saved); w->known = -1;
    }
}

static bool is_in_doubt(const struct world *w, int doc) {
    char name[16];
    snprintf(name, sizeof name, "i%d", w->docs[doc].index);
    for (size_t i = 0; i < w->now.n; i++)
        if (strcmp(w->now.p[i].name, name) == 0)
            return doubt_may_hold(&w->now.p[i], w->docs[doc].time_ms);
    return false;
}

// Once we know what is written to, all that is elsewhere is in doubt there.
static void check(struct world *w, const enum step *steps) {
    char text[STEPS + 1] = {0};
    for (int i = 0; i < STEPS; i++) text[i] = "SLRPCK"[steps[i]];
    resolve(w);
    for (int i = 0; i < w->doc_count; i++)
        if (w->docs[i].index != w->known && !is_in_doubt(w, i))
            fail_msg("%s, document %d", text, i);
}

static void play_all(const enum step *steps, int64_t ahead_ms) {
    struct world w = {.now_ms = NOON, .known = -1, .ahead_ms = ahead_ms};
    for (int i = 0; i < STEPS; i++) play(&w, steps[i]);
    check(&w, steps);
    doubt_list_fini(&w.now);
    doubt_list_fini(&w.saved);
}

static bool next(enum step *steps) {
    for (int i = 0; i < STEPS; i++) {
        steps[i]++;
        if (steps[i] < STEP_KINDS) return true;
        steps[i] = SEND;
    }
    return false;
}

static void whatever_was_sent_elsewhere_is_in_doubt(void **state) {
    (void)state;
    static const int64_t ahead_ms[] = {0, -TIME_HOUR_MS, TIME_HOUR_MS};
    for (size_t i = 0; i < LEN(ahead_ms); i++) {
        enum step steps[STEPS] = {SEND};
        do play_all(steps, ahead_ms[i]);
        while (next(steps));
    }
}

static void new_documents_are_not_in_doubt(void **state) {
    (void)state;
    struct world w = {.now_ms = NOON, .known = -1};
    for (int i = 0; i < 3; i++) {
        send(&w, false);
        play(&w, ROLL);
        w.now_ms += TIME_HOUR_MS;
    }
    send(&w, false);
    w.now_ms += TIME_HOUR_MS;
    assert_int_equal(w.now.n, 3);
    for (size_t i = 0; i < w.now.n; i++) assert_false(doubt_may_hold(&w.now.p[i], w.now_ms));
    doubt_list_fini(&w.now);
}

static void an_index_that_is_written_to_again_is_told(void **state) {
    (void)state;
    char *names[] = {(char[]){"a"}, (char[]){"b"}};
    const struct elastic_indices both = {.names = names, .n = 2};
    struct doubt_list l = {0};
    bool rewritten = true;
    assert_int_equal(doubt_update(&l, &both, NULL, "b", 1, 2, &rewritten), 0);
    assert_false(rewritten);
    assert_int_equal(l.n, 1);
    assert_int_equal(doubt_update(&l, &both, "b", "a", NOON, 2, &rewritten), 0);
    assert_true(rewritten);
    assert_string_equal(l.p[0].name, "b");
    assert_int_equal(l.p[0].until_ms, NOON);
    assert_int_equal(doubt_update(&l, &both, "a", NULL, 1, 2, &rewritten), 0);
    assert_int_equal(l.n, 2);
    doubt_list_fini(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_is_read_as_it_was_written),
        cmocka_unit_test(names_without_a_past_are_forgotten_when_they_are_many),
        cmocka_unit_test(a_time_that_cannot_be_trusted_may_be_anywhere),
        cmocka_unit_test(a_horizon_moves_only_when_it_is_passed),
        cmocka_unit_test(whatever_was_sent_elsewhere_is_in_doubt),
        cmocka_unit_test(new_documents_are_not_in_doubt),
        cmocka_unit_test(an_index_that_is_written_to_again_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
