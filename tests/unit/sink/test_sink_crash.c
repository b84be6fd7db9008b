// SPDX-License-Identifier: Apache-2.0
// kill -9 at random moments, with the real store: afterwards files hold exactly what was committed,
// and the database nothing twice.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>

#include "sink/file-internal.h"
#include "store/db.h"
#include "store/store.h"

#include "world.h"

enum { ROUNDS = 50, LAST_PAGES = 3 };

struct run {
    struct world *w;
    const char *state_dir;
    struct store *store;
    struct rand rnd;
    int told; // pipe: the number of documents after each commit
};

static int save_in_store(void *ctx, struct str mark) {
    struct run *run = ctx;
    return store_mark_save(run->store, STR("out"), mark, NULL);
}

// Opens both; `next` is the number of the first document that is not committed.
static int open_run(struct run *run) {
    struct world *w = run->w;
    if (store_open(&run->store, run->state_dir, STORE_WRITE, &w->fault)) return 11;
    AUTO_FINI(store_cursor) struct store_cursor c = {0};
    if (store_cursor_load(run->store, STR("acme"), STR("out"), &c, &w->fault)) return 12;
    w->next = (int)c.events;
    if (c.committed_ms) w->now_ms = c.committed_ms;
    buf_reset(&w->mark);
    if (store_mark_load(run->store, STR("out"), &w->mark, &w->fault)) return 13;
    w->host = (struct sink_host){.save_mark = save_in_store, .ctx = run, .stop = &w->stop};
    return world_try_open(w) ? 14 : 0;
}

static void close_run(struct run *run) {
    world_close(run->w);
    run->store = store_free(run->store);
}

static int one_page(struct run *run) {
    struct world *w = run->w;
    size_t n = 1 + (size_t)rand_below(&run->rnd, WORLD_PAGE_MAX);
    w->doc_bytes = 40 + (size_t)rand_below(&run->rnd, 300);
    if (rand_below(&run->rnd, 10) == 0) w->now_ms += TIME_DAY_MS;
    int r = world_deliver(w, n);
    AUTO_FINI(buf) struct buf mark = buf_make(1 << 20);
    if (r == 0) r = w->sink->type->sync(w->sink, NULL, &mark, &w->fault);
    if (r == 0 && rand_below(&run->rnd, 8) == 0) return w->sink->type->rollback(w->sink, &w->fault);
    const struct store_commit c = {.source = STR("acme"),
                                   .output = STR("out"),
                                   .next = STR("x"),
                                   .now_ms = w->now_ms,
                                   .events = (int64_t)n,
                                   .pages = 1,
                                   .mark = mark.n ? buf_str(&mark) : STR_NONE};
    if (r == 0) r = store_commit(run->store, &c, &w->fault);
    if (r) return r;
    w->sink->type->committed(w->sink);
    w->next += (int)n;
    return 0;
}

static int work_until_killed(struct run *run) {
    int r = open_run(run);
    while (r == 0) {
        r = one_page(run);
        if (r == 0 && write(run->told, &run->w->next, sizeof(int)) != sizeof(int)) r = 15;
    }
    dprintf(2, "# child: %d %s\n", r, run->w->fault.text);
    return 1;
}

// Forks, kills, and returns the number of documents that were told to be committed. Half of the
// time the clock starts with the process, half of the time with its first commit.
static int work_and_kill(struct run *run, uint64_t seed, useconds_t after_us) {
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    run->told = pipe_fds[1];
    run->rnd = rand_make(seed);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) _exit(work_until_killed(run));
    close(pipe_fds[1]);
    int told = 0;
    if (seed % 2) assert_int_equal(read(pipe_fds[0], &told, sizeof told), sizeof told);
    usleep(after_us);
    kill(pid, SIGKILL);
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
    int number;
    while (read(pipe_fds[0], &number, sizeof number) == sizeof number) told = number;
    close(pipe_fds[0]);
    return told;
}

static int by_name(const void *a, const void *b) {
    return file_name_cmp(*(const struct file_name *)a, *(const struct file_name *)b);
}

static size_t list_files(struct world *w, struct file_name *names, size_t max) {
    size_t n = 0;
    DIR *d = opendir(w->dir);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (e->d_name[0] == '.') continue;
        assert_true(n < max);
        assert_true(file_name_parse("ev", str_from(e->d_name), &names[n++]));
    }
    closedir(d);
    qsort(names, n, sizeof *names, by_name);
    return n;
}

static void expect_files_hold(struct world *w, int count) {
    static struct file_name names[20000];
    AUTO_FINI(buf) struct buf have = buf_make(1 << 24);
    AUTO_FINI(buf) struct buf want = buf_make(1 << 24);
    size_t n = list_files(w, names, LEN(names));
    for (size_t i = 0; i < n; i++) {
        AUTO_MEM char *file = file_name_text("ev", names[i]);
        world_numbers(w, file, &have);
    }
    for (int i = 0; i < count; i++) buf_addf(&want, "%d ", i);
    assert_string_equal(buf_z(&have), buf_z(&want));
}

static void expect_rows_hold(struct world *w, int at_least) {
    AUTO(db) struct db *db = NULL;
    const struct db_opts opts = {.path = w->dir, .mode = DB_READ, .cache_kb = 500};
    assert_int_equal(db_open(&db, &opts, NULL), 0);
    int64_t rows = 0;
    int64_t last = 0;
    assert_int_equal(db_get_i64(db, "SELECT count(*) FROM events", &rows, NULL), 0);
    assert_int_equal(db_get_i64(db,
                                "SELECT coalesce(max(json_extract(document, '$.n')), -1) FROM "
                                "events",
                                &last, NULL),
                     0);
    assert_int_equal(rows, last + 1); // uuids are unique, so none is missing
    assert_true(rows >= at_least);
    if (at_least == w->next) assert_int_equal(rows, at_least);
}

static void kill_many_times(void **state, const char *type, int64_t rotate_kb,
                            void (*expect)(struct world *w, int count)) {
    AUTO(world) struct world *w = world_new(state, type);
    w->opts.rotate_every_kb = rotate_kb;
    struct run run = {.w = w, .state_dir = scratch_path(*state, "state")};
    struct rand rnd = scratch_rand();
    int committed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int told = work_and_kill(&run, rand_next(&rnd), (useconds_t)rand_below(&rnd, 12000));
        int r = open_run(&run);
        if (r) print_error("%d: %s\n", r, w->fault.text);
        assert_int_equal(r, 0);
        assert_true(w->next >= told && w->next >= committed);
        committed = w->next;
        int rows_may_be_ahead = strcmp(type, "sqlite") == 0;
        if (rows_may_be_ahead) w->next = -1;
        expect(w, committed);
        close_run(&run);
    }
    printf("# %s, rotation at %lld KB: %d rounds, %d documents\n", type, (long long)rotate_kb,
           ROUNDS, committed);
    assert_true(committed > ROUNDS / 4);
    assert_int_equal(open_run(&run), 0);
    w->doc_bytes = 50;
    for (int i = 0; i < LAST_PAGES; i++) world_page(w, WORLD_PAGE_MAX);
    expect(w, committed + LAST_PAGES * WORLD_PAGE_MAX);
    close_run(&run);
}

static void one_file_survives_kill_9_with_each_document_once(void **state) {
    kill_many_times(state, "file", 0, expect_files_hold);
}

static void rotating_files_survive_kill_9_with_each_document_once(void **state) {
    kill_many_times(state, "file", 4, expect_files_hold);
}

static void sqlite_survives_kill_9_with_each_document_once(void **state) {
    kill_many_times(state, "sqlite", 0, expect_rows_hold);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(one_file_survives_kill_9_with_each_document_once),
        T(rotating_files_survive_kill_9_with_each_document_once),
        T(sqlite_survives_kill_9_with_each_document_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
