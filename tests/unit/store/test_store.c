// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/resource.h>

#include "store/store.h"

#include "scratch.h"

static struct store *open_ok(const char *dir, enum store_mode mode) {
    struct store *s = NULL;
    struct fault fault = {0};
    int r = store_open(&s, dir, mode, &fault);
    if (r) print_error("store_open: %d %s\n", r, fault.text);
    assert_int_equal(r, 0);
    return s;
}

// A page of `events` uuids, each 16 times the byte `mark`.
static int commit_page(struct store *s, const char *next, size_t events, char mark,
                       struct fault *fault) {
    char uuids[64 * 16];
    memset(uuids, mark, sizeof uuids);
    const struct store_commit c = {.source = STR("acme"),
                                   .output = STR("archive"),
                                   .next = str_from(next),
                                   .published_ms = 1000 + mark,
                                   .now_ms = 5000,
                                   .events = (int64_t)events,
                                   .pages = 1,
                                   .recent_append = {uuids, events * 16},
                                   .recent_max = 10,
                                   .mark = str_from(next)};
    return store_commit(s, &c, fault);
}

static void commit_ok(struct store *s, const char *next, size_t events, char mark) {
    struct fault fault = {0};
    int r = commit_page(s, next, events, mark, &fault);
    if (r) print_error("store_commit: %d %s\n", r, fault.text);
    assert_int_equal(r, 0);
}

static struct store_cursor load_ok(struct store *s) {
    struct store_cursor c;
    struct fault fault = {0};
    int r = store_cursor_load(s, STR("acme"), STR("archive"), &c, &fault);
    if (r) print_error("store_cursor_load: %d %s\n", r, fault.text);
    assert_int_equal(r, 0);
    return c;
}

static void a_new_pair_has_no_cursor_and_a_new_output_no_mark(void **state) {
    AUTO(store) struct store *s = open_ok(scratch_path(*state, "st"), STORE_WRITE);
    AUTO_FINI(store_cursor) struct store_cursor c = load_ok(s);
    assert_null(c.next);
    assert_null(c.recent);
    assert_int_equal(c.events, 0);
    AUTO_FINI(buf) struct buf mark = buf_make(1000);
    assert_int_equal(store_mark_load(s, STR("archive"), &mark, NULL), 0);
    assert_int_equal(mark.n, 0);
}

static void what_was_committed_is_there_after_reopening(void **state) {
    const char *dir = scratch_path(*state, "st");
    struct store *s = open_ok(dir, STORE_WRITE);
    commit_ok(s, "https://acme/1", 3, 'a');
    commit_ok(s, "https://acme/2", 2, 'b');
    s = store_free(s);
    s = open_ok(dir, STORE_WRITE);
    AUTO_FINI(store_cursor) struct store_cursor c = load_ok(s);
    assert_string_equal(c.next, "https://acme/2");
    assert_int_equal(c.published_ms, 1000 + 'b');
    assert_int_equal(c.committed_ms, 5000);
    assert_int_equal(c.events, 5);
    assert_int_equal(c.pages, 2);
    assert_int_equal(c.recent_bytes, 5 * 16);
    assert_memory_equal(c.recent, "aaaaaaaaaaaaaaaa", 16);
    assert_memory_equal(c.recent + 3 * 16, "bbbbbbbbbbbbbbbb", 16);
    AUTO_FINI(buf) struct buf mark = buf_make(1000);
    assert_int_equal(store_mark_load(s, STR("archive"), &mark, NULL), 0);
    assert_true(str_eqz(buf_str(&mark), "https://acme/2"));
    store_free(s);
}

static void a_page_without_published_or_mark_keeps_the_old_ones(void **state) {
    AUTO(store) struct store *s = open_ok(scratch_path(*state, "st"), STORE_WRITE);
    commit_ok(s, "one", 1, 'a');
    const struct store_commit c = {.source = STR("acme"),
                                   .output = STR("archive"),
                                   .next = STR("two"),
                                   .now_ms = 6000,
                                   .recent_max = 10};
    assert_int_equal(store_commit(s, &c, NULL), 0);
    AUTO_FINI(store_cursor) struct store_cursor got = load_ok(s);
    assert_string_equal(got.next, "two");
    assert_int_equal(got.published_ms, 1000 + 'a');
    assert_int_equal(got.recent_bytes, 16);
    assert_int_equal(got.pages, 1);
    AUTO_FINI(buf) struct buf mark = buf_make(1000);
    assert_int_equal(store_mark_load(s, STR("archive"), &mark, NULL), 0);
    assert_true(str_eqz(buf_str(&mark), "one"));
}

static void a_late_event_does_not_move_the_newest_published_back(void **state) {
    AUTO(store) struct store *s = open_ok(scratch_path(*state, "st"), STORE_WRITE);
    commit_ok(s, "one", 1, 'z');
    commit_ok(s, "two", 1, 'a');
    AUTO_FINI(store_cursor) struct store_cursor c = load_ok(s);
    assert_int_equal(c.published_ms, 1000 + 'z');
}

static void the_ring_keeps_the_newest_uuids_and_no_more(void **state) {
    const char *dir = scratch_path(*state, "st");
    AUTO(store) struct store *s = open_ok(dir, STORE_WRITE);
    for (char mark = 'a'; mark <= 'z'; mark++) {
        commit_ok(s, "x", 4, mark);
        AUTO_FINI(store_cursor) struct store_cursor c = load_ok(s);
        size_t total = ((size_t)(mark - 'a') + 1) * 4;
        assert_int_equal(c.recent_bytes, 16 * (total < 10 ? total : 10));
        assert_int_equal(c.recent[c.recent_bytes - 1], mark);
        if (total > 10) assert_int_equal(c.recent[0], mark - 2);
    }
}

static void a_page_larger_than_the_ring_leaves_its_own_end(void **state) {
    AUTO(store) struct store *s = open_ok(scratch_path(*state, "st"), STORE_WRITE);
    commit_ok(s, "x", 5, 'a');
    commit_ok(s, "y", 50, 'b');
    AUTO_FINI(store_cursor) struct store_cursor c = load_ok(s);
    assert_int_equal(c.recent_bytes, 160);
    assert_int_equal(c.recent[0], 'b');
}

static void pairs_do_not_see_each_other(void **state) {
    AUTO(store) struct store *s = open_ok(scratch_path(*state, "st"), STORE_WRITE);
    commit_ok(s, "x", 5, 'a');
    struct store_commit other = {.source = STR("acme"),
                                 .output = STR("search"),
                                 .next = STR("elsewhere"),
                                 .recent_append = STR("cccccccccccccccc"),
                                 .recent_max = 1};
    assert_int_equal(store_commit(s, &other, NULL), 0);
    AUTO_FINI(store_cursor) struct store_cursor c = load_ok(s);
    assert_string_equal(c.next, "x");
    assert_int_equal(c.recent_bytes, 5 * 16);
    AUTO_FINI(store_cursor) struct store_cursor d;
    assert_int_equal(store_cursor_load(s, STR("acme"), STR("search"), &d, NULL), 0);
    assert_string_equal(d.next, "elsewhere");
    assert_int_equal(d.recent_bytes, 16);
}

// ---- dead letters and pairs

struct seen {
    struct store *store;
    int rows;
    char last[64];
    int64_t dead_letters;
};

static int see_dead(void *ctx, const struct store_dead_row *row) {
    struct seen *seen = ctx;
    snprintf(seen->last, sizeof seen->last, "%.*s|%.*s|%s", STR_ARG(row->reason),
             STR_ARG(row->event), row->uuid.p ? "uuid" : "none");
    seen->rows++;
    if (seen->store) assert_int_equal(store_dead_delete(seen->store, row->id, NULL), 0);
    return 0;
}

static int see_pair(void *ctx, const struct store_pair *pair) {
    struct seen *seen = ctx;
    seen->rows++;
    seen->dead_letters += pair->dead_letters;
    snprintf(seen->last, sizeof seen->last, "%.*s>%.*s", STR_ARG(pair->source),
             STR_ARG(pair->output));
    return 0;
}

static void commit_dead(struct store *s) {
    const struct store_dead_letter dead[] = {
        {.event = {"{\0}", 3}, .uuid = STR("u1"), .reason = STR("odd")},
        {.event = STR("[]"), .reason = STR("not an object")},
    };
    const struct store_commit c = {.source = STR("acme"),
                                   .output = STR("archive"),
                                   .next = STR("n"),
                                   .recent_max = 10,
                                   .dead = dead,
                                   .dead_count = 2};
    assert_int_equal(store_commit(s, &c, NULL), 0);
}

static void dead_letters_are_counted_listed_and_deleted_while_listing(void **state) {
    AUTO(store) struct store *s = open_ok(scratch_path(*state, "st"), STORE_WRITE);
    commit_dead(s);
    int64_t count = 0;
    assert_int_equal(store_dead_waiting(s), -1);
    assert_int_equal(store_dead_count(s, &count, NULL), 0);
    assert_int_equal(count, 2);
    commit_dead(s);
    assert_int_equal(store_dead_waiting(s), 4);
    struct seen pairs = {0};
    assert_int_equal(store_pairs(s, see_pair, &pairs, NULL), 0);
    assert_int_equal(pairs.rows, 1);
    assert_int_equal(pairs.dead_letters, 4);
    assert_string_equal(pairs.last, "acme>archive");
    struct seen seen = {0};
    assert_int_equal(store_dead_each(s, see_dead, &seen, NULL), 0);
    assert_int_equal(seen.rows, 4);
    assert_string_equal(seen.last, "not an object|[]|none");
    seen = (struct seen){.store = s};
    assert_int_equal(store_dead_each(s, see_dead, &seen, NULL), 0);
    assert_int_equal(seen.rows, 4);
    assert_int_equal(store_dead_waiting(s), 0);
    assert_int_equal(store_dead_count(s, &count, NULL), 0);
    assert_int_equal(count, 0);
}

// ---- opening

static void the_directory_and_its_files_are_private_whatever_umask_says(void **state) {
    mode_t old = umask(0);
    const char *dir = scratch_path(*state, "st");
    AUTO(store) struct store *s = open_ok(dir, STORE_WRITE);
    commit_ok(s, "x", 1, 'a');
    umask(old);
    static const char *const names[] = {"st/state.db", "st/state.db-wal", "st/lock"};
    struct stat st;
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    for (size_t i = 0; i < LEN(names); i++) {
        assert_int_equal(stat(scratch_path(*state, names[i]), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
}

static void expect_open(const char *dir, enum store_mode mode, int outcome, const char *text) {
    struct store *s = NULL;
    struct fault fault = {0};
    int r = store_open(&s, dir, mode, &fault);
    if (r != outcome || !contains(fault.text, text))
        print_error("expected %d and \"%s\", got %d: %s\n", outcome, text, r, fault.text);
    assert_int_equal(r, outcome);
    assert_true(contains(fault.text, text));
    assert_null(s);
}

static void a_second_process_is_refused_and_told_the_pid(void **state) {
    const char *dir = scratch_path(*state, "st");
    AUTO(store) struct store *s = open_ok(dir, STORE_WRITE);
    assert_non_null(s);
    char pid[32];
    snprintf(pid, sizeof pid, "process %d;", (int)getpid());
    expect_open(dir, STORE_WRITE, STORE_E_LOCKED, pid);
}

static void status_reads_while_the_daemon_writes(void **state) {
    const char *dir = scratch_path(*state, "st");
    AUTO(store) struct store *s = open_ok(dir, STORE_WRITE);
    commit_ok(s, "x", 1, 'a');
    AUTO(store) struct store *r = open_ok(dir, STORE_READ);
    struct seen seen = {0};
    assert_int_equal(store_pairs(r, see_pair, &seen, NULL), 0);
    assert_int_equal(seen.rows, 1);
    commit_ok(s, "y", 1, 'b');
    AUTO_FINI(store_cursor) struct store_cursor c = load_ok(r);
    assert_string_equal(c.next, "y");
    struct fault fault = {0};
    assert_true(commit_page(r, "z", 1, 'c', &fault) < 0);
}

static void reading_a_closed_state_makes_no_file_beside_it(void **state) {
    const char *dir = scratch_path(*state, "st?%#x");
    struct store *s = open_ok(dir, STORE_WRITE);
    commit_ok(s, "x", 1, 'a');
    store_free(s);
    s = open_ok(dir, STORE_READ);
    AUTO_FINI(store_cursor) struct store_cursor c = load_ok(s);
    assert_string_equal(c.next, "x");
    assert_int_equal(scratch_size(scratch_path(*state, "st?%#x/state.db-wal")), -1);
    assert_int_equal(scratch_size(scratch_path(*state, "st?%#x/state.db-shm")), -1);
    store_free(s);
}

static void reading_where_nothing_was_collected_says_so(void **state) {
    expect_open(scratch_path(*state, "none"), STORE_READ, -ENOENT, "nothing has been collected");
    assert_int_equal(scratch_size(scratch_path(*state, "none")), -1);
}

static void sql(const char *path, const char *text) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void make_state(const char *dir) {
    struct store *s = open_ok(dir, STORE_WRITE);
    for (char mark = 'a'; mark <= 'h'; mark++) commit_ok(s, "https://acme/next", 7, mark);
    commit_dead(s);
    store_free(s);
}

static void a_newer_format_is_refused_by_name(void **state) {
    make_state(scratch_path(*state, "st"));
    sql(scratch_path(*state, "st/state.db"), "PRAGMA user_version = 6");
    expect_open(scratch_path(*state, "st"), STORE_WRITE, STORE_E_NEWER, "state.db");
    expect_open(scratch_path(*state, "st"), STORE_READ, STORE_E_NEWER, "newer gatehouse");
}

static void another_applications_database_is_refused(void **state) {
    assert_int_equal(mkdir(scratch_path(*state, "st"), 0700), 0);
    sql(scratch_path(*state, "st/state.db"), "CREATE TABLE t(x)");
    expect_open(scratch_path(*state, "st"), STORE_WRITE, STORE_E_CORRUPT, "not gatehouse's");
}

static void an_empty_or_missing_state_is_damage_not_a_fresh_start(void **state) {
    const char *dir = scratch_path(*state, "st");
    const char *db = scratch_path(*state, "st/state.db");
    make_state(dir);
    assert_int_equal(truncate(db, 0), 0);
    expect_open(dir, STORE_WRITE, STORE_E_CORRUPT, "it is empty");
    expect_open(dir, STORE_READ, STORE_E_CORRUPT, "state.db");
    assert_int_equal(unlink(db), 0);
    expect_open(dir, STORE_WRITE, STORE_E_CORRUPT, "is missing from a directory");
    expect_open(dir, STORE_WRITE, STORE_E_CORRUPT, "begin anew");
    scratch_remove(dir);
    make_state(dir);
    assert_int_equal(unlink(db), 0);
    assert_int_equal(unlink(scratch_path(*state, "st/lock")), 0);
    scratch_write(scratch_path(*state, "st/state.db-wal"), STR("frames"));
    expect_open(dir, STORE_WRITE, STORE_E_CORRUPT, "is missing");
}

static void a_crash_while_the_state_is_made_is_no_damage(void **state) {
    assert_int_equal(mkdir(scratch_path(*state, "st"), 0700), 0);
    scratch_write(scratch_path(*state, "st/lock"), STR(""));
    scratch_write(scratch_path(*state, "st/state.db.new"), STR("half of a da"));
    AUTO(store) struct store *s = open_ok(scratch_path(*state, "st"), STORE_WRITE);
    commit_ok(s, "x", 1, 'a');
}

// SQLite reads the end of a cut page as zeros: where they were, nothing is lost.
static bool only_zeros(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i]) return false;
    return true;
}

static void garbage_and_every_truncation_are_refused(void **state) {
    const char *dir = scratch_path(*state, "st");
    const char *db = scratch_path(*state, "st/state.db");
    make_state(dir);
    AUTO_FINI(buf) struct buf whole = scratch_read(db);
    for (size_t n = 1; n < whole.n; n += n < 200 ? 7 : 1009) {
        scratch_write(db, str_sub(buf_str(&whole), 0, n));
        if (n + 4096 > whole.n && only_zeros(str_sub(buf_str(&whole), n, whole.n))) continue;
        expect_open(dir, STORE_WRITE, STORE_E_CORRUPT, "state.db");
    }
    AUTO_FINI(buf) struct buf noise = buf_make(SIZE_MAX);
    struct rand r = rand_make(7);
    for (int i = 0; i < 5000; i++) buf_addc(&noise, (char)rand_below(&r, 256));
    scratch_write(db, buf_str(&noise));
    expect_open(dir, STORE_WRITE, STORE_E_CORRUPT, "state.db");
    assert_int_equal(scratch_size(db), 5000);
}

static int count_dead(void *ctx, const struct store_dead_row *row) {
    (void)row;
    ++*(int *)ctx;
    return 0;
}

// True when everything reads as it was written.
static bool reads_whole(struct store *s) {
    struct store_cursor c = {0};
    AUTO_FINI(buf) struct buf mark = buf_make(1000);
    int dead = 0;
    bool good = store_cursor_load(s, STR("acme"), STR("archive"), &c, NULL) == 0 &&
                store_mark_load(s, STR("archive"), &mark, NULL) == 0 &&
                store_dead_each(s, count_dead, &dead, NULL) == 0;
    if (good) {
        assert_string_equal(c.next, "n");
        assert_int_equal(c.events, 56);
        assert_int_equal(c.recent_bytes, 160);
        assert_int_equal(c.recent[159], 'h');
        assert_int_equal(c.recent[0], 'g');
        assert_true(str_eqz(buf_str(&mark), "https://acme/next"));
        assert_int_equal(dead, 2);
    }
    store_cursor_fini(&c);
    return good;
}

static void a_flipped_byte_is_noticed_or_harmless(void **state) {
    const char *dir = scratch_path(*state, "st");
    const char *db = scratch_path(*state, "st/state.db");
    make_state(dir);
    AUTO_FINI(buf) struct buf whole = scratch_read(db);
    struct rand rnd = scratch_rand();
    int refused = 0;
    for (int i = 0; i < 1500; i++) {
        size_t at = (size_t)rand_below(&rnd, i % 4 ? whole.n : 300);
        char flip = (char)(1 + rand_below(&rnd, 255));
        whole.p[at] = (char)(whole.p[at] ^ flip);
        scratch_write(db, buf_str(&whole));
        struct store *s = NULL;
        struct fault fault = {0};
        int r = store_open(&s, dir, STORE_WRITE, &fault);
        if (r) assert_true(contains(fault.text, "state.db"));
        if (r || !reads_whole(s)) refused++;
        store_free(s);
        whole.p[at] = (char)(whole.p[at] ^ flip);
    }
    assert_true(refused > 0);
    scratch_write(db, buf_str(&whole));
    struct store *s = open_ok(dir, STORE_WRITE);
    assert_true(reads_whole(s));
    store_free(s);
}

// What SQLite cannot see: well-formed rows with other values.
static void a_value_that_changed_is_noticed_by_its_sum(void **state) {
    static const char *const changes[] = {
        "UPDATE pair SET source = 'bcme'",
        "UPDATE pair SET output = 'brchive'",
        "UPDATE pair SET next = 'm'",
        "UPDATE pair SET published_ms = published_ms + 1",
        "UPDATE pair SET events = events + 1",
        "UPDATE pair SET recent_max = recent_max - 1",
        "UPDATE mark SET mark = CAST('https://acme/nexu' AS BLOB)",
        "UPDATE mark SET output = 'brchive'",
        "UPDATE recent SET uuids = zeroblob(length(uuids))",
        "UPDATE recent SET last = last + 1",
        "DELETE FROM recent WHERE last = (SELECT max(last) FROM recent)",
        "UPDATE dead SET event = CAST('[0]' AS BLOB)",
    };
    for (size_t i = 0; i < LEN(changes); i++) {
        const char *dir = scratch_path(*state, "st");
        make_state(dir);
        sql(scratch_path(*state, "st/state.db"), changes[i]);
        struct store *s = NULL;
        int r = store_open(&s, dir, STORE_WRITE, NULL);
        if (r == 0 && reads_whole(s)) print_error("not noticed: %s\n", changes[i]);
        assert_true(r == STORE_E_CORRUPT || (r == 0 && !reads_whole(s)));
        store_free(s);
        scratch_remove(dir);
    }
}

static void a_state_that_is_moved_away_is_noticed_at_the_next_commit(void **state) {
    AUTO(store) struct store *s = open_ok(scratch_path(*state, "st"), STORE_WRITE);
    commit_ok(s, "x", 1, 'a');
    assert_int_equal(rename(scratch_path(*state, "st/state.db"), scratch_path(*state, "away")), 0);
    struct fault fault = {0};
    assert_int_equal(commit_page(s, "y", 1, 'b', &fault), -ESTALE);
    assert_true(contains(fault.text, "state.db"));
    assert_int_equal(rename(scratch_path(*state, "away"), scratch_path(*state, "st/state.db")), 0);
    commit_ok(s, "y", 1, 'b');
}

// ---- trouble

static int open_unwritable(void *ctx) {
    become_nobody();
    struct store *s = NULL;
    struct fault fault = {0};
    int r = store_open(&s, ctx, STORE_WRITE, &fault);
    return r == -EACCES && contains(fault.text, ctx) ? 0 : 1;
}

static void a_directory_that_may_not_be_written_is_named(void **state) {
    struct scratch *scratch = *state;
    const char *dir = scratch_path(scratch, "st");
    assert_int_equal(chmod(scratch->dir, 0755), 0);
    assert_int_equal(mkdir(dir, 0555), 0);
    char text[256];
    snprintf(text, sizeof text, "%s", dir);
    assert_int_equal(in_child(open_unwritable, text), 0);
    snprintf(text, sizeof text, "%s/below", dir);
    assert_int_equal(in_child(open_unwritable, text), 0);
}

// The nearest thing to a full disk that needs no root: files may not grow.
static int fill_disk(void *ctx) {
    AUTO(store) struct store *s = open_ok(ctx, STORE_WRITE);
    commit_ok(s, "before", 4, 'a');
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 200000;
    setrlimit(RLIMIT_FSIZE, &limit);
    struct fault fault = {0};
    int r = 0;
    for (int i = 0; i < 100 && r == 0; i++) r = commit_page(s, "before", 4, 'a', &fault);
    if (r != -EFBIG || !contains(fault.text, "state.db")) {
        print_error("%d: %s\n", r, fault.text);
        return 1;
    }
    if (commit_page(s, "never", 4, 'n', &fault) == 0) return 2;
    AUTO_FINI(store_cursor) struct store_cursor c = load_ok(s);
    if (strcmp(c.next, "before") != 0 || c.recent[0] != 'a') return 3;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
    return commit_page(s, "after", 4, 'z', &fault) ? 4 : 0;
}

static void a_full_disk_changes_nothing_and_passes(void **state) {
    char dir[256];
    snprintf(dir, sizeof dir, "%s", scratch_path(*state, "st"));
    assert_int_equal(in_child(fill_disk, dir), 0);
    AUTO(store) struct store *s = open_ok(dir, STORE_WRITE);
    AUTO_FINI(store_cursor) struct store_cursor c = load_ok(s);
    assert_string_equal(c.next, "after");
}

struct killed {
    const char *dir;
    int told; // pipe: each committed page's number
};

static int commit_until_killed(void *ctx) {
    struct killed *k = ctx;
    AUTO(store) struct store *s = NULL;
    if (store_open(&s, k->dir, STORE_WRITE, NULL)) return 1;
    for (unsigned char i = 1;; i++) {
        char next[16];
        snprintf(next, sizeof next, "page %d", i);
        if (commit_page(s, next, 3, 'a', NULL)) return 2;
        if (write(k->told, &i, 1) != 1) return 3;
    }
}

// What was told to be committed is there, and at most one page more.
static void a_killed_process_leaves_the_last_commit(void **state) {
    struct rand rnd = scratch_rand();
    for (int round = 0; round < 20; round++) {
        const char *dir = scratch_path(*state, "st");
        int told[2];
        assert_int_equal(pipe(told), 0);
        struct killed k = {dir, told[1]};
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) _exit(commit_until_killed(&k));
        close(told[1]);
        unsigned char last = 0;
        for (uint64_t n = rand_below(&rnd, 12) + 1; n > 0; n--)
            assert_int_equal(read(told[0], &last, 1), 1);
        usleep((useconds_t)rand_below(&rnd, 1500));
        kill(pid, SIGKILL);
        int status;
        waitpid(pid, &status, 0);
        assert_true(WIFSIGNALED(status));
        unsigned char more;
        while (read(told[0], &more, 1) == 1) last = more;
        close(told[0]);
        struct store *s = open_ok(dir, STORE_WRITE);
        AUTO_FINI(store_cursor) struct store_cursor c = load_ok(s);
        char expected[2][16];
        snprintf(expected[0], 16, "page %d", last);
        snprintf(expected[1], 16, "page %d", last + 1);
        assert_true(strcmp(c.next, expected[0]) == 0 || strcmp(c.next, expected[1]) == 0);
        store_free(s);
        scratch_remove(dir);
    }
}

static void *commit_many(void *ctx) {
    for (int i = 0; i < 50; i++)
        if (commit_page(ctx, "x", 1, 'a', NULL)) return ctx;
    return NULL;
}

static void threads_may_share_a_store(void **state) {
    AUTO(store) struct store *s = open_ok(scratch_path(*state, "st"), STORE_WRITE);
    pthread_t threads[3];
    for (size_t i = 0; i < LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, commit_many, s), 0);
    for (size_t i = 0; i < LEN(threads); i++) {
        void *bad = NULL;
        assert_int_equal(pthread_join(threads[i], &bad), 0);
        assert_null(bad);
    }
    AUTO_FINI(store_cursor) struct store_cursor c = load_ok(s);
    assert_int_equal(c.events, 150);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_new_pair_has_no_cursor_and_a_new_output_no_mark),
        T(what_was_committed_is_there_after_reopening),
        T(a_page_without_published_or_mark_keeps_the_old_ones),
        T(a_late_event_does_not_move_the_newest_published_back),
        T(the_ring_keeps_the_newest_uuids_and_no_more),
        T(a_page_larger_than_the_ring_leaves_its_own_end),
        T(pairs_do_not_see_each_other),
        T(dead_letters_are_counted_listed_and_deleted_while_listing),
        T(the_directory_and_its_files_are_private_whatever_umask_says),
        T(a_second_process_is_refused_and_told_the_pid),
        T(status_reads_while_the_daemon_writes),
        T(reading_a_closed_state_makes_no_file_beside_it),
        T(reading_where_nothing_was_collected_says_so),
        T(a_newer_format_is_refused_by_name),
        T(another_applications_database_is_refused),
        T(an_empty_or_missing_state_is_damage_not_a_fresh_start),
        T(a_crash_while_the_state_is_made_is_no_damage),
        T(garbage_and_every_truncation_are_refused),
        T(a_flipped_byte_is_noticed_or_harmless),
        T(a_value_that_changed_is_noticed_by_its_sum),
        T(a_state_that_is_moved_away_is_noticed_at_the_next_commit),
        T(a_directory_that_may_not_be_written_is_named),
        T(a_full_disk_changes_nothing_and_passes),
        T(a_killed_process_leaves_the_last_commit),
        T(threads_may_share_a_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
