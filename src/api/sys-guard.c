// SPDX-License-Identifier: Apache-2.0
// sys/mfa/guard: what the guard knows of whom pushes go to, and clearing it. A name may stand for
// several: the Okta users of that login in each org, and the entity of that name.
#include "api/sys.h"
#include "identity/fold.h"
#include "mfa/guard.h"
#include "mfa/stepup.h"

static struct guard_limits limits_of(const struct call *c) {
    return c->stepup ? *stepup_limits(c->stepup) : guard_defaults();
}

static struct guard_verdict judge(const struct call *c, const struct guarded *g, bool code) {
    const struct guard_limits limits = limits_of(c);
    const struct guard_subject who = guard_subject_of(g);
    return guard_judge(c->state, &limits, &who, code, 0, c->now_ms);
}

// ---- one

static void write_verdict(struct buf *out, const char *key, const struct guard_verdict *v) {
    const struct guard_row *row = &guard_rows[v->rule];
    json_key(out, str_from(key));
    json_open(out, '{');
    call_flag(out, "allowed", v->rule == GUARD_CLEAR);
    call_member(out, "rule", str_from(row->name));
    call_member(out, "reason", str_from(row->reason));
    call_member(out, "detail", v->detail);
    call_time(out, "until", v->until_ms);
    if (row->setting) call_member(out, "setting", str_from(row->setting));
    json_close(out, '}');
}

static void write_facts(struct buf *out, const struct guarded *g) {
    call_member(out, "out_challenge", g->out);
    call_time(out, "out_until", g->out_until_ms);
    call_number(out, "denials", g->denials);
    call_time(out, "paused_until", g->paused_until_ms);
    call_number(out, "wrong_codes", g->wrong_codes);
    call_time(out, "locked_since", g->locked_ms);
    call_member(out, "lock_reason", g->lock_reason);
    call_member(out, "lock_event", g->lock_event);
    call_time(out, "risk_high_since", g->risk_ms);
    call_texts(out, "factors", g->used);
}

// By either of the names that he was asked for.
static void write_refusals(struct buf *out, const struct call *c, const struct guarded *g) {
    struct refusal r = {.times = 0}, by_other = {.times = 0};
    bool other = g->asked.n && !str_eq(g->asked, g->login);
    if (c->stepup) r = stepup_refusals(c->stepup, g->org, g->login);
    if (c->stepup && other) by_other = stepup_refusals(c->stepup, g->org, g->asked);
    const struct refusal *last = by_other.last_ms > r.last_ms ? &by_other : &r;
    call_number(out, "refusals", r.times + by_other.times);
    call_time(out, "last_refusal", last->last_ms);
    call_member(out, "last_refusal_rule",
                last->times ? str_from(guard_rows[last->rule].name) : STR(""));
}

static void write_subject(struct buf *out, const struct call *c, const struct guarded *g) {
    const struct guard_limits limits = limits_of(c);
    const struct guard_verdict push = judge(c, g, false), code = judge(c, g, true);
    bool user = g->org.n > 0;
    json_open(out, '{');
    call_member(out, "subject", g->subject);
    call_member(out, "type", user ? STR("user") : STR("entity"));
    call_member(out, "name", g->login);
    call_member(out, user ? "user_id" : "entity_id", g->user_id);
    if (user) call_member(out, "org", g->org);
    if (g->asked.n && !str_eq(g->asked, g->login)) call_member(out, "asked_as", g->asked);
    write_verdict(out, "push", &push);
    if (user) write_verdict(out, "code", &code);
    call_number(out, "pushes", (int64_t)guard_pushes(g, &limits, c->now_ms));
    call_number(out, "max_pushes", limits.max_pushes);
    call_number(out, "window", limits.window_ms / 1000);
    if (user) write_facts(out, g);
    if (user) write_refusals(out, c, g);
    call_time(out, "cleared", g->cleared_ms);
    call_time(out, "changed", g->touched_ms);
    json_close(out, '}');
}

// The asked-for name as logins are kept. Outcomes: 0; -ENOMEM.
static int asked_name(const struct call *c, struct buf *folded) {
    fold_text(folded, call_str(c, "user"));
    return folded->error;
}

static int read_user(struct call *c) {
    AUTO_FINI(buf) struct buf name = buf_make(SYS_TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf found = buf_make(SYS_LIST_MAX_BYTES);
    struct tree_walk walk = guard_walk(c->state);
    const struct guarded *g;
    int r = asked_name(c, &name);
    if (r) return r;
    while ((g = tree_next(&walk)))
        if (guard_is_called(g, buf_str(&name))) {
            json_comma(&found);
            write_subject(&found, c, g);
        }
    if (found.error) return found.error;
    if (!found.n) return call_not_found(c);
    struct buf *data = call_data(c);
    call_member(data, "name", call_str(c, "user"));
    json_key(data, STR("subjects"));
    json_open(data, '[');
    buf_add_str(data, buf_str(&found));
    json_close(data, ']');
    json_close(data, '}');
    return 0;
}

// What is cleared is found first: a tree that is walked through must not change.
static int clear_user(struct call *c) {
    AUTO_FINI(buf) struct buf name = buf_make(SYS_TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf found = buf_make(SYS_LIST_MAX_BYTES);
    struct tree_walk walk = guard_walk(c->state);
    const struct guarded *g;
    int r = asked_name(c, &name);
    while (r == 0 && (g = tree_next(&walk)))
        if (guard_is_called(g, buf_str(&name))) {
            list_add(&found, g->org);
            list_add(&found, g->user_id);
        }
    if (r == 0) r = found.error;
    if (r == 0 && !found.n) call_warn(c, "the guard knows nobody of that name");
    struct str rest = buf_str(&found), org, id;
    while (r == 0 && list_next(&rest, &org) && list_next(&rest, &id))
        r = guard_clear(c->draft, guard_get(c->draft->state, org, id), c->now_ms);
    return r ? r : call_no_content(c);
}

// ---- all

static struct str key_of(const struct guarded *g) { return g->login.n ? g->login : g->user_id; }

// Of those of one name, the first that something speaks against.
struct worst {
    const struct guarded *g;
    struct guard_verdict verdict;
};

static void look_at(const struct call *c, const struct guarded *g, struct worst *w) {
    if (w->g && w->verdict.rule != GUARD_CLEAR) return;
    *w = (struct worst){g, judge(c, g, false)};
}

static void write_key(struct buf *keys, struct buf *info, const struct worst *w, int64_t subjects) {
    const struct guard_row *row = &guard_rows[w->verdict.rule];
    json_comma(keys);
    json_add_text(keys, key_of(w->g));
    json_comma(info);
    json_key(info, key_of(w->g));
    json_open(info, '{');
    call_number(info, "subjects", subjects);
    call_member(info, "type", w->g->org.n ? STR("user") : STR("entity"));
    if (w->g->org.n) call_member(info, "org", w->g->org);
    call_flag(info, "allowed", w->verdict.rule == GUARD_CLEAR);
    call_member(info, "rule", str_from(row->name));
    call_member(info, "reason", str_from(row->reason));
    call_member(info, "detail", w->verdict.detail);
    call_time(info, "until", w->verdict.until_ms);
    json_close(info, '}');
}

static int list_all(struct call *c) {
    AUTO_FINI(buf) struct buf keys = buf_make(SYS_LIST_MAX_BYTES);
    AUTO_FINI(buf) struct buf info = buf_make(SYS_LIST_MAX_BYTES);
    struct tree_walk walk = guard_walk(c->state);
    const struct guarded *g = tree_next(&walk);
    while (g) {
        struct str key = key_of(g);
        struct worst worst = {NULL, {.rule = GUARD_CLEAR}};
        int64_t subjects = 0;
        for (; g && str_eq(key_of(g), key); g = tree_next(&walk), subjects++) look_at(c, g, &worst);
        write_key(&keys, &info, &worst, subjects);
    }
    if (keys.error || info.error) return keys.error ? keys.error : info.error;
    return call_keys(c, buf_str(&keys), buf_str(&info));
}

static const struct field user_fields[] = {
    {"user", FIELD_STRING, NULL, FIELD_REQUIRED,
     "Login or id of an Okta user, or name or id of an entity; any case."},
    {0},
};

static const struct field no_fields[] = {{0}};

const struct route sys_guard_routes[] = {
    {.pattern = "mfa/guard/?",
     .fields = no_fields,
     .list = list_all,
     .summary = "List whom the guard knows, and which rule speaks against a push to them now."},
    {.pattern = "mfa/guard/{user*}",
     .fields = user_fields,
     .read = read_user,
     .remove = clear_user,
     .summary = "What the guard knows of a user, and clearing it.",
     .description = "A read tells, for the Okta users of that login in each org and for the entity "
                    "of that name, whether a push may go out now, a code be tried, which rule "
                    "speaks against it and until when. A delete lifts pauses, locks, counts and "
                    "high risk; only a push that is still on a phone stays counted until it has "
                    "ended. It warns when the guard knows nobody of that name."},
    {0},
};
