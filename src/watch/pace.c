// SPDX-License-Identifier: Apache-2.0
// Against a server at hand one window spends any budget; against one that takes a second for a page
// it takes several. Which it is shows by trying: one more is kept only when pages then come faster.
#include "watch/pace.h"

#include "base/time.h"

enum {
    PAGES_TO_JUDGE = 4,     // per window in flight, before the next change
    PAGES_TO_FORGET = 400,  // then what brought nothing may be tried again
    SPLIT_PAGES_FREE = 6,   // a rest of fewer pages is not split: where the limit does not bind,
    SPLIT_PAGES_BOUND = 20, // and where it does
};

static const double worth_it = 0.3; // of what one more brings at best; else it was for nothing
static const double smoothing = 0.05;

struct pace pace_make(void) {
    return (struct pace){.want = 1};
}

// The mean at first, later one that follows what changes.
void pace_page(struct pace *p, int64_t cycle_ms) {
    double now = cycle_ms > 0 ? (double)cycle_ms : 1;
    if (p->settling > 0) {
        p->settling--;
        return;
    }
    p->pages++;
    double weight = 1 / (double)p->pages;
    if (weight < smoothing) weight = smoothing;
    if (p->pages == 1) p->cycle_ms = now;
    else p->cycle_ms += (now - p->cycle_ms) * weight;
}

static double speed(const struct pace *p) { return (double)p->want / p->cycle_ms; }

static int change(struct pace *p, int want, double before) {
    p->want = want;
    p->before = before;
    p->pages = 0;
    p->settling = want;
    return want;
}

static int most(const struct pace *p, const struct pace_view *v) {
    int n = PACE_MOST;
    if (v->concurrency > 0 && v->concurrency < n) n = (int)v->concurrency;
    if (p->ceiling && p->ceiling < n) n = p->ceiling;
    return n;
}

// Does what is left fit in what the limit allows, with what splitting it costs?
static bool is_free(const struct pace_view *v) {
    return v->pages_left * 1.25 + PACE_MOST <= (double)v->allowed;
}

double pace_split_min(const struct pace_view *v) {
    return is_free(v) ? SPLIT_PAGES_FREE : SPLIT_PAGES_BOUND;
}

// Is the budget spent in time as things are?
static bool is_fast_enough(const struct pace *p, const struct pace_view *v) {
    if (is_free(v)) return false;
    return v->left_ms > 0 && speed(p) * (double)v->left_ms >= (double)v->allowed;
}

int pace_want(struct pace *p, const struct pace_view *v) {
    if (p->pages >= PAGES_TO_FORGET) p->ceiling = 0;
    if (p->want > most(p, v)) return change(p, most(p, v), 0);
    if (p->pages < PAGES_TO_JUDGE * p->want) return p->want;
    if (p->before > 0 && speed(p) < p->before * (1 + worth_it / (p->want - 1))) {
        p->ceiling = p->want > 1 ? p->want - 1 : 1;
        return change(p, p->ceiling, 0);
    }
    p->before = 0;
    if (!v->known || p->want >= most(p, v) || is_fast_enough(p, v)) return p->want;
    return change(p, p->want + 1, speed(p));
}

static int64_t reached(const struct pace_rest *r) {
    return r->newest_held_ms > r->position_ms ? r->newest_held_ms : r->position_ms;
}

double pace_events_left(const struct pace_rest *r, double density) {
    int64_t passed = r->position_ms - r->since_ms;
    if (r->events > 0 && passed > 0) density = (double)r->events / (double)passed;
    int64_t left = r->until_ms - reached(r);
    return left > 0 ? (double)left * density : 0;
}

int64_t pace_split_at(const struct pace_rest *r, double density, double page, double min_pages) {
    int64_t from = reached(r);
    int64_t at = from + (r->until_ms - from) / 2;
    if (at <= from + 1 || at >= r->until_ms) return 0;
    return pace_events_left(r, density) >= page * min_pages ? at : 0;
}

int64_t pace_time_left_ms(const struct pace *p, const struct pace_view *v, int64_t per_window) {
    if (p->cycle_ms <= 0 || !v->known) return -1;
    double pages = v->pages_left;
    double waits = 0;
    if (pages > (double)v->allowed && per_window > 0) {
        double beyond = pages - (double)v->allowed;
        int64_t windows = (int64_t)(beyond / (double)per_window);
        waits = (double)v->left_ms + (double)windows * (double)TIME_MINUTE_MS;
        pages = beyond - (double)(windows * per_window);
    }
    return (int64_t)(waits + pages / speed(p));
}
