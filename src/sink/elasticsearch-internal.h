// SPDX-License-Identifier: Apache-2.0
#ifndef SINK_ELASTICSEARCH_INTERNAL_H
#define SINK_ELASTICSEARCH_INTERNAL_H
// The parts of the Elasticsearch and OpenSearch sink. How it keeps documents from being doubled:
//
// `create` with the uuid as _id is refused by the index that has the document already (409). That
// index is the one that is written to now; documents may also be in one that was written to before
// a rollover. For each of those we know a time, `until`: what was published later has never been
// sent there. A document that was published up to then is looked up there before it is sent. So
// nothing is looked up as long as new events come, and everything that can be a repeat is.

#include "base/hash.h"
#include "base/table.h"
#include "elastic/bulk.h"
#include "elastic/where.h"
#include "sink/pattern.h"
#include "sink/types-internal.h"

// ---- elasticsearch-doubt.c: which documents may be where. Pure.

enum {
    DOUBT_AHEAD_MS = 10 * 60 * 1000,       // how far ahead a horizon is set
    DOUBT_FUTURE_MS = 24 * 60 * 60 * 1000, // a time of publication beyond it says nothing
};

// An index that is not written to (any more).
struct doubt_index {
    char *name;       // owned
    int64_t until_ms; // what was published later was never sent there
};
struct doubt_list {
    struct doubt_index *p; // owned
    size_t n, cap;
};
void doubt_list_fini(struct doubt_list *l);
DEFINE_AUTO_FINI(doubt_list)
int doubt_list_add(struct doubt_list *l, struct str name, int64_t until_ms) MUST_USE; // 0; -ENOMEM

// The time that a document's place is judged by; INT64_MIN when it has none that can be trusted, so
// that it may be anywhere.
int64_t doubt_time(const struct sink_doc *d, int64_t now_ms);

// May a document of that time be in the index?
static inline bool doubt_may_hold(const struct doubt_index *i, int64_t time_ms) {
    return time_ms <= i->until_ms;
}

// The horizon, behind which nothing has been sent, for documents up to `newest_ms`: as it is, or
// a new one that has to be saved before they are sent.
int64_t doubt_horizon(int64_t horizon_ms, int64_t newest_ms, int64_t now_ms);

// Brings the list up to date with the indices behind a name of which `write` is written to: an
// index that is new in the list may hold whatever was sent until now, or, unless it is the one that
// this process wrote to `before` (NULL: none), whatever another one sent that trusted Okta's clock
// as we do (DOUBT_FUTURE_MS). `ret_rewritten`: one that was
// in the list is written to again; it has to be saved that it is in the list no more. Outcomes: 0;
// -ENOMEM, nothing changed.
int doubt_update(struct doubt_list *l, const struct elastic_indices *indices, const char *before,
                 const char *write, int64_t horizon_ms, int64_t now_ms,
                 bool *ret_rewritten) MUST_USE;

// ---- elasticsearch-target.c: the names that documents go to

struct es_target {
    char *name;
    struct doubt_list past; // never has `write` in it
    char *write;            // index that is written to; NULL: not known, or there is none yet
    char *elsewhere;        // where a pipeline of the engine puts documents instead; NULL
    bool resolved;
    bool moved; // seen by an answer: `write` is another one now
};

struct es_targets {
    struct es_target **p; // owned
    size_t n, cap;
    size_t last; // found last
};
void es_targets_fini(struct es_targets *t);
// Finds or makes one. NULL: no memory.
struct es_target *es_target_get(struct es_targets *t, struct str name) MUST_USE;
// Forgets those of which nothing has to be remembered, when there are many. Not within a page.
void es_targets_trim(struct es_targets *t);

// ---- elasticsearch-mark.c: what is remembered from commit to commit

struct es_mark {
    const char *sink; // name of the type
    uint64_t cluster; // tells the hosts
    int64_t horizon_ms;
    struct es_targets *targets;
};
void es_mark_write(struct buf *out, const struct es_mark *m);
// Fills horizon_ms and targets. Of another cluster only the horizon counts, of another sink
// nothing. Outcomes: 0; -EINVAL, -ENOTSUP with fault (damaged; of a newer version); -ENOMEM.
int es_mark_read(struct str text, struct es_mark *m, struct fault *fault) MUST_USE;

// ---- elasticsearch-memory.c: what has been settled of pages that are not committed yet

struct es_memory {
    struct table table; // of struct es_verdict
};
struct es_verdict {
    struct table_link link;
    struct hash128 id;
    bool rejected, repeated;
    struct fault reason[]; // one, when rejected
};
int es_memory_init(struct es_memory *m) MUST_USE;
void es_memory_fini(struct es_memory *m);
void es_memory_clear(struct es_memory *m);
struct es_verdict *es_memory_get(const struct es_memory *m, struct hash128 id); // NULL
// `reason` absent: delivered, or was there already. NULL: no memory.
struct es_verdict *es_memory_put(struct es_memory *m, struct hash128 id, bool repeated,
                                 struct str reason);

// ---- elasticsearch-settled.c: requests that were given up and may still be under way

enum { OPAQUE_NAME_MAX_BYTES = 100, OPAQUE_MAX_BYTES = 64 * 1024 };

struct es_settled {
    struct buf id;    // X-Opaque-Id of the bulk requests
    struct buf line;  // the header; empty: the settings' headers have it
    bool unsure;      // one may be under way:
    int64_t until_ms; // it began up to then, by the engine's clock
    bool said_untold;
};
int es_settled_init(struct es_settled *d, const char *output,
                    const struct elastic_opts *opts) MUST_USE; // 0; -ENOMEM
void es_settled_fini(struct es_settled *d);
const char *es_settled_line(struct es_settled *d); // NULL: none is to be added
// A bulk request was given up, or may have been.
void es_gave_up(struct es_settled *d);

// ---- the sink

struct es_sink {
    struct sink sink;
    const struct sink_host *host;
    const struct elastic_opts *opts;
    struct elastic *engine;
    struct elastic_bulk_reader *reader;
    struct pattern *index; // NULL: the data stream's name
    struct buf path;       // of bulk requests
    struct buf body;       // of one bulk request
    struct buf name;       // of a target
    size_t body_max_bytes;
    struct es_targets targets;
    struct es_memory memory;
    struct es_settled settled;
    bool forget; // the memory, with the next page
    uint64_t cluster;
    int64_t horizon_ms; // as saved
    bool must_save;
    struct buf saved;  // the mark in the state
    struct buf synced; // the mark that will be there once it is committed
    struct fault no_uuid, long_uuid, too_large;
};

struct es_item {
    const struct sink_doc *doc;
    struct es_target *target;
    int64_t time_ms; // doubt_time
    struct hash128 id;
    enum { ES_OPEN, ES_DELIVERED, ES_REJECTED } state;
    struct fault *reason; // when rejected
    bool found;           // an earlier index has it
    bool repeated;        // when delivered: it was there already
    bool new;             // settled by this try
};

struct es_page {
    struct es_item *items;
    size_t n;
    int64_t now_ms;
    bool moved; // a target of it is written to elsewhere than when its documents were looked up
};

// elasticsearch-mark.c: writes the mark as it is now.
void es_write_mark(struct es_sink *s, struct buf *out);
// Saves it at once. Outcomes: 0; -errno with fault.
int es_save_mark(struct es_sink *s, struct fault *fault) MUST_USE;

// elasticsearch-target.c: learns which indices stand behind the name; makes sure of a template
// where there are none yet. Outcomes as elastic_resolve.
int es_target_resolve(struct es_sink *s, struct es_target *t, int64_t now_ms,
                      struct fault *fault) MUST_USE;

// elasticsearch-settled.c: to be called before documents are looked up: what was given up is done,
// or the engine does not tell (a notice). Costs one request when a bulk request was given up since
// the last time, else none. Outcomes: 0; -EAGAIN with fault, one is under way; -EIO with fault;
// -ENOMEM; -ECANCELED.
int es_settle_given_up(struct es_sink *s, struct fault *fault) MUST_USE;

// elasticsearch-lookup.c: settles the open documents that are in an index that is not written to
// any more. Outcomes as elastic_find.
int es_look_before(struct es_sink *s, struct es_page *page, struct fault *fault) MUST_USE;
// Behind a bulk: answers[i] tells where sent[i] got to. When that is not where we thought, looks up
// whether an earlier index has it, too, and takes it out again; page->moved is set then.
int es_look_behind(struct es_sink *s, struct es_page *page, struct es_item *const *sent,
                   const struct elastic_item *answers, size_t n, struct fault *fault) MUST_USE;

// elasticsearch-send.c: sends all that is open. Outcomes: 0, nothing is open any more; -EAGAIN,
// -EIO and so on with fault.
int es_send(struct es_sink *s, struct es_page *page, struct fault *fault) MUST_USE;

// elasticsearch-memory.c: a verdict. Outcomes: 0; -ENOMEM.
int es_reject(struct es_sink *s, struct es_item *i, struct str reason) MUST_USE;

#endif
