// SPDX-License-Identifier: Apache-2.0
#include "daemon/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "watch/watch.h"

enum { BAR_CELLS = 24, LINE_MAX_BYTES = 256, LOG_EVERY_MS = 10 * TIME_SECOND_MS };

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
        const struct budget *budget = watch_source_budget(w, i);
        int64_t wait_ms = budget ? budget_wait_ms(budget, BUDGET_COLLECTION, time_mono_ms()) : 0;
        if (wait_ms > all.wait_ms) all.wait_ms = wait_ms;
    }
    return all;
}

// ---- history ----

// Of all sources that have history to fetch.
struct past {
    bool any;
    double share;
    int64_t events, left_ms, used, limit;
    int in_flight, left;
};

static bool is_fetching(const struct watch *w, size_t i) {
    struct watch_history h;
    watch_source_history(w, i, &h);
    return h.any && !h.over;
}

// Sources of one org share its budget: the first of them counts it.
static bool is_counted(const struct watch *w, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (watch_source_budget(w, k) == watch_source_budget(w, i) && is_fetching(w, k))
            return true;
    return false;
}

static struct past look_back(const struct watch *w) {
    struct past all = {.share = 1};
    for (size_t i = 0; i < watch_source_count(w); i++) {
        struct watch_history h;
        int64_t used = 0;
        int64_t limit = 0;
        watch_source_history(w, i, &h);
        if (!h.any) continue;
        all.events += h.events;
        if (h.over) continue;
        all.any = true;
        all.in_flight += h.in_flight;
        all.left += h.left;
        if (h.share < all.share) all.share = h.share;
        if (h.left_ms > all.left_ms) all.left_ms = h.left_ms;
        if (is_counted(w, i) ||
            !budget_used(watch_source_budget(w, i), time_mono_ms(), &used, &limit))
            continue;
        all.used += used;
        all.limit += limit;
    }
    return all;
}

static void format_left(int64_t ms, char *ret, size_t bytes) {
    int64_t s = (ms + 999) / 1000;
    if (ms <= 0) snprintf(ret, bytes, "-");
    else if (s < 3600) snprintf(ret, bytes, "%" PRId64 ":%02" PRId64, s / 60, s % 60);
    else snprintf(ret, bytes, "%" PRId64 " h %02" PRId64 " min", s / 3600, s / 60 % 60);
}

static size_t terminal_width(int fd) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return LINE_MAX_BYTES;
    return size.ws_col - 1U;
}

// A line that wraps cannot be taken away again.
static void show_line(struct progress *p, const char *line, int n) {
    static const char clear[] = "\r\033[K";
    size_t width = terminal_width(p->fd);
    char out[LINE_MAX_BYTES + sizeof clear];
    if (n <= 0) return;
    size_t bytes = (size_t)n < width ? (size_t)n : width;
    if (bytes > LINE_MAX_BYTES) bytes = LINE_MAX_BYTES;
    memcpy(out, clear, sizeof clear - 1);
    memcpy(out + sizeof clear - 1, line, bytes);
    if (write(p->fd, out, sizeof clear - 1 + bytes) > 0) p->shown = true;
}

static void show_past(struct progress *p, const struct past *past) {
    char bar[BAR_CELLS + 1];
    char left[32];
    char line[LINE_MAX_BYTES];
    for (int i = 0; i < BAR_CELLS; i++) bar[i] = i < past->share * BAR_CELLS ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    format_left(past->left_ms, left, sizeof left);
    int n = snprintf(line, sizeof line,
                     "[%s] %.1f%%  %" PRId64 " events, %.0f/s  %" PRId64 " of %" PRId64
                     " requests this minute  %d at once  %s left",
                     bar, past->share * 100, past->events, p->rate, past->used, past->limit,
                     past->in_flight, left);
    show_line(p, line, n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES - 1);
}

static void show_lag(struct progress *p, const struct overview *all) {
    char lag[32];
    char pace[64];
    char line[LINE_MAX_BYTES];
    format_lag(all->lag_ms, lag, sizeof lag);
    // Up to a second is what the budget says while an answer is under way.
    if (all->wait_ms <= TIME_SECOND_MS) snprintf(pace, sizeof pace, "%.0f events/s", p->rate);
    else
        snprintf(pace, sizeof pace, "%" PRId64 " s until Okta's rate limit lets us go on",
                 all->wait_ms / 1000);
    int n = snprintf(line, sizeof line, "%" PRId64 " events, %s behind now, %s", all->events, lag,
                     pace);
    show_line(p, line, n);
}

void progress_show(struct progress *p, const struct watch *w) {
    if (p->fd < 0) return;
    struct overview all = look_at(w);
    struct past past = look_back(w);
    update_rate(p, all.events);
    progress_clear(p);
    if (past.any) show_past(p, &past);
    else if (!all.caught_up) show_lag(p, &all);
}

void progress_log(struct progress *p, const struct watch *w, const struct log *log) {
    int64_t now = time_mono_ms();
    struct past past = look_back(w);
    int percent = (int)(past.share * 100);
    if (p->fd >= 0 || !past.any || now - p->logged_mono_ms < TIME_SECOND_MS) return;
    if (percent == p->percent_logged && now - p->logged_mono_ms < LOG_EVERY_MS) return;
    update_rate(p, look_at(w).events);
    p->percent_logged = percent;
    p->logged_mono_ms = now;
    log_info(log, "backfill.progress", KV_INT("percent", percent), KV_INT("events", past.events),
             KV_INT("events_per_s", (int64_t)p->rate), KV_INT("requests_used", past.used),
             KV_INT("requests_limit", past.limit), KV_INT("at_once", past.in_flight),
             KV_INT("windows_left", past.left), KV_INT("left_s", past.left_ms / 1000));
}
