// SPDX-License-Identifier: Apache-2.0
// One table of events with uuid as its key: a repeated document is ignored, so a page that was
// committed here but not in the state may come again. One transaction per page, begun by `deliver`
// and committed by `sync`. The mark stays empty.
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "sink/place-internal.h"
#include "sink/types-internal.h"
#include "store/db.h"

enum {
    ROWS_FORMAT = 1,               // user_version
    ROWS_APPLICATION = 0x67746845, // application_id: "gthE"
    CACHE_KB = 2048,
    PAGE_BYTES = 8192, // holds three usual documents: a third less disk than 4096
    BUSY_MS = 2000,
    SWEEP_MS = 60 * TIME_SECOND_MS, // between two looks for rows that are too old
    SWEEP_ROWS = 2000,              // removed at once; more than a page brings
};

#define COLUMNS "uuid,published,source,event_type,outcome,actor,document"

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS events(uuid TEXT PRIMARY KEY NOT NULL, published TEXT,"
    " source TEXT, event_type TEXT, outcome TEXT, actor TEXT, document TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS events_published ON events(published);"
    "CREATE INDEX IF NOT EXISTS events_type ON events(event_type, published);"
    "CREATE INDEX IF NOT EXISTS events_actor ON events(actor, published);"
    "PRAGMA application_id = 1735682117;"
    "PRAGMA user_version = 1;"
    "COMMIT;";
_Static_assert(ROWS_APPLICATION == 1735682117 && ROWS_FORMAT == 1, "as in the schema");

static const char insert_sql[] =
    "INSERT OR IGNORE INTO events(" COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
static const char sweep_sql[] =
    "DELETE FROM events WHERE rowid IN"
    " (SELECT rowid FROM events WHERE published < ?1 ORDER BY published LIMIT ?2)";

struct rows {
    struct sink sink;
    struct db *db;
    struct db_stmt *insert, *sweep;
    int64_t keep_ms;
    int64_t next_sweep_ms;
    struct fault no_uuid, too_large; // what rejected documents are told
};

// ---- what is there

static int foreign(const char *path, const char *why, struct fault *fault) {
    return fault_set(fault, -EINVAL,
                     "%s: is another application's database (%s); name another file", path, why);
}

// Outcomes: 0, ours or still empty; -EINVAL, -ENOTSUP with fault; -errno.
static int check_shape(struct db *db, const char *path, struct fault *fault) {
    static const char *const queries[] = {
        "PRAGMA application_id",
        "PRAGMA user_version",
        "SELECT count(*) FROM sqlite_schema",
        "SELECT ifnull(group_concat(name), '') = '" COLUMNS "' FROM pragma_table_info('events')",
    };
    int64_t answers[LEN(queries)];
    for (size_t i = 0; i < LEN(queries); i++) {
        int r = db_get_i64(db, queries[i], &answers[i], fault);
        if (r) return r;
    }
    int64_t application = answers[0], format = answers[1], objects = answers[2], shape = answers[3];
    if (application != 0 && application != ROWS_APPLICATION)
        return foreign(path, "its application_id is not ours", fault);
    if (application == ROWS_APPLICATION && format > ROWS_FORMAT)
        return fault_set(fault, -ENOTSUP,
                         "%s: was written by a newer gatehouse (format %lld, this one knows %d)",
                         path, (long long)format, ROWS_FORMAT);
    if (objects == 0 && format == 0) return 0;
    return shape ? 0 : foreign(path, "it has no table events with our columns", fault);
}

// Looks at a file without changing it: opening it for writing would turn on WAL.
static int check_existing(const char *path, struct fault *fault) {
    struct stat st;
    if (stat(path, &st) < 0)
        return errno == ENOENT ? 0 : fault_set(fault, -errno, "%s: %s", path, error_text(-errno));
    if (!S_ISREG(st.st_mode)) return fault_set(fault, -EINVAL, "%s: is not a regular file", path);
    if (st.st_size == 0) return 0;
    AUTO_FINI(buf) struct buf wal = buf_make(SIZE_MAX);
    buf_addf(&wal, "%s-wal", path);
    const char *wal_path = buf_z(&wal);
    if (!wal_path) return -ENOMEM;
    bool in_use = stat(wal_path, &st) == 0 && st.st_size > 0;
    const struct db_opts opts = {.path = path,
                                 .mode = in_use ? DB_READ : DB_FROZEN,
                                 .cache_kb = CACHE_KB,
                                 .busy_ms = BUSY_MS};
    AUTO(db) struct db *db = NULL;
    int r = db_open(&db, &opts, fault);
    return r ? r : check_shape(db, path, fault);
}

static int try_open(const char *path, struct fault *notice, struct fault *fault) {
    AUTO_MEM char *directory = place_of(path);
    if (!directory) return -ENOMEM;
    if (access(path, F_OK) == 0 && access(path, W_OK) < 0)
        return fault_set(fault, -errno, "%s: cannot be written: %s", path, error_text(-errno));
    return place_try(directory, false, notice, fault);
}

// ---- opening

static struct sink *rows_free(struct sink *s) {
    struct rows *w = (struct rows *)s;
    if (!w) return NULL;
    db_stmt_free(w->insert);
    db_stmt_free(w->sweep);
    db_free(w->db);
    free(w);
    return NULL;
}

static int open_database(struct rows *w, const char *path, struct fault *fault) {
    const struct db_opts opts = {.path = path,
                                 .mode = DB_WRITE,
                                 .cache_kb = CACHE_KB,
                                 .busy_ms = BUSY_MS,
                                 .page_bytes = PAGE_BYTES};
    int r = db_open(&w->db, &opts, fault);
    if (r) return r;
    int64_t made = 0;
    r = db_get_i64(w->db, "PRAGMA application_id", &made, fault);
    if (r == 0 && !made) r = db_exec(w->db, schema, fault);
    if (r == 0) r = db_prepare(&w->insert, w->db, insert_sql, fault);
    if (r == 0) r = db_prepare(&w->sweep, w->db, sweep_sql, fault);
    return r;
}

static int rows_open(struct sink **ret, const struct sink_opts *opts, const struct sink_host *host,
                     struct str mark, struct fault *fault) {
    (void)host, (void)mark;
    if (!opts->path || !*opts->path)
        return fault_set(fault, -EINVAL, "%s: no path is set", opts->name);
    struct rows *w = mem_new(sizeof *w);
    if (!w) return fault_set(fault, -ENOMEM, "%s: no memory", opts->name);
    w->sink.type = &sink_sqlite;
    w->keep_ms = opts->keep_ms;
    fault_set(&w->no_uuid, 0, "the document has no uuid");
    fault_set(&w->too_large, 0, "the document is larger than SQLite takes");
    int r = check_existing(opts->path, fault);
    if (r == 0 && opts->dry_run) r = try_open(opts->path, &w->sink.notice, fault);
    else if (r == 0) r = open_database(w, opts->path, fault);
    if (r == 0) *ret = &w->sink;
    else rows_free(&w->sink);
    return r;
}

// ---- writing

static int insert(struct rows *w, const struct sink_doc *d, struct fault *fault) {
    // Okta's text may have another zone or another number of digits, and would not sort.
    char published[TIME_RFC3339_MAX];
    if (d->has_published) time_format_rfc3339(d->published_ms, published);
    const struct str values[] = {d->uuid,    d->has_published ? str_from(published) : STR_NONE,
                                 d->source,  d->event_type,
                                 d->outcome, d->actor,
                                 d->document};
    for (size_t i = 0; i < LEN(values); i++) db_bind_text(w->insert, (int)i + 1, values[i]);
    return db_run(w->insert, fault);
}

// A few rows of those that are older than `keep`; the rest with the next page.
static int sweep(struct rows *w, int64_t now_ms, struct fault *fault) {
    if (w->next_sweep_ms > now_ms + SWEEP_MS) w->next_sweep_ms = now_ms; // the clock was put back
    if (w->keep_ms <= 0 || now_ms < w->next_sweep_ms) return 0;
    char oldest[TIME_RFC3339_MAX];
    time_format_rfc3339(now_ms - w->keep_ms, oldest);
    db_bind_text(w->sweep, 1, str_from(oldest));
    db_bind_i64(w->sweep, 2, SWEEP_ROWS);
    int r = db_run(w->sweep, fault);
    if (r) return r;
    w->next_sweep_ms = db_changes(w->db) < SWEEP_ROWS ? now_ms + SWEEP_MS : now_ms;
    return 0;
}

// Outcomes: 0 with a verdict; -errno.
static int deliver_one(struct rows *w, const struct sink_doc *d, struct sink_reply *reply,
                       struct fault *fault) {
    *reply = (struct sink_reply){.verdict = SINK_DELIVERED};
    if (d->uuid.n == 0) {
        *reply = (struct sink_reply){.verdict = SINK_REJECTED, .fault = &w->no_uuid};
        return 0;
    }
    int r = insert(w, d, fault);
    if (r == 0) reply->repeated = db_changes(w->db) == 0;
    if (r != -EMSGSIZE) return r;
    *reply = (struct sink_reply){.verdict = SINK_REJECTED, .fault = &w->too_large};
    return 0;
}

static int rows_deliver(struct sink *s, const struct sink_doc *docs, size_t n, int64_t now_ms,
                        struct sink_reply *replies, struct fault *fault) {
    struct rows *w = (struct rows *)s;
    if (n == 0) return 0;
    int r = db_in_transaction(w->db) ? 0 : db_begin(w->db, fault);
    for (size_t i = 0; r == 0 && i < n; i++) r = deliver_one(w, &docs[i], &replies[i], fault);
    return r ? r : sweep(w, now_ms, fault);
}

static int rows_sync(struct sink *s, const struct sink_position *at, struct buf *ret_mark,
                     struct fault *fault) {
    (void)at, (void)ret_mark;
    struct rows *w = (struct rows *)s;
    return db_in_transaction(w->db) ? db_commit(w->db, fault) : 0;
}

static void rows_committed(struct sink *s) { db_release_memory(((struct rows *)s)->db); }

static int rows_rollback(struct sink *s, struct fault *fault) {
    struct rows *w = (struct rows *)s;
    db_rollback(w->db);
    return db_in_place(w->db, fault); // a file that has gone is opened anew
}

const struct sink_type sink_sqlite = {
    .name = "sqlite",
    .guarantee = "exactly once",
    .open = rows_open,
    .deliver = rows_deliver,
    .sync = rows_sync,
    .committed = rows_committed,
    .rollback = rows_rollback,
    .free = rows_free,
};
