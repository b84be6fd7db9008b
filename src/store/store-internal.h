// SPDX-License-Identifier: Apache-2.0
#ifndef STORE_STORE_INTERNAL_H
#define STORE_STORE_INTERNAL_H
// What the files of this room share: the open store and its statements.

#include <pthread.h>
#include <stdatomic.h>

#include "store/db.h"
#include "store/store.h"

// One row each in store.c; prepared when first used, kept until the end.
enum store_sql {
    STORE_SQL_PAIR_GET,
    STORE_SQL_PAIR_PUT,
    STORE_SQL_PAIR_NEW_ID,
    STORE_SQL_PAIRS,
    STORE_SQL_RECENT_GET,
    STORE_SQL_RECENT_ADD,
    STORE_SQL_RECENT_TRIM,
    STORE_SQL_MARK_GET,
    STORE_SQL_MARK_PUT,
    STORE_SQL_MARKS,
    STORE_SQL_DEAD_ADD,
    STORE_SQL_DEAD_NEXT,
    STORE_SQL_DEAD_NEWEST,
    STORE_SQL_DEAD_DELETE,
    STORE_SQL_DEAD_COUNT,
    STORE_SQL_WINDOW_GET,
    STORE_SQL_WINDOW_ADD,
    STORE_SQL_WINDOW_PUT,
    STORE_SQL_WINDOW_DELETE,
    STORE_SQL_WINDOW_BESIDE,
    STORE_SQL_WINDOW_WITHIN,
    STORE_SQL_WINDOWS,
    STORE_SQL_HAD_ADD,
    STORE_SQL_HAD_REMOVE,
    STORE_SQL_HAD_FIND,
    STORE_SQL_HAD_READ,
    STORE_SQL_HAD_FORGET,
    STORE_SQL_HAD_ANY,
    STORE_SQL_BUDGET_PUT,
    STORE_SQL_BUDGETS,
    STORE_SQL_SOURCE_PUT,
    STORE_SQL_SOURCES,
    STORE_SQL_OUTPUT_PUT,
    STORE_SQL_OUTPUTS,
    STORE_SQL_STAND_PUT,
    STORE_SQL_STANDS,
    STORE_SQL_SECRET_GET,
    STORE_SQL_SECRET_PUT,
    STORE_SQL_SECRET_DELETE,
    STORE_SQL_SECRETS,
    STORE_SQL_SECRET_AFTER,
    STORE_SQL_JOURNAL_LAST,
    STORE_SQL_JOURNAL_ADD,
    STORE_SQL_JOURNAL_READ,
    STORE_SQL_JOURNAL_FORGET,
    STORE_SQL_COUNT
};

struct store {
    char *directory;
    char *path;  // of state.db
    int lock_fd; // -1 when only read
    struct db *db;
    struct db_stmt *stmts[STORE_SQL_COUNT];
    pthread_mutex_t mutex; // over everything above
    atomic_llong dead;     // letters waiting; -1: not counted yet. Changed under the mutex
};

// One row of table `pair` with what is borrowed from the statement or the caller.
struct pair_row {
    struct str source, output, next;
    int64_t id;
    int64_t published_ms, committed_ms, events, pages;
    int64_t recent_total;        // uuids ever appended
    int64_t recent_max;          // of the last commit
    int64_t published_before_ms; // while a page is committed: newest published before it
    int64_t start_ms;
};
enum { UUID_BYTES = 16 };         // of one in a list of them: what is kept is a hash
enum { STORE_PAIR_COLUMNS = 12 }; // STORE_SQL_PAIRS gives the number of dead letters behind them

// The statement, ready for binding. Outcomes: 0; -errno.
int store_stmt(struct store *s, enum store_sql which, struct db_stmt **ret,
               struct fault *fault) MUST_USE;

// Reads the row that the statement stands on and checks its sum. Outcomes: 0; -EUCLEAN; -errno.
int store_pair_read(struct store *s, struct db_stmt *stmt, struct pair_row *ret,
                    struct fault *fault) MUST_USE;

// Steps to the pair and reads it; an unknown pair is all zeros but for its names. Borrowed until
// the next statement. Outcomes: 0; -EUCLEAN; -errno.
int store_pair_find(struct store *s, struct str source, struct str output, struct pair_row *ret,
                    struct fault *fault) MUST_USE;

// The same, but an unknown pair is given a number. Nothing is written.
int store_pair_number(struct store *s, struct str source, struct str output, struct pair_row *ret,
                      struct fault *fault) MUST_USE;

// Writes the row, inside the caller's transaction. Outcomes: 0; -errno.
int store_pair_put(struct store *s, const struct pair_row *pair, struct fault *fault) MUST_USE;

// Appends a page's uuids, which pair->recent_total counts already, to the pair's ring, and drops
// what is beyond recent_max, inside the caller's transaction. Outcomes: 0; -errno.
int store_recent_put(struct store *s, const struct pair_row *pair, struct str uuids,
                     struct fault *fault) MUST_USE;

// What a page of a window moves and leaves behind, inside the caller's transaction. Outcomes: 0;
// -ESTALE (the window is not what the mover thinks); -EUCLEAN; -errno.
int store_window_move(struct store *s, const struct pair_row *pair, const struct store_commit *c,
                      struct fault *fault) MUST_USE;
int store_had_add(struct store *s, int64_t pair, const struct store_commit *c,
                  struct fault *fault) MUST_USE;

// Checks the sums of all windows. Outcomes: 0; -EUCLEAN; -errno.
int store_windows_verify(struct store *s, struct fault *fault) MUST_USE;

// "PATH: is damaged: what". Gives -EUCLEAN.
int store_bad_sum(const struct store *s, const char *what, struct fault *fault);

// Checks the sums of all pairs, windows and marks: a flipped byte in a name would otherwise make a
// known pair a new one. Outcomes: 0; -EUCLEAN; -errno.
int store_verify(struct store *s, struct fault *fault) MUST_USE;

// So many more, or fewer, wait from now on.
void store_dead_note(struct store *s, int64_t more);

// One dead letter, inside the caller's transaction. Outcomes: 0; -errno.
int store_dead_add(struct store *s, const struct store_commit *c,
                   const struct store_dead_letter *letter, struct fault *fault) MUST_USE;

// Takes one away, likewise.
int store_dead_remove(struct store *s, int64_t id, struct fault *fault) MUST_USE;

// A row of the table `secret`: its sum; writing and taking it away, inside the caller's
// transaction; and its value, appended (secret). Outcomes of opening: 0; STORE_E_OTHER_KEY;
// STORE_E_CORRUPT; -errno.
struct crypto_sealer;
int64_t store_secret_sum(struct str name, struct str sealed);
int store_secret_put_row(struct store *s, struct str name, struct str sealed,
                         struct fault *fault) MUST_USE;
int store_secret_delete_row(struct store *s, struct str name, struct fault *fault) MUST_USE;
int store_secret_open(const struct store *s, const struct crypto_sealer *sealer, struct str name,
                      struct str sealed, struct buf *ret, struct fault *fault) MUST_USE;

// What is to be done about a damaged state, appended to the fault's text; returns `code`.
int store_damaged(const struct store *s, struct fault *fault, int code);

#endif
