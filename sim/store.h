// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_STORE_H
#define SIM_STORE_H
// All events in memory: their own bytes, one order by persistence (for polling) and one by
// published and uuid (for bounded queries).
//
// An event is named by its id, a number that counts up from 0 in the order of adding and never
// changes. A place is a position in one of the orders; places move when events are added.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

struct store;

struct store_event {
    int64_t persisted_ms; // when the log took it in: not shown to clients
    int64_t published_ms;
    struct str json; // the bytes as given
    struct str uuid; // from the event, or one made up for cursors when it has none
};

enum store_order { STORE_BY_PERSISTED, STORE_BY_PUBLISHED };

// Outcomes: 0; -ENOMEM.
int store_new(struct store **ret) MUST_USE;
struct store *store_free(struct store *s);
DEFINE_AUTO_FREE(store)

// Copies an event in. Its persistence is moved forward where it would lie before something that
// was already served (store_served). It is found by queries after the next store_settle. Outcomes:
// 0; -ENOMEM; -EFBIG when there are more than 2^32 - 2 events.
int store_add(struct store *s, const struct store_event *event) MUST_USE;

// Sorts in what was added. Events of one persistence time keep the order in which they were added.
// Outcomes: 0; -ENOMEM.
int store_settle(struct store *s) MUST_USE;

// How many events are settled.
size_t store_count(const struct store *s);

// The event with that id, borrowed from the store until it is freed.
const struct store_event *store_get(const struct store *s, uint32_t id);

// The id at a place (< store_count) of an order.
uint32_t store_at(const struct store *s, enum store_order order, size_t place);

// The first place whose time is not before `ms`; store_count when there is none.
size_t store_first(const struct store *s, enum store_order order, int64_t ms);

// The place of an event in the order by published.
size_t store_place_published(const struct store *s, uint32_t id);

// The event of that uuid that was added last. False when there is none.
bool store_find(const struct store *s, struct str uuid, uint32_t *ret_id);

// Says that a client has seen everything persisted before or at `ms`: what is added from now on is
// persisted no earlier.
void store_served(struct store *s, int64_t ms);

#endif
