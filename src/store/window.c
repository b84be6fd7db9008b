// SPDX-License-Identifier: Apache-2.0
// Windows of the history. A window's row says what is still to be fetched, so it moves only within
// the transaction that makes the events of the page durable, and never against what is on record: a
// mover with another idea of the window's end (a split that it does not know of) is refused, and
// nothing can fall between two windows.
#include <errno.h>

#include "base/hash.h"
#include "store/window-internal.h"

enum { WINDOW_COLUMNS = 10 }; // STORE_SQL_WINDOWS gives source and output behind them

static int64_t window_sum(const struct window_row *w) {
    const int64_t numbers[] = {w->id,          w->pair,   w->since_ms, w->until_ms,
                               w->position_ms, w->events, w->pages,    w->done};
    uint64_t h = hash64(w->next, 2);
    return (int64_t)hash64((struct str){(const char *)numbers, sizeof numbers}, h);
}

static int read_row(struct store *s, struct db_stmt *stmt, struct window_row *ret,
                    struct fault *fault) {
    struct window_row w = {
        .id = db_i64(stmt, 0),
        .pair = db_i64(stmt, 1),
        .since_ms = db_i64(stmt, 2),
        .until_ms = db_i64(stmt, 3),
        .position_ms = db_i64(stmt, 4),
        .next = db_str(stmt, 5),
        .events = db_i64(stmt, 6),
        .pages = db_i64(stmt, 7),
        .done = db_i64(stmt, 8) != 0,
    };
    int64_t sum = db_i64(stmt, 9);
    int r = db_row_whole(stmt, fault);
    if (r) return r;
    if (sum != window_sum(&w)) return store_bad_sum(s, "a window's sum does not match", fault);
    *ret = w;
    return 0;
}

int store_window_find(struct store *s, struct db_stmt *get, struct window_row *ret,
                      struct fault *fault) {
    int r = db_step(get, fault);
    if (r <= 0) return r;
    r = read_row(s, get, ret, fault);
    return r ? r : DB_ROW;
}

static int put_row(struct store *s, enum store_sql how, const struct window_row *w,
                   struct fault *fault) {
    struct db_stmt *put;
    int r = store_stmt(s, how, &put, fault);
    if (r) return r;
    const int64_t before[] = {w->id, w->pair, w->since_ms, w->until_ms, w->position_ms};
    const int64_t behind[] = {w->events, w->pages, w->done, window_sum(w)};
    for (size_t i = 0; i < LEN(before); i++) db_bind_i64(put, (int)i + 1, before[i]);
    db_bind_text(put, 6, w->next);
    for (size_t i = 0; i < LEN(behind); i++) db_bind_i64(put, (int)i + 7, behind[i]);
    return db_run(put, fault);
}

int store_window_put(struct store *s, const struct window_row *w, struct fault *fault) {
    return put_row(s, STORE_SQL_WINDOW_PUT, w, fault);
}

// The sum covers the number, so a new row is numbered by us: behind all that there ever were.
int store_window_add(struct store *s, struct window_row *w, struct fault *fault) {
    int r = db_get_i64(s->db,
                       "SELECT max(ifnull((SELECT max(id) FROM window), 0), "
                       "ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'window'), 0)) + 1",
                       &w->id, fault);
    return r ? r : put_row(s, STORE_SQL_WINDOW_ADD, w, fault);
}

int store_window_delete(struct store *s, int64_t id, struct fault *fault) {
    struct db_stmt *gone;
    int r = store_stmt(s, STORE_SQL_WINDOW_DELETE, &gone, fault);
    if (r) return r;
    db_bind_i64(gone, 1, id);
    return db_run(gone, fault);
}

// ---- reading

static int walk(struct store *s, int (*each)(void *ctx, const struct store_window *w), void *ctx,
                struct fault *fault) {
    struct db_stmt *all;
    int r = store_stmt(s, STORE_SQL_WINDOWS, &all, fault);
    if (r) return r;
    struct window_row row;
    while ((r = store_window_find(s, all, &row, fault)) == DB_ROW) {
        const struct store_window w = {.id = row.id,
                                       .source = db_str(all, WINDOW_COLUMNS),
                                       .output = db_str(all, WINDOW_COLUMNS + 1),
                                       .since_ms = row.since_ms,
                                       .until_ms = row.until_ms,
                                       .position_ms = row.position_ms,
                                       .next = row.next,
                                       .events = row.events,
                                       .pages = row.pages,
                                       .done = row.done};
        r = db_row_whole(all, fault);
        if (r || (each && each(ctx, &w))) break;
    }
    db_reset(all);
    return r < 0 ? r : 0;
}

int store_windows(struct store *s, int (*each)(void *ctx, const struct store_window *w), void *ctx,
                  struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = walk(s, each, ctx, fault);
    if (r == -EUCLEAN) r = store_damaged(s, fault, STORE_E_CORRUPT);
    pthread_mutex_unlock(&s->mutex);
    return r;
}

int store_windows_verify(struct store *s, struct fault *fault) {
    return walk(s, NULL, NULL, fault);
}

// ---- beginning

static int add_windows(struct store *s, int64_t pair, const struct store_begin *b, int64_t *ret_ids,
                       struct fault *fault) {
    for (size_t i = 0; i < b->window_count; i++) {
        const struct store_range *range = &b->windows[i];
        struct window_row w = {.pair = pair,
                               .since_ms = range->since_ms,
                               .until_ms = range->until_ms,
                               .position_ms = range->since_ms};
        if (w.since_ms >= w.until_ms)
            return fault_set(fault, -EINVAL, "%s: an empty window", s->path);
        int r = store_window_add(s, &w, fault);
        if (r) return r;
        ret_ids[i] = w.id;
    }
    return 0;
}

static int begin(struct store *s, const struct store_begin *b, int64_t *ret_ids,
                 struct fault *fault) {
    struct pair_row pair;
    int r = store_pair_number(s, b->source, b->output, &pair, fault);
    if (r) return r;
    if (b->next.p) pair.next = b->next;
    if (b->start_ms) pair.start_ms = b->start_ms;
    pair.committed_ms = b->now_ms;
    r = store_pair_put(s, &pair, fault);
    return r ? r : add_windows(s, pair.id, b, ret_ids, fault);
}

int store_begin(struct store *s, const struct store_begin *b, int64_t *ret_ids,
                struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = db_begin(s->db, fault);
    if (r == 0) r = db_end(s->db, begin(s, b, ret_ids, fault), fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}

// ---- moving

static int get_row(struct store *s, int64_t id, struct window_row *ret, struct fault *fault) {
    struct db_stmt *get;
    int r = store_stmt(s, STORE_SQL_WINDOW_GET, &get, fault);
    if (r) return r;
    db_bind_i64(get, 1, id);
    r = store_window_find(s, get, ret, fault);
    if (r == 0) return fault_set(fault, -ESTALE, "%s: a window is not on record", s->path);
    return r < 0 ? r : 0;
}

static int find_beside(struct store *s, const struct window_row *w, struct window_row *ret,
                       struct fault *fault) {
    struct db_stmt *get;
    int r = store_stmt(s, STORE_SQL_WINDOW_BESIDE, &get, fault);
    if (r) return r;
    db_bind_i64(get, 1, w->pair);
    db_bind_i64(get, 2, w->id);
    db_bind_i64(get, 3, w->since_ms);
    db_bind_i64(get, 4, w->until_ms);
    r = store_window_find(s, get, ret, fault);
    db_reset(get);
    return r;
}

int store_window_melt(struct store *s, struct window_row *w, struct fault *fault) {
    struct window_row other;
    int r;
    while ((r = find_beside(s, w, &other, fault)) == DB_ROW) {
        if (other.since_ms < w->since_ms) w->since_ms = other.since_ms;
        if (other.until_ms > w->until_ms) w->until_ms = other.until_ms;
        w->events += other.events;
        w->pages += other.pages;
        r = store_window_delete(s, other.id, fault);
        if (r) return r;
    }
    w->position_ms = w->until_ms;
    return r;
}

int store_window_move(struct store *s, const struct pair_row *pair, const struct store_commit *c,
                      struct fault *fault) {
    const struct store_window_move *move = &c->window;
    struct window_row w;
    int r = get_row(s, move->id, &w, fault);
    if (r) return r;
    if (w.pair != pair->id || w.done || w.until_ms != move->until_ms ||
        move->position_ms < w.position_ms)
        return fault_set(fault, -ESTALE, "%s: a window is not where it is thought to be", s->path);
    w.position_ms = move->position_ms;
    w.next = move->done ? STR_NONE : move->next;
    w.events += c->events;
    w.pages += c->pages;
    w.done = move->done;
    r = w.done ? store_window_melt(s, &w, fault) : 0;
    return r ? r : store_window_put(s, &w, fault);
}

// ---- splitting

static int split_one(struct store *s, int64_t id, int64_t at_ms, int64_t *ret_id,
                     struct fault *fault) {
    struct window_row w;
    int r = get_row(s, id, &w, fault);
    if (r) return r;
    if (w.done || at_ms <= w.since_ms || at_ms <= w.position_ms || at_ms >= w.until_ms)
        return fault_set(fault, -ESTALE, "%s: a window cannot be split there", s->path);
    struct window_row rest = {
        .pair = w.pair, .since_ms = at_ms, .until_ms = w.until_ms, .position_ms = at_ms};
    w.until_ms = at_ms;
    r = store_window_put(s, &w, fault);
    if (r == 0) r = store_window_add(s, &rest, fault);
    if (r == 0) *ret_id = rest.id;
    return r;
}

static int split(struct store *s, const int64_t *ids, size_t n, int64_t at_ms, int64_t *ret_ids,
                 struct fault *fault) {
    for (size_t i = 0; i < n; i++) {
        int r = split_one(s, ids[i], at_ms, &ret_ids[i], fault);
        if (r) return r;
    }
    return 0;
}

int store_windows_split(struct store *s, const int64_t *ids, size_t n, int64_t at_ms,
                        int64_t *ret_ids, struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = db_begin(s->db, fault);
    if (r == 0) r = db_end(s->db, split(s, ids, n, at_ms, ret_ids, fault), fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}
