// SPDX-License-Identifier: Apache-2.0
// The Elasticsearch sink over an engine that does what it is told. `create` answers 409 in the
// index that is written to; everything else that keeps documents from being doubled is the sink's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine_rig.h"

#define HOUR_MS ((int64_t)TIME_HOUR_MS)

static bool says(const char *text, const char *part) {
    bool yes = strstr(text, part);
    if (!yes) print_error("no \"%s\" in: %s\n", part, text);
    return yes;
}

static void start(struct rig *rig) {
    rig_init(rig);
    rig_open(rig);
}

static size_t count_repeated(const struct rig *rig) {
    size_t n = 0;
    for (size_t i = 0; i < rig->n; i++) n += rig->replies[i].repeated;
    return n;
}

static void every_document_gets_in_once(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 10);
    rig_pass(&rig);
    rig_each_once(&rig);
    assert_int_equal(count_repeated(&rig), 0);
    rig_pass(&rig);
    rig_each_once(&rig);
    assert_int_equal(count_repeated(&rig), 10);
    assert_int_equal(fake.doc_count, 10);
    rig_close(&rig);
}

static void what_comes_without_a_uuid_or_a_name_is_rejected_alone(void **state) {
    (void)state;
    struct rig rig;
    char long_id[600];
    memset(long_id, 'x', sizeof long_id);
    start(&rig);
    rig_page(&rig, "a", 4);
    rig.docs[0].uuid = STR_NONE;
    rig.docs[1].uuid = (struct str){long_id, sizeof long_id};
    rig.docs[2].name_space = STR("Has Blanks");
    rig_ok(&rig, rig_deliver(&rig));
    const char *reasons[] = {"no uuid", "longer than 512", "no name for an index"};
    for (size_t i = 0; i < LEN(reasons); i++) {
        assert_int_equal(rig.replies[i].verdict, SINK_REJECTED);
        assert_true(says(rig.replies[i].fault->text, reasons[i]));
    }
    assert_int_equal(rig.replies[3].verdict, SINK_DELIVERED);
    assert_int_equal(fake.doc_count, 1);
    rig_close(&rig);
}

// Nothing of such a page has anywhere to go.
static void a_page_without_a_single_name_is_rejected(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.elastic.index = "okta-%{[no.such.field]}";
    rig_open(&rig);
    rig_page(&rig, "a", 3);
    rig_ok(&rig, rig_deliver(&rig));
    for (size_t i = 0; i < rig.n; i++) {
        assert_int_equal(rig.replies[i].verdict, SINK_REJECTED);
        assert_true(says(rig.replies[i].fault->text, "no.such.field"));
    }
    rig_commit(&rig);
    assert_int_equal(fake.seen.bulks, 0);
    rig_close(&rig);
}

static void mapping_errors_are_rejected_with_the_engines_reason(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 2);
    rig_add(&rig, "bad", rig.now_ms);
    rig_ok(&rig, rig_deliver(&rig));
    assert_int_equal(rig.replies[0].verdict, SINK_DELIVERED);
    assert_int_equal(rig.replies[2].verdict, SINK_REJECTED);
    assert_string_equal(rig.replies[2].fault->text, "document_parsing_exception: no number");
    rig_commit(&rig);
    assert_string_equal(rig.replies[2].fault->text, "document_parsing_exception: no number");
    rig_close(&rig);
}

static void only_what_was_not_taken_is_sent_again(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 5);
    rig_add(&rig, "busy1", rig.now_ms);
    rig_add(&rig, "bad", rig.now_ms);
    fake.busy = 2;
    assert_int_equal(rig_deliver(&rig), -EAGAIN);
    assert_true(says(rig.fault.text, "1 of 7 documents"));
    assert_true(says(rig.fault.text, "es_rejected_execution_exception: full"));
    assert_true(rig.sink->progress);
    assert_int_equal(fake.seen.sent, 7);
    assert_int_equal(rig_deliver(&rig), -EAGAIN);
    assert_false(rig.sink->progress);
    assert_int_equal(fake.seen.sent, 8);
    rig_ok(&rig, rig_deliver(&rig));
    assert_int_equal(fake.seen.sent, 9);
    assert_int_equal(count_repeated(&rig), 0);
    assert_int_equal(rig.replies[6].verdict, SINK_REJECTED);
    assert_true(says(rig.replies[6].fault->text, "no number"));
    rig_commit(&rig);
    rig_close(&rig);
}

// A page that was there in part, and is tried twice.
static void what_was_there_is_told_as_repeated_by_a_later_try_too(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 3);
    rig_pass(&rig);
    rig_add(&rig, "new", rig.now_ms);
    rig_add(&rig, "busy", rig.now_ms);
    fake.busy = 1;
    assert_int_equal(rig_deliver(&rig), -EAGAIN);
    rig_ok(&rig, rig_deliver(&rig));
    for (size_t i = 0; i < rig.n; i++) assert_int_equal(rig.replies[i].repeated, i < 3);
    rig_close(&rig);
}

// As long as one document is held up by something that may pass, the whole page is.
static void what_somebody_has_to_set_right_is_told_apart(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "locked", 3);
    fake.locked = true;
    assert_int_equal(rig_deliver(&rig), -EINVAL);
    assert_true(says(rig.fault.text, "3 of 3 documents"));
    assert_true(says(rig.fault.text, "security_exception: not yours"));
    rig_add(&rig, "busy", rig.now_ms);
    fake.busy = 1;
    assert_int_equal(rig_deliver(&rig), -EAGAIN);
    fake.locked = false;
    rig_pass(&rig);
    rig_each_once(&rig);
    rig_close(&rig);
}

static void a_pause_that_the_engine_asks_for_is_passed_on(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 5);
    fake.trouble = (struct fake_trouble){.refuse = 1, .refuse_status = 429, .retry_after_ms = 7000};
    assert_int_equal(rig_deliver(&rig), -EAGAIN);
    assert_int_equal(rig.sink->wait_ms, 7000);
    assert_true(says(rig.fault.text, "429"));
    rig_ok(&rig, rig_deliver(&rig));
    assert_int_equal(rig.sink->wait_ms, 0);
    rig_close(&rig);
}

static void wrong_credentials_are_told_and_lose_nothing(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 5);
    fake.trouble = (struct fake_trouble){.refuse = 1, .refuse_status = 403};
    assert_int_equal(rig_deliver(&rig), -EACCES);
    assert_true(says(rig.fault.text, "403"));
    rig_pass(&rig);
    rig_each_once(&rig);
    rig_close(&rig);
}

static void a_request_that_is_too_large_is_halved(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 40);
    fake.trouble.body_max = 500;
    rig_pass(&rig);
    rig_each_once(&rig);
    int bulks = fake.seen.bulks;
    rig_page(&rig, "b", 40);
    rig_pass(&rig);
    assert_true(fake.seen.bulks - bulks < bulks); // it knows by now
    rig_close(&rig);
}

static void a_document_that_is_too_large_by_itself_is_rejected(void **state) {
    (void)state;
    struct rig rig;
    static char large[2000];
    start(&rig);
    memset(large, ' ', sizeof large);
    large[0] = '{';
    large[sizeof large - 1] = '}';
    rig_page(&rig, "a", 5);
    rig.docs[3].document = (struct str){large, sizeof large};
    fake.trouble.body_max = 500;
    rig_ok(&rig, rig_deliver(&rig));
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(rig.replies[i].verdict, i == 3 ? SINK_REJECTED : SINK_DELIVERED);
    assert_true(says(rig.replies[3].fault->text, "413"));
    rig_close(&rig);
}

static void bulk_max_size_bounds_each_request(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.elastic.bulk_max_size = 7;
    rig_open(&rig);
    rig_page(&rig, "a", 20);
    rig_pass(&rig);
    assert_int_equal(fake.seen.bulks, 3);
    rig_each_once(&rig);
    rig_close(&rig);
}

static void a_lost_answer_doubles_nothing(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 10);
    fake.trouble.lost = 2;
    assert_int_equal(rig_deliver(&rig), -EIO);
    assert_int_equal(rig_deliver(&rig), -EIO);
    rig_pass(&rig);
    assert_int_equal(fake.doc_count, 10);
    rig_close(&rig);
}

static void an_answer_that_is_none_counts_as_lost(void **state) {
    (void)state;
    static const char *const answers[] = {
        "", "{", "[]", "{\"items\":[]}", "<html>", "{\"items\":[{\"create\":{}},{\"create\":{}}]}"};
    for (size_t i = 0; i < LEN(answers); i++) {
        struct rig rig;
        start(&rig);
        rig_page(&rig, "a", 2);
        fake.trouble.garbage = answers[i];
        assert_int_equal(rig_deliver(&rig), -EIO);
        assert_true(says(rig.fault.text, "POST /_bulk"));
        rig_pass(&rig);
        assert_int_equal(fake.doc_count, 2);
        rig_close(&rig);
    }
}

static void nothing_is_looked_up_in_the_steady_state(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    for (int i = 0; i < 100; i++) {
        char prefix[20];
        snprintf(prefix, sizeof prefix, "p%d-", i);
        rig.now_ms += TIME_MINUTE_MS;
        rig_page(&rig, prefix, 5);
        rig_pass(&rig);
        // The first two learn how the indices are called.
        if (i == 0) fake_forget_seen();
    }
    assert_int_equal(fake.seen.all, 99);
    assert_int_equal(fake.seen.bulks, 99);
    assert_true(rig.saves <= 10);
    rig_close(&rig);
}

static void a_rollover_costs_a_look_and_is_over_soon(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 5);
    rig_pass(&rig);
    fake_rollover(RIG_STREAM);
    fake_forget_seen();
    rig_page(&rig, "b", 5);
    rig_pass(&rig);
    assert_int_equal(fake.seen.resolves, 1);
    assert_int_equal(fake.seen.finds, 1);
    rig.now_ms += HOUR_MS;
    fake_forget_seen();
    rig_page(&rig, "c", 5);
    rig_pass(&rig);
    assert_int_equal(fake.seen.all, 1);
    rig_close(&rig);
}

static void a_repeat_behind_a_rollover_is_not_doubled(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 5);
    rig_pass(&rig);
    rig_page(&rig, "b", 10);
    fake.trouble.lost = 1;
    assert_int_equal(rig_deliver(&rig), -EIO);
    fake_rollover(RIG_STREAM);
    rig_pass(&rig);
    rig_each_once(&rig);
    assert_int_equal(count_repeated(&rig), 10);
    assert_int_equal(fake.seen.removes, 0);
    rig_close(&rig);
}

static void a_crash_before_the_commit_and_a_rollover_double_nothing(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 5);
    rig_pass(&rig);
    rig_page(&rig, "b", 10);
    rig_ok(&rig, rig_deliver(&rig));
    rig_close(&rig);
    fake_rollover(RIG_STREAM);
    rig_open(&rig);
    rig_pass(&rig);
    rig_each_once(&rig);
    assert_int_equal(fake.seen.removes, 0);
    rig_close(&rig);
}

static void a_rollover_while_a_repeat_is_sent_is_repaired(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "b", 10);
    rig_ok(&rig, rig_deliver(&rig));
    rig_close(&rig);
    rig_open(&rig);
    fake.trouble.roll_within = 1; // behind our look at the indices
    rig_pass(&rig);
    rig_each_once(&rig);
    assert_int_equal(count_repeated(&rig), 10);
    assert_int_equal(fake.seen.removes, 9);
    rig_close(&rig);
}

static void the_rest_of_a_page_is_looked_up_anew_behind_a_rollover(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig.elastic.bulk_max_size = 4;
    rig_page(&rig, "b", 10);
    rig_ok(&rig, rig_deliver(&rig));
    rig_close(&rig);
    rig_open(&rig);
    fake.trouble.roll_within = 1; // in the first of three requests: the others find another index
    rig_pass(&rig);
    rig_each_once(&rig);
    assert_int_equal(fake.seen.removes, 3);
    rig_close(&rig);
}

static void a_request_that_two_hosts_have_done_is_repaired(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "b", 10);
    rig_ok(&rig, rig_deliver(&rig));
    rig_close(&rig);
    rig_open(&rig);
    fake.trouble.roll_before = 1;
    fake.trouble.twice = 1; // all are there (409), but in an index behind a rollover
    rig_pass(&rig);
    rig_each_once(&rig);
    rig_close(&rig);
}

static void a_crash_before_the_repair_is_repaired(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "b", 10);
    rig_ok(&rig, rig_deliver(&rig));
    rig_close(&rig);
    rig_open(&rig);
    fake.trouble.roll_before = 1;
    fake.trouble.lost = 1; // now they are in two indices, and nobody has told us
    assert_int_equal(rig_deliver(&rig), -EIO);
    assert_int_equal(fake.doc_count, 20);
    rig_close(&rig);
    rig_open(&rig);
    rig_pass(&rig);
    rig_each_once(&rig);
    rig_close(&rig);
}

static void an_old_page_is_recognised_although_it_was_committed_long_ago(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 5);
    rig_pass(&rig);
    struct sink_doc old[RIG_PAGE_MAX];
    memcpy(old, rig.docs, sizeof old);
    for (int i = 0; i < 5; i++) {
        rig.now_ms += 100 * HOUR_MS;
        fake_rollover(RIG_STREAM);
        rig.n = 0;
        char id[40];
        snprintf(id, sizeof id, "new%d", i);
        rig_add(&rig, id, rig.now_ms);
        rig_pass(&rig);
    }
    rig_open(&rig);
    rig_page(&rig, "a", 5);
    memcpy(rig.docs, old, sizeof old); // the same once more: a window of the history
    rig_pass(&rig);
    rig_each_once(&rig);
    assert_int_equal(fake.seen.removes, 0);
    rig_close(&rig);
}

static void a_state_from_a_backup_doubles_nothing(void **state) {
    (void)state;
    struct rig rig;
    char backup[RIG_MARK_MAX];
    start(&rig);
    rig_page(&rig, "a", 5);
    rig_pass(&rig);
    memcpy(backup, rig.mark, sizeof backup);
    rig.now_ms += 5 * HOUR_MS;
    rig_page(&rig, "b", 5);
    rig_pass(&rig);
    fake_rollover(RIG_STREAM);
    rig.now_ms += 5 * HOUR_MS;
    rig_close(&rig);
    memcpy(rig.mark, backup, sizeof backup);
    rig_open(&rig);
    for (size_t i = 0; i < rig.n; i++) assert_int_equal(fake_count(rig.ids[i]), 1);
    rig_pass(&rig);
    rig_each_once(&rig);
    rig_close(&rig);
}

static void an_empty_state_over_a_full_data_stream_doubles_nothing(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig.n = 0;
    for (int i = 0; i < 8; i++) {
        char id[40];
        snprintf(id, sizeof id, "a%d", i);
        rig_add(&rig, id, rig.now_ms);
        rig_pass(&rig);
        fake_rollover(RIG_STREAM);
        rig.now_ms += HOUR_MS;
    }
    rig_close(&rig);
    rig.mark[0] = '\0';
    rig_open(&rig);
    rig_pass(&rig);
    rig_each_once(&rig);
    assert_int_equal(fake.doc_count, 8);
    rig_close(&rig);
}

// Of a state that is lost nobody knows how far Okta's clock was ahead of ours, nor of a backup's.
static void a_lost_state_doubles_nothing_although_the_clock_is_behind(void **state) {
    (void)state;
    struct rig rig;
    char marks[2][RIG_MARK_MAX] = {""};
    for (size_t i = 0; i < LEN(marks); i++) {
        start(&rig);
        rig_page(&rig, "a", 5);
        for (size_t k = 0; k < rig.n; k++) rig.docs[k].published_ms -= 30 * 24 * HOUR_MS;
        rig_pass(&rig);
        memcpy(marks[1], rig.mark, sizeof marks[1]);
        rig_page(&rig, "b", 5);
        for (size_t k = 0; k < rig.n; k++) rig.docs[k].published_ms += 20 * HOUR_MS;
        rig_pass(&rig);
        fake_rollover(RIG_STREAM);
        rig_close(&rig);
        memcpy(rig.mark, marks[i], sizeof rig.mark);
        rig_open(&rig);
        rig_pass(&rig);
        rig_each_once(&rig);
        rig_close(&rig);
    }
}

static void documents_without_a_time_are_looked_up_everywhere(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig.n = 0;
    rig_add(&rig, "none", 0)->has_published = false;
    rig_add(&rig, "far", rig.now_ms + 9000 * HOUR_MS);
    rig_add(&rig, "near", rig.now_ms);
    rig_pass(&rig);
    assert_true(says(rig.mark, "\"horizon\":17953494")); // is not carried away by it
    fake_rollover(RIG_STREAM);
    rig.now_ms += 48 * HOUR_MS;
    rig_open(&rig);
    rig_pass(&rig);
    rig_each_once(&rig);
    rig_close(&rig);
}

static void lookups_that_are_forbidden_hold_the_delivery_up(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 5);
    rig_ok(&rig, rig_deliver(&rig));
    rig_close(&rig);
    fake_rollover(RIG_STREAM);
    rig_open(&rig);
    fake.trouble.forbid_find = 1;
    fake_forget_seen();
    assert_int_equal(rig_deliver(&rig), -EACCES);
    assert_true(says(rig.fault.text, "privilege read"));
    assert_int_equal(fake.seen.bulks, 0);
    fake.trouble.forbid_find = 0;
    rig_pass(&rig);
    rig_each_once(&rig);
    rig_close(&rig);
}

static void a_removal_that_is_forbidden_is_told_and_made_up_for(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 5);
    rig_ok(&rig, rig_deliver(&rig));
    rig_open(&rig);
    fake.trouble.roll_before = 1;
    fake.trouble.forbid_remove = 1;
    assert_int_equal(rig_deliver(&rig), -EACCES);
    assert_true(says(rig.fault.text, "privilege delete"));
    assert_int_equal(rig_deliver(&rig), -EACCES);
    fake.trouble.forbid_remove = 0;
    rig_pass(&rig);
    rig_each_once(&rig);
    rig_close(&rig);
}

static void a_lookup_that_fails_is_made_again(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 5);
    rig_ok(&rig, rig_deliver(&rig));
    rig_open(&rig);
    fake.trouble.roll_before = 1;
    fake.trouble.lost_find = 2;
    assert_int_equal(rig_deliver(&rig), -EIO);
    assert_int_equal(rig_deliver(&rig), -EIO);
    rig_pass(&rig);
    rig_each_once(&rig);
    rig_close(&rig);
}

static void the_horizon_is_saved_before_it_is_passed(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 3);
    rig.fail_save = ENOSPC;
    assert_int_equal(rig_deliver(&rig), -ENOSPC);
    assert_int_equal(fake.seen.bulks, 0);
    rig.fail_save = 0;
    rig_pass(&rig);
    assert_int_equal(rig.saves, 2);
    rig.now_ms += TIME_MINUTE_MS;
    rig_page(&rig, "b", 3);
    rig_pass(&rig);
    assert_int_equal(rig.saves, 2);
    rig.now_ms += 10 * TIME_MINUTE_MS;
    rig_page(&rig, "c", 3);
    rig_pass(&rig);
    assert_int_equal(rig.saves, 3);
    rig_close(&rig);
}

// Okta's clock may be ahead of ours: the horizon goes by what was published.
static void a_clock_that_is_behind_doubles_nothing(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 3);
    rig_pass(&rig);
    rig_page(&rig, "b", 5);
    for (size_t i = 0; i < rig.n; i++) rig.docs[i].published_ms += 3 * HOUR_MS;
    rig_ok(&rig, rig_deliver(&rig));
    fake_rollover(RIG_STREAM);
    rig_open(&rig);
    rig.now_ms -= HOUR_MS;
    rig_pass(&rig);
    rig_each_once(&rig);
    rig_close(&rig);
}

static void marks_that_cannot_be_understood_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *mark;
        int outcome;
        const char *fault;
    } cases[] = {
        {"{", -EINVAL, "cannot be understood: {"},
        {"[]", -EINVAL, "cannot be understood"},
        {"{\"sink\":\"elasticsearch\"}", -EINVAL, "cannot be understood"},
        {"{\"sink\":\"elasticsearch\",\"version\":2}", -ENOTSUP, "newer gatehouse (version 2"},
        {"{\"sink\":\"elasticsearch\",\"version\":0}", -EINVAL, "cannot be understood"},
        {"{\"sink\":\"elasticsearch\",\"version\":1,\"cluster\":\"1\"}", -EINVAL, "understood"},
        {"{\"sink\":\"elasticsearch\",\"version\":1,\"cluster\":\"0123456789abcdef\","
         "\"horizon\":1,\"targets\":[{\"name\":\"x\",\"past\":[{\"index\":\"y\"}]}]}",
         -EINVAL, "understood"},
        {"{\"sink\":\"file\",\"version\":9}", 0, ""},
    };
    for (size_t i = 0; i < LEN(cases); i++) {
        struct rig rig;
        rig_init(&rig);
        snprintf(rig.mark, sizeof rig.mark, "%s", cases[i].mark);
        assert_int_equal(rig_try_open(&rig), cases[i].outcome);
        assert_true(says(rig.fault.text, cases[i].fault));
        assert_string_equal(rig.mark, cases[i].mark);
        rig_close(&rig);
    }
}

static void another_cluster_begins_without_trust(void **state) {
    (void)state;
    static const char *const other[] = {"http://other:9200"};
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 3);
    rig_pass(&rig);
    fake_rollover(RIG_STREAM);
    rig.now_ms += 50 * HOUR_MS;
    rig_page(&rig, "b", 3);
    rig_pass(&rig);
    rig_commit(&rig);
    assert_true(says(rig.mark, "000001"));
    // There the same names hold what another collector has sent.
    fake_put(0, STR("c0"));
    rig.elastic.hosts = other;
    rig_open(&rig);
    rig_page(&rig, "c", 1);
    rig_pass(&rig);
    rig_each_once(&rig);
    rig_close(&rig);
}

static void cluster_of(const char *host, char ret[17]) {
    const char *const hosts[] = {host};
    struct rig rig;
    rig_init(&rig);
    rig.elastic.hosts = hosts;
    rig_open(&rig);
    rig_page(&rig, "a", 1);
    rig_pass(&rig);
    const char *at = strstr(rig.mark, "\"cluster\":\"");
    assert_non_null(at);
    snprintf(ret, 17, "%s", at + strlen("\"cluster\":\""));
    rig_close(&rig);
}

static void other_credentials_are_no_other_cluster(void **state) {
    (void)state;
    static const char *const same[] = {"https://a:b@es:9200/x", "http://other:p@ss@es:9200/x",
                                       "es:9200/x"};
    static const char *const others[] = {"https://es:9201/x", "https://es:9200/y",
                                         "https://es:9200/a@es:9200/x"};
    char one[17], two[17];
    cluster_of("https://es:9200/x", one);
    for (size_t i = 0; i < LEN(same); i++) {
        cluster_of(same[i], two);
        assert_string_equal(one, two);
    }
    for (size_t i = 0; i < LEN(others); i++) {
        cluster_of(others[i], two);
        assert_string_not_equal(one, two);
    }
}

static void an_engine_that_is_down_is_seen_at_once(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    fake.trouble.dead = 1;
    assert_int_equal(rig_try_open(&rig), -EIO);
    assert_true(says(rig.fault.text, "nobody answers"));
    rig_open(&rig);
    rig.opts.dry_run = true;
    fake.trouble.dead = 1;
    rig_open(&rig); // only the settings are looked at
    assert_int_equal(fake.trouble.dead, 1);
    rig_close(&rig);
}

static void an_index_can_be_named_by_a_pattern(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.elastic.index = "okta-%{[data_stream.namespace]}";
    rig_open(&rig);
    rig_page(&rig, "a", 2);
    rig.docs[1].name_space = STR("other");
    rig_pass(&rig);
    assert_true(fake_write_index("okta-default") >= 0);
    assert_true(fake_write_index("okta-other") >= 0);
    rig_each_once(&rig);
    rig_close(&rig);
    rig.elastic.index = "No Index";
    assert_int_equal(rig_try_open(&rig), -EINVAL);
    assert_true(says(rig.fault.text, "index: No Index"));
}

static void documents_that_a_pipeline_puts_elsewhere_cost_one_look(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    static const char moved[] = "{\"items\":[{\"create\":{\"_index\":\"else\",\"status\":201}}]}";
    for (int i = 0; i < 3; i++) {
        rig_page(&rig, i == 0 ? "a" : i == 1 ? "b" : "c", 1);
        fake.trouble.garbage = moved;
        rig_ok(&rig, rig_deliver(&rig));
        rig_commit(&rig);
        if (i > 0) continue;
        assert_true(says(rig.sink->notice.text, "get into else"));
        fake_forget_seen();
    }
    assert_int_equal(fake.seen.resolves, 0);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_document_gets_in_once),
        cmocka_unit_test(what_comes_without_a_uuid_or_a_name_is_rejected_alone),
        cmocka_unit_test(a_page_without_a_single_name_is_rejected),
        cmocka_unit_test(mapping_errors_are_rejected_with_the_engines_reason),
        cmocka_unit_test(only_what_was_not_taken_is_sent_again),
        cmocka_unit_test(what_was_there_is_told_as_repeated_by_a_later_try_too),
        cmocka_unit_test(what_somebody_has_to_set_right_is_told_apart),
        cmocka_unit_test(a_pause_that_the_engine_asks_for_is_passed_on),
        cmocka_unit_test(wrong_credentials_are_told_and_lose_nothing),
        cmocka_unit_test(a_request_that_is_too_large_is_halved),
        cmocka_unit_test(a_document_that_is_too_large_by_itself_is_rejected),
        cmocka_unit_test(bulk_max_size_bounds_each_request),
        cmocka_unit_test(a_lost_answer_doubles_nothing),
        cmocka_unit_test(an_answer_that_is_none_counts_as_lost),
        cmocka_unit_test(nothing_is_looked_up_in_the_steady_state),
        cmocka_unit_test(a_rollover_costs_a_look_and_is_over_soon),
        cmocka_unit_test(a_repeat_behind_a_rollover_is_not_doubled),
        cmocka_unit_test(a_crash_before_the_commit_and_a_rollover_double_nothing),
        cmocka_unit_test(a_rollover_while_a_repeat_is_sent_is_repaired),
        cmocka_unit_test(the_rest_of_a_page_is_looked_up_anew_behind_a_rollover),
        cmocka_unit_test(a_request_that_two_hosts_have_done_is_repaired),
        cmocka_unit_test(a_crash_before_the_repair_is_repaired),
        cmocka_unit_test(an_old_page_is_recognised_although_it_was_committed_long_ago),
        cmocka_unit_test(a_state_from_a_backup_doubles_nothing),
        cmocka_unit_test(an_empty_state_over_a_full_data_stream_doubles_nothing),
        cmocka_unit_test(a_lost_state_doubles_nothing_although_the_clock_is_behind),
        cmocka_unit_test(documents_without_a_time_are_looked_up_everywhere),
        cmocka_unit_test(lookups_that_are_forbidden_hold_the_delivery_up),
        cmocka_unit_test(a_removal_that_is_forbidden_is_told_and_made_up_for),
        cmocka_unit_test(a_lookup_that_fails_is_made_again),
        cmocka_unit_test(the_horizon_is_saved_before_it_is_passed),
        cmocka_unit_test(a_clock_that_is_behind_doubles_nothing),
        cmocka_unit_test(marks_that_cannot_be_understood_are_refused),
        cmocka_unit_test(another_cluster_begins_without_trust),
        cmocka_unit_test(other_credentials_are_no_other_cluster),
        cmocka_unit_test(an_engine_that_is_down_is_seen_at_once),
        cmocka_unit_test(an_index_can_be_named_by_a_pattern),
        cmocka_unit_test(documents_that_a_pipeline_puts_elsewhere_cost_one_look),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failed;
}
