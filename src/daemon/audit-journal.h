// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_AUDIT_JOURNAL_H
#define DAEMON_AUDIT_JOURNAL_H
// Between the gate and its audit journal (store/journal.h): documents are taken on any thread, kept
// in memory for a moment, and written many at a time by a thread of its own. What was taken is
// written in the order of taking, once, unless the process dies before; as long as it cannot be
// written, nothing more is taken.

#include <stdbool.h>

#include "base/error.h"
#include "base/log.h"

struct loop;
struct store;
struct audit_journal;

enum {
    AUDIT_JOURNAL_MAX_BYTES = 8 << 20, // documents that wait to be written, at most
    AUDIT_JOURNAL_WAIT_MS = 100,       // how long one waits,
    AUDIT_JOURNAL_BATCH = 512,         // and how many are enough to begin
    AUDIT_JOURNAL_PATIENCE_MS = 2000,  // how long who adds waits for room
};

struct audit_journal_opts {
    struct store *store; // borrowed, as all here
    struct loop *loop;
    const struct log *log;
    void (*appended)(void *ctx); // something was written; on the loop
    void *ctx;
};

// Starts the thread. Loop thread. Outcomes: 0; -errno.
int audit_journal_new(struct audit_journal **ret, const struct audit_journal_opts *opts) MUST_USE;
// Writes what waits (what cannot be written now is lost, and that is logged), then ends the thread.
// Loop thread; nobody may add meanwhile. NULL-safe; returns NULL.
struct audit_journal *audit_journal_free(struct audit_journal *j);
DEFINE_AUTO_FREE(audit_journal)

// Takes a copy of one document; `journal` is a struct audit_journal (the signature is that of
// gate_opts.audit). Any thread; blocks for a moment when requests come faster than
// the disk takes them. False: it was not taken, because too much waits or the journal
// cannot be written now.
bool audit_journal_add(void *journal, struct str document);

// For metrics; any thread.
struct audit_journal_stats {
    int64_t waiting, waiting_bytes; // documents that are not written yet
    int64_t refused;                // that could not be taken
    bool failing;                   // the journal cannot be written now
};
void audit_journal_stats(struct audit_journal *j, struct audit_journal_stats *ret);

#endif
