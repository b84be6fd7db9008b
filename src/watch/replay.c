// SPDX-License-Identifier: Apache-2.0
#include "watch/replay.h"

#include <errno.h>

#include "base/hash.h"
#include "base/time.h"
#include "watch/audited.h"
#include "watch/outlet.h"
#include "watch/page.h"
#include "watch/recent.h"

enum { MARK_MAX_BYTES = 1 << 20 };

struct replay {
    const struct watch_opts *opts;
    int64_t only;
    void (*kept)(int64_t id, const char *reason);
    struct ecs_mapper **mappers; // one per source, made when it is needed
    struct audited *audited;     // for documents of the gate
    struct outlet *targets;      // one per output
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

static struct outlet *find_target(struct replay *r, struct str name) {
    for (size_t i = 0; i < r->opts->output_count; i++)
        if (str_eqz(name, r->targets[i].opts->name)) return &r->targets[i];
    return NULL;
}

static int open_mapper(struct replay *r, size_t source) {
    if (r->mappers[source]) return 0;
    return ecs_mapper_new(&r->mappers[source], &r->opts->sources[source].ecs);
}

// Delivers one document and takes its dead letter away, in one transaction.
static int commit(struct replay *r, struct outlet *t, const struct store_dead_row *row,
                  const struct ecs_facts *facts) {
    AUTO_FINI(buf) struct buf mark = buf_make(MARK_MAX_BYTES);
    struct hash128 id = hash128(facts->uuid);
    int e = t->sink->type->sync(t->sink, &mark, r->fault);
    if (!e) e = mark.error;
    if (e) return e;
    const struct store_commit commit = {
        .source = row->source,
        .output = row->output,
        .now_ms = time_now_ms(),
        .events = 1,
        .recent_append = {(const char *)&id, sizeof id},
        .recent_max = RECENT_MAX,
        .mark = buf_str(&mark),
        .replayed = row->id,
    };
    e = store_commit(r->opts->store, &commit, r->fault);
    if (!e) t->sink->type->committed(t->sink);
    return e;
}

static int deliver(struct replay *r, struct outlet *t, const struct store_dead_row *row,
                   const struct sink_doc *doc, const struct ecs_facts *facts) {
    struct sink_reply reply = {0};
    int e = t->sink->type->deliver(t->sink, doc, 1, time_now_ms(), &reply, r->fault);
    if (!e && reply.verdict == SINK_DELIVERED) e = commit(r, t, row, facts);
    if (!e && reply.verdict == SINK_DELIVERED) {
        r->result.delivered++;
        return 0;
    }
    outlet_undo(t);
    if (e) return e;
    return keep(r, row->id, reply.fault ? reply.fault->text : "the output does not take it now");
}

// A document of the gate is one already. Outcomes: 0; positive: it is to be kept, `reason` says
// why; -errno.
static int make_document(struct replay *r, size_t source, struct str event, struct buf *out,
                         struct ecs_facts *ret, struct fault *reason) {
    if (r->opts->sources[source].journal) {
        int e = r->audited ? 0 : audited_new(&r->audited);
        buf_add_str(out, event);
        if (!e) e = out->error;
        return e ? e : audited_facts(r->audited, event, ret, reason);
    }
    int e = open_mapper(r, source);
    return e ? e : ecs_map(r->mappers[source], event, time_now_ms(), out, ret, reason);
}

static int replay_one(struct replay *r, size_t source, struct outlet *t,
                      const struct store_dead_row *row) {
    AUTO_FINI(buf) struct buf document = buf_make(PAGE_DOCUMENTS_MAX_BYTES);
    struct ecs_facts facts = {0};
    struct fault reason = {{0}};
    int e = outlet_open(t, r->fault);
    if (e) return e;
    e = make_document(r, source, row->event, &document, &facts, &reason);
    if (e < 0) return e;
    if (e > 0) return keep(r, row->id, reason.text);
    const struct sink_doc doc = {
        .uuid = facts.uuid,
        .has_published = facts.has_published,
        .published_ms = facts.published_ms,
        .published = facts.published,
        .source = row->source,
        .event_type = facts.event_type,
        .outcome = facts.outcome,
        .actor = facts.actor,
        .document = buf_str(&document),
    };
    return deliver(r, t, row, &doc, &facts);
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
    struct outlet *t = find_target(r, row->output);
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
        outlet_init(&r->targets[i], &r->opts->outputs[i], r->opts->store, &r->stop);
    return 0;
}

static void free_parts(struct replay *r) {
    for (size_t i = 0; r->targets && i < r->opts->output_count; i++) outlet_fini(&r->targets[i]);
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
