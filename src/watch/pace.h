// SPDX-License-Identifier: Apache-2.0
#ifndef WATCH_PACE_H
#define WATCH_PACE_H
// How many windows of the history are worth having in flight, and which is worth splitting. Pure:
// what it goes by comes in as numbers.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACE_MOST = 8 };

struct pace {
    int want;        // windows in flight, 1..PACE_MOST
    int ceiling;     // more than that brought nothing; 0: not known
    int settling;    // pages to come that were asked before `want` was changed
    int64_t pages;   // since then
    double cycle_ms; // of a page in one window: asked, mapped, delivered; smoothed
    double before;   // pages a millisecond with one window less
};

struct pace pace_make(void);

// A page of a window was delivered; it took so long from being sent to being committed.
void pace_page(struct pace *p, int64_t cycle_ms);

struct pace_view {
    bool known;          // the budget's numbers are
    int64_t allowed;     // requests that may still go in this window of the rate limit
    int64_t left_ms;     // until it ends
    double pages_left;   // of the history, estimated
    int64_t concurrency; // requests at once that the history may have, as learned; 0: not known
};

// How many windows to have in flight now: one more when what the rate limit allows would otherwise
// not be spent in time (or does not bind any more, because the end is near), as long as that speeds
// things up. Not before a few pages have shown what the last change brought.
int pace_want(struct pace *p, const struct pace_view *v);

// What is left of a window, for estimates.
struct pace_rest {
    int64_t since_ms, position_ms, until_ms;
    int64_t events;         // so far
    int64_t newest_held_ms; // of a page that is on its way; 0: none
};

// Events to come by the window's own density, or by `density` (events a millisecond) where it has
// none yet.
double pace_events_left(const struct pace_rest *r, double density);

// How many pages the rest of a window must be worth to be split: a split costs up to one page, and
// where the rate limit binds that is time.
double pace_split_min(const struct pace_view *v);

// Where to split a window whose rest is worth that many pages, half of it by time; 0: not worth it.
// `page` is events per page.
int64_t pace_split_at(const struct pace_rest *r, double density, double page, double min_pages);

// How long pages_left pages take: at the pace of now as far as the rate limit allows, `per_window`
// requests in each minute beyond. Milliseconds; -1 when nothing is known.
int64_t pace_time_left_ms(const struct pace *p, const struct pace_view *v, int64_t per_window);

#endif
