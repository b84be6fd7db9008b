// SPDX-License-Identifier: Apache-2.0
// An output whose sink keeps the positions of its pairs itself, in the same transaction as the
// documents, may have been served by another state since this one last did. So before anything is
// asked for it, the sink is opened and asked, and what it knows goes on record in one transaction;
// then its pairs begin as at a start. That is where they stand, and what is remembered of what they
// had: Okta may repeat some of it.
//
// A window that the other state had on record without a document of it in the sink is not known
// there: what of the past before the beginning of the polling is missing becomes windows again.
#include <errno.h>

#include "watch/watch-internal.h"

enum { SPLIT_WAIT_MS = 100 };

// What a row of the sink's borrows is kept.
struct texts {
    char *source, *next;
};

// What the other state remembered of a page, kept likewise; the uuids are `recent` or `had`.
struct kept {
    char *source, *recent, *had;
};

struct output_join {
    struct output *output;
    bool running, done;
    int failures;
    // The job's:
    struct store_stood *rows;
    struct texts *texts; // one for each
    size_t n, cap, text_cap;
    struct store_remembered *remembered;
    struct kept *kept; // one for each
    size_t remembered_count, remembered_cap, kept_cap;
    int error;
    struct fault fault;
};

static struct watch *watch_of(const struct output_join *j) { return j->output->watch; }

static void forget_rows(struct output_join *j) {
    for (size_t i = 0; i < j->n; i++) {
        free(j->texts[i].source);
        free(j->texts[i].next);
    }
    j->n = 0;
    for (size_t i = 0; i < j->remembered_count; i++) {
        free(j->kept[i].source);
        free(j->kept[i].recent);
        free(j->kept[i].had);
    }
    j->remembered_count = 0;
}

int output_join_init(struct output *o) {
    if (!o->opts->type->positions) return 0;
    o->join = mem_new(sizeof *o->join);
    if (!o->join) return -ENOMEM;
    o->join->output = o;
    return 0;
}

void output_join_fini(struct output *o) {
    struct output_join *j = TAKE(o->join);
    if (!j) return;
    forget_rows(j);
    free(j->rows);
    free(j->texts);
    free(j->remembered);
    free(j->kept);
    free(j);
}

bool output_is_joined(const struct output *o) { return !o->join || o->join->done; }

// ---- what the sink knows (in a job)

static const struct watch_source_opts *find_source(const struct output_join *j, struct str name) {
    const struct watch_opts *opts = &watch_of(j)->opts;
    for (size_t i = 0; i < opts->source_count; i++)
        if (str_eqz(name, opts->sources[i].name)) return &opts->sources[i];
    return NULL;
}

static int copy_text(struct str from, char **ret) {
    *ret = from.p ? mem_copy(from.p, from.n) : NULL;
    return from.p && !*ret ? -ENOMEM : 0;
}

// Room for one more, with texts of its own.
static int add_row(struct output_join *j, const struct store_stood *row) {
    int e = mem_grow(&j->rows, &j->cap, j->n + 1, sizeof *j->rows);
    if (!e) e = mem_grow(&j->texts, &j->text_cap, j->n + 1, sizeof *j->texts);
    if (e) return e;
    struct texts *texts = &j->texts[j->n];
    *texts = (struct texts){NULL, NULL};
    struct store_stood *to = &j->rows[j->n++];
    *to = *row;
    e = copy_text(row->source, &texts->source);
    if (!e) e = copy_text(row->next, &texts->next);
    to->source = (struct str){texts->source, row->source.n};
    to->next = (struct str){texts->next, row->next.n};
    return e;
}

// The numbers of another state's journal say nothing of ours.
static bool is_journal(const struct output_join *j, struct str name) {
    const struct watch_source_opts *source = find_source(j, name);
    return source && source->journal;
}

static int take_position(void *ctx, const struct sink_position *p) {
    struct output_join *j = ctx;
    if (is_journal(j, p->source)) return 0;
    if (p->window && p->since_ms >= p->until_ms) return 0;
    return add_row(j, &(struct store_stood){.source = p->source,
                                            .next = p->next,
                                            .published_ms = p->published_ms,
                                            .start_ms = p->start_ms,
                                            .window = p->window,
                                            .since_ms = p->since_ms,
                                            .until_ms = p->until_ms,
                                            .position_ms = p->position_ms,
                                            .done = p->done});
}

static int keep_memory(struct kept *kept, const struct sink_memory *m,
                       struct store_remembered *ret) {
    int e = copy_text(m->source, &kept->source);
    if (!e) e = copy_text(m->recent, &kept->recent);
    if (!e) e = copy_text(m->had, &kept->had);
    *ret = (struct store_remembered){.source = {kept->source, m->source.n},
                                     .recent = {kept->recent, m->recent.n},
                                     .before_ms = m->before_ms,
                                     .had = {.first_ms = m->first_ms,
                                             .last_ms = m->last_ms,
                                             .fetched_ms = m->fetched_ms,
                                             .uuids = {kept->had, m->had.n}},
                                     .window = m->window};
    return e;
}

static int take_memory(void *ctx, const struct sink_memory *m) {
    struct output_join *j = ctx;
    size_t want = j->remembered_count + 1;
    if (is_journal(j, m->source)) return 0;
    int e = mem_grow(&j->remembered, &j->remembered_cap, want, sizeof *j->remembered);
    if (!e) e = mem_grow(&j->kept, &j->kept_cap, want, sizeof *j->kept);
    if (e) return e;
    size_t at = j->remembered_count++;
    j->kept[at] = (struct kept){NULL, NULL, NULL};
    return keep_memory(&j->kept[at], m, &j->remembered[at]);
}

// A window that was split is told with its old end until its next page came; the other half may be
// told, too.
static void cut_at_next(struct output_join *j, struct store_stood *w) {
    for (size_t i = 0; i < j->n; i++) {
        const struct store_stood *other = &j->rows[i];
        if (other == w || !other->window || !str_eq(other->source, w->source)) continue;
        if (other->since_ms > w->since_ms && other->since_ms < w->until_ms)
            w->until_ms = other->since_ms;
    }
    if (w->position_ms < w->until_ms && !w->done) return;
    w->position_ms = w->until_ms;
    w->done = true;
}

// The past that a new pair would be given by windows (begin.c), for the parts that are not known.
static int add_past(struct output_join *j, const struct store_stood *polled) {
    const struct watch_source_opts *source = find_source(j, polled->source);
    if (!source || source->initial_interval_ms <= PLAIN_MAX_MS || polled->start_ms == 0) return 0;
    int64_t since_ms = polled->start_ms - source->initial_interval_ms;
    return add_row(j, &(struct store_stood){.source = str_from(source->name),
                                            .window = true,
                                            .missing = true,
                                            .since_ms = since_ms,
                                            .until_ms = polled->start_ms,
                                            .position_ms = since_ms});
}

static int put_on_record(struct output_join *j) {
    size_t told = j->n;
    int e = 0;
    for (size_t i = 0; i < told; i++)
        if (j->rows[i].window) cut_at_next(j, &j->rows[i]);
    for (size_t i = 0; !e && i < told; i++) {
        const struct store_stood polled = j->rows[i]; // the array may move
        if (!polled.window) e = add_past(j, &polled);
    }
    const struct store_join join = {.output = str_from(j->output->opts->name),
                                    .now_ms = time_now_ms(),
                                    .rows = j->rows,
                                    .n = j->n,
                                    .remembered = j->remembered,
                                    .remembered_count = j->remembered_count,
                                    .recent_max = RECENT_MAX};
    return e ? e : store_join(watch_of(j)->opts.store, &join, &j->fault);
}

static int ask(struct output_join *j, struct sink *sink) {
    int e = sink->type->positions(sink, take_position, j, &j->fault);
    if (!e && sink->type->remembered) e = sink->type->remembered(sink, take_memory, j);
    return e;
}

static void work(void *ctx) {
    struct output_join *j = ctx;
    struct outlet *outlet = &j->output->outlet;
    forget_rows(j);
    j->fault.text[0] = '\0';
    j->error = outlet_open(outlet, &j->fault);
    if (!j->error) j->error = ask(j, outlet->sink);
    if (!j->error && j->n > 0) j->error = put_on_record(j);
    if (j->error) outlet_close(outlet); // opened again, it tells all of it again
}

static int find_one(void *ctx, const struct sink_position *p) {
    (void)p;
    *(bool *)ctx = true;
    return 0;
}

int output_find_foreign(struct output *o, bool *ret, struct fault *fault) {
    struct sink *sink = o->outlet.sink;
    *ret = false;
    if (!sink->type->positions) return 0;
    int e = sink->type->positions(sink, find_one, ret, fault);
    if (e) outlet_close(&o->outlet); // opened again, it is asked again
    return e > 0 ? -EIO : e;
}

// ---- on the loop

static void each_of(const struct output *o, struct stream *t, void (*act)(struct pair *p)) {
    for (size_t i = 0; i < t->pair_count; i++)
        if (t->pairs[i].output == o) act(&t->pairs[i]);
}

static void each_pair(const struct output *o, void (*act)(struct pair *p)) {
    struct watch *w = o->watch;
    for (size_t i = 0; i < w->opts.source_count; i++) {
        struct source *s = &w->sources[i];
        each_of(o, &s->poll, act);
        for (struct stream *t = s->history.windows; t; t = t->next) each_of(o, t, act);
    }
}

static void give_up(struct pair *p) {
    if (!pair_is_over(p)) pair_stop(p);
}

static void have_failed(struct output_join *j) {
    struct output *o = j->output;
    const char *text = j->fault.text[0] ? j->fault.text : error_text(j->error);
    int64_t wait = output_backoff_ms(o, j->failures++);
    if (j->error == -EPIPE) {
        output_stop(o, text);
        return;
    }
    output_failed(o, text);
    bool hopeless = watch_of(j)->opts.once && j->failures >= ONCE_FEW_TRIES;
    if (!hopeless) loop_timer_set(o->timer, wait);
    else each_pair(o, give_up);
    if (hopeless) watch_step(watch_of(j));
}

static int load_source(struct output_join *j, struct source *s) {
    int e = 0;
    for (size_t i = 0; j->n > 0 && !e && i < s->poll.pair_count; i++)
        if (s->poll.pairs[i].output == j->output)
            e = pair_load(&s->poll.pairs[i], watch_of(j)->opts.store, &j->fault);
    return e ? e : history_take_up(&s->history, j->output, &j->fault);
}

static void may_begin(struct output_join *j) {
    struct output *o = j->output;
    struct watch *w = o->watch;
    j->failures = 0;
    if (o->holding_up == 0) output_complain(o, NULL, NULL);
    watch_step(w);
}

static void have_joined(struct output_join *j) {
    struct watch *w = watch_of(j);
    int e = 0;
    j->done = true;
    if (j->n > 0)
        log_info(w->opts.log, "output.joined", KV_STR("output", j->output->opts->name),
                 KV_STR("what", "another collector has been here; going on from where it stood"));
    for (size_t i = 0; !e && i < w->opts.source_count; i++) e = load_source(j, &w->sources[i]);
    forget_rows(j);
    if (e) output_stop(j->output, j->fault.text[0] ? j->fault.text : error_text(e));
    else may_begin(j);
}

static void done(void *ctx) {
    struct output_join *j = ctx;
    struct sink *sink = j->output->outlet.sink;
    j->running = false;
    watch_job_done(watch_of(j));
    if (sink && sink->notice.text[0])
        log_warn(watch_of(j)->opts.log, "output.notice", KV_STR("output", j->output->opts->name),
                 KV_STR("what", sink->notice.text));
    if (sink) sink->notice.text[0] = '\0';
    if (!watch_of(j)->stopping) {
        if (j->error) have_failed(j);
        else have_joined(j);
    }
    watch_check_finished(watch_of(j));
}

// A window that is just being split would be taken up twice.
static bool any_splits(const struct watch *w) {
    for (size_t i = 0; i < w->opts.source_count; i++)
        if (w->sources[i].history.split.stream) return true;
    return false;
}

void output_join(struct output *o) {
    struct output_join *j = o->join;
    if (!j || j->done || j->running || o->stopped || o->watch->stopping) return;
    if (any_splits(o->watch)) {
        loop_timer_set(o->timer, SPLIT_WAIT_MS);
        return;
    }
    j->running = true;
    int e = output_job(o, work, done, j); // from here on the job alone says how it went
    if (!e) return;
    j->running = false;
    j->error = e;
    fault_set(&j->fault, 0, "no memory for a job");
    have_failed(j);
}

// What is on record takes the windows' place.
static void begin_again(struct pair *p) {
    p->next_waiting = NULL;
    p->held_up = false;
    p->failures = 0;
    if (pair_is_over(p)) return;
    source_give_back(p->source, TAKE(p->page));
    p->state = pair_is_polling(p) ? PAIR_IDLE : PAIR_FINISHED;
    p->due_mono_ms = 0;
}

void output_rejoin(struct output *o) {
    o->join->done = false;
    o->first_waiting = NULL;
    each_pair(o, begin_again);
    o->holding_up = 0;
    loop_timer_set(o->timer, 0);
}
