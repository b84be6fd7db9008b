// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ecs/types-internal.h"

static FILE *open_table(void) {
    char path[4096];
    snprintf(path, sizeof path, "%s/src/ecs/event_types.tsv", getenv("GATEHOUSE_SOURCE"));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    return f;
}

static bool list_has(struct str json, struct str value) {
    char quoted[128];
    snprintf(quoted, sizeof quoted, "\"%.*s\"", STR_ARG(value));
    return str_find(json, str_from(quoted)) < json.n;
}

static bool has_label(const struct ecs_type *t, struct str label) {
    for (size_t i = 0; i < t->label_count; i++)
        if (str_eq(ecs_labels[ecs_type_labels[t->labels_at + i]], label)) return true;
    return false;
}

static size_t check_list(struct str list, const struct ecs_type *t, int column) {
    size_t n = 0;
    while (list.p && list.n) {
        struct str value = str_split(&list, ',');
        bool found = column == 3   ? has_label(t, value)
                     : column == 1 ? list_has(ecs_type_categories[t->category], value)
                                   : list_has(ecs_type_kinds[t->kinds], value);
        if (!found) fail_msg("%.*s lacks %.*s", STR_ARG(ecs_type_name(t)), STR_ARG(value));
        n++;
    }
    return n;
}

static void every_row_of_the_table_is_found_with_all_it_says(void **state) {
    (void)state;
    FILE *f = open_table();
    char line[1024];
    size_t rows = 0, siblings = 0;
    assert_non_null(fgets(line, sizeof line, f));
    while (fgets(line, sizeof line, f)) {
        struct str rest = str_trim(str_from(line)), name = str_split(&rest, '\t');
        const struct ecs_type *t = ecs_type_find(name);
        if (!t) fail_msg("%.*s is not found", STR_ARG(name));
        assert_true(str_eq(ecs_type_name(t), name));
        check_list(str_split(&rest, '\t'), t, 1);
        check_list(str_split(&rest, '\t'), t, 2);
        assert_int_equal(check_list(str_split(&rest, '\t'), t, 3), t->label_count);
        siblings += str_eqz(str_trim(rest), "sibling");
        rows++;
    }
    fclose(f);
    assert_int_equal(siblings, 150);
    assert_int_equal(rows - siblings, 1039);
    assert_true(ecs_type_count >= rows);
}

static void a_first_stage_type_has_both_stages(void **state) {
    (void)state;
    const struct ecs_type *t = ecs_type_find(STR("user.session.start"));
    assert_non_null(t);
    assert_true(str_eqz(ecs_type_categories[t->category], "[\"authentication\",\"session\"],"));
    assert_true(str_eqz(ecs_type_kinds[t->kinds], "[\"info\",\"start\"],"));
}

static void a_type_without_kinds_has_no_list(void **state) {
    (void)state;
    const struct ecs_type *t = ecs_type_find(STR("security.request.blocked"));
    assert_non_null(t);
    assert_int_equal(ecs_type_kinds[t->kinds].n, 0);
    assert_true(str_eqz(ecs_type_categories[t->category], "[\"network\",\"threat\"],"));
}

static void what_is_not_in_the_table_is_not_found(void **state) {
    (void)state;
    static const char *const strangers[] = {"",
                                            "user",
                                            "user.session.star",
                                            "user.session.start ",
                                            "x",
                                            "USER.SESSION.START",
                                            "user.session.startt"};
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        assert_null(ecs_type_find(str_from(strangers[i])));
    for (int i = 0; i < 100000; i++) {
        char name[32];
        snprintf(name, sizeof name, "no.such.type.%d", i);
        assert_null(ecs_type_find(str_from(name)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table_is_found_with_all_it_says),
        cmocka_unit_test(a_first_stage_type_has_both_stages),
        cmocka_unit_test(a_type_without_kinds_has_no_list),
        cmocka_unit_test(what_is_not_in_the_table_is_not_found),
    };
    return cmocka_run_group_tests_name("ecs/event_types", tests, NULL, NULL);
}
