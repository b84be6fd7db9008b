// SPDX-License-Identifier: Apache-2.0
// What another state has left is put in place of ours: cursors are overwritten, and a window takes
// the place of the parts of ours that it covers. So are the uuids of what the other state polled
// last; those that may come by the other way come beside ours.
#include <errno.h>

#include "base/hash.h"
#include "store/window-internal.h"

enum { NO_WINDOW = -1 }; // of one that is not on record any more; none has such a number

// The first window of the pair that lies between the two instants. Outcomes: DB_ROW; 0: none;
// -EUCLEAN; -errno.
static int find_within(struct store *s, int64_t pair, int64_t since_ms, int64_t until_ms,
                       struct window_row *ret, struct fault *fault) {
    struct db_stmt *get;
    int r = store_stmt(s, STORE_SQL_WINDOW_WITHIN, &get, fault);
    if (r) return r;
    db_bind_i64(get, 1, pair);
    db_bind_i64(get, 2, since_ms);
    db_bind_i64(get, 3, until_ms);
    return store_window_find(s, get, ret, fault);
}

// What was asked for next serves still, as long as the window began there: beyond its end nothing
// is taken.
static int keep_left(struct store *s, struct window_row w, int64_t until_ms, struct fault *fault) {
    if (w.since_ms >= until_ms) return 0;
    w.until_ms = until_ms;
    if (w.position_ms > until_ms) w.position_ms = until_ms;
    if (w.position_ms == until_ms) w.done = true;
    if (w.done) w.next = STR_NONE;
    return store_window_add(s, &w, fault);
}

static int keep_right(struct store *s, struct window_row w, int64_t since_ms, struct fault *fault) {
    if (w.until_ms <= since_ms) return 0;
    if (w.position_ms <= since_ms) {
        w.position_ms = w.done ? w.until_ms : since_ms;
        w.next = STR_NONE;
    }
    w.since_ms = since_ms;
    w.events = w.pages = 0; // they count for the left part
    return store_window_add(s, &w, fault);
}

// `row` borrows its cursor from the statement, which finds the next one then: it is written first.
static int cut_out(struct store *s, const struct window_row *row, const struct store_stood *by,
                   struct fault *fault) {
    int r = keep_left(s, *row, by->since_ms, fault);
    if (r == 0) r = keep_right(s, *row, by->until_ms, fault);
    return r ? r : store_window_delete(s, row->id, fault);
}

static int make_room(struct store *s, int64_t pair, const struct store_stood *by,
                     struct fault *fault) {
    struct window_row row;
    int r;
    while ((r = find_within(s, pair, by->since_ms, by->until_ms, &row, fault)) == DB_ROW) {
        r = cut_out(s, &row, by, fault);
        if (r) return r;
    }
    return r;
}

static int put_window(struct store *s, int64_t pair, const struct store_stood *from,
                      struct fault *fault) {
    struct window_row w = {.pair = pair,
                           .since_ms = from->since_ms,
                           .until_ms = from->until_ms,
                           .position_ms = from->done ? from->until_ms : from->position_ms,
                           .next = from->done ? STR_NONE : from->next,
                           .done = from->done};
    int r = make_room(s, pair, from, fault);
    if (r == 0 && w.done) r = store_window_melt(s, &w, fault);
    return r ? r : store_window_add(s, &w, fault);
}

static int put_gap(struct store *s, int64_t pair, int64_t since_ms, int64_t until_ms,
                   struct fault *fault) {
    struct window_row w = {
        .pair = pair, .since_ms = since_ms, .until_ms = until_ms, .position_ms = since_ms};
    return since_ms < until_ms ? store_window_add(s, &w, fault) : 0;
}

static int put_missing(struct store *s, int64_t pair, const struct store_stood *from,
                       struct fault *fault) {
    struct window_row there;
    int64_t at_ms = from->since_ms;
    int r;
    while ((r = find_within(s, pair, at_ms, from->until_ms, &there, fault)) == DB_ROW) {
        r = put_gap(s, pair, at_ms, there.since_ms, fault);
        if (r) return r;
        at_ms = there.until_ms;
    }
    return r ? r : put_gap(s, pair, at_ms, from->until_ms, fault);
}

static int put_polled(struct store *s, struct pair_row *pair, const struct store_stood *from,
                      struct fault *fault) {
    if (from->next.p) pair->next = from->next;
    if (from->published_ms) pair->published_ms = from->published_ms;
    if (from->start_ms) pair->start_ms = from->start_ms;
    return store_pair_put(s, pair, fault);
}

static int put_row(struct store *s, const struct store_join *j, const struct store_stood *row,
                   struct fault *fault) {
    struct pair_row pair;
    if (row->window && row->since_ms >= row->until_ms)
        return fault_set(fault, -EINVAL, "%s: an empty window", s->path);
    int r = store_pair_number(s, row->source, j->output, &pair, fault);
    if (r) return r;
    pair.committed_ms = j->now_ms;
    if (!row->window) return put_polled(s, &pair, row, fault);
    r = store_pair_put(s, &pair, fault); // a new one has its number from now on
    if (r) return r;
    return row->missing ? put_missing(s, pair.id, row, fault) : put_window(s, pair.id, row, fault);
}

// ---- what the other state remembered

static int clear_ring(struct store *s, const struct pair_row *pair, struct fault *fault) {
    struct db_stmt *clear;
    int r = store_stmt(s, STORE_SQL_RECENT_TRIM, &clear, fault);
    if (r) return r;
    db_bind_i64(clear, 1, pair->id);
    db_bind_i64(clear, 2, pair->recent_total);
    return db_run(clear, fault);
}

static void add_id(struct buf *to, struct str text) {
    struct hash128 id = hash128(text);
    if (text.n) buf_add(to, &id, sizeof id);
}

// The uuids of the newest dead letters of the pair, or the events where those are not sure.
static int find_refused(struct store *s, const struct pair_row *pair, struct buf *ids,
                        struct fault *fault) {
    struct db_stmt *dead;
    int r = store_stmt(s, STORE_SQL_DEAD_NEWEST, &dead, fault);
    if (r) return r;
    db_bind_text(dead, 1, pair->source);
    db_bind_text(dead, 2, pair->output);
    while ((r = db_step(dead, fault)) == DB_ROW) {
        add_id(ids, db_str(dead, 0));
        add_id(ids, db_str(dead, 1));
    }
    db_reset(dead);
    return r ? r : ids->error;
}

static int append(struct store *s, const struct store_join *j, const struct store_remembered *m,
                  struct str ids, struct fault *fault) {
    struct pair_row pair;
    int r = store_pair_number(s, m->source, j->output, &pair, fault);
    if (r) return r;
    pair.recent_total += (int64_t)(ids.n / UUID_BYTES);
    pair.recent_max = j->recent_max;
    pair.committed_ms = j->now_ms;
    pair.published_before_ms = m->before_ms;
    r = store_pair_put(s, &pair, fault);
    return r ? r : store_recent_put(s, &pair, ids, fault);
}

// The ring is begun anew. Of ours stays what was refused: those dead letters are on record before
// their page is in the sink (watch/delivery.c), and the page may come again.
static int begin_ring(struct store *s, const struct store_join *j, const struct store_remembered *m,
                      struct fault *fault) {
    AUTO_FINI(buf) struct buf ids = buf_make(SIZE_MAX);
    struct pair_row pair;
    int r = store_pair_number(s, m->source, j->output, &pair, fault);
    if (r == 0) r = clear_ring(s, &pair, fault);
    if (r == 0) r = find_refused(s, &pair, &ids, fault);
    return r || ids.n == 0 ? r : append(s, j, m, buf_str(&ids), fault);
}

static int put_recent(struct store *s, const struct store_join *j, const struct store_remembered *m,
                      bool first, struct fault *fault) {
    int r = first ? begin_ring(s, j, m, fault) : 0;
    return r ? r : append(s, j, m, m->recent, fault);
}

// Our number for the window that the page was of. It may have melted into another, or be gone.
static int find_window(struct store *s, int64_t pair, const struct store_remembered *m,
                       int64_t *ret, struct fault *fault) {
    struct window_row row;
    *ret = m->window ? NO_WINDOW : 0;
    if (!m->window) return 0;
    int r = find_within(s, pair, m->had.first_ms, m->had.first_ms + 1, &row, fault);
    if (r == DB_ROW) *ret = row.id;
    return r == DB_ROW ? 0 : r;
}

// The same row of ours, whose window may have another number by now.
static int remove_same(struct store *s, int64_t pair, const struct store_had *had,
                       struct fault *fault) {
    struct db_stmt *same;
    int r = store_stmt(s, STORE_SQL_HAD_REMOVE, &same, fault);
    if (r) return r;
    const int64_t numbers[] = {pair, had->last_ms, had->first_ms, had->fetched_ms};
    for (size_t i = 0; i < LEN(numbers); i++) db_bind_i64(same, (int)i + 1, numbers[i]);
    db_bind_blob(same, 5, had->uuids);
    return db_run(same, fault);
}

static int put_had(struct store *s, const struct store_join *j, const struct store_remembered *m,
                   struct fault *fault) {
    struct pair_row pair;
    struct store_commit c = {.had = m->had};
    int r = store_pair_number(s, m->source, j->output, &pair, fault);
    if (r == 0) r = store_pair_put(s, &pair, fault); // a new one has its number from now on
    if (r == 0) r = remove_same(s, pair.id, &m->had, fault);
    if (r == 0) r = find_window(s, pair.id, m, &c.window.id, fault);
    return r ? r : store_had_add(s, pair.id, &c, fault);
}

static int put_remembered(struct store *s, const struct store_join *j, struct fault *fault) {
    struct str ring = STR_NONE; // whose ring was begun anew last
    int r = 0;
    for (size_t i = 0; r == 0 && i < j->remembered_count; i++) {
        const struct store_remembered *m = &j->remembered[i];
        if (m->recent.n % UUID_BYTES || m->had.uuids.n % UUID_BYTES)
            return fault_set(fault, -EINVAL, "%s: the list of uuids is not one", s->path);
        if (m->recent.n) {
            r = put_recent(s, j, m, !ring.p || !str_eq(ring, m->source), fault);
            ring = m->source;
        }
        if (r == 0 && m->had.uuids.n) r = put_had(s, j, m, fault);
    }
    return r;
}

static int join(struct store *s, const struct store_join *j, struct fault *fault) {
    for (int missing = 0; missing <= 1; missing++)
        for (size_t i = 0; i < j->n; i++) {
            if (j->rows[i].missing != (missing != 0)) continue;
            int r = put_row(s, j, &j->rows[i], fault);
            if (r) return r;
        }
    return put_remembered(s, j, fault);
}

int store_join(struct store *s, const struct store_join *j, struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = db_begin(s->db, fault);
    if (r == 0) r = db_end(s->db, join(s, j, fault), fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}
