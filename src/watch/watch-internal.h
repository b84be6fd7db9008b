// SPDX-License-Identifier: Apache-2.0
#ifndef WATCH_WATCH_INTERNAL_H
#define WATCH_WATCH_INTERNAL_H
// The parts of the watch and who owns whom: the watch has outputs and sources; a source has a
// stream that polls and, in its history, one for each window; a stream has pairs.
//
//   source   what its streams share: mapper, Okta's clock, what is wrong    source.c
//   stream   asks for pages, one at a time, and hands them to its pairs     stream.c answer.c
//   tell     who is told of events before any output has them              tell.c
//   history  which windows there are, how many are asked at once            history.c begin.c
//   pair     a stream and an output: cursor, state, recent uuids            pair.c
//   output   a sink, used by one pair at a time; pairs queue                output.c
//   join     an output that knows itself where its pairs stand              join.c
//   delivery what a job does with a page, a pair and an output              delivery.c had.c
//   filter.c stand    what is told of it all, and what is warned of                  stand.c
//   noted.c
//
// A source that is the gate's journal has the same parts: its pages are read in the job that maps
// those of others, and so asking for one is no request. It has no history.

#include <stdatomic.h>

#include "base/rand.h"
#include "base/time.h"
#include "loop/worker.h"
#include "watch/outlet.h"
#include "watch/pace.h"
#include "watch/page.h"
#include "watch/range.h"
#include "watch/recent.h"
#include "watch/watch.h"

// `--once` gives up on a pair after so many failures in a row.
enum { ONCE_TRIES = 8 };
// And so early when only people can mend it, or when an output cannot even be opened; still more
// than one: an engine that is just starting may know nobody yet.
enum { ONCE_FEW_TRIES = 3 };
// How far at most before the newest published a pair goes back when Okta refuses its cursor.
enum { OVERLAP_MS = 10 * TIME_MINUTE_MS };

// A new pair that is to have more than this of the past gets it by windows.
enum { PLAIN_MAX_MS = TIME_DAY_MS };
// Polling begins so long before the windows end: a bounded query may be served a little late, and
// `since` may mean `published`.
enum { POLL_BEFORE_MS = 5 * TIME_MINUTE_MS };
// What was logged so long before what polling has had cannot come any more: the order of polling
// and Okta's clocks are not exact.
enum { SETTLED_MS = 2 * TIME_MINUTE_MS };

struct pair;
struct stream;
struct source;

// ---- output ----

struct output_counts {
    int64_t delivered, repeated, filtered, rejected, unmappable;
};

struct output {
    struct watch *watch;
    const struct watch_output_opts *opts;
    struct outlet outlet;
    struct loop_worker *worker; // of a sink that waits for somebody; NULL: jobs are the loop's
    struct loop_timer *timer;   // a job takes long, or it is time to join again; NULL likewise
    bool busy;                  // a job of `serving` runs
    bool stuck;                 // and has taken long
    struct pair *serving;
    struct pair *first_waiting;
    size_t holding_up; // pairs whose page it could not take
    bool stopped;      // for good
    const char *complaint;
    struct fault reason; // for complaint
    int64_t failing_since_ms, last_success_ms;
    int64_t deliveries, retries;
    struct output_counts counts;
    struct output_join *join; // NULL: it need not
};

// Outcomes: 0; -ENOMEM.
int output_init(struct output *o, struct watch *w, const struct watch_output_opts *opts) MUST_USE;
void output_fini(struct output *o);
// The pair, which holds a page, gets its turn, those that poll before windows; pair_delivered() is
// called at the end.
void output_enqueue(struct output *o, struct pair *p);
// Warns once per kind of trouble, and says when it is over (`what` NULL).
void output_complain(struct output *o, const char *what, const char *text);
// It could not do what was asked of it.
void output_failed(struct output *o, const char *text);
// It will never take anything again: its pairs stop.
void output_stop(struct output *o, const char *text);
// With `once`: the pair, which it has failed too often, stops, and so do its windows, which would
// wait for that pair.
void output_give_up(struct output *o, struct pair *p);
// It does not take what it is given, or has been at it for long: nobody is to wait for it, and no
// more than a page is to wait at it.
bool output_is_in_trouble(const struct output *o);
// Windows' pages that wait for their turn are given up; they are asked for again when it is over.
void output_release_windows(struct output *o);
// What waited for it may go on.
void output_is_free(struct output *o);
// How long to leave it alone after so many failures in a row.
int64_t output_backoff_ms(const struct output *o, int failures);
// A job on the output's own thread, or on one of the loop's. Outcomes: as watch_job.
int output_job(struct output *o, void (*work)(void *), void (*done)(void *), void *ctx) MUST_USE;
void output_cancel(struct output *o); // the watch stops

// ---- joining: the sink knows itself where its pairs stand; join.c ----

int output_join_init(struct output *o) MUST_USE; // no effect where the sink does not
void output_join_fini(struct output *o);
// Opens the sink, puts on record what it knows, and lets the pairs begin.
void output_join(struct output *o);
// Whether the output's pairs may ask for anything.
bool output_is_joined(const struct output *o);
// Another collector has been at the place meanwhile: everything from the beginning.
void output_rejoin(struct output *o);
// Whether there are positions that another one has left; the sink has just been opened. In a job.
// Outcomes: 0; -errno with fault.
int output_find_foreign(struct output *o, bool *ret, struct fault *fault) MUST_USE;

// ---- delivery (runs in a job; touches only this) ----

struct delivery {
    int error;          // 0: committed
    struct fault fault; // for error
    int64_t taken;      // by the output: delivered now, or there already
    int64_t delivered, repeated, filtered, rejected;
    int64_t dead;             // of the page: what could not be mapped
    struct fault dead_reason; // of the first of them; else of the first that was rejected
    bool dead_recorded;       // they are on record, also when it failed
    bool progress;            // of one that failed: some of it got in all the same
    int64_t wait_ms;          // and no try is to be made before so long
    struct fault notice;      // something to warn of although all went well; empty: nothing
    bool done;                // the window is
    int64_t position_ms;      // of the window
    bool begun;               // the pair was put on record, with its windows
    bool foreign; // of one that failed: another collector has been at the output's place
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

// A new pair, as it is to be put on record before anything of it is delivered.
struct pair_begin {
    int64_t start_ms;
    struct range_list windows;
    int64_t *ids; // of the windows, once on record
};

// A pair's part of a window of the history.
struct pair_window {
    int64_t id; // 0: the pair polls
    int64_t position_ms, until_ms;
    int64_t events;    // delivered
    struct pair *poll; // the pair that polls for the same output; borrowed
    int stood;         // empty pages in a row whose next link led nowhere
};

struct pair {
    struct stream *stream;
    struct source *source;
    struct output *output;
    enum pair_state state;
    char *cursor;         // URL to ask next; NULL until the first request is made up
    bool is_new;          // nothing has been committed yet
    bool caught_up;       // its last page was the end of the log
    int64_t published_ms; // newest delivered
    int64_t start_ms;     // what was published before is the history's; 0: not known
    bool had;             // what windows brought and polling may bring again is on record
    struct pair_begin begin;
    struct pair_window window;
    struct recent recent;
    struct page *page;
    int64_t due_mono_ms;
    int64_t asked_mono_ms;       // when it last had a page asked for
    int failures;                // in a row, of asking or delivering
    bool held_up;                // the output could not take its page
    int64_t caught_up_ms;        // Okta's clock when it last was; 0: not known
    int64_t committed_ms;        // wall clock of its last commit, windows' included; 0: none yet
    struct output_counts counts; // likewise
    int64_t warned_ms;           // of being forgotten soon; 0: not now
    bool warned_of_little;       // and that very little time is left
    struct delivery delivery;
    struct pair *next_waiting; // in the output's queue
};

int pair_load(struct pair *p, struct store *store, struct fault *fault) MUST_USE;
void pair_fini(struct pair *p);
void pair_delivered(struct pair *p); // its output has done delivery_run
// The page is given up, the pair asks again after a backoff.
void pair_ask_again(struct pair *p, int64_t now_mono_ms, int64_t at_least_ms);
// Gives a pair without a usable cursor one: a little before the newest that it has, or where new
// ones begin. `now_ms` is the same for all that are to stand together. Outcomes: 0; -errno. begin.c
int pair_start(struct pair *p, int64_t now_ms) MUST_USE;
// A new cursor that starts at an instant (the old one was refused, or there is none). That of a
// window ends with it.
int pair_start_at(struct pair *p, int64_t since_ms) MUST_USE;
// In a journal: before the oldest document that is there. Outcomes: 0; -ENOMEM.
int pair_start_journal(struct pair *p) MUST_USE;
// There is more in the journal than the pair may think.
void pair_wake(struct pair *p);
void pair_stop(struct pair *p);
bool pair_is_over(const struct pair *p);

static inline bool pair_is_polling(const struct pair *p) { return p->window.id == 0; }
bool pair_remembers(const struct pair *p); // the uuids of what it has, for what may come again

// ---- stream ----

struct stream {
    struct source *source;
    struct loop_timer *timer;
    struct pair *pairs;
    size_t pair_count;
    struct okta_log_call *call; // in flight
    struct page *asking;        // being received or mapped
    bool mapping;               // waits for the mapper, or is being mapped
    bool mapped;                // but held back
    bool woken;                 // something came into the journal since `asking` was asked for
    unsigned map_forms;         // that the page is mapped to
    int map_error;
    struct fault map_fault;
    int broken_in_a_row; // pages that page_map refused
    struct stream *next_to_map;

    bool bounded; // a window of the history; what follows is its own
    int64_t since_ms, until_ms;
    bool active;                       // may ask
    bool splitting;                    // nothing is handed over meanwhile
    bool asked;                        // since it became active
    int64_t sent_ms, answered_mono_ms; // how long the answer took, and when it came
    struct stream *next;               // in the history, by since_ms
};

int stream_init(struct stream *t, struct source *s, size_t pair_count) MUST_USE;
void stream_fini(struct stream *t);
// Does what can be done now, and sets the timer for what comes later.
void stream_step(struct stream *t);
void stream_cancel(struct stream *t);
void stream_mapped(struct stream *t); // source_map has done page_map
bool stream_is_over(const struct stream *t);

// Asks for `first`'s page, and for all that stand there. answer.c:
int stream_ask(struct stream *t, struct pair *first) MUST_USE;
void stream_hand_over(struct pair *p, struct page *page);
// The page is given up; its pairs ask again after a backoff.
void stream_fail(struct stream *t, const char *what, const char *text, int64_t at_least_ms);
void stream_drop_page(struct stream *t);

// ---- history (loop thread) ----

struct history_split {
    struct stream *stream;
    int64_t at_ms;
    int64_t *ids, *new_ids;
    struct pair **pairs; // those that are cut
    size_t n;
    int error;
    struct fault fault;
};

struct history {
    struct source *source;
    struct stream *windows; // not done, by since_ms
    struct loop_timer *timer;
    struct pace pace;
    struct history_split split;
    bool planning; // `backfill`: what is missing is being found out, once the outputs have joined
    bool probing;
    struct okta_log_call *probe;
    struct buf probe_body;
    int probe_failures;
    int64_t events, pages; // that windows brought, in this process and before in those not done
    int64_t passed_ms;     // of the windows that this process has seen: done
    bool any;              // there has been a window
    bool said_done;
    int begin_error;
    struct fault begin_fault;
};

int history_init(struct history *h, struct source *s, struct fault *fault) MUST_USE;
void history_fini(struct history *h);
void history_start(struct history *h);
void history_cancel(struct history *h);
// A pair's windows are on record: they are taken up.
int history_add_begun(struct history *h, struct pair *p) MUST_USE;
// A page of a window was delivered to a pair, or a window has changed otherwise.
void history_note_page(struct history *h, struct pair *p);
void history_look(struct history *h); // soon, in a turn of the loop of its own
bool history_is_over(const struct history *h);
void history_say_done(struct history *h); // once, if it is
void history_view(const struct history *h, struct watch_history *ret);

// What is on record of a pair, as ranges: its windows, done or not. Outcomes: 0; -errno.
int history_on_record(struct store *store, const struct pair *p, struct range_list *ret,
                      struct fault *fault) MUST_USE;
// `backfill`: finds out what is missing and puts it on record. begin.c
void history_plan(struct history *h);
void history_probed(void *ctx, const struct okta_log_answer *a);
// Windows on record, of one output or of all that need not join (NULL).
int history_take_up(struct history *h, const struct output *o, struct fault *fault) MUST_USE;

// ---- source ----

struct source {
    struct watch *watch;
    const struct watch_source_opts *opts;
    struct ecs_mapper *mapper;
    struct stream *to_map;       // in the order in which their pages came
    struct stream *being_mapped; // its job runs
    struct page_memory memory;   // of the last page that was mapped
    struct stream poll;
    struct history history;
    struct page *spare[2];   // memory of past pages
    int64_t clock_offset_ms; // Okta's clock minus ours
    bool clock_known;
    struct recent told; // uuids of what watch_opts.seen has been told
    bool heard;         // Okta has answered
    bool undated_said;
    bool stopped;
    const char *complaint;
    const struct stream *complainer;
    struct fault reason; // of the complaint
    int64_t failing_since_ms;
    int64_t refused_ms; // the last 429; wall clock, 0: none
    struct watch_stats stats;
    struct journal_trim *trim; // of a journal; NULL: there is nothing to trim
};

int source_init(struct source *s, struct watch *w, const struct watch_source_opts *opts,
                struct fault *fault) MUST_USE;
void source_fini(struct source *s);
void source_start(struct source *s);
void source_step(struct source *s); // all its streams
void source_cancel(struct source *s);
// Maps the stream's page when its turn comes; stream_mapped is called then.
void source_map(struct stream *t);
// The outputs have taken a page: another one may be mapped.
void source_map_next(struct source *s);
// Tells watch_opts.seen of the polled page that has just been mapped. tell.c
void source_tell(struct source *s, const struct page *page);
// A page of memory for the next answer. Outcomes: 0; -ENOMEM.
int source_take_page(struct source *s, struct page **ret) MUST_USE;
// A page that is done with: its memory serves for the next one, unless there is a pause.
void source_give_back(struct source *s, struct page *take_page);
// Its memory is given back, if the polling rests too.
void source_history_is_over(struct source *s);
bool source_is_over(const struct source *s);
int64_t source_now_ms(const struct source *s); // by Okta's clock
// Warns once per kind of trouble of a stream (NULL: none in particular), and says when it is over.
void source_complain(struct source *s, const struct stream *t, const char *what, const char *text);
// Okta refuses the source: it will ask no more.
void source_refuse(struct source *s, const char *text);
const struct budget *source_budget(const struct source *s);
struct str source_name(const struct source *s);

// ---- what the outputs have of the journal is forgotten; journal-trim.c ----

int journal_trim_init(struct source *s) MUST_USE;
void journal_trim_fini(struct source *s);
void journal_trim_note(struct source *s); // a pair has moved on
void journal_trim_cancel(struct source *s);

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
    struct watch_budgets *budgets;
    struct watch_noted *noted;
    struct loop_timer *stop_timer;
    void (*stopped)(void *ctx);
    void *stopped_ctx;
};

// Starts a job and counts it; `done` must call watch_job_done first. Outcomes: 0; -ENOMEM.
int watch_job(struct watch *w, void (*work)(void *), void (*done)(void *), void *ctx) MUST_USE;
void watch_job_done(struct watch *w);
// To be called whenever a pair's state may have ended something.
void watch_check_finished(struct watch *w);
// Whether the pair of that source and output is one that this watch is for.
bool watch_has_pair(const struct watch *w, size_t source, size_t output);
// 1 s, 2 s, 4 s ... 60 s, each 50 to 100 % of it.
int64_t watch_backoff_ms(struct watch *w, int failures);
// The same from another first one to another last one.
int64_t watch_backoff_between_ms(struct watch *w, int failures, int64_t init_ms, int64_t max_ms);
// All that may have waited for an output looks again.
void watch_step(struct watch *w);

// ---- what is told of outputs and pairs; stand.c ----

// Warns when Okta is about to forget what pairs of an output, or of a source, have not had, while
// there is trouble: in time, once a day, and again when very little time is left.
void stand_warn(struct watch *w);
int64_t stand_forgotten_in_ms(const struct pair *p); // as watch_pair_stats says
// Where pairs stood when the process before this one was last heard of. Outcomes: 0; -errno.
int stand_recall(struct watch *w, struct fault *fault) MUST_USE;

// ---- how the outputs are, kept for `gatehouse status`; noted.c ----

int watch_noted_init(struct watch *w) MUST_USE;
void watch_noted_fini(struct watch *w);
void watch_noted_note(struct watch *w);       // something has changed
void watch_noted_end(struct watch *w);        // the watch ends: what waits is written down now
bool watch_noted_wait(const struct watch *w); // to be written down

// ---- the state of the budgets, kept for `gatehouse status`; budgets.c ----

int watch_budgets_init(struct watch *w) MUST_USE;
void watch_budgets_fini(struct watch *w);
void watch_budgets_note(struct watch *w);       // something has changed
void watch_budgets_end(struct watch *w);        // the watch ends: what waits is written down now
bool watch_budgets_wait(const struct watch *w); // to be written down

#endif
