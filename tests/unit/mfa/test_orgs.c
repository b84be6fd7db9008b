// SPDX-License-Identifier: Apache-2.0
// The orgs that methods are asked at: one for each address and token, kept for a while; and those
// of sources.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/time.h"
#include "loop/loop.h"
#include "mfa/orgs.h"

struct fixture {
    struct loop *loop;
    struct http_client_opts http;
    struct orgs *orgs;
};

static int open_orgs(void **state) {
    static struct fixture f;
    struct fault fault = {{0}};
    f = (struct fixture){.http = {.user_agent = "test", .proxy_url = ""}};
    assert_int_equal(loop_new(&f.loop), 0);
    const struct orgs_opts opts = {.loop = f.loop, .http = &f.http};
    assert_int_equal(orgs_new(&f.orgs, &opts, &fault), 0);
    *state = &f;
    return 0;
}

static int close_orgs(void **state) {
    struct fixture *f = *state;
    orgs_free(f->orgs);
    loop_free(f->loop);
    return 0;
}

static struct method at(const char *org_name, const char *api_token) {
    return (struct method){.name = STR("m"),
                           .org_name = str_from(org_name),
                           .api_token = str_from(api_token),
                           .base_url = STR("okta.com")};
}

static struct orgs_org *take(struct fixture *f, const char *org_name, const char *api_token) {
    struct orgs_org *org = NULL;
    struct fault fault = {{0}};
    const struct method m = at(org_name, api_token);
    int r = orgs_take(f->orgs, &m, &org, &fault);
    if (r) fail_msg("%d %s", r, fault.text);
    return org;
}

static void methods_of_one_address_and_token_share_an_org(void **state) {
    struct fixture *f = *state;
    struct orgs_org *a = take(f, "acme", "t1"), *same = take(f, "acme", "t1");
    struct orgs_org *token = take(f, "acme", "t2"), *host = take(f, "other", "t1");
    assert_ptr_equal(a, same);
    assert_ptr_not_equal(a, token);
    assert_ptr_not_equal(a, host);
    assert_string_equal(a->host, "acme.okta.com");
    struct orgs_org *const all[] = {a, same, token, host};
    for (size_t i = 0; i < LEN(all); i++) orgs_drop(f->orgs, all[i]);
}

static void what_nobody_uses_is_kept_for_a_while(void **state) {
    struct fixture *f = *state;
    struct orgs_org *a = take(f, "acme", "t1");
    orgs_drop(f->orgs, a);
    orgs_tidy(f->orgs, time_mono_ms());
    assert_ptr_equal(take(f, "acme", "t1"), a);
    orgs_tidy(f->orgs, time_mono_ms() + 2 * ORGS_IDLE_MS); // it is in use
    assert_non_null(a->okta);
    orgs_drop(f->orgs, a);
    orgs_tidy(f->orgs, time_mono_ms() + 2 * ORGS_IDLE_MS); // gone, or ASan finds what is lost
    orgs_drop(f->orgs, take(f, "acme", "t1"));
}

static void no_more_than_so_many_are_kept(void **state) {
    struct fixture *f = *state;
    char name[32];
    for (int i = 0; i < ORGS_IDLE_MAX + 8; i++) {
        snprintf(name, sizeof name, "org%d", i);
        orgs_drop(f->orgs, take(f, name, "t"));
    }
    assert_int_equal(orgs_count(f->orgs), ORGS_IDLE_MAX);
}

static void an_address_that_is_none_is_told(void **state) {
    struct fixture *f = *state;
    struct orgs_org *org = NULL;
    static const struct {
        const char *name, *source, *says;
    } rows[] = {
        {"acme-admin", "", "administration console"},
        {"acme", "nowhere", "no source \"nowhere\""},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct fault fault = {{0}};
        struct method m = at(rows[i].name, "t");
        m.okta_source = str_from(rows[i].source);
        assert_int_equal(orgs_take(f->orgs, &m, &org, &fault), ORGS_E_NONE);
        if (!strstr(fault.text, rows[i].says)) fail_msg("%s", fault.text);
    }
}

static void every_method_with_a_token_is_asked_at_the_given_address(void **state) {
    struct fixture *f = *state;
    struct orgs *orgs = NULL;
    struct orgs_org *a = NULL, *b = NULL;
    struct fault fault = {{0}};
    const struct orgs_opts opts = {
        .loop = f->loop, .http = &f->http, .okta_url = "http://127.0.0.1:9/"};
    assert_int_equal(orgs_new(&orgs, &opts, &fault), 0);
    const struct method one = at("acme", "t"), other = at("other", "t");
    assert_int_equal(orgs_take(orgs, &one, &a, &fault), 0);
    assert_int_equal(orgs_take(orgs, &other, &b, &fault), 0);
    assert_ptr_equal(a, b);
    assert_string_equal(a->host, "127.0.0.1");
    orgs_drop(orgs, a);
    orgs_drop(orgs, b);
    orgs_free(orgs);
}

static void what_cannot_work_is_told_at_the_start(void **state) {
    struct fixture *f = *state;
    struct orgs *orgs = NULL;
    struct fault fault = {{0}};
    struct orgs_opts opts = {.loop = f->loop, .http = &f->http, .okta_url = "nonsense"};
    assert_int_equal(orgs_new(&orgs, &opts, &fault), -EINVAL);
    assert_true(fault.text[0] != '\0');
    static const char *const files[] = {"/no/such/file.pem"};
    f->http.tls.certificate_authorities = files;
    f->http.tls.certificate_authority_count = 1;
    opts.okta_url = NULL;
    assert_int_equal(orgs_new(&orgs, &opts, &fault), -EINVAL);
    assert_non_null(strstr(fault.text, "/no/such/file.pem"));
}

// ---- sources: their orgs are the caller's, and are not looked into here

static struct stepup_source source(const char *name, const char *url, int *org) {
    return (struct stepup_source){
        .name = name, .url = url, .org = (struct okta_org *)(void *)org, .client_id = "0oa1"};
}

static struct orgs_org *take_source(struct fixture *f, const char *name) {
    struct orgs_org *org = NULL;
    struct fault fault = {{0}};
    struct method m = at("acme", "t");
    m.okta_source = str_from(name);
    assert_int_equal(orgs_take(f->orgs, &m, &org, &fault), 0);
    return org;
}

static void a_source_in_use_gets_the_org_of_its_name(void **state) {
    struct fixture *f = *state;
    int orgs[4];
    const struct stepup_source before[] = {source("a", "https://a.okta.com/api/v1/logs", &orgs[0]),
                                           source("b", "https://b.okta.com/api/v1/logs", &orgs[1])};
    const struct stepup_source after[] = {
        source("a", "https://A.okta.com:443/api/v1/logs", &orgs[2]),
        source("b", "https://moved.okta.com/api/v1/logs", &orgs[3])};
    assert_int_equal(orgs_use_sources(f->orgs, before, LEN(before)), 0);
    struct orgs_org *a = take_source(f, "a"), *b = take_source(f, "b");
    assert_int_equal(orgs_use_sources(f->orgs, after, LEN(after)), 0);
    assert_ptr_equal(a->okta, &orgs[2]);
    assert_null(b->okta);
    assert_true(orgs_is_watched(f->orgs, STR("moved.okta.com")));
    assert_false(orgs_is_watched(f->orgs, STR("b.okta.com")));
    assert_string_equal(orgs_of_source(f->orgs, "b")->client_id, "0oa1");
    assert_int_equal(orgs_use_sources(f->orgs, NULL, 0), 0);
    assert_null(a->okta);
    assert_null(orgs_of_source(f->orgs, "a"));
    orgs_drop(f->orgs, a);
    orgs_drop(f->orgs, b);
    assert_int_equal(orgs_count(f->orgs), 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, open_orgs, close_orgs)
    const struct CMUnitTest tests[] = {
        T(methods_of_one_address_and_token_share_an_org),
        T(what_nobody_uses_is_kept_for_a_while),
        T(no_more_than_so_many_are_kept),
        T(an_address_that_is_none_is_told),
        T(every_method_with_a_token_is_asked_at_the_given_address),
        T(what_cannot_work_is_told_at_the_start),
        T(a_source_in_use_gets_the_org_of_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
