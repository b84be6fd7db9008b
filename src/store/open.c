// SPDX-License-Identifier: Apache-2.0
// Opening the state directory. A new state.db is made under another name and renamed when it is
// whole, and `lock` holds the last owner's pid from then on: so an empty state.db, or none where
// there was one, can only be damage, and is never taken for a fresh start.
#include "store/store-internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"

enum {
    STORE_FORMAT = 5,               // user_version
    STORE_APPLICATION = 0x67746853, // application_id: "gthS"
    CACHE_KB = 256,
    BUSY_MS = 5000,            // `status` may read while we write
    CHECK_MAX_BYTES = 8 << 20, // larger files are not read whole at every start
};

// Format 1.
static const char schema[] =
    "BEGIN;"
    "CREATE TABLE pair(source TEXT NOT NULL, output TEXT NOT NULL, next TEXT,"
    " id INTEGER NOT NULL, published_ms INTEGER NOT NULL, committed_ms INTEGER NOT NULL,"
    " events INTEGER NOT NULL, pages INTEGER NOT NULL, recent_total INTEGER NOT NULL,"
    " recent_max INTEGER NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY(source, output))"
    " WITHOUT ROWID;"
    "CREATE TABLE recent(pair INTEGER NOT NULL, last INTEGER NOT NULL, uuids BLOB NOT NULL,"
    " published INTEGER NOT NULL,"
    " sum INTEGER NOT NULL, PRIMARY KEY(pair, last)) WITHOUT ROWID;"
    "CREATE TABLE mark(output TEXT PRIMARY KEY NOT NULL, mark BLOB NOT NULL,"
    " sum INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE dead(id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,"
    " source TEXT NOT NULL, output TEXT NOT NULL, uuid TEXT, reason TEXT NOT NULL, event BLOB,"
    " sum INTEGER NOT NULL);"
    "CREATE INDEX dead_pair ON dead(source, output);"
    "PRAGMA application_id = 1735682131;"
    "PRAGMA user_version = 1;"
    "COMMIT;";
_Static_assert(STORE_APPLICATION == 1735682131, "as in the schema");

// What makes format N + 1 of format N, at [N]; a new file goes the same way. The transaction and
// the number are migrate()'s affair.
static const char *const migrations[STORE_FORMAT] = {
    // History by windows, the state of the rate budgets, sealed values.
    [1] = "ALTER TABLE pair ADD COLUMN start_ms INTEGER NOT NULL DEFAULT 0;"
          "CREATE TABLE window(id INTEGER PRIMARY KEY AUTOINCREMENT, pair INTEGER NOT NULL,"
          " since_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, position_ms INTEGER NOT NULL,"
          " next TEXT, events INTEGER NOT NULL, pages INTEGER NOT NULL, done INTEGER NOT NULL,"
          " sum INTEGER NOT NULL);"
          "CREATE INDEX window_pair ON window(pair, since_ms);"
          "CREATE TABLE had(id INTEGER PRIMARY KEY, pair INTEGER NOT NULL, window INTEGER NOT NULL,"
          " first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, fetched_ms INTEGER NOT NULL,"
          " sum INTEGER NOT NULL, uuids BLOB NOT NULL);"
          "CREATE INDEX had_range ON had(pair, last_ms, first_ms, window, fetched_ms);"
          "CREATE TABLE budget(source TEXT NOT NULL, bucket TEXT NOT NULL, at_ms INTEGER NOT NULL,"
          " used INTEGER NOT NULL, allowed INTEGER NOT NULL, reset_ms INTEGER NOT NULL,"
          " early_limit TEXT NOT NULL, concurrency INTEGER NOT NULL, refused_ms INTEGER NOT NULL,"
          " PRIMARY KEY(source, bucket)) WITHOUT ROWID;"
          "CREATE TABLE secret(name TEXT PRIMARY KEY NOT NULL, sealed BLOB NOT NULL,"
          " sum INTEGER NOT NULL) WITHOUT ROWID;",
    // The gate's audit journal.
    [2] = "CREATE TABLE journal(number INTEGER PRIMARY KEY AUTOINCREMENT, document BLOB NOT NULL,"
          " sum INTEGER NOT NULL);",
    // How the outputs are, for `gatehouse status`.
    [3] = "CREATE TABLE output(output TEXT PRIMARY KEY NOT NULL, at_ms INTEGER NOT NULL,"
          " deliveries INTEGER NOT NULL, retries INTEGER NOT NULL, filtered INTEGER NOT NULL,"
          " rejected INTEGER NOT NULL, failing_since_ms INTEGER NOT NULL,"
          " last_success_ms INTEGER NOT NULL, complaint TEXT, reason TEXT,"
          " stopped INTEGER NOT NULL) WITHOUT ROWID;"
          "CREATE TABLE stand(source TEXT NOT NULL, output TEXT NOT NULL, at_ms INTEGER NOT NULL,"
          " caught_up INTEGER NOT NULL, lag_ms INTEGER NOT NULL, forgotten_in_ms INTEGER NOT NULL,"
          " PRIMARY KEY(source, output)) WITHOUT ROWID;",
    // And the sources.
    [4] = "CREATE TABLE source(source TEXT PRIMARY KEY NOT NULL, at_ms INTEGER NOT NULL,"
          " failing_since_ms INTEGER NOT NULL, complaint TEXT, reason TEXT,"
          " stopped INTEGER NOT NULL) WITHOUT ROWID;",
};

static char *join(const char *directory, const char *name) {
    AUTO_FINI(buf) struct buf path = buf_make(SIZE_MAX);
    buf_addf(&path, "%s/%s", directory, name);
    return buf_take(&path);
}

static int sync_directory(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int r = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return r;
}

static int make_directory(const char *path, struct fault *fault) {
    if (mkdir(path, 0700) == 0) {
        AUTO_MEM char *parent = join(path, "..");
        if (!parent) return -ENOMEM;
        int r = sync_directory(parent);
        return r == -EACCES ? 0 : r; // a parent that may be passed but not read is no obstacle
    }
    if (errno == EEXIST) return 0;
    return fault_set(fault, -errno, "%s: the state directory cannot be made: %s", path,
                     error_text(-errno));
}

// ---- the lock

static int name_owner(int fd, const char *directory, struct fault *fault) {
    char text[32];
    ssize_t n = pread(fd, text, sizeof text, 0);
    uint64_t pid;
    struct str line = str_trim((struct str){text, n > 0 ? (size_t)n : 0});
    if (!parse_u64(line, &pid))
        return fault_set(fault, STORE_E_LOCKED,
                         "%s: the state directory is in use by another process", directory);
    return fault_set(fault, STORE_E_LOCKED,
                     "%s: the state directory is in use by process %llu; stop it first, or name "
                     "another directory",
                     directory, (unsigned long long)pid);
}

static int take_lock(struct store *s, const char *path, struct fault *fault) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fault_set(fault, -errno, "%s: cannot be opened for writing: %s", path,
                         error_text(-errno));
    s->lock_fd = fd;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return 0;
    if (errno == EWOULDBLOCK) return name_owner(fd, s->directory, fault);
    return fault_set(fault, -errno, "%s: cannot be locked: %s", path, error_text(-errno));
}

// What stands there is overwritten before it is cut, so that the file is never empty again. A full
// disk must not keep us from working: a pid that cannot be written is left out.
static void write_pid(int fd) {
    char text[32];
    struct buf out = {.p = text, .cap = sizeof text, .max = sizeof text};
    buf_add_i64(&out, getpid());
    buf_addc(&out, '\n');
    ssize_t n = pwrite(fd, out.p, out.n, 0);
    if (n > 0 && ftruncate(fd, n) < 0) return;
}

static bool has_pid(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_size > 0;
}

static bool was_used(const struct store *s) {
    AUTO_MEM char *wal = join(s->directory, "state.db-wal");
    struct stat st;
    return has_pid(s->lock_fd) || (wal && stat(wal, &st) == 0 && st.st_size > 0);
}

// ---- state.db

// All the way from `format`, in one transaction.
static int migrate(struct db *db, int64_t format, struct fault *fault) {
    AUTO_FINI(buf) struct buf number = buf_make(64);
    buf_addf(&number, "PRAGMA user_version = %d", STORE_FORMAT);
    const char *last = buf_z(&number);
    if (!last) return -ENOMEM;
    int r = db_begin(db, fault);
    if (r) return r;
    for (int64_t at = format; r == 0 && at < STORE_FORMAT; at++)
        r = db_exec(db, migrations[at], fault);
    if (r == 0) r = db_exec(db, last, fault);
    return db_end(db, r, fault);
}

static int fill_new(const char *path, struct fault *fault) {
    AUTO(db) struct db *db = NULL;
    const struct db_opts opts = {
        .path = path, .mode = DB_WRITE, .cache_kb = CACHE_KB, .busy_ms = BUSY_MS};
    int r = db_open(&db, &opts, fault);
    if (r) return r;
    r = db_exec(db, schema, fault);
    if (r == 0) r = migrate(db, 1, fault);
    return r ? r : db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", fault);
}

// Closing the connection has moved everything from the -wal file into the file itself.
static int create(struct store *s, struct fault *fault) {
    AUTO_MEM char *fresh = join(s->directory, "state.db.new");
    AUTO_MEM char *wal = join(s->directory, "state.db.new-wal");
    if (!fresh || !wal) return -ENOMEM;
    unlink(fresh);
    unlink(wal);
    int r = fill_new(fresh, fault);
    if (r) return r;
    r = rename(fresh, s->path) < 0 ? -errno : sync_directory(s->directory);
    if (r) return fault_set(fault, r, "%s: cannot be made: %s", s->path, error_text(r));
    return 0;
}

static int damaged(const struct store *s, const char *what, struct fault *fault) {
    fault_set(fault, 0, "%s: %s", s->path, what);
    return store_damaged(s, fault, STORE_E_CORRUPT);
}

// Outcomes: 0, `*size` is the file's; STORE_E_CORRUPT; -ENOENT (reading); -errno.
static int look(struct store *s, bool write, int64_t *size, struct fault *fault) {
    struct stat st;
    int r = lstat(s->path, &st) < 0 ? -errno : 0;
    if (r == -ENOENT && !write)
        return fault_set(fault, r,
                         "%s: no state there: nothing has been collected yet, or `state` names "
                         "another directory",
                         s->directory);
    if (r == -ENOENT && was_used(s))
        return damaged(s, "is missing from a directory that has been in use", fault);
    if (r == -ENOENT) {
        r = create(s, fault);
        if (r) return r;
        r = lstat(s->path, &st) < 0 ? -errno : 0;
    }
    if (r) return fault_set(fault, r, "%s: %s", s->path, error_text(r));
    if (!S_ISREG(st.st_mode)) return damaged(s, "is not a regular file", fault);
    if (st.st_size == 0) return damaged(s, "is damaged: it is empty", fault);
    *size = st.st_size;
    return 0;
}

// A file that nobody has open (no -wal beside it) is read without making one.
static enum db_mode reading_mode(const struct store *s) {
    AUTO_MEM char *wal = join(s->directory, "state.db-wal");
    struct stat st;
    return wal && stat(wal, &st) == 0 && st.st_size > 0 ? DB_READ : DB_FROZEN;
}

static int check_format(struct store *s, int64_t *ret, struct fault *fault) {
    int64_t application = 0;
    int64_t format = 0;
    int r = db_get_i64(s->db, "PRAGMA application_id", &application, fault);
    if (r) return r;
    r = db_get_i64(s->db, "PRAGMA user_version", &format, fault);
    if (r) return r;
    if (application != STORE_APPLICATION)
        return fault_set(fault, -EUCLEAN, "%s: is not gatehouse's, or is damaged", s->path);
    if (format > STORE_FORMAT)
        return fault_set(fault, STORE_E_NEWER,
                         "%s: was written by a newer gatehouse (format %lld, this one knows %d); "
                         "run that version or a later one, or name another directory",
                         s->path, (long long)format, STORE_FORMAT);
    if (format < 1)
        return fault_set(fault, -EUCLEAN, "%s: is damaged: its format is %lld", s->path,
                         (long long)format);
    *ret = format;
    return 0;
}

// A file of an older format is brought up to date by whoever may write to it.
static int bring_up_to_date(struct store *s, int64_t format, bool write, struct fault *fault) {
    if (format == STORE_FORMAT) return 0;
    if (write) return migrate(s->db, format, fault);
    return fault_set(fault, -ENOTSUP,
                     "%s: is of an older format (%lld); gatehouse run or collect brings it up to "
                     "date when it starts",
                     s->path, (long long)format);
}

static int open_database(struct store *s, bool write, int64_t size, struct fault *fault) {
    const struct db_opts opts = {.path = s->path,
                                 .mode = write ? DB_WRITE : reading_mode(s),
                                 .cache_kb = CACHE_KB,
                                 .busy_ms = BUSY_MS};
    int r = db_open(&s->db, &opts, fault);
    if (r) return r;
    int64_t format = 0;
    r = check_format(s, &format, fault);
    if (r == 0 && size <= CHECK_MAX_BYTES) r = db_check(s->db, fault);
    if (r == 0) r = bring_up_to_date(s, format, write, fault);
    return r ? r : store_verify(s, fault);
}

static int open_locked(struct store *s, bool write, struct fault *fault) {
    int64_t size = 0;
    int r = look(s, write, &size, fault);
    if (r) return r;
    r = open_database(s, write, size, fault);
    if (r == -EUCLEAN) return store_damaged(s, fault, STORE_E_CORRUPT);
    if (r) return r;
    if (write) write_pid(s->lock_fd);
    return 0;
}

static int store_new(struct store **ret, const char *directory) {
    AUTO(store) struct store *s = mem_new(sizeof *s);
    if (!s) return -ENOMEM;
    s->lock_fd = -1;
    s->dead = -1;
    int r = -pthread_mutex_init(&s->mutex, NULL);
    if (r) {
        free(TAKE(s));
        return r;
    }
    s->directory = mem_copy(directory, strlen(directory));
    s->path = join(directory, "state.db");
    if (!s->directory || !s->path) return -ENOMEM;
    *ret = TAKE(s);
    return 0;
}

int store_open(struct store **ret, const char *directory, enum store_mode mode,
               struct fault *fault) {
    AUTO(store) struct store *s = NULL;
    int r = store_new(&s, directory);
    if (r) return r;
    if (mode == STORE_WRITE) {
        r = make_directory(directory, fault);
        if (r) return r;
        AUTO_MEM char *lock = join(directory, "lock");
        if (!lock) return -ENOMEM;
        r = take_lock(s, lock, fault);
        if (r) return r;
        if (has_pid(s->lock_fd)) write_pid(s->lock_fd);
    }
    r = open_locked(s, mode == STORE_WRITE, fault);
    if (r) return r;
    *ret = TAKE(s);
    return 0;
}

struct store *store_free(struct store *s) {
    if (!s) return NULL;
    for (size_t i = 0; i < LEN(s->stmts); i++) s->stmts[i] = db_stmt_free(s->stmts[i]);
    s->db = db_free(s->db);
    if (s->lock_fd >= 0) close(s->lock_fd); // after the database: the lock covers its last write
    pthread_mutex_destroy(&s->mutex);
    free(s->directory);
    free(s->path);
    free(s);
    return NULL;
}
