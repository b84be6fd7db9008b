// SPDX-License-Identifier: Apache-2.0
// The rows of tests/acl/table.ndjson, which tests/live/test_acl_judge.py asks of the real server,
// asked of ours.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/parse.h"
#include "json/read.h"

#include "acl-fixture.h"

enum { LINE_MAX_BYTES = 1 << 16, ROWS_AT_LEAST = 300 };

static const struct {
    const char *name;
    unsigned capability;
    bool list;
} operations[] = {
    {"read", ACL_READ, false},
    {"list", ACL_LIST, true},
    {"delete", ACL_DELETE, false},
    {"update", ACL_UPDATE, false},
};

// "ACCESSOR" stands for that of the alias's mount.
static void add_text(struct buf *out, struct str text) {
    size_t at;
    while ((at = str_find(text, STR("ACCESSOR"))) < text.n) {
        buf_add_str(out, str_sub(text, 0, at));
        buf_addz(out, FIXTURE_ACCESSOR);
        text = str_sub(text, at + strlen("ACCESSOR"), text.n);
    }
    buf_add_str(out, text);
}

static void put_policies(struct fixture *f, const struct json *row) {
    const struct json *flags = json_get(row, "flags");
    struct json_iter it = json_iter(json_get(row, "policies"));
    for (int n = 0; json_next(&it); n++) {
        AUTO_FINI(buf) struct buf text = buf_make(LINE_MAX_BYTES);
        AUTO_FINI(buf) struct buf name = buf_make(LINE_MAX_BYTES);
        add_text(&text, json_str(it.value));
        buf_addf(&name, "p%d", n);
        struct policy want = {.name = buf_str(&name), .text = buf_str(&text)};
        want.allow_slashes = json_bool(json_get(flags, "allow_slashes_in_identity_templates"));
        want.allow_wildcards = json_bool(json_get(flags, "allow_wildcards_in_identity_templates"));
        fixture_put(f, want);
    }
}

static void put_entity(struct fixture *f, const struct json *entity) {
    if (!entity) return;
    AUTO_FINI(buf) struct buf metadata = buf_make(LINE_MAX_BYTES);
    AUTO_FINI(buf) struct buf custom = buf_make(LINE_MAX_BYTES);
    AUTO_FINI(buf) struct buf names = buf_make(LINE_MAX_BYTES);
    list_read_pairs(&metadata, json_get(entity, "metadata"));
    list_read_pairs(&custom, json_path(entity, "alias.custom_metadata"));
    buf_add_str(&names, json_str(json_get(entity, "name")));
    fixture_entity(f, buf_z(&names), list_of(&metadata));
    struct str alias = json_str(json_path(entity, "alias.name"));
    if (!alias.p) return;
    buf_reset(&names);
    buf_add_str(&names, alias);
    fixture_alias(f, buf_z(&names), (struct list){STR_NONE}, list_of(&custom));
}

static void check_capabilities(struct fixture *f, struct str line, const struct json *row) {
    AUTO_FINI(buf) struct buf packed = buf_make(LINE_MAX_BYTES);
    AUTO_FINI(buf) struct buf want = buf_make(LINE_MAX_BYTES);
    AUTO_FINI(buf) struct buf text = buf_make(LINE_MAX_BYTES);
    assert_int_equal(acl_capabilities(fixture_caller(f), json_str(json_get(row, "path")), &packed),
                     0);
    list_read(&want, json_get(row, "capabilities"));
    list_write(&text, list_of(&packed));
    if (!str_eq(buf_str(&packed), buf_str(&want)))
        fail_msg("%.*s\nare %.*s", STR_ARG(line), STR_ARG(buf_str(&text)));
}

// What the gate does with a verdict.
static bool allows(const struct acl_verdict *v, size_t operation, const struct json *row) {
    const struct json *data = json_get(row, "data");
    unsigned capability = operations[operation].capability;
    int64_t wrap_s = 0;
    (void)json_i64(json_get(row, "wrap_s"), &wrap_s);
    if (!(v->capabilities & capability) || !acl_check_wrapping(v, wrap_s)) return false;
    if (operations[operation].list) return acl_check_limit(v, data);
    return capability == ACL_DELETE || acl_check_parameters(v, data);
}

static void check_request(struct fixture *f, struct str line, const struct json *row) {
    struct str operation = json_str(json_get(row, "operation"));
    size_t n = 0;
    while (n < LEN(operations) && !str_eqz(operation, operations[n].name)) n++;
    assert_true(n < LEN(operations));
    AUTO_FINI(buf) struct buf path = buf_make(LINE_MAX_BYTES);
    buf_add_str(&path, json_str(json_get(row, "path")));
    if (operations[n].list) buf_addc(&path, '/');
    AUTO_FINI(acl_verdict) struct acl_verdict v = {0};
    assert_int_equal(acl_decide(fixture_caller(f), buf_str(&path), operations[n].list, &v), 0);
    if (allows(&v, n, row) != json_bool(json_get(row, "allowed")))
        fail_msg("%.*s\nis the other way", STR_ARG(line));
}

static void check_row(struct json_reader *reader, struct str line) {
    const struct json *row;
    struct fixture f;
    assert_int_equal(json_read(reader, line, &row, NULL), 0);
    fixture_open(&f);
    put_policies(&f, row);
    put_entity(&f, json_get(row, "entity"));
    if (json_get(row, "operation")) check_request(&f, line, row);
    else check_capabilities(&f, line, row);
    fixture_close(&f);
}

static void every_row_of_the_table_is_decided_as_it_says(void **state) {
    (void)state;
    static char line[LINE_MAX_BYTES];
    const char *source = getenv("GATEHOUSE_SOURCE");
    assert_non_null(source);
    snprintf(line, sizeof line, "%s/tests/acl/table.ndjson", source);
    FILE *table = fopen(line, "re");
    assert_non_null(table);
    AUTO(json_reader) struct json_reader *reader = NULL;
    assert_int_equal(json_reader_new(&reader), 0);
    int rows = 0;
    while (fgets(line, sizeof line, table)) {
        check_row(reader, str_trim(str_from(line)));
        rows++;
    }
    fclose(table);
    assert_true(rows >= ROWS_AT_LEAST);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table_is_decided_as_it_says),
    };
    return cmocka_run_group_tests_name("acl_table", tests, NULL, NULL);
}
