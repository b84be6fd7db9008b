// SPDX-License-Identifier: Apache-2.0
#ifndef WATCH_HAD_H
#define WATCH_HAD_H
// What of a page is the pair's affair, and what of that it has had already by the other way:
// polling brings what a window has brought when it was logged late, and the other way round. In a
// job; touches what the job was handed.

#include "watch/watch-internal.h"

// The part of a page that a pair is to have.
struct had {
    const struct pair *pair;
    const struct page *page;
    size_t events;             // events of the page that come before the window's end
    size_t dead;               // dead letters, likewise
    bool reached_end;          // the page holds events from the window's end on
    bool *outside;             // per event: another window's affair
    bool *known;               // per event: delivered before, by the store's record
    int64_t first_ms, last_ms; // published of those that are to be kept on record
    bool any;                  // there are such
};

void had_fini(struct had *h);
DEFINE_AUTO_FINI(had)

// Finds all that out. Outcomes: 0; -errno with fault.
int had_look(struct had *ret, const struct pair *p, struct fault *fault) MUST_USE;

// Whether the event may come a second time by the other way, so that it is to be kept on record.
bool had_is_to_be_kept(const struct had *h, size_t event);

// Nothing that a window brought before this instant of Okta's clock can be met by polling any more
// once the polled page, which is the end of the log, is committed.
int64_t had_settled_ms(const struct page *page);

// Forgets, in slices, what nothing can meet any more once this polled page is committed. `ret_left`
// is whether anything remains. Outcomes: 0; -errno with fault.
int had_forget(const struct pair *p, bool *ret_left, struct fault *fault) MUST_USE;

#endif
