// SPDX-License-Identifier: Apache-2.0
// What the collector has taken is in the journal, once and in order, whatever happens between; and
// it takes nothing that it cannot keep.
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/audit-journal.h"
#include "loop/loop.h"
#include "store/journal.h"
#include "store/scratch.h"

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

struct world {
    struct scratch *scratch;
    struct loop *loop;
    struct store *store;
    struct log log;
    int log_fd;
    struct audit_journal *journal;
    int woken;
    int64_t wanted; // the loop stops when the last number is this
};

static void on_appended(void *ctx) {
    struct world *w = ctx;
    int64_t last = 0;
    w->woken++;
    assert_int_equal(journal_last(w->store, &last, NULL), 0);
    if (last >= w->wanted) loop_stop(w->loop);
}

static void begin(struct world *w, void **state) {
    *w = (struct world){.scratch = *state};
    struct fault fault = {{0}};
    assert_int_equal(loop_new(&w->loop), 0);
    if (store_open(&w->store, scratch_path(w->scratch, "st"), STORE_WRITE, &fault))
        fail_msg("%s", fault.text);
    w->log_fd = open(scratch_path(w->scratch, "log"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(w->log_fd >= 0);
    w->log = (struct log){.fd = w->log_fd, .level = LOG_DEBUG};
    const struct audit_journal_opts opts = {
        .store = w->store, .loop = w->loop, .log = &w->log, .appended = on_appended, .ctx = w};
    assert_int_equal(audit_journal_new(&w->journal, &opts), 0);
}

static void end(struct world *w) {
    w->journal = audit_journal_free(w->journal);
    w->store = store_free(w->store);
    w->loop = loop_free(w->loop);
    close(w->log_fd);
}

static void run_until(struct world *w, int64_t last) {
    w->wanted = last;
    assert_int_equal(loop_run(w->loop), 0);
}

static bool logged(struct world *w, const char *text) {
    AUTO_FINI(buf) struct buf all = scratch_read(scratch_path(w->scratch, "log"));
    return str_find(buf_str(&all), str_from(text)) < all.n;
}

static void add_number(struct world *w, int writer, int i) {
    char text[64];
    snprintf(text, sizeof text, "{\"writer\":%d,\"i\":%d}", writer, i);
    assert_true(audit_journal_add(w->journal, str_from(text)));
}

// ---- one at a time

static int note(void *ctx, int64_t number, struct str document) {
    buf_addf(ctx, "%lld:%.*s ", (long long)number, STR_ARG(document));
    return 0;
}

static void expect(struct world *w, const char *want) {
    AUTO_FINI(buf) struct buf got = buf_make(100000);
    assert_int_equal(journal_read(w->store, 0, 1000, note, &got, NULL), 0);
    assert_string_equal(buf_z(&got), want);
}

static void a_document_is_written_soon_and_the_loop_is_told(void **state) {
    struct world w;
    begin(&w, state);
    assert_true(audit_journal_add(w.journal, STR("a")));
    run_until(&w, 1);
    expect(&w, "1:a ");
    assert_true(audit_journal_add(w.journal, STR("b")));
    assert_true(audit_journal_add(w.journal, STR("c")));
    run_until(&w, 3);
    expect(&w, "1:a 2:b 3:c ");
    assert_true(w.woken >= 2);
    end(&w);
}

static void what_waits_is_written_at_the_end(void **state) {
    struct world w;
    begin(&w, state);
    assert_true(audit_journal_add(w.journal, STR("a")));
    assert_true(audit_journal_add(w.journal, STR("b")));
    w.journal = audit_journal_free(w.journal);
    expect(&w, "1:a 2:b ");
    assert_false(logged(&w, "audit_lost"));
    end(&w);
}

static void nothing_is_written_when_nothing_came(void **state) {
    struct world w;
    begin(&w, state);
    w.journal = audit_journal_free(w.journal);
    expect(&w, "");
    end(&w);
}

// ---- several threads

enum { WRITERS = 4, EACH = 3000 };

struct writer {
    struct world *world;
    int number;
};

static void *write_many(void *ctx) {
    const struct writer *me = ctx;
    for (int i = 0; i < EACH; i++) add_number(me->world, me->number, i);
    return NULL;
}

// Each writer's documents must stand in the order in which it added them, each once.
struct counting {
    int next[WRITERS];
    int64_t last;
};

static int count(void *ctx, int64_t number, struct str document) {
    struct counting *c = ctx;
    int writer = -1;
    int i = -1;
    char text[64];
    snprintf(text, sizeof text, "%.*s", STR_ARG(document));
    assert_int_equal(sscanf(text, "{\"writer\":%d,\"i\":%d}", &writer, &i), 2); // NOLINT
    assert_true(writer >= 0 && writer < WRITERS);
    assert_int_equal(i, c->next[writer]++);
    assert_int_equal(number, ++c->last);
    return 0;
}

static void many_threads_lose_nothing_and_repeat_nothing(void **state) {
    struct world w;
    pthread_t threads[WRITERS];
    struct writer writers[WRITERS];
    struct counting c = {.last = 0};
    begin(&w, state);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){&w, i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
    }
    run_until(&w, (int64_t)WRITERS * EACH);
    for (int i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(journal_read(w.store, 0, 1000000, count, &c, NULL), 0);
    for (int i = 0; i < WRITERS; i++) assert_int_equal(c.next[i], EACH);
    end(&w);
}

// ---- a store that does not come along

struct blocker {
    struct world *world;
    sem_t entered, leave;
};

// Stands in the store's lock until it is told to go.
static int stand(void *ctx, int64_t number, struct str document) {
    struct blocker *b = ctx;
    (void)number, (void)document;
    sem_post(&b->entered);
    while (sem_wait(&b->leave) < 0) continue;
    return 1;
}

static void *block(void *ctx) {
    struct blocker *b = ctx;
    assert_int_equal(journal_read(b->world->store, 0, 1, stand, b, NULL), 0);
    return NULL;
}

static int count_rows(void *ctx, int64_t number, struct str document) {
    int64_t *n = ctx;
    assert_int_equal(document.n, 1000);
    *n = number;
    return 0;
}

static void what_waits_has_a_limit_and_then_room_again(void **state) {
    struct world w;
    struct blocker b = {.world = &w};
    pthread_t thread;
    char document[1000];
    int64_t taken = 1;
    int64_t rows = 0;
    memset(document, 'x', sizeof document);
    begin(&w, state);
    assert_true(audit_journal_add(w.journal, (struct str){document, sizeof document}));
    run_until(&w, 1);
    assert_int_equal(sem_init(&b.entered, 0, 0), 0);
    assert_int_equal(sem_init(&b.leave, 0, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, block, &b), 0);
    while (sem_wait(&b.entered) < 0) continue;
    while (audit_journal_add(w.journal, (struct str){document, sizeof document})) taken++;
    assert_int_equal(taken - 1, AUDIT_JOURNAL_MAX_BYTES / 1000);
    struct audit_journal_stats stats;
    audit_journal_stats(w.journal, &stats);
    assert_int_equal(stats.waiting, taken - 1);
    assert_int_equal(stats.waiting_bytes, (taken - 1) * 1000);
    assert_int_equal(stats.refused, 1);
    assert_false(stats.failing);
    sem_post(&b.leave);
    pthread_join(thread, NULL);
    run_until(&w, taken);
    assert_true(audit_journal_add(w.journal, (struct str){document, sizeof document}));
    run_until(&w, taken + 1);
    assert_int_equal(journal_read(w.store, 0, 1000000, count_rows, &rows, NULL), 0);
    assert_int_equal(rows, taken + 1);
    audit_journal_stats(w.journal, &stats);
    assert_int_equal(stats.waiting_bytes, 0);
    assert_true(logged(&w, "gate.audit_full"));
    assert_true(logged(&w, "gate.audit_recovered"));
    sem_destroy(&b.entered);
    sem_destroy(&b.leave);
    end(&w);
}

static void *add_one_more(void *ctx) {
    struct world *w = ctx;
    char document[1000];
    memset(document, 'y', sizeof document);
    return audit_journal_add(w->journal, (struct str){document, sizeof document}) ? w : NULL;
}

static void who_finds_no_room_waits_for_it(void **state) {
    struct world w;
    struct blocker b = {.world = &w};
    pthread_t blocker, adder;
    void *taken = NULL;
    char document[1000];
    memset(document, 'x', sizeof document);
    begin(&w, state);
    assert_true(audit_journal_add(w.journal, (struct str){document, sizeof document}));
    run_until(&w, 1);
    assert_int_equal(sem_init(&b.entered, 0, 0), 0);
    assert_int_equal(sem_init(&b.leave, 0, 0), 0);
    assert_int_equal(pthread_create(&blocker, NULL, block, &b), 0);
    while (sem_wait(&b.entered) < 0) continue;
    for (int i = 0; i < AUDIT_JOURNAL_MAX_BYTES / 1000; i++)
        assert_true(audit_journal_add(w.journal, (struct str){document, sizeof document}));
    assert_int_equal(pthread_create(&adder, NULL, add_one_more, &w), 0);
    sem_post(&b.leave);
    pthread_join(adder, &taken);
    pthread_join(blocker, NULL);
    assert_ptr_equal(taken, &w);
    run_until(&w, 2 + AUDIT_JOURNAL_MAX_BYTES / 1000);
    assert_false(logged(&w, "gate.audit_full"));
    sem_destroy(&b.entered);
    sem_destroy(&b.leave);
    end(&w);
}

static void put_aside(struct world *w, const char *from, const char *to) {
    assert_int_equal(rename(scratch_path(w->scratch, from), scratch_path(w->scratch, to)), 0);
}

// Looks again and again whether it is refused: the thread finds out by itself.
static int64_t add_until_refused(struct world *w) {
    int64_t taken = 0;
    while (audit_journal_add(w->journal, STR("a"))) {
        taken++;
        usleep(1000);
    }
    return taken;
}

static void a_journal_that_cannot_be_written_takes_nothing_more(void **state) {
    struct world w;
    begin(&w, state);
    put_aside(&w, "st/state.db", "aside");
    int64_t taken = add_until_refused(&w);
    assert_true(taken >= 1);
    assert_false(audit_journal_add(w.journal, STR("b")));
    put_aside(&w, "aside", "st/state.db");
    run_until(&w, taken); // it is tried again by itself
    assert_true(audit_journal_add(w.journal, STR("c")));
    run_until(&w, taken + 1);
    assert_true(logged(&w, "gate.audit_failed"));
    assert_true(logged(&w, "state.db"));
    end(&w);
}

static void what_is_lost_at_the_end_is_said(void **state) {
    struct world w;
    begin(&w, state);
    put_aside(&w, "st/state.db", "aside");
    assert_true(audit_journal_add(w.journal, STR("a")));
    w.journal = audit_journal_free(w.journal);
    assert_true(logged(&w, "gate.audit_lost"));
    assert_true(logged(&w, "documents=1"));
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_document_is_written_soon_and_the_loop_is_told),
        T(what_waits_is_written_at_the_end),
        T(nothing_is_written_when_nothing_came),
        T(many_threads_lose_nothing_and_repeat_nothing),
        T(what_waits_has_a_limit_and_then_room_again),
        T(who_finds_no_room_waits_for_it),
        T(a_journal_that_cannot_be_written_takes_nothing_more),
        T(what_is_lost_at_the_end_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
