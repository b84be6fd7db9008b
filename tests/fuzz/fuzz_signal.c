// SPDX-License-Identifier: Apache-2.0
// Any bytes as an event of Okta's log. What is read lies inside what was sent, says something where
// it is said to, and the guard takes it whatever it is.
#include "mfa/guard.h"
#include "mfa/signal.h"
#include "mfa/trail.h"

#include "fuzz.h"

static const struct state_schema schema = {{
    [RECORD_GUARD] = &guarded_type,
    [RECORD_CHALLENGE] = &attempt_type,
}};

static void check(const struct signal *s) {
    static const struct str *const none = NULL;
    const struct str *const texts[] = {&s->uuid,      &s->event_type, &s->user_id,        &s->login,
                                       &s->factor_id, &s->requester,  &s->transaction_id, none};
    for (size_t i = 0; texts[i]; i++) MUST(!texts[i]->p || texts[i]->n > 0);
    MUST(s->kind >= SIGNAL_NONE && s->kind <= SIGNAL_RISK_LOW);
    MUST(s->kind == SIGNAL_NONE || signal_wants(s->event_type));
    MUST(signal_name(s->kind)[0]);
    if (s->kind == SIGNAL_DENIED || s->kind == SIGNAL_WRONG_NUMBER) MUST(s->push);
}

// Twice, as Okta may send it: the second time changes nothing of what is known.
static void tell(struct draft *d, const struct signal *s) {
    const struct guard_limits limits = guard_defaults();
    const struct guard_subject who = {.org = STR("acme"), .login = s->login, .user_id = s->user_id};
    struct guard_note note = {.event = s->uuid, .at_ms = s->published_ms};
    if (!trail_news(TRAIL_FOREIGN, s, &note.news)) return;
    MUST(guard_note(d, &limits, &who, &note, 1700000000000) == 0);
    const struct guarded *g = guard_user(d->state, &who);
    MUST(!g == !s->user_id.n);
    if (!g || !s->uuid.n) return;
    int64_t denials = g->denials, locked_ms = g->locked_ms, risk_ms = g->risk_ms;
    MUST(guard_note(d, &limits, &who, &note, 1700000000000) == 0);
    g = guard_user(d->state, &who);
    MUST(g->denials == denials && g->locked_ms == locked_ms && g->risk_ms == risk_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    AUTO(state) struct state *empty = NULL;
    AUTO_FINI(draft) struct draft d = {.state = NULL};
    struct signal s;
    const struct attempt *a = NULL;
    MUST(json_reader_new(&reader) == 0);
    int r = signal_read(reader, (struct str){(const char *)data, size}, &s);
    MUST(r == 0 || r == SIGNAL_E_BROKEN);
    if (r) return 0;
    check(&s);
    MUST(state_new(&empty, &schema) == 0 && draft_begin(&d, empty) == 0);
    MUST(trail_match(d.state, STR("acme"), &s, (struct list){STR_NONE}, &a) == TRAIL_FOREIGN);
    tell(&d, &s);
    return 0;
}
