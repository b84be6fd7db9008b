// SPDX-License-Identifier: Apache-2.0
// The n-th allocation fails while templates are made and put, for every n: all of it is done, or it
// is said that there was no memory. The engine is one that has nothing yet, or everything in an
// older version.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "elastic/template-internal.h"

#include "failmalloc.h"

enum { ATTEMPTS_MAX = 5000, ASSETS = 6 };

static struct elastic_opts opts;
static bool is_empty;
static int puts_seen;

const struct elastic_opts *__wrap_elastic_opts_of(const struct elastic *e);
int __wrap_elastic_ask(struct elastic *e, const struct elastic_request *request,
                       struct elastic_answer *ret, struct fault *fault);

const struct elastic_opts *__wrap_elastic_opts_of(const struct elastic *e) {
    (void)e;
    return &opts;
}

static const struct {
    const char *path, *answer;
} older[] = {
    {"/_component_template/", "{\"component_templates\":[{\"component_template\":{\"version\":0,"
                              "\"_meta\":{\"managed_by\":\"gatehouse\",\"digest\":\"x\"}}}]}"},
    {"/_index_template/", "{\"index_templates\":[{\"index_template\":{\"version\":0,\"_meta\":"
                          "{\"managed_by\":\"gatehouse\",\"digest\":\"x\"}}}]}"},
    {"/_plugins/", "{\"_seq_no\":3,\"_primary_term\":1,\"policy\":{\"description\":"
                   "\"made by gatehouse, version 0, digest 0\"}}"},
};

int __wrap_elastic_ask(struct elastic *e, const struct elastic_request *request,
                       struct elastic_answer *ret, struct fault *fault) {
    (void)e;
    (void)fault;
    *ret = (struct elastic_answer){.status = 200, .body = STR("{}")};
    if (strcmp(request->method, "PUT") == 0) {
        bool policy = str_starts(str_from(request->path), STR("/_plugins/"));
        bool numbered = strstr(request->path, "?if_seq_no=3&if_primary_term=1") != NULL;
        assert_int_equal(policy && !is_empty, numbered);
        puts_seen++;
    }
    if (strcmp(request->method, "GET") != 0) return 0;
    if (is_empty) ret->status = 404;
    for (size_t i = 0; !is_empty && i < LEN(older); i++)
        if (str_starts(str_from(request->path), str_from(older[i].path)))
            ret->body = str_from(older[i].answer);
    return 0;
}

struct told {
    enum elastic_put wanted;
    int n;
};

static void take(void *ctx, const struct elastic_asset *asset, enum elastic_put what,
                 const char *text) {
    struct told *told = ctx;
    (void)text;
    assert_non_null(asset->name);
    if (what == told->wanted) told->n++;
    else assert_int_equal(what, ELASTIC_PUT_FAILED);
}

// True: nothing failed any more.
static bool try_once(long n) {
    struct told told = {.wanted = is_empty ? ELASTIC_PUT_CREATED : ELASTIC_PUT_UPDATED};
    struct fault fault = {{0}};
    puts_seen = 0;
    failmalloc_arm(n);
    int r = elastic_setup(NULL, false, take, &told, &fault);
    long count = failmalloc_disarm();
    assert_true(r == 0 || r == -ENOMEM);
    assert_int_equal(told.n, puts_seen);
    if (r == 0) assert_int_equal(told.n, opts.kind == ELASTIC_OPENSEARCH ? ASSETS : ASSETS - 1);
    if (n == 1) assert_int_equal(r, -ENOMEM);
    return count < n;
}

static void all_is_put_or_there_was_no_memory(enum elastic_kind kind, bool empty) {
    opts = (struct elastic_opts){.kind = kind, .template = true, .retention_ms = 86400000};
    is_empty = empty;
    long n = 1;
    while (n < ATTEMPTS_MAX && !try_once(n)) n++;
    assert_in_range(n, 10, ATTEMPTS_MAX - 1);
}

static void every_allocation_of_a_first_setup(void **state) {
    (void)state;
    all_is_put_or_there_was_no_memory(ELASTIC_ELASTICSEARCH, true);
    all_is_put_or_there_was_no_memory(ELASTIC_OPENSEARCH, true);
}

static void every_allocation_of_an_update(void **state) {
    (void)state;
    all_is_put_or_there_was_no_memory(ELASTIC_ELASTICSEARCH, false);
    all_is_put_or_there_was_no_memory(ELASTIC_OPENSEARCH, false);
}

static int count_assets(void *ctx, const struct elastic_asset *asset) {
    (void)asset;
    ++*(int *)ctx;
    return 0;
}

static void every_allocation_of_an_export_of_an_index(void **state) {
    (void)state;
    const struct elastic_opts own = {
        .kind = ELASTIC_OPENSEARCH, .index = "sign-ins-%{+yyyy}", .retention_ms = 86400000};
    bool through = false;
    long n = 0;
    while (n < ATTEMPTS_MAX && !through) {
        int assets = 0;
        failmalloc_arm(++n);
        int r = elastic_assets(&own, count_assets, &assets);
        through = failmalloc_disarm() < n;
        assert_int_equal(r, through ? 0 : -ENOMEM);
        assert_true(!through || assets == 5);
    }
    assert_in_range(n, 10, ATTEMPTS_MAX - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_of_a_first_setup),
        cmocka_unit_test(every_allocation_of_an_update),
        cmocka_unit_test(every_allocation_of_an_export_of_an_index),
    };
    return cmocka_run_group_tests_name("fault/setup", tests, NULL, NULL);
}
