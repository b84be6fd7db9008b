// SPDX-License-Identifier: Apache-2.0
// As test_memory: each allocation fails once, on the way of an audit document from the call to the
// page that the outputs get. What was taken must be in the journal all the same.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "api/audit.h"
#include "daemon/audit-journal.h"
#include "loop/loop.h"
#include "store/journal.h"
#include "store/scratch.h"
#include "watch/page.h"

#include "failmalloc.h"

enum { ATTEMPTS_MAX = 100000 };

static struct store *the_store; // of the running test

static void fail_each(int (*scenario)(void)) {
    for (long n = 1; n < ATTEMPTS_MAX; n++) {
        failmalloc_arm(n);
        int e = scenario();
        long count = failmalloc_disarm();
        if (e != 0 && e != -ENOMEM) fail_msg("allocation %ld failed: outcome %d", n, e);
        if (count >= n) continue;
        assert_int_equal(e, 0);
        assert_true(n > 1);
        return;
    }
    fail_msg("never got through");
}

static void open_store(void **state) {
    assert_int_equal(store_open(&the_store, scratch_path(*state, "st"), STORE_WRITE, NULL), 0);
}

static int write_document(void) {
    static const struct route route = {.pattern = "login/{username}"};
    static const struct mount mount = {.type = MOUNT_USERPASS, .path = {"auth/u/", 7}};
    const struct request request = {.path = STR("auth/u/login/eve"), .method = STR("PUT")};
    struct call c = {.request = &request, .mount = &mount, .route = &route, .capture_count = 1};
    AUTO_FINI(buf) struct buf out = buf_make(100000);
    AUTO_FINI(buf) struct buf auth = buf_make(1000);
    c.capture[0].name = "username";
    c.capture[0].name_n = 8;
    c.capture[0].value = str_sub(request.path, 13, 16);
    buf_add_str(&auth, STR("{\"entity_id\":\"an id\",\"accessor\":\"abc\"}"));
    if (auth.error) return auth.error;
    c.reply.auth = auth;
    return audit_write(&out, &c, 200, 1);
}

static void writing_a_document(void **state) {
    (void)state;
    fail_each(write_document);
}

static void ignore(void *ctx) { (void)ctx; }

static int64_t last_number(void) {
    int64_t last = -1;
    assert_int_equal(journal_last(the_store, &last, NULL), 0);
    return last;
}

// One allocation fails in all, so at the end everything that was taken can be written.
static int take_documents(void) {
    AUTO(loop) struct loop *loop = NULL;
    AUTO(audit_journal) struct audit_journal *j = NULL;
    const struct log quiet = {.fd = -1, .level = LOG_ERROR};
    int64_t before = last_number();
    int64_t taken = 0;
    int e = loop_new(&loop);
    const struct audit_journal_opts opts = {
        .store = the_store, .loop = loop, .log = &quiet, .appended = ignore};
    if (!e) e = audit_journal_new(&j, &opts);
    if (e) return e;
    for (int i = 0; i < 3; i++) taken += audit_journal_add(j, STR("{\"event\":{\"id\":\"a\"}}"));
    j = audit_journal_free(j);
    assert_int_equal(last_number(), before + taken);
    return taken == 3 ? 0 : -ENOMEM;
}

static void taking_documents(void **state) {
    open_store(state);
    last_number(); // the statement is there from now on
    fail_each(take_documents);
    the_store = store_free(the_store);
}

static int read_page(void) {
    struct page *p = NULL;
    struct fault fault = {{0}};
    const struct page_read_opts opts = {.store = the_store, .source = "gate"};
    int e = page_new(&p);
    if (e) return e;
    p->cursor = mem_copy("0", 1);
    e = p->cursor ? page_read(p, &opts, &fault) : -ENOMEM;
    if (!e && (p->event_count != 2 || p->dead_count != 1 || p->received != 3)) e = -EPROTO;
    if (!e && strcmp(p->next, "3") != 0) e = -EPROTO;
    page_unref(p);
    return e;
}

static void reading_a_page(void **state) {
    const struct str documents[] = {STR("{\"event\":{\"id\":\"a\"}}"), STR("no document"),
                                    STR("{\"event\":{\"id\":\"b\",\"action\":\"read\"}}")};
    open_store(state);
    assert_int_equal(journal_append(the_store, documents, LEN(documents), NULL), 0);
    fail_each(read_page);
    the_store = store_free(the_store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writing_a_document),
        cmocka_unit_test_setup_teardown(taking_documents, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(reading_a_page, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
