// SPDX-License-Identifier: Apache-2.0
// Okta counts a request when it handles it; we learn of the count when the answer is here. What is
// safe to send therefore follows from two numbers: the lowest Remaining told in this window (m),
// and our requests in flight (k). Every request of ours that Okta has handled is either in m or
// still among the k, so m - k is never more than there is, in whatever order answers arrive; and
// once nothing is in flight it is exact, so nothing of the share is lost either. A request that
// gets no answer is taken off for the rest of the window: no later count shows whether it is in it.
//
// Windows are recognised by their Reset. The end of one is Reset - Date after the answer was
// received, plus a second: Date is cut to whole seconds and the answer was under way for a while,
// both of which make the estimate late, never early. The earliest estimate of a window counts.
#include "http/budget.h"

#include <string.h>

#include "base/time.h"

enum {
    WINDOW_MS = 60 * TIME_SECOND_MS,      // Okta's window
    MARGIN_MS = TIME_SECOND_MS,           // Reset and Date are whole seconds
    ABSURD_PAST_MS = 2 * TIME_SECOND_MS,  // a window cannot have ended so long before its answer
    ABSURD_AHEAD_MS = 5 * TIME_SECOND_MS, // nor can more than a window and this be left of it
    SAME_WINDOW_S = 1,                    // servers of one org may round Reset differently
    IN_FLIGHT_POLL_MS = TIME_SECOND_MS,
    BACKOFF_MAX_MS = 60 * TIME_SECOND_MS,
    CONCURRENCY_MIN_MS = TIME_SECOND_MS,
    CONCURRENCY_SPREAD_MS = 4 * TIME_SECOND_MS,
    BLIND_FIRST_MS = 2 * TIME_SECOND_MS,
    DOUBLINGS_MAX = 6,
    LIMIT_MAX = 1000000000,
    EARMARK_SHARE = 4, // at most one request of so many is kept for earlier classes
};

static const int64_t reset_max_s = INT64_MAX / 1000;
static const double default_early_limit = 0.9;

struct budget budget_make(double early_limit, uint64_t seed) {
    bool usable = early_limit > 0 && early_limit < 1e15; // also false for NaN
    return (struct budget){
        .early_limit = usable ? early_limit : default_early_limit,
        .rand = rand_make(seed),
    };
}

static int64_t max_i64(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t min_i64(int64_t a, int64_t b) { return a < b ? a : b; }

// As many requests of a window are left alone.
static int64_t reserve(const struct budget *b) {
    double early = b->early_limit;
    int64_t keep = early < 1 ? b->limit - (int64_t)(early * (double)b->limit) : (int64_t)early;
    return min_i64(keep, b->limit - 1);
}

static bool in_window(const struct budget *b, int64_t mono_ms) {
    return b->known && mono_ms < b->reset_mono_ms;
}

// What the earlier classes used in the window before and have not used in this one is theirs.
static int64_t earmarked(const struct budget *b, enum budget_class class) {
    int64_t theirs = 0;
    for (int c = 0; c < (int)class; c++) theirs += max_i64(b->spent_before[c] - b->spent[c], 0);
    int64_t most = (b->limit - reserve(b)) / EARMARK_SHARE;
    return min_i64(theirs, most);
}

int64_t budget_wait_ms(const struct budget *b, enum budget_class class, int64_t mono_ms) {
    if (mono_ms < b->not_before_mono_ms) return b->not_before_mono_ms - mono_ms;
    if (!in_window(b, mono_ms)) return b->in_flight == 0 ? 0 : IN_FLIGHT_POLL_MS;
    int64_t left = b->remaining - b->in_flight - b->lost;
    if (left > reserve(b) + earmarked(b, class)) return 0;
    return b->reset_mono_ms - mono_ms;
}

void budget_sent(struct budget *b, enum budget_class class) {
    b->in_flight++;
    b->spent[class]++;
}

bool budget_is_concurrency(int status, const struct rate_headers *h) {
    return status == 429 && h->present && h->limit == 0 && h->remaining == 0;
}

// Milliseconds until the window has ended for certain; -1 when Date and Reset do not fit.
static int64_t until_reset_ms(const struct rate_headers *h) {
    if (h->date_ms <= 0 || h->reset_s <= 0 || h->reset_s > reset_max_s) return -1;
    int64_t left = h->reset_s * 1000 - h->date_ms;
    if (left < -ABSURD_PAST_MS || left > WINDOW_MS + ABSURD_AHEAD_MS) return -1;
    return min_i64(max_i64(left, 0), WINDOW_MS) + MARGIN_MS;
}

// The probe that found the new window belongs to it, but was counted before that was known.
static void begin_counting(struct budget *b) {
    memcpy(b->spent_before, b->spent, sizeof b->spent_before);
    memset(b->spent, 0, sizeof b->spent);
}

static void enter_window(struct budget *b, const struct rate_headers *h, int64_t mono_ms) {
    int64_t left = until_reset_ms(h);
    begin_counting(b);
    b->known = true;
    b->limit = min_i64(max_i64(h->limit, 1), LIMIT_MAX);
    b->remaining = h->remaining;
    b->lost = 0;
    b->reset_s = min_i64(h->reset_s, reset_max_s);
    // Without a usable Date: whatever window this is, it has ended a whole window from now.
    b->reset_mono_ms = mono_ms + (left < 0 ? WINDOW_MS + MARGIN_MS : left);
}

static void learn(struct budget *b, const struct rate_headers *h, int64_t mono_ms) {
    if (!in_window(b, mono_ms) || h->reset_s > b->reset_s + SAME_WINDOW_S) {
        enter_window(b, h, mono_ms);
        return;
    }
    if (h->reset_s < b->reset_s - SAME_WINDOW_S) return; // a straggler of the window before
    b->remaining = min_i64(b->remaining, h->remaining);
    int64_t left = until_reset_ms(h);
    if (left >= 0) b->reset_mono_ms = min_i64(b->reset_mono_ms, mono_ms + left);
}

static void hold_until(struct budget *b, int64_t mono_ms) {
    b->not_before_mono_ms = max_i64(b->not_before_mono_ms, mono_ms);
}

static int64_t doubled(int64_t ms, int times) {
    return min_i64(ms << min_i64(times, DOUBLINGS_MAX), BACKOFF_MAX_MS);
}

// What was sent together is refused together: only the first one's refusal says something new.
static bool is_held(const struct budget *b, int64_t mono_ms) {
    return mono_ms < b->not_before_mono_ms;
}

// A random wait of at least half of what has grown with the refusals in a row.
static void back_off(struct budget *b, int64_t first_ms, int64_t mono_ms) {
    int64_t whole = doubled(first_ms, b->refusals++);
    int64_t half = whole / 2;
    hold_until(b, mono_ms + half + (int64_t)rand_below(&b->rand, (uint64_t)(whole - half) + 1));
}

static void concurrency_refused(struct budget *b, int64_t mono_ms) {
    int64_t wait =
        CONCURRENCY_MIN_MS + (int64_t)rand_below(&b->rand, (uint64_t)CONCURRENCY_SPREAD_MS + 1);
    hold_until(b, mono_ms + doubled(wait, b->refusals++));
}

static void refused(struct budget *b, const struct rate_headers *h, int64_t mono_ms) {
    if (budget_is_concurrency(429, h)) {
        if (!is_held(b, mono_ms)) concurrency_refused(b, mono_ms);
    } else if (h->present && until_reset_ms(h) >= 0) {
        learn(b, h, mono_ms);
        hold_until(b, mono_ms + until_reset_ms(h));
    } else if (!is_held(b, mono_ms)) {
        back_off(b, BLIND_FIRST_MS, mono_ms);
    }
}

// Nothing was told, but Okta may have counted the request; when it was the probe of a new window,
// that window's limit is taken to be the old one.
static void count_blindly(struct budget *b, int64_t mono_ms) {
    if (b->known && !in_window(b, mono_ms)) {
        b->remaining = b->limit;
        b->lost = 0;
        b->reset_mono_ms = mono_ms + WINDOW_MS + MARGIN_MS;
    }
    b->lost++;
}

void budget_answered(struct budget *b, int status, const struct rate_headers *h, int64_t mono_ms) {
    if (b->in_flight > 0) b->in_flight--;
    if (status == 429) {
        b->refused++;
        refused(b, h, mono_ms);
        return;
    }
    if (status != 0) b->refusals = 0;
    if (status != 0 && h->present && h->limit > 0) learn(b, h, mono_ms);
    else count_blindly(b, mono_ms);
}

bool budget_used(const struct budget *b, int64_t mono_ms, int64_t *ret_used, int64_t *ret_limit) {
    if (!in_window(b, mono_ms)) return false;
    *ret_used = min_i64(max_i64(b->limit - b->remaining + b->in_flight + b->lost, 0), b->limit);
    *ret_limit = b->limit;
    return true;
}
