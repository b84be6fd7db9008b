// SPDX-License-Identifier: Apache-2.0
// As test_entity_memory, for tokens and users: the n-th allocation fails, for every n. A token that
// is said to have been made works; one that is said to be revoked does not; and what an earlier
// snapshot says stays.
//
// OpenSSL does not always say that memory was what it lacked: what does not open is then refused,
// which is as it should be. Each scenario has gone through once before, so that what OpenSSL makes
// once and keeps is there.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "identity/core.h"
#include "identity/mount.h"
#include "identity/names.h"
#include "identity/secret.h"
#include "identity/token.h"
#include "identity/user.h"

#include "failmalloc.h"

enum { ATTEMPTS_MAX = 100000, TEXT_MAX = 1 << 16, TOKENS_BEFORE = 4 };
static const int64_t now = 1700000000000;

// An outcome that nothing may lead to.
enum { WRONG = -1 };

static const struct state_schema schema = {{
    [RECORD_CORE] = &core_type,
    [RECORD_MOUNT] = &mount_type_record,
    [RECORD_TOKEN] = &token_type,
    [RECORD_ENTITY] = &entity_type,
    [RECORD_ALIAS] = &alias_type,
    [RECORD_MERGED] = &entity_merged_type,
    [RECORD_USER] = &user_type,
    [RECORD_SECRET] = &secret_type,
}};

// A parent, two children of its and a grandchild, each with something in its cubbyhole. Made once,
// never changed.
static struct state *before;
static char parent_id[64], grandchild_id[64], batch_id[4096];

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static int add_core(struct draft *d) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    void *core = NULL;
    int r = json_reader_new(&reader);
    if (r == 0)
        r = json_read(reader,
                      STR("{\"cluster_name\":\"c\",\"cluster_id\":\"i\",\"token_key\":\"" KEY
                          "\",\"audit_key\":\"" KEY "\",\"created_ms\":1}"),
                      &v, NULL);
    if (r == 0) r = core_type.decode(&core, v, NULL);
    return r ? r : draft_put(d, core);
}

static int keep_something(struct draft *d, const struct token *t) {
    AUTO_FINI(buf) struct buf space = buf_make(TEXT_MAX);
    secret_cubbyhole(&space, t->hash);
    return space.error ? space.error : secret_put(d, buf_str(&space), STR("a"), STR("{}"));
}

static int make(struct draft *d, const struct token *parent, char *ret_id,
                const struct token **ret) {
    AUTO_FINI(buf) struct buf id = buf_make(TEXT_MAX);
    const struct token want = {.created_ms = now,
                               .expires_ms = now + 1000,
                               .num_uses = 2,
                               .path = STR("auth/token/create"),
                               .parent = parent ? parent->hash : STR_NONE};
    int r = token_create(d, &want, STR_NONE, &id, ret);
    if (r == 0) r = keep_something(d, *ret);
    if (r == 0 && ret_id) {
        memcpy(ret_id, id.p, id.n);
        ret_id[id.n] = '\0';
    }
    return r;
}

static int make_before(void **state) {
    (void)state;
    AUTO(state) struct state *empty = NULL;
    AUTO_FINI(draft) struct draft d = {.state = NULL};
    AUTO_FINI(buf) struct buf batch = buf_make(sizeof batch_id - 1);
    const struct token *parent = NULL, *child = NULL, *other = NULL;
    const struct token want = {.created_ms = now};
    if (state_new(&empty, &schema) || draft_begin(&d, empty) || add_core(&d)) return -1;
    if (make(&d, NULL, parent_id, &parent) || make(&d, parent, NULL, &child)) return -1;
    if (make(&d, parent, NULL, &other) || make(&d, child, grandchild_id, &other)) return -1;
    if (token_create_batch(d.state, &want, &batch)) return -1;
    memcpy(batch_id, batch.p, batch.n);
    before = state_hold(d.state);
    return 0;
}

static int free_before(void **state) {
    (void)state;
    before = state_free(before);
    return 0;
}

static const struct token *find(const struct state *s, const char *id) {
    uint8_t hash[TOKEN_HASH_BYTES];
    if (token_hash(s, str_from(id), hash)) return NULL;
    return token_by_hash(s, (struct str){(const char *)hash, sizeof hash});
}

static bool is_untouched(void) {
    const struct token *t = find(before, parent_id);
    return state_count(before, RECORD_TOKEN) == TOKENS_BEFORE &&
           state_count(before, RECORD_SECRET) == TOKENS_BEFORE && t && t->num_uses == 2 &&
           find(before, grandchild_id);
}

static bool is_allowed(int r) { return r == 0 || r == -ENOMEM || r == -EIO || r == -EINVAL; }

static void fail_each(int (*scenario)(struct draft *d)) {
    for (long n = 0; n < ATTEMPTS_MAX; n++) {
        struct draft d = {.state = NULL};
        assert_int_equal(draft_begin(&d, before), 0);
        failmalloc_arm(n);
        int r = scenario(&d);
        long count = failmalloc_disarm();
        draft_fini(&d);
        if (!is_allowed(r)) fail_msg("allocation %ld failed: outcome %d", n, r);
        assert_true(is_untouched());
        if (n == 0 || count >= n) continue;
        assert_int_equal(r, 0);
        assert_true(n > 1);
        return;
    }
    fail_msg("never got through");
}

// ---- scenarios

static int create(struct draft *d) {
    const struct token *t = NULL;
    char id[64];
    int r = make(d, find(before, parent_id), id, &t);
    if (r) return r;
    AUTO_FINI(token_caller) struct token_caller caller = {0};
    r = token_check(d->state, str_from(id), STR("::1"), now, &caller);
    return r == TOKEN_E_BAD ? WRONG : r;
}

static int revoke(struct draft *d) {
    const struct token *t = find(d->state, parent_id);
    if (!t) return -ENOMEM;
    int r = token_revoke(d, t);
    if (r) return r;
    return state_count(d->state, RECORD_TOKEN) || state_count(d->state, RECORD_SECRET) ? WRONG : 0;
}

static int revoke_orphan(struct draft *d) {
    const struct token *t = find(d->state, parent_id);
    if (!t) return -ENOMEM;
    int r = token_revoke_orphan(d, t);
    return r ? r : state_count(d->state, RECORD_TOKEN) == TOKENS_BEFORE - 1 ? 0 : WRONG;
}

static int use(struct draft *d) {
    const struct token *t = find(d->state, parent_id);
    if (!t) return -ENOMEM;
    struct str hash = t->hash;
    int r = token_use(d, t);
    return r ? r : token_by_hash(d->state, hash)->num_uses == 1 ? 0 : WRONG;
}

static int sweep(struct draft *d) {
    bool more = true;
    int r = token_sweep(d, now + 1000, 100, &more);
    return r ? r : more || state_count(d->state, RECORD_TOKEN) ? WRONG : 0;
}

static int batch(struct draft *d) {
    AUTO_FINI(buf) struct buf id = buf_make(TEXT_MAX);
    AUTO_FINI(token_caller) struct token_caller caller = {0};
    const struct token want = {.created_ms = now, .path = STR("p")};
    int r = token_create_batch(d->state, &want, &id);
    if (r == 0) r = token_check(d->state, str_from(batch_id), STR("::1"), now, &caller);
    if (r == 0 && !caller.made) return WRONG;
    return r == TOKEN_E_BAD ? -ENOMEM : r;
}

static int user(struct draft *d) {
    AUTO_FINI(buf) struct buf given = buf_make(TEXT_MAX), names = buf_make(TEXT_MAX);
    AUTO_WIPED struct buf hash = buf_make(TEXT_MAX);
    list_add(&given, STR("B "));
    list_add(&given, STR("a"));
    int r = given.error ? given.error : names_fold(list_of(&given), &names);
    if (r == 0) r = user_hash(STR("sesame"), &hash, NULL);
    if (r) return r;
    const struct user u = {.mount_uuid = STR("m"),
                           .name = STR("n"),
                           .password_hash = buf_str(&hash),
                           .token_policies = list_of(&names)};
    r = user_put(d, &u);
    if (r) return r;
    r = user_check(STR("sesame"), user_get(d->state, STR("m"), STR("n"))->password_hash);
    if (r) return r < 0 ? r : WRONG;
    r = user_check(STR("open"), buf_str(&hash));
    return r < 0 ? r : r == USER_E_WRONG ? 0 : WRONG;
}

// ---- tests

static void making_a_token_works_or_fails_cleanly(void **state) {
    (void)state;
    fail_each(create);
}
static void revoking_a_family_works_or_fails_cleanly(void **state) {
    (void)state;
    fail_each(revoke);
}
static void revoking_as_an_orphan_works_or_fails_cleanly(void **state) {
    (void)state;
    fail_each(revoke_orphan);
}
static void counting_a_use_works_or_fails_cleanly(void **state) {
    (void)state;
    fail_each(use);
}
static void sweeping_works_or_fails_cleanly(void **state) {
    (void)state;
    fail_each(sweep);
}
static void batch_tokens_work_or_fail_cleanly(void **state) {
    (void)state;
    fail_each(batch);
}
static void users_and_passwords_work_or_fail_cleanly(void **state) {
    (void)state;
    fail_each(user);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making_a_token_works_or_fails_cleanly),
        cmocka_unit_test(revoking_a_family_works_or_fails_cleanly),
        cmocka_unit_test(revoking_as_an_orphan_works_or_fails_cleanly),
        cmocka_unit_test(counting_a_use_works_or_fails_cleanly),
        cmocka_unit_test(sweeping_works_or_fails_cleanly),
        cmocka_unit_test(batch_tokens_work_or_fail_cleanly),
        cmocka_unit_test(users_and_passwords_work_or_fail_cleanly),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_before, free_before);
}
