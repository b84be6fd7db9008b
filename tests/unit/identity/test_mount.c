// SPDX-License-Identifier: Apache-2.0
// What a first start makes, which mount a path belongs to, and what goes with a mount.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "identity/codec.h"
#include "identity/core.h"
#include "identity/entity.h"
#include "identity/mount.h"
#include "identity/policy.h"
#include "identity/secret.h"
#include "identity/token.h"
#include "identity/user.h"

enum { NOW = 1700000000000 };

static const struct state_schema schema = {{
    [RECORD_CORE] = &core_type,
    [RECORD_MOUNT] = &mount_type_record,
    [RECORD_POLICY] = &policy_type,
    [RECORD_TOKEN] = &token_type,
    [RECORD_ENTITY] = &entity_type,
    [RECORD_ALIAS] = &alias_type,
    [RECORD_USER] = &user_type,
    [RECORD_SECRET] = &secret_type,
}};

static int setup(void **state) {
    static struct draft d;
    AUTO(state) struct state *empty = NULL;
    if (state_new(&empty, &schema) || draft_begin(&d, empty)) return -1;
    if (core_make(&d, true, NOW)) return -1;
    *state = &d;
    return 0;
}

static int teardown(void **state) {
    draft_fini(*state);
    return 0;
}

static void add_mount(struct draft *d, enum mount_type type, const char *path, const char *id) {
    struct mount m = {
        .type = type, .path = str_from(path), .uuid = str_from(id), .accessor = str_from(id)};
    void *made = NULL;
    assert_int_equal(record_make(&made, &m, sizeof m, mount_texts, mount_text_count,
                                 &mount_type_record, RECORD_MOUNT),
                     0);
    assert_int_equal(draft_put(d, made), 0);
}

static void a_first_start_makes_the_mounts_policies_and_names(void **state) {
    struct draft *d = *state;
    const char *const paths[] = {"sys/", "identity/", "cubbyhole/", "auth/token/", "secret/"};
    for (size_t i = 0; i < LEN(paths); i++) assert_non_null(mount_at(d->state, str_from(paths[i])));
    assert_int_equal(state_count(d->state, RECORD_MOUNT), LEN(paths));
    assert_non_null(policy_get(d->state, STR("default")));
    assert_non_null(policy_get(d->state, STR("response-wrapping")));
    const struct core *core = core_of(d->state);
    assert_int_equal(core->token_key.n, 64);
    assert_int_equal(core->cluster_id.n, 36);
    assert_true(str_starts(core->cluster_name, STR("vault-cluster-")));
    assert_false(str_eq(core->token_key, core->audit_key));
}

static void only_a_trial_has_a_secret_mount(void **state) {
    (void)state;
    AUTO(state) struct state *empty = NULL;
    AUTO_FINI(draft) struct draft d = {.state = NULL};
    assert_int_equal(state_new(&empty, &schema), 0);
    assert_int_equal(draft_begin(&d, empty), 0);
    assert_null(core_of(d.state));
    assert_int_equal(core_make(&d, false, NOW), 0);
    assert_null(mount_at(d.state, STR("secret/")));
    assert_int_equal(state_count(d.state, RECORD_MOUNT), 4);
}

static void belongs(const struct draft *d, const char *path, const char *mount) {
    const struct mount *m = mount_of(d->state, str_from(path));
    if (!mount ? m != NULL : !m || !str_eqz(m->path, mount))
        fail_msg("%s belongs to %.*s", path, STR_ARG(m ? m->path : STR("nothing")));
}

static void a_path_belongs_to_the_mount_that_it_begins_with(void **state) {
    struct draft *d = *state;
    add_mount(d, MOUNT_KV, "deep/er/kv/", "K1");
    add_mount(d, MOUNT_KV, "secret-2/", "K2");
    add_mount(d, MOUNT_USERPASS, "auth/up/two/", "U1");
    belongs(d, "sys/mounts", "sys/");
    belongs(d, "sys/", "sys/");
    belongs(d, "auth/token/create", "auth/token/");
    belongs(d, "auth/up/two/login/x", "auth/up/two/");
    belongs(d, "auth/up/three/login/x", NULL);
    belongs(d, "auth/", NULL);
    belongs(d, "deep/er/kv/a/b/c", "deep/er/kv/");
    belongs(d, "deep/er/other", NULL);
    belongs(d, "secret-2/x", "secret-2/");
    belongs(d, "secret-3/x", NULL);
    belongs(d, "secretx", NULL);
    belongs(d, "", NULL);
    belongs(d, "/", NULL);
    belongs(d, "//sys/", NULL);
}

static void the_path_of_a_mount_may_lack_its_slash(void **state) {
    struct draft *d = *state;
    belongs(d, "secret", "secret/");
    belongs(d, "auth/token", "auth/token/");
    belongs(d, "auth", NULL);
    char longest[1024];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    belongs(d, longest, NULL);
}

static void a_mount_is_found_by_its_accessor(void **state) {
    struct draft *d = *state;
    const struct mount *m = mount_at(d->state, STR("auth/token/"));
    assert_ptr_equal(mount_by_accessor(d->state, m->accessor), m);
    assert_true(str_starts(m->accessor, STR("auth_token_")));
    assert_int_equal(m->accessor.n, strlen("auth_token_") + 8);
    assert_null(mount_by_accessor(d->state, STR("auth_token_")));
}

static void unset_times_are_the_systems(void **state) {
    (void)state;
    const struct mount plain = {.default_ttl_s = 0};
    const struct mount tuned = {.default_ttl_s = 5, .max_ttl_s = 7};
    assert_int_equal(mount_default_ttl_s(&plain), MOUNT_DEFAULT_TTL_S);
    assert_int_equal(mount_max_ttl_s(&plain), MOUNT_MAX_TTL_S);
    assert_int_equal(mount_default_ttl_s(&tuned), 5);
    assert_int_equal(mount_max_ttl_s(&tuned), 7);
}

static void uuids_have_their_form_and_differ(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf a = buf_make(64), b = buf_make(64);
    assert_int_equal(mount_new_uuid(&a), 0);
    assert_int_equal(mount_new_uuid(&b), 0);
    assert_int_equal(a.n, 36);
    assert_true(a.p[8] == '-' && a.p[13] == '-' && a.p[18] == '-' && a.p[23] == '-');
    assert_true(a.p[14] == '4' && strchr("89ab", a.p[19]));
    assert_false(str_eq(buf_str(&a), buf_str(&b)));
}

static void put_token(struct draft *d, const char *accessor) {
    const struct token *made = NULL;
    AUTO_WIPED struct buf id = buf_make(256);
    const struct token want = {.kind = TOKEN_SERVICE,
                               .path = STR("auth/up/login/x"),
                               .display_name = STR("x"),
                               .mount_accessor = str_from(accessor),
                               .created_ms = NOW};
    assert_int_equal(token_create(d, &want, STR_NONE, &id, &made), 0);
}

static size_t secrets_of(const struct draft *d, const char *space) {
    AUTO_FINI(buf) struct buf out = buf_make(4096);
    size_t n = 0;
    secret_list(d->state, str_from(space), STR(""), &out, &n);
    return n;
}

static void what_lies_below_a_mount_goes_with_it(void **state) {
    struct draft *d = *state;
    add_mount(d, MOUNT_KV, "kv/", "K1");
    add_mount(d, MOUNT_USERPASS, "auth/up/", "U1");
    assert_int_equal(secret_put(d, STR("K1"), STR("a"), STR("{}")), 0);
    assert_int_equal(secret_put(d, STR("K2"), STR("a"), STR("{}")), 0);
    for (int i = 0; i < 20; i++) {
        put_token(d, "U1");
        put_token(d, "U2");
    }
    assert_int_equal(mount_remove(d, mount_at(d->state, STR("kv/"))), 0);
    assert_int_equal(mount_remove(d, mount_at(d->state, STR("auth/up/"))), 0);
    assert_null(mount_at(d->state, STR("kv/")));
    assert_null(mount_by_accessor(d->state, STR("U1")));
    assert_int_equal(secrets_of(d, "K1"), 0);
    assert_int_equal(secrets_of(d, "K2"), 1);
    assert_int_equal(state_count(d->state, RECORD_TOKEN), 20);
}

// Encodes a record and makes another one of the text.
static const void *again(const struct record_type *type, const void *record, struct buf *text,
                         struct json_reader *reader) {
    const struct json *v = NULL;
    struct fault fault = {{0}};
    void *made = NULL;
    type->encode(record, text);
    assert_int_equal(text->error, 0);
    assert_int_equal(json_read(reader, buf_str(text), &v, &fault), 0);
    assert_int_equal(type->decode(&made, v, &fault), 0);
    return made;
}

static void records_come_back_as_they_were(void **state) {
    struct draft *d = *state;
    AUTO(json_reader) struct json_reader *reader = NULL;
    AUTO_FINI(buf)
    struct buf text = buf_make(1 << 16), list = buf_make(64), twice = buf_make(1 << 16);
    assert_int_equal(json_reader_new(&reader), 0);
    list_add(&list, STR("a\"b"));
    list_add(&list, STR("c"));
    struct mount m = *mount_at(d->state, STR("secret/"));
    m.options = (struct list){STR("")};
    m.audit_request_keys = list_of(&list);
    m.passthrough_headers = list_of(&list);
    m.max_ttl_s = 1234;
    m.user_lockout = STR("{\"user_lockout_threshold\":3}");
    AUTO_RECORD const struct mount *copy = again(&mount_type_record, &m, &text, reader);
    assert_non_null(copy->options.packed.p);
    assert_true(list_is_empty(copy->options));
    assert_null(copy->audit_response_keys.packed.p);
    assert_true(list_has(copy->audit_request_keys, STR("a\"b")));
    assert_int_equal(list_count(copy->passthrough_headers), 2);
    assert_int_equal(copy->max_ttl_s, 1234);
    assert_int_equal(copy->type, MOUNT_KV);
    mount_type_record.encode(copy, &twice);
    assert_true(str_eq(buf_str(&text), buf_str(&twice)));
    buf_reset(&text);
    AUTO_RECORD const struct core *core = again(&core_type, core_of(d->state), &text, reader);
    assert_true(str_eq(core->token_key, core_of(d->state)->token_key));
    assert_int_equal(core->created_ms, NOW);
}

static void refuses(const struct record_type *type, const char *text, const char *why) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    struct fault fault = {{0}};
    void *made = NULL;
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(json_read(reader, str_from(text), &v, &fault), 0);
    assert_int_equal(type->decode(&made, v, &fault), -EINVAL);
    assert_string_equal(fault.text, why);
}

static void damaged_records_are_refused_with_the_reason(void **state) {
    (void)state;
    refuses(&mount_type_record, "[]", "not a JSON object");
    refuses(&mount_type_record, "{\"path\":5}", "member \"path\" is of the wrong type");
    refuses(&mount_type_record, "{\"options\":[]}", "member \"options\" is of the wrong type");
    refuses(&mount_type_record, "{\"max_ttl_s\":1.5}", "member \"max_ttl_s\" is of the wrong type");
    refuses(&mount_type_record, "{\"path\":\"a/\"}", "member \"kind\" is not a kind of mount");
    refuses(&core_type, "{\"token_key\":\"secret\"}", "a key is not 32 bytes long");
}

#define row(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        row(a_first_start_makes_the_mounts_policies_and_names),
        cmocka_unit_test(only_a_trial_has_a_secret_mount),
        row(a_path_belongs_to_the_mount_that_it_begins_with),
        row(the_path_of_a_mount_may_lack_its_slash),
        row(a_mount_is_found_by_its_accessor),
        cmocka_unit_test(unset_times_are_the_systems),
        cmocka_unit_test(uuids_have_their_form_and_differ),
        row(what_lies_below_a_mount_goes_with_it),
        row(records_come_back_as_they_were),
        cmocka_unit_test(damaged_records_are_refused_with_the_reason),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("mount", tests, NULL, NULL);
}
