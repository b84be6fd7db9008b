// SPDX-License-Identifier: Apache-2.0
// Tokens over a draft: what is found, what is refused, what goes with what, and what comes back
// from JSON.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "identity/core.h"
#include "identity/mount.h"
#include "identity/secret.h"
#include "identity/token-internal.h"

static const int64_t now = 1700000000000;

static const struct state_schema schema = {{
    [RECORD_CORE] = &core_type,
    [RECORD_MOUNT] = &mount_type_record,
    [RECORD_TOKEN] = &token_type,
    [RECORD_ENTITY] = &entity_type,
    [RECORD_ALIAS] = &alias_type,
    [RECORD_SECRET] = &secret_type,
    [RECORD_MERGED] = &entity_merged_type,
}};

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void add_core(struct draft *d) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    void *core = NULL;
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(
        json_read(reader,
                  STR("{\"cluster_name\":\"c\",\"cluster_id\":\"i\",\"token_key\":\"" KEY
                      "\",\"audit_key\":\"" KEY "\",\"created_ms\":1}"),
                  &v, NULL),
        0);
    assert_int_equal(core_type.decode(&core, v, NULL), 0);
    assert_int_equal(draft_put(d, core), 0);
}

static void add_mount(struct draft *d, const char *path, const char *accessor) {
    struct mount m = {.type = MOUNT_USERPASS,
                      .path = str_from(path),
                      .uuid = str_from(accessor),
                      .accessor = str_from(accessor),
                      .shown_type = STR("userpass")};
    void *made = NULL;
    assert_int_equal(record_make(&made, &m, sizeof m, mount_texts, mount_text_count,
                                 &mount_type_record, RECORD_MOUNT),
                     0);
    assert_int_equal(draft_put(d, made), 0);
}

static int setup(void **state) {
    static struct draft d;
    AUTO(state) struct state *empty = NULL;
    if (state_new(&empty, &schema) || draft_begin(&d, empty)) return -1;
    add_core(&d);
    add_mount(&d, "auth/one/", "A1");
    *state = &d;
    return 0;
}

static int teardown(void **state) {
    draft_fini(*state);
    return 0;
}

// A token and what it is called.
struct made {
    const struct token *token;
    char id[64];
};

static struct made make(struct draft *d, const struct token *want, const char *id) {
    struct made m = {NULL, ""};
    AUTO_FINI(buf) struct buf text = buf_make(sizeof m.id - 1);
    assert_int_equal(token_create(d, want, str_from(id), &text, &m.token), 0);
    memcpy(m.id, text.p, text.n);
    return m;
}

static struct made make_child(struct draft *d, const struct token *parent) {
    const struct token want = {.created_ms = now, .parent = parent ? parent->hash : STR_NONE};
    return make(d, &want, NULL);
}

static int check_from(const struct draft *d, const char *id, const char *address, int64_t at) {
    AUTO_FINI(token_caller) struct token_caller caller = {0};
    return token_check(d->state, str_from(id), str_from(address), at, &caller);
}

static int check(const struct draft *d, const char *id) {
    return check_from(d, id, "127.0.0.1", now);
}

static struct list list_with(struct buf *b, const char *const *items) {
    for (; *items; items++) list_add(b, str_from(*items));
    return list_of(b);
}
#define ITEMS(...) ((const char *const[]){__VA_ARGS__, NULL})

// ---- making and finding

static void a_token_is_found_by_itself_and_by_its_accessor_only(void **state) {
    struct draft *d = *state;
    struct made m = make_child(d, NULL);
    assert_int_equal(strlen(m.id), 2 + 24);
    assert_memory_equal(m.id, "s.", 2);
    assert_int_equal(m.token->accessor.n, TOKEN_ACCESSOR_BYTES);
    assert_int_equal(check(d, m.id), 0);
    assert_ptr_equal(token_by_accessor(d->state, m.token->accessor), m.token);
    m.id[5] ^= 1;
    assert_int_equal(check(d, m.id), TOKEN_E_BAD);
    assert_int_equal(check(d, ""), TOKEN_E_BAD);
    assert_int_equal(check(d, "s."), TOKEN_E_BAD);
    assert_int_equal(check(d, "b.AAAA"), TOKEN_E_BAD);
}

static void the_hash_is_no_token(void **state) {
    struct draft *d = *state;
    struct made m = make_child(d, NULL);
    char hash[TOKEN_HASH_BYTES + 1] = "";
    memcpy(hash, m.token->hash.p, TOKEN_HASH_BYTES);
    assert_int_equal(check(d, hash), TOKEN_E_BAD);
}

static void an_id_of_ones_own_is_taken_once(void **state) {
    struct draft *d = *state;
    const struct token want = {.created_ms = now};
    struct made m = make(d, &want, "my-own");
    assert_string_equal(m.id, "my-own");
    AUTO_FINI(buf) struct buf text = buf_make(64);
    const struct token *other = NULL;
    assert_int_equal(token_create(d, &want, STR("my-own"), &text, &other), TOKEN_E_TAKEN);
    assert_int_equal(text.n, 0);
    assert_null(other);
}

static void an_empty_state_knows_no_token(void **state) {
    (void)state;
    AUTO(state) struct state *empty = NULL;
    assert_int_equal(state_new(&empty, &schema), 0);
    AUTO_FINI(token_caller) struct token_caller caller = {0};
    assert_int_equal(token_check(empty, STR("root"), STR("::1"), now, &caller), TOKEN_E_BAD);
    assert_int_equal(token_check(empty, STR("b.QUJD"), STR("::1"), now, &caller), TOKEN_E_BAD);
    uint8_t hash[TOKEN_HASH_BYTES];
    assert_int_equal(token_hash(empty, STR("root"), hash), -EINVAL);
}

static void what_was_kept_comes_back_from_json(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf policies = buf_make(1000);
    AUTO_FINI(buf) struct buf meta = buf_make(1000);
    AUTO_FINI(buf) struct buf cidrs = buf_make(1000);
    struct made parent = make_child(d, NULL);
    const struct token want = {.policies = list_with(&policies, ITEMS("a", "default")),
                               .meta = list_with(&meta, ITEMS("k", "v\"\n", "l", "")),
                               .bound_cidrs = list_with(&cidrs, ITEMS("::1")),
                               .parent = parent.token->hash,
                               .path = STR("auth/token/create"),
                               .display_name = STR("token-x"),
                               .entity_id = STR("e"),
                               .mount_accessor = STR("A1"),
                               .created_ms = 1,
                               .renewed_ms = 2,
                               .expires_ms = 3,
                               .ttl_s = 4,
                               .period_s = 5,
                               .explicit_max_ttl_s = 6,
                               .num_uses = 7,
                               .max_ttl_s = 8,
                               .renewable = true,
                               .wrapping = true};
    struct made m = make(d, &want, NULL);
    AUTO_FINI(buf) struct buf first = buf_make(10000);
    AUTO_FINI(buf) struct buf second = buf_make(10000);
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    AUTO_RECORD void *again = NULL;
    token_type.encode(m.token, &first);
    assert_true(str_find(buf_str(&first), str_from(m.id)) == first.n);
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(json_read(reader, buf_str(&first), &v, NULL), 0);
    assert_int_equal(token_type.decode(&again, v, NULL), 0);
    token_type.encode(again, &second);
    assert_true(str_eq(buf_str(&first), buf_str(&second)));
    const struct token *t = again;
    assert_true(str_eq(t->hash, m.token->hash));
    assert_true(str_eq(t->parent, parent.token->hash));
    assert_int_equal(t->max_ttl_s, 8);
    assert_true(t->wrapping);
}

static void a_damaged_record_is_refused_with_a_reason(void **state) {
    (void)state;
    static const char *const damaged[] = {"{\"hash\":\"AAAA\"}", "{\"hash\":\"?\"}",
                                          "{\"parent\":\"AA\"}", "{\"policies\":1}"};
    AUTO(json_reader) struct json_reader *reader = NULL;
    assert_int_equal(json_reader_new(&reader), 0);
    for (size_t i = 0; i < LEN(damaged); i++) {
        const struct json *v = NULL;
        void *made = NULL;
        struct fault fault = {{0}};
        assert_int_equal(json_read(reader, str_from(damaged[i]), &v, NULL), 0);
        assert_int_equal(token_type.decode(&made, v, &fault), -EINVAL);
        assert_true(fault.text[0]);
    }
}

// ---- alive or not

static void an_expired_token_is_refused_from_that_moment_on(void **state) {
    struct draft *d = *state;
    const struct token want = {.created_ms = now, .expires_ms = now + 1000};
    struct made m = make(d, &want, NULL);
    assert_int_equal(check_from(d, m.id, "::1", now + 999), 0);
    assert_int_equal(check_from(d, m.id, "::1", now + 1000), TOKEN_E_BAD);
}

static void a_child_does_not_outlive_its_parent(void **state) {
    struct draft *d = *state;
    const struct token want = {.created_ms = now, .expires_ms = now + 1000};
    struct made parent = make(d, &want, NULL);
    struct made child = make_child(d, parent.token);
    struct made grandchild = make_child(d, child.token);
    assert_int_equal(check_from(d, grandchild.id, "::1", now + 999), 0);
    assert_int_equal(check_from(d, grandchild.id, "::1", now + 1000), TOKEN_E_BAD);
    assert_true(token_is_alive(d->state, grandchild.token, now));
    assert_false(token_is_alive(d->state, grandchild.token, now + 1000));
}

static void uses_are_counted_and_the_last_one_ends_the_token(void **state) {
    struct draft *d = *state;
    const struct token want = {.created_ms = now, .num_uses = 2};
    struct made m = make(d, &want, NULL);
    struct str hash = m.token->hash;
    assert_int_equal(token_use(d, token_by_hash(d->state, hash)), 0);
    assert_int_equal(token_by_hash(d->state, hash)->num_uses, 1);
    assert_int_equal(check(d, m.id), 0);
    assert_int_equal(token_use(d, token_by_hash(d->state, hash)), 0);
    assert_int_equal(token_by_hash(d->state, hash)->num_uses, TOKEN_USED_UP);
    assert_int_equal(check(d, m.id), TOKEN_E_BAD);
    assert_int_equal(token_next_expiry(d->state), 1);
}

static void a_token_of_any_number_of_uses_is_not_counted(void **state) {
    struct draft *d = *state;
    struct made m = make_child(d, NULL);
    size_t changes = d->n;
    assert_int_equal(token_use(d, m.token), 0);
    assert_int_equal(d->n, changes);
}

static const struct entity *make_entity(struct draft *d, bool disabled) {
    const struct entity *e = NULL;
    struct fault fault = {{0}};
    bool fresh = false;
    const struct entity_change change = {.name = STR("alice"), .disabled = &disabled};
    assert_int_equal(entity_change(d, &change, now, &e, &fresh, &fault), 0);
    return e;
}

static void a_token_is_refused_while_its_entity_is_disabled_or_gone(void **state) {
    struct draft *d = *state;
    const struct entity *e = make_entity(d, false);
    const struct token want = {.created_ms = now, .entity_id = e->id};
    struct made m = make(d, &want, NULL);
    assert_int_equal(check(d, m.id), 0);
    e = make_entity(d, true);
    assert_int_equal(check(d, m.id), TOKEN_E_BAD);
    e = make_entity(d, false);
    assert_int_equal(check(d, m.id), 0);
    assert_int_equal(draft_delete(d, e), 0);
    assert_int_equal(check(d, m.id), TOKEN_E_BAD);
    // It is a token all the same, for those who look it up.
    AUTO_FINI(token_caller) struct token_caller found = {0};
    assert_int_equal(token_find(d->state, str_from(m.id), now, &found), 0);
    assert_null(found.entity);
}

static const struct entity *log_in(struct draft *d, const char *mount) {
    const struct entity *e = NULL;
    assert_int_equal(
        entity_of_login(d, str_from(mount), STR("u"), (struct list){STR_NONE}, now, &e), 0);
    return e;
}

static void a_token_of_a_merged_entity_lives_on_as_the_other(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf from = buf_make(1000);
    AUTO_FINI(buf) struct buf clashes = buf_make(1000);
    add_mount(d, "auth/two/", "A2");
    const struct token want = {.created_ms = now, .entity_id = log_in(d, "A1")->id};
    struct made m = make(d, &want, NULL);
    list_add(&from, m.token->entity_id);
    const struct entity_merge merge = {.from = list_of(&from), .to = log_in(d, "A2")->id};
    struct fault fault = {{0}};
    assert_int_equal(entity_merge(d, &merge, &clashes, &fault), 0);
    AUTO_FINI(token_caller) struct token_caller caller = {0};
    assert_int_equal(token_check(d->state, str_from(m.id), STR("::1"), now, &caller), 0);
    assert_ptr_equal(caller.entity, log_in(d, "A2"));
    assert_ptr_equal(caller.entity, log_in(d, "A1"));
}

static void a_bound_token_is_refused_from_elsewhere(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf cidrs = buf_make(1000);
    const struct token want = {.created_ms = now,
                               .bound_cidrs = list_with(&cidrs, ITEMS("10.0.0.0/8", "fe80::/10"))};
    struct made m = make(d, &want, NULL);
    assert_int_equal(check_from(d, m.id, "10.9.8.7", now), 0);
    assert_int_equal(check_from(d, m.id, "::ffff:10.9.8.7", now), 0);
    assert_int_equal(check_from(d, m.id, "fe80::1", now), 0);
    assert_int_equal(check_from(d, m.id, "11.0.0.1", now), TOKEN_E_BAD);
    assert_int_equal(check_from(d, m.id, "", now), TOKEN_E_BAD);
}

static void the_caller_knows_what_later_decisions_need(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf policies = buf_make(1000);
    const struct entity *e = make_entity(d, false);
    const struct token want = {
        .created_ms = now, .entity_id = e->id, .policies = list_with(&policies, ITEMS("root"))};
    struct made m = make(d, &want, NULL);
    AUTO_FINI(token_caller) struct token_caller caller = {0};
    assert_int_equal(token_check(d->state, str_from(m.id), STR("::1"), now, &caller), 0);
    assert_ptr_equal(caller.token, m.token);
    assert_ptr_equal(caller.entity, e);
    assert_true(caller.root);
    assert_null(caller.made);
}

// ---- taking out

static size_t tokens(const struct draft *d) { return state_count(d->state, RECORD_TOKEN); }

static void keep_something(struct draft *d, const struct token *t) {
    AUTO_FINI(buf) struct buf space = buf_make(1000);
    secret_cubbyhole(&space, t->hash);
    assert_int_equal(secret_put(d, buf_str(&space), STR("a"), STR("{}")), 0);
}

static void revoking_takes_children_and_cubbyholes_along(void **state) {
    struct draft *d = *state;
    struct made other = make_child(d, NULL);
    struct made parent = make_child(d, NULL);
    struct made a = make_child(d, parent.token);
    struct made b = make_child(d, parent.token);
    struct made c = make_child(d, b.token);
    keep_something(d, parent.token);
    keep_something(d, c.token);
    keep_something(d, other.token);
    assert_int_equal(token_revoke(d, parent.token), 0);
    assert_int_equal(tokens(d), 1);
    assert_int_equal(state_count(d->state, RECORD_SECRET), 1);
    assert_int_equal(check(d, a.id), TOKEN_E_BAD);
    assert_int_equal(check(d, c.id), TOKEN_E_BAD);
    assert_int_equal(check(d, other.id), 0);
}

static void revoking_as_an_orphan_leaves_the_children(void **state) {
    struct draft *d = *state;
    struct made parent = make_child(d, NULL);
    struct made a = make_child(d, parent.token);
    struct made b = make_child(d, parent.token);
    struct made c = make_child(d, b.token);
    assert_int_equal(token_revoke_orphan(d, parent.token), 0);
    assert_int_equal(check(d, parent.id), TOKEN_E_BAD);
    assert_int_equal(check(d, a.id), 0);
    assert_int_equal(check(d, c.id), 0);
    const struct token *orphan = token_by_hash(d->state, a.token->hash);
    assert_int_equal(orphan->parent.n, 0);
    assert_int_equal(token_by_hash(d->state, c.token->hash)->parent.n, TOKEN_HASH_BYTES);
}

static void a_line_of_thousands_is_revoked_without_a_deep_stack(void **state) {
    struct draft *d = *state;
    struct made first = make_child(d, NULL);
    const struct token *last = first.token;
    for (int i = 0; i < 5000; i++) last = make_child(d, last).token;
    assert_int_equal(tokens(d), 5001);
    assert_true(token_is_alive(d->state, last, now));
    assert_int_equal(token_revoke(d, first.token), 0);
    assert_int_equal(tokens(d), 0);
}

static void renewing_keeps_hash_and_accessor(void **state) {
    struct draft *d = *state;
    struct made m = make_child(d, NULL);
    struct token changed = *m.token;
    changed.expires_ms = now + 5;
    assert_int_equal(token_replace(d, &changed), 0);
    assert_int_equal(tokens(d), 1);
    assert_int_equal(token_by_accessor(d->state, changed.accessor)->expires_ms, now + 5);
    assert_int_equal(token_next_expiry(d->state), now + 5);
}

static void sweeping_takes_what_is_over_and_says_whether_there_is_more(void **state) {
    struct draft *d = *state;
    struct made kept = make_child(d, NULL);
    for (int i = 0; i < 10; i++) {
        const struct token want = {.created_ms = now, .expires_ms = now + 10 + i};
        make_child(d, make(d, &want, NULL).token);
    }
    bool more = false;
    assert_int_equal(token_next_expiry(d->state), now + 10);
    assert_int_equal(token_sweep(d, now + 17, 5, &more), 0);
    assert_true(more);
    assert_int_equal(tokens(d), 1 + 2 * 5);
    assert_int_equal(token_sweep(d, now + 17, 5, &more), 0);
    assert_false(more);
    assert_int_equal(tokens(d), 1 + 2 * 2);
    assert_int_equal(token_next_expiry(d->state), now + 18);
    assert_int_equal(token_sweep(d, now + 100, 5, &more), 0);
    assert_int_equal(tokens(d), 1);
    assert_int_equal(token_next_expiry(d->state), 0);
    assert_int_equal(check(d, kept.id), 0);
}

// ---- batch tokens

static char batch_text[4096];

static const char *make_batch(const struct draft *d, const struct token *want) {
    AUTO_FINI(buf) struct buf text = buf_make(sizeof batch_text - 1);
    assert_int_equal(token_create_batch(d->state, want, &text), 0);
    memcpy(batch_text, text.p, text.n);
    batch_text[text.n] = '\0';
    return batch_text;
}

static void a_batch_token_says_all_and_nothing_is_kept(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf policies = buf_make(1000);
    const struct token want = {.policies = list_with(&policies, ITEMS("a", "b")),
                               .path = STR("auth/one/login/x"),
                               .mount_accessor = STR("A1"),
                               .created_ms = now,
                               .expires_ms = now + 1000,
                               .ttl_s = 1,
                               .kind = TOKEN_BATCH};
    const char *id = make_batch(d, &want);
    assert_memory_equal(id, "b.", 2);
    assert_int_equal(tokens(d), 0);
    AUTO_FINI(token_caller) struct token_caller caller = {0};
    assert_int_equal(token_check(d->state, str_from(id), STR("::1"), now, &caller), 0);
    assert_non_null(caller.made);
    assert_int_equal(caller.token->kind, TOKEN_BATCH);
    assert_true(str_eq(caller.policies.packed, want.policies.packed));
    assert_true(str_eq(caller.token->path, want.path));
    assert_int_equal(caller.token->accessor.n, 0);
    assert_int_equal(check_from(d, id, "::1", now + 1000), TOKEN_E_BAD);
}

static void every_changed_byte_spoils_a_batch_token(void **state) {
    struct draft *d = *state;
    const struct token want = {.created_ms = now, .kind = TOKEN_BATCH};
    (void)make_batch(d, &want);
    assert_int_equal(check(d, batch_text), 0);
    for (size_t i = 0; batch_text[i]; i++) {
        char good = batch_text[i];
        batch_text[i] = good == 'A' ? 'B' : 'A';
        assert_int_equal(check(d, batch_text), TOKEN_E_BAD);
        batch_text[i] = good;
    }
    batch_text[strlen(batch_text) - 4] = '\0';
    assert_int_equal(check(d, batch_text), TOKEN_E_BAD);
}

static void a_batch_token_goes_with_its_parent_entity_and_mount(void **state) {
    struct draft *d = *state;
    struct made parent = make_child(d, NULL);
    const struct entity *e = make_entity(d, false);
    const struct token child = {.created_ms = now, .parent = parent.token->hash};
    assert_int_equal(check(d, make_batch(d, &child)), 0);
    assert_int_equal(token_revoke(d, parent.token), 0);
    assert_int_equal(check(d, batch_text), TOKEN_E_BAD);
    const struct token owned = {.created_ms = now, .entity_id = e->id};
    assert_int_equal(check(d, make_batch(d, &owned)), 0);
    assert_int_equal(draft_delete(d, e), 0);
    assert_int_equal(check(d, batch_text), TOKEN_E_BAD);
    const struct token login = {.created_ms = now, .mount_accessor = STR("A1")};
    assert_int_equal(check(d, make_batch(d, &login)), 0);
    assert_int_equal(draft_delete(d, mount_by_accessor(d->state, STR("A1"))), 0);
    assert_int_equal(check(d, batch_text), TOKEN_E_BAD);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(a_token_is_found_by_itself_and_by_its_accessor_only),
        T(the_hash_is_no_token),
        T(an_id_of_ones_own_is_taken_once),
        T(an_empty_state_knows_no_token),
        T(what_was_kept_comes_back_from_json),
        T(a_damaged_record_is_refused_with_a_reason),
        T(an_expired_token_is_refused_from_that_moment_on),
        T(a_child_does_not_outlive_its_parent),
        T(uses_are_counted_and_the_last_one_ends_the_token),
        T(a_token_of_any_number_of_uses_is_not_counted),
        T(a_token_is_refused_while_its_entity_is_disabled_or_gone),
        T(a_token_of_a_merged_entity_lives_on_as_the_other),
        T(a_bound_token_is_refused_from_elsewhere),
        T(the_caller_knows_what_later_decisions_need),
        T(revoking_takes_children_and_cubbyholes_along),
        T(revoking_as_an_orphan_leaves_the_children),
        T(a_line_of_thousands_is_revoked_without_a_deep_stack),
        T(renewing_keeps_hash_and_accessor),
        T(sweeping_takes_what_is_over_and_says_whether_there_is_more),
        T(a_batch_token_says_all_and_nothing_is_kept),
        T(every_changed_byte_spoils_a_batch_token),
        T(a_batch_token_goes_with_its_parent_entity_and_mount),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
