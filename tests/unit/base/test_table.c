// SPDX-License-Identifier: Apache-2.0
// The table of linked things: found by hash, all of one hash, also after it has grown; what was
// taken out is gone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/table.h"

enum { THINGS = 5000, HASHES = 1000 };

struct thing {
    struct table_link link;
    int number;
};

static uint64_t hash_of(int number) { return (uint64_t)(number % HASHES) * 0x9e3779b97f4a7c15U; }

// How many things of that number's hash are there; each of them has it.
static int count(const struct table *t, int number) {
    int n = 0;
    for (struct table_link *l = table_first(t, hash_of(number)); l; l = table_next(l), n++)
        assert_int_equal(TABLE_ITEM(l, struct thing, link)->number % HASHES, number % HASHES);
    return n;
}

static void all_of_a_hash_are_found_until_they_are_taken_out(void **state) {
    (void)state;
    AUTO_MEM struct thing *things = mem_new_array(THINGS, sizeof *things);
    struct table t;
    assert_non_null(things);
    assert_int_equal(table_init(&t), 0);
    assert_null(table_first(&t, hash_of(1)));
    for (int i = 0; i < THINGS; i++) {
        things[i].number = i;
        table_add(&t, &things[i].link, hash_of(i));
        assert_int_equal(count(&t, i), i / HASHES + 1);
    }
    assert_int_equal(t.n, THINGS);
    for (int i = THINGS; i-- > 0;) {
        table_remove(&t, &things[i].link);
        assert_int_equal(count(&t, i), i / HASHES);
    }
    assert_int_equal(t.n, 0);
    table_fini(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_a_hash_are_found_until_they_are_taken_out),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
