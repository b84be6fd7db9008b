// SPDX-License-Identifier: Apache-2.0
// What the streams of a source share. Pages are mapped one after the other, in the order in which
// they came: a mapper serves one thread, and the memory of documents is that of one page more.
#include <errno.h>

#include "watch/watch-internal.h"

// A page that stays broken so often has its broken events taken for dead letters.
enum { BROKEN_TRIES = 5 };
// Documents of an ordinary page; what an extraordinary one needed is given back.
enum { MEMORY_KEPT_BYTES = 8 << 20 };

static const struct log *log_of(const struct source *s) { return s->watch->opts.log; }

static void drop_spares(struct source *s) {
    for (size_t i = 0; i < LEN(s->spare); i++) s->spare[i] = page_unref(s->spare[i]);
    page_memory_fini(&s->memory);
}

static struct pair *add_pair(struct source *s, size_t output) {
    struct pair *p = &s->poll.pairs[s->poll.pair_count++];
    p->stream = &s->poll;
    p->source = s;
    p->output = &s->watch->outputs[output];
    return p;
}

static int make_pairs(struct source *s, struct fault *fault) {
    size_t number = (size_t)(s - s->watch->sources);
    int e = stream_init(&s->poll, s, s->opts->output_count);
    for (size_t i = 0; !e && i < s->opts->output_count; i++) {
        size_t output = s->opts->outputs[i];
        if (watch_has_pair(s->watch, number, output))
            e = pair_load(add_pair(s, output), s->watch->opts.store, fault);
    }
    return e;
}

int source_init(struct source *s, struct watch *w, const struct watch_source_opts *opts,
                struct fault *fault) {
    s->watch = w;
    s->opts = opts;
    int e = opts->journal ? journal_trim_init(s) : ecs_mapper_new(&s->mapper, &opts->ecs);
    if (!e) e = make_pairs(s, fault);
    return e ? e : history_init(&s->history, s, fault);
}

void source_fini(struct source *s) {
    history_fini(&s->history);
    journal_trim_fini(s);
    stream_fini(&s->poll);
    drop_spares(s);
    recent_fini(&s->told);
    s->mapper = ecs_mapper_free(s->mapper);
}

void source_start(struct source *s) {
    history_start(&s->history);
    if (!s->watch->opts.backfill) stream_step(&s->poll);
}

void source_step(struct source *s) {
    if (!s->watch->opts.backfill) stream_step(&s->poll);
    for (struct stream *t = s->history.windows; t; t = t->next) stream_step(t);
}

void source_cancel(struct source *s) {
    stream_cancel(&s->poll);
    history_cancel(&s->history);
    journal_trim_cancel(s);
    for (struct stream *t = s->history.windows; t; t = t->next) stream_cancel(t);
}

bool source_is_over(const struct source *s) {
    bool polled = s->watch->opts.backfill || stream_is_over(&s->poll);
    return polled && history_is_over(&s->history);
}

int64_t source_now_ms(const struct source *s) { return time_now_ms() + s->clock_offset_ms; }

const struct budget *source_budget(const struct source *s) {
    if (s->opts->journal) return NULL;
    return okta_org_budget(s->opts->org, OKTA_BUCKET_LOGS);
}

struct str source_name(const struct source *s) {
    return str_from(s->opts->name);
}

static void set_complaint(struct source *s, const char *what, const char *text) {
    if (!s->complaint) s->failing_since_ms = time_now_ms();
    if (!what) s->failing_since_ms = 0;
    s->complaint = what;
    fault_set(&s->reason, 0, "%s", what ? text : "");
    watch_noted_note(s->watch);
}

void source_complain(struct source *s, const struct stream *t, const char *what, const char *text) {
    bool another = s->complainer && s->complainer != t;
    if (s->complaint == what || (!what && another)) return;
    set_complaint(s, what, text);
    s->complainer = what ? t : NULL;
    if (what) log_warn(log_of(s), what, KV_STR("source", s->opts->name), KV_STR("reason", text));
    else log_info(log_of(s), "source.recovered", KV_STR("source", s->opts->name));
}

void source_refuse(struct source *s, const char *text) {
    if (!s->stopped)
        log_error(log_of(s), "okta.refused", KV_STR("source", s->opts->name),
                  KV_STR("reason", text));
    s->stopped = true;
    s->complainer = NULL;
    set_complaint(s, "okta.refused", text);
    s->watch->failed = true;
}

// ---- memory of pages ----

// A pause follows: nothing is kept for it.
static bool is_resting(const struct source *s, const struct page *page) {
    return page->caught_up && history_is_over(&s->history);
}

void source_history_is_over(struct source *s) {
    for (size_t i = 0; i < s->poll.pair_count; i++)
        if (!s->poll.pairs[i].caught_up) return;
    drop_spares(s);
}

// One page's memory is kept for the next one that is mapped, and no more.
static void keep_memory(struct source *s, struct page *page) {
    struct page_memory surplus = {.event_cap = 0};
    page_give_memory(page, s->memory.strings.cap == 0 ? &s->memory : &surplus);
    page_memory_fini(&surplus);
    page_memory_shrink(&s->memory, MEMORY_KEPT_BYTES);
}

void source_give_back(struct source *s, struct page *take_page) {
    if (!take_page || take_page->refs > 1) {
        page_unref(take_page);
        return;
    }
    bool resting = is_resting(s, take_page);
    if (!resting) keep_memory(s, take_page);
    for (size_t i = 0; !resting && take_page && i < LEN(s->spare); i++)
        if (!s->spare[i]) s->spare[i] = TAKE(take_page);
    page_unref(take_page);
    if (resting) drop_spares(s);
}

int source_take_page(struct source *s, struct page **ret) {
    for (size_t i = 0; i < LEN(s->spare); i++) {
        if (!s->spare[i]) continue;
        *ret = TAKE(s->spare[i]);
        page_reset(*ret);
        return 0;
    }
    return page_new(ret);
}

// ---- mapping ----

static int read_page(struct source *s, struct stream *t) {
    const struct page_read_opts opts = {.store = s->watch->opts.store, .source = s->opts->name};
    return page_read(t->asking, &opts, &t->map_fault);
}

static int map_page(struct source *s, struct stream *t) {
    const struct page_map_opts opts = {
        .mapper = s->mapper,
        .source = s->opts->name,
        .name_space = s->opts->ecs.data_stream_namespace,
        .forms = t->map_forms,
        .fetched_ms = time_now_ms(),
        .accept_broken = t->broken_in_a_row >= BROKEN_TRIES,
        .stop = &s->watch->stop,
        .wants = t->bounded ? NULL : s->watch->opts.wants,
    };
    return page_map(t->asking, &opts, &t->map_fault);
}

// Those that the page was asked for, and those that may meet it while others hold it.
static unsigned forms_of(const struct stream *t) {
    unsigned forms = 0;
    for (size_t i = 0; i < t->pair_count; i++) {
        const struct pair *p = &t->pairs[i];
        bool away =
            pair_is_over(p) || output_is_in_trouble(p->output) || !output_is_joined(p->output);
        if (p->state == PAIR_ASKING || !away) forms |= page_form_bit(p->output->opts->form);
    }
    return forms;
}

static void map_work(void *ctx) {
    struct source *s = ctx;
    struct stream *t = s->being_mapped;
    t->map_fault.text[0] = '\0';
    t->map_error = s->opts->journal ? read_page(s, t) : map_page(s, t);
}

static void map_done(void *ctx) {
    struct source *s = ctx;
    watch_job_done(s->watch);
    stream_mapped(TAKE(s->being_mapped));
    source_map_next(s);
}

static bool is_being_delivered(const struct stream *t) {
    for (size_t i = 0; i < t->pair_count; i++)
        if (t->pairs[i].state == PAIR_DELIVERING && !output_is_in_trouble(t->pairs[i].output))
            return true;
    return false;
}

static bool is_window_being_delivered(const struct source *s) {
    for (const struct stream *t = s->history.windows; t; t = t->next)
        if (is_being_delivered(t)) return true;
    return false;
}

// A window's page is mapped when the outputs have taken the one before: until then it is as Okta
// sent it, a third of what it will be. So memory is bounded however many are asked at once.
static struct stream *take_mappable(struct source *s) {
    bool windows_wait = is_window_being_delivered(s);
    struct stream **at = &s->to_map;
    while (*at && (*at)->bounded && windows_wait) at = &(*at)->next_to_map;
    struct stream *t = *at;
    if (t) *at = TAKE(t->next_to_map);
    return t;
}

void source_map_next(struct source *s) {
    while (!s->being_mapped && !s->watch->stopping) {
        struct stream *t = take_mappable(s);
        if (!t) return;
        page_take_memory(t->asking, &s->memory);
        t->map_forms = forms_of(t);
        s->being_mapped = t;
        int e = watch_job(s->watch, map_work, map_done, s);
        if (!e) return; // from here on the job alone says how it went
        t->map_error = e;
        stream_mapped(TAKE(s->being_mapped));
    }
}

void source_map(struct stream *t) {
    struct stream **at = &t->source->to_map;
    while (*at) at = &(*at)->next_to_map;
    *at = t;
    source_map_next(t->source);
}
