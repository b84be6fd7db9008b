// SPDX-License-Identifier: Apache-2.0
#ifndef SINK_SINK_H
#define SINK_SINK_H
// Where documents go. A kind of sink is one const struct sink_type, listed in sink/registry.c.
//
// How exactly-once comes about: the caller hands over a page, calls `sync`, and commits the
// returned mark together with the cursor in one transaction of the store. A sink either recognises
// documents that it has (by uuid), or can be taken back to its last committed mark (`rollback`, or
// `open` after a crash). The caller serialises calls on one sink (a lock around deliver..commit);
// calls block and are made in jobs, never on the loop thread.

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct sink_doc {
    struct str uuid;
    bool has_published;
    int64_t published_ms;
    struct str published;                  // RFC 3339 text as Okta wrote it
    struct str source;                     // name of the source
    struct str event_type, outcome, actor; // absent when missing
    struct str dataset, name_space;        // data_stream.dataset, .namespace; never absent
    struct str document;                   // JSON, no line end
};

enum sink_verdict { SINK_DELIVERED, SINK_RETRY, SINK_REJECTED };

// One per document of a page.
struct sink_reply {
    enum sink_verdict verdict;
    bool repeated; // SINK_DELIVERED: it was there already; false where the sink cannot tell
    struct fault
        *fault; // not owned; for SINK_REJECTED points to a text that lives until the next deliver
};

// Lets a sink store its mark in the middle of a page (a file that rotates), and in `open` and
// `rollback` before it cuts a file.
struct sink_host {
    int (*save_mark)(void *ctx, struct str mark); // outcomes: 0; -errno
    void *ctx;
    const atomic_bool *stop; // set: give up waiting, return -ECANCELED
    bool opened_before;      // by this process: who has taken the place over since then, keeps it
};

// What the names of places are made of.
struct sink_stream {
    const char *dataset, *name_space; // data_stream.dataset, .namespace
};

struct elastic_opts; // elastic/engine.h
struct kafka_opts;   // kafka/producer.h

// Everything that any built-in type can be told; each type reads its own.
struct sink_opts {
    const char *name;
    const char *path;                   // file: directory; sqlite: file
    const char *filename;               // file: base name, default "gatehouse"
    int64_t rotate_every_kb;            // file: 0 never
    int64_t number_of_files;            // file: 0 keeps all
    uint32_t permissions;               // file: default 0600
    int64_t keep_ms;                    // sqlite: 0 keeps all
    int fd;                             // stdout: the descriptor
    const struct elastic_opts *elastic; // elasticsearch, opensearch
    const struct kafka_opts *kafka;     // kafka
    const struct sink_stream *streams;  // `test`: of the documents that will come, each once; none:
    size_t stream_count;                // okta.system, default
    bool dry_run; // `test output`: `open` checks only and changes nothing of what is there; then
                  // `notice` may hold a remark, and nothing but `free` may be called
};

// What the state will remember of a page, to recognise events that come a second time: 16 bytes of
// each uuid (struct hash128), one after the other.
struct sink_memory {
    struct str source; // as `remembered` tells it; absent for `sync`
    struct str recent; // of polling: what Okta may repeat when it refuses the cursor
    int64_t before_ms; // newest published that the pair had had before the page; 0: none
    struct str had;    // what may come by the other way, polling or window
    bool window;       // the page of `had` is of a window of the history
    int64_t first_ms, last_ms, fetched_ms; // of `had`, as in store_had
    int64_t forget_ms; // for `sync`: `had` of windows' pages that were made before can be met
                       // by polling no more; 0: nothing is said of it
};

// Where a pair of source and output stands behind a page, for a sink that keeps it itself, in the
// same transaction as the documents, so that another collector may go on from there.
struct sink_position {
    struct str source;
    struct str next;      // cursor; absent: a window that is done
    int64_t published_ms; // newest that the pair has had, this page included; 0: none
    int64_t start_ms;     // what was published before is the history's (store_cursor.start_ms)
    bool window;          // the page is of a window of the history:
    int64_t since_ms, until_ms, position_ms;
    bool done;
    const struct sink_memory *memory; // for `sync`, borrowed; NULL: nothing of it
};

struct sink;

struct sink_type {
    const char *name;      // "file"
    const char *guarantee; // for `test output` and the docs: "exactly once" or "at least once"
    bool waits;            // for somebody else, over a network: it gets a thread of its own

    // Opens and recovers: takes the place back to `mark` (absent: nothing was ever committed).
    // Outcomes: 0; -errno with fault (what, where). The caller tries again later (a place that is
    // missing now may come back), but for -EPIPE, as from `deliver`.
    int (*open)(struct sink **ret, const struct sink_opts *opts, const struct sink_host *host,
                struct str mark, struct fault *fault) MUST_USE;

    // Writes a page; `now_ms` is the wall clock (rotation by day). Fills one reply per document.
    // Outcomes: 0; -errno with fault: nothing counts as delivered, the caller will roll back and
    // try again, but for -EPIPE: the reader has gone for good, or another collector has taken over.
    // -EACCES, -EPERM, -EINVAL, -EPROTO, -ENOTSUP (of `open`, too): somebody has to set something
    // right first, so `collect --once` tries less often.
    // A sink may remember what was acknowledged and ask no more of the next try than is missing.
    int (*deliver)(struct sink *s, const struct sink_doc *docs, size_t n, int64_t now_ms,
                   struct sink_reply *replies, struct fault *fault) MUST_USE;

    // Makes durable what was delivered, and appends to `ret_mark` what has to be committed with the
    // cursor (may stay empty). `at`: where the pair will stand then; NULL: the cursor does not move
    // (a dead letter that is tried again). Outcomes: 0; -errno with fault.
    int (*sync)(struct sink *s, const struct sink_position *at, struct buf *ret_mark,
                struct fault *fault) MUST_USE;

    // The mark of the last sync has been committed: now it is the place to come back to. Never
    // fails.
    void (*committed)(struct sink *s);

    // Back to the last committed mark, after a failed deliver, sync or commit.
    // Outcomes: 0; -errno with fault (then the caller closes and opens again).
    int (*rollback)(struct sink *s, struct fault *fault) MUST_USE;

    // NULL: the state alone knows where its pairs stand. Else, to be called after `open` and before
    // anything is asked for: the positions at which another state has left this place (none when
    // `mark` told that it was ours); the caller puts them on record in place of its own. `each`
    // borrows. Outcomes: 0; what `each` returned; -errno with fault. Such a sink has deliver (of no
    // documents) and sync called for pages without documents, too, and is asked again whenever it
    // was opened again: when it tells of any then, it is closed, and the caller begins anew.
    int (*positions)(struct sink *s, int (*each)(void *ctx, const struct sink_position *p),
                     void *ctx, struct fault *fault) MUST_USE;

    // NULL: nothing. Else, to be called after `positions`: what the other state remembered of the
    // sources that it has told of. Those with `recent` are told oldest first, a source's one after
    // the other, and take the place of what the caller remembers of its polling; those with `had`
    // come beside it. `each` borrows. Outcomes: 0; what `each` returned; -ENOMEM.
    int (*remembered)(struct sink *s, int (*each)(void *ctx, const struct sink_memory *m),
                      void *ctx) MUST_USE;

    // NULL: `open` with `dry_run` is all that `test output` does. Else tells `say` of each step.
    // Outcomes: 0 all good; -errno.
    int (*test)(const struct sink_opts *opts, const struct sink_host *host,
                void (*say)(void *ctx, bool good, const char *step, const char *text),
                void *ctx) MUST_USE;

    // Closes and frees; NULL-safe, returns NULL.
    struct sink *(*free)(struct sink *s);
};

// Every sink embeds this as its first member.
struct sink {
    const struct sink_type *type;
    // Something that a person should know though the sink goes on (a file that is not ours any more
    // was left alone). The caller logs it once after open, deliver and rollback, and empties it.
    struct fault notice;
    // Of a deliver that failed: some of the page got in all the same, so the caller begins its
    // backoff anew; and the other side asked for a pause of so long (0: it did not).
    bool progress;
    int64_t wait_ms;
};

// sink/registry.c: the types, ended by NULL.
extern const struct sink_type *const sink_types[];
const struct sink_type *sink_type_find(const char *name); // NULL when there is none

#endif
