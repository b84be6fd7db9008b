// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_STORIES_H
#define SIM_STORIES_H
// What happens in the company, told as short sequences of events.

#include "sim/event-write.h"
#include "sim/store.h"

struct teller {
    const struct company *company;
    struct rand rand;
    struct store *store;
    struct buf buf; // for one event at a time
    uint64_t node, number;
    int64_t until_ms; // nothing is published or persisted later
    size_t left;      // events still to be told
    int error;        // the first failure; nothing more is told after it
};

// Tells one story that begins at `at_ms`: which one is drawn, in the proportions of a real org.
void story_tell(struct teller *t, int64_t at_ms);

#endif
