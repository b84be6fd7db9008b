// SPDX-License-Identifier: Apache-2.0
// The gate itself: durable writes in groups, reads beside them, failing disks, keys.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "../store/scratch.h"
#include "crypto/digest.h"
#include "gate-fixture.h"

#define KEY_TEXT "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

// A gate over a state directory, with a configured key or without one.
struct stored {
    struct fixture f;
    struct crypto_sealer *sealer;
    struct buf key, token;
    char root[64];
};

static struct stored stored_open(struct scratch *s, const char *key) {
    struct stored g = {.key = buf_make(64), .token = buf_make(256)};
    struct fault fault = {{0}};
    assert_int_equal(store_open(&g.f.store, scratch_path(s, "state"), STORE_WRITE, &fault), 0);
    if (key) assert_int_equal(crypto_sealer_new(&g.sealer, str_from(key), &fault), 0);
    const struct gate_opts opts = {.store = g.f.store, .sealer = g.sealer, .version = "1.17.0"};
    assert_int_equal(gate_new(&g.f.gate, &opts, &fault), 0);
    return g;
}

static void stored_init(struct stored *g) {
    struct fault fault = {{0}};
    assert_int_equal(gate_init(g->f.gate, false, STR_NONE, &g->key, &g->token, &fault), 0);
    snprintf(g->root, sizeof g->root, "%.*s", STR_ARG(buf_str(&g->token)));
}

static void stored_close(struct stored *g) {
    fixture_close(&g->f);
    crypto_sealer_free(g->sealer);
    buf_wipe(&g->key);
    buf_wipe(&g->token);
}

static const char *mount_kv = "{\"type\":\"kv\"}";

static void what_was_answered_is_there_after_a_restart(void **state) {
    struct scratch *s = *state;
    struct stored g = stored_open(s, KEY_TEXT);
    stored_init(&g);
    char root[64];
    memcpy(root, g.root, sizeof root);
    ask_for(&g.f, 204, "POST", "sys/mounts/kv1", root, mount_kv);
    ask_for(&g.f, 204, "PUT", "kv1/a/b", root, "{\"n\":1.50}");
    ask_for(&g.f, 204, "PUT", "kv1/gone", root, "{\"n\":1}");
    ask_for(&g.f, 204, "DELETE", "kv1/gone", root, NULL);
    stored_close(&g);
    g = stored_open(s, KEY_TEXT);
    struct said said = ask(&g.f, "GET", "kv1/a/b", root, NULL);
    assert_int_equal(said.status, 200);
    assert_true(str_eqz(json_number(said_data(&said, "n")), "1.50"));
    said_fini(&said);
    ask_for(&g.f, 404, "GET", "kv1/gone", root, NULL);
    ask_for(&g.f, 403, "GET", "kv1/a/b", "s.000000000000000000000000", NULL);
    struct gate_stats stats;
    gate_stats(g.f.gate, &stats);
    assert_int_equal(stats.answered[OP_READ][2], 1);
    assert_int_equal(stats.answered[OP_READ][4], 2);
    assert_int_equal(stats.requests, 3);
    assert_int_equal(stats.unaudited, 0);
    stored_close(&g);
}

static void another_master_key_is_recognised_at_the_start(void **state) {
    struct scratch *s = *state;
    struct stored g = stored_open(s, KEY_TEXT);
    stored_init(&g);
    struct fault fault = {{0}};
    struct crypto_sealer *other = NULL;
    struct gate *gate = NULL;
    assert_int_equal(gate_init(g.f.gate, false, STR_NONE, &g.key, &g.token, &fault),
                     GATE_E_INITIALISED);
    gate_free(TAKE(g.f.gate));
    char text[65];
    memset(text, 'a', 64);
    text[64] = '\0';
    assert_int_equal(crypto_sealer_new(&other, str_from(text), &fault), 0);
    const struct gate_opts opts = {.store = g.f.store, .sealer = other, .version = "1.17.0"};
    assert_int_equal(gate_new(&gate, &opts, &fault), GATE_E_OTHER_KEY);
    assert_non_null(strstr(fault.text, "gate/"));
    crypto_sealer_free(other);
    stored_close(&g);
}

static void add_hex_body(struct buf *out, const char *before, struct str key, const char *after) {
    buf_reset(out);
    buf_addz(out, before);
    for (size_t i = 0; i < key.n; i++) buf_addf(out, "%02x", (unsigned char)key.p[i]);
    buf_addz(out, after);
}

static void without_a_configured_key_a_gate_starts_sealed_and_is_opened_by_its_key(void **state) {
    struct scratch *s = *state;
    struct stored g = stored_open(s, NULL);
    ask_for(&g.f, 501, "GET", "sys/health", NULL, NULL);
    ask_for(&g.f, 503, "GET", "sys/mounts", "x", NULL);
    stored_init(&g);
    assert_int_equal(g.key.n, 32);
    struct buf body = buf_make(1024);
    for (int round = 0; round < 2; round++) {
        ask_for(&g.f, 503, "GET", "sys/health", NULL, NULL);
        ask_for(&g.f, 503, "GET", "sys/mounts", g.root, NULL);
        add_hex_body(&body, "{\"key\":\"00", str_sub(buf_str(&g.key), 1, 32), "\"}");
        // One byte is another.
        if (g.key.p[0] != 0) ask_for(&g.f, 400, "PUT", "sys/unseal", NULL, buf_z(&body));
        add_hex_body(&body, "{\"key\":\"", buf_str(&g.key), "\"}");
        ask_for(&g.f, 200, "PUT", "sys/unseal", NULL, buf_z(&body));
        ask_for(&g.f, 200, "GET", "sys/mounts", g.root, NULL);
        ask_for(&g.f, 204, "PUT", "sys/seal", g.root, NULL);
    }
    buf_wipe(&body);
    stored_close(&g);
}

static void a_write_that_cannot_be_kept_has_not_happened(void **state) {
    struct scratch *s = *state;
    struct stored g = stored_open(s, KEY_TEXT);
    stored_init(&g);
    ask_for(&g.f, 204, "POST", "sys/mounts/kv1", g.root, mount_kv);
    ask_for(&g.f, 204, "PUT", "kv1/a", g.root, "{\"v\":1}");
    const char *file = scratch_path(s, "state/state.db");
    char away[4096];
    snprintf(away, sizeof away, "%s.away", file);
    assert_int_equal(rename(file, away), 0);
    ask_for(&g.f, 500, "PUT", "kv1/a", g.root, "{\"v\":2}");
    ask_for(&g.f, 500, "PUT", "kv1/new", g.root, "{\"v\":2}");
    struct said said = ask(&g.f, "GET", "kv1/a", g.root, NULL);
    assert_true(str_eqz(json_number(said_data(&said, "v")), "1"));
    said_fini(&said);
    ask_for(&g.f, 404, "GET", "kv1/new", g.root, NULL);
    assert_int_equal(rename(away, scratch_path(s, "state/state.db")), 0);
    ask_for(&g.f, 204, "PUT", "kv1/new", g.root, "{\"v\":3}");
    stored_close(&g);
}

enum { WRITERS = 6, WRITES = 40, READERS = 3 };

struct crowd {
    struct fixture *f;
    const char *root;
    int number;
    atomic_bool *over;
};

static void *write_many(void *p) {
    struct crowd *c = p;
    for (int i = 0; i < WRITES; i++) {
        char path[64], body[64];
        snprintf(path, sizeof path, "kv1/w%d/%d", c->number, i);
        snprintf(body, sizeof body, "{\"v\":%d}", i);
        ask_for(c->f, 204, "PUT", path, c->root, body);
    }
    return NULL;
}

// What a reader has seen once it sees ever after.
static void *read_many(void *p) {
    struct crowd *c = p;
    int seen = 0;
    while (!atomic_load(c->over)) {
        char path[64];
        snprintf(path, sizeof path, "kv1/w%d/%d", c->number, seen);
        struct said s = ask(c->f, "GET", path, c->root, NULL);
        if (s.status == 200 && seen + 1 < WRITES) seen++;
        else if (s.status != 200 && s.status != 404) fail_msg("%d", s.status);
        if (s.status == 404 && seen > 0) {
            snprintf(path, sizeof path, "kv1/w%d/%d", c->number, seen - 1);
            ask_for(c->f, 200, "GET", path, c->root, NULL);
        }
        said_fini(&s);
    }
    return NULL;
}

static void many_write_and_read_at_once(void **state) {
    struct scratch *s = *state;
    struct stored g = stored_open(s, KEY_TEXT);
    stored_init(&g);
    ask_for(&g.f, 204, "POST", "sys/mounts/kv1", g.root, mount_kv);
    pthread_t writers[WRITERS], readers[READERS];
    struct crowd crowd[WRITERS];
    atomic_bool over;
    atomic_init(&over, false);
    for (int i = 0; i < WRITERS; i++) {
        crowd[i] = (struct crowd){&g.f, g.root, i, &over};
        assert_int_equal(pthread_create(&writers[i], NULL, write_many, &crowd[i]), 0);
    }
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_many, &crowd[i]), 0);
    for (int i = 0; i < WRITERS; i++) pthread_join(writers[i], NULL);
    atomic_store(&over, true);
    for (int i = 0; i < READERS; i++) pthread_join(readers[i], NULL);
    for (int i = 0; i < WRITERS; i++) {
        char path[64];
        snprintf(path, sizeof path, "kv1/w%d", i);
        struct said said = ask(&g.f, "LIST", path, g.root, NULL);
        assert_int_equal(json_count(said_data(&said, "keys")), WRITES);
        said_fini(&said);
    }
    stored_close(&g);
}

static void a_rule_with_mfa_methods_refuses(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    ask_for(&f, 204, "PUT", "secret/foo", "root", "{\"k\":\"v\"}");
    ask_for(&f, 204, "PUT", "sys/policies/acl/p", "root",
            "{\"policy\":\"path \\\"secret/foo\\\" { capabilities = [\\\"read\\\"] mfa_methods = "
            "[\\\"my_okta\\\"] } path \\\"secret/bar\\\" { capabilities = [\\\"read\\\"] }\"}");
    ask_for(&f, 200, "PUT", "auth/token/create", "root",
            "{\"id\":\"limited\",\"policies\":[\"p\"]}");
    ask_for(&f, 403, "GET", "secret/foo", "limited", NULL);
    ask_for(&f, 404, "GET", "secret/bar", "limited", NULL);
    ask_for(&f, 200, "GET", "secret/foo", "root", NULL);
    fixture_close(&f);
}

static void a_limited_token_works_as_often_as_it_may_whatever_comes_of_it(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    ask_for(&f, 200, "PUT", "auth/token/create", "root", "{\"id\":\"three\",\"num_uses\":3}");
    ask_for(&f, 200, "GET", "auth/token/lookup-self", "three", NULL);
    ask_for(&f, 404, "GET", "secret/none", "three", NULL); // root's child; nothing there
    ask_for(&f, 200, "GET", "auth/token/lookup-self", "three", NULL);
    ask_for(&f, 403, "GET", "auth/token/lookup-self", "three", NULL);
    ask_for(&f, 200, "PUT", "auth/token/create", "root",
            "{\"id\":\"denied\",\"num_uses\":2,\"policies\":[\"default\"]}");
    ask_for(&f, 403, "GET", "secret/none", "denied", NULL);
    ask_for(&f, 403, "PUT", "secret/none", "denied", "{\"a\":1}");
    ask_for(&f, 403, "GET", "auth/token/lookup-self", "denied", NULL);
    fixture_close(&f);
}

static void an_expired_token_is_refused_and_goes_with_what_it_made(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    ask_for(&f, 200, "PUT", "auth/token/create", "root", "{\"id\":\"short\",\"ttl\":\"10s\"}");
    ask_for(&f, 200, "PUT", "auth/token/create", "short", "{\"id\":\"child\",\"ttl\":\"1h\"}");
    ask_for(&f, 200, "GET", "auth/token/lookup-self", "child", NULL);
    f.ahead_ms = 11000;
    ask_for(&f, 403, "GET", "auth/token/lookup-self", "short", NULL);
    ask_for(&f, 403, "GET", "auth/token/lookup-self", "child", NULL);
    fixture_close(&f);
}

static void a_gate_without_a_store_can_be_sealed_and_opened_again(void **state) {
    (void)state;
    struct fixture f = {.gate = NULL};
    struct fault fault = {{0}};
    struct buf key = buf_make(64), token = buf_make(64), body = buf_make(1024);
    const struct gate_opts opts = {.version = "1.17.0"};
    assert_int_equal(gate_new(&f.gate, &opts, &fault), 0);
    assert_int_equal(gate_init(f.gate, true, STR("root"), &key, &token, &fault), 0);
    ask_for(&f, 204, "PUT", "secret/foo", "root", "{\"k\":\"v\"}");
    ask_for(&f, 204, "PUT", "sys/seal", "root", NULL);
    ask_for(&f, 503, "GET", "secret/foo", "root", NULL);
    add_hex_body(&body, "{\"key\":\"", buf_str(&key), "\"}");
    ask_for(&f, 200, "PUT", "sys/unseal", NULL, buf_z(&body));
    ask_for(&f, 200, "GET", "secret/foo", "root", NULL);
    buf_wipe(&key);
    buf_wipe(&token);
    buf_wipe(&body);
    fixture_close(&f);
}

#define STORED(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        STORED(what_was_answered_is_there_after_a_restart),
        STORED(another_master_key_is_recognised_at_the_start),
        STORED(without_a_configured_key_a_gate_starts_sealed_and_is_opened_by_its_key),
        STORED(a_write_that_cannot_be_kept_has_not_happened),
        STORED(many_write_and_read_at_once),
        cmocka_unit_test(a_rule_with_mfa_methods_refuses),
        cmocka_unit_test(a_limited_token_works_as_often_as_it_may_whatever_comes_of_it),
        cmocka_unit_test(an_expired_token_is_refused_and_goes_with_what_it_made),
        cmocka_unit_test(a_gate_without_a_store_can_be_sealed_and_opened_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
