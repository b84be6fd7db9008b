// SPDX-License-Identifier: Apache-2.0
// Who wants to hear of events of some types is told of them once, in order, and before any output
// has them. Okta is a script on loopback, store and loop are the real ones, outputs count.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "watched.h"

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

struct world {
    struct watched w;
    struct buf told;     // "u1 u2 "
    int taken_when_told; // by all outputs, when the last one was told
};

static bool wants(struct str event_type) { return str_eq(event_type, STR("wanted")); }

static void on_seen(void *ctx, const char *source, struct str event) {
    struct world *w = ctx;
    assert_string_equal(source, "acme");
    struct str rest = str_sub(event, str_find(event, STR("\"uuid\":\"")) + 8, event.n);
    struct str uuid = str_split(&rest, '"');
    assert_true(str_starts(event, STR("{")) && str_ends(event, STR("}")));
    buf_addf(&w->told, "%.*s ", STR_ARG(uuid));
    w->taken_when_told = 0;
    for (size_t i = 0; i < OUTPUTS; i++) {
        struct probe *p = &w->w.probes[i];
        w->taken_when_told += probe_get(p, &p->taken);
    }
}

static void begin(struct world *w, void **state) {
    *w = (struct world){.told = buf_make(1 << 16)};
    watched_begin(&w->w, state);
    w->w.wants = wants;
    w->w.seen = on_seen;
    w->w.seen_ctx = w;
}

static void end(struct world *w) {
    watched_end(&w->w);
    buf_fini(&w->told);
}

static void run(struct world *w) {
    buf_reset(&w->told);
    watched_run(&w->w);
    watched_stop(&w->w);
    assert_false(w->w.failed);
}

// Three pages with a wanted event each, u1 to u3, and the end.
static void set_wanted_pages(struct world *w) {
    set_page(&w->w, 0, "wanted:u1", 1);
    set_page(&w->w, 1, "wanted:u2", 2);
    set_page(&w->w, 2, "wanted:u3", 3);
    set_page(&w->w, 3, "", 3);
}

static void expect_told(struct world *w, const char *uuids) {
    if (!str_eqz(buf_str(&w->told), uuids))
        fail_msg("told: %.*s; expected: %s", STR_ARG(buf_str(&w->told)), uuids);
}

// ---- tests

static void wanted_events_are_told_once_and_in_order_whoever_the_page_is_for(void **state) {
    struct world w;
    begin(&w, state);
    set_page(&w.w, 0, "wanted:u1 other:u2 wanted:u3 wanted:u1", 1);
    set_page(&w.w, 1, "other:u4 wanted:u5 wanted:u3", 2);
    set_page(&w.w, 2, "", 2);
    run(&w);
    expect_told(&w, "u1 u3 u5 ");
    assert_int_equal(w.w.probes[0].taken, 5);
    assert_int_equal(w.w.probes[1].taken, 5);
    end(&w);
}

static void a_page_is_told_before_any_output_has_it(void **state) {
    struct world w;
    begin(&w, state);
    set_page(&w.w, 0, "other:u1 other:u2 wanted:u3", 1);
    set_page(&w.w, 1, "", 1);
    run(&w);
    expect_told(&w, "u3 ");
    assert_int_equal(w.taken_when_told, 0);
    end(&w);
}

// The one that is down gets the pages later, by fetches of its own: nothing of them is news then.
static void an_output_that_is_down_holds_nothing_up_and_nothing_is_told_again(void **state) {
    struct world w;
    begin(&w, state);
    w.w.probes[0].opens_to_fail = 1;
    set_wanted_pages(&w);
    run(&w);
    expect_told(&w, "u1 u2 u3 ");
    assert_int_equal(w.w.probes[0].taken, 3);
    assert_int_equal(w.w.probes[1].taken, 3);
    end(&w);
}

// While an output is at work its memory cannot be asked, and the other one is a page behind.
static void what_was_told_is_known_while_the_output_that_has_it_is_at_work(void **state) {
    struct world w;
    begin(&w, state);
    w.w.probes[0].opens_to_fail = 1;
    w.w.probes[0].tells_at = 2;
    w.w.probes[0].other = &w.w.probes[1].go_on;
    w.w.probes[1].blocks = true;
    w.w.probes[1].blocks_at = 2;
    set_wanted_pages(&w);
    run(&w);
    expect_told(&w, "u1 u2 u3 ");
    end(&w);
}

static void with_no_output_up_it_is_told_all_the_same(void **state) {
    struct world w;
    begin(&w, state);
    for (size_t i = 0; i < OUTPUTS; i++) w.w.probes[i].opens_to_fail = 1;
    set_page(&w.w, 0, "wanted:u1", 1);
    set_page(&w.w, 1, "", 1);
    run(&w);
    expect_told(&w, "u1 ");
    assert_int_equal(w.taken_when_told, 0);
    end(&w);
}

static void after_a_restart_what_the_outputs_have_is_known(void **state) {
    struct world w;
    begin(&w, state);
    set_page(&w.w, 0, "wanted:u1 wanted:u2", 1);
    set_page(&w.w, 1, "", 1);
    run(&w);
    expect_told(&w, "u1 u2 ");
    set_page(&w.w, 1, "wanted:u2 wanted:u3", 2); // Okta repeats one
    set_page(&w.w, 2, "", 2);
    run(&w);
    expect_told(&w, "u3 ");
    end(&w);
}

enum { BROKEN = 5 };

static size_t broken_first(const struct scripted *s, const char *head) {
    return s->asked == 0 ? BROKEN : chosen_page(s, head);
}

static void a_page_that_was_cut_on_its_way_is_told_when_it_is_whole(void **state) {
    struct world w;
    begin(&w, state);
    w.w.server.choose = broken_first;
    set_page(&w.w, 0, "wanted:u1 wanted:u2", 1);
    set_page(&w.w, 1, "", 1);
    set_page(&w.w, BROKEN, "wanted:u1 wanted:u2", 1);
    char *second = strstr(buf_z(&w.w.text[BROKEN]), "},{");
    assert_non_null(second);
    w.w.text[BROKEN].p[second - w.w.text[BROKEN].p] = ' ';
    run(&w);
    expect_told(&w, "u1 u2 ");
    end(&w);
}

static void what_windows_of_the_history_bring_is_not_told(void **state) {
    struct world w;
    const struct watch_backfill backfill = {.since = {.ago = true, .ms = 7200000},
                                            .until = {.ago = true, .ms = 3600000}};
    begin(&w, state);
    w.w.backfill = &backfill;
    set_published(&w.w, time_now_ms() - 5400000);
    set_page(&w.w, PAGES - 2, "wanted:u1 wanted:u2", -1);
    run(&w);
    expect_told(&w, "");
    expect_taken(&w.w, 0, "u1 u2 ");
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(wanted_events_are_told_once_and_in_order_whoever_the_page_is_for),
        T(a_page_is_told_before_any_output_has_it),
        T(an_output_that_is_down_holds_nothing_up_and_nothing_is_told_again),
        T(what_was_told_is_known_while_the_output_that_has_it_is_at_work),
        T(with_no_output_up_it_is_told_all_the_same),
        T(after_a_restart_what_the_outputs_have_is_known),
        T(a_page_that_was_cut_on_its_way_is_told_when_it_is_whole),
        T(what_windows_of_the_history_bring_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
