// SPDX-License-Identifier: Apache-2.0
// Seeded chaos over the fake engine: pages that come again, crashes before and behind the commit,
// lost answers, refusals, rollovers before, within and between, states from a backup and states
// that were lost. After it each document that was committed is there once, and none twice.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rand.h"

#include "engine_rig.h"

enum { ROUNDS = 400, STEPS = 60, PAGE = 6, DOCS = STEPS * PAGE };

struct world {
    struct rig rig;
    struct rand rand;
    int64_t published_ms[DOCS]; // 0: none
    int made;                   // documents so far
    int at;                     // the cursor, as committed
    char backup[RIG_MARK_MAX];
    int backup_at;
    int window; // page of another pair that has to come again; -1: none
};

static bool chance(struct world *w, uint64_t percent) {
    return rand_below(&w->rand, 100) < percent;
}

static void id_of(int doc, char id[40]) { snprintf(id, 40, "doc%d", doc); }

static void make_documents(struct world *w) {
    for (int i = 0; i < PAGE && w->made < DOCS; i++) {
        int64_t late_ms = chance(w, 10) ? (int64_t)rand_below(&w->rand, 48 * TIME_HOUR_MS) : 0;
        w->published_ms[w->made++] = chance(w, 3) ? 0 : w->rig.now_ms - late_ms;
    }
}

static void make_page(struct world *w, int from) {
    char id[40];
    w->rig.n = 0;
    for (int i = from; i < from + PAGE && i < w->made; i++) {
        id_of(i, id);
        rig_add(&w->rig, id, w->published_ms[i])->has_published = w->published_ms[i] != 0;
    }
}

static void make_trouble(struct world *w) {
    struct fake_trouble *t = &fake.trouble;
    *t = (struct fake_trouble){0};
    t->dead = chance(w, 10) ? (int)rand_below(&w->rand, 3) : 0;
    t->lost = chance(w, 25) ? (int)rand_below(&w->rand, 3) : 0;
    t->roll_before = chance(w, 12);
    t->roll_within = chance(w, 12);
    t->twice = chance(w, 10);
    t->refuse = chance(w, 10);
    t->refuse_status = 503;
    t->garbage = chance(w, 5) ? "{" : NULL;
    t->forbid_find = chance(w, 5);
    t->forbid_remove = chance(w, 5);
    t->lost_find = chance(w, 8);
    t->late = fake.late_count < FAKE_LATE_MAX && chance(w, 12);
}

static void crash(struct world *w) {
    rig_close(&w->rig);
    fake.trouble.dead = 0;
    rig_open(&w->rig);
}

static void commit(struct world *w) {
    if (chance(w, 15)) return crash(w);
    rig_commit(&w->rig);
    w->at += PAGE;
    if (w->at > w->made) w->at = w->made;
    if (chance(w, 10)) crash(w);
}

// Another pair of the same output: a window of the history over what was committed long ago. Its
// page comes again until it is committed, too.
static void repeat_history(struct world *w) {
    if (w->window < 0 && (w->at < PAGE || !chance(w, 15))) return;
    if (w->window < 0) w->window = (int)rand_below(&w->rand, (uint64_t)(w->at - PAGE + 1));
    make_page(w, w->window);
    if (rig_deliver(&w->rig)) return;
    rig_commit(&w->rig);
    w->window = -1;
}

static void change_state(struct world *w) {
    if (chance(w, 5)) {
        memcpy(w->backup, w->rig.mark, sizeof w->backup);
        w->backup_at = w->at;
    }
    if (!chance(w, 3)) return;
    bool lost = chance(w, 50);
    memcpy(w->rig.mark, w->backup, sizeof w->backup);
    w->at = w->backup_at;
    if (lost) w->rig.mark[0] = '\0', w->at = 0;
    crash(w);
}

static void step(struct world *w) {
    if (fake.late_count > 0 && chance(w, 30)) fake_finish_late();
    w->rig.now_ms += (int64_t)rand_below(&w->rand, 20 * TIME_MINUTE_MS);
    make_documents(w);
    if (chance(w, 8) && fake.index_count > 0 && fake.index_count < FAKE_INDICES_MAX - 8)
        fake_rollover(RIG_STREAM);
    change_state(w);
    make_trouble(w);
    if (fake.index_count >= FAKE_INDICES_MAX - 8)
        fake.trouble.roll_before = fake.trouble.roll_within = 0;
    repeat_history(w);
    make_page(w, w->at);
    if (rig_deliver(&w->rig) == 0) commit(w);
    else if (chance(w, 20)) crash(w);
}

static void catch_up(struct world *w) {
    fake.trouble = (struct fake_trouble){0};
    while (fake.late_count > 0) fake_finish_late();
    repeat_history(w);
    while (w->at < w->made) {
        make_page(w, w->at);
        rig_ok(&w->rig, rig_deliver(&w->rig));
        rig_commit(&w->rig);
        w->at += PAGE;
    }
}

static int wrong_documents(const struct world *w) {
    int wrong = 0;
    for (int i = 0; i < w->made; i++) {
        char id[40];
        id_of(i, id);
        if (fake_count(id) == 1) continue;
        print_error("%s is there %d times\n", id, fake_count(id));
        wrong++;
    }
    return wrong;
}

static void each_document_is_there_once_whatever_happens(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct world w = {.rand = rand_make(seed), .window = -1};
        rig_init(&w.rig);
        if (seed % 2) w.rig.elastic.bulk_max_size = 3; // several requests to a page
        rig_open(&w.rig);
        for (int i = 0; i < STEPS; i++) step(&w);
        catch_up(&w);
        int wrong = wrong_documents(&w);
        rig_close(&w.rig);
        if (wrong) fail_msg("seed %llu: %d documents", (unsigned long long)seed, wrong);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_document_is_there_once_whatever_happens),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failed;
}
