// SPDX-License-Identifier: Apache-2.0
// Cursors and marks. A commit touches a handful of rows: the pair, one row with the uuids of the
// page (older rows fall off the other end of the ring), the mark. Rows that decide what is fetched
// and where files are cut carry a sum of their content, because SQLite does not notice a byte that
// flipped inside a value.
#include "store/store-internal.h"

#include <errno.h>

#include "base/hash.h"

enum { RECENT_MAX_BYTES = 256 << 20 };

#define PAIR_COLUMNS                                                                               \
    "source, output, next, id, published_ms, committed_ms, events, pages, recent_total, "          \
    "recent_max, sum, start_ms"

#define WINDOW_COLUMNS "id, pair, since_ms, until_ms, position_ms, next, events, pages, done, sum"

static const char *const sql[STORE_SQL_COUNT] = {
    [STORE_SQL_PAIR_GET] = "SELECT " PAIR_COLUMNS " FROM pair WHERE source = ?1 AND output = ?2",
    [STORE_SQL_PAIR_PUT] = "INSERT OR REPLACE INTO pair(" PAIR_COLUMNS
                           ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [STORE_SQL_PAIR_NEW_ID] = "SELECT ifnull(max(id), 0) + 1 FROM pair",
    [STORE_SQL_PAIRS] = "SELECT " PAIR_COLUMNS ", (SELECT count(*) FROM dead AS d WHERE "
                        "d.source = p.source AND d.output = p.output) FROM pair AS p "
                        "ORDER BY source, output",
    [STORE_SQL_RECENT_GET] =
        "SELECT last, uuids, sum, published FROM recent WHERE pair = ?1 ORDER BY last",
    [STORE_SQL_RECENT_ADD] =
        "INSERT INTO recent(pair, last, uuids, sum, published) VALUES(?1, ?2, ?3, ?4, ?5)",
    [STORE_SQL_RECENT_TRIM] = "DELETE FROM recent WHERE pair = ?1 AND last <= ?2",
    [STORE_SQL_MARK_GET] = "SELECT output, mark, sum FROM mark WHERE output = ?1",
    [STORE_SQL_MARK_PUT] = "INSERT OR REPLACE INTO mark(output, mark, sum) VALUES(?1, ?2, ?3)",
    [STORE_SQL_MARKS] = "SELECT output, mark, sum FROM mark",
    [STORE_SQL_DEAD_ADD] = "INSERT INTO dead(at_ms, source, output, uuid, reason, event, sum) "
                           "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STORE_SQL_DEAD_NEXT] = "SELECT id, at_ms, source, output, uuid, reason, event, sum FROM dead "
                            "WHERE id > ?1 ORDER BY id LIMIT 1",
    [STORE_SQL_DEAD_NEWEST] = "SELECT uuid, event FROM dead WHERE source = ?1 AND output = ?2 "
                              "ORDER BY id DESC LIMIT 1000",
    [STORE_SQL_DEAD_DELETE] = "DELETE FROM dead WHERE id = ?1",
    [STORE_SQL_DEAD_COUNT] = "SELECT count(*) FROM dead",
    [STORE_SQL_WINDOW_GET] = "SELECT " WINDOW_COLUMNS " FROM window WHERE id = ?1",
    [STORE_SQL_WINDOW_ADD] =
        "INSERT INTO window(" WINDOW_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [STORE_SQL_WINDOW_PUT] = "INSERT OR REPLACE INTO window(" WINDOW_COLUMNS
                             ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [STORE_SQL_WINDOW_DELETE] = "DELETE FROM window WHERE id = ?1",
    [STORE_SQL_WINDOW_BESIDE] = "SELECT " WINDOW_COLUMNS " FROM window WHERE pair = ?1 AND done "
                                "AND id <> ?2 AND (until_ms = ?3 OR since_ms = ?4) LIMIT 1",
    [STORE_SQL_WINDOW_WITHIN] = "SELECT " WINDOW_COLUMNS " FROM window WHERE pair = ?1 AND "
                                "since_ms < ?3 AND until_ms > ?2 ORDER BY since_ms LIMIT 1",
    [STORE_SQL_WINDOWS] =
        "SELECT " WINDOW_COLUMNS ", p.source, p.output FROM window AS w LEFT JOIN "
        "(SELECT id AS pair_id, source, output FROM pair) AS p "
        "ON p.pair_id = w.pair ORDER BY p.source, p.output, w.since_ms",
    [STORE_SQL_HAD_ADD] =
        "INSERT INTO had(pair, window, first_ms, last_ms, fetched_ms, sum, uuids) "
        "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STORE_SQL_HAD_REMOVE] =
        "DELETE FROM had WHERE pair = ?1 AND last_ms = ?2 AND first_ms = ?3 AND fetched_ms = ?4 "
        "AND uuids = ?5",
    [STORE_SQL_HAD_FIND] =
        "SELECT id, first_ms, last_ms FROM had WHERE pair = ?1 AND last_ms >= ?2 "
        "AND first_ms <= ?3",
    [STORE_SQL_HAD_READ] =
        "SELECT pair, window, first_ms, last_ms, fetched_ms, sum, uuids FROM had "
        "WHERE id = ?1",
    // A page of a window may come again by polling until that has passed the time of its fetch, and
    // its last one until the window has moved on; a polled event by a window until that is done.
    [STORE_SQL_HAD_FORGET] =
        "DELETE FROM had WHERE id IN (SELECT id FROM had AS h WHERE pair = ?1 AND "
        "(window <> 0 AND fetched_ms < ?2 AND NOT EXISTS (SELECT 1 FROM window AS w WHERE "
        "w.id = h.window AND NOT w.done AND h.last_ms >= w.position_ms) OR window = 0 AND EXISTS "
        "(SELECT 1 FROM window AS w WHERE w.pair = h.pair AND w.done AND w.since_ms <= h.first_ms "
        "AND h.last_ms < w.until_ms)) LIMIT ?3)",
    [STORE_SQL_HAD_ANY] = "SELECT EXISTS(SELECT 1 FROM had WHERE pair = ?1 AND window <> 0)",
    [STORE_SQL_BUDGET_PUT] =
        "INSERT OR REPLACE INTO budget(source, bucket, at_ms, used, allowed, "
        "reset_ms, early_limit, concurrency, refused_ms) VALUES(?1, ?2, ?3, ?4, "
        "?5, ?6, ?7, ?8, ?9)",
    [STORE_SQL_BUDGETS] = "SELECT source, bucket, at_ms, used, allowed, reset_ms, early_limit, "
                          "concurrency, refused_ms FROM budget ORDER BY source, bucket",
    [STORE_SQL_SOURCE_PUT] = "INSERT OR REPLACE INTO source(source, at_ms, failing_since_ms, "
                             "complaint, reason, stopped) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [STORE_SQL_SOURCES] = "SELECT source, at_ms, failing_since_ms, complaint, reason, stopped "
                          "FROM source ORDER BY source",
    [STORE_SQL_OUTPUT_PUT] =
        "INSERT OR REPLACE INTO output(output, at_ms, deliveries, retries, filtered, rejected, "
        "failing_since_ms, last_success_ms, complaint, reason, stopped) "
        "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [STORE_SQL_OUTPUTS] =
        "SELECT output, at_ms, deliveries, retries, filtered, rejected, failing_since_ms, "
        "last_success_ms, complaint, reason, stopped FROM output ORDER BY output",
    [STORE_SQL_STAND_PUT] = "INSERT OR REPLACE INTO stand(source, output, at_ms, caught_up, "
                            "lag_ms, forgotten_in_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [STORE_SQL_STANDS] = "SELECT source, output, at_ms, caught_up, lag_ms, forgotten_in_ms "
                         "FROM stand ORDER BY source, output",
    [STORE_SQL_SECRET_GET] = "SELECT sealed, sum FROM secret WHERE name = ?1",
    [STORE_SQL_SECRET_PUT] = "INSERT OR REPLACE INTO secret(name, sealed, sum) VALUES(?1, ?2, ?3)",
    [STORE_SQL_SECRET_DELETE] = "DELETE FROM secret WHERE name = ?1",
    [STORE_SQL_SECRETS] = "SELECT name, sealed, sum FROM secret WHERE name >= ?1 ORDER BY name",
    [STORE_SQL_SECRET_AFTER] =
        "SELECT name, sealed, sum FROM secret WHERE name > ?1 ORDER BY name LIMIT 1",
    [STORE_SQL_JOURNAL_LAST] = "SELECT seq FROM sqlite_sequence WHERE name = 'journal'",
    [STORE_SQL_JOURNAL_ADD] = "INSERT INTO journal(number, document, sum) VALUES(?1, ?2, ?3)",
    [STORE_SQL_JOURNAL_READ] =
        "SELECT number, document, sum FROM journal WHERE number > ?1 ORDER BY number LIMIT ?2",
    [STORE_SQL_JOURNAL_FORGET] = "DELETE FROM journal WHERE number IN (SELECT number FROM journal "
                                 "WHERE number <= ?1 ORDER BY number LIMIT ?2)",
};

int store_stmt(struct store *s, enum store_sql which, struct db_stmt **ret, struct fault *fault) {
    if (!s->stmts[which]) {
        int r = db_prepare(&s->stmts[which], s->db, sql[which], fault);
        if (r) return r;
    }
    db_reset(s->stmts[which]);
    *ret = s->stmts[which];
    return 0;
}

int store_damaged(const struct store *s, struct fault *fault, int code) {
    if (!fault) return code;
    struct fault what = *fault;
    return fault_set(fault, code,
                     "%.700s; restore %s from a backup, or move the directory away to begin anew",
                     what.text, s->directory);
}

int store_bad_sum(const struct store *s, const char *what, struct fault *fault) {
    return fault_set(fault, -EUCLEAN, "%s: is damaged: %s", s->path, what);
}

static int no_memory(const struct store *s, struct fault *fault) {
    return fault_set(fault, -ENOMEM, "%s: %s", s->path, error_text(-ENOMEM));
}

static int64_t pair_sum(const struct pair_row *p) {
    const int64_t numbers[] = {p->id,    p->published_ms, p->committed_ms, p->events,
                               p->pages, p->recent_total, p->recent_max};
    uint64_t h = hash64(p->source, 0);
    h = hash64(p->output, h);
    h = hash64(p->next, h);
    // Format 1 did not know where a pair began: what it wrote stays valid.
    if (p->start_ms) h = hash64((struct str){(const char *)&p->start_ms, sizeof p->start_ms}, h);
    return (int64_t)hash64((struct str){(const char *)numbers, sizeof numbers}, h);
}

static int64_t recent_sum(int64_t pair, int64_t last, int64_t published_ms, struct str uuids) {
    uint64_t seed = (uint64_t)pair << 48 ^ (uint64_t)last ^ (uint64_t)published_ms << 20;
    return (int64_t)hash64(uuids, seed);
}

static int64_t mark_sum(struct str output, struct str mark) {
    return (int64_t)hash64(mark, hash64(output, 1));
}

int store_pair_read(struct store *s, struct db_stmt *stmt, struct pair_row *ret,
                    struct fault *fault) {
    struct pair_row row = {
        .source = db_str(stmt, 0),
        .output = db_str(stmt, 1),
        .next = db_str(stmt, 2),
        .id = db_i64(stmt, 3),
        .published_ms = db_i64(stmt, 4),
        .committed_ms = db_i64(stmt, 5),
        .events = db_i64(stmt, 6),
        .pages = db_i64(stmt, 7),
        .recent_total = db_i64(stmt, 8),
        .recent_max = db_i64(stmt, 9),
        .start_ms = db_i64(stmt, 11),
    };
    int64_t sum = db_i64(stmt, 10);
    int r = db_row_whole(stmt, fault);
    if (r) return r;
    if (sum != pair_sum(&row)) return store_bad_sum(s, "a cursor's sum does not match", fault);
    *ret = row;
    return 0;
}

int store_pair_find(struct store *s, struct str source, struct str output, struct pair_row *ret,
                    struct fault *fault) {
    struct db_stmt *get;
    int r = store_stmt(s, STORE_SQL_PAIR_GET, &get, fault);
    if (r) return r;
    db_bind_text(get, 1, source);
    db_bind_text(get, 2, output);
    r = db_step(get, fault);
    if (r < 0) return r;
    if (r == DB_ROW) return store_pair_read(s, get, ret, fault);
    *ret = (struct pair_row){.source = source, .output = output};
    return 0;
}

// ---- loading

void store_cursor_fini(struct store_cursor *c) {
    free(c->next);
    free(c->recent);
    *c = (struct store_cursor){0};
}

// The rows of a ring must join without a gap: `at` is where the last one ended.
static int add_recent_row(struct store *s, struct db_stmt *get, const struct pair_row *pair,
                          int64_t *at, struct store_cursor *c, struct buf *out,
                          struct fault *fault) {
    int64_t last = db_i64(get, 0);
    struct str uuids = db_str(get, 1);
    int64_t sum = db_i64(get, 2);
    int64_t published_ms = db_i64(get, 3);
    int r = db_row_whole(get, fault);
    if (r) return r;
    int64_t n = (int64_t)(uuids.n / UUID_BYTES);
    bool joins = out->n == 0 || last - n == *at;
    if (!joins || sum != recent_sum(pair->id, last, published_ms, uuids))
        return store_bad_sum(s, "the list of recent events does not match its sum", fault);
    if (out->n == 0) c->recent_since_ms = published_ms;
    buf_add_str(out, uuids);
    *at = last;
    return out->error;
}

static int load_recent(struct store *s, const struct pair_row *pair, struct store_cursor *c,
                       struct buf *out, struct fault *fault) {
    struct db_stmt *get;
    int r = store_stmt(s, STORE_SQL_RECENT_GET, &get, fault);
    if (r) return r;
    db_bind_i64(get, 1, pair->id);
    int64_t at = pair->recent_total;
    while ((r = db_step(get, fault)) == DB_ROW) {
        r = add_recent_row(s, get, pair, &at, c, out, fault);
        if (r) break;
    }
    db_reset(get);
    if (r) return r;
    if (at != pair->recent_total)
        return store_bad_sum(s, "the list of recent events has lost its end", fault);
    return 0;
}

// Fills `c`, which the caller releases whatever comes out.
static int fill_cursor(struct store *s, const struct pair_row *pair, struct store_cursor *c,
                       struct fault *fault) {
    c->published_ms = pair->published_ms;
    c->committed_ms = pair->committed_ms;
    c->events = pair->events;
    c->pages = pair->pages;
    c->start_ms = pair->start_ms;
    if (pair->next.p && !(c->next = mem_copy(pair->next.p, pair->next.n)))
        return no_memory(s, fault);
    AUTO_FINI(buf) struct buf recent = buf_make(RECENT_MAX_BYTES);
    int r = pair->id ? load_recent(s, pair, c, &recent, fault) : 0;
    if (r) return r;
    size_t keep = (size_t)pair->recent_max * UUID_BYTES;
    struct str newest = str_sub(buf_str(&recent), recent.n > keep ? recent.n - keep : 0, recent.n);
    c->recent_bytes = newest.n;
    if (newest.n && !(c->recent = mem_copy(newest.p, newest.n))) return no_memory(s, fault);
    return 0;
}

static int load_cursor(struct store *s, struct str source, struct str output,
                       struct store_cursor *ret, struct fault *fault) {
    struct pair_row pair;
    int r = store_pair_find(s, source, output, &pair, fault);
    if (r) return r;
    struct store_cursor c = {0};
    r = fill_cursor(s, &pair, &c, fault);
    if (r) store_cursor_fini(&c);
    else *ret = c;
    return r;
}

// What the callers of this room are told about damage.
static int as_outcome(const struct store *s, int r, struct fault *fault) {
    return r == -EUCLEAN ? store_damaged(s, fault, STORE_E_CORRUPT) : r;
}

int store_cursor_load(struct store *s, struct str source, struct str output,
                      struct store_cursor *ret, struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = load_cursor(s, source, output, ret, fault);
    r = as_outcome(s, r, fault);
    if (s->stmts[STORE_SQL_PAIR_GET]) db_reset(s->stmts[STORE_SQL_PAIR_GET]);
    pthread_mutex_unlock(&s->mutex);
    return r;
}

static int check_mark(struct store *s, struct db_stmt *row, struct str *ret, struct fault *fault) {
    struct str output = db_str(row, 0);
    struct str mark = db_str(row, 1);
    int64_t sum = db_i64(row, 2);
    int r = db_row_whole(row, fault);
    if (r) return r;
    if (sum != mark_sum(output, mark))
        return store_bad_sum(s, "an output's mark does not match its sum", fault);
    *ret = mark;
    return 0;
}

static int load_mark(struct store *s, struct str output, struct buf *ret, struct fault *fault) {
    struct db_stmt *get;
    int r = store_stmt(s, STORE_SQL_MARK_GET, &get, fault);
    if (r) return r;
    db_bind_text(get, 1, output);
    r = db_step(get, fault);
    if (r <= 0) return r;
    struct str mark;
    r = check_mark(s, get, &mark, fault);
    if (r == 0) {
        buf_add_str(ret, mark);
        r = ret->error;
    }
    db_reset(get);
    return r;
}

int store_mark_load(struct store *s, struct str output, struct buf *ret, struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = as_outcome(s, load_mark(s, output, ret, fault), fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}

// ---- verifying

static int verify_pairs(struct store *s, struct fault *fault) {
    struct db_stmt *all;
    int r = store_stmt(s, STORE_SQL_PAIRS, &all, fault);
    if (r) return r;
    while ((r = db_step(all, fault)) == DB_ROW) {
        struct pair_row row;
        r = store_pair_read(s, all, &row, fault);
        if (r) break;
    }
    db_reset(all);
    return r;
}

int store_verify(struct store *s, struct fault *fault) {
    int r = verify_pairs(s, fault);
    if (r == 0) r = store_windows_verify(s, fault);
    if (r) return r;
    struct db_stmt *all;
    r = store_stmt(s, STORE_SQL_MARKS, &all, fault);
    if (r) return r;
    while ((r = db_step(all, fault)) == DB_ROW) {
        struct str mark;
        r = check_mark(s, all, &mark, fault);
        if (r) break;
    }
    db_reset(all);
    return r;
}

// ---- committing

static int put_mark(struct store *s, struct str output, struct str mark, struct fault *fault) {
    struct db_stmt *put;
    int r = store_stmt(s, STORE_SQL_MARK_PUT, &put, fault);
    if (r) return r;
    db_bind_text(put, 1, output);
    db_bind_blob(put, 2, mark);
    db_bind_i64(put, 3, mark_sum(output, mark));
    return db_run(put, fault);
}

int store_pair_put(struct store *s, const struct pair_row *pair, struct fault *fault) {
    struct db_stmt *put;
    int r = store_stmt(s, STORE_SQL_PAIR_PUT, &put, fault);
    if (r) return r;
    const int64_t numbers[] = {pair->id,         pair->published_ms, pair->committed_ms,
                               pair->events,     pair->pages,        pair->recent_total,
                               pair->recent_max, pair_sum(pair),     pair->start_ms};
    db_bind_text(put, 1, pair->source);
    db_bind_text(put, 2, pair->output);
    db_bind_text(put, 3, pair->next);
    for (size_t i = 0; i < LEN(numbers); i++) db_bind_i64(put, (int)i + 4, numbers[i]);
    return db_run(put, fault);
}

static int new_pair_id(struct store *s, int64_t *ret, struct fault *fault) {
    struct db_stmt *get;
    int r = store_stmt(s, STORE_SQL_PAIR_NEW_ID, &get, fault);
    if (r) return r;
    r = db_step(get, fault);
    if (r < 0) return r;
    *ret = db_i64(get, 0);
    db_reset(get);
    return 0;
}

int store_pair_number(struct store *s, struct str source, struct str output, struct pair_row *ret,
                      struct fault *fault) {
    struct pair_row pair;
    int r = store_pair_find(s, source, output, &pair, fault);
    if (r == 0 && pair.id == 0) r = new_pair_id(s, &pair.id, fault);
    if (r) return r;
    pair.source = source;
    pair.output = output;
    *ret = pair;
    return 0;
}

// Numbers of the pair as they are after the page; `next` and the names are the commit's.
static int next_pair(struct store *s, const struct store_commit *c, struct pair_row *ret,
                     struct fault *fault) {
    struct pair_row pair;
    int r = store_pair_number(s, c->source, c->output, &pair, fault);
    if (r) return r;
    if (c->next.p) pair.next = c->next;
    pair.published_before_ms = pair.published_ms;
    if (c->published_ms > pair.published_ms) pair.published_ms = c->published_ms;
    pair.committed_ms = c->now_ms;
    pair.events += c->events;
    pair.pages += c->pages;
    pair.recent_total += (int64_t)(c->recent_append.n / UUID_BYTES);
    pair.recent_max = c->recent_max;
    *ret = pair;
    return 0;
}

int store_recent_put(struct store *s, const struct pair_row *pair, struct str uuids,
                     struct fault *fault) {
    struct db_stmt *stmt;
    if (uuids.n) {
        int r = store_stmt(s, STORE_SQL_RECENT_ADD, &stmt, fault);
        if (r) return r;
        db_bind_i64(stmt, 1, pair->id);
        db_bind_i64(stmt, 2, pair->recent_total);
        db_bind_blob(stmt, 3, uuids);
        db_bind_i64(stmt, 4,
                    recent_sum(pair->id, pair->recent_total, pair->published_before_ms, uuids));
        db_bind_i64(stmt, 5, pair->published_before_ms);
        r = db_run(stmt, fault);
        if (r) return r;
    }
    int64_t dropped = pair->recent_total - pair->recent_max;
    if (dropped <= 0) return 0;
    int r = store_stmt(s, STORE_SQL_RECENT_TRIM, &stmt, fault);
    if (r) return r;
    db_bind_i64(stmt, 1, pair->id);
    db_bind_i64(stmt, 2, dropped);
    return db_run(stmt, fault);
}

static int write_page(struct store *s, const struct store_commit *c, struct fault *fault) {
    struct pair_row pair;
    int r = next_pair(s, c, &pair, fault);
    if (r) return r;
    r = store_pair_put(s, &pair, fault);
    if (r == 0) r = store_recent_put(s, &pair, c->recent_append, fault);
    if (r == 0 && c->window.id) r = store_window_move(s, &pair, c, fault);
    if (r == 0 && c->had.uuids.n) r = store_had_add(s, pair.id, c, fault);
    if (r) return r;
    r = c->mark.p ? put_mark(s, c->output, c->mark, fault) : 0;
    for (size_t i = 0; r == 0 && i < c->dead_count; i++)
        r = store_dead_add(s, c, &c->dead[i], fault);
    return r == 0 && c->replayed ? store_dead_remove(s, c->replayed, fault) : r;
}

// Runs inside the lock: everything or nothing.
static int commit(struct store *s, const struct store_commit *c, struct fault *fault) {
    if (c->recent_append.n % UUID_BYTES || c->had.uuids.n % UUID_BYTES || c->recent_max < 0)
        return fault_set(fault, -EINVAL, "%s: the list of uuids is not a list of uuids", s->path);
    int r = db_begin(s->db, fault);
    if (r) return r;
    return db_end(s->db, write_page(s, c, fault), fault);
}

int store_commit(struct store *s, const struct store_commit *c, struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = commit(s, c, fault);
    if (r == 0) store_dead_note(s, (int64_t)c->dead_count - (c->replayed != 0));
    pthread_mutex_unlock(&s->mutex);
    return r;
}

static int save_mark(struct store *s, struct str output, struct str mark, struct fault *fault) {
    int r = db_begin(s->db, fault);
    if (r) return r;
    return db_end(s->db, put_mark(s, output, mark.p ? mark : STR(""), fault), fault);
}

int store_mark_save(struct store *s, struct str output, struct str mark, struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = save_mark(s, output, mark, fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}
