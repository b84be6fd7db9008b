// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kafka-bench.h"

struct fake_cluster cluster;

static void a_page_and_its_position_are_one_transaction(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    assert_int_equal(told(b), 0);
    int before = cluster.commits;
    ok(b, page(b, "a", "b", "n1"));
    commit(b);
    assert_int_equal(cluster.commits, before + 1);
    assert_int_equal(fake_count("logs", "{\"a\":1}"), 1);
    assert_int_equal(fake_count("logs", "{\"b\":1}"), 1);
    assert_string_equal(cluster.log.p[cluster.log.n - 1].key, "gate|acme");
    assert_non_null(strstr(cluster.log.p[cluster.log.n - 1].value, "\"next\":\"n1\""));
}

static void a_cursor_that_stands_writes_nothing_and_one_that_moves_does(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    ok(b, page(b, "a", "b", "n1"));
    commit(b);
    size_t had = cluster.log.n;
    ok(b, sync_at(b, "n1"));
    assert_int_equal(b->synced.n, 0);
    commit(b);
    assert_int_equal(cluster.log.n, had);
    ok(b, sync_at(b, "n2"));
    assert_true(b->synced.n > 0);
    commit(b);
    assert_int_equal(cluster.log.n, had + 1);
}

static void what_was_committed_there_and_not_here_is_recognised(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    ok(b, page(b, "a", "b", "n1"));
    crash(b); // before the state was written
    open_sink(b);
    assert_int_equal(told(b), 0);
    ok(b, page(b, "b", "c", "n2")); // cut differently
    crash(b);
    open_sink(b);
    ok(b, page(b, "a", "b", "n3"));
    commit(b);
    ok(b, page(b, "c", "d", "n4"));
    commit(b);
    for (const char *name = "abcd"; *name; name++) {
        char value[20];
        snprintf(value, sizeof value, "{\"%c\":1}", *name);
        assert_int_equal(fake_count("logs", value), 1);
    }
}

static void a_commit_here_that_fails_leaves_nothing_to_be_sent_again(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    ok(b, page(b, "a", "b", "n1"));
    ok(b, undo(b)); // the state could not be written
    ok(b, page(b, "a", "b", "n1"));
    commit(b);
    crash(b);
    open_sink(b);
    assert_int_equal(told(b), 0);
    assert_int_equal(fake_count("logs", "{\"a\":1}"), 1);
}

static void lost_answer(bool done) {
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    cluster.next = done ? FAKE_DOUBT_DONE : FAKE_DOUBT_UNDONE;
    cluster.in_calls = 2; // flush of the page, flush of the record, commit
    assert_int_equal(page(b, "a", "b", "n1"), -EIO);
    assert_int_equal(fake_count("logs", "{\"a\":1}"), done);
    assert_int_equal(undo(b), -EIO); // only a new producer can tell
    crash(b);
    open_sink(b);
    assert_int_equal(told(b), 0);
    ok(b, page(b, "a", "b", "n1"));
    commit(b);
    assert_int_equal(fake_count("logs", "{\"a\":1}"), 1);
}

static void the_answer_to_a_commit_is_lost_but_it_was_done(void **state) {
    (void)state;
    lost_answer(true);
}

static void the_answer_to_a_commit_is_lost_and_it_was_not_done(void **state) {
    (void)state;
    lost_answer(false);
}

static void a_broker_that_is_away_is_asked_again(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    cluster.next = FAKE_GONE;
    assert_int_equal(try_open(b), -EIO);
    assert_non_null(strstr(b->fault.text, "broker"));
    open_sink(b);
    cluster.next = FAKE_GONE;
    assert_int_equal(page(b, "a", "b", "n1"), -EIO);
    ok(b, undo(b));
    ok(b, page(b, "a", "b", "n1"));
    commit(b);
    assert_int_equal(fake_count("logs", "{\"a\":1}"), 1);
}

static void another_state_takes_over_and_the_first_stops(void **state) {
    (void)state;
    AUTO(bench) struct bench *first = bench_new();
    AUTO(bench) struct bench *second = bench_new();
    open_sink(first);
    ok(first, page(first, "a", "b", "n1"));
    commit(first);
    open_sink(second);
    assert_int_equal(told(second), 1);
    assert_string_equal(second->next, "n1");
    assert_int_equal(page(first, "c", "d", "n2"), -EPIPE);
    assert_non_null(strstr(first->fault.text, "another collector"));
    ok(first, undo(first));
    assert_int_equal(page(first, "c", "d", "n2"), -EPIPE);
    ok(second, page(second, "c", "d", "n2"));
    commit(second);
    crash(second);
    open_sink(second);
    assert_int_equal(told(second), 0);
    assert_int_equal(fake_count("logs", "{\"c\":1}"), 1);
}

// Nobody took over: a transaction lasted longer than the broker keeps one.
static void who_is_fenced_by_time_goes_on(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    cluster.next = FAKE_EXPIRED;
    cluster.in_calls = 1;
    assert_int_equal(page(b, "a", "b", "n1"), -EIO);
    assert_int_equal(undo(b), -EIO);
    crash(b);
    open_sink(b);
    ok(b, page(b, "a", "b", "n1"));
    commit(b);
    assert_int_equal(fake_count("logs", "{\"a\":1}"), 1);
}

static void a_state_from_a_backup_goes_on_where_kafka_stands(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    AUTO_FINI(buf) struct buf backup = buf_make(1 << 20);
    open_sink(b);
    ok(b, page(b, "a", "b", "n1"));
    commit(b);
    buf_add_str(&backup, buf_str(&b->mark));
    ok(b, page(b, "c", "d", "n2"));
    commit(b);
    ok(b, page(b, "e", "f", "n3"));
    commit(b);
    crash(b);
    (void)!save_mark(b, buf_str(&backup));
    open_sink(b);
    assert_int_equal(told(b), 1);
    assert_string_equal(b->next, "n3");
}

static void a_topic_that_was_made_anew_is_told_and_the_state_goes_on(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    ok(b, page(b, "a", "b", "n1"));
    commit(b);
    crash(b);
    fake_clear(&cluster.log);
    open_sink(b);
    assert_int_equal(told(b), 0);
    assert_non_null(strstr(b->sink->notice.text, "knows less"));
    ok(b, page(b, "c", "d", "n2"));
    commit(b);
}

static void refused(const char *what, bool batches, const char *locally) {
    AUTO(bench) struct bench *b = bench_new();
    struct sink_reply replies[4];
    const struct sink_doc docs[] = {document("u1", "{\"n\":1}"), document("u2", "{\"big\":2}"),
                                    document("u3", "{\"big\":3}"), document("", "{\"n\":4}")};
    fake_reset();
    cluster.refuses = locally ? NULL : "big";
    cluster.locally = locally;
    cluster.batches = batches;
    open_sink(b);
    ok(b, deliver(b, docs, 4, replies));
    assert_int_equal(replies[0].verdict, SINK_DELIVERED);
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(replies[i].verdict, SINK_REJECTED);
        assert_non_null(strstr(replies[i].fault->text, what));
    }
    assert_int_equal(replies[3].verdict, SINK_REJECTED);
    assert_non_null(strstr(replies[3].fault->text, "no uuid"));
    ok(b, sync_at(b, "n1"));
    commit(b);
    assert_int_equal(fake_count("logs", "{\"n\":1}"), 1);
    assert_int_equal(fake_count("logs", "{\"big\":2}"), 0);
}

static void what_is_refused_is_left_out_and_the_rest_gets_in(void **state) {
    (void)state;
    refused("a broker refuses it", false, NULL);
    refused("a broker refuses it", true, NULL);
    refused("max_message_bytes", false, "big");
}

static void reject_one(struct bench *b, const struct sink_doc *doc, const char *why) {
    struct sink_reply reply;
    ok(b, deliver(b, doc, 1, &reply));
    assert_int_equal(reply.verdict, SINK_REJECTED);
    if (!strstr(reply.fault->text, why)) fail_msg("%s", reply.fault->text);
}

static void a_document_without_a_possible_topic_is_refused(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    b->kafka.topic = "%{[t]}";
    b->kafka.key = "%{[k]:none}";
    open_sink(b);
    const struct sink_doc none = document("1", "{}"), blank = document("2", "{\"t\":\"a b\"}"),
                          own = document("3", "{\"t\":\"positions\"}"),
                          dots = document("4", "{\"t\":\"..\"}"),
                          good = document("5", "{\"t\":\"x\"}");
    reject_one(b, &none, "no field t");
    reject_one(b, &blank, "not a name");
    reject_one(b, &own, "that of the positions");
    reject_one(b, &dots, "not a name");
    struct sink_reply reply;
    ok(b, deliver(b, &good, 1, &reply));
    assert_int_equal(reply.verdict, SINK_DELIVERED);
    ok(b, sync_at(b, "n"));
    assert_string_equal(cluster.log.p[cluster.log.n - 2].topic, "x");
    assert_string_equal(cluster.log.p[cluster.log.n - 2].key, "none");
}

static void a_dead_letter_that_is_tried_again_is_recognised_too(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    const struct sink_doc doc = document("u", "{\"late\":1}");
    struct sink_reply reply;
    open_sink(b);
    for (int i = 0; i < 3; i++) {
        ok(b, deliver(b, &doc, 1, &reply));
        assert_int_equal(reply.verdict, SINK_DELIVERED);
        ok(b, sync_at(b, NULL));
        crash(b);
        open_sink(b);
    }
    assert_int_equal(fake_count("logs", "{\"late\":1}"), 1);
    assert_int_equal(told(b), 0);
}

static void the_same_document_twice_in_a_page_is_one(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    open_sink(b);
    ok(b, page(b, "a", "a", "n1"));
    assert_int_equal(fake_count("logs", "{\"a\":1}"), 1);
}

static void settings_that_cannot_be_meant_are_refused(void **state) {
    (void)state;
    AUTO(bench) struct bench *b = bench_new();
    b->kafka.topic = "%{[x}";
    assert_int_equal(try_open(b), -EINVAL);
    assert_non_null(strstr(b->fault.text, "topic"));
    b->kafka.topic = "positions";
    assert_int_equal(try_open(b), -EINVAL);
    b->kafka.topic = "";
    assert_int_equal(try_open(b), -EINVAL);
    b->kafka.topic = "t";
    b->kafka.key = "%{x}";
    assert_int_equal(try_open(b), -EINVAL);
    assert_non_null(strstr(b->fault.text, "key"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_page_and_its_position_are_one_transaction, reset),
        cmocka_unit_test_teardown(a_cursor_that_stands_writes_nothing_and_one_that_moves_does,
                                  reset),
        cmocka_unit_test_teardown(what_was_committed_there_and_not_here_is_recognised, reset),
        cmocka_unit_test_teardown(a_commit_here_that_fails_leaves_nothing_to_be_sent_again, reset),
        cmocka_unit_test_teardown(the_answer_to_a_commit_is_lost_but_it_was_done, reset),
        cmocka_unit_test_teardown(the_answer_to_a_commit_is_lost_and_it_was_not_done, reset),
        cmocka_unit_test_teardown(a_broker_that_is_away_is_asked_again, reset),
        cmocka_unit_test_teardown(another_state_takes_over_and_the_first_stops, reset),
        cmocka_unit_test_teardown(who_is_fenced_by_time_goes_on, reset),
        cmocka_unit_test_teardown(a_state_from_a_backup_goes_on_where_kafka_stands, reset),
        cmocka_unit_test_teardown(a_topic_that_was_made_anew_is_told_and_the_state_goes_on, reset),
        cmocka_unit_test_teardown(what_is_refused_is_left_out_and_the_rest_gets_in, reset),
        cmocka_unit_test_teardown(a_document_without_a_possible_topic_is_refused, reset),
        cmocka_unit_test_teardown(a_dead_letter_that_is_tried_again_is_recognised_too, reset),
        cmocka_unit_test_teardown(the_same_document_twice_in_a_page_is_one, reset),
        cmocka_unit_test_teardown(settings_that_cannot_be_meant_are_refused, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
