// SPDX-License-Identifier: Apache-2.0
// The paths below identity/, asked of a gate: statuses, bodies and texts as OpenBao 2.7.2 gives
// them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "gate-fixture.h"

static struct fixture f;

// Ids and accessors that the server made, for paths and bodies.
static char accessor[2][64], entity[64], alias[64];

static void keep(char to[64], struct str text) {
    assert_true(text.n > 0 && text.n < 64);
    memcpy(to, text.p, text.n);
    to[text.n] = '\0';
}

// Asks, and checks status and (unless NULL) a piece of the body.
static void says(int status, const char *method, const char *path, const char *body,
                 const char *piece) {
    struct said s = ask(&f, method, path, "root", body);
    if (s.status != status || (piece && str_find(buf_str(&s.text), str_from(piece)) == s.text.n))
        fail_msg("%s %s %s: %d %.*s", method, path, body ? body : "", s.status,
                 STR_ARG(buf_str(&s.text)));
    said_fini(&s);
}

// The same with one error, whole.
static void refuses(int status, const char *path, const char *body, const char *error) {
    struct said s = ask(&f, "POST", path, "root", body);
    if (s.status != status || !str_eqz(said_error(&s), error))
        fail_msg("%s %s: %d %.*s", path, body, s.status, STR_ARG(buf_str(&s.text)));
    said_fini(&s);
}

static const char *filled(const char *format, ...) PRINTF_LIKE(1, 2);
static const char *filled(const char *format, ...) {
    static char text[4][1024];
    static unsigned next;
    char *to = text[next++ % 4];
    va_list args;
    va_start(args, format);
    vsnprintf(to, sizeof text[0], format, args);
    va_end(args);
    return to;
}

static void mount(const char *path, char to[64]) {
    ask_for(&f, 204, "POST", filled("sys/auth/%s", path), "root", "{\"type\":\"userpass\"}");
    struct said s = ask(&f, "GET", "sys/auth", "root", NULL);
    keep(to, json_str(json_get(said_data(&s, filled("%s/", path)), "accessor")));
    said_fini(&s);
}

static int setup(void **state) {
    (void)state;
    fixture_open(&f);
    mount("one", accessor[0]);
    mount("two", accessor[1]);
    struct said s = ask(&f, "POST", "identity/entity", "root", "{\"name\":\"Bob\"}");
    assert_int_equal(s.status, 200);
    keep(entity, json_str(said_data(&s, "id")));
    said_fini(&s);
    s = ask(&f, "POST", "identity/entity-alias", "root",
            filled("{\"name\":\"bob\",\"canonical_id\":\"%s\",\"mount_accessor\":\"%s\"}", entity,
                   accessor[0]));
    assert_int_equal(s.status, 200);
    keep(alias, json_str(said_data(&s, "id")));
    said_fini(&s);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

static void an_entity_is_made_and_changed_by_name(void **state) {
    (void)state;
    says(200, "POST", "identity/entity", "{\"name\":\"new\"}",
         "\"data\":{\"aliases\":null,\"id\":\"");
    says(204, "POST", "identity/entity", "{\"name\":\"NEW\",\"policies\":\"b, a\"}", NULL);
    says(200, "GET", "identity/entity/name/new", NULL,
         "\"name\":\"NEW\",\"namespace_id\":\"root\",\"policies\":[\"a\",\"b\"]}");
    says(200, "PUT", "identity/entity/name/a b/c", "{\"metadata\":[\"k=v\"]}", "\"a b/c\"");
    says(200, "GET", "identity/entity/name/a b/c", NULL, "\"metadata\":{\"k\":\"v\"}");
    says(200, "POST", "identity/entity", NULL, "\"name\":\"entity_");
}

static void an_entity_is_read_with_its_aliases(void **state) {
    (void)state;
    struct said s = ask(&f, "GET", filled("identity/entity/id/%s", entity), "root", NULL);
    assert_int_equal(s.status, 200);
    static const char *const empty[] = {"direct_group_ids", "group_ids", "inherited_group_ids",
                                        "policies"};
    for (size_t i = 0; i < LEN(empty); i++) {
        assert_int_equal(json_type(said_data(&s, empty[i])), JSON_ARRAY);
        assert_int_equal(json_count(said_data(&s, empty[i])), 0);
    }
    static const char *const null[] = {"merged_entity_ids", "metadata"};
    for (size_t i = 0; i < LEN(null); i++) {
        assert_non_null(said_data(&s, null[i]));
        assert_int_equal(json_type(said_data(&s, null[i])), JSON_NULL);
    }
    assert_int_equal(json_count(json_get(s.json, "data")), 13);
    const struct json *a = json_at(said_data(&s, "aliases"), 0);
    assert_int_equal(json_count(a), 12);
    assert_true(str_eqz(json_str(json_get(a, "id")), alias));
    assert_true(str_eqz(json_str(json_get(a, "mount_path")), "auth/one/"));
    assert_true(str_eqz(json_str(json_get(a, "mount_type")), "userpass"));
    assert_null(json_get(a, "namespace_id"));
    said_fini(&s);
}

static void a_null_for_metadata_is_not_an_empty_object(void **state) {
    (void)state;
    const char *path = filled("identity/entity/id/%s", entity);
    says(204, "POST", path, "{\"metadata\":{}}", NULL);
    says(200, "GET", path, NULL, "\"metadata\":{}");
    says(204, "POST", path, "{\"metadata\":{\"k\":\"v\"}}", NULL);
    says(204, "POST", path, "{\"metadata\":null}", NULL);
    says(200, "GET", path, NULL, "\"metadata\":null,\"name\"");
}

static void what_an_entity_cannot_be_is_refused(void **state) {
    (void)state;
    says(200, "POST", "identity/entity", "{\"name\":\"carol\"}", NULL);
    refuses(400, "identity/entity", "{\"id\":\"zz\"}", "entity not found from id");
    refuses(400, "identity/entity/id/zz", "{}", "entity not found from id");
    refuses(400, filled("identity/entity/id/%s", entity), "{\"name\":\"Carol\"}",
            "entity name is already in use");
    refuses(400, "identity/entity", "{\"policies\":[\"root\"]}", "policies cannot contain root");
    refuses(400, "identity/entity", "{\"metadata\":{\"\":\"v\"}}",
            "1 error occurred:\n\t* invalid entity metadata: failed to load metadata pair (\"\", "
            "\"v\"): key cannot be blank\n\n");
    refuses(400, "identity/entity", "{\"metadata\":\"x\"}",
            "Field validation failed: error converting input for field \"metadata\": invalid key "
            "pair at index 0 in field \"metadata\"");
}

static void paths_and_operations_that_are_not_there_say_so(void **state) {
    (void)state;
    static const struct {
        const char *method, *path;
        int status;
    } rows[] = {
        {"GET", "identity/entity", 405},
        {"LIST", "identity/entity", 404},
        {"GET", "identity/entity/id", 405},
        {"GET", "identity/entity/id/a/b", 404},
        {"GET", "identity/entity/id/zz", 404},
        {"GET", "identity/entity/name/zz", 404},
        {"GET", "identity/entity/merge", 405},
        {"GET", "identity/lookup/entity", 405},
        {"GET", "identity/lookup/zz", 404},
        {"GET", "identity/nosuch", 404},
        {"GET", "identity/entity-alias", 405},
        {"GET", "identity/entity-alias/id/zz", 404},
        {"DELETE", "identity/entity/id/zz", 204},
        {"DELETE", "identity/entity/name/zz", 204},
        {"DELETE", "identity/entity-alias/id/zz", 204},
    };
    for (size_t i = 0; i < LEN(rows); i++)
        says(rows[i].status, rows[i].method, rows[i].path, NULL, NULL);
}

static void lists_show_names_and_aliases(void **state) {
    (void)state;
    says(200, "LIST", "identity/entity/id", NULL,
         filled("\"key_info\":{\"%s\":{\"aliases\":[{\"id\":\"%s\",\"mount_accessor\":\"%s\","
                "\"mount_path\":\"auth/one/\",\"mount_type\":\"userpass\",\"name\":\"bob\"}],"
                "\"name\":\"Bob\"}}",
                entity, alias, accessor[0]));
    says(200, "LIST", "identity/entity/name", NULL, "\"data\":{\"keys\":[\"Bob\"]}");
    says(200, "LIST", "identity/entity-alias/id", NULL,
         filled("\"%s\":{\"canonical_id\":\"%s\",\"custom_metadata\":{},\"local\":false,"
                "\"metadata\":null,\"mount_accessor\":\"%s\",\"mount_path\":\"auth/one/\","
                "\"mount_type\":\"userpass\",\"name\":\"bob\"}",
                alias, entity, accessor[0]));
    says(204, "DELETE", filled("identity/entity/id/%s", entity), NULL, NULL);
    says(404, "LIST", "identity/entity/id", NULL, "{\"errors\":[]}");
    says(404, "LIST", "identity/entity/name", NULL, "{\"errors\":[]}");
    says(404, "LIST", "identity/entity-alias/id", NULL, "{\"errors\":[]}");
}

static void an_alias_is_changed_or_left_as_it_is(void **state) {
    (void)state;
    const char *path = filled("identity/entity-alias/id/%s", alias);
    says(204, "POST", path, "{\"name\":\"bob\"}", NULL);
    says(200, "POST", path, "{\"name\":\"bobby\"}",
         filled("\"data\":{\"canonical_id\":\"%s\",\"id\":\"%s\"}", entity, alias));
    says(200, "POST", path, "{\"custom_metadata\":{\"dept\":\"x\"}}", NULL);
    says(200, "GET", path, NULL, "\"custom_metadata\":{\"dept\":\"x\"}");
    says(200, "GET", path, NULL, "\"name\":\"bobby\",\"namespace_id\":\"root\"");
    says(204, "DELETE", path, NULL, NULL);
    says(404, "GET", path, NULL, NULL);
}

static void the_old_name_of_the_canonical_id_works(void **state) {
    (void)state;
    says(200, "POST", "identity/entity-alias",
         filled("{\"name\":\"x\",\"entity_id\":\"%s\",\"mount_accessor\":\"%s\"}", entity,
                accessor[1]),
         filled("\"canonical_id\":\"%s\"", entity));
}

static void what_an_alias_cannot_be_is_refused(void **state) {
    (void)state;
    refuses(400, "identity/entity-alias", "{}",
            "'id' or 'mount_accessor' and 'name' must be provided");
    refuses(400, "identity/entity-alias", "{\"name\":\"x\",\"mount_accessor\":\"zz\"}",
            "invalid mount accessor \"zz\"");
    refuses(400, "identity/entity-alias",
            filled("{\"name\":\"other\",\"canonical_id\":\"%s\",\"mount_accessor\":\"%s\"}", entity,
                   accessor[0]),
            "Alias already exists for requested entity and mount accessor");
    refuses(400, "identity/entity-alias", "{\"custom_metadata\":{\"k\":\"\"}}",
            "1 error occurred:\n\t* custom_metadata validation failed: length of value for key "
            "\"k\" is 0 but must be 0 < len(value) <= 512\n\n");
}

static void an_alias_outlives_its_mount_without_its_path(void **state) {
    (void)state;
    says(204, "DELETE", "sys/auth/one", NULL, NULL);
    struct said s = ask(&f, "GET", filled("identity/entity-alias/id/%s", alias), "root", NULL);
    assert_int_equal(s.status, 200);
    assert_null(said_data(&s, "mount_path"));
    assert_null(said_data(&s, "mount_type"));
    said_fini(&s);
    says(200, "LIST", "identity/entity-alias/id", NULL,
         filled("\"mount_accessor\":\"%s\",\"name\":\"bob\"", accessor[0]));
    refuses(400, filled("identity/entity-alias/id/%s", alias), "{\"name\":\"x\"}",
            filled("invalid mount accessor \"%s\"", accessor[0]));
}

static void several_entities_are_deleted_at_once(void **state) {
    (void)state;
    refuses(400, "identity/entity/batch-delete", "{}", "missing entity ids to delete");
    refuses(400, "identity/entity/batch-delete", filled("{\"entity_ids\":[\"%s\",\"\"]}", entity),
            "1 error occurred:\n\t* missing entity id\n\n");
    says(200, "GET", filled("identity/entity/id/%s", entity), NULL, NULL);
    says(204, "POST", "identity/entity/batch-delete", filled("{\"entity_ids\":\"zz,%s\"}", entity),
         NULL);
    says(404, "GET", filled("identity/entity/id/%s", entity), NULL, NULL);
}

static void a_merge_moves_aliases_or_says_what_is_in_the_way(void **state) {
    (void)state;
    struct said s = ask(&f, "POST", "identity/entity", "root", "{\"name\":\"from\"}");
    char from[64];
    keep(from, json_str(said_data(&s, "id")));
    said_fini(&s);
    says(200, "POST", "identity/entity-alias",
         filled("{\"name\":\"y\",\"canonical_id\":\"%s\",\"mount_accessor\":\"%s\"}", from,
                accessor[0]),
         NULL);
    const char *body =
        filled("{\"from_entity_ids\":[\"%s\"],\"to_entity_id\":\"%s\"}", from, entity);
    says(400, "POST", "identity/entity/merge", body,
         filled("\"data\":[{\"alias\":\"bob\",\"entity\":\"Bob\",\"entity_id\":\"%s\",\"mount\":"
                "\"userpass\",\"mount_path\":\"auth/one/\"},{\"alias\":\"y\"",
                entity));
    says(204, "DELETE", filled("identity/entity-alias/id/%s", alias), NULL, NULL);
    says(204, "POST", "identity/entity/merge", body, NULL);
    says(200, "GET", filled("identity/entity/id/%s", entity), NULL,
         filled("\"merged_entity_ids\":[\"%s\"]", from));
    refuses(400, "identity/entity/merge", "{}", "missing entity id to merge to");
}

// Status of a list with that token.
static int list_status(const char *token) {
    struct said s = ask(&f, "LIST", "identity/entity/name", token, NULL);
    int status = s.status;
    said_fini(&s);
    return status;
}

static void tokens_of_a_merged_entity_go_on_as_the_other_ones(void **state) {
    (void)state;
    says(204, "PUT", "sys/policies/acl/lister",
         "{\"policy\":\"path \\\"identity/entity/name\\\" {capabilities=[\\\"list\\\"]}\"}", NULL);
    says(204, "POST", filled("identity/entity/id/%s", entity), "{\"policies\":\"lister\"}", NULL);
    says(204, "POST", "auth/two/users/amy", "{\"password\":\"p\"}", NULL);
    struct said s = ask(&f, "POST", "auth/two/login/amy", NULL, "{\"password\":\"p\"}");
    assert_int_equal(s.status, 200);
    char token[64], from[64];
    keep(token, json_str(json_path(s.json, "auth.client_token")));
    keep(from, json_str(json_path(s.json, "auth.entity_id")));
    said_fini(&s);
    assert_int_equal(list_status(token), 403);
    says(204, "POST", "identity/entity/merge",
         filled("{\"from_entity_ids\":[\"%s\"],\"to_entity_id\":\"%s\"}", from, entity), NULL);
    assert_int_equal(list_status(token), 200);
    says(204, "POST", filled("identity/entity/id/%s", entity), "{\"disabled\":true}", NULL);
    assert_int_equal(list_status(token), 403);
    says(204, "POST", filled("identity/entity/id/%s", entity), "{\"disabled\":false}", NULL);
    assert_int_equal(list_status(token), 200);
    says(204, "DELETE", filled("identity/entity/id/%s", entity), NULL, NULL);
    assert_int_equal(list_status(token), 403);
}

static void a_lookup_takes_one_way_and_one_only(void **state) {
    (void)state;
    const char *found = filled("\"id\":\"%s\",\"inherited_group_ids\"", entity);
    says(200, "POST", "identity/lookup/entity", "{\"name\":\"BOB\"}", found);
    says(200, "POST", "identity/lookup/entity", filled("{\"id\":\"%s\"}", entity), found);
    says(200, "POST", "identity/lookup/entity", filled("{\"alias_id\":\"%s\"}", alias), found);
    says(200, "POST", "identity/lookup/entity",
         filled("{\"alias_name\":\"Bob\",\"alias_mount_accessor\":\"%s\"}", accessor[0]), found);
    says(204, "POST", "identity/lookup/entity", "{\"name\":\"nosuch\"}", NULL);
    says(204, "POST", "identity/lookup/entity", "{\"id\":\"\"}", NULL);
    static const char *const paths[] = {"identity/lookup/entity", "identity/lookup/group"};
    for (size_t i = 0; i < LEN(paths); i++) {
        refuses(400, paths[i], "{}", "query parameter not supplied");
        refuses(400, paths[i], "{\"id\":\"\",\"name\":\"a\"}",
                "query parameter conflict; please supply distinct set of query parameters");
        refuses(400, paths[i], "{\"alias_id\":\"a\",\"alias_name\":\"a\"}",
                "query parameter conflict; please supply distinct set of query parameters");
        refuses(400, paths[i], "{\"alias_name\":\"a\"}",
                "both 'alias_name' and 'alias_mount_accessor' needs to be set");
    }
    says(204, "POST", "identity/lookup/group", "{\"name\":\"a\"}", NULL);
}

static void parameters_that_no_row_knows_are_named(void **state) {
    (void)state;
    says(200, "POST", "identity/entity", "{\"name\":\"u\",\"zzz\":1}",
         "\"warnings\":[\"Endpoint ignored these unrecognized parameters: [zzz]\"]");
    says(200, "POST", "identity/entity/name/v", "{\"name\":\"w\"}",
         "\"warnings\":[\"Endpoint replaced the value of these parameters with the values captured "
         "from the endpoint's path: [name]\"]");
}

#define row(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        row(an_entity_is_made_and_changed_by_name),
        row(an_entity_is_read_with_its_aliases),
        row(a_null_for_metadata_is_not_an_empty_object),
        row(what_an_entity_cannot_be_is_refused),
        row(paths_and_operations_that_are_not_there_say_so),
        row(lists_show_names_and_aliases),
        row(an_alias_is_changed_or_left_as_it_is),
        row(the_old_name_of_the_canonical_id_works),
        row(what_an_alias_cannot_be_is_refused),
        row(an_alias_outlives_its_mount_without_its_path),
        row(several_entities_are_deleted_at_once),
        row(a_merge_moves_aliases_or_says_what_is_in_the_way),
        row(tokens_of_a_merged_entity_go_on_as_the_other_ones),
        row(a_lookup_takes_one_way_and_one_only),
        row(parameters_that_no_row_knows_are_named),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("identity_paths", tests, NULL, NULL);
}
