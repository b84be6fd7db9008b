// SPDX-License-Identifier: Apache-2.0
// What a job does with one page, one pair and one output: deliver, sync, commit. Everything before
// the commit can be undone, and is undone when the commit fails; so a page is in the sink and the
// cursor is behind it, or neither.
#include <errno.h>

#include "watch/watch-internal.h"

struct work {
    struct pair *pair;
    struct output *output;
    const struct page *page;
    struct delivery *result;
    struct sink_doc *docs; // those that the pair has not had yet
    size_t *event_of;      // and which event of the page each is
    struct sink_reply *replies;
    size_t count;
    struct store_dead_letter *dead;
    size_t dead_count;
    struct buf ids;
    struct buf mark;
};

static struct store *store_of(const struct work *w) { return w->output->watch->opts.store; }

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
    w->dead = mem_new_array(n + w->page->dead_count, sizeof *w->dead);
    if (!w->docs || !w->event_of || !w->replies || !w->dead) return -ENOMEM;
    return 0;
}

// Only what is new takes room in the memory of uuids: a repeat of much must not push it out.
static int choose_new(struct work *w) {
    for (size_t i = 0; i < w->page->event_count; i++) {
        if (recent_has(&w->pair->recent, w->page->events[i].id)) {
            w->result->repeated++;
            continue;
        }
        w->docs[w->count] = w->page->docs[i];
        w->event_of[w->count++] = i;
    }
    return recent_reserve(&w->pair->recent, w->count, w->pair->published_ms);
}

static int judge(struct work *w) {
    for (size_t i = 0; i < w->count; i++) {
        const struct sink_reply *reply = &w->replies[i];
        const struct page_event *event = &w->page->events[w->event_of[i]];
        if (reply->verdict == SINK_RETRY)
            return fault_set(&w->result->fault, -EAGAIN, "%s",
                             reply->fault ? reply->fault->text : "a document was not taken");
        buf_add(&w->ids, &event->id, sizeof event->id);
        if (reply->verdict == SINK_DELIVERED) continue;
        w->dead[w->dead_count++] = (struct store_dead_letter){
            .event = event->text,
            .uuid = w->docs[i].uuid,
            .reason = str_from(reply->fault ? reply->fault->text : "rejected by the output"),
        };
    }
    w->result->rejected = (int64_t)w->dead_count;
    w->result->delivered = (int64_t)(w->count - w->dead_count);
    return w->ids.error;
}

static int deliver(struct work *w) {
    struct sink *sink = w->output->outlet.sink;
    struct fault *fault = &w->result->fault;
    if (w->count == 0) return 0;
    int e = sink->type->deliver(sink, w->docs, w->count, time_now_ms(), w->replies, fault);
    if (!e) e = judge(w);
    if (!e) e = sink->type->sync(sink, &w->mark, fault);
    return e ? e : w->mark.error;
}

static int commit(struct work *w) {
    const struct page *page = w->page;
    for (size_t i = 0; i < page->dead_count; i++) w->dead[w->dead_count++] = page->dead[i];
    const struct store_commit commit = {
        .source = str_from(w->pair->source->opts->name),
        .output = str_from(w->output->opts->name),
        .next = str_from(page->next),
        .published_ms = page->newest_ms > w->pair->published_ms ? page->newest_ms : 0,
        .now_ms = time_now_ms(),
        .events = w->result->delivered,
        .pages = page->received > 0,
        .recent_append = buf_str(&w->ids),
        .recent_max = RECENT_MAX,
        .mark = w->count > 0 ? buf_str(&w->mark) : STR_NONE,
        .dead = w->dead,
        .dead_count = w->dead_count,
    };
    return store_commit(store_of(w), &commit, &w->result->fault);
}

// Before anything of a new pair is delivered, where it begins is on record: a restart begins there
// again.
static int commit_start(struct work *w) {
    if (!w->pair->is_new) return 0;
    const struct store_commit commit = {
        .source = str_from(w->pair->source->opts->name),
        .output = str_from(w->output->opts->name),
        .next = str_from(w->page->cursor),
        .now_ms = time_now_ms(),
        .recent_max = RECENT_MAX,
    };
    int e = store_commit(store_of(w), &commit, &w->result->fault);
    if (!e) w->pair->is_new = false;
    return e;
}

// A page without news, whose cursor is where we stand already, needs no transaction.
static bool nothing_to_do(const struct work *w) {
    return w->page->received == 0 && !w->pair->is_new &&
           strcmp(w->page->cursor, w->page->next) == 0;
}

static int run(struct work *w) {
    w->ids = buf_make(PAGE_BODY_MAX_BYTES);
    w->mark = buf_make(1 << 20);
    int e = outlet_open(&w->output->outlet, &w->result->fault);
    if (!e && nothing_to_do(w)) return 0;
    if (!e) e = commit_start(w);
    if (!e) e = make_room(w);
    if (!e) e = choose_new(w);
    if (!e) e = deliver(w);
    return e ? e : commit(w);
}

static void remember(struct work *w) {
    for (size_t i = 0; i < w->count; i++)
        recent_add(&w->pair->recent, w->page->events[w->event_of[i]].id);
    if (w->count > 0) w->output->outlet.sink->type->committed(w->output->outlet.sink);
}

static void undo(struct work *w) {
    take_notice(w);
    outlet_undo(&w->output->outlet);
}

void delivery_run(struct pair *p) {
    p->delivery = (struct delivery){0};
    struct work w = {.pair = p, .output = p->output, .page = p->page, .result = &p->delivery};
    int e = run(&w);
    p->delivery.error = e > 0 ? -EIO : e;
    if (e && !p->delivery.fault.text[0])
        fault_set(&p->delivery.fault, e, "%s", error_text(p->delivery.error));
    if (e) undo(&w);
    else remember(&w);
    take_notice(&w);
    free(w.docs);
    free(w.event_of);
    free(w.replies);
    free(w.dead);
    buf_fini(&w.ids);
    buf_fini(&w.mark);
}
