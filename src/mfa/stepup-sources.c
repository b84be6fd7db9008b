// SPDX-License-Identifier: Apache-2.0
// A reload gives the sources other orgs, while challenges are under way.
#include "mfa/stepup-internal.h"

// What a run had asked an org that goes: it is asked again at the one in its place, but for a push
// or a code of which nobody knows whether it was taken.
static void move_run(struct run *r, enum run_asking asked) {
    if (run_is_over(r)) {
        if (asked == ASKING_VERIFY) r->cancel_over = true;
        run_settle(r);
    } else if (!r->org->okta || asked == ASKING_VERIFY) {
        run_fails(r, REASON_OKTA);
    } else if (asked != ASKING_NOTHING) {
        run_ask_again(r);
    }
}

static void stop_asking(struct run *r) {
    r->ask = okta_ask_cancel(r->ask);
    r->moving = true;
}

int stepup_use_sources(struct stepup *s, const struct stepup_source *sources, size_t n) {
    for (struct run *r = s->first_run; r; r = r->next)
        if (r->org->source) stop_asking(r);
    int e = orgs_use_sources(s->orgs, sources, n);
    for (struct run *r = s->first_run, *next; r; r = next) {
        next = r->next;
        enum run_asking asked = r->asking;
        if (!r->moving) continue;
        r->moving = false;
        r->asking = ASKING_NOTHING;
        move_run(r, asked);
    }
    return e;
}
