// SPDX-License-Identifier: Apache-2.0
#include "watch/replay.h"

#include <errno.h>
#include <poll.h>

#include "base/hash.h"
#include "base/time.h"
#include "watch/audited.h"
#include "watch/outlet.h"
#include "watch/page.h"
#include "watch/recent.h"

enum {
    MARK_MAX_BYTES = 1 << 20,
    TRIES = 5, // of an output that asks to come again; 3.75 s in all
    PAUSE_MS = 250,
};

// An output; one that is down keeps its letters, and the others go on.
struct target {
    struct outlet outlet;
    bool is_down;
    struct fault why;
};

struct replay {
    const struct watch_opts *opts;
    int64_t only;
    void (*kept)(int64_t id, const char *reason);
    struct ecs_mapper **mappers; // one per source, made when it is needed
    struct audited *audited;     // for documents of the gate
    struct target *targets;      // one per output
    atomic_bool stop;
    struct replay_result result;
    struct fault *fault;
};

static int keep(struct replay *r, int64_t id, const char *reason) {
    r->result.kept++;
    if (r->kept) r->kept(id, reason);
    return 0;
}

static ptrdiff_t find_source(const struct replay *r, struct str name) {
    for (size_t i = 0; i < r->opts->source_count; i++)
        if (str_eqz(name, r->opts->sources[i].name)) return (ptrdiff_t)i;
    return -1;
}

static struct target *find_target(struct replay *r, struct str name) {
    for (size_t i = 0; i < r->opts->output_count; i++)
        if (str_eqz(name, r->targets[i].outlet.opts->name)) return &r->targets[i];
    return NULL;
}

// Outcomes: 0, the letter is kept; -ENOMEM.
static int is_down(struct replay *r, struct target *t, int64_t id, int e) {
    if (e == -ENOMEM) return e;
    if (!t->is_down && !t->why.text[0]) fault_set(&t->why, e, "%s", error_text(e));
    t->is_down = true;
    return keep(r, id, t->why.text);
}

static int open_mapper(struct replay *r, size_t source) {
    if (r->mappers[source]) return 0;
    return ecs_mapper_new(&r->mappers[source], &r->opts->sources[source].ecs);
}

// Takes the dead letter away, with what the sink wants to be remembered.
static int commit(struct replay *r, struct outlet *o, const struct store_dead_row *row,
                  const struct ecs_facts *facts, const struct buf *mark) {
    struct hash128 id = hash128(facts->uuid);
    const struct store_commit commit = {
        .source = row->source,
        .output = row->output,
        .now_ms = time_now_ms(),
        .events = 1,
        .recent_append = {(const char *)&id, sizeof id},
        .recent_max = RECENT_MAX,
        .mark = buf_str(mark),
        .replayed = row->id,
    };
    int e = store_commit(r->opts->store, &commit, r->fault);
    if (e) return e;
    o->sink->type->committed(o->sink);
    r->result.delivered++;
    return 0;
}

static int give_once(struct target *t, const struct sink_doc *doc, struct sink_reply *reply) {
    struct sink *sink = t->outlet.sink;
    *reply = (struct sink_reply){0};
    return sink->type->deliver(sink, doc, 1, time_now_ms(), reply, &t->why);
}

static int give(struct target *t, const struct sink_doc *doc, struct sink_reply *reply,
                struct buf *mark) {
    struct sink *sink = t->outlet.sink;
    int e = give_once(t, doc, reply);
    for (int i = 0; e == -EAGAIN && i < TRIES - 1; i++) {
        poll(NULL, 0, PAUSE_MS << i);
        e = give_once(t, doc, reply);
    }
    if (!e && reply->verdict == SINK_DELIVERED) e = sink->type->sync(sink, NULL, mark, &t->why);
    return e ? e : mark->error;
}

// Delivers one document and takes its dead letter away, in one transaction.
static int deliver(struct replay *r, struct target *t, const struct store_dead_row *row,
                   const struct sink_doc *doc, const struct ecs_facts *facts) {
    AUTO_FINI(buf) struct buf mark = buf_make(MARK_MAX_BYTES);
    struct sink_reply reply;
    int e = give(t, doc, &reply, &mark);
    bool given = !e && reply.verdict == SINK_DELIVERED;
    int failed = given ? commit(r, &t->outlet, row, facts, &mark) : 0;
    if (given && !failed) return 0;
    outlet_undo(&t->outlet);
    if (failed) return failed;
    if (e) return is_down(r, t, row->id, e);
    return keep(r, row->id, reply.fault ? reply.fault->text : "the output does not take it now");
}

// What a dead letter is made into.
struct made {
    struct buf document;
    struct ecs_facts facts;
    struct audited_stream stream;
};

static int make_audited(struct replay *r, struct str event, struct made *ret,
                        struct fault *reason) {
    int e = r->audited ? 0 : audited_new(&r->audited);
    buf_add_str(&ret->document, event);
    if (!e) e = ret->document.error;
    if (!e) e = audited_facts(r->audited, event, &ret->facts, reason);
    if (!e) ret->stream = audited_stream(r->audited);
    return e;
}

static int make_mapped(struct replay *r, size_t source, enum ecs_form form, struct str event,
                       struct made *ret, struct fault *reason) {
    const char *name_space = r->opts->sources[source].ecs.data_stream_namespace;
    int e = open_mapper(r, source);
    if (!e) e = ecs_read(r->mappers[source], event, time_now_ms(), &ret->facts, reason);
    if (!e) e = ecs_write(r->mappers[source], form, &ret->document, reason);
    ret->stream =
        (struct audited_stream){STR("okta.system"), str_from(name_space ? name_space : "default")};
    return e;
}

// A document of the gate is one already. Outcomes: 0; positive: it is to be kept, `reason` says
// why; -errno.
static int make_document(struct replay *r, size_t source, enum ecs_form form, struct str event,
                         struct made *ret, struct fault *reason) {
    if (r->opts->sources[source].journal) return make_audited(r, event, ret, reason);
    return make_mapped(r, source, form, event, ret, reason);
}

static int deliver_made(struct replay *r, struct target *t, const struct store_dead_row *row,
                        const struct made *made) {
    const struct ecs_facts *facts = &made->facts;
    const struct sink_doc doc = {
        .uuid = facts->uuid,
        .has_published = facts->has_published,
        .published_ms = facts->published_ms,
        .published = facts->published,
        .source = row->source,
        .event_type = facts->event_type,
        .outcome = facts->outcome,
        .actor = facts->actor,
        .dataset = made->stream.dataset,
        .name_space = made->stream.name_space,
        .document = buf_str(&made->document),
    };
    return deliver(r, t, row, &doc, facts);
}

static int make_and_deliver(struct replay *r, size_t source, struct target *t,
                            const struct store_dead_row *row) {
    struct made made = {.document = buf_make(PAGE_DOCUMENTS_MAX_BYTES)};
    struct fault reason = {{0}};
    int e = make_document(r, source, t->outlet.opts->form, row->event, &made, &reason);
    if (e > 0) e = keep(r, row->id, reason.text);
    else if (!e) e = deliver_made(r, t, row, &made);
    buf_fini(&made.document);
    return e;
}

static int replay_one(struct replay *r, size_t source, struct target *t,
                      const struct store_dead_row *row) {
    int e = t->is_down ? 0 : outlet_open(&t->outlet, &t->why);
    if (t->is_down || e) return is_down(r, t, row->id, e);
    return make_and_deliver(r, source, t, row);
}

struct walk {
    struct replay *replay;
    int error;
};

static int on_row(void *ctx, const struct store_dead_row *row) {
    struct walk *w = ctx;
    struct replay *r = w->replay;
    if (r->only && r->only != row->id) return 0;
    ptrdiff_t source = find_source(r, row->source);
    struct target *t = find_target(r, row->output);
    if (source < 0) w->error = keep(r, row->id, "its source is not configured");
    else if (!t) w->error = keep(r, row->id, "its output is not configured");
    else w->error = replay_one(r, (size_t)source, t, row);
    return w->error;
}

static int make_parts(struct replay *r) {
    r->mappers = mem_new_array(r->opts->source_count, sizeof *r->mappers);
    r->targets = mem_new_array(r->opts->output_count, sizeof *r->targets);
    if (!r->mappers || !r->targets) return -ENOMEM;
    for (size_t i = 0; i < r->opts->output_count; i++)
        outlet_init(&r->targets[i].outlet, &r->opts->outputs[i], r->opts->store, &r->stop);
    return 0;
}

static void free_parts(struct replay *r) {
    for (size_t i = 0; r->targets && i < r->opts->output_count; i++)
        outlet_fini(&r->targets[i].outlet);
    for (size_t i = 0; r->mappers && i < r->opts->source_count; i++) ecs_mapper_free(r->mappers[i]);
    audited_free(r->audited);
    free(r->targets);
    free(r->mappers);
}

int replay_run(const struct watch_opts *opts, int64_t id,
               void (*kept)(int64_t id, const char *reason), struct replay_result *ret,
               struct fault *fault) {
    struct replay r = {.opts = opts, .only = id, .kept = kept, .fault = fault};
    struct walk w = {.replay = &r};
    int e = make_parts(&r);
    if (!e) e = store_dead_each(opts->store, on_row, &w, fault);
    if (!e) e = w.error;
    free_parts(&r);
    *ret = r.result;
    return e;
}
