// SPDX-License-Identifier: Apache-2.0
// Now and then: what was under way when the gate ended last time, once; what is old enough to be
// forgotten; what Okta has logged nothing of; orgs that nobody needs.
#include <errno.h>

#include "mfa/document.h"
#include "mfa/stepup-internal.h"

enum { TICK_MS = 2 * TIME_MINUTE_MS, AT_ONCE = 1000, IDS_MAX_BYTES = 1 << 24 };

struct sweep {
    struct change base; // first
    struct guard_limits limits;
    struct buf ids; // of challenges, packed list
};

static void sweep_fini(struct change *base) { buf_fini(&((struct sweep *)base)->ids); }

static int sweep_start(struct stepup *s, int (*make)(struct change *c, struct draft *d),
                       void (*done)(struct change *c)) {
    struct sweep *w = mem_new(sizeof *w);
    if (!w) return -ENOMEM;
    w->base.stepup = s;
    w->base.make = make;
    w->base.done = done;
    w->base.fini = sweep_fini;
    w->limits = s->settings.guard;
    w->ids = buf_make(IDS_MAX_BYTES);
    return change_start(&w->base);
}

// Writes a document of each challenge.
static void write_documents(const struct sweep *w,
                            int (*write)(const struct sweep *w, struct buf *out,
                                         const struct attempt *a)) {
    struct stepup *s = w->base.stepup;
    AUTO(state) struct state *state = stepup_state(s);
    AUTO_FINI(buf) struct buf document = buf_make(DOCUMENT_MAX_BYTES);
    struct str rest = list_of(&w->ids).packed, id;
    while (state && list_next(&rest, &id)) {
        const struct attempt *a = attempt_by_id(state, id);
        buf_reset(&document);
        int r = a ? write(w, &document, a) : 0;
        if (r < 0 || (document.n && !stepup_audit(s, &document)))
            log_error(s->log, "mfa.not_audited", KV_SLICE("challenge", id));
    }
}

// ---- the past

static int make_interruption(struct change *base, struct draft *d) {
    struct sweep *w = (struct sweep *)base;
    return trail_interrupt(d, time_now_ms(), &w->ids);
}

static int write_interrupted(const struct sweep *w, struct buf *out, const struct attempt *a) {
    (void)w;
    const struct guard_verdict clear = {.rule = GUARD_CLEAR};
    return document_challenge(out, a, &clear, time_now_ms());
}

static void on_interruption(struct change *base) {
    struct stepup *s = base->stepup;
    s->past = base->r ? PAST_UNKNOWN : PAST_SETTLED;
    if (base->r == 0) write_documents((struct sweep *)base, write_interrupted);
    else log_warn(s->log, "mfa.past_not_settled", KV_STR("reason", error_text(base->r)));
    if (base->r == 0) demand_release_held(s, REASON_NONE);
    else demand_release_held(s, base->r == -EPERM ? REASON_STOPPED : REASON_STATE);
}

void sweep_look(struct stepup *s) {
    if (s->past != PAST_UNKNOWN) return;
    AUTO(state) struct state *state = stepup_state(s);
    if (state && sweep_start(s, make_interruption, on_interruption) == 0) s->past = PAST_ASKED;
}

void sweep_forget_past(struct stepup *s) {
    if (s->past == PAST_SETTLED) s->past = PAST_UNKNOWN;
}

// ---- the old

static int make_sweep(struct change *base, struct draft *d) {
    struct sweep *w = (struct sweep *)base;
    int64_t now_ms = time_now_ms();
    int r = trail_sweep(d, now_ms, AT_ONCE, &w->ids);
    return r ? r : guard_sweep(d, &w->limits, now_ms, AT_ONCE);
}

// Where nobody reads Okta's log, nothing is missed there.
static int write_unlogged(const struct sweep *w, struct buf *out, const struct attempt *a) {
    if (!orgs_is_watched(w->base.stepup->orgs, a->org)) return 0;
    w->base.stepup->unlogged++;
    return document_unlogged(out, a, time_now_ms());
}

static void on_sweep(struct change *base) {
    if (base->r == 0) write_documents((struct sweep *)base, write_unlogged);
    else log_warn(base->stepup->log, "mfa.not_swept", KV_STR("reason", error_text(base->r)));
}

static void end_sealed(struct stepup *s) {
    for (struct run *r = s->first_run, *next; r; r = next) {
        next = r->next;
        if (!run_is_over(r)) run_end(r, REASON_STOPPED);
    }
    sweep_forget_past(s);
}

void sweep_tick(void *stepup) {
    struct stepup *s = stepup;
    AUTO(state) struct state *state = stepup_state(s);
    loop_timer_set(s->tick, TICK_MS);
    orgs_tidy(s->orgs, time_mono_ms());
    sweep_look(s);
    if (!state) end_sealed(s);
    else if (sweep_start(s, make_sweep, on_sweep))
        log_warn(s->log, "mfa.not_swept", KV_STR("reason", "no memory"));
}
