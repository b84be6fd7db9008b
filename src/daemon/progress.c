// SPDX-License-Identifier: Apache-2.0
#include "daemon/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/time.h"
#include "watch/watch.h"

struct progress progress_make(int fd) {
    int64_t now = time_mono_ms();
    return (struct progress){
        .fd = isatty(fd) ? fd : -1, .started_mono_ms = now, .last_mono_ms = now};
}

void progress_clear(void *ctx) {
    struct progress *p = ctx;
    if (p->fd < 0 || !p->shown) return;
    p->shown = false;
    (void)!write(p->fd, "\r\033[K", 4);
}

static void update_rate(struct progress *p, int64_t events) {
    int64_t now = time_mono_ms();
    int64_t passed = now - p->last_mono_ms;
    if (passed < 200) return;
    double current = (double)(events - p->last_events) * 1000.0 / (double)passed;
    p->rate = p->last_events == 0 ? current : p->rate * 0.7 + current * 0.3;
    p->last_events = events;
    p->last_mono_ms = now;
}

static void format_lag(int64_t lag_ms, char *ret, size_t bytes) {
    if (lag_ms < TIME_MINUTE_MS) snprintf(ret, bytes, "%" PRId64 " s", lag_ms / 1000);
    else if (lag_ms < TIME_HOUR_MS)
        snprintf(ret, bytes, "%" PRId64 " min", lag_ms / TIME_MINUTE_MS);
    else if (lag_ms < 2 * TIME_DAY_MS) snprintf(ret, bytes, "%" PRId64 " h", lag_ms / TIME_HOUR_MS);
    else snprintf(ret, bytes, "%" PRId64 " days", lag_ms / TIME_DAY_MS);
}

// What the sources that are catching up have done, and wait for, together.
struct overview {
    int64_t events, lag_ms, wait_ms;
    bool caught_up;
};

static struct overview look_at(const struct watch *w) {
    struct overview all = {.caught_up = true};
    for (size_t i = 0; i < watch_source_count(w); i++) {
        struct watch_stats stats;
        watch_source_stats(w, i, &stats);
        all.events += stats.events;
        if (stats.caught_up || stats.stopped) continue;
        all.caught_up = false;
        if (stats.lag_ms > all.lag_ms) all.lag_ms = stats.lag_ms;
        int64_t wait_ms = budget_wait_ms(watch_source_budget(w, i), time_mono_ms());
        if (wait_ms > all.wait_ms) all.wait_ms = wait_ms;
    }
    return all;
}

void progress_show(struct progress *p, const struct watch *w) {
    if (p->fd < 0) return;
    struct overview all = look_at(w);
    update_rate(p, all.events);
    progress_clear(p);
    if (all.caught_up) return;
    char lag[32];
    char pace[64];
    char line[160];
    format_lag(all.lag_ms, lag, sizeof lag);
    // Up to a second is what the budget says while an answer is under way.
    if (all.wait_ms <= TIME_SECOND_MS) snprintf(pace, sizeof pace, "%.0f events/s", p->rate);
    else
        snprintf(pace, sizeof pace, "%" PRId64 " s until Okta's rate limit lets us go on",
                 all.wait_ms / 1000);
    int n = snprintf(line, sizeof line, "\r\033[K%" PRId64 " events, %s behind now, %s", all.events,
                     lag, pace);
    if (n > 0 && write(p->fd, line, (size_t)n) > 0) p->shown = true;
}
