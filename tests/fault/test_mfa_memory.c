// SPDX-License-Identifier: Apache-2.0
// As test_entity_memory, for what the gate keeps of pushes: each scenario with its n-th allocation
// failing, for every n. What is said to be done has been done whole, what has failed has let
// nothing out, and an earlier snapshot stays what it was.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mfa/document.h"
#include "mfa/guard.h"
#include "mfa/trail.h"

#include "faildraft.h"

enum { TEXT_MAX = 1 << 16 };
static const int64_t start_ms = 1700000000000;

// An outcome that nothing may lead to.
enum { WRONG = -1 };

static const struct state_schema schema = {{
    [RECORD_GUARD] = &guarded_type,
    [RECORD_CHALLENGE] = &attempt_type,
}};

static const struct guard_subject eve = {.org = {"acme", 4},
                                         .login = {"Eve", 3},
                                         .user_id = {"00u1", 4},
                                         .entity_id = {"e-1", 3},
                                         .entity_name = {"eve", 3}};

// Made once, never changed: a push to Eve is out.
static struct state *before;

static int admit(struct draft *d, struct str challenge, int64_t now_ms, enum guard_rule *ret) {
    const struct guard_limits limits = guard_defaults();
    struct guard_verdict v;
    int r = guard_admit(d, &limits, &eve, false, 0, challenge, now_ms + 300000, now_ms, &v);
    if (r == 0) *ret = v.rule;
    return r;
}

static int put(struct draft *d, struct str id, enum trail_outcome outcome) {
    const struct attempt a = {.id = id,
                              .org = STR("acme"),
                              .user_id = STR("00u1"),
                              .login = STR("Eve"),
                              .began_ms = start_ms,
                              .sent_ms = start_ms,
                              .outcome = outcome};
    return attempt_put(d, &a);
}

static int make_before(void **state) {
    (void)state;
    AUTO(state) struct state *empty = NULL;
    AUTO_FINI(draft) struct draft d = {.state = NULL};
    enum guard_rule rule = GUARD_RULES;
    if (state_new(&empty, &schema) || draft_begin(&d, empty)) return -1;
    if (admit(&d, STR("c-0"), start_ms, &rule) || rule != GUARD_CLEAR) return -1;
    if (put(&d, STR("c-0"), TRAIL_OPEN)) return -1;
    before = state_hold(d.state);
    return 0;
}

static int free_before(void **state) {
    (void)state;
    before = state_free(before);
    return 0;
}

static bool is_untouched(void) {
    const struct guarded *g = guard_user(before, &eve);
    const struct attempt *a = attempt_by_id(before, STR("c-0"));
    return state_count(before, RECORD_GUARD) == 2 && state_count(before, RECORD_CHALLENGE) == 1 &&
           g && str_eqz(g->out, "c-0") && !g->locked_ms && !g->denials && a &&
           a->outcome == TRAIL_OPEN && list_is_empty(a->events);
}

static void fail_each(int (*scenario)(struct draft *d)) {
    faildraft_each(before, is_untouched, scenario);
}

// While one push is out no other is admitted, however short memory is.
static int admit_two(struct draft *d) {
    enum guard_rule rule = GUARD_RULES;
    int r = admit(d, STR("c-1"), start_ms + 1000, &rule);
    if (r) return r;
    if (rule != GUARD_BUSY) return WRONG;
    r = admit(d, STR("c-2"), start_ms + 400000, &rule);
    if (r) return r;
    const struct guarded *g = guard_user(d->state, &eve);
    bool done = rule == GUARD_CLEAR && g && str_eqz(g->out, "c-2") && list_count(g->pushes) == 2;
    return done ? 0 : WRONG;
}

// By another name: it is learned.
static int admit_by_mail(struct draft *d) {
    const struct guard_limits limits = guard_defaults();
    struct guard_subject who = eve;
    struct guard_verdict v = {.rule = GUARD_RULES};
    who.login = STR("Eve@Mail");
    int r = guard_admit(d, &limits, &who, true, 0, STR("c"), 0, start_ms, &v);
    if (r) return r;
    const struct guarded *g = guard_user(d->state, &eve);
    return v.rule == GUARD_CLEAR && g && str_eqz(g->asked, "eve@mail") && g->wrong_codes == 1
               ? 0
               : WRONG;
}

static int note(struct draft *d, enum guard_news news, const char *event) {
    const struct guard_limits limits = guard_defaults();
    const struct guard_note n = {.news = news,
                                 .challenge = STR("c-0"),
                                 .factor = STR("opf1"),
                                 .event = str_from(event),
                                 .at_ms = start_ms + 1000};
    return guard_note(d, &limits, &eve, &n, start_ms + 2000);
}

static int note_all(struct draft *d) {
    int r = note(d, NEWS_APPROVED, NULL);
    if (r == 0) r = note(d, NEWS_DENIED, "u-1");
    if (r == 0) r = note(d, NEWS_DENIED, "u-1");
    if (r == 0) r = note(d, NEWS_SUSPICIOUS, "u-2");
    if (r) return r;
    const struct guarded *g = guard_user(d->state, &eve);
    bool done = g && g->denials == 1 && g->locked_ms && str_eqz(g->lock_event, "u-2") &&
                list_count(g->used) == 1 && list_count(g->seen) == 2 && !g->out.n;
    return done ? 0 : WRONG;
}

// Of somebody without id: he is found by his login, or it is said that there was no memory to.
static int note_by_login(struct draft *d) {
    const struct guard_limits limits = guard_defaults();
    const struct guard_subject who = {.org = eve.org, .login = STR("EVE")};
    const struct guard_note n = {.news = NEWS_SUSPICIOUS, .event = STR("u-1")};
    int r = guard_note(d, &limits, &who, &n, start_ms);
    if (r) return r;
    return guard_user(d->state, &eve)->locked_ms ? 0 : WRONG;
}

static int clear_and_sweep(struct draft *d) {
    const struct guard_limits limits = guard_defaults();
    const int64_t later_ms = start_ms + 100LL * 86400 * 1000;
    int r = note(d, NEWS_SUSPICIOUS, "u-1");
    if (r) return r;
    r = guard_clear(d, guard_user(d->state, &eve), start_ms + 3000);
    if (r == 0) r = guard_sweep(d, &limits, later_ms, 100);
    if (r) return r;
    return state_count(d->state, RECORD_GUARD) == 0 ? 0 : WRONG;
}

static int join(struct draft *d) {
    const struct signal s = {.kind = SIGNAL_PUSH_SENT,
                             .uuid = STR("u-1"),
                             .event_type = STR("system.push.send_factor_verify_push"),
                             .published_ms = start_ms,
                             .user_id = STR("00u1"),
                             .requester = STR("00T1"),
                             .push = true};
    AUTO_FINI(buf) struct buf who = buf_make(TEXT_MAX);
    const struct attempt *a = NULL;
    enum trail_match m = trail_match(d->state, STR("acme"), &s, (struct list){STR_NONE}, &a);
    if (m != TRAIL_JOINED) return WRONG;
    int r = trail_join(d, a->id, &s);
    if (r == 0) r = trail_requesters(d->state, STR("acme"), &who);
    if (r) return r;
    a = attempt_by_id(d->state, STR("c-0"));
    return list_count(a->events) == 4 && list_has(list_of(&who), STR("00T1")) ? 0 : WRONG;
}

static int interrupt_and_sweep(struct draft *d) {
    AUTO_FINI(buf) struct buf open = buf_make(TEXT_MAX), silent = buf_make(TEXT_MAX);
    int r = put(d, STR("c-1"), TRAIL_OPEN);
    if (r == 0) r = trail_interrupt(d, start_ms + 5000, &open);
    if (r == 0) r = trail_sweep(d, start_ms + TRAIL_JOIN_MS, 100, &silent);
    if (r) return r;
    bool done = list_count(list_of(&open)) == 2 && list_count(list_of(&silent)) == 2 &&
                attempt_by_id(d->state, STR("c-0"))->outcome == TRAIL_INTERRUPTED &&
                attempt_by_id(d->state, STR("c-1"))->noted;
    if (!done) return WRONG;
    r = trail_sweep(d, start_ms + TRAIL_KEEP_MS, 100, &silent);
    if (r) return r;
    return state_count(d->state, RECORD_CHALLENGE) == 0 ? 0 : WRONG;
}

static int read_back(const struct record_type *type, const void *record, void **ret) {
    AUTO_FINI(buf) struct buf text = buf_make(TEXT_MAX);
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    struct fault fault;
    type->encode(record, &text);
    int r = text.error ? text.error : json_reader_new(&reader);
    if (r == 0) r = json_read(reader, buf_str(&text), &v, &fault);
    return r ? r : type->decode(ret, v, &fault);
}

static int come_back(struct draft *d) {
    AUTO_RECORD void *g = NULL;
    AUTO_RECORD void *a = NULL;
    const struct guarded *known = guard_get(d->state, STR("acme"), STR("00u1"));
    int r = read_back(&guarded_type, known, &g);
    if (r == 0) r = read_back(&attempt_type, attempt_by_id(d->state, STR("c-0")), &a);
    if (r) return r;
    bool same = str_eq(((const struct guarded *)g)->out, known->out) &&
                str_eqz(((const struct attempt *)a)->id, "c-0");
    return same ? 0 : WRONG;
}

static int write_documents(struct draft *d) {
    AUTO_FINI(buf) struct buf out = buf_make(TEXT_MAX);
    const struct attempt *a = attempt_by_id(d->state, STR("c-0"));
    const struct guarded *g = guard_get(d->state, STR("acme"), STR("00u1"));
    const struct signal s = {.kind = SIGNAL_DENIED, .uuid = STR("u-1")};
    int r = document_challenge(&out, a, NULL, start_ms);
    if (r == 0) r = document_joined(&out, a, &s, start_ms);
    if (r == 0) r = document_unlogged(&out, a, start_ms);
    if (r == 0) r = document_foreign(&out, STR("acme"), &s, start_ms);
    if (r == 0) r = document_guard(&out, g, &s, start_ms);
    return r;
}

static void admitting_survives_every_failing_allocation(void **state) {
    (void)state;
    fail_each(admit_two);
    fail_each(admit_by_mail);
}
static void noting_survives_every_failing_allocation(void **state) {
    (void)state;
    fail_each(note_all);
    fail_each(note_by_login);
}
static void clearing_and_sweeping_survive_every_failing_allocation(void **state) {
    (void)state;
    fail_each(clear_and_sweep);
}
static void joining_survives_every_failing_allocation(void **state) {
    (void)state;
    fail_each(join);
}
static void interrupting_survives_every_failing_allocation(void **state) {
    (void)state;
    fail_each(interrupt_and_sweep);
}
static void reading_back_survives_every_failing_allocation(void **state) {
    (void)state;
    fail_each(come_back);
}
static void documents_survive_every_failing_allocation(void **state) {
    (void)state;
    fail_each(write_documents);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(admitting_survives_every_failing_allocation),
        cmocka_unit_test(noting_survives_every_failing_allocation),
        cmocka_unit_test(clearing_and_sweeping_survive_every_failing_allocation),
        cmocka_unit_test(joining_survives_every_failing_allocation),
        cmocka_unit_test(interrupting_survives_every_failing_allocation),
        cmocka_unit_test(reading_back_survives_every_failing_allocation),
        cmocka_unit_test(documents_survive_every_failing_allocation),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("mfa_memory", tests, make_before, free_before);
}
