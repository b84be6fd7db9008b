// SPDX-License-Identifier: Apache-2.0
// SQLite's codes become errnos and its messages become faults in one place (`db_fail`). Memory is
// kept small: a page cache of the caller's size, no memory mapping, little lookaside.
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOOKASIDE_SLOT_BYTES = 256,
    LOOKASIDE_SLOTS = 100,
    CHECKPOINT_BYTES = 4 << 20,
    DEFAULT_PAGE_BYTES = 4096
};

struct db {
    sqlite3 *handle;
    char *path;
    dev_t dev; // of the file when it was opened
    ino_t ino;
};

struct db_stmt {
    sqlite3_stmt *handle;
    struct db *db; // borrowed
    int error;     // SQLite's code of the first failed bind
};

struct db_error {
    int code;  // SQLite's primary code
    int error; // errno; 0: what the system said
    const char *text;
};

static const struct db_error errors[] = {
    {SQLITE_FULL, ENOSPC, "the disk is full"},
    {SQLITE_IOERR, 0, "cannot be read or written"},
    {SQLITE_CANTOPEN, 0, "cannot be opened"},
    {SQLITE_READONLY, EROFS, "cannot be written"},
    {SQLITE_PERM, EACCES, "access is denied"},
    {SQLITE_BUSY, EBUSY, "is locked by another process"},
    {SQLITE_LOCKED, EBUSY, "is locked"},
    {SQLITE_CORRUPT, EUCLEAN, "is damaged"},
    {SQLITE_NOTADB, EUCLEAN, "is not a database"},
    {SQLITE_NOMEM, ENOMEM, "no memory"},
    {SQLITE_TOOBIG, EMSGSIZE, "a value is too large"},
};

static const struct db_error *find_error(int code) {
    static const struct db_error unknown = {SQLITE_ERROR, EIO, "refused a statement"};
    for (size_t i = 0; i < LEN(errors); i++)
        if (errors[i].code == (code & 0xFF)) return &errors[i];
    return &unknown;
}

// Every call that may fail sets errno to 0 first: SQLite's own record misses what fails while a
// transaction is ended.
static int system_error(const struct db *db) {
    int error = errno ? errno : db->handle ? sqlite3_system_errno(db->handle) : 0;
    return error > 0 ? error : EIO;
}

static int db_fail(const struct db *db, int code, struct fault *fault) {
    if (code == SQLITE_IOERR_NOMEM) code = SQLITE_NOMEM;
    const struct db_error *e = find_error(code);
    int error = e->error ? e->error : system_error(db);
    const char *said = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code);
    return fault_set(fault, -error, "%s: %s: %s (SQLite: %s)", db->path, e->text,
                     error_text(-error), said);
}

// A file made by SQLite itself would have the mode that umask leaves; its -wal and -shm follow the
// mode of the file.
static int make_file(const char *path, struct fault *fault) {
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) return 0;
    if (fd < 0) return fault_set(fault, -errno, "%s: cannot be made: %s", path, error_text(-errno));
    int r = fchmod(fd, 0600) < 0 ? -errno : 0;
    close(fd);
    if (r) return fault_set(fault, r, "%s: cannot be made: %s", path, error_text(r));
    return 0;
}

// file:PATH?immutable=1, with the characters escaped that mean something in a URI.
static char *frozen_uri(const char *path) {
    AUTO_FINI(buf) struct buf uri = buf_make(SIZE_MAX);
    buf_addz(&uri, "file:");
    for (; *path; path++) {
        if (strchr("%?#", *path)) buf_addf(&uri, "%%%02X", (unsigned)(unsigned char)*path);
        else buf_addc(&uri, *path);
    }
    buf_addz(&uri, "?immutable=1");
    return buf_take(&uri);
}

static int open_handle(struct db *db, enum db_mode mode, struct fault *fault) {
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= mode == DB_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    AUTO_MEM char *uri = NULL;
    if (mode == DB_FROZEN) {
        flags |= SQLITE_OPEN_URI;
        uri = frozen_uri(db->path);
        if (!uri) return -ENOMEM;
    }
    errno = 0;
    int code = sqlite3_open_v2(uri ? uri : db->path, &db->handle, flags, NULL);
    return code == SQLITE_OK ? 0 : db_fail(db, code, fault);
}

// SQLite opens a file that it may not write as read-only, and says nothing.
static int check_writable(const struct db *db, struct fault *fault) {
    if (sqlite3_db_readonly(db->handle, "main") == 0) return 0;
    int r = access(db->path, W_OK) < 0 ? -errno : -EROFS;
    return fault_set(fault, r, "%s: cannot be written: %s", db->path, error_text(r));
}

static int remember_place(struct db *db, struct fault *fault) {
    struct stat st;
    if (stat(db->path, &st) < 0)
        return fault_set(fault, -errno, "%s: %s", db->path, error_text(-errno));
    db->dev = st.st_dev;
    db->ino = st.st_ino;
    return 0;
}

static int configure(struct db *db, const struct db_opts *opts, struct fault *fault) {
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_LOOKASIDE, NULL, LOOKASIDE_SLOT_BYTES,
                      LOOKASIDE_SLOTS);
    sqlite3_busy_timeout(db->handle, opts->busy_ms);
    AUTO_FINI(buf) struct buf sql = buf_make(1024);
    if (opts->page_bytes) buf_addf(&sql, "PRAGMA page_size=%d;", opts->page_bytes);
    buf_addf(&sql, "PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-%d;",
             opts->cache_kb);
    if (opts->mode == DB_WRITE)
        buf_addf(&sql,
                 "PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=%d;",
                 CHECKPOINT_BYTES / (opts->page_bytes ? opts->page_bytes : DEFAULT_PAGE_BYTES));
    const char *text = buf_z(&sql);
    return text ? db_exec(db, text, fault) : -ENOMEM;
}

int db_open(struct db **ret, const struct db_opts *opts, struct fault *fault) {
    AUTO(db) struct db *db = mem_new(sizeof *db);
    if (!db) return -ENOMEM;
    db->path = mem_copy(opts->path, strlen(opts->path));
    if (!db->path) return -ENOMEM;
    int r = opts->mode == DB_WRITE ? make_file(opts->path, fault) : 0;
    if (r) return r;
    r = open_handle(db, opts->mode, fault);
    if (r) return r;
    r = remember_place(db, fault);
    if (r) return r;
    r = opts->mode == DB_WRITE ? check_writable(db, fault) : 0;
    if (r) return r;
    r = configure(db, opts, fault);
    if (r) return r;
    *ret = TAKE(db);
    return 0;
}

struct db *db_free(struct db *db) {
    if (!db) return NULL;
    sqlite3_close_v2(db->handle);
    free(db->path);
    free(db);
    return NULL;
}

int db_exec(struct db *db, const char *sql, struct fault *fault) {
    errno = 0;
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : db_fail(db, code, fault);
}

int db_get_i64(struct db *db, const char *sql, int64_t *ret, struct fault *fault) {
    AUTO(db_stmt) struct db_stmt *stmt = NULL;
    int r = db_prepare(&stmt, db, sql, fault);
    if (r) return r;
    r = db_step(stmt, fault);
    if (r < 0) return r;
    *ret = r == DB_ROW ? db_i64(stmt, 0) : 0;
    return 0;
}

int db_check(struct db *db, struct fault *fault) {
    AUTO(db_stmt) struct db_stmt *stmt = NULL;
    int r = db_prepare(&stmt, db, "PRAGMA integrity_check(1)", fault);
    if (r) return r;
    r = db_step(stmt, fault);
    if (r < 0) return r;
    struct str answer = r == DB_ROW ? db_str(stmt, 0) : STR("no answer");
    if (str_eqz(answer, "ok")) return 0;
    return fault_set(fault, -EUCLEAN, "%s: is damaged: %.*s", db->path, STR_ARG(answer));
}

int db_in_place(const struct db *db, struct fault *fault) {
    struct stat st;
    int r = stat(db->path, &st) < 0 ? -errno : 0;
    if (r && r != -ENOENT && r != -ENOTDIR)
        return fault_set(fault, r, "%s: %s", db->path, error_text(r));
    if (r == 0 && st.st_dev == db->dev && st.st_ino == db->ino) return 0;
    return fault_set(fault, -ESTALE, "%s: was moved, replaced or deleted while in use", db->path);
}

int db_begin(struct db *db, struct fault *fault) {
    int r = db_in_place(db, fault);
    return r ? r : db_exec(db, "BEGIN IMMEDIATE", fault);
}

int db_commit(struct db *db, struct fault *fault) {
    int r = db_exec(db, "COMMIT", fault);
    if (r) db_rollback(db);
    return r;
}

void db_rollback(struct db *db) {
    if (db_in_transaction(db)) sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

int db_end(struct db *db, int r, struct fault *fault) {
    if (r == 0) return db_commit(db, fault);
    db_rollback(db);
    return r;
}

bool db_in_transaction(const struct db *db) { return !sqlite3_get_autocommit(db->handle); }

void db_release_memory(struct db *db) { sqlite3_db_release_memory(db->handle); }

int64_t db_changes(const struct db *db) { return sqlite3_changes64(db->handle); }

int db_prepare(struct db_stmt **ret, struct db *db, const char *sql, struct fault *fault) {
    AUTO(db_stmt) struct db_stmt *stmt = mem_new(sizeof *stmt);
    if (!stmt) return -ENOMEM;
    stmt->db = db;
    errno = 0;
    int code =
        sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt->handle, NULL);
    if (code != SQLITE_OK) return db_fail(db, code, fault);
    *ret = TAKE(stmt);
    return 0;
}

struct db_stmt *db_stmt_free(struct db_stmt *stmt) {
    if (!stmt) return NULL;
    sqlite3_finalize(stmt->handle);
    free(stmt);
    return NULL;
}

static void keep_error(struct db_stmt *stmt, int code) {
    if (code != SQLITE_OK && stmt->error == SQLITE_OK) stmt->error = code;
}

void db_bind_text(struct db_stmt *stmt, int at, struct str value) {
    keep_error(stmt,
               sqlite3_bind_text64(stmt->handle, at, value.p, value.n, SQLITE_STATIC, SQLITE_UTF8));
}

void db_bind_blob(struct db_stmt *stmt, int at, struct str value) {
    keep_error(stmt, sqlite3_bind_blob64(stmt->handle, at, value.p, value.n, SQLITE_STATIC));
}

void db_bind_i64(struct db_stmt *stmt, int at, int64_t value) {
    keep_error(stmt, sqlite3_bind_int64(stmt->handle, at, value));
}

int db_step(struct db_stmt *stmt, struct fault *fault) {
    errno = 0;
    int code = stmt->error ? stmt->error : sqlite3_step(stmt->handle);
    if (code == SQLITE_ROW) return DB_ROW;
    int r = code == SQLITE_DONE ? 0 : db_fail(stmt->db, code, fault);
    db_reset(stmt);
    return r;
}

int db_run(struct db_stmt *stmt, struct fault *fault) {
    int r = db_step(stmt, fault);
    while (r == DB_ROW) r = db_step(stmt, fault);
    return r;
}

void db_reset(struct db_stmt *stmt) {
    sqlite3_reset(stmt->handle);
    sqlite3_clear_bindings(stmt->handle);
    stmt->error = SQLITE_OK;
}

// Blob access for text, too: the bytes are UTF-8 already, and no copy with a NUL is made.
struct str db_str(struct db_stmt *stmt, int column) {
    if (sqlite3_column_type(stmt->handle, column) == SQLITE_NULL) return STR_NONE;
    const char *p = sqlite3_column_blob(stmt->handle, column);
    int n = sqlite3_column_bytes(stmt->handle, column);
    return p ? (struct str){p, (size_t)n} : STR("");
}

int64_t db_i64(struct db_stmt *stmt, int column) {
    return sqlite3_column_int64(stmt->handle, column);
}

int db_row_whole(struct db_stmt *stmt, struct fault *fault) {
    int code = sqlite3_errcode(stmt->db->handle);
    if (code == SQLITE_ROW || code == SQLITE_OK || code == SQLITE_DONE) return 0;
    return db_fail(stmt->db, code, fault);
}
