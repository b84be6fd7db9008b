// SPDX-License-Identifier: Apache-2.0
#ifndef STORE_STORE_H
#define STORE_STORE_H
// Durable state: one directory, one SQLite file `state.db` in it (WAL, synchronous=FULL), one
// process at a time
// (`lock`). Cursors, what sinks need to recognise what they have, dead letters, counters.
// Thread-safe: one lock inside; calls block and are made in jobs once the program runs.
// This room is the only includer of sqlite3.h, but for the SQLite sink, which uses store/db.h.

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct store;

// Outcomes of store_open beyond 0 and -errno; `fault` names the file and what to do.
enum {
    STORE_E_LOCKED = 1, // another process works on this directory
    STORE_E_NEWER,      // written by a newer version
    STORE_E_CORRUPT,    // not a database, or damaged: never started over silently
};

enum store_mode {
    STORE_WRITE, // makes the directory (0700) when it is missing; takes the lock
    STORE_READ,  // `gatehouse status`: no lock, nothing is changed
};
int store_open(struct store **ret, const char *directory, enum store_mode mode,
               struct fault *fault) MUST_USE;
struct store *store_free(struct store *s);
DEFINE_AUTO_FREE(store)

// Where an output stands in a source.
struct store_cursor {
    char *next;           // URL to ask next; NULL when the pair is new
    int64_t published_ms; // newest published that was delivered; 0 when none
    int64_t committed_ms; // wall clock of the last commit
    int64_t events;       // delivered in all
    int64_t pages;
    char *recent; // uuids of the latest pages as the collector packed them; NULL when none
    size_t recent_bytes;
    int64_t recent_since_ms; // newest published before the oldest of them came; 0: they are all
    int64_t start_ms; // what was published from then on is the cursor's affair, what was before the
                      // windows' (store/history.h); 0: not known
};
void store_cursor_fini(struct store_cursor *c);
DEFINE_AUTO_FINI(store_cursor)

// Outcomes: 0 (a new pair gives next == NULL); -errno; STORE_E_CORRUPT.
int store_cursor_load(struct store *s, struct str source, struct str output,
                      struct store_cursor *ret, struct fault *fault) MUST_USE;

// What an output's sink last wanted to be remembered; empty when nothing. Outcomes as above.
int store_mark_load(struct store *s, struct str output, struct buf *ret,
                    struct fault *fault) MUST_USE;
int store_mark_save(struct store *s, struct str output, struct str mark,
                    struct fault *fault) MUST_USE;

struct store_dead_letter {
    struct str event; // bytes as Okta sent them
    struct str uuid;  // absent when the event has none
    struct str reason;
};

// Where a window of the history stands after a page (store/history.h).
struct store_window_move {
    int64_t id; // 0: the page is the pair's own, its cursor moves
    int64_t position_ms;
    int64_t until_ms; // as the mover knows it; another one on record refuses the commit
    struct str next;  // absent with `done`
    bool done;
};

// Events that may come a second time by the other way, history or polling, to be recognised then.
struct store_had {
    int64_t first_ms, last_ms; // published of the oldest and the newest of them
    int64_t fetched_ms;        // Okta's clock when the page was made
    struct str uuids;          // 16 bytes each; empty: nothing to be kept
};

// One page of one pair, in one transaction: cursor, recent uuids, the sink's mark, dead letters,
// counters.
struct store_commit {
    struct str source, output;
    struct str next;      // absent: the cursor stays
    int64_t published_ms; // newest of the page; 0: none, keep the old one
    int64_t now_ms;
    int64_t events;           // delivered by this page
    int64_t pages;            // 1, or 0 when only the cursor moves
    struct str recent_append; // 0 or more 16-byte uuids of this page's events, appended to the ring
    int64_t recent_max;       // uuids kept, oldest dropped
    struct str mark;          // absent: leave as it is
    const struct store_dead_letter *dead;
    size_t dead_count;
    int64_t replayed; // number of the dead letter that is gone with this commit; 0: none
    struct store_window_move window;
    struct store_had had;
};
// Outcomes: 0; -errno with fault (ENOSPC, EROFS, EIO, ESTALE when state.db was moved away, ...):
// nothing was changed.
int store_commit(struct store *s, const struct store_commit *c, struct fault *fault) MUST_USE;

// For `status`, and for the dead letters. Callbacks borrow; return non-zero to stop. The callback
// of store_dead_each may call the store (replay deletes what it was given), that of store_pairs
// not.
struct store_pair {
    struct str source, output, next; // next absent: nothing has been polled yet
    int64_t published_ms, committed_ms, events, pages, dead_letters, start_ms;
};
int store_pairs(struct store *s, int (*each)(void *ctx, const struct store_pair *pair), void *ctx,
                struct fault *fault) MUST_USE;

struct store_dead_row {
    int64_t id;
    int64_t at_ms;
    struct str source, output, uuid, reason, event;
};
int store_dead_each(struct store *s, int (*each)(void *ctx, const struct store_dead_row *row),
                    void *ctx, struct fault *fault) MUST_USE;
int store_dead_delete(struct store *s, int64_t id, struct fault *fault) MUST_USE;
int store_dead_count(struct store *s, int64_t *ret, struct fault *fault) MUST_USE;
// The number that store_dead_count last gave, and what was added and taken away since; -1: it never
// was asked. Never blocks.
int64_t store_dead_waiting(const struct store *s);

#endif
