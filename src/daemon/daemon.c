// SPDX-License-Identifier: Apache-2.0
// The order of things: settings, loop, state, plan, watch; freed the other way round. A reload
// builds a new plan beside the old one and changes over when the old watch has stopped; wrong new
// settings change nothing.
#include "daemon/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "daemon/audit-journal.h"
#include "daemon/front.h"
#include "daemon/heartbeat.h"
#include "daemon/metrics.h"
#include "daemon/notify.h"
#include "daemon/plan-orgs.h"
#include "daemon/plan.h"
#include "daemon/progress.h"
#include "daemon/settings.h"
#include "daemon/trim.h"
#include "loop/loop.h"
#include "mfa/signal.h"
#include "mfa/stepup.h"
#include "store/store.h"
#include "watch/watch.h"

enum { SUMMARY_EVERY_MS = 5 * TIME_MINUTE_MS, PROGRESS_EVERY_MS = 250, SETTLED_EVERY_MS = 1000 };

static const int watched_signals[] = {SIGTERM, SIGINT, SIGHUP};

struct daemon {
    const struct daemon_opts *opts;
    struct log log;
    atomic_llong log_counts[LOG_LEVELS];
    struct notify notify;
    struct progress progress;
    struct loop *loop;
    struct settings *settings;
    struct settings *first; // the gate's: it keeps what it began with until it ends
    struct plan *plan;
    struct store *store;
    struct watch *watch;            // NULL: nothing is collected
    struct front *front;            // NULL: no gate
    struct audit_journal *audit;    // of what the gate audits; NULL: nowhere
    struct metrics *metrics;        // NULL: nobody may ask
    struct settings *next_settings; // of a reload that waits for the old watch to stop
    struct plan *next_plan;
    bool reload_again; // asked for while another reload was under way
    struct loop_signal *signals[LEN(watched_signals)];
    struct loop_timer *summary, *ticker, *settling;
    struct heartbeat *heartbeat;
    bool started, ending;
    int parts_ending;
    bool told_to_end; // by a signal: then a source that was refused is no failure of ours
    int status;
};

// ---- settings ----

static void apply_log(struct daemon *d) {
    d->log.level = d->settings->log.level;
    d->log.format = d->settings->log.format;
}

static int load(const struct daemon *d, struct settings **ret) {
    return settings_load_or_say(ret, d->opts->config, d->opts->sets, d->opts->set_count);
}

// ---- telling people ----

static void summarize_history(const struct daemon *d, size_t i) {
    struct watch_history h;
    watch_source_history(d->watch, i, &h);
    if (!h.any || h.over) return;
    log_info(&d->log, "history.summary", KV_STR("source", watch_source_name(d->watch, i)),
             KV_INT("percent", (int64_t)(h.share * 100)), KV_INT("events", h.events),
             KV_INT("windows_left", h.left), KV_INT("at_once", h.in_flight));
}

static void summarize_source(const struct daemon *d, size_t i) {
    const struct budget *budget = watch_source_budget(d->watch, i);
    struct watch_stats s;
    int64_t used = 0;
    int64_t limit = 0;
    watch_source_stats(d->watch, i, &s);
    bool known = budget && budget_used(budget, time_mono_ms(), &used, &limit);
    log_info(&d->log, "watch.summary", KV_STR("source", watch_source_name(d->watch, i)),
             KV_INT("events", s.events), KV_INT("pages", s.pages), KV_INT("requests", s.requests),
             KV_INT("delivered", s.delivered), KV_INT("repeated", s.repeated),
             KV_INT("dead_letters", s.dead_letters), KV_INT("lag_s", s.lag_ms / 1000),
             KV_INT("budget_used", known ? used : 0), KV_INT("budget_limit", known ? limit : 0),
             KV_STR("state", s.stopped     ? "stopped"
                             : s.complaint ? s.complaint
                                           : "ok"));
}

static void summarize(struct daemon *d) {
    for (size_t i = 0; d->watch && i < watch_source_count(d->watch); i++) {
        summarize_source(d, i);
        summarize_history(d, i);
    }
    if (d->plan) plan_orgs_say_trouble(d->plan->orgs);
}

static void on_summary(void *ctx) {
    struct daemon *d = ctx;
    summarize(d);
    loop_timer_set(d->summary, SUMMARY_EVERY_MS);
}

static void on_tick(void *ctx) {
    struct daemon *d = ctx;
    if (d->watch) progress_show(&d->progress, d->watch);
    if (d->watch && d->opts->backfill) progress_log(&d->progress, d->watch, &d->log);
    loop_timer_set(d->ticker, PROGRESS_EVERY_MS);
}

static bool all_caught_up(const struct daemon *d) {
    if (!d->watch) return true;
    for (size_t i = 0; i < watch_source_count(d->watch); i++) {
        struct watch_stats s;
        watch_source_stats(d->watch, i, &s);
        if (!s.caught_up && !s.stopped) return false;
    }
    return true;
}

// Once all have caught up for the first time, what only that needed is given back; and again until
// nothing waits to be written down, which needs it once more.
static void on_settling(void *ctx) {
    struct daemon *d = ctx;
    bool caught_up = all_caught_up(d);
    if (caught_up) trim_memory();
    bool resting = !d->watch || watch_is_resting(d->watch);
    if (!caught_up || !resting) loop_timer_set(d->settling, SETTLED_EVERY_MS);
}

static void look(void *ctx, struct metrics_world *ret) {
    struct daemon *d = ctx;
    *ret = (struct metrics_world){.watch = d->watch,
                                  .plan = d->plan,
                                  .front = d->front,
                                  .audit = d->audit,
                                  .store = d->store,
                                  .log_counts = d->log_counts,
                                  .ready = d->started,
                                  .ending = d->ending};
}

// ---- the watch: start, stop, change over ----

static bool knows_source(const struct settings *s, const char *name) {
    for (size_t i = 0; i < s->source_count; i++)
        if (strcmp(s->sources[i].name, name) == 0) return true;
    return false;
}

static bool knows_output(const struct settings *s, const char *name) {
    for (size_t i = 0; i < s->output_count; i++)
        if (strcmp(s->outputs[i].name, name) == 0) return true;
    return false;
}

// Are all that `backfill` names in the settings?
static bool names_are_known(const struct daemon *d) {
    const struct watch_backfill *b = d->opts->backfill;
    bool good = true;
    for (size_t i = 0; b && i < b->source_count; i++) {
        if (knows_source(d->settings, b->sources[i])) continue;
        fprintf(stderr, "gatehouse backfill: --source %s: no such source\n", b->sources[i]);
        good = false;
    }
    for (size_t i = 0; b && i < b->output_count; i++) {
        if (knows_output(d->settings, b->outputs[i])) continue;
        fprintf(stderr, "gatehouse backfill: --output %s: no such output\n", b->outputs[i]);
        good = false;
    }
    return good;
}

static bool serves(const struct daemon *d) {
    return d->opts->gate && (d->opts->dev || d->settings->listen.address);
}

static bool has_work(const struct daemon *d) {
    bool audited = !d->opts->backfill && d->settings->gate.audit; // in the state, from before
    if (d->settings->source_count > 0 || serves(d) || audited) return true;
    fprintf(stderr, "gatehouse: the settings have no sources: there is nothing to collect\n");
    return false;
}

static void end(struct daemon *d);

static void on_finished(void *ctx) {
    struct daemon *d = ctx;
    if (d->opts->once || d->opts->backfill || !d->opts->stay) end(d);
    else
        log_error(&d->log, "watch.all_stopped",
                  KV_STR("help", "correct the settings and send SIGHUP"));
}

// What the gate has audited has no history to be fetched.
static size_t watched_sources(const struct daemon *d) {
    return d->opts->backfill ? d->settings->source_count : d->plan->source_count;
}

static void on_seen(void *ctx, const char *source, struct str event) {
    struct daemon *d = ctx;
    if (d->front) front_observe(d->front, source, event);
}

static int start_watch(struct daemon *d, struct fault *fault) {
    if (watched_sources(d) == 0) return 0;
    const struct watch_opts opts = {
        .loop = d->loop,
        .store = d->store,
        .log = &d->log,
        .sources = d->plan->sources,
        .source_count = watched_sources(d),
        .outputs = d->plan->outputs.opts,
        .output_count = d->settings->output_count,
        .once = d->opts->once || d->opts->backfill,
        .gateless = !d->opts->gate,
        .backfill = d->opts->backfill,
        .seed = (uint64_t)time_now_ms() ^ (uint64_t)getpid() << 32,
        .wants = d->front ? signal_wants : NULL,
        .seen = on_seen,
        .seen_ctx = d,
        .finished = on_finished,
        .ctx = d,
    };
    int e = watch_new(&d->watch, &opts, fault);
    if (!e) watch_start(d->watch);
    return e;
}

static void on_part_ended(void *ctx) {
    struct daemon *d = ctx;
    if (--d->parts_ending == 0) loop_stop(d->loop);
}

static void end(struct daemon *d) {
    if (d->ending) return;
    d->ending = true;
    notify_stopping(&d->notify);
    progress_clear(&d->progress);
    bool watching = d->watch || d->next_plan;
    d->parts_ending = 1 + watching + (d->front != NULL);
    if (d->front) front_stop(d->front, on_part_ended, d);
    if (d->watch && !d->next_plan) watch_stop(d->watch, on_part_ended, d); // else it is under way
    on_part_ended(d);
}

static void give_up(struct daemon *d, const char *why) {
    log_error(&d->log, "daemon.failed", KV_STR("reason", why));
    d->status = 1;
    d->ending = true;
    loop_stop(d->loop);
}

static void reload(struct daemon *d);

static void free_settings(struct daemon *d) {
    if (d->settings != d->first) settings_free(d->settings);
    d->settings = NULL;
}

// Methods may ask by the credentials of sources: from now on those of this plan.
static void offer_sources(struct daemon *d, const struct plan *plan) {
    if (!d->front) return;
    int e = -ENOMEM;
    AUTO_MEM struct stepup_source *sources =
        mem_new_array(plan->settings->source_count + 1, sizeof *sources);
    if (sources) e = front_use_sources(d->front, sources, plan_stepup_sources(plan, sources));
    if (e) log_error(&d->log, "mfa.sources_not_usable", KV_STR("reason", error_text(e)));
}

// The old watch has stopped: the new plan takes its place.
static void change_over(void *ctx) {
    struct daemon *d = ctx;
    struct fault fault = {{0}};
    d->watch = watch_free(d->watch);
    offer_sources(d, d->next_plan);
    d->plan = plan_free(d->plan);
    free_settings(d);
    d->plan = TAKE(d->next_plan);
    d->settings = TAKE(d->next_settings);
    apply_log(d);
    if (d->ending) {
        on_part_ended(d);
        return;
    }
    int e = start_watch(d, &fault);
    if (e) {
        give_up(d, fault.text[0] ? fault.text : error_text(e));
        return;
    }
    d->status = 0; // what failed before was the old settings' affair
    log_info(&d->log, "daemon.reloaded", KV_INT("sources", d->settings->source_count),
             KV_INT("outputs", d->settings->output_count));
    notify_ready(&d->notify);
    if (d->reload_again) reload(d);
}

static void keep_old(struct daemon *d, const char *why) {
    log_error(&d->log, "daemon.reload_refused", KV_STR("reason", why),
              KV_STR("help", "the settings in force have not changed"));
    notify_ready(&d->notify);
}

// What cannot change while the program runs; NULL: nothing of that has.
static const char *needs_restart(const struct daemon *d, const struct settings *next) {
    if (strcmp(next->state, d->settings->state) != 0)
        return "state: another directory needs a restart";
    if (next->gate.audit != d->settings->gate.audit) return "gate.audit: a change needs a restart";
    if (d->opts->gate && !settings_same_listen(&next->listen, &d->settings->listen))
        return "listen: a change needs a restart (the files' contents do not)";
    if (!settings_same_metrics(&next->metrics, &d->settings->metrics))
        return "metrics: a change needs a restart";
    if (d->opts->gate && !settings_same_mfa(&next->mfa, &d->settings->mfa))
        return "mfa: a change needs a restart";
    return NULL;
}

// New certificates are taken on their own: what is wrong with them stops nothing else.
static void reload_front(struct daemon *d) {
    struct fault fault = {{0}};
    if (!d->front || !front_reload(d->front, &fault)) return;
    log_error(&d->log, "gate.certificate_refused", KV_STR("reason", fault.text),
              KV_STR("help", "the certificate in force has not changed"));
}

static void reload(struct daemon *d) {
    struct fault fault = {{0}};
    AUTO(settings) struct settings *settings = NULL;
    AUTO(plan) struct plan *plan = NULL;
    if (d->ending) return;
    d->reload_again = d->next_plan != NULL; // the settings may have changed since they were read
    if (d->reload_again) return;
    notify_reloading(&d->notify);
    if (load(d, &settings)) {
        keep_old(d, "wrong settings, see above");
        return;
    }
    const char *obstacle = needs_restart(d, settings);
    if (obstacle) {
        keep_old(d, obstacle);
        return;
    }
    int e = plan_new(&plan, d->loop, settings, d->store, &d->log, &fault);
    if (e) {
        keep_old(d, fault.text[0] ? fault.text : error_text(e));
        return;
    }
    reload_front(d);
    d->next_settings = TAKE(settings);
    d->next_plan = TAKE(plan);
    if (d->watch) watch_stop(d->watch, change_over, d);
    else change_over(d);
}

static void on_signal(void *ctx, int signum) {
    struct daemon *d = ctx;
    if (signum == SIGHUP) {
        reload(d);
        return;
    }
    log_info(&d->log, "daemon.stopping", KV_STR("signal", signum == SIGINT ? "SIGINT" : "SIGTERM"));
    d->told_to_end = true;
    end(d);
}

// ---- building and tearing down ----

static int make_timers(struct daemon *d) {
    int e = loop_timer_new(&d->summary, d->loop, on_summary, d);
    if (!e) e = loop_timer_new(&d->ticker, d->loop, on_tick, d);
    if (!e) e = loop_timer_new(&d->settling, d->loop, on_settling, d);
    const struct heartbeat_opts heart = {
        .loop = d->loop, .notify = &d->notify, .look = look, .ctx = d};
    if (!e) e = heartbeat_new(&d->heartbeat, &heart);
    if (e) return e;
    if (!d->opts->once) loop_timer_set(d->settling, SETTLED_EVERY_MS);
    loop_timer_set(d->summary, SUMMARY_EVERY_MS);
    if (d->progress.fd >= 0 || d->opts->backfill) loop_timer_set(d->ticker, PROGRESS_EVERY_MS);
    return 0;
}

static int make_signals(struct daemon *d) {
    for (size_t i = 0; i < LEN(watched_signals); i++) {
        int e = loop_signal_new(&d->signals[i], d->loop, watched_signals[i], on_signal, d);
        if (e) return e;
    }
    return 0;
}

// A watch that is being changed over reads the journal when it starts.
static void on_audited(void *ctx) {
    struct daemon *d = ctx;
    if (d->watch) watch_wake_journal(d->watch);
}

static int start_metrics(struct daemon *d, struct fault *fault) {
    const char *address = d->settings->metrics.address;
    int64_t dead;
    if (!address || d->opts->backfill) return 0;
    int e = d->store ? store_dead_count(d->store, &dead, fault) : 0;
    if (e) return e;
    const struct metrics_opts opts = {
        .loop = d->loop, .log = &d->log, .address = address, .look = look, .ctx = d};
    return metrics_new(&d->metrics, &opts, fault);
}

static int start_audit(struct daemon *d) {
    if (!serves(d) || !d->settings->gate.audit) return 0;
    const struct audit_journal_opts opts = {
        .store = d->store, .loop = d->loop, .log = &d->log, .appended = on_audited, .ctx = d};
    return audit_journal_new(&d->audit, &opts);
}

static int start_front(struct daemon *d, struct fault *fault) {
    if (!serves(d)) return 0;
    d->first = d->settings;
    const struct front_opts opts = {.loop = d->loop,
                                    .settings = d->settings,
                                    .store = d->store,
                                    .log = &d->log,
                                    .dev = d->opts->dev,
                                    .audit = d->audit ? audit_journal_add : NULL,
                                    .audit_ctx = d->audit};
    int e = front_new(&d->front, &opts, fault);
    if (!e) offer_sources(d, d->plan);
    return e;
}

// To try the gate out, nothing needs to be kept but what is to be delivered.
static int open_store(struct daemon *d, struct fault *fault) {
    if (d->opts->dev && d->settings->source_count == 0 && !d->settings->gate.audit) return 0;
    return store_open(&d->store, d->settings->state, STORE_WRITE, fault);
}

static int build(struct daemon *d, struct fault *fault) {
    int e = loop_new(&d->loop);
    if (!e) e = make_signals(d);
    if (!e) e = open_store(d, fault);
    if (!e) e = plan_new(&d->plan, d->loop, d->settings, d->store, &d->log, fault);
    if (!e) e = make_timers(d);
    if (!e) e = start_metrics(d, fault);
    if (!e) e = start_audit(d);
    if (!e) e = start_front(d, fault);
    if (!e) e = start_watch(d, fault);
    return e;
}

static void tear_down(struct daemon *d) {
    if (d->watch && watch_failed(d->watch) && !d->told_to_end) d->status = 1;
    d->metrics = metrics_free(d->metrics);
    d->front = front_free(d->front);
    d->audit = audit_journal_free(d->audit);
    d->watch = watch_free(d->watch);
    d->next_plan = plan_free(d->next_plan);
    d->next_settings = settings_free(d->next_settings);
    d->plan = plan_free(d->plan);
    d->store = store_free(d->store);
    d->summary = loop_timer_free(d->summary);
    d->ticker = loop_timer_free(d->ticker);
    d->settling = loop_timer_free(d->settling);
    d->heartbeat = heartbeat_free(d->heartbeat);
    for (size_t i = 0; i < LEN(d->signals); i++) d->signals[i] = loop_signal_free(d->signals[i]);
    d->loop = loop_free(d->loop);
    free_settings(d);
    d->first = settings_free(d->first);
    notify_close(&d->notify);
}

static void run(struct daemon *d) {
    struct fault fault = {{0}};
    int e = build(d, &fault);
    if (!e) {
        log_info(&d->log, "daemon.started", KV_INT("sources", d->settings->source_count),
                 KV_INT("outputs", d->settings->output_count), KV_STR("state", d->settings->state));
        notify_ready(&d->notify);
        d->started = true;
        e = loop_run(d->loop);
    }
    if (!e) {
        summarize(d);
        return;
    }
    log_error(&d->log, "daemon.failed",
              KV_STR("reason", fault.text[0] ? fault.text : error_text(e)));
    d->status = 1;
}

int daemon_run(const struct daemon_opts *opts) {
    struct daemon d = {
        .opts = opts, .notify = notify_open(), .progress = progress_make(STDERR_FILENO)};
    d.log = (struct log){.fd = STDERR_FILENO,
                         .level = LOG_INFO,
                         .before = progress_clear,
                         .before_ctx = &d.progress,
                         .counts = d.log_counts};
    if (load(&d, &d.settings) || !names_are_known(&d) || !has_work(&d)) {
        d.status = 2;
    } else {
        apply_log(&d);
        run(&d);
    }
    tear_down(&d);
    return d.status;
}
