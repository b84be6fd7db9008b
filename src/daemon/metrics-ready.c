// SPDX-License-Identifier: Apache-2.0
// Ready is who can serve: everything is started, nothing is being ended, and the gate, if there is
// one, is not sealed. That Okta or an output is down is no reason to take the program out of
// service or to start it anew, which would mend nothing: it is told in the text and by metrics.
#include "base/time.h"
#include "daemon/front.h"
#include "daemon/metrics-internal.h"

static const char *obstacle(const struct metrics_world *w) {
    struct gate_stats gate = {.sealed = false};
    struct stepup_stats stepup;
    if (w->ending) return "it is being ended";
    if (!w->ready) return "it is being started";
    if (!w->front) return NULL;
    front_stats(w->front, &gate, &stepup);
    if (!gate.initialized) return "the gate has not been initialised";
    return gate.sealed ? "the gate is sealed" : NULL;
}

// What strangers chose cannot end its line.
static void add_clean(struct buf *out, const char *text) {
    for (const char *c = text; *c; c++)
        buf_addc(out, (unsigned char)*c < ' ' || *c == 127 ? ' ' : *c);
}

static void tell_source(struct buf *out, const struct watch *w, size_t i) {
    struct watch_stats s;
    watch_source_stats(w, i, &s);
    buf_addf(out, "source %s: %s", watch_source_name(w, i),
             s.stopped   ? "stopped"
             : s.trouble ? s.trouble
                         : "ok");
    if (!s.caught_up && s.lag_ms > 0) buf_addf(out, ", %lld s behind", (long long)s.lag_ms / 1000);
    buf_addc(out, '\n');
}

static void tell_output(struct buf *out, const struct watch *w, size_t i) {
    struct watch_output_stats s;
    char since[TIME_RFC3339_MAX];
    watch_output_stats(w, i, &s);
    buf_addf(out, "output %s: %s", s.name,
             s.stopped     ? "stopped"
             : s.complaint ? s.complaint
                           : "ok");
    time_format_rfc3339(s.failing_since_ms, since);
    if (s.failing_since_ms > 0) buf_addf(out, " since %s", since);
    if (s.complaint && s.reason) buf_addz(out, ": ");
    if (s.complaint && s.reason) add_clean(out, s.reason);
    buf_addc(out, '\n');
}

bool metrics_is_ready(struct buf *out, const struct metrics_world *w) {
    const char *why = obstacle(w);
    if (why) buf_addf(out, "not ready: %s\n", why);
    else buf_addz(out, "ready\n");
    for (size_t i = 0; w->watch && i < watch_source_count(w->watch); i++)
        tell_source(out, w->watch, i);
    for (size_t i = 0; w->watch && i < watch_output_count(w->watch); i++)
        tell_output(out, w->watch, i);
    return !why;
}

// ---- one line for systemd

struct tally {
    size_t n, failing, behind;
    int64_t lag_ms;
    const char *first; // that fails
};

static struct tally tally_sources(const struct watch *w) {
    struct tally t = {.n = w ? watch_source_count(w) : 0};
    for (size_t i = 0; i < t.n; i++) {
        struct watch_stats s;
        watch_source_stats(w, i, &s);
        bool fails = s.stopped || s.trouble;
        if (fails && !t.first) t.first = watch_source_name(w, i);
        t.failing += fails;
        t.behind += !s.caught_up;
        if (s.lag_ms > t.lag_ms) t.lag_ms = s.lag_ms;
    }
    return t;
}

static struct tally tally_outputs(const struct watch *w) {
    struct tally t = {.n = w ? watch_output_count(w) : 0};
    for (size_t i = 0; i < t.n; i++) {
        struct watch_output_stats s;
        watch_output_stats(w, i, &s);
        bool fails = s.stopped || s.complaint;
        if (fails && !t.first) t.first = s.name;
        t.failing += fails;
    }
    return t;
}

static void add_tally(struct buf *out, const struct tally *t, const char *what) {
    buf_addf(out, "%zu %s%s", t->n, what, t->n == 1 ? "" : "s");
    if (t->failing)
        buf_addf(out, ", %zu failing (%s%s)", t->failing, t->first, t->failing > 1 ? ", ..." : "");
    buf_addz(out, "; ");
}

void metrics_write_status(struct buf *out, const struct metrics_world *w) {
    struct tally sources = tally_sources(w->watch);
    struct tally outputs = tally_outputs(w->watch);
    const char *why = obstacle(w);
    if (why) buf_addf(out, "not ready: %s; ", why);
    add_tally(out, &sources, "source");
    if (sources.n == 0) buf_cut(out, out->n - 2);
    else if (sources.behind == 0) buf_addz(out, "all caught up");
    else if (sources.lag_ms == 0)
        buf_addz(out, "not caught up yet"); // how far behind, nobody knows
    else buf_addf(out, "%lld s behind", (long long)sources.lag_ms / 1000);
    buf_addz(out, "; ");
    add_tally(out, &outputs, "output");
    buf_cut(out, out->n - 2);
    if (w->front && !why) buf_addz(out, "; the gate is open");
}
