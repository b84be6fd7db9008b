// SPDX-License-Identifier: Apache-2.0
#ifndef WATCH_FILTER_H
#define WATCH_FILTER_H
// Which events an output wants (watch.h). Pure; any thread.

#include "watch/watch.h"

// Whether `text` is what the pattern says: * stands for anything, nothing included. Time grows with
// the sum of the lengths, not with their product, but for patterns without regard to case.
bool filter_matches(struct str pattern, struct str text, bool nocase);

// Whether anything at all passes the output by.
bool filter_is_any(const struct watch_filter *f);

// Absent strings: the event has none.
bool filter_wants(const struct watch_filter *f, struct str event_type, struct str outcome);

#endif
