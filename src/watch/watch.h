// SPDX-License-Identifier: Apache-2.0
#ifndef WATCH_WATCH_H
#define WATCH_WATCH_H
// The watch: polls each source, maps each page once, delivers it to every output, and commits the
// cursor of every pair of source and output together with what the sink needs to recognise what it
// has.
//
// Pairs that stand at the same cursor share one fetch and one mapping; a pair whose output is down
// falls behind alone and catches up by itself. What is to be had of the past beyond a day comes by
// windows of `published`, several at once where that is quicker, while polling goes on. Loop thread
// only; mapping, delivering and committing run in jobs.

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "ecs/map.h"
#include "okta/log.h"
#include "sink/sink.h"
#include "store/store.h"

struct loop;
struct watch;

// What an output does not want passes it by: its cursor moves on. Lists are patterns with * at any
// place; none: everything.
struct watch_filter {
    const char *const *event_types; // "user.session.*": of these only
    size_t event_type_count;
    const char *const *exclude_event_types; // and not of these
    size_t exclude_event_type_count;
    const char *const *outcomes; // Okta's outcome.result, any case; an event without one has "NONE"
    size_t outcome_count;
};

struct watch_output_opts {
    const char *name;
    const struct sink_type *type;
    struct sink_opts sink;
    enum ecs_form form; // of Okta's events; the gate's documents are what they are
    struct watch_filter filter;
    int64_t backoff_init_ms, backoff_max_ms; // 0: 1 s, 60 s
};

struct watch_source_opts {
    const char *name;
    // The source is the gate's audit journal (store/journal.h) of opts.store: its documents are
    // ready-made, a cursor is the number of the last one that was delivered, and what every output
    // has is forgotten. Of what follows only `outputs` counts then.
    bool journal;
    const char *url;      // of the log, without query
    struct okta_org *org; // borrowed, shared by the sources of one org
    int64_t interval_ms;
    int64_t initial_interval_ms;
    int limit; // events per page, 1..1000
    struct ecs_opts ecs;
    const size_t *outputs; // indices into watch_opts.outputs; at least one
    size_t output_count;
};

// An instant: wall clock, or so long ago by Okta's clock.
struct watch_instant {
    bool ago;
    int64_t ms;
};

// `gatehouse backfill`: the watch fetches what is missing of a range of time, does not poll, and is
// finished then.
struct watch_backfill {
    struct watch_instant since, until;
    const char *const *sources; // names; none: all
    size_t source_count;
    const char *const *outputs;
    size_t output_count;
};

struct watch_opts {
    struct loop *loop;
    struct store *store;
    const struct log *log;
    const struct watch_source_opts *sources;
    size_t source_count;
    const struct watch_output_opts *outputs;
    size_t output_count;
    bool once;     // a pair that has caught up is finished; one that fails too often is given up
    bool gateless; // nobody appends to the journal now: its end is the end
    const struct watch_backfill *backfill; // NULL: collect
    uint64_t seed;                         // jitter
    // Whether somebody is to be told at once of events of that type (Okta's eventType); any thread,
    // quick. NULL: of none.
    bool (*wants)(struct str event_type);
    // Such an event came in a polled page: told in order as soon as the page has been read, before
    // any output has it, so that one that is down holds nothing up. On the loop; `event` is as Okta
    // sent it, borrowed. One page is told once, whoever it is for; an event that Okta repeats may
    // be told again after a restart, but not while what the outputs have tells that it is known.
    // Not told: what windows of the history bring, and the gate's own documents.
    void (*seen)(void *ctx, const char *source, struct str event);
    void *seen_ctx;
    // Called once: every pair is finished or stopped for good. May be NULL.
    void (*finished)(void *ctx);
    void *ctx;
};

// Loads the cursors. Strings and objects of opts are borrowed until watch_free.
// Outcomes: 0; -errno, with fault (state that cannot be read, no memory).
int watch_new(struct watch **ret, const struct watch_opts *opts, struct fault *fault) MUST_USE;

void watch_start(struct watch *w);

// Something was appended to the journal: sources that read it look again at once.
void watch_wake_journal(struct watch *w);

// Gives up what is being asked, lets what is being committed finish, then calls `stopped`.
void watch_stop(struct watch *w, void (*stopped)(void *ctx), void *ctx);

// Only before watch_start or after `stopped`. NULL-safe, returns NULL.
struct watch *watch_free(struct watch *w);
DEFINE_AUTO_FREE(watch)

struct watch_stats {
    int64_t requests;  // sent to Okta by this process
    int64_t pages;     // that brought at least one event
    int64_t events;    // received
    int64_t delivered; // documents, summed over outputs
    int64_t repeated;  // recognised as delivered before
    int64_t dead_letters;
    int64_t undated; // events whose `published` could not be read
    int64_t lag_ms;  // Okta's clock minus the newest published that the slowest pair has; 0 when
                     // caught up; -1: one has had nothing yet
    bool caught_up;  // every pair stood at the end of the log at its last poll, and has its history
    bool stopped;    // refused by Okta: will not ask again
    const char *complaint;    // what is wrong now, a dotted name; NULL when all is well
    const char *trouble;      // the same of asking it alone, whatever its outputs do
    const char *reason;       // of that, in words; borrowed; NULL with it
    int64_t failing_since_ms; // wall clock; 0: no trouble
};
size_t watch_source_count(const struct watch *w);
const char *watch_source_name(const struct watch *w, size_t i);
void watch_source_stats(const struct watch *w, size_t i, struct watch_stats *ret);

// Where the history of a source stands.
struct watch_history {
    bool any;        // there is, or was, something to fetch
    bool over;       // and it has been
    double share;    // of it that is done, by events as far as known; 0..1
    int64_t events;  // of the windows that this process has had to do with
    int64_t pages;   // delivered by this process
    int in_flight;   // windows being asked
    int left;        // windows not done
    int64_t left_ms; // estimated; -1: not known
};
void watch_source_history(const struct watch *w, size_t i, struct watch_history *ret);
const struct budget *watch_source_budget(const struct watch *w, size_t i); // NULL: it has none

// ---- what each output has ----

struct watch_output_stats {
    const char *name, *type;
    const char *complaint;    // NULL: it takes what it is given
    const char *reason;       // for complaint, for people; borrowed until the next turn of the loop
    bool stopped;             // for good: another collector has taken over, or its reader is gone
    int64_t failing_since_ms; // wall clock; 0: it does not fail
    int64_t last_success_ms;  // wall clock of the last commit with documents; 0: none yet
    int64_t deliveries, retries; // pages tried, and how many of these tries failed
    int64_t delivered, repeated, filtered, rejected;
};
size_t watch_output_count(const struct watch *w);
void watch_output_stats(const struct watch *w, size_t output, struct watch_output_stats *ret);

struct watch_pair_stats {
    const char *output;
    bool caught_up, stopped;
    int64_t published_ms; // newest published that it has had; 0: none
    int64_t committed_ms; // wall clock of its last commit by this process; 0: none
    int64_t lag_ms;       // as watch_stats.lag_ms
    int64_t delivered, repeated, filtered, rejected, unmappable;
    // Until Okta forgets what the pair has not had: 90 days from where it stands. -1: it has all,
    // or the source is the gate's.
    int64_t forgotten_in_ms;
};
size_t watch_pair_count(const struct watch *w, size_t source);
void watch_pair_stats(const struct watch *w, size_t source, size_t pair,
                      struct watch_pair_stats *ret);

// Nothing runs, and nothing waits to be written down.
bool watch_is_resting(const struct watch *w);

// Whether a source stopped for good or an output was given up: exit status 1.
bool watch_failed(const struct watch *w);

#endif
