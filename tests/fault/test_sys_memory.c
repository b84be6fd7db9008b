// SPDX-License-Identifier: Apache-2.0
// As test_memory, for the first start, mounts, methods and the OpenAPI document: each scenario is
// run with its n-th allocation failing, for every n. What a write says it did, it did.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/backends.h"
#include "api/call-internal.h"
#include "api/docs.h"
#include "api/fields.h"
#include "api/openapi.h"
#include "identity/core.h"
#include "identity/mount.h"
#include "identity/policy.h"
#include "mfa/method.h"

#include "faildraft.h"

enum { NOW = 1700000000 };

// An outcome that nothing may lead to.
enum { WRONG = -1 };

// A first start, made once and never changed.
static struct state *before;
static size_t mounts_before;

static int make_before(void **state) {
    (void)state;
    AUTO(state) struct state *empty = NULL;
    AUTO_FINI(draft) struct draft d = {.state = NULL};
    if (state_new(&empty, &api_schema) || draft_begin(&d, empty)) return -1;
    if (core_make(&d, true, NOW)) return -1;
    before = state_hold(d.state);
    mounts_before = state_count(before, RECORD_MOUNT);
    return 0;
}

static int free_before(void **state) {
    (void)state;
    before = state_free(before);
    return 0;
}

static bool is_untouched(void) {
    return state_count(before, RECORD_MOUNT) == mounts_before &&
           state_count(before, RECORD_METHOD) == 0;
}

static void fail_each(int (*scenario)(struct draft *d)) {
    faildraft_each(before, is_untouched, scenario);
}

static int start_anew(struct draft *ignored) {
    (void)ignored;
    AUTO(state) struct state *empty = NULL;
    AUTO_FINI(draft) struct draft d = {.state = NULL};
    int r = state_new(&empty, &api_schema);
    if (r == 0) r = draft_begin(&d, empty);
    if (r == 0) r = core_make(&d, true, NOW);
    if (r) return r;
    return core_of(d.state) && mount_at(d.state, STR("secret/")) &&
                   policy_get(d.state, STR("default"))
               ? 0
               : WRONG;
}

static int write_method(struct draft *d) {
    const struct mount *token = mount_at(d->state, STR("auth/token/"));
    struct fault fault = {{0}};
    const struct method_write w = {.name = STR("m"),
                                   .mount_accessor = token->accessor,
                                   .org_name = STR("o"),
                                   .api_token = STR("t")};
    struct method_write again = w;
    again.mount_accessor = STR_NONE;
    again.base_url = STR("oktapreview.com");
    int r = method_put(d, &w, &fault);
    if (r == 0) r = method_put(d, &again, &fault);
    if (r) return r;
    const struct method *m = method_get(d->state, STR("m"));
    AUTO_WIPED struct buf text = buf_make(1 << 16);
    method_write_json(m, true, &text);
    if (text.error) return text.error;
    return str_eqz(m->base_url, "oktapreview.com") && m->mount_accessor.n ? 0 : WRONG;
}

// A call of the system backend as the gate makes one.
static int ask(struct draft *d, enum operation op, const char *path, const struct json *data,
               int status) {
    const struct request request = {
        .op = op, .path = str_from(path), .data = data, .id = STR("id"), .now_ms = NOW};
    AUTO_FINI(call) struct call c;
    struct fault fault = {{0}};
    call_init(&c, &request);
    c.draft = d;
    c.state = d->state;
    c.caller.root = true;
    c.mount = mount_of(d->state, request.path);
    c.rest = str_sub(request.path, c.mount->path.n, request.path.n);
    c.route = route_find(api_backends[c.mount->type], c.rest, &c);
    int r = fields_read(&c, &fault);
    if (r == 0) r = dispatch(&c);
    if (r) return r;
    AUTO_FINI(buf) struct buf body = buf_make(1 << 20);
    int got = envelope_status(&c);
    r = envelope_write(&c, &body);
    if (r) return r;
    return got == status ? 0 : WRONG;
}

static int ask_json(struct draft *d, enum operation op, const char *path, const char *text,
                    int status) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    struct fault fault = {{0}};
    int r = json_reader_new(&reader);
    if (r == 0) r = json_read(reader, str_from(text), &v, &fault);
    return r ? r : ask(d, op, path, v, status);
}

static int enable_tune_and_disable(struct draft *d) {
    int r = ask_json(d, OP_UPDATE, "sys/mounts/kv",
                     "{\"type\":\"kv-v1\",\"config\":{\"default_lease_ttl\":\"1h\","
                     "\"audit_non_hmac_request_keys\":[\"a\",\"b\"]}}",
                     204);
    if (r == 0)
        r = ask_json(d, OP_UPDATE, "sys/mounts/kv/tune",
                     "{\"description\":\"d\",\"options\":{\"x\":\"y\"},"
                     "\"passthrough_request_headers\":\"a,b\"}",
                     204);
    if (r) return r;
    const struct mount *m = mount_at(d->state, STR("kv/"));
    if (!m || !str_eqz(m->description, "d") || list_count(m->options) != 4 ||
        list_count(m->passthrough_headers) != 2 || m->default_ttl_s != 3600)
        return WRONG;
    r = ask(d, OP_READ, "sys/mounts/kv/tune", NULL, 200);
    if (r == 0) r = ask(d, OP_DELETE, "sys/mounts/kv", NULL, 204);
    if (r) return r;
    return mount_at(d->state, STR("kv/")) ? WRONG : 0;
}

static int lock_out(struct draft *d) {
    int r = ask_json(d, OP_UPDATE, "sys/auth/up", "{\"type\":\"userpass\"}", 204);
    if (r == 0)
        r = ask_json(d, OP_UPDATE, "sys/auth/up/tune",
                     "{\"user_lockout_config\":{\"lockout_threshold\":\"7\"}}", 204);
    if (r == 0)
        r = ask_json(d, OP_UPDATE, "sys/auth/up/tune",
                     "{\"user_lockout_config\":{\"lockout_disable\":true}}", 204);
    if (r) return r;
    const struct mount *m = mount_at(d->state, STR("auth/up/"));
    return m && str_find(m->user_lockout, STR("\"user_lockout_threshold\":7")) < m->user_lockout.n
               ? 0
               : WRONG;
}

static int write_policies(struct draft *d) {
    int r = ask_json(d, OP_UPDATE, "sys/policies/acl/p",
                     "{\"policy\":\"cGF0aCAiYSIge30K\",\"cas\":-1}", 204);
    if (r == 0)
        r = ask_json(d, OP_UPDATE, "sys/policy/f/q", "{\"rules\":\"path \\\"b\\\" {}\"}", 200);
    if (r == 0) r = ask(d, OP_LIST, "sys/policies/acl/", NULL, 200);
    if (r == 0) r = ask(d, OP_LIST, "sys/policies/acl/f/", NULL, 200);
    if (r == 0) r = ask(d, OP_DELETE, "sys/policies/acl/p", NULL, 204);
    if (r) return r;
    return policy_get(d->state, STR("f/q")) && !policy_get(d->state, STR("p")) ? 0 : WRONG;
}

static int tell_capabilities(struct draft *d) {
    return ask_json(d, OP_UPDATE, "sys/capabilities-self", "{\"paths\":[\"a\",\"b\",\"a\"]}", 200);
}

static int write_pages(struct draft *d) {
    (void)d;
    AUTO_FINI(buf) struct buf page = buf_make(1 << 22), document = buf_make(1 << 22);
    const struct openapi_place place = {.backend = &backend_system,
                                        .type = MOUNT_SYSTEM,
                                        .prefix = STR("sys/"),
                                        .words = STR("system")};
    docs_write_markdown(&page);
    if (page.error) return page.error;
    openapi_begin(&document, "1");
    openapi_path(&document, &place, &backend_system.routes[0]);
    openapi_end(&document);
    if (document.error) return document.error;
    return str_ends(buf_str(&document), STR("}}}")) ? 0 : WRONG;
}

#define SCENARIO(function, name)                                                                   \
    static void name(void **state) {                                                               \
        (void)state;                                                                               \
        fail_each(function);                                                                       \
    }
SCENARIO(start_anew, a_first_start_survives_every_failing_allocation)
SCENARIO(write_method, writing_a_method_survives_every_failing_allocation)
SCENARIO(enable_tune_and_disable, mounts_survive_every_failing_allocation)
SCENARIO(lock_out, tuning_lockouts_survives_every_failing_allocation)
SCENARIO(write_policies, policies_survive_every_failing_allocation)
SCENARIO(tell_capabilities, capabilities_survive_every_failing_allocation)
SCENARIO(write_pages, pages_survive_every_failing_allocation)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_start_survives_every_failing_allocation),
        cmocka_unit_test(writing_a_method_survives_every_failing_allocation),
        cmocka_unit_test(mounts_survive_every_failing_allocation),
        cmocka_unit_test(tuning_lockouts_survives_every_failing_allocation),
        cmocka_unit_test(policies_survive_every_failing_allocation),
        cmocka_unit_test(capabilities_survive_every_failing_allocation),
        cmocka_unit_test(pages_survive_every_failing_allocation),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("sys_memory", tests, make_before, free_before);
}
