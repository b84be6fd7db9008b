// SPDX-License-Identifier: Apache-2.0
// Bulk requests that the engine finishes after they were given up, while the data stream rolls
// over: what they write into the earlier index must not be written into the newer one as well.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine_rig.h"

static void start(struct rig *rig) {
    rig_init(rig);
    rig_open(rig);
}

static void finish(struct rig *rig) {
    rig_each_once(rig);
    rig_commit(rig);
    rig_close(rig);
}

// Its first request is under way, and the data stream has rolled over.
static void give_up_a_page(struct rig *rig) {
    rig_page(rig, "a", 5);
    fake.trouble.late = 1;
    assert_int_equal(rig_deliver(rig), -EIO);
    fake_rollover(RIG_STREAM);
}

static void nothing_is_sent_again_before_what_was_given_up_is_done(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    give_up_a_page(&rig);
    fake_forget_seen();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rig_deliver(&rig), -EAGAIN);
        assert_non_null(strstr(rig.fault.text, "still at a bulk request"));
    }
    assert_int_equal(fake.seen.bulks, 0);
    assert_int_equal(fake.seen.finds, 0);
    fake_finish_late();
    rig_ok(&rig, rig_deliver(&rig));
    assert_int_equal(fake.seen.sent, 0);
    finish(&rig);
}

static void another_process_waits_for_what_the_one_before_has_left(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    give_up_a_page(&rig);
    rig_close(&rig);
    rig.mark[0] = '\0';
    rig_open(&rig);
    assert_int_equal(rig_deliver(&rig), -EAGAIN);
    fake_finish_late();
    rig_ok(&rig, rig_deliver(&rig));
    finish(&rig);
}

// The repeat was sent to the index that was written to, and the answer tells that it is not any
// more.
static void a_rollover_behind_the_look_is_mended_when_it_is_done(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 5);
    fake.trouble.late = 1;
    assert_int_equal(rig_deliver(&rig), -EIO);
    fake.trouble.roll_before = 1;
    assert_int_equal(rig_deliver(&rig), -EAGAIN);
    fake_finish_late();
    rig_ok(&rig, rig_deliver(&rig));
    finish(&rig);
}

static void requests_of_others_and_later_ones_are_not_waited_for(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 5);
    rig_ok(&rig, rig_deliver(&rig));
    fake_rollover(RIG_STREAM);
    fake_begin_late(STR("{\"create\":{\"_id\":\"z\"}}\n{}\n"), RIG_STREAM);
    fake.late[0].began_ms = 50;
    rig_close(&rig);
    rig_open(&rig);
    assert_int_equal(rig_deliver(&rig), -EAGAIN);
    fake_finish_late();
    fake_begin_late(STR("{\"create\":{\"_id\":\"y\"}}\n{}\n"), RIG_STREAM);
    fake.late[0].began_ms = 51;
    rig_ok(&rig, rig_deliver(&rig));
    finish(&rig);
}

static void it_is_asked_once_and_only_before_a_look(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    rig_page(&rig, "a", 5);
    fake.trouble.lost = 1;
    assert_int_equal(rig_deliver(&rig), -EIO);
    rig_pass(&rig);
    assert_int_equal(fake.seen.tasks, 0);
    fake_rollover(RIG_STREAM);
    for (int i = 0; i < 3; i++) {
        rig_page(&rig, i ? "c" : "b", 5);
        rig_pass(&rig);
    }
    assert_int_equal(fake.seen.tasks, 1);
    rig_close(&rig);
}

static void without_the_privilege_it_goes_on_and_says_so_once(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    fake.trouble.forbid_tasks = 1;
    for (int i = 0; i < 2; i++) {
        rig_page(&rig, i ? "b" : "a", 5);
        fake.trouble.lost = 1;
        assert_int_equal(rig_deliver(&rig), -EIO);
        fake_rollover(RIG_STREAM);
        rig_pass(&rig);
        rig_each_once(&rig);
        assert_int_equal(rig.sink->notice.text[0] != '\0', i == 0);
        if (i == 0) assert_non_null(strstr(rig.sink->notice.text, "privilege monitor"));
        rig.sink->notice.text[0] = '\0';
    }
    assert_int_equal(fake.seen.tasks, 2);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_sent_again_before_what_was_given_up_is_done),
        cmocka_unit_test(another_process_waits_for_what_the_one_before_has_left),
        cmocka_unit_test(a_rollover_behind_the_look_is_mended_when_it_is_done),
        cmocka_unit_test(requests_of_others_and_later_ones_are_not_waited_for),
        cmocka_unit_test(it_is_asked_once_and_only_before_a_look),
        cmocka_unit_test(without_the_privilege_it_goes_on_and_says_so_once),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failed;
}
