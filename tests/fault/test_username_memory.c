// SPDX-License-Identifier: Apache-2.0
// The n-th allocation fails while a user's name is made, for every n: it is made whole, or not at
// all. Half a name might be somebody else's.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mfa/username.h"

#include "failmalloc.h"

enum { ATTEMPTS_MAX = 1000, LONG = 3000 };

static char long_name[LONG];
static struct buf pairs;

static int setup(void **state) {
    (void)state;
    memset(long_name, 'x', sizeof long_name);
    pairs = buf_make(4096);
    list_add(&pairs, STR("email"));
    list_add(&pairs, STR("alice@example.com"));
    return pairs.error;
}

static int teardown(void **state) {
    (void)state;
    buf_fini(&pairs);
    return 0;
}

static void check_whole(struct str name) {
    assert_true(str_starts(name, STR("before:alice@example.com/")));
    assert_int_equal(name.n, strlen("before:alice@example.com/") + LONG);
}

// True: nothing failed any more.
static bool try_once(long n) {
    const struct alias alias = {.name = {long_name, sizeof long_name}};
    const struct entity entity = {.name = STR("Alice"), .metadata = list_of(&pairs)};
    AUTO_FINI(buf) struct buf out = buf_make(1 << 16);
    struct fault fault = {{0}};
    buf_addz(&out, "before:");
    size_t before = out.n;
    failmalloc_arm(n);
    int r = username_make(STR("{{entity.metadata.email}}/{{alias.name}}"), &alias, &entity, &out,
                          &fault);
    long count = failmalloc_disarm();
    if (r == 0) check_whole(buf_str(&out));
    else assert_int_equal(r, -ENOMEM);
    if (r) assert_int_equal(out.n, before);
    bool through = n > 0 && count < n;
    if (through) assert_int_equal(r, 0);
    if (n == 1) assert_int_equal(r, -ENOMEM);
    return through;
}

static void a_name_is_made_whole_or_not_at_all(void **state) {
    (void)state;
    long n = 0;
    while (!try_once(n) && n < ATTEMPTS_MAX) n++;
    assert_true(n > 1 && n < ATTEMPTS_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_name_is_made_whole_or_not_at_all, setup, teardown),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("username memory", tests, NULL, NULL);
}
