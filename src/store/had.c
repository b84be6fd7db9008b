// SPDX-License-Identifier: Apache-2.0
// The uuids of events that may come a second time: by polling what a window has brought, and the
// other way round. A row is one page, with the range of its `published`, so that a page that comes
// is compared with the few rows that its events fall into.
#include <errno.h>

#include "base/hash.h"
#include "store/history.h"
#include "store/store-internal.h"

struct had_row {
    int64_t pair, window, first_ms, last_ms, fetched_ms;
    struct str uuids;
};

static int64_t had_sum(const struct had_row *h) {
    const int64_t numbers[] = {h->pair, h->window, h->first_ms, h->last_ms, h->fetched_ms};
    return (int64_t)hash64(h->uuids,
                           hash64((struct str){(const char *)numbers, sizeof numbers}, 3));
}

int store_had_add(struct store *s, int64_t pair, const struct store_commit *c,
                  struct fault *fault) {
    struct db_stmt *add;
    int r = store_stmt(s, STORE_SQL_HAD_ADD, &add, fault);
    if (r) return r;
    const struct had_row row = {.pair = pair,
                                .window = c->window.id,
                                .first_ms = c->had.first_ms,
                                .last_ms = c->had.last_ms,
                                .fetched_ms = c->had.fetched_ms,
                                .uuids = c->had.uuids};
    const int64_t numbers[] = {row.pair,    row.window,     row.first_ms,
                               row.last_ms, row.fetched_ms, had_sum(&row)};
    for (size_t i = 0; i < LEN(numbers); i++) db_bind_i64(add, (int)i + 1, numbers[i]);
    db_bind_blob(add, 7, row.uuids);
    return db_run(add, fault);
}

// ---- finding

// Whether one of the instants lies within.
static bool any_within(const struct store_had_query *q, int64_t first_ms, int64_t last_ms) {
    size_t low = 0;
    size_t high = q->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (q->instants[middle] < first_ms) low = middle + 1;
        else high = middle;
    }
    return low < q->n && q->instants[low] <= last_ms;
}

static int read_one(struct store *s, int64_t id, const struct store_had_query *q,
                    struct fault *fault) {
    struct db_stmt *get;
    int r = store_stmt(s, STORE_SQL_HAD_READ, &get, fault);
    if (r) return r;
    db_bind_i64(get, 1, id);
    r = db_step(get, fault);
    if (r <= 0) return r;
    const struct had_row row = {.pair = db_i64(get, 0),
                                .window = db_i64(get, 1),
                                .first_ms = db_i64(get, 2),
                                .last_ms = db_i64(get, 3),
                                .fetched_ms = db_i64(get, 4),
                                .uuids = db_str(get, 6)};
    int64_t sum = db_i64(get, 5);
    r = db_row_whole(get, fault);
    if (r == 0 && sum != had_sum(&row))
        r = store_bad_sum(s, "a list of delivered events does not match its sum", fault);
    if (r == 0) q->each(q->ctx, row.uuids);
    db_reset(get);
    return r;
}

static int find(struct store *s, const struct store_had_query *q, struct fault *fault) {
    struct pair_row pair;
    struct db_stmt *rows;
    int r = store_pair_find(s, q->source, q->output, &pair, fault);
    if (r || pair.id == 0 || q->n == 0) return r;
    r = store_stmt(s, STORE_SQL_HAD_FIND, &rows, fault);
    if (r) return r;
    db_bind_i64(rows, 1, pair.id);
    db_bind_i64(rows, 2, q->instants[0]);
    db_bind_i64(rows, 3, q->instants[q->n - 1]);
    while ((r = db_step(rows, fault)) == DB_ROW) {
        if (!any_within(q, db_i64(rows, 1), db_i64(rows, 2))) continue;
        r = read_one(s, db_i64(rows, 0), q, fault);
        if (r) break;
    }
    db_reset(rows);
    return r;
}

int store_had_find(struct store *s, const struct store_had_query *q, struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = find(s, q, fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}

// ---- forgetting

static int forget(struct store *s, int64_t pair, int64_t before_ms, int64_t most, int64_t *ret,
                  struct fault *fault) {
    struct db_stmt *stmt;
    int r = db_begin(s->db, fault);
    if (r) return r;
    r = store_stmt(s, STORE_SQL_HAD_FORGET, &stmt, fault);
    if (r == 0) {
        db_bind_i64(stmt, 1, pair);
        db_bind_i64(stmt, 2, before_ms);
        db_bind_i64(stmt, 3, most);
        r = db_run(stmt, fault);
    }
    int64_t gone = db_changes(s->db);
    r = db_end(s->db, r, fault);
    if (r == 0) *ret = gone;
    return r;
}

int store_had_forget(struct store *s, struct str source, struct str output, int64_t before_ms,
                     int64_t most, int64_t *ret, struct fault *fault) {
    struct pair_row pair;
    pthread_mutex_lock(&s->mutex);
    int r = store_pair_find(s, source, output, &pair, fault);
    int64_t id = r ? 0 : pair.id;
    if (r == 0 && id) r = forget(s, id, before_ms, most, ret, fault);
    else if (r == 0) *ret = 0;
    pthread_mutex_unlock(&s->mutex);
    return r;
}

static int any(struct store *s, int64_t pair, bool *ret, struct fault *fault) {
    struct db_stmt *stmt;
    int r = store_stmt(s, STORE_SQL_HAD_ANY, &stmt, fault);
    if (r) return r;
    db_bind_i64(stmt, 1, pair);
    r = db_step(stmt, fault);
    if (r < 0) return r;
    *ret = db_i64(stmt, 0) != 0;
    db_reset(stmt);
    return 0;
}

int store_had_any(struct store *s, struct str source, struct str output, bool *ret,
                  struct fault *fault) {
    struct pair_row pair;
    pthread_mutex_lock(&s->mutex);
    int r = store_pair_find(s, source, output, &pair, fault);
    if (r == 0) r = any(s, pair.id, ret, fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}
