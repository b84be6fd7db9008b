// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>

#include "sink/file-internal.h"

#include "world.h"

#define A "ev-20261122.ndjson"
#define B "ev-20261122-1.ndjson"
#define C "ev-20261122-2.ndjson"

// ---- names and marks

static void names_are_filebeats(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t day, index; // day 0: not ours
    } rows[] = {
        {"ev-20261122.ndjson", 20261122, 0},
        {"ev-20261122-1.ndjson", 20261122, 1},
        {"ev-20261122-999999999.ndjson", 20261122, 999999999},
        {"ev-20261122-1000000000.ndjson", 0, 0},
        {"ev-20261122-0.ndjson", 0, 0},
        {"ev-20261122-01.ndjson", 0, 0},
        {"ev-2026112.ndjson", 0, 0},
        {"ev-202611223.ndjson", 0, 0},
        {"ev-20261122-.ndjson", 0, 0},
        {"ev-20261122--1.ndjson", 0, 0},
        {"ev-20261122.ndjson.gz", 0, 0},
        {"evx-20261122.ndjson", 0, 0},
        {"ev.ndjson", 0, 0},
        {"ev-.ndjson", 0, 0},
        {"", 0, 0},
        {"ev-20261122-99999999999999999999.ndjson", 0, 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct file_name name = {0};
        bool ours = file_name_parse("ev", str_from(rows[i].text), &name);
        assert_int_equal(ours, rows[i].day != 0);
        if (!ours) continue;
        assert_int_equal(name.day, rows[i].day);
        assert_int_equal(name.index, rows[i].index);
        AUTO_MEM char *text = file_name_text("ev", name);
        assert_string_equal(text, rows[i].text);
    }
    assert_int_equal(file_day(WORLD_NOON), 20261122);
    assert_int_equal(file_day(0), 19700101);
}

static void a_mark_is_read_as_it_was_written(void **state) {
    (void)state;
    char directory[] = "/a dir/\"\xff%\\\n";
    char file[] = "\xc3\xa9v-1.ndjson";
    AUTO_FINI(file_mark) struct file_mark m = {.length = INT64_MAX, .tail = {~0ull, 5}};
    m.directory = strdup(directory);
    m.file = strdup(file);
    const struct file_id id = {.inode = INT64_MIN, .device = -1, .born_ns = 17};
    assert_int_equal(file_mark_add_pending(&m, "p q", id), 0);
    AUTO_FINI(buf) struct buf text = buf_make(4096);
    file_mark_write(&text, &m);
    AUTO_FINI(file_mark) struct file_mark back = {0};
    assert_int_equal(file_mark_read(buf_str(&text), &back, NULL), 0);
    assert_string_equal(back.directory, directory);
    assert_string_equal(back.file, file);
    assert_int_equal(back.length, INT64_MAX);
    assert_true(hash128_eq(back.tail, m.tail));
    assert_int_equal(back.pending_n, 1);
    assert_string_equal(back.pending[0].file, "p q");
    assert_true(file_id_same(back.pending[0].id, id));
}

static void a_mark_that_is_no_mark_is_refused_and_anothers_ignored(void **state) {
    (void)state;
    static const char *const bad[] = {
        "{",
        "nonsense",
        "{\"sink\":\"file\"}",
        "{\"sink\":\"file\",\"version\":2,\"directory\":\"d\"}",
        "{\"sink\":\"file\",\"version\":1,\"directory\":\"d\",\"file\":\"../x\",\"length\":1,"
        "\"tail\":[\"1\",\"2\"]}",
        "{\"sink\":\"file\",\"version\":1,\"directory\":\"d\",\"file\":\"x\",\"length\":-1,"
        "\"tail\":[\"1\",\"2\"]}",
        "{\"sink\":\"file\",\"version\":1,\"directory\":\"d\",\"pending\":[{\"file\":\"a/b\"}]}",
    };
    for (size_t i = 0; i < LEN(bad); i++) {
        struct fault fault = {0};
        struct file_mark m = {0};
        assert_int_equal(file_mark_read(str_from(bad[i]), &m, &fault), -EINVAL);
        assert_true(contains(fault.text, bad[i]));
    }
    struct file_mark m = {0};
    assert_int_equal(file_mark_read(STR("{\"sink\":\"kafka\",\"file\":5}"), &m, NULL), 0);
    assert_null(m.directory);
}

// ---- writing

static void documents_are_lines_of_a_private_file_in_a_directory_that_is_made(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    mode_t old = umask(0);
    free(w->dir);
    w->dir = strdup(scratch_path(*state, "out/deep/er"));
    w->opts.path = w->dir;
    world_open(w);
    world_page(w, 3);
    world_page(w, 2);
    umask(old);
    world_expect(w, "deep/er/" A, "0 1 2 3 4 ");
    struct stat st;
    assert_int_equal(stat(world_path(w, "deep/er/" A), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(w->dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
}

static void permissions_are_set_whatever_umask_says(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    mode_t old = umask(077);
    w->opts.permissions = 0644;
    world_open(w);
    world_page(w, 1);
    umask(old);
    struct stat st;
    assert_int_equal(stat(world_path(w, A), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
}

static void reopening_goes_on_in_the_same_file(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 2);
    world_close(w);
    world_open(w);
    world_page(w, 2);
    assert_int_equal(w->sink->notice.text[0], 0);
    world_expect(w, A, "0 1 2 3 ");
    assert_int_equal(world_count_files(w), 1);
}

static void nothing_to_commit_gives_no_mark(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    AUTO_FINI(buf) struct buf mark = buf_make(1000);
    world_ok(w, w->sink->type->sync(w->sink, NULL, &mark, &w->fault));
    assert_int_equal(mark.n, 0);
    world_page(w, 1);
    world_ok(w, w->sink->type->sync(w->sink, NULL, &mark, &w->fault));
    assert_int_equal(mark.n, 0);
}

static void files_rotate_between_documents_when_the_next_would_not_fit(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    w->opts.rotate_every_kb = 1;
    w->doc_bytes = 255; // four lines are exactly 1024 bytes
    world_open(w);
    world_page(w, 9);
    world_expect(w, A, "0 1 2 3 ");
    world_expect(w, B, "4 5 6 7 ");
    world_expect(w, C, "8 ");
    world_page(w, 1);
    world_expect(w, C, "8 9 ");
    assert_int_equal(world_count_files(w), 3);
}

static void a_document_larger_than_the_limit_has_a_file_of_its_own(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    w->opts.rotate_every_kb = 1;
    world_open(w);
    world_page(w, 1);
    w->doc_bytes = 5000;
    world_page(w, 1);
    w->doc_bytes = 100;
    world_page(w, 1);
    world_expect(w, A, "0 ");
    world_expect(w, B, "1 ");
    world_expect(w, C, "2 ");
}

static void a_new_utc_day_begins_a_new_file(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    w->now_ms = WORLD_NOON + 12 * TIME_HOUR_MS - 1;
    world_page(w, 1);
    w->now_ms++;
    world_page(w, 1);
    world_close(w);
    w->now_ms += TIME_DAY_MS;
    world_open(w);
    world_page(w, 1);
    world_expect(w, A, "0 ");
    world_expect(w, "ev-20261123.ndjson", "1 ");
    world_expect(w, "ev-20261124.ndjson", "2 ");
}

static void the_oldest_files_go_but_only_after_the_commit(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    w->opts.rotate_every_kb = 1;
    w->opts.number_of_files = 3;
    w->doc_bytes = 600; // one document a file
    assert_int_equal(mkdir(w->dir, 0755), 0);
    static const char *const others[] = {"ev-20200101.ndjson.gz", "evil-20200101.ndjson",
                                         "ev.ndjson", "ev-20990101.ndjson"};
    for (size_t i = 0; i < LEN(others); i++)
        scratch_write(world_path(w, others[i]), STR("hands off"));
    assert_int_equal(mkdir(world_path(w, "ev-20200101.ndjson"), 0755), 0);
    world_open(w);
    world_page(w, 3);
    world_ok(w, world_deliver(w, 4));
    world_expect(w, A, "0 ");
    world_ok(w, world_commit(w, 4));
    assert_int_equal(scratch_size(world_path(w, A)), -1);
    assert_int_equal(scratch_size(world_path(w, "ev-20261122-3.ndjson")), -1);
    world_expect(w, "ev-20261122-5.ndjson", "5 ");
    world_expect(w, "ev-20261122-6.ndjson", "6 ");
    for (size_t i = 0; i < LEN(others); i++)
        assert_int_equal(scratch_size(world_path(w, others[i])), 9);
    assert_true(scratch_size(world_path(w, "ev-20200101.ndjson")) >= 0);
}

static void number_of_files_zero_keeps_all_and_one_keeps_the_current(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    w->opts.rotate_every_kb = 1;
    w->doc_bytes = 600;
    world_open(w);
    world_page(w, 6);
    assert_int_equal(world_count_files(w), 6);
    world_close(w);
    w->opts.number_of_files = 1;
    world_open(w);
    world_page(w, 2);
    assert_int_equal(world_count_files(w), 1);
    world_expect(w, "ev-20261122-7.ndjson", "7 ");
}

// ---- crashes and rollback

static void what_was_not_committed_is_cut_off_on_start(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 3);
    world_ok(w, world_deliver(w, 5));
    world_crash(w);
    world_expect(w, A, "0 1 2 3 4 5 6 7 ");
    world_open(w);
    world_expect(w, A, "0 1 2 ");
    world_page(w, 2);
    world_expect(w, A, "0 1 2 3 4 ");
}

static void a_first_file_that_was_never_committed_is_removed_on_start(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_ok(w, world_deliver(w, 5));
    world_crash(w);
    world_open(w);
    assert_int_equal(world_count_files(w), 0);
    world_page(w, 1);
    world_expect(w, A, "0 ");
}

static void files_begun_in_an_uncommitted_page_are_removed_on_start(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    w->opts.rotate_every_kb = 1;
    w->doc_bytes = 300;
    world_open(w);
    world_page(w, 2);
    world_ok(w, world_deliver(w, 10));
    assert_int_equal(world_count_files(w), 4);
    world_crash(w);
    world_open(w);
    assert_int_equal(world_count_files(w), 1);
    world_expect(w, A, "0 1 ");
    world_page(w, 3);
    world_expect(w, A, "0 1 2 ");
    world_expect(w, B, "3 4 ");
}

static void rollback_takes_back_the_page_in_all_files(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    w->opts.rotate_every_kb = 1;
    w->doc_bytes = 300;
    world_open(w);
    world_page(w, 2);
    for (int round = 0; round < 3; round++) {
        world_ok(w, world_deliver(w, 10));
        if (round == 2) {
            AUTO_FINI(buf) struct buf mark = buf_make(1000);
            world_ok(w, w->sink->type->sync(w->sink, NULL, &mark, &w->fault));
        }
        world_ok(w, w->sink->type->rollback(w->sink, &w->fault));
        world_expect(w, A, "0 1 ");
        assert_int_equal(world_count_files(w), 1);
    }
    world_page(w, 4);
    world_expect(w, A, "0 1 2 ");
    world_expect(w, B, "3 4 5 ");
}

static void the_mark_is_saved_before_anything_is_cut(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 1);
    world_ok(w, world_deliver(w, 1));
    w->fail_save = EIO;
    assert_int_equal(w->sink->type->rollback(w->sink, &w->fault), -EIO);
    world_expect(w, A, "0 1 ");
    world_close(w);
    w->fail_save = EIO;
    assert_int_equal(world_try_open(w), -EIO);
    world_expect(w, A, "0 1 ");
    world_open(w);
    world_expect(w, A, "0 ");
}

static void a_new_file_that_cannot_be_remembered_is_taken_back(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    w->fail_save = ENOSPC;
    assert_int_equal(world_deliver(w, 1), -ENOSPC);
    assert_true(contains(w->fault.text, "state"));
    assert_int_equal(world_count_files(w), 0);
    world_ok(w, w->sink->type->rollback(w->sink, &w->fault));
    world_page(w, 1);
    world_expect(w, A, "0 ");
}

static void an_empty_leftover_is_used_and_a_full_one_is_not(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    assert_int_equal(mkdir(w->dir, 0755), 0);
    scratch_write(world_path(w, A), STR("somebody's\n"));
    scratch_write(world_path(w, B), STR(""));
    world_open(w);
    world_page(w, 1);
    world_expect(w, A, "? ");
    world_expect(w, B, "0 ");
    assert_int_equal(world_count_files(w), 2);
}

// ---- what somebody else does

static void expect_left_alone(struct world *w, const char *content) {
    AUTO_FINI(buf) struct buf before = buf_make(1 << 20);
    buf_addz(&before, content);
    world_open(w);
    assert_true(world_noticed(w, "ev-20261122"));
    world_page(w, 2);
    AUTO_FINI(buf) struct buf after = scratch_read(world_path(w, A));
    assert_true(str_eq(buf_str(&before), buf_str(&after)));
    world_expect(w, B, "3 4 ");
}

static void a_replaced_file_is_left_alone(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 3);
    world_crash(w);
    char other[1000];
    memset(other, '.', sizeof other);
    other[999] = '\0';
    scratch_write(world_path(w, A), str_from(other));
    expect_left_alone(w, other);
}

static void a_file_of_the_same_length_with_other_content_is_left_alone(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 3);
    world_crash(w);
    AUTO_FINI(buf) struct buf other = scratch_read(world_path(w, A));
    other.p[other.n - 3] = 'y';
    scratch_write(world_path(w, A), buf_str(&other));
    expect_left_alone(w, buf_z(&other));
}

static void a_shortened_file_is_left_alone(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 3);
    world_crash(w);
    assert_int_equal(truncate(world_path(w, A), 50), 0);
    AUTO_FINI(buf) struct buf short_one = scratch_read(world_path(w, A));
    expect_left_alone(w, buf_z(&short_one));
}

static void a_symbolic_link_is_not_followed(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 3);
    world_ok(w, world_deliver(w, 1));
    world_crash(w);
    const char *target = scratch_path(*state, "target");
    assert_int_equal(rename(world_path(w, A), target), 0);
    assert_int_equal(symlink(target, world_path(w, A)), 0);
    int64_t size = scratch_size(target);
    world_open(w);
    assert_true(world_noticed(w, "not a regular file"));
    world_page(w, 1);
    assert_int_equal(scratch_size(target), size);
    world_expect(w, B, "3 ");
}

static void a_fifo_in_the_files_place_does_not_block(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 3);
    world_crash(w);
    assert_int_equal(unlink(world_path(w, A)), 0);
    assert_int_equal(mkfifo(world_path(w, A), 0600), 0);
    world_open(w);
    assert_true(world_noticed(w, "not a regular file"));
    world_page(w, 1);
    world_expect(w, B, "3 ");
}

static void a_vanished_file_gives_way_to_the_next_name(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 3);
    world_crash(w);
    assert_int_equal(unlink(world_path(w, A)), 0);
    world_open(w);
    assert_true(world_noticed(w, "is gone"));
    world_page(w, 1);
    world_expect(w, B, "3 ");
}

static void a_restored_backup_is_recognised_by_its_content(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 60);
    world_ok(w, world_deliver(w, 3));
    world_crash(w);
    AUTO_FINI(buf) struct buf all = scratch_read(world_path(w, A));
    assert_int_equal(rename(world_path(w, A), scratch_path(*state, "old")), 0);
    scratch_write(world_path(w, A), buf_str(&all)); // another inode
    world_open(w);
    assert_int_equal(w->sink->notice.text[0], 0);
    assert_int_equal(scratch_size(world_path(w, A)), 60 * 101);
}

static void a_pending_name_taken_by_another_file_is_left_alone(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    w->opts.rotate_every_kb = 1;
    w->doc_bytes = 600;
    world_open(w);
    world_page(w, 1);
    world_ok(w, world_deliver(w, 1));
    world_crash(w);
    assert_int_equal(rename(world_path(w, B), scratch_path(*state, "old")), 0);
    scratch_write(world_path(w, B), STR("somebody's\n"));
    world_open(w);
    world_expect(w, B, "? ");
    world_page(w, 1);
    world_expect(w, B, "? ");
    world_expect(w, C, "1 ");
}

static void a_file_moved_away_while_running_gives_way_to_a_new_one(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 2);
    assert_int_equal(rename(world_path(w, A), world_path(w, "ev.1")), 0);
    world_page(w, 2);
    assert_true(world_noticed(w, "moved"));
    world_expect(w, "ev.1", "0 1 ");
    world_expect(w, B, "2 3 ");
}

static void a_file_moved_in_the_middle_of_a_page_keeps_what_was_committed(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 2);
    world_ok(w, world_deliver(w, 1));
    assert_int_equal(rename(world_path(w, A), world_path(w, "ev.1")), 0);
    assert_int_equal(world_deliver_from(w, 3, 1), -ESTALE);
    world_ok(w, w->sink->type->rollback(w->sink, &w->fault));
    world_expect(w, "ev.1", "0 1 ");
    world_page(w, 2);
    world_expect(w, B, "2 3 ");
}

static void a_file_changed_while_running_is_left_as_it_is(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 2);
    assert_int_equal(truncate(world_path(w, A), 0), 0);
    world_page(w, 2);
    assert_true(world_noticed(w, "changed"));
    assert_int_equal(scratch_size(world_path(w, A)), 0);
    world_expect(w, B, "2 3 ");
    world_ok(w, world_deliver(w, 1));
    assert_int_equal(truncate(world_path(w, B), 10), 0);
    AUTO_FINI(buf) struct buf mark = buf_make(1000);
    assert_int_equal(w->sink->type->sync(w->sink, NULL, &mark, &w->fault), -ESTALE);
    world_ok(w, w->sink->type->rollback(w->sink, &w->fault));
    world_page(w, 1);
    world_expect(w, C, "4 ");
}

static void a_vanished_directory_is_waited_for(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 2);
    const char *away = scratch_path(*state, "away");
    assert_int_equal(rename(w->dir, away), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(world_deliver(w, 2), -ENOENT);
        assert_true(contains(w->fault.text, w->dir));
        world_ok(w, w->sink->type->rollback(w->sink, &w->fault));
    }
    assert_int_equal(rename(away, w->dir), 0);
    world_page(w, 2);
    world_expect(w, A, "0 1 2 3 ");
    world_close(w);
    assert_int_equal(rename(w->dir, away), 0);
    assert_int_equal(world_try_open(w), -ENOENT);
    assert_true(contains(w->fault.text, "bring it back"));
    assert_int_equal(scratch_size(w->dir), -1);
    assert_int_equal(mkdir(w->dir, 0755), 0);
    world_open(w);
    world_page(w, 1);
    world_expect(w, B, "4 ");
}

static void an_exchanged_directory_is_looked_at_anew(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 2);
    assert_int_equal(rename(w->dir, scratch_path(*state, "away")), 0);
    assert_int_equal(mkdir(w->dir, 0755), 0);
    world_page(w, 2);
    assert_true(world_noticed(w, "is gone"));
    world_expect(w, B, "2 3 ");
}

static void two_processes_never_write_one_file(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 1);
    AUTO(world) struct world *other = world_new(state, "file");
    buf_add_str(&other->mark, buf_str(&w->mark));
    assert_int_equal(world_try_open(other), -EBUSY);
    assert_true(contains(other->fault.text, A));
    buf_reset(&other->mark);
    other->next = 100;
    world_open(other);
    world_page(other, 1);
    world_page(w, 1);
    world_expect(w, A, "0 1 ");
    world_expect(w, B, "100 ");
}

static void another_path_or_filename_in_the_settings_leaves_the_old_file_whole(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    world_open(w);
    world_page(w, 1);
    world_ok(w, world_deliver(w, 1));
    world_crash(w);
    w->opts.filename = "new";
    world_open(w);
    world_page(w, 1);
    world_expect(w, A, "0 ");
    world_expect(w, "new-20261122.ndjson", "1 ");
    world_ok(w, world_deliver(w, 1));
    world_crash(w);
    const char *elsewhere = scratch_path(*state, "out/sub");
    w->opts.path = elsewhere;
    world_open(w);
    world_expect(w, "new-20261122.ndjson", "1 ");
    world_page(w, 1);
    world_expect(w, "sub/new-20261122.ndjson", "2 ");
}

// ---- trouble

static int fill_disk(void *ctx) {
    struct world *w = ctx;
    w->doc_bytes = 1000;
    signal(SIGXFSZ, SIG_IGN);
    world_open(w);
    world_page(w, 10);
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 15500;
    setrlimit(RLIMIT_FSIZE, &limit);
    if (world_deliver(w, 10) != -EFBIG || !contains(w->fault.text, A)) return 1;
    if (scratch_size(world_path(w, A)) != 15500) return 2;
    if (w->sink->type->rollback(w->sink, &w->fault)) return 3;
    if (scratch_size(world_path(w, A)) != 10010) return 4;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
    world_page(w, 2);
    world_expect(w, A, "0 1 2 3 4 5 6 7 8 9 10 11 ");
    return 0;
}

static void a_full_disk_loses_and_doubles_nothing(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    assert_int_equal(in_child(fill_disk, w), 0);
}

static int open_unwritable(void *ctx) {
    struct world *w = ctx;
    become_nobody();
    if (world_try_open(w) != -EACCES) return 1;
    return contains(w->fault.text, w->dir) ? 0 : 2;
}

static int deliver_unwritable(void *ctx) {
    struct world *w = ctx;
    become_nobody();
    world_open(w);
    if (world_deliver(w, 1) != -EACCES) return 1;
    return contains(w->fault.text, w->dir) ? 0 : 2;
}

static int dry_unwritable(void *ctx) {
    struct world *w = ctx;
    w->opts.dry_run = true;
    return open_unwritable(w);
}

static void an_unwritable_place_is_named(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    assert_int_equal(chmod(w->scratch->dir, 0555), 0);
    assert_int_equal(in_child(open_unwritable, w), 0);
    assert_int_equal(in_child(dry_unwritable, w), 0);
    assert_int_equal(chmod(w->scratch->dir, 0755), 0);
    assert_int_equal(mkdir(w->dir, 0555), 0);
    assert_int_equal(in_child(deliver_unwritable, w), 0);
    assert_int_equal(in_child(dry_unwritable, w), 0);
}

static void settings_that_make_no_sense_are_refused(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    w->opts.filename = "a/b";
    assert_int_equal(world_try_open(w), -EINVAL);
    w->opts.filename = NULL;
    w->opts.path = NULL;
    assert_int_equal(world_try_open(w), -EINVAL);
}

static void a_dry_run_changes_nothing(void **state) {
    AUTO(world) struct world *w = world_new(state, "file");
    w->opts.dry_run = true;
    world_open(w);
    assert_true(world_noticed(w, "will be made"));
    assert_int_equal(scratch_size(w->dir), -1);
    world_close(w);
    w->opts.dry_run = false;
    world_open(w);
    world_page(w, 1);
    world_ok(w, world_deliver(w, 1));
    AUTO(world) struct world *dry = world_new(state, "file");
    dry->opts.dry_run = true;
    buf_add_str(&dry->mark, buf_str(&w->mark));
    world_open(dry);
    assert_true(world_noticed(dry, "another process"));
    world_close(dry);
    world_crash(w);
    int saves = dry->saves;
    world_open(dry);
    world_expect(w, A, "0 1 ");
    assert_int_equal(world_count_files(w), 1);
    assert_int_equal(dry->saves, saves);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(names_are_filebeats),
        T(a_mark_is_read_as_it_was_written),
        T(a_mark_that_is_no_mark_is_refused_and_anothers_ignored),
        T(documents_are_lines_of_a_private_file_in_a_directory_that_is_made),
        T(permissions_are_set_whatever_umask_says),
        T(reopening_goes_on_in_the_same_file),
        T(nothing_to_commit_gives_no_mark),
        T(files_rotate_between_documents_when_the_next_would_not_fit),
        T(a_document_larger_than_the_limit_has_a_file_of_its_own),
        T(a_new_utc_day_begins_a_new_file),
        T(the_oldest_files_go_but_only_after_the_commit),
        T(number_of_files_zero_keeps_all_and_one_keeps_the_current),
        T(what_was_not_committed_is_cut_off_on_start),
        T(a_first_file_that_was_never_committed_is_removed_on_start),
        T(files_begun_in_an_uncommitted_page_are_removed_on_start),
        T(rollback_takes_back_the_page_in_all_files),
        T(the_mark_is_saved_before_anything_is_cut),
        T(a_new_file_that_cannot_be_remembered_is_taken_back),
        T(an_empty_leftover_is_used_and_a_full_one_is_not),
        T(a_replaced_file_is_left_alone),
        T(a_file_of_the_same_length_with_other_content_is_left_alone),
        T(a_shortened_file_is_left_alone),
        T(a_symbolic_link_is_not_followed),
        T(a_fifo_in_the_files_place_does_not_block),
        T(a_vanished_file_gives_way_to_the_next_name),
        T(a_restored_backup_is_recognised_by_its_content),
        T(a_pending_name_taken_by_another_file_is_left_alone),
        T(a_file_moved_away_while_running_gives_way_to_a_new_one),
        T(a_file_moved_in_the_middle_of_a_page_keeps_what_was_committed),
        T(a_file_changed_while_running_is_left_as_it_is),
        T(a_vanished_directory_is_waited_for),
        T(an_exchanged_directory_is_looked_at_anew),
        T(two_processes_never_write_one_file),
        T(another_path_or_filename_in_the_settings_leaves_the_old_file_whole),
        T(a_full_disk_loses_and_doubles_nothing),
        T(an_unwritable_place_is_named),
        T(settings_that_make_no_sense_are_refused),
        T(a_dry_run_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
