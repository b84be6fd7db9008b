// SPDX-License-Identifier: Apache-2.0
// What a job does with one page, one pair and one output: deliver, sync, commit. Everything before
// the commit can be undone, and is undone when the commit fails; so a page is in the sink and the
// cursor is behind it, or neither.
#include <errno.h>

#include "watch/filter.h"
#include "watch/had.h"

struct work {
    struct pair *pair;
    struct output *output;
    const struct page *page;
    enum ecs_form form; // of the page's documents
    bool filters;
    struct delivery *result;
    struct had had;
    struct sink_doc *docs; // those that the pair wants and has not had yet
    size_t *event_of;      // and which event of the page each is
    struct sink_reply *replies;
    size_t count;
    struct store_dead_letter *dead;
    size_t dead_count;
    struct buf ids;             // to be remembered by the pair; those of the dead letters first
    struct buf kept;            // to be kept on record for the other way; likewise
    size_t dead_ids, dead_kept; // how much of them is of the dead letters
    size_t dead_recorded;       // dead letters that are on record, with what is to be remembered
    size_t *passed; // events to be remembered all the same: they came by the other way, or are not
                    // wanted
    size_t passed_count;
    bool synced; // the sink's mark is to be committed
    struct buf mark;
};

static bool is_polling(const struct work *w) { return pair_is_polling(w->pair); }

static bool remembers(const struct work *w) { return pair_remembers(w->pair); }

static struct store *store_of(const struct work *w) { return w->output->watch->opts.store; }

static bool keeps_positions(const struct work *w) {
    return w->output->opts->type->positions != NULL;
}

// What a sink wants people to know although it went on is handed to the loop thread, which logs.
static void take_notice(struct work *w) {
    struct sink *sink = w->output->outlet.sink;
    if (!sink || !sink->notice.text[0]) return;
    w->result->notice = sink->notice;
    sink->notice.text[0] = '\0';
}

static int make_room(struct work *w) {
    size_t n = w->page->event_count;
    w->docs = mem_new_array(n, sizeof *w->docs);
    w->event_of = mem_new_array(n, sizeof *w->event_of);
    w->replies = mem_new_array(n, sizeof *w->replies);
    w->passed = mem_new_array(n, sizeof *w->passed);
    w->dead = mem_new_array(n + w->page->dead_count, sizeof *w->dead);
    if (!w->docs || !w->event_of || !w->replies || !w->passed || !w->dead) return -ENOMEM;
    return 0;
}

static bool wants(const struct work *w, struct str event_type, struct str outcome) {
    return !w->filters || filter_wants(&w->output->opts->filter, event_type, outcome);
}

// Only what is new takes room in the memory of uuids: a repeat of much must not push it out.
static void choose(struct work *w, size_t event, const struct sink_doc *doc) {
    bool repeated = recent_has(&w->pair->recent, w->page->events[event].id);
    bool wanted = wants(w, doc->event_type, doc->outcome);
    if (wanted && !repeated && !w->had.known[event]) {
        w->docs[w->count] = *doc;
        w->event_of[w->count++] = event;
        return;
    }
    if (wanted) w->result->repeated++;
    else w->result->filtered++;
    if (!repeated) w->passed[w->passed_count++] = event;
}

static int choose_new(struct work *w) {
    const struct sink_doc *docs = w->page->forms[w->form].docs;
    for (size_t i = 0; i < w->had.events; i++)
        if (!w->had.outside[i] && docs[i].document.n > 0) choose(w, i, &docs[i]);
    if (!remembers(w)) return 0;
    return recent_reserve(&w->pair->recent, w->count + w->passed_count + w->had.dead,
                          w->pair->published_ms);
}

static void add_id(struct buf *to, struct hash128 id) { buf_add(to, &id, sizeof id); }

static void note_id(struct work *w, size_t event) {
    struct hash128 id = w->page->events[event].id;
    if (remembers(w)) add_id(&w->ids, id);
    if (had_is_to_be_kept(&w->had, event)) add_id(&w->kept, id);
}

static void note_those(struct work *w, bool rejected) {
    for (size_t i = 0; i < w->count; i++)
        if ((w->replies[i].verdict == SINK_REJECTED) == rejected) note_id(w, w->event_of[i]);
}

// What could not be mapped has no uuid to go by, or not one that is sure.
static struct hash128 id_of_dead(const struct page_dead *dead) {
    return hash128(dead->letter.event);
}

static void note_dead_letter(struct work *w, const struct page_dead *dead) {
    if (remembers(w)) add_id(&w->ids, id_of_dead(dead));
    if (w->result->dead++ == 0)
        fault_set(&w->result->dead_reason, 0, "%.*s", STR_ARG(dead->letter.reason));
    w->dead[w->dead_count++] = dead->letter;
}

// What could not be mapped in the output's form. Of what has a type that is known, it may not be
// wanted.
static void note_dead(struct work *w) {
    for (size_t i = 0; i < w->had.dead; i++) {
        const struct page_dead *dead = &w->page->dead[i];
        if (!(dead->forms & page_form_bit(w->form))) continue;
        if (dead->event_type.n > 0 && !wants(w, dead->event_type, dead->outcome))
            w->result->filtered++;
        else if (recent_has(&w->pair->recent, id_of_dead(dead))) w->result->repeated++;
        else note_dead_letter(w, dead);
    }
}

// Everything that is to be remembered of the page. Outcomes: 0; -ENOMEM.
static int note_ids(struct work *w) {
    note_those(w, true);
    note_dead(w);
    w->dead_ids = w->ids.n;
    w->dead_kept = w->kept.n;
    note_those(w, false);
    for (size_t i = 0; remembers(w) && i < w->passed_count; i++)
        add_id(&w->ids, w->page->events[w->passed[i]].id);
    return w->ids.error ? w->ids.error : w->kept.error;
}

static int judge(struct work *w) {
    int64_t repeated = 0;
    for (size_t i = 0; i < w->count; i++) {
        const struct sink_reply *reply = &w->replies[i];
        const struct page_event *event = &w->page->events[w->event_of[i]];
        if (reply->verdict == SINK_RETRY)
            return fault_set(&w->result->fault, -EAGAIN, "%s",
                             reply->fault ? reply->fault->text : "a document was not taken");
        repeated += reply->verdict == SINK_DELIVERED && reply->repeated;
        if (reply->verdict == SINK_DELIVERED) continue;
        const char *reason = reply->fault ? reply->fault->text : "rejected by the output";
        if (!w->result->dead_reason.text[0]) fault_set(&w->result->dead_reason, 0, "%s", reason);
        w->dead[w->dead_count++] = (struct store_dead_letter){
            .event = event->text,
            .uuid = w->docs[i].uuid,
            .reason = str_from(reason),
        };
    }
    w->result->rejected = (int64_t)w->dead_count;
    w->result->taken = (int64_t)(w->count - w->dead_count);
    w->result->delivered = w->result->taken - repeated;
    w->result->repeated += repeated;
    return 0;
}

// A server that never leaves the next link out (not Okta, but a proxy or a stand-in for it) shows
// the end by an empty page that leads to itself, again and again.
enum { STANDING_TRIES = 5 };
static bool leads_nowhere(const struct work *w) {
    return page_stands(w->page) && w->pair->window.stood + 1 >= STANDING_TRIES;
}

// Where the window stands behind this page. It is done at the page without a next link (a short or
// empty one is not the last), and at the first that reaches its end.
static struct store_window_move move_of(const struct work *w) {
    const struct page *page = w->page;
    const struct pair_window *window = &w->pair->window;
    int64_t position_ms = window->position_ms;
    if (w->had.any && w->had.last_ms > position_ms) position_ms = w->had.last_ms;
    return (struct store_window_move){
        .id = window->id,
        .position_ms = position_ms,
        .until_ms = window->until_ms,
        .next = str_from(page->next),
        .done = !page->next || w->had.reached_end || leads_nowhere(w),
    };
}

// Where the pair will stand behind the page.
static struct sink_position position_of(const struct work *w) {
    const struct pair *p = w->pair;
    const struct page *page = w->page;
    const struct sink_position polled = {
        .source = source_name(p->source),
        .next = str_from(page->next),
        .published_ms = page->newest_ms > p->published_ms ? page->newest_ms : p->published_ms,
        .start_ms = p->start_ms};
    if (is_polling(w)) return polled;
    const struct store_window_move move = move_of(w);
    return (struct sink_position){.source = polled.source,
                                  .next = move.done ? STR_NONE : move.next,
                                  .window = true,
                                  .since_ms = p->stream->since_ms,
                                  .until_ms = move.until_ms,
                                  .position_ms = move.position_ms,
                                  .done = move.done};
}

static struct store_had had_of(const struct work *w, struct str uuids) {
    if (uuids.n == 0) return (struct store_had){0};
    int64_t position_ms = w->pair->window.position_ms; // for a page without any `published`
    return (struct store_had){
        .first_ms = w->had.any ? w->had.first_ms : position_ms,
        .last_ms = w->had.any ? w->had.last_ms : position_ms,
        .fetched_ms = w->page->date_ms ? w->page->date_ms : time_now_ms(),
        .uuids = uuids,
    };
}

// What such a sink is to keep of the page for another collector, which does not have our state. The
// dead letters are among it.
static struct sink_memory memory_of(const struct work *w) {
    const struct store_had had = had_of(w, buf_str(&w->kept));
    bool is_end = remembers(w) && w->page->caught_up; // the loop wakes a journal's
    return (struct sink_memory){.recent = buf_str(&w->ids),
                                .before_ms = w->pair->published_ms,
                                .had = had.uuids,
                                .window = !is_polling(w),
                                .first_ms = had.first_ms,
                                .last_ms = had.last_ms,
                                .fetched_ms = had.fetched_ms,
                                .forget_ms = is_end ? had_settled_ms(w->page) : 0};
}

// A sink that keeps the positions itself is told of pages without documents, too.
static bool has_news(const struct work *w) { return w->count > 0 || keeps_positions(w); }

static int deliver(struct work *w) {
    struct sink *sink = w->output->outlet.sink;
    if (!has_news(w)) return 0;
    sink->progress = false;
    sink->wait_ms = 0;
    int e =
        sink->type->deliver(sink, w->docs, w->count, time_now_ms(), w->replies, &w->result->fault);
    w->result->progress = sink->progress;
    w->result->wait_ms = sink->wait_ms;
    return e ? e : judge(w);
}

static int sync(struct work *w) {
    struct sink *sink = w->output->outlet.sink;
    if (!has_news(w)) return 0;
    const struct sink_memory memory = memory_of(w);
    struct sink_position at = position_of(w);
    at.memory = &memory;
    int e = sink->type->sync(sink, &at, &w->mark, &w->result->fault);
    if (!e) e = w->mark.error;
    w->synced = !e;
    w->result->progress = sink->progress;
    w->result->wait_ms = sink->wait_ms;
    return e;
}

// The dead letters that are remembered, and what of them.
static struct store_commit commit_of_dead(const struct work *w) {
    return (struct store_commit){
        .source = source_name(w->pair->source),
        .output = str_from(w->output->opts->name),
        .now_ms = time_now_ms(),
        .recent_append = str_sub(buf_str(&w->ids), 0, w->dead_ids),
        .recent_max = RECENT_MAX,
        .dead = w->dead,
        .dead_count = remembers(w) ? w->dead_count : (size_t)w->result->rejected,
        .had = had_of(w, str_sub(buf_str(&w->kept), 0, w->dead_kept)),
    };
}

static struct store_commit commit_of(const struct work *w) {
    const struct page *page = w->page;
    bool newer = is_polling(w) && page->newest_ms > w->pair->published_ms;
    size_t ids_from = w->dead_recorded ? w->dead_ids : 0;
    size_t kept_from = w->dead_recorded ? w->dead_kept : 0;
    return (struct store_commit){
        .source = source_name(w->pair->source),
        .output = str_from(w->output->opts->name),
        .next = is_polling(w) ? str_from(page->next) : STR_NONE,
        .published_ms = newer ? page->newest_ms : 0,
        .now_ms = time_now_ms(),
        .events = w->result->taken,
        .pages = page->received > 0,
        .recent_append = str_sub(buf_str(&w->ids), ids_from, w->ids.n),
        .recent_max = RECENT_MAX,
        .mark = w->synced ? buf_str(&w->mark) : STR_NONE,
        .dead = w->dead + w->dead_recorded,
        .dead_count = w->dead_count - w->dead_recorded,
        .had = had_of(w, str_sub(buf_str(&w->kept), kept_from, w->kept.n)),
    };
}

static void remember_ids(struct work *w, size_t from, size_t to) {
    for (size_t at = from; at < to; at += sizeof(struct hash128)) {
        struct hash128 id;
        memcpy(&id, w->ids.p + at, sizeof id);
        recent_add(&w->pair->recent, id);
    }
}

// A window's page is on record for those that poll.
static void tell_those_that_poll(struct work *w) {
    if (w->kept.n > 0 && !is_polling(w)) w->pair->window.poll->had = true;
}

// A sink that keeps positions commits before the store does, and another collector that takes over
// behind its commit does not see the page again. So what is refused is on record first. It is
// remembered with that: when the page comes again here, it is not refused once more. A window does
// not remember what could not be mapped: that stays for the commit. Nobody takes over a journal.
static int record_dead(struct work *w) {
    if (!keeps_positions(w) || w->pair->source->opts->journal) return 0;
    const struct store_commit c = commit_of_dead(w);
    if (c.dead_count == 0) return 0;
    int e = store_commit(store_of(w), &c, &w->result->fault);
    if (e) return e;
    remember_ids(w, 0, w->dead_ids);
    if (w->dead_kept > 0) tell_those_that_poll(w);
    w->dead_recorded = c.dead_count;
    w->result->dead_recorded = true;
    return 0;
}

static int commit(struct work *w) {
    struct store_commit c = commit_of(w);
    if (!is_polling(w)) c.window = move_of(w);
    w->result->done = c.window.done;
    w->result->position_ms = c.window.position_ms;
    return store_commit(store_of(w), &c, &w->result->fault);
}

// Before anything of a new pair is delivered, where it begins is on record, and the windows of its
// past: a restart begins there again.
static int commit_start(struct work *w) {
    struct pair *p = w->pair;
    struct pair_begin *b = &p->begin;
    if (!is_polling(w) || !p->is_new) return 0;
    free(b->ids);
    b->ids = mem_new_array(b->windows.n + 1, sizeof *b->ids);
    if (!b->ids) return -ENOMEM;
    const struct store_begin begin = {
        .source = source_name(p->source),
        .output = str_from(w->output->opts->name),
        .next = str_from(w->page->cursor),
        .start_ms = b->start_ms,
        .now_ms = time_now_ms(),
        .windows = b->windows.p,
        .window_count = b->windows.n,
    };
    int e = store_begin(store_of(w), &begin, b->ids, &w->result->fault);
    if (e) return e;
    w->result->begun = true; // and the loop takes it from there: it looks at is_new meanwhile
    return 0;
}

// A page without news, whose cursor is where we stand already, needs no transaction.
static bool nothing_to_do(const struct work *w) {
    return is_polling(w) && !w->pair->is_new && page_stands(w->page);
}

static int take_page(struct work *w) {
    int e = make_room(w);
    if (!e) e = had_look(&w->had, w->pair, &w->result->fault);
    if (!e) e = choose_new(w);
    if (!e) e = deliver(w);
    if (!e) e = note_ids(w);
    if (!e) e = record_dead(w);
    if (!e) e = sync(w);
    return e ? e : commit(w);
}

// Somebody else may have been there while it was closed.
static int open_outlet(struct work *w) {
    struct outlet *outlet = &w->output->outlet;
    struct fault *fault = &w->result->fault;
    if (outlet->sink) return 0;
    int e = outlet_open(outlet, fault);
    if (!e) e = output_find_foreign(w->output, &w->result->foreign, fault);
    if (e || !w->result->foreign) return e;
    outlet_close(outlet); // what it has told is to be told again, to be put on record
    return fault_set(fault, -ESTALE, "another collector has been at work there meanwhile");
}

static int run(struct work *w) {
    w->ids = buf_make(PAGE_BODY_MAX_BYTES);
    w->kept = buf_make(PAGE_BODY_MAX_BYTES);
    w->mark = buf_make(1 << 20);
    int e = open_outlet(w);
    if (!e && nothing_to_do(w)) return 0;
    if (!e) e = commit_start(w);
    return e ? e : take_page(w);
}

// What polling can meet again is on record from now on, or not any more. One job at a time works
// for an output, so a window's may tell the pair that polls.
static void keep_had(struct work *w) {
    struct pair *poll = is_polling(w) ? w->pair : w->pair->window.poll;
    struct fault ignored; // it is tried again after the next page
    tell_those_that_poll(w);
    if (!is_polling(w) || !poll->had || !w->page->caught_up) return;
    bool left = true;
    if (had_forget(poll, &left, &ignored) == 0) poll->had = left;
}

static void remember(struct work *w) {
    remember_ids(w, 0, w->ids.n);
    if (w->synced) w->output->outlet.sink->type->committed(w->output->outlet.sink);
    keep_had(w);
}

static void undo(struct work *w) {
    take_notice(w);
    outlet_undo(&w->output->outlet);
}

void delivery_run(struct pair *p) {
    p->delivery = (struct delivery){0};
    struct work w = {.pair = p,
                     .output = p->output,
                     .page = p->page,
                     .form = page_form_of(p->page, p->output->opts->form),
                     .filters = filter_is_any(&p->output->opts->filter),
                     .result = &p->delivery};
    int e = run(&w);
    p->delivery.error = e > 0 ? -EIO : e;
    if (e && !p->delivery.fault.text[0])
        fault_set(&p->delivery.fault, e, "%s", error_text(p->delivery.error));
    if (e && w.dead_recorded < w.dead_count) p->delivery.dead = 0;
    if (e) undo(&w);
    else remember(&w);
    take_notice(&w);
    free(w.docs);
    free(w.event_of);
    free(w.replies);
    free(w.passed);
    free(w.dead);
    had_fini(&w.had);
    buf_fini(&w.ids);
    buf_fini(&w.kept);
    buf_fini(&w.mark);
}
