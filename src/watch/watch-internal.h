// SPDX-License-Identifier: Apache-2.0
#ifndef WATCH_WATCH_INTERNAL_H
#define WATCH_WATCH_INTERNAL_H
// The parts of the watch and who owns whom: the watch has outputs and sources, a source has pairs.
//
//   source   asks for pages, one at a time, and maps them             source.c
//   pair     a source and an output: cursor, state, recent uuids      pair.c
//   output   a sink, used by one pair at a time; pairs queue          output.c
//   delivery what a job does with a page, a pair and an output        delivery.c

#include <stdatomic.h>

#include "base/rand.h"
#include "base/time.h"
#include "loop/loop.h"
#include "watch/outlet.h"
#include "watch/page.h"
#include "watch/recent.h"
#include "watch/watch.h"

// `--once` gives up on a pair after so many failures in a row.
enum { ONCE_TRIES = 8 };
// How far at most before the newest published a pair goes back when Okta refuses its cursor.
enum { OVERLAP_MS = 10 * TIME_MINUTE_MS };

struct pair;
struct source;

// ---- output ----

struct output {
    struct watch *watch;
    const struct watch_output_opts *opts;
    struct outlet outlet;
    bool busy; // a job of `serving` runs
    struct pair *serving;
    struct pair *first_waiting, *last_waiting;
    size_t holding_up; // pairs whose page it could not take
    const char *complaint;
};

void output_init(struct output *o, struct watch *w, const struct watch_output_opts *opts);
void output_fini(struct output *o);
// The pair, which holds a page, gets its turn; pair_delivered() is called at the end.
void output_enqueue(struct output *o, struct pair *p);
// Warns once per kind of trouble, and says when it is over (`what` NULL).
void output_complain(struct output *o, const char *what, const char *text);

// ---- delivery (runs in a job; touches only this) ----

struct delivery {
    int error;          // 0: committed
    struct fault fault; // for error
    int64_t delivered, repeated, rejected;
    struct fault notice; // something to warn of although all went well; empty: nothing
};

// Delivers the pair's page to its output's sink and commits. Fills pair->delivery.
void delivery_run(struct pair *p);

// ---- pair ----

enum pair_state {
    PAIR_IDLE,       // wants the page at its cursor, from due_mono_ms on
    PAIR_ASKING,     // its page is being asked for or mapped
    PAIR_DELIVERING, // has a page; queued at the output, or being delivered
    PAIR_RETRY,      // has a page that could not be delivered; again from due_mono_ms on
    PAIR_FINISHED,   // caught up, with `once`
    PAIR_STOPPED,    // refused by Okta, or given up
};

struct pair {
    struct source *source;
    struct output *output;
    enum pair_state state;
    char *cursor;         // URL to ask next; NULL until the first request is made up
    bool is_new;          // nothing has been committed yet
    bool caught_up;       // its last page was the end of the log
    int64_t published_ms; // newest delivered
    struct recent recent;
    struct page *page;
    int64_t due_mono_ms;
    int64_t asked_mono_ms; // when it last had a page asked for
    int failures;          // in a row, of asking or delivering
    bool held_up;          // the output could not take its page
    struct delivery delivery;
    struct pair *next_waiting; // in the output's queue
};

int pair_load(struct pair *p, struct store *store, struct fault *fault) MUST_USE;
void pair_fini(struct pair *p);
void pair_delivered(struct pair *p); // its output has done delivery_run
// The page is given up, the pair asks again after a backoff.
void pair_ask_again(struct pair *p, int64_t now_mono_ms, int64_t at_least_ms);
// A new cursor that starts at an instant (the old one was refused, or there is none).
int pair_start_at(struct pair *p, int64_t since_ms) MUST_USE;
void pair_stop(struct pair *p);
bool pair_is_over(const struct pair *p);

// ---- source ----

struct source {
    struct watch *watch;
    const struct watch_source_opts *opts;
    struct ecs_mapper *mapper;
    struct loop_timer *timer;
    struct pair *pairs;
    size_t pair_count;
    struct okta_log_call *call; // in flight
    struct page *asking;        // being received or mapped
    struct page *spare;         // memory of the last page
    bool mapping;               // its job runs
    int map_error;
    struct fault map_fault;
    int broken_in_a_row;     // pages that page_map refused
    int64_t clock_offset_ms; // Okta's clock minus ours
    bool clock_known;
    bool undated_said;
    bool stopped;
    const char *complaint;
    struct watch_stats stats;
};

int source_init(struct source *s, struct watch *w, const struct watch_source_opts *opts,
                struct fault *fault) MUST_USE;
void source_fini(struct source *s);
// Does what can be done now, and sets the timer for what comes later.
void source_step(struct source *s);
void source_cancel(struct source *s);
// A page that is done with: its memory serves for the next one, unless there is a pause.
void source_give_back(struct source *s, struct page *take_page);
bool source_is_over(const struct source *s);
int64_t source_now_ms(const struct source *s); // by Okta's clock
void source_complain(struct source *s, const char *what, const char *text);

// ---- watch ----

struct watch {
    struct watch_opts opts;
    struct output *outputs;
    struct source *sources;
    struct rand rand;
    atomic_bool stop;
    bool stopping;
    bool finished_said;
    int jobs;
    bool failed;
    struct loop_timer *stop_timer;
    void (*stopped)(void *ctx);
    void *stopped_ctx;
};

// Starts a job and counts it; `done` must call watch_job_done first. Outcomes: 0; -ENOMEM.
int watch_job(struct watch *w, void (*work)(void *), void (*done)(void *), void *ctx) MUST_USE;
void watch_job_done(struct watch *w);
// To be called whenever a pair's state may have ended something.
void watch_check_finished(struct watch *w);
// 1 s, 2 s, 4 s ... 60 s, each 50 to 100 % of it.
int64_t watch_backoff_ms(struct watch *w, int failures);

#endif
