// SPDX-License-Identifier: Apache-2.0
// Documents into Elasticsearch and OpenSearch, each once: elasticsearch-internal.h says how. This
// file is the sink as its caller sees it.
//
// Opening asks the engine for a sign of life, so that one that is down is seen when the program
// starts and not only with the next event; what else there is to learn is learnt when documents
// come.
#include <errno.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/time.h"
#include "elastic/setup.h"
#include "sink/elasticsearch-internal.h"

enum {
    BODY_MAX_BYTES = 512 << 20, // of a request with one document that is larger than all bounds
    BODY_WANTED_BYTES = 10 << 20,
    MARK_MAX_BYTES = 1 << 20,
    PATH_MAX_BYTES = 16384,
    NAME_MAX_BYTES = 4096,
    PLACES_MAX = 8, // that `test` looks at
    MEMORY_MAX =
        100000, // verdicts of pages that were not committed; beyond, a 409 tells them again
};

// ---- opening

static struct sink *es_free(struct sink *sink) {
    struct es_sink *s = (struct es_sink *)sink;
    if (!s) return NULL;
    es_memory_fini(&s->memory);
    es_targets_fini(&s->targets);
    pattern_free(s->index);
    elastic_bulk_reader_free(s->reader);
    elastic_free(s->engine);
    es_settled_fini(&s->settled);
    struct buf *bufs[] = {&s->path, &s->body, &s->name, &s->saved, &s->synced};
    for (size_t i = 0; i < LEN(bufs); i++) buf_fini(bufs[i]);
    free(s);
    return NULL;
}

// A host without user and password: they change, and have no place in the state.
static struct str public_part(const char *host) {
    struct str s = str_from(host);
    size_t from = str_find(s, STR("://"));
    from = from < s.n ? from + strlen("://") : 0;
    size_t end = from + str_find_char(str_sub(s, from, s.n), '/');
    for (size_t i = from; i < end; i++)
        if (s.p[i] == '@') from = i + 1;
    return str_sub(s, from, s.n);
}

static uint64_t cluster_of(const struct elastic_opts *o) {
    uint64_t hash = 1;
    for (size_t i = 0; i < o->host_count; i++) hash = hash64(public_part(o->hosts[i]), hash);
    return hash64(str_from(o->path ? o->path : ""), hash);
}

static int make_index(struct es_sink *s, struct fault *fault) {
    const char *index = s->opts->index;
    if (!index) return 0;
    int r = pattern_new(&s->index, index, fault);
    if (r) return r;
    if (!pattern_is_constant(s->index) || elastic_name_is_good(str_from(index))) return 0;
    return fault_set(fault, -EINVAL, "index: %s is no name for an index", index);
}

static void init(struct es_sink *s, const struct elastic_opts *opts, const struct sink_host *host) {
    s->host = host;
    s->opts = opts;
    s->cluster = cluster_of(opts);
    s->body_max_bytes = BODY_WANTED_BYTES;
    s->path = buf_make(PATH_MAX_BYTES);
    s->body = buf_make(BODY_MAX_BYTES);
    s->name = buf_make(NAME_MAX_BYTES);
    s->saved = buf_make(MARK_MAX_BYTES);
    s->synced = buf_make(MARK_MAX_BYTES);
    fault_set(&s->no_uuid, 0, "the document has no uuid");
    fault_set(&s->long_uuid, 0, "the document's uuid is longer than %d bytes", ELASTIC_ID_MAX);
    fault_set(&s->too_large, 0,
              "the engine, or a proxy before it, takes no request that is as "
              "large as this document (413)");
    elastic_bulk_path(&s->path, opts);
}

static int make_parts(struct es_sink *s, const char *name, struct fault *fault) {
    if (!buf_z(&s->path))
        return s->path.error == -EMSGSIZE
                   ? fault_set(fault, -EINVAL, "parameters: too much of them")
                   : -ENOMEM;
    int r = make_index(s, fault);
    if (!r) r = es_settled_init(&s->settled, name, s->opts);
    if (!r) r = es_memory_init(&s->memory);
    if (!r) r = elastic_bulk_reader_new(&s->reader);
    return r ? r : elastic_new(&s->engine, s->opts, s->host ? s->host->stop : NULL, fault);
}

static int read_mark(struct es_sink *s, struct str mark, struct fault *fault) {
    struct es_mark m = {.sink = s->sink.type->name, .cluster = s->cluster, .targets = &s->targets};
    int r = es_mark_read(mark, &m, fault);
    s->horizon_ms = m.horizon_ms;
    buf_add_str(&s->saved, mark);
    return r ? r : s->saved.error;
}

static int open_as(const struct sink_type *type, struct sink **ret, const struct sink_opts *opts,
                   const struct sink_host *host, struct str mark, struct fault *fault) {
    if (!opts->elastic) return fault_set(fault, -EINVAL, "%s: no hosts are set", opts->name);
    struct es_sink *s = mem_new(sizeof *s);
    if (!s) return fault_set(fault, -ENOMEM, "%s: no memory", opts->name);
    s->sink.type = type;
    init(s, opts->elastic, host);
    int r = make_parts(s, opts->name, fault);
    if (!r) r = read_mark(s, mark, fault);
    if (!r && !opts->dry_run) r = elastic_knock(s->engine, fault);
    if (!r) *ret = &s->sink;
    else es_free(&s->sink);
    return r;
}

static int open_elasticsearch(struct sink **ret, const struct sink_opts *opts,
                              const struct sink_host *host, struct str mark, struct fault *fault) {
    return open_as(&sink_elasticsearch, ret, opts, host, mark, fault);
}

static int open_opensearch(struct sink **ret, const struct sink_opts *opts,
                           const struct sink_host *host, struct str mark, struct fault *fault) {
    return open_as(&sink_opensearch, ret, opts, host, mark, fault);
}

// An event as far as names of indices go by it.
static const char sample[] =
    "{\"@timestamp\":\"%s\",\"data_stream\":{\"type\":\"logs\",\"dataset\":\"%s\","
    "\"namespace\":\"%s\"},\"event\":{\"module\":\"okta\",\"dataset\":\"%s\","
    "\"kind\":\"event\",\"action\":\"user.session.start\",\"outcome\":\"success\"},"
    "\"okta\":{\"event_type\":\"user.session.start\",\"severity\":\"INFO\"}}";

static int expand_sample(struct pattern *pattern, const struct sink_stream *stream, struct buf *out,
                         struct fault *why) {
    AUTO_FINI(buf) struct buf document = buf_make(NAME_MAX_BYTES);
    char now[TIME_RFC3339_MAX];
    int64_t now_ms = time_now_ms();
    time_format_rfc3339(now_ms, now);
    buf_addf(&document, sample, now, stream->dataset, stream->name_space, stream->dataset);
    if (document.error) return document.error;
    const struct sink_doc doc = {.uuid = STR("gatehouse-probe"),
                                 .has_published = true,
                                 .published_ms = now_ms,
                                 .published = str_from(now),
                                 .event_type = STR("user.session.start"),
                                 .outcome = STR("SUCCESS"),
                                 .dataset = str_from(stream->dataset),
                                 .name_space = str_from(stream->name_space),
                                 .document = buf_str(&document)};
    return pattern_expand(pattern, &doc, out, why);
}

// Where a document of now would go. Outcomes: 0; with no name and why in `fault` when that cannot
// be told without a real one; -EINVAL with fault; -ENOMEM.
static int name_place(const struct elastic_opts *opts, const struct sink_stream *stream,
                      struct buf *out, struct fault *fault) {
    AUTO(pattern) struct pattern *pattern = NULL;
    struct fault why = {{0}};
    if (!opts->index) {
        buf_addf(out, "logs-%s-%s", stream->dataset, stream->name_space);
        return out->error;
    }
    int r = pattern_new(&pattern, opts->index, fault);
    if (r) return r;
    r = expand_sample(pattern, stream, out, &why);
    if (r == -ENOMEM) return r;
    if (!r && !out->error && elastic_name_is_good(buf_str(out))) return 0;
    buf_reset(out);
    fault_set(fault, 0, "depends on the document; one that has no name becomes a dead letter (%s)",
              why.text[0] ? why.text : "an event of now has none");
    return 0;
}

// All places that documents of this configuration go to, as far as they can be told, each once.
struct places {
    struct buf names[PLACES_MAX + 1]; // the last is for a place that is one too many
    size_t n, left_out;
};

static void places_fini(struct places *p) {
    for (size_t i = 0; i < LEN(p->names); i++) buf_fini(&p->names[i]);
}
DEFINE_AUTO_FINI(places)

static bool has_place(const struct places *p, struct str name) {
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(buf_str(&p->names[i]), name)) return true;
    return false;
}

static int add_place(struct places *p, const struct elastic_opts *opts,
                     const struct sink_stream *stream, struct fault *fault) {
    struct buf *name = &p->names[p->n];
    buf_reset(name);
    int r = name_place(opts, stream, name, fault);
    if (r || name->n == 0 || has_place(p, buf_str(name))) return r;
    if (p->n < PLACES_MAX) p->n++;
    else p->left_out++;
    return 0;
}

static int find_places(struct places *p, const struct sink_opts *opts, struct fault *fault) {
    static const struct sink_stream usual = {"okta.system", "default"};
    for (size_t i = 0; i < LEN(p->names); i++) p->names[i] = buf_make(NAME_MAX_BYTES);
    int r = opts->stream_count ? 0 : add_place(p, opts->elastic, &usual, fault);
    for (size_t i = 0; !r && i < opts->stream_count; i++)
        r = add_place(p, opts->elastic, &opts->streams[i], fault);
    return r;
}

static int test_places(struct elastic *engine, struct places *p,
                       void (*say)(void *ctx, bool good, const char *step, const char *text),
                       void *ctx) {
    const char *names[PLACES_MAX] = {NULL};
    char text[64];
    for (size_t i = 0; i < p->n; i++)
        if (!(names[i] = buf_z(&p->names[i]))) return -ENOMEM;
    int r = elastic_test(engine, names, p->n ? p->n : 1, say, ctx);
    snprintf(text, sizeof text, "%zu, which are not looked at", p->left_out);
    if (p->left_out) say(ctx, true, "more places", text);
    return r;
}

static int es_test(const struct sink_opts *opts, const struct sink_host *host,
                   void (*say)(void *ctx, bool good, const char *step, const char *text),
                   void *ctx) {
    AUTO(elastic) struct elastic *engine = NULL;
    struct fault fault = {{0}};
    int r = elastic_new(&engine, opts->elastic, host ? host->stop : NULL, &fault);
    if (r) {
        say(ctx, false, "settings", fault.text[0] ? fault.text : error_text(r));
        return r;
    }
    AUTO_FINI(places) struct places places = {.n = 0};
    r = find_places(&places, opts, &fault);
    if (r == -EINVAL) say(ctx, false, "settings", fault.text);
    if (r) return r;
    if (fault.text[0]) say(ctx, true, "index", fault.text);
    return test_places(engine, &places, say, ctx);
}

// ---- a page

// Fills s->name. Outcomes: 0; -ENOENT with fault, the document has no name that will do; -ENOMEM.
static int name_of(struct es_sink *s, const struct sink_doc *d, struct fault *fault) {
    buf_reset(&s->name);
    if (s->index) {
        int r = pattern_expand(s->index, d, &s->name, fault);
        if (r && r != -EMSGSIZE) return r;
    } else {
        buf_addf(&s->name, "logs-%.*s-%.*s", STR_ARG(d->dataset), STR_ARG(d->name_space));
    }
    if (s->name.error == -ENOMEM) return -ENOMEM;
    if (s->name.error) return fault_set(fault, -ENOENT, "the name of its index is too long");
    if (elastic_name_is_good(buf_str(&s->name))) return 0;
    return fault_set(fault, -ENOENT, "\"%.*s\" is no name for an index",
                     STR_ARG(buf_str(&s->name)));
}

// False: it has not been settled before.
static bool recall(const struct es_sink *s, struct es_item *i) {
    struct es_verdict *v = es_memory_get(&s->memory, i->id);
    if (!v) return false;
    i->state = v->rejected ? ES_REJECTED : ES_DELIVERED;
    i->reason = v->rejected ? v->reason : NULL;
    i->repeated = v->repeated;
    return true;
}

// Refuses what needs no engine to be refused, and recalls what has been settled before.
static int take_item(struct es_sink *s, struct es_item *i, const struct sink_doc *d,
                     int64_t now_ms) {
    struct fault why = {{0}};
    *i = (struct es_item){.doc = d, .time_ms = doubt_time(d, now_ms), .id = hash128(d->uuid)};
    if (d->uuid.n == 0 || d->uuid.n > ELASTIC_ID_MAX) {
        i->state = ES_REJECTED;
        i->reason = d->uuid.n == 0 ? &s->no_uuid : &s->long_uuid;
        return 0;
    }
    int r = name_of(s, d, &why);
    if (r == -ENOENT) return recall(s, i) ? 0 : es_reject(s, i, str_from(why.text));
    if (r) return r;
    i->target = es_target_get(&s->targets, buf_str(&s->name));
    if (!i->target) return -ENOMEM;
    i->id.hi ^= hash64(buf_str(&s->name), 1); // the same uuid may go to two of them
    recall(s, i);
    return 0;
}

// What this page will send must lie before the horizon that is on record.
static void move_horizon(struct es_sink *s, const struct es_page *page) {
    int64_t newest_ms = INT64_MIN;
    for (size_t i = 0; i < page->n; i++)
        if (page->items[i].state == ES_OPEN && page->items[i].time_ms > newest_ms)
            newest_ms = page->items[i].time_ms;
    int64_t horizon_ms = doubt_horizon(s->horizon_ms, newest_ms, page->now_ms);
    if (horizon_ms == s->horizon_ms) return;
    s->horizon_ms = horizon_ms;
    s->must_save = true;
}

static int resolve_targets(struct es_sink *s, const struct es_page *page, struct fault *fault) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < page->n; i++) {
        struct es_target *t = page->items[i].target;
        if (page->items[i].state != ES_OPEN || t->resolved) continue;
        r = es_target_resolve(s, t, page->now_ms, fault);
    }
    return r;
}

static int run(struct es_sink *s, struct es_page *page, const struct sink_doc *docs,
               struct fault *fault) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < page->n; i++)
        r = take_item(s, &page->items[i], &docs[i], page->now_ms);
    if (!r) r = resolve_targets(s, page, fault);
    if (!r) move_horizon(s, page);
    if (!r) r = es_look_before(s, page, fault);
    return r ? r : es_send(s, page, fault);
}

// For the next try: what got in, and that indices may have changed when an answer was lost.
static void remember(struct es_sink *s, const struct es_page *page) {
    for (size_t i = 0; i < s->targets.n; i++) s->targets.p[i]->resolved = false;
    for (size_t i = 0; i < page->n; i++) {
        const struct es_item *item = &page->items[i];
        if (!item->new) continue;
        s->sink.progress = true;
        if (item->state != ES_DELIVERED) continue;
        if (!es_memory_put(&s->memory, item->id, item->repeated, STR_NONE)) return;
    }
}

static void begin_page(struct es_sink *s) {
    s->sink.progress = false;
    s->sink.wait_ms = 0;
    if (s->forget || s->memory.table.n > MEMORY_MAX) es_memory_clear(&s->memory);
    s->forget = false;
    es_targets_trim(&s->targets);
}

static int es_deliver(struct sink *sink, const struct sink_doc *docs, size_t n, int64_t now_ms,
                      struct sink_reply *replies, struct fault *fault) {
    struct es_sink *s = (struct es_sink *)sink;
    if (n == 0) return 0;
    begin_page(s);
    AUTO_MEM struct es_item *items = mem_new_array(n, sizeof *items);
    if (!items) return -ENOMEM;
    struct es_page page = {.items = items, .n = n, .now_ms = now_ms};
    int r = run(s, &page, docs, fault);
    if (r) {
        remember(s, &page);
        return r;
    }
    for (size_t i = 0; i < n; i++) {
        bool rejected = items[i].state == ES_REJECTED;
        replies[i] = (struct sink_reply){.verdict = rejected ? SINK_REJECTED : SINK_DELIVERED,
                                         .repeated = items[i].repeated,
                                         .fault = items[i].reason};
    }
    return 0;
}

// ---- committing

static int es_sync(struct sink *sink, const struct sink_position *at, struct buf *ret_mark,
                   struct fault *fault) {
    (void)at, (void)fault;
    struct es_sink *s = (struct es_sink *)sink;
    buf_reset(&s->synced);
    es_write_mark(s, &s->synced);
    if (s->synced.error || str_eq(buf_str(&s->synced), buf_str(&s->saved))) return s->synced.error;
    buf_add_str(ret_mark, buf_str(&s->synced));
    return ret_mark->error;
}

static void es_committed(struct sink *sink) {
    struct es_sink *s = (struct es_sink *)sink;
    s->forget = true;
    buf_reset(&s->saved);
    buf_add_str(&s->saved, buf_str(&s->synced));
    if (!s->saved.error) s->must_save = false;
}

// What the engine has, it keeps: it is recognised when it comes again.
static int es_rollback(struct sink *sink, struct fault *fault) {
    (void)sink, (void)fault;
    return 0;
}

const struct sink_type sink_elasticsearch = {
    .name = "elasticsearch",
    .guarantee = "exactly once",
    .waits = true,
    .open = open_elasticsearch,
    .deliver = es_deliver,
    .sync = es_sync,
    .committed = es_committed,
    .rollback = es_rollback,
    .test = es_test,
    .free = es_free,
};

const struct sink_type sink_opensearch = {
    .name = "opensearch",
    .guarantee = "exactly once",
    .waits = true,
    .open = open_opensearch,
    .deliver = es_deliver,
    .sync = es_sync,
    .committed = es_committed,
    .rollback = es_rollback,
    .test = es_test,
    .free = es_free,
};
