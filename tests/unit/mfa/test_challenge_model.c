// SPDX-License-Identifier: Apache-2.0
// A model check of the challenge: every order of every event is tried, breadth first, until no
// state is new, and each step is held against rules that say in their own words what may happen.
// What the rules need to know of the way that led to a state is part of the state.
//
// Then the other way round: the machine is broken, cell by cell, and each break has to be found.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "challenge-rules.h"

enum { NODES_MAX = 4096, EDGES_MAX = 1 << 17, SLOTS = 1 << 14, EVENTS_MAX = 1 << 15 };

struct edge {
    uint16_t from, to;
};

struct model {
    const struct challenge_table *table;
    // The machine that is judged.
    enum challenge_action (*step)(const struct challenge_table *, struct challenge *,
                                  const struct challenge_event *);
    const struct challenge_event *events;
    size_t event_count;
    uint32_t base; // `asked` in every state: only what is equal to it matters
    struct node nodes[NODES_MAX];
    uint16_t slots[SLOTS]; // node + 1, by hash
    size_t node_count;
    struct edge edges[EDGES_MAX];
    size_t edge_count;
    const char *only;      // the one rule that is asked; NULL: all
    const char *objection; // the rule that was broken first; NULL: none
    struct node at;        // where
    struct challenge_event by;
};

// One at a time, too large for the stack.
static struct model model;

// ---- the search

static const char stuck[] = "every_challenge_can_still_be_denied";
static const char hopeless[] = "every_challenge_can_still_be_allowed";

static struct node after(const struct node *a, const struct challenge *c,
                         const struct challenge_event *e, enum challenge_action action,
                         bool meant) {
    struct node b = *a;
    b.c = *c;
    b.found |= meant && a->awaited == ACTION_FIND && e->kind == EVENT_FOUND;
    b.chosen |= meant && a->awaited == ACTION_LIST && e->kind == EVENT_CHOSEN;
    b.admitted |= meant && a->awaited == ACTION_ADMIT && e->kind == EVENT_ADMITTED;
    bool verified = meant && a->awaited == ACTION_VERIFY;
    if (verified && e->kind == EVENT_ANSWERED && e->result == OKTA_FACTOR_WAITING) {
        b.waited = true;
        b.transaction = e->transaction;
    }
    if (verified && e->kind == EVENT_AGAIN && b.verifies) b.verifies--;
    bool repeated = action == ACTION_REPEAT && a->c.state == CHALLENGE_VERIFYING;
    if (action == ACTION_VERIFY || repeated) b.verifies++;
    if (is_end(action)) b.ends++;
    if (is_end(action)) b.awaited = ACTION_NONE;
    else if (action != ACTION_NONE && action != ACTION_REPEAT) b.awaited = action;
    return b;
}

static bool is_same_node(const struct node *a, const struct node *b) {
    return is_same_challenge(&a->c, &b->c) && a->awaited == b->awaited && a->found == b->found &&
           a->chosen == b->chosen && a->admitted == b->admitted && a->waited == b->waited &&
           a->transaction == b->transaction && a->verifies == b->verifies && a->ends == b->ends;
}

static size_t hash_of(const struct node *n) {
    const uint32_t parts[] = {n->c.state,
                              n->c.reason,
                              n->c.transaction,
                              n->awaited,
                              n->transaction,
                              n->verifies,
                              (uint32_t)n->c.code << 5 | (uint32_t)n->c.pushed << 4 |
                                  (uint32_t)n->found << 3 | (uint32_t)n->chosen << 2 |
                                  (uint32_t)n->admitted << 1 | (uint32_t)n->waited};
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < LEN(parts); i++) h = (h ^ parts[i]) * 1099511628211u;
    return (size_t)(h ^ h >> 32) % SLOTS;
}

static size_t add_node(struct model *m, const struct node *n) {
    size_t slot = hash_of(n);
    while (m->slots[slot] && !is_same_node(&m->nodes[m->slots[slot] - 1], n))
        slot = (slot + 1) % SLOTS;
    if (m->slots[slot]) return m->slots[slot] - 1u;
    assert_true(m->node_count < NODES_MAX);
    m->nodes[m->node_count++] = *n;
    m->slots[slot] = (uint16_t)m->node_count;
    return m->node_count - 1;
}

static void add_edge(struct model *m, size_t from, size_t to) {
    if (from == to) return;
    const struct edge edge = {(uint16_t)from, (uint16_t)to};
    const struct edge *last = m->edge_count ? &m->edges[m->edge_count - 1] : NULL;
    if (last && last->from == edge.from && last->to == edge.to) return;
    assert_true(m->edge_count < EDGES_MAX);
    m->edges[m->edge_count++] = edge;
}

static bool object(struct model *m, const char *rule, const struct node *at,
                   const struct challenge_event *by) {
    m->objection = rule;
    m->at = *at;
    if (by) m->by = *by;
    return false;
}

static bool is_asked(const struct model *m, const char *rule) {
    return !m->only || strcmp(m->only, rule) == 0;
}

static bool try_event(struct model *m, size_t from, const struct challenge_event *e) {
    const struct node a = m->nodes[from];
    struct challenge c = a.c;
    enum challenge_action action = m->step(m->table, &c, e);
    bool meant = e->kind == EVENT_START || e->kind == EVENT_END || e->asked == a.c.asked;
    struct node b = after(&a, &c, e, action, meant && (int)e->kind < STRANGE_KIND);
    const struct step s = {&a, &b, e, action, meant};
    for (size_t i = 0; i < LEN(rules); i++)
        if (is_asked(m, rules[i].name) && !rules[i].holds(&s))
            return object(m, rules[i].name, &a, e);
    b.c.asked = m->base;
    add_edge(m, from, add_node(m, &b));
    return true;
}

// Whether a challenge in that state can be reached from every one that is not over.
static bool is_always_reachable(struct model *m, enum challenge_state goal, const char *rule) {
    static bool reaches[NODES_MAX];
    for (size_t i = 0; i < m->node_count; i++) reaches[i] = m->nodes[i].c.state == goal;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = m->edge_count; i-- > 0;) {
            const struct edge *e = &m->edges[i];
            if (!reaches[e->to] || reaches[e->from]) continue;
            more = reaches[e->from] = true;
        }
    }
    for (size_t i = 0; i < m->node_count; i++)
        if (!reaches[i] && !challenge_is_over(&m->nodes[i].c))
            return object(m, rule, &m->nodes[i], NULL);
    return true;
}

// True: all rules hold everywhere.
static bool search(struct model *m) {
    m->node_count = m->edge_count = 0;
    m->objection = NULL;
    memset(m->slots, 0, sizeof m->slots);
    for (int code = 0; code < 2; code++) {
        struct node first = {.c = challenge_make(code)};
        first.c.asked = m->base;
        add_node(m, &first);
    }
    for (size_t at = 0; at < m->node_count; at++)
        for (size_t i = 0; i < m->event_count; i++)
            if (!try_event(m, at, &m->events[i])) return false;
    return m->only || (is_always_reachable(m, CHALLENGE_DENIED, stuck) &&
                       is_always_reachable(m, CHALLENGE_ALLOWED, hopeless));
}

// ---- events

struct alphabet {
    struct challenge_event events[EVENTS_MAX];
    size_t n;
};

// Everything with everything, whether a kind looks at it or not.
static void add_all(struct alphabet *to, uint32_t base) {
    const uint32_t asked[] = {base, base - 1, base + 1, 0};
    for (int kind = EVENT_START; kind <= STRANGE_KIND; kind++)
        for (size_t a = 0; a < LEN(asked); a++)
            for (uint32_t transaction = 0; transaction < 3; transaction++)
                for (int result = 0; result <= STRANGE_RESULT; result++)
                    for (int reason = 0; reason < REASONS; reason++)
                        to->events[to->n++] =
                            (struct challenge_event){.kind = (enum challenge_event_kind)kind,
                                                     .asked = asked[a],
                                                     .transaction = transaction,
                                                     .result = (enum okta_factor_result)result,
                                                     .reason = (enum challenge_reason)reason};
}

// Each kind with what it looks at, and a few reasons: enough for machines that are broken.
static void add_few(struct alphabet *to, uint32_t base) {
    static const enum challenge_reason reasons[] = {REASON_OKTA, REASON_EXPIRED, REASON_CANCELED};
    const uint32_t asked[] = {base, base - 1};
    for (int kind = EVENT_START; kind <= EVENT_END; kind++)
        for (size_t a = 0; a < LEN(asked); a++)
            for (uint32_t i = 0; i < 15; i++)
                if (kind == EVENT_ANSWERED || i < LEN(reasons))
                    to->events[to->n++] =
                        (struct challenge_event){.kind = (enum challenge_event_kind)kind,
                                                 .asked = asked[a],
                                                 .transaction = i / 5,
                                                 .result = (enum okta_factor_result)(i % 5),
                                                 .reason = reasons[i % LEN(reasons)]};
}

static struct model *model_of(const struct challenge_table *table, struct alphabet *events,
                              void (*add)(struct alphabet *, uint32_t), uint32_t base) {
    events->n = 0;
    add(events, base);
    model.table = table;
    model.step = challenge_step_by;
    model.events = events->events;
    model.event_count = events->n;
    model.base = base;
    model.only = NULL;
    return &model;
}

static struct alphabet alphabet;

static void fail_with(const struct model *m) {
    fail_msg("%s: state %d (code %d, pushed %d, transaction %u), event %d (asked %s, result %d, "
             "transaction %u, reason %s)",
             m->objection, m->at.c.state, m->at.c.code, m->at.c.pushed, m->at.c.transaction,
             m->by.kind, m->by.asked == m->base ? "now" : "before", m->by.result, m->by.transaction,
             challenge_reason_name(m->by.reason));
}

// ---- the machine as it is

static void no_order_of_events_breaks_a_rule(void **state) {
    (void)state;
    struct model *m = model_of(&challenge_table, &alphabet, add_all, 7);
    if (!search(m)) fail_with(m);
    print_message("# %zu states, %zu events\n", m->node_count, m->event_count);
}

// The count of requests may run over.
static void what_the_count_begins_with_is_no_matter(void **state) {
    (void)state;
    static const uint32_t bases[] = {0, 1, UINT32_MAX};
    for (size_t i = 0; i < LEN(bases); i++) {
        struct model *m = model_of(&challenge_table, &alphabet, add_few, bases[i]);
        if (!search(m)) fail_with(m);
    }
}

// Else the rules would hold because nothing ever happens.
static void every_state_and_every_action_is_reached(void **state) {
    (void)state;
    struct model *m = model_of(&challenge_table, &alphabet, add_few, 7);
    bool states[CHALLENGE_STATES] = {false}, actions[ACTION_WITHDRAW + 1] = {false};
    assert_true(search(m));
    for (size_t i = 0; i < m->node_count; i++) {
        states[m->nodes[i].c.state] = true;
        for (size_t k = 0; k < m->event_count; k++) {
            struct challenge c = m->nodes[i].c;
            actions[challenge_step(&c, &m->events[k])] = true;
        }
    }
    for (size_t i = 0; i < LEN(states); i++) assert_true(states[i]);
    for (size_t i = 0; i < LEN(actions); i++) assert_true(actions[i]);
}

// ---- machines that are broken

static size_t objections[LEN(rules) + 2], mutations;

static void count_objection(const char *name) {
    mutations++;
    for (size_t i = 0; i < LEN(rules); i++) objections[i] += strcmp(name, rules[i].name) == 0;
    objections[LEN(rules)] += name == stuck;
    objections[LEN(rules) + 1] += name == hopeless;
}

static void must_object(const struct challenge_table *broken, const char *how, size_t row,
                        size_t column, int value) {
    struct model *m = model_of(broken, &alphabet, add_few, 7);
    if (search(m))
        fail_msg("%s of row %zu, column %zu may be %d, and nobody objects", how, row, column,
                 value);
    count_objection(m->objection);
}

static void break_next(struct challenge_table *t, size_t row, size_t column) {
    struct challenge_cell *cell = &t->cell[row][column];
    const enum challenge_state right = cell->next;
    for (int next = 0; next < CHALLENGE_STATES; next++) {
        cell->next = (enum challenge_state)next;
        if (cell->next != right) must_object(t, "next", row, column, next);
    }
    cell->next = right;
}

static void break_reason(struct challenge_table *t, size_t row, size_t column) {
    struct challenge_cell *cell = &t->cell[row][column];
    const enum challenge_reason right = cell->reason;
    if (cell->next != CHALLENGE_DENIED) return;
    for (int reason = 0; reason < REASONS; reason++) {
        cell->reason = (enum challenge_reason)reason;
        // The event's own reason is the same as this very one.
        if (column == COLUMN_EXPIRED && reason == REASON_EXPIRED) continue;
        if (cell->reason != right) must_object(t, "reason", row, column, reason);
    }
    cell->reason = right;
}

// Of a challenge that has no push there is nothing to be told.
static void break_settled(struct challenge_table *t, size_t row, size_t column) {
    struct challenge_cell *cell = &t->cell[row][column];
    bool can_have_pushed =
        row == CHALLENGE_VERIFYING || row == CHALLENGE_WAITING || row == CHALLENGE_POLLING;
    if (cell->next < CHALLENGE_ALLOWED || !can_have_pushed) return;
    cell->settled = !cell->settled;
    must_object(t, "settled", row, column, cell->settled);
    cell->settled = !cell->settled;
}

static void each_broken_cell_is_found_out(void **state) {
    (void)state;
    struct challenge_table broken = challenge_table;
    for (size_t row = 0; row < CHALLENGE_ROWS; row++)
        for (size_t column = 0; column < CHALLENGE_COLUMNS; column++) {
            break_next(&broken, row, column);
            break_reason(&broken, row, column);
            break_settled(&broken, row, column);
        }
    assert_memory_equal(&broken, &challenge_table, sizeof broken);
}

static void each_broken_action_is_found_out(void **state) {
    (void)state;
    struct challenge_table broken = challenge_table;
    for (size_t i = 1; i < CHALLENGE_STATES; i++) {
        const enum challenge_action right = broken.entering[i];
        for (int action = 0; action <= ACTION_WITHDRAW; action++) {
            broken.entering[i] = (enum challenge_action)action;
            if (broken.entering[i] != right) must_object(&broken, "action", i, 0, action);
        }
        broken.entering[i] = right;
    }
}

// What the code around the table does is broken by what is handed to it.

static enum challenge_action takes_what_is_stale(const struct challenge_table *t,
                                                 struct challenge *c,
                                                 const struct challenge_event *e) {
    struct challenge_event fresh = *e;
    fresh.asked = c->asked;
    return challenge_step_by(t, c, &fresh);
}

static enum challenge_action takes_what_is_foreign(const struct challenge_table *t,
                                                   struct challenge *c,
                                                   const struct challenge_event *e) {
    struct challenge_event own = *e;
    if (c->state == CHALLENGE_POLLING) own.transaction = c->transaction;
    return challenge_step_by(t, c, &own);
}

static enum challenge_action takes_any_code(const struct challenge_table *t, struct challenge *c,
                                            const struct challenge_event *e) {
    struct challenge_event bare = *e;
    if (c->code) bare.transaction = 0;
    return challenge_step_by(t, c, &bare);
}

static enum challenge_action waits_without_a_link(const struct challenge_table *t,
                                                  struct challenge *c,
                                                  const struct challenge_event *e) {
    struct challenge_event named = *e;
    if (c->state == CHALLENGE_VERIFYING && !named.transaction && !c->code) named.transaction = 1;
    enum challenge_action action = challenge_step_by(t, c, &named);
    if (c->state == CHALLENGE_WAITING) c->transaction = e->transaction;
    return action;
}

static enum challenge_action rises_from_the_dead(const struct challenge_table *t,
                                                 struct challenge *c,
                                                 const struct challenge_event *e) {
    if (c->state == CHALLENGE_DENIED && e->kind == EVENT_START) *c = challenge_make(c->code);
    return challenge_step_by(t, c, e);
}

static enum challenge_action does_not_count(const struct challenge_table *t, struct challenge *c,
                                            const struct challenge_event *e) {
    uint32_t asked = c->asked;
    enum challenge_action action = challenge_step_by(t, c, e);
    c->asked = asked;
    return action;
}

static enum challenge_action forgets_the_push(const struct challenge_table *t, struct challenge *c,
                                              const struct challenge_event *e) {
    enum challenge_action action = challenge_step_by(t, c, e);
    c->pushed = false;
    return action;
}

static enum challenge_action never_withdraws(const struct challenge_table *t, struct challenge *c,
                                             const struct challenge_event *e) {
    enum challenge_action action = challenge_step_by(t, c, e);
    return action == ACTION_WITHDRAW ? ACTION_FINISH : action;
}

static enum challenge_action changes_in_silence(const struct challenge_table *t,
                                                struct challenge *c,
                                                const struct challenge_event *e) {
    enum challenge_action action = challenge_step_by(t, c, e);
    if (action == ACTION_NONE && e->kind == EVENT_FOUND) c->transaction = 2;
    return action;
}

static enum challenge_action allows_with_a_reason(const struct challenge_table *t,
                                                  struct challenge *c,
                                                  const struct challenge_event *e) {
    enum challenge_action action = challenge_step_by(t, c, e);
    if (action == ACTION_POLL) c->reason = REASON_TIMED_OUT;
    return action;
}

static enum challenge_action changes_the_transaction(const struct challenge_table *t,
                                                     struct challenge *c,
                                                     const struct challenge_event *e) {
    enum challenge_action action = challenge_step_by(t, c, e);
    if (action == ACTION_POLL) c->transaction = 2;
    return action;
}

static void each_machine_that_breaks_a_promise_is_found_out(void **state) {
    (void)state;
    static const struct {
        enum challenge_action (*step)(const struct challenge_table *, struct challenge *,
                                      const struct challenge_event *);
        const char *objection;
    } machines[] = {
        {takes_what_is_stale, "stale_means_nothing"},
        {takes_what_is_foreign, "allowed_only_by_success_of_its_own"},
        {takes_any_code, "allowed_only_by_success_of_its_own"},
        {waits_without_a_link, "an_answer_denies_for_its_reason"},
        {rises_from_the_dead, "over_is_over"},
        {does_not_count, "each_request_is_a_new_one"},
        {forgets_the_push, "a_push_is_not_forgotten"},
        {never_withdraws, "what_can_be_taken_back_is"},
        {changes_in_silence, "nothing_changes_without_an_action"},
        {allows_with_a_reason, "only_denials_have_reasons"},
        {changes_the_transaction, "the_transaction_is_the_verifys"},
    };
    for (size_t i = 0; i < LEN(machines); i++) {
        struct model *m = model_of(&challenge_table, &alphabet, add_few, 7);
        m->step = machines[i].step;
        m->only = machines[i].objection;
        if (search(m)) fail_msg("nobody objects: %s", machines[i].objection);
        count_objection(m->objection);
    }
}

// Whatever leads to ALLOWED where it may not is objected to for just that.
static void a_wrong_way_to_allowed_is_called_so(void **state) {
    (void)state;
    struct challenge_table broken = challenge_table;
    size_t ways = 0;
    for (size_t row = 0; row < CHALLENGE_ROWS; row++)
        for (size_t column = 0; column < CHALLENGE_COLUMNS; column++) {
            struct challenge_cell *cell = &broken.cell[row][column];
            const enum challenge_state right = cell->next;
            if (right == CHALLENGE_ALLOWED) continue;
            cell->next = CHALLENGE_ALLOWED;
            struct model *m = model_of(&broken, &alphabet, add_few, 7);
            assert_false(search(m));
            assert_string_equal(m->objection, "allowed_only_by_success_of_its_own");
            cell->next = right;
            ways++;
        }
    assert_int_equal(ways, CHALLENGE_ROWS * CHALLENGE_COLUMNS - 2);
}

// A second push is objected to for just that.
static void a_second_verify_is_called_so(void **state) {
    (void)state;
    static const struct {
        enum challenge_state row;
        enum challenge_column column;
    } ways[] = {
        {CHALLENGE_VERIFYING, COLUMN_FAILED},   {CHALLENGE_VERIFYING, COLUMN_OTHER},
        {CHALLENGE_VERIFYING, COLUMN_REJECTED}, {CHALLENGE_WAITING, COLUMN_POLL_TIME},
        {CHALLENGE_POLLING, COLUMN_WAITING},    {CHALLENGE_POLLING, COLUMN_AGAIN},
        {CHALLENGE_POLLING, COLUMN_TIMEOUT},    {CHALLENGE_POLLING, COLUMN_FAILED},
    };
    for (size_t i = 0; i < LEN(ways); i++) {
        struct challenge_table broken = challenge_table;
        broken.cell[ways[i].row][ways[i].column].next = CHALLENGE_VERIFYING;
        struct model *m = model_of(&broken, &alphabet, add_few, 7);
        assert_false(search(m));
        assert_string_equal(m->objection, "one_verify_at_most");
    }
}

// What an event is good for is missed when it never comes.
static void challenges_without_a_way_out_are_found(void **state) {
    (void)state;
    struct model *m = model_of(&challenge_table, &alphabet, add_few, 7);
    size_t n = 0;
    for (size_t i = 0; i < m->event_count; i++)
        if (alphabet.events[i].result != OKTA_FACTOR_SUCCESS)
            alphabet.events[n++] = alphabet.events[i];
    m->event_count = n;
    assert_false(search(m));
    assert_string_equal(m->objection, hopeless);
    count_objection(m->objection);
    m = model_of(&challenge_table, &alphabet, add_few, 7);
    m->event_count = 3; // START alone
    assert_false(search(m));
    assert_string_equal(m->objection, stuck);
    count_objection(m->objection);
}

// A rule that never objects might as well not be there.
static void each_rule_has_objected_to_something(void **state) {
    (void)state;
    print_message("# %zu broken machines\n", mutations);
    for (size_t i = 0; i < LEN(rules); i++) {
        print_message("# %6zu %s\n", objections[i], rules[i].name);
        assert_true(objections[i] > 0);
    }
    assert_true(objections[LEN(rules)] > 0);
    assert_true(objections[LEN(rules) + 1] > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_order_of_events_breaks_a_rule),
        cmocka_unit_test(what_the_count_begins_with_is_no_matter),
        cmocka_unit_test(every_state_and_every_action_is_reached),
        cmocka_unit_test(each_broken_cell_is_found_out),
        cmocka_unit_test(each_broken_action_is_found_out),
        cmocka_unit_test(each_machine_that_breaks_a_promise_is_found_out),
        cmocka_unit_test(a_wrong_way_to_allowed_is_called_so),
        cmocka_unit_test(a_second_verify_is_called_so),
        cmocka_unit_test(challenges_without_a_way_out_are_found),
        cmocka_unit_test(each_rule_has_objected_to_something),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("challenge model", tests, NULL, NULL);
}
