// SPDX-License-Identifier: Apache-2.0
// After the decision. run_settle looks at what is left to be done, does the first of it, and is
// called again when that is through:
//
//   take the push back (at once, beside the others)  ->  tell the guard, put it on record, durably
//   -> audit, answer  ->  tell the guard that the push is off the phone  ->  free
//
// Whoever has waited in vain for the person is answered when the push is off the phone, if that
// does not take long, so that he can ask again at once.
#include "mfa/document.h"
#include "mfa/stepup-internal.h"

enum challenge_reason run_reason(const struct run *r) {
    if (run_is_allowed(r)) return REASON_NONE;
    return r->overruled ? r->overruled : r->machine.reason;
}

bool run_is_uncollected(const struct run *r) {
    return r->kept && run_is_allowed(r) && !r->final && !r->first_waiter;
}

static bool is_past_end(const struct run *r) {
    return r->stepup->stopping || time_mono_ms() >= r->end_mono_ms;
}

// ---- taking back

// A push is out, and Okta has been told, or is being told, or will tell its name.
static bool is_withdrawing(const struct run *r) { return r->out && !r->cancel_over; }

static void start_cancel(struct run *r) {
    bool waits = r->ask || (r->due_mono_ms && time_mono_ms() < r->due_mono_ms);
    if (!is_withdrawing(r) || waits) return;
    r->due_mono_ms = 0;
    int e = -1;
    struct str url = r->cancel_url.p ? r->cancel_url : r->poll_url;
    if (r->has_cancel && r->org->okta)
        e = okta_cancel_push(r->org->okta, url, run_on_cancel, r, &r->ask);
    r->asking = e ? ASKING_NOTHING : ASKING_CANCEL;
    if (e) r->cancel_over = true;
}

// ---- telling

// Seen by the guard as busy a moment longer, he would have come back for nothing.
static bool is_patient(const struct run *r) {
    bool timed_out = run_reason(r) == REASON_TIMED_OUT && r->first_waiter;
    bool unsettled = is_withdrawing(r) || (r->left_out && !r->out);
    bool soon = time_mono_ms() < r->decided_mono_ms + PATIENCE_MS;
    return timed_out && unsettled && soon && !r->stepup->stopping;
}

// An approval that is not written down does not count.
static void write_document(struct run *r) {
    struct stepup *s = r->stepup;
    const struct attempt a = run_attempt(r);
    AUTO_FINI(buf) struct buf document = buf_make(DOCUMENT_MAX_BYTES);
    int e = document_challenge(&document, &a, &r->verdict, time_now_ms());
    if (e == 0 && stepup_audit(s, &document)) return;
    if (run_is_allowed(r)) r->overruled = REASON_STATE;
    log_error(s->log, "mfa.not_audited", KV_STR("challenge", r->id));
}

static void count(const struct run *r) {
    const struct stepup_end e = {.reason = run_reason(r),
                                 .rule = r->verdict.rule,
                                 .org = str_from(r->org->host),
                                 .login = r->login,
                                 .now_ms = r->decided_ms};
    stepup_count(r->stepup, &e);
}

static void say_decided(const struct run *r) {
    enum challenge_reason reason = run_reason(r);
    const char *rule = reason == REASON_GUARD ? guard_rows[r->verdict.rule].name : "";
    log_info(r->stepup->log, "mfa.decided", KV_STR("challenge", r->id),
             KV_SLICE("method", r->method->name), KV_SLICE("login", r->login),
             KV_STR("outcome", reason ? "denied" : "allowed"),
             KV_STR("reason", challenge_reason_name(reason)), KV_STR("rule", rule),
             KV_INT("took_ms", r->decided_ms - r->began_ms));
}

static void tell(struct run *r) {
    r->told = true;
    run_release_way(r);
    write_document(r);
    count(r);
    say_decided(r);
    const struct ending e = {
        .allowed = run_is_allowed(r), .reason = run_reason(r), .rule = r->verdict.rule};
    for (struct demand *d; (d = r->first_waiter);) {
        run_remove_waiter(r, d);
        demand_go_on(d, r, &e);
    }
}

// ---- one after the other

// The record says how it ended: as approved and collected, or as lapsed.
static void look_lapsed(struct run *r) {
    if (!run_is_uncollected(r) || !is_past_end(r)) return;
    r->overruled = REASON_TIMED_OUT;
}

static bool is_to_be_noted(const struct run *r) {
    if (!r->admitted) return false;
    return !r->noted || (!r->final && !run_is_uncollected(r));
}

// That could not even be begun.
static void pass_over_note(struct run *r, int error) {
    r->noted = r->final = true;
    if (run_is_allowed(r)) r->overruled = REASON_STATE;
    log_error(r->stepup->log, "mfa.not_noted", KV_STR("challenge", r->id),
              KV_STR("reason", error_text(error)));
}

static bool has_to_wait(const struct run *r) {
    if (run_is_uncollected(r)) return true;
    return r->told && (is_withdrawing(r) || (r->kept && !run_is_allowed(r) && !is_past_end(r)));
}

static void sleep_until_next(struct run *r) {
    int64_t now = time_mono_ms(), at = INT64_MAX;
    if (!r->told && !run_is_uncollected(r)) at = r->decided_mono_ms + PATIENCE_MS;
    else if (r->kept && r->end_mono_ms > now) at = r->end_mono_ms;
    if (r->due_mono_ms > now && r->due_mono_ms < at) at = r->due_mono_ms;
    if (at < INT64_MAX) loop_timer_set(r->timer, at - now);
    else loop_timer_cancel(r->timer);
}

// True: a change is on its way.
static bool note(struct run *r) {
    bool returns = r->left_out && !r->out;
    if (!is_to_be_noted(r) && !returns) return false;
    int e = run_start_note(r);
    if (e == 0) return true;
    pass_over_note(r, e);
    r->left_out = false;
    return false;
}

void run_settle(struct run *r) {
    start_cancel(r);
    if (r->changing) return;
    look_lapsed(r);
    if (note(r)) return;
    if (run_is_uncollected(r)) run_release_way(r);
    else if (!r->told && !is_patient(r)) tell(r);
    if (!r->told || has_to_wait(r)) sleep_until_next(r);
    else run_free(r);
}

static void take_back_request(struct run *r) {
    bool late = r->asking == ASKING_VERIFY && r->out; // its answer names what is to be cancelled
    if (late) return;
    r->ask = okta_ask_cancel(r->ask);
    r->asking = ASKING_NOTHING;
}

void run_decided(struct run *r) {
    r->stepup->waiting--;
    r->decided_ms = time_now_ms();
    r->decided_mono_ms = time_mono_ms();
    r->out = r->out && r->machine.pushed;
    r->due_mono_ms = 0;
    r->tries = 0;
    buf_wipe(&r->secret);
    loop_timer_cancel(r->timer);
    take_back_request(r);
    run_settle(r);
}

void run_give_up(struct run *r) {
    const struct challenge_event end = {.kind = EVENT_END, .reason = REASON_STOPPED};
    if (!run_is_over(r)) r->stepup->waiting--;
    (void)challenge_step(&r->machine, &end);
    if (run_is_allowed(r)) r->overruled = REASON_STOPPED;
    r->ask = okta_ask_cancel(r->ask);
    r->asking = ASKING_NOTHING;
    r->noted = r->final = r->cancel_over = true;
    r->left_out = r->kept = false;
    loop_timer_cancel(r->timer);
    if (!r->told) tell(r);
    if (!r->changing) run_free(r);
}
