// SPDX-License-Identifier: Apache-2.0
// A pair of source and output: where the output stands in the source, and what it is doing about
// it.
#include <errno.h>

#include "watch/watch-internal.h"

enum { STANDING_MS = TIME_SECOND_MS };

static int load_recent(struct recent *r, const struct store_cursor *c) {
    size_t n = c->recent_bytes / sizeof(struct hash128);
    for (size_t i = 0; i < n; i++) {
        struct hash128 id;
        memcpy(&id, c->recent + i * sizeof id, sizeof id);
        int e = recent_reserve(r, 1, c->recent_since_ms);
        if (e) return e;
        recent_add(r, id);
    }
    // When the second generation began is not on record: not before the last commit is safe to say.
    if (r->old.n > 0) r->young_since_ms = c->published_ms;
    return 0;
}

int pair_load(struct pair *p, struct store *store, struct fault *fault) {
    AUTO_FINI(store_cursor) struct store_cursor c = {0};
    int e = store_cursor_load(store, str_from(p->source->opts->name),
                              str_from(p->output->opts->name), &c, fault);
    if (e) return e < 0 ? e : -EIO;
    recent_fini(&p->recent);
    e = load_recent(&p->recent, &c);
    if (e) return e;
    free(p->cursor);
    p->cursor = TAKE(c.next);
    p->is_new = !p->cursor;
    p->published_ms = c.published_ms;
    p->start_ms = c.start_ms;
    p->committed_ms = 0;
    return store_had_any(store, str_from(p->source->opts->name), str_from(p->output->opts->name),
                         &p->had, fault);
}

void pair_fini(struct pair *p) {
    p->page = page_unref(p->page);
    recent_fini(&p->recent);
    range_list_fini(&p->begin.windows);
    free(TAKE(p->begin.ids));
    free(TAKE(p->cursor));
}

bool pair_is_over(const struct pair *p) {
    return p->state == PAIR_FINISHED || p->state == PAIR_STOPPED;
}

int pair_start_at(struct pair *p, int64_t since_ms) {
    const struct watch_source_opts *opts = p->source->opts;
    AUTO_FINI(buf) struct buf url = buf_make(1 << 16);
    if (pair_is_polling(p)) okta_log_first_url(&url, opts->url, since_ms, opts->limit);
    else okta_log_window_url(&url, opts->url, since_ms, p->window.until_ms, opts->limit);
    char *cursor = buf_take(&url);
    if (!cursor) return -ENOMEM;
    free(p->cursor);
    p->cursor = cursor;
    return 0;
}

int pair_start_journal(struct pair *p) {
    char *cursor = mem_copy("0", 1);
    if (!cursor) return -ENOMEM;
    free(p->cursor);
    p->cursor = cursor;
    return 0;
}

// A page that was read before will not be the last one.
void pair_wake(struct pair *p) {
    if (p->page) p->page->caught_up = false;
    if (p->state != PAIR_IDLE || !p->caught_up) return;
    p->caught_up = false;
    p->due_mono_ms = 0;
}

bool pair_remembers(const struct pair *p) {
    return pair_is_polling(p) && !p->source->opts->journal;
}

void pair_stop(struct pair *p) {
    p->page = page_unref(p->page);
    p->state = PAIR_STOPPED;
    p->source->watch->failed = true;
}

// What an output says when somebody has to set something right first: it tells so in these codes.
static bool waits_for_people(int error) {
    static const int codes[] = {-EACCES, -EPERM, -EINVAL, -EPROTO, -ENOTSUP};
    for (size_t i = 0; i < LEN(codes); i++)
        if (codes[i] == error) return true;
    return false;
}

// With `once`, a pair that fails time and again is given up.
static bool is_hopeless(const struct pair *p) {
    int tries = waits_for_people(p->delivery.error) ? ONCE_FEW_TRIES : ONCE_TRIES;
    return p->source->watch->opts.once && p->failures >= tries;
}

void pair_ask_again(struct pair *p, int64_t now_mono_ms, int64_t at_least_ms) {
    int64_t wait = watch_backoff_ms(p->source->watch, p->failures++);
    if (wait < at_least_ms) wait = at_least_ms;
    p->state = PAIR_IDLE;
    p->due_mono_ms = now_mono_ms + wait;
    if (is_hopeless(p)) pair_stop(p);
}

// What windows bring is the affair of the pair that polls, too.
static struct pair *main_pair(struct pair *p) { return pair_is_polling(p) ? p : p->window.poll; }

static void add_counts(struct output_counts *c, const struct delivery *d) {
    c->delivered += d->delivered;
    c->repeated += d->repeated;
    c->filtered += d->filtered;
}

static void add_dead(struct output_counts *c, const struct delivery *d) {
    c->rejected += d->rejected;
    c->unmappable += d->dead;
}

static void count_dead(struct pair *p) {
    const struct source *s = p->source;
    const struct delivery *d = &p->delivery;
    if (d->rejected + d->dead == 0) return;
    p->source->stats.dead_letters += d->rejected + d->dead;
    add_dead(&p->output->counts, d);
    add_dead(&main_pair(p)->counts, d);
    log_warn(s->watch->opts.log, "watch.dead_letters", KV_STR("source", s->opts->name),
             KV_STR("output", p->output->opts->name), KV_INT("events", d->rejected + d->dead),
             KV_STR("reason", d->dead_reason.text));
}

static void count(struct source *s, struct pair *p) {
    const struct delivery *d = &p->delivery;
    int64_t now_ms = time_now_ms();
    s->stats.delivered += d->delivered;
    s->stats.repeated += d->repeated;
    add_counts(&p->output->counts, d);
    add_counts(&main_pair(p)->counts, d);
    main_pair(p)->committed_ms = now_ms;
    if (d->taken > 0) p->output->last_success_ms = now_ms;
    if (p->page->received > 0) watch_noted_note(s->watch);
}

static void report(const struct pair *p) {
    const struct source *s = p->source;
    const struct delivery *d = &p->delivery;
    if (d->taken > 0)
        log_debug(s->watch->opts.log, "watch.delivered", KV_STR("source", s->opts->name),
                  KV_STR("output", p->output->opts->name), KV_INT("events", d->delivered),
                  KV_INT("repeated", d->repeated), KV_INT("filtered", d->filtered));
}

// An output's trouble is over when it has taken the page of every pair that it had held up: that it
// takes another source's empty page says nothing.
static void note_taken(struct pair *p) {
    if (!p->held_up) return;
    p->held_up = false;
    if (--p->output->holding_up > 0) return;
    output_complain(p->output, NULL, NULL);
    output_is_free(p->output); // those in other windows have waited for this
}

static void note_held_up(struct pair *p) {
    if (!p->held_up) p->output->holding_up++;
    p->held_up = true;
    p->output->retries++;
    output_failed(p->output, p->delivery.fault.text);
    if (!pair_is_polling(p)) history_look(&p->source->history);
}

static void move_cursor(struct pair *p, struct page *page) {
    free(TAKE(p->cursor));
    if (!page->next) return;
    p->cursor = page->refs == 1 ? TAKE(page->next) : mem_copy(page->next, strlen(page->next));
    if (!p->cursor) pair_stop(p); // what is committed is safe, go no further
}

// Whether the end of its log is the end of a source.
static bool ends(const struct source *s) {
    const struct watch_opts *opts = &s->watch->opts;
    return opts->once || (s->opts->journal && opts->gateless);
}

static void take_polled(struct pair *p, const struct page *page) {
    struct source *s = p->source;
    bool was_caught_up = p->caught_up;
    if (page->newest_ms > p->published_ms) p->published_ms = page->newest_ms;
    p->caught_up = page->caught_up;
    p->state = p->caught_up && ends(s) ? PAIR_FINISHED : PAIR_IDLE;
    p->due_mono_ms = p->caught_up ? page->asked_mono_ms + s->opts->interval_ms : 0;
    if (p->caught_up) p->caught_up_ms = source_now_ms(s);
    if (p->caught_up != was_caught_up) watch_noted_note(s->watch);
    if (!s->opts->journal) return;
    if (p->caught_up) p->due_mono_ms = INT64_MAX; // until it is woken
    journal_trim_note(s);
}

// A page that brings nothing and leads to itself is asked for again, but not at once.
static void take_bounded(struct pair *p, const struct page *page) {
    bool stands = page_stands(page);
    p->window.position_ms = p->delivery.position_ms;
    p->state = p->delivery.done ? PAIR_FINISHED : PAIR_IDLE;
    p->window.stood = stands ? p->window.stood + 1 : 0;
    p->due_mono_ms = stands ? page->asked_mono_ms + STANDING_MS : 0;
    history_note_page(&p->source->history, p);
}

static void take_page(struct pair *p) {
    struct source *s = p->source;
    count(s, p);
    report(p);
    struct page *page = TAKE(p->page);
    if (pair_is_polling(p)) take_polled(p, page);
    else take_bounded(p, page);
    p->failures = 0;
    if (!pair_is_over(p)) move_cursor(p, page);
    source_give_back(s, page);
    note_taken(p);
}

static void keep_page(struct pair *p) {
    const struct delivery *d = &p->delivery;
    note_held_up(p);
    if (d->progress) p->failures = 0;
    int64_t wait = output_backoff_ms(p->output, p->failures++);
    if (wait < d->wait_ms) wait = d->wait_ms;
    p->state = PAIR_RETRY;
    p->due_mono_ms = time_mono_ms() + wait;
    if (d->error == -EPIPE) output_stop(p->output, d->fault.text);
    else if (d->foreign) output_rejoin(p->output);
    else if (is_hopeless(p)) output_give_up(p->output, p);
}

static void report_notice(const struct pair *p) {
    if (p->delivery.notice.text[0])
        log_warn(p->source->watch->opts.log, "output.notice",
                 KV_STR("output", p->output->opts->name), KV_STR("what", p->delivery.notice.text));
}

void pair_delivered(struct pair *p) {
    struct source *s = p->source;
    report_notice(p);
    p->output->deliveries++;
    if (p->delivery.begun) p->is_new = false;
    int e = p->delivery.begun ? history_add_begun(&s->history, p) : 0;
    if (p->delivery.error == 0 || p->delivery.dead_recorded) count_dead(p);
    if (p->delivery.error == 0) take_page(p);
    else if (!s->watch->stopping) keep_page(p);
    if (pair_is_polling(p)) history_look(&s->history);
    if (e && !pair_is_over(p)) pair_stop(p); // what is on record is taken up at the next start
    source_map_next(s);
    stream_step(p->stream);
}
