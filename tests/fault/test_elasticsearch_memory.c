// SPDX-License-Identifier: Apache-2.0
// As test_memory: each allocation fails once, on the way of a whole delivery to an engine: opening
// over a mark, looking up what a lost answer and a rollover left, rejected and refused documents, a
// rollover in the middle, the removal of what came twice, the commit. Whatever fails is tried again
// as the watch does, and then each document is there once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine_rig.h"

#include "failmalloc.h"

enum { ATTEMPTS_MAX = 100000, TRIES_MAX = 12 };

static const char mark[] = "{\"sink\":\"elasticsearch\",\"version\":1,\"cluster\":"
                           "\"0123456789abcdef\",\"horizon\":1795348800000,\"targets\":[{\"name\":"
                           "\"" RIG_STREAM "\",\"past\":[{\"index\":\"gone\",\"until\":5}]}]}";

static void begin(struct rig *rig) {
    rig_init(rig);
    fake_rollover(RIG_STREAM);
    fake_rollover(RIG_STREAM);
    for (int i = 0; i < 4; i++)
        fake_put(i % 2, str_from((const char *[]){"a0", "a1", "a2", "a3"}[i]));
    fake_put(1, STR("a0")); // in two of them
    snprintf(rig->mark, sizeof rig->mark, "%s", mark);
    rig_page(rig, "a", 8);
    rig_add(rig, "bad", rig->now_ms);
    rig_add(rig, "busy", rig->now_ms);
    fake.busy = 1;
    fake.trouble.roll_within = 1;
}

static bool is_expected(int r) { return r == 0 || r == -ENOMEM || r == -EAGAIN || r == -EIO; }

static int commit(struct rig *rig) {
    AUTO_FINI(buf) struct buf ret = buf_make(RIG_MARK_MAX);
    int r = rig->sink->type->sync(rig->sink, NULL, &ret, &rig->fault);
    if (r) return r;
    if (ret.n) snprintf(rig->mark, sizeof rig->mark, "%.*s", STR_ARG(buf_str(&ret)));
    rig->sink->type->committed(rig->sink);
    return 0;
}

static int try_once(struct rig *rig) {
    int r = rig->sink ? 0 : rig_try_open(rig);
    if (r == 0) r = rig_deliver(rig);
    if (r == 0) r = commit(rig);
    return r;
}

static void deliver_all(struct rig *rig) {
    int r = -EAGAIN;
    for (int i = 0; r && i < TRIES_MAX; i++) {
        if (i == 1) fake.trouble.lost = 1;
        r = try_once(rig);
        if (!is_expected(r)) print_error("%d: %s\n", r, rig->fault.text);
        assert_true(is_expected(r));
    }
    assert_int_equal(r, 0);
}

static void check(const struct rig *rig) {
    for (size_t i = 0; i < rig->n; i++) {
        bool rejected = strcmp(rig->ids[i], "bad") == 0;
        assert_int_equal(rig->replies[i].verdict, rejected ? SINK_REJECTED : SINK_DELIVERED);
        assert_int_equal(fake_count(rig->ids[i]), rejected ? 0 : 1);
        if (rejected) assert_non_null(strstr(rig->replies[i].fault->text, "no number"));
    }
    assert_non_null(strstr(rig->mark, "000002"));
}

// Gives the number of allocations.
static long play(long failing) {
    static struct rig rig;
    begin(&rig);
    failmalloc_arm(failing);
    deliver_all(&rig);
    long n = failmalloc_disarm();
    check(&rig);
    rig_close(&rig);
    return n;
}

static void each_document_gets_in_once_whichever_allocation_fails(void **state) {
    (void)state;
    long all = play(0); // also lets the fake engine grow
    assert_true(all > 20);
    for (long n = 1; n < ATTEMPTS_MAX; n++)
        if (play(n) < n) return;
    fail_msg("more than %d allocations", ATTEMPTS_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_document_gets_in_once_whichever_allocation_fails),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failed;
}
