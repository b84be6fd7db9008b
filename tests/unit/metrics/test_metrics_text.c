// SPDX-License-Identifier: Apache-2.0
// The text format: what is written, how strangers' values are escaped, and what refuses the whole.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "metrics/text.h"

static const struct metrics_family requests = {"x_requests_total", METRICS_COUNTER, "Requests."};
static const struct metrics_family lag = {"x_lag_seconds", METRICS_GAUGE,
                                          "Behind\\now,\nin \"s\"."};

static void a_family_is_its_help_its_type_and_its_samples(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf out = buf_make(1 << 16);
    const struct metrics_label labels[] = {{"source", STR("acme")}, {"output", STR("db")}};
    struct metrics_text t = metrics_begin(&out);
    metrics_family(&t, &requests);
    metrics_sample_i64(&t, labels, 2, 12);
    metrics_sample_i64(&t, labels, 1, INT64_MIN);
    metrics_family(&t, &lag);
    metrics_sample_double(&t, NULL, 0, 0.25);
    assert_int_equal(metrics_end(&t), 0);
    assert_string_equal(buf_z(&out), "# HELP x_requests_total Requests.\n"
                                     "# TYPE x_requests_total counter\n"
                                     "x_requests_total{source=\"acme\",output=\"db\"} 12\n"
                                     "x_requests_total{source=\"acme\"} -9223372036854775808\n"
                                     "# HELP x_lag_seconds Behind\\\\now,\\nin \"s\".\n"
                                     "# TYPE x_lag_seconds gauge\n"
                                     "x_lag_seconds 0.25\n");
}

static void values_of_labels_cannot_leave_their_quotes(void **state) {
    (void)state;
    static const struct {
        struct str value;
        const char *written;
    } rows[] = {
        {STR(""), ""},
        {STR("a\"} 1\nx 2"), "a\\\"} 1\\nx 2"},
        {STR("C:\\new"), "C:\\\\new"},
        {STR("tab\there"), "tab\there"},
        {STR("Z\xC3\xBCrich \xE2\x82\xAC \xF0\x9F\x94\x91"),
         "Z\xC3\xBCrich \xE2\x82\xAC \xF0\x9F\x94\x91"},
        {STR("\xFF"), "\xEF\xBF\xBD"},
        {STR("\xC3"), "\xEF\xBF\xBD"},
        {STR("\xC0\x8A"), "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {STR("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {STR("\xF4\x90\x80\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {STR("\xE2\x82\""), "\xEF\xBF\xBD\xEF\xBF\xBD\\\""},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf out = buf_make(1 << 16);
        AUTO_FINI(buf) struct buf wanted = buf_make(1 << 16);
        const struct metrics_label label = {"v", rows[i].value};
        struct metrics_text t = metrics_begin(&out);
        metrics_family(&t, &requests);
        buf_reset(&out);
        metrics_sample_i64(&t, &label, 1, 1);
        assert_int_equal(metrics_end(&t), 0);
        buf_addf(&wanted, "x_requests_total{v=\"%s\"} 1\n", rows[i].written);
        assert_string_equal(buf_z(&out), buf_z(&wanted));
    }
}

static void numbers_are_written_as_they_read_back(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *written;
    } rows[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {1795430400.123, "1795430400.123"},
        {1e21, "1e+21"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {INFINITY, "+Inf"},
        {-INFINITY, "-Inf"},
        {NAN, "NaN"},
        {-NAN, "NaN"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf out = buf_make(1 << 16);
        AUTO_FINI(buf) struct buf wanted = buf_make(1 << 16);
        struct metrics_text t = metrics_begin(&out);
        metrics_family(&t, &lag);
        buf_reset(&out);
        metrics_sample_double(&t, NULL, 0, rows[i].value);
        assert_int_equal(metrics_end(&t), 0);
        buf_addf(&wanted, "x_lag_seconds %s\n", rows[i].written);
        assert_string_equal(buf_z(&out), buf_z(&wanted));
    }
}

// Every row is something that a table must not say.
static void wrong_names_refuse_the_whole(void **state) {
    (void)state;
    static const struct {
        struct metrics_family family;
        const char *label, *other;
    } rows[] = {
        {{"", METRICS_GAUGE, "h"}, NULL, NULL},
        {{"1st", METRICS_GAUGE, "h"}, NULL, NULL},
        {{"a-b", METRICS_GAUGE, "h"}, NULL, NULL},
        {{"a b", METRICS_GAUGE, "h"}, NULL, NULL},
        {{"\xC3\xBC", METRICS_GAUGE, "h"}, NULL, NULL},
        {{"x_lag_seconds", METRICS_GAUGE, "h"}, NULL, NULL},
        {{"x_seconds", METRICS_COUNTER, "h"}, NULL, NULL},
        {{"x_total", METRICS_GAUGE, "h"}, NULL, NULL},
        {{"x", METRICS_GAUGE, "h"}, "", NULL},
        {{"x", METRICS_GAUGE, "h"}, "a:b", NULL},
        {{"x", METRICS_GAUGE, "h"}, "__name__", NULL},
        {{"x", METRICS_GAUGE, "h"}, "twice", "twice"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf out = buf_make(1 << 16);
        buf_addz(&out, "# before\n");
        const struct metrics_label labels[] = {{rows[i].label, STR("")}, {rows[i].other, STR("")}};
        struct metrics_text t = metrics_begin(&out);
        metrics_family(&t, &lag);
        metrics_family(&t, &rows[i].family);
        metrics_sample_i64(&t, labels, rows[i].other ? 2 : rows[i].label ? 1 : 0, 1);
        metrics_family(&t, &requests);
        assert_int_equal(metrics_end(&t), -EINVAL);
        assert_string_equal(buf_z(&out), "# before\n");
    }
}

static void a_sample_needs_a_family(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf out = buf_make(1 << 16);
    struct metrics_text t = metrics_begin(&out);
    metrics_sample_double(&t, NULL, 0, 1);
    assert_int_equal(metrics_end(&t), -EINVAL);
    assert_int_equal(out.n, 0);
}

static void one_family_too_many_is_refused(void **state) {
    (void)state;
    static char names[METRICS_FAMILIES_MAX + 1][8];
    static struct metrics_family families[METRICS_FAMILIES_MAX + 1];
    AUTO_FINI(buf) struct buf out = buf_make(1 << 16);
    struct metrics_text t = metrics_begin(&out);
    for (size_t i = 0; i < LEN(families); i++) {
        snprintf(names[i], sizeof names[i], "f%zu", i);
        families[i] = (struct metrics_family){names[i], METRICS_GAUGE, ""};
        assert_int_equal(t.error, 0);
        metrics_family(&t, &families[i]);
    }
    assert_int_equal(metrics_end(&t), -EINVAL);
}

// Wherever the room ends, nothing half is left.
static void without_room_nothing_is_said(void **state) {
    (void)state;
    for (size_t max = 0;; max++) {
        AUTO_FINI(buf) struct buf out = buf_make(max);
        const struct metrics_label label = {"a", STR("b\n")};
        struct metrics_text t = metrics_begin(&out);
        metrics_family(&t, &requests);
        metrics_sample_i64(&t, &label, 1, 1);
        int e = metrics_end(&t);
        if (e == 0) break;
        assert_int_equal(e, -EMSGSIZE);
        assert_int_equal(out.n, 0);
        assert_true(max < 200);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_is_its_help_its_type_and_its_samples),
        cmocka_unit_test(values_of_labels_cannot_leave_their_quotes),
        cmocka_unit_test(numbers_are_written_as_they_read_back),
        cmocka_unit_test(wrong_names_refuse_the_whole),
        cmocka_unit_test(a_sample_needs_a_family),
        cmocka_unit_test(one_family_too_many_is_refused),
        cmocka_unit_test(without_room_nothing_is_said),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("metrics_text", tests, NULL, NULL);
}
