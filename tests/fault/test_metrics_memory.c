// SPDX-License-Identifier: Apache-2.0
// As test_memory: each allocation fails once while a page of metrics is made. All of it is there,
// or nothing.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "daemon/metrics-internal.h"

#include "failmalloc.h"

enum { ATTEMPTS_MAX = 100000 };

static atomic_llong counts[LOG_LEVELS];

static int write_page(void) {
    AUTO_FINI(buf) struct buf out = buf_make(1 << 20);
    const struct metrics_world world = {.log_counts = counts, .ready = true};
    int e = metrics_write(&out, &world);
    if (e) assert_int_equal(out.n, 0);
    else assert_true(str_starts(buf_str(&out), STR("# HELP process_cpu_seconds_total ")));
    return e;
}

static void making_a_page(void **state) {
    (void)state;
    for (long n = 1; n < ATTEMPTS_MAX; n++) {
        failmalloc_arm(n);
        int e = write_page();
        long count = failmalloc_disarm();
        if (count < n) {
            assert_int_equal(e, 0);
            assert_true(n > 3);
            return;
        }
        // Without memory to count files, that number alone is missing.
        if (e != -ENOMEM && e != 0) fail_msg("allocation %ld failed: outcome %d", n, e);
    }
    fail_msg("never got through");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(making_a_page)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("metrics_memory", tests, NULL, NULL);
}
