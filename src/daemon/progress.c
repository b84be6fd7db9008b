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

void progress_show(struct progress *p, const struct watch *w) {
    if (p->fd < 0) return;
    int64_t events = 0;
    int64_t lag_ms = 0;
    bool caught_up = true;
    for (size_t i = 0; i < watch_source_count(w); i++) {
        struct watch_stats stats;
        watch_source_stats(w, i, &stats);
        events += stats.events;
        if (stats.lag_ms > lag_ms) lag_ms = stats.lag_ms;
        caught_up = caught_up && stats.caught_up;
    }
    update_rate(p, events);
    progress_clear(p);
    if (caught_up) return;
    char lag[32];
    char line[128];
    format_lag(lag_ms, lag, sizeof lag);
    int n = snprintf(line, sizeof line, "\r\033[K%" PRId64 " events, %.0f events/s, %s behind now",
                     events, p->rate, lag);
    if (n > 0 && write(p->fd, line, (size_t)n) > 0) p->shown = true;
}
