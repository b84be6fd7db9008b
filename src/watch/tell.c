// SPDX-License-Identifier: Apache-2.0
// A page is read again when an output has fallen behind, when another output is new, when Okta
// repeats itself. What has been told before is recognised by what this process has told, and by
// what the outputs have, which outlives it.
#include "watch/watch-internal.h"

static bool has_told(const struct source *s, struct hash128 id) {
    if (recent_has(&s->told, id)) return true;
    for (size_t i = 0; i < s->poll.pair_count; i++) {
        const struct pair *p = &s->poll.pairs[i];
        // Of one that is being delivered, the job is at its memory.
        if (p->state != PAIR_DELIVERING && recent_has(&p->recent, id)) return true;
    }
    return false;
}

// Without memory for it, it may be told twice, which is better than not at all.
static void remember(struct source *s, struct hash128 id) {
    if (recent_reserve(&s->told, 1, 0) == 0) recent_add(&s->told, id);
}

static void tell(struct source *s, const struct page_wanted *w) {
    const struct watch_opts *opts = &s->watch->opts;
    if (w->has_id && has_told(s, w->id)) return;
    if (w->has_id) remember(s, w->id);
    opts->seen(opts->seen_ctx, s->opts->name, w->text);
}

void source_tell(struct source *s, const struct page *page) {
    if (!s->watch->opts.seen) return;
    for (size_t i = 0; i < page->wanted_count; i++) tell(s, &page->wanted[i]);
}
