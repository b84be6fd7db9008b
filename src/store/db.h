// SPDX-License-Identifier: Apache-2.0
#ifndef STORE_DB_H
#define STORE_DB_H
// A thin statement API over SQLite: what the store and the SQLite sink need, and no more. Nobody
// but store/db.c sees sqlite3.h.
//
// Every outcome is 0 or -errno; the fault names the file. The errno tells the cases that callers
// treat differently: -ENOSPC disk full, -EROFS not writable, -EBUSY locked by another process,
// -EUCLEAN damaged or not a database, -ESTALE moved or deleted while it was open, -EMSGSIZE a value
// past SQLite's limit; otherwise what the system said, or -EIO.
//
// A connection and its statements belong to one thread at a time; the caller has the lock.

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct db;      // one connection
struct db_stmt; // one prepared statement of a connection

enum db_mode {
    DB_WRITE,  // reads and writes; a missing file is made (0600)
    DB_READ,   // reads; other processes may write meanwhile
    DB_FROZEN, // reads a file that nobody writes, and makes no file beside it
};

struct db_opts {
    const char *path;
    enum db_mode mode;
    int cache_kb;   // page cache
    int busy_ms;    // how long to wait for another process's lock
    int page_bytes; // of a file that is made; 0: SQLite's default
};

// Opens with WAL and synchronous=FULL. A damaged file may only be noticed by the first statement.
int db_open(struct db **ret, const struct db_opts *opts, struct fault *fault) MUST_USE;
// Closes; what was not committed is rolled back. Its statements must have been freed.
struct db *db_free(struct db *db);
DEFINE_AUTO_FREE(db)

// Runs one or more statements without parameters; rows are thrown away.
int db_exec(struct db *db, const char *sql, struct fault *fault) MUST_USE;
// The first column of the first row (0 when there is no row).
int db_get_i64(struct db *db, const char *sql, int64_t *ret, struct fault *fault) MUST_USE;
// Whether the database is whole, as far as SQLite can see (`PRAGMA integrity_check`: reads it all).
int db_check(struct db *db, struct fault *fault) MUST_USE;

// Is the file at the path still the one that was opened? Outcomes: 0; -ESTALE; -errno.
int db_in_place(const struct db *db, struct fault *fault) MUST_USE;
// A write transaction. db_begin looks at db_in_place first: what is written to a deleted file is
// lost without an error. A failed db_commit leaves nothing behind.
int db_begin(struct db *db, struct fault *fault) MUST_USE;
int db_commit(struct db *db, struct fault *fault) MUST_USE;
void db_rollback(struct db *db); // no effect outside a transaction
// Ends what db_begin began: commits when all went well (`r` is 0), else undoes it. Gives `r`, or
// what the commit gives.
int db_end(struct db *db, int r, struct fault *fault) MUST_USE;
bool db_in_transaction(const struct db *db);
void db_release_memory(struct db *db);   // empties the page cache: for a connection that rests
int64_t db_changes(const struct db *db); // rows changed by the last statement

int db_prepare(struct db_stmt **ret, struct db *db, const char *sql, struct fault *fault) MUST_USE;
struct db_stmt *db_stmt_free(struct db_stmt *stmt);
DEFINE_AUTO_FREE(db_stmt)

// Parameters count from 1. Bytes are borrowed until the statement is reset; an absent str binds
// NULL. Failures stick and come out of the next db_step.
void db_bind_text(struct db_stmt *stmt, int at, struct str value);
void db_bind_blob(struct db_stmt *stmt, int at, struct str value);
void db_bind_i64(struct db_stmt *stmt, int at, int64_t value);

enum { DB_ROW = 1 };
// Outcomes: DB_ROW; 0 when there are no more rows; -errno. After 0 and -errno the statement has
// been reset and its parameters forgotten.
int db_step(struct db_stmt *stmt, struct fault *fault) MUST_USE;
// All steps of a statement whose rows are of no interest.
int db_run(struct db_stmt *stmt, struct fault *fault) MUST_USE;
void db_reset(struct db_stmt *stmt);

// Columns count from 0; values are borrowed until the next step or reset. NULL gives an absent str.
struct str db_str(struct db_stmt *stmt, int column);
int64_t db_i64(struct db_stmt *stmt, int column);
// To be asked when the columns of a row have been read: was there memory for all of them?
// Outcomes: 0; -errno.
int db_row_whole(struct db_stmt *stmt, struct fault *fault) MUST_USE;

#endif
