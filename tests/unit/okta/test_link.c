// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "okta/log.h"
#include "okta/rate.h"

struct link_row {
    const char *value;
    const char *next; // NULL: none
};

static const struct link_row links[] = {
    {"<https://a/x?after=1>; rel=\"next\"", "https://a/x?after=1"},
    {"<https://a/x?after=1>; rel=next", "https://a/x?after=1"},
    {"<https://a/x?after=1>;rel=next", "https://a/x?after=1"},
    {"<https://a/x> ; REL = \"NEXT\" ", "https://a/x"},
    {"<https://a/s>; rel=\"self\"", NULL},
    {"<https://a/s>; rel=\"self\", <https://a/n>; rel=\"next\"", "https://a/n"},
    {"<https://a/n>; rel=\"next\",<https://a/s>; rel=\"self\"", "https://a/n"},
    {"<https://a/n>; title=\"a, <b>; rel=next\"; rel=\"prev last next\"", "https://a/n"},
    {"<https://a/b,c;d?e=%2C%22+f>; rel=\"next\"", "https://a/b,c;d?e=%2C%22+f"},
    {"<https://a/1>; title=\"x, y\"; rel=self, <https://a/2>; rel=next", "https://a/2"},
    {"<https://a/1>; title=\"\\\"\"; rel=self, <https://a/2>; rel=next", "https://a/2"},
    {"<https://a/1>; rel=self; rel=next", NULL}, // only the first rel counts
    {"<https://a/1>; rel=\"nextish\"", NULL},
    {"<https://a/1>; rev=next", NULL},
    {"<https://a/1>; rel", NULL},
    {"<https://a/1>; rel=", NULL},
    {"<https://a/1>", NULL},
    {"<>; rel=next", NULL},
    {"<https://a/1; rel=next", NULL},
    {"https://a/1; rel=next", NULL},
    {"garbage, <https://a/2>; rel=next", "https://a/2"},
    {",,, <https://a/2>; rel=next", "https://a/2"},
    {"<https://a/1> garbage; rel=next, <https://a/2>; rel=next", "https://a/2"},
    {"<https://a/1>; rel=\"next", "https://a/1"},
    {"<https://a/1>; rel=\"x\\", NULL},
    {"\", <https://a/1>; rel=next", NULL},
    {"", NULL},
};

static void the_next_link_is_found_in_whatever_way_it_is_written(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(links); i++) {
        struct str value = str_from(links[i].value), next = STR_NONE;
        bool found = okta_link_next(value, &next);
        if (found != (links[i].next != NULL) || (found && !str_eqz(next, links[i].next)))
            fail_msg("%s: %.*s", links[i].value, STR_ARG(next));
        if (found) assert_true(next.p > value.p && next.p + next.n < value.p + value.n);
    }
}

static void a_value_cut_anywhere_is_survived(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(links); i++)
        for (size_t n = 0; n <= strlen(links[i].value); n++) {
            AUTO_MEM char *exact = malloc(n + 1); // no byte more than that may be read
            struct str next;
            memcpy(exact, links[i].value, n);
            okta_link_next((struct str){exact, n}, &next);
        }
}

#define H(n, v)                                                                                    \
    { STR(n), STR(v) }

static void the_smallest_positive_reset_counts(void **state) {
    (void)state;
    const struct http_header headers[] = {
        H("X-Rate-Limit-Limit", "60"),
        H("x-rate-limit-remaining", "59"),
        H("x-rate-limit-reset", "1795341700"),
        H("X-RATE-LIMIT-RESET", "0, 1795341660 , 1795341800"),
        H("x-rate-limit-reset", "-5"),
        H("x-rate-limit-reset", "soon"),
        H("Date", "Sun, 22 Nov 2026 10:00:00 GMT"),
    };
    struct rate_headers rate;
    okta_rate_read(headers, LEN(headers), &rate);
    assert_true(rate.present);
    assert_int_equal(rate.limit, 60);
    assert_int_equal(rate.remaining, 59);
    assert_int_equal(rate.reset_s, 1795341660);
    assert_int_equal(rate.date_ms, INT64_C(1795341600000));
    for (size_t without = 0; without < 2; without++) {
        struct http_header some[LEN(headers)];
        memcpy(some, headers, sizeof some);
        some[without].value = STR("none");
        okta_rate_read(some, LEN(some), &rate);
        assert_false(rate.present);
        assert_int_equal(rate.date_ms, INT64_C(1795341600000));
    }
    okta_rate_read(headers, 2, &rate);
    assert_false(rate.present);
    assert_int_equal(rate.date_ms, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_link_is_found_in_whatever_way_it_is_written),
        cmocka_unit_test(a_value_cut_anywhere_is_survived),
        cmocka_unit_test(the_smallest_positive_reset_counts),
    };
    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
