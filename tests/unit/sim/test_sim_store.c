// SPDX-License-Identifier: Apache-2.0
#include "sim-test.h"

#include "sim/event-types.h"
#include "sim/generate.h"
#include "sim/store.h"

static void add(struct store *s, const char *uuid, int64_t persisted_ms, int64_t published_ms) {
    struct store_event e = {.json = STR("{}"),
                            .uuid = str_from(uuid),
                            .persisted_ms = persisted_ms,
                            .published_ms = published_ms};
    assert_int_equal(store_add(s, &e), 0);
}

// The uuids in an order, one letter each.
static void expect_order(const struct store *s, enum store_order order, const char *letters) {
    char found[64] = "";
    for (size_t i = 0; i < store_count(s); i++)
        found[i] = store_get(s, store_at(s, order, i))->uuid.p[0];
    assert_string_equal(found, letters);
}

static void both_orders_are_kept_while_events_come_in_any_order(void **state) {
    (void)state;
    AUTO(store) struct store *s = NULL;
    assert_int_equal(store_new(&s), 0);
    add(s, "c", 30, 10);
    add(s, "a", 10, 30);
    add(s, "b", 20, 20);
    assert_int_equal(store_count(s), 0);
    assert_int_equal(store_settle(s), 0);
    expect_order(s, STORE_BY_PERSISTED, "abc");
    expect_order(s, STORE_BY_PUBLISHED, "cba");
    add(s, "e", 20, 20); // the same times: behind b, by uuid and by the order of adding
    add(s, "d", 5, 99);
    assert_int_equal(store_settle(s), 0);
    expect_order(s, STORE_BY_PERSISTED, "dabec");
    expect_order(s, STORE_BY_PUBLISHED, "cbead");
    assert_int_equal(store_first(s, STORE_BY_PERSISTED, 20), 2);
    assert_int_equal(store_first(s, STORE_BY_PERSISTED, 31), 5);
    assert_int_equal(store_first(s, STORE_BY_PUBLISHED, 11), 1);
}

static void nothing_is_persisted_before_what_was_served(void **state) {
    (void)state;
    AUTO(store) struct store *s = NULL;
    assert_int_equal(store_new(&s), 0);
    add(s, "a", 10, 10);
    add(s, "z", 90, 90);
    assert_int_equal(store_settle(s), 0);
    store_served(s, 50);
    add(s, "b", 20, 20);
    assert_int_equal(store_settle(s), 0);
    expect_order(s, STORE_BY_PERSISTED, "abz");
    assert_int_equal(store_get(s, 2)->persisted_ms, 50);
}

static void many_events_are_found_by_uuid(void **state) {
    (void)state;
    AUTO(store) struct store *s = NULL;
    assert_int_equal(store_new(&s), 0);
    char uuid[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(uuid, sizeof uuid, "u-%d", i);
        add(s, uuid, i * 7 % 1000, i * 13 % 1000);
    }
    assert_int_equal(store_settle(s), 0);
    uint32_t id;
    for (int i = 0; i < 5000; i++) {
        snprintf(uuid, sizeof uuid, "u-%d", i);
        assert_true(store_find(s, str_from(uuid), &id));
        assert_int_equal(id, i);
        assert_int_equal(store_at(s, STORE_BY_PUBLISHED, store_place_published(s, id)), id);
    }
    assert_false(store_find(s, STR("u-5000"), &id));
}

enum { GENERATED = 20000 };

static struct store *generate(uint64_t seed, size_t n) {
    struct store *s = NULL;
    struct generator *g = NULL;
    assert_int_equal(store_new(&s), 0);
    assert_int_equal(generator_new(&g, seed), 0);
    struct generate_opts opts = {.n = n,
                                 .seed = seed,
                                 .from_ms = test_instant("2026-11-01T00:00:00Z"),
                                 .until_ms = test_instant("2026-11-08T00:00:00Z")};
    assert_int_equal(generator_run(g, &opts, s), 0);
    generator_free(g);
    return s;
}

static void the_same_seed_makes_the_same_events(void **state) {
    (void)state;
    AUTO(store) struct store *a = generate(3, 500);
    AUTO(store) struct store *b = generate(3, 500);
    AUTO(store) struct store *c = generate(4, 500);
    size_t same_as_c = 0;
    assert_int_equal(store_count(a), 500);
    for (uint32_t i = 0; i < 500; i++) {
        assert_true(str_eq(store_get(a, i)->json, store_get(b, i)->json));
        assert_int_equal(store_get(a, i)->persisted_ms, store_get(b, i)->persisted_ms);
        same_as_c += str_eq(store_get(a, i)->json, store_get(c, i)->json);
    }
    assert_int_equal(same_as_c, 0);
}

static void generated_events_are_whole_and_distinct(void **state) {
    (void)state;
    static const char *const members[] = {
        "actor",
        "client",
        "device",
        "authenticationContext",
        "eventType",
        "displayMessage",
        "outcome",
        "published",
        "severity",
        "debugContext",
        "securityContext",
        "legacyEventType",
        "request",
        "transaction",
        "uuid",
        "version",
        "target",
    };
    AUTO(store) struct store *s = generate(11, GENERATED);
    AUTO(json_reader) struct json_reader *reader = NULL;
    assert_int_equal(json_reader_new(&reader), 0);
    size_t bytes = 0;
    for (uint32_t i = 0; i < GENERATED; i++) {
        const struct store_event *e = store_get(s, i);
        const struct json *v;
        int64_t published_ms;
        assert_int_equal(json_read(reader, e->json, &v, NULL), 0);
        assert_int_equal(json_count(v), LEN(members));
        for (size_t k = 0; k < LEN(members); k++) assert_non_null(json_get(v, members[k]));
        assert_true(time_parse_iso8601(json_str(json_get(v, "published")), &published_ms));
        assert_int_equal(published_ms, e->published_ms);
        assert_true(str_eq(json_str(json_get(v, "uuid")), e->uuid));
        assert_true(e->persisted_ms >= e->published_ms);
        assert_true(e->persisted_ms <= test_instant("2026-11-08T00:00:00Z"));
        uint32_t id;
        assert_true(store_find(s, e->uuid, &id));
        assert_int_equal(id, i); // else another one had the same uuid
        bytes += e->json.n;
    }
    assert_in_range(bytes / GENERATED, 1500, 2500);
}

static void there_are_sixty_types_and_sign_ons_dominate(void **state) {
    (void)state;
    size_t n_types, seen = 0, of_sign_on = 0;
    const struct event_type *types = event_types(&n_types);
    AUTO_MEM size_t *counts = mem_new_array(n_types, sizeof *counts);
    assert_non_null(counts);
    AUTO(store) struct store *s = generate(12, GENERATED);
    for (uint32_t i = 0; i < GENERATED; i++) {
        struct str json = store_get(s, i)->json;
        for (size_t k = 0; k < n_types; k++) {
            char needle[128];
            snprintf(needle, sizeof needle, "\"eventType\":\"%s\"", types[k].type);
            if (str_find(json, str_from(needle)) < json.n) counts[k]++;
        }
    }
    for (size_t k = 0; k < n_types; k++) {
        seen += counts[k] > 0;
        if (strstr(types[k].type, "user.authentication") || strstr(types[k].type, "user.session") ||
            strstr(types[k].type, "evaluate_sign_on"))
            of_sign_on += counts[k];
    }
    assert_true(seen >= 60);
    assert_true(of_sign_on * 10 > (size_t)GENERATED * 7);
}

static void some_events_are_persisted_behind_younger_ones(void **state) {
    (void)state;
    AUTO(store) struct store *s = generate(13, GENERATED);
    size_t late = 0;
    for (size_t i = 1; i < GENERATED; i++) {
        const struct store_event *before = store_get(s, store_at(s, STORE_BY_PERSISTED, i - 1));
        const struct store_event *e = store_get(s, store_at(s, STORE_BY_PERSISTED, i));
        assert_true(before->persisted_ms <= e->persisted_ms);
        late += e->published_ms < before->published_ms;
    }
    assert_true(late > GENERATED / 1000);
    assert_true(late < GENERATED / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_orders_are_kept_while_events_come_in_any_order),
        cmocka_unit_test(nothing_is_persisted_before_what_was_served),
        cmocka_unit_test(many_events_are_found_by_uuid),
        cmocka_unit_test(the_same_seed_makes_the_same_events),
        cmocka_unit_test(generated_events_are_whole_and_distinct),
        cmocka_unit_test(there_are_sixty_types_and_sign_ons_dominate),
        cmocka_unit_test(some_events_are_persisted_behind_younger_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
