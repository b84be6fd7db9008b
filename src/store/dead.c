// SPDX-License-Identifier: Apache-2.0
// Dead letters, and the summary for `gatehouse status`. Dead letters are walked one row at a time,
// copied out of the lock, so that the callback may delete what it was given (replay does).
#include "store/store-internal.h"

#include <errno.h>

#include "base/hash.h"

static int64_t dead_sum(const struct store_dead_row *row) {
    const struct str parts[] = {row->source, row->output, row->uuid, row->reason, row->event};
    uint64_t h = (uint64_t)row->at_ms;
    for (size_t i = 0; i < LEN(parts); i++) h = hash64(parts[i], h);
    return (int64_t)h;
}

int store_dead_add(struct store *s, const struct store_commit *c,
                   const struct store_dead_letter *letter, struct fault *fault) {
    struct db_stmt *add;
    int r = store_stmt(s, STORE_SQL_DEAD_ADD, &add, fault);
    if (r) return r;
    const struct store_dead_row row = {.at_ms = c->now_ms,
                                       .source = c->source,
                                       .output = c->output,
                                       .uuid = letter->uuid,
                                       .reason = letter->reason,
                                       .event = letter->event};
    db_bind_i64(add, 1, row.at_ms);
    db_bind_text(add, 2, row.source);
    db_bind_text(add, 3, row.output);
    db_bind_text(add, 4, row.uuid);
    db_bind_text(add, 5, row.reason);
    db_bind_blob(add, 6, row.event);
    db_bind_i64(add, 7, dead_sum(&row));
    return db_run(add, fault);
}

// The texts of a row, copied into one buffer. Appending may move it, so the slices are cut last.
static int copy_row(struct db_stmt *stmt, struct buf *copy, struct store_dead_row *ret) {
    struct str *const parts[] = {&ret->source, &ret->output, &ret->uuid, &ret->reason, &ret->event};
    for (size_t i = 0; i < LEN(parts); i++) {
        *parts[i] = db_str(stmt, (int)i + 2);
        buf_add_str(copy, *parts[i]);
    }
    if (copy->error) return copy->error;
    size_t at = 0;
    for (size_t i = 0; i < LEN(parts); i++) {
        size_t n = parts[i]->n;
        if (n) parts[i]->p = copy->p + at;
        else if (parts[i]->p) parts[i]->p = "";
        at += n;
    }
    return 0;
}

// Outcomes: DB_ROW; 0 at the end; -errno.
static int next_dead(struct store *s, int64_t after, struct buf *copy, struct store_dead_row *ret,
                     struct fault *fault) {
    struct db_stmt *next;
    int r = store_stmt(s, STORE_SQL_DEAD_NEXT, &next, fault);
    if (r) return r;
    db_bind_i64(next, 1, after);
    r = db_step(next, fault);
    if (r <= 0) return r;
    struct store_dead_row row = {.id = db_i64(next, 0), .at_ms = db_i64(next, 1)};
    int64_t sum = db_i64(next, 7);
    buf_reset(copy);
    r = copy_row(next, copy, &row);
    if (r == 0) r = db_row_whole(next, fault);
    db_reset(next);
    if (r) return r;
    if (sum != dead_sum(&row))
        return fault_set(fault, -EUCLEAN, "%s: is damaged: dead letter %lld does not match its sum",
                         s->path, (long long)row.id);
    *ret = row;
    return DB_ROW;
}

int store_dead_each(struct store *s, int (*each)(void *ctx, const struct store_dead_row *row),
                    void *ctx, struct fault *fault) {
    AUTO_FINI(buf) struct buf copy = buf_make(SIZE_MAX);
    struct store_dead_row row = {0};
    for (;;) {
        pthread_mutex_lock(&s->mutex);
        int r = next_dead(s, row.id, &copy, &row, fault);
        pthread_mutex_unlock(&s->mutex);
        if (r <= 0) return r;
        if (each(ctx, &row)) return 0;
    }
}

void store_dead_note(struct store *s, int64_t more) {
    if (s->dead >= 0) s->dead += more;
}

int64_t store_dead_waiting(const struct store *s) { return s->dead; }

int store_dead_remove(struct store *s, int64_t id, struct fault *fault) {
    struct db_stmt *gone;
    int r = store_stmt(s, STORE_SQL_DEAD_DELETE, &gone, fault);
    if (r) return r;
    db_bind_i64(gone, 1, id);
    return db_run(gone, fault);
}

static int dead_delete(struct store *s, int64_t id, struct fault *fault) {
    int r = db_begin(s->db, fault);
    if (r) return r;
    return db_end(s->db, store_dead_remove(s, id, fault), fault);
}

int store_dead_delete(struct store *s, int64_t id, struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = dead_delete(s, id, fault);
    if (r == 0) store_dead_note(s, -1);
    pthread_mutex_unlock(&s->mutex);
    return r;
}

static int dead_count(struct store *s, int64_t *ret, struct fault *fault) {
    struct db_stmt *count;
    int r = store_stmt(s, STORE_SQL_DEAD_COUNT, &count, fault);
    if (r) return r;
    r = db_step(count, fault);
    if (r < 0) return r;
    *ret = db_i64(count, 0);
    db_reset(count);
    return 0;
}

int store_dead_count(struct store *s, int64_t *ret, struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = dead_count(s, ret, fault);
    if (r == 0) s->dead = *ret;
    pthread_mutex_unlock(&s->mutex);
    return r;
}

static int walk_pairs(struct store *s, int (*each)(void *ctx, const struct store_pair *pair),
                      void *ctx, struct fault *fault) {
    struct db_stmt *all;
    int r = store_stmt(s, STORE_SQL_PAIRS, &all, fault);
    if (r) return r;
    while ((r = db_step(all, fault)) == DB_ROW) {
        struct pair_row row;
        r = store_pair_read(s, all, &row, fault);
        if (r) break;
        const struct store_pair pair = {.source = row.source,
                                        .output = row.output,
                                        .next = row.next,
                                        .published_ms = row.published_ms,
                                        .committed_ms = row.committed_ms,
                                        .events = row.events,
                                        .pages = row.pages,
                                        .start_ms = row.start_ms,
                                        .dead_letters = db_i64(all, STORE_PAIR_COLUMNS)};
        if (each(ctx, &pair)) break;
    }
    db_reset(all);
    return r < 0 ? r : 0;
}

int store_pairs(struct store *s, int (*each)(void *ctx, const struct store_pair *pair), void *ctx,
                struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = walk_pairs(s, each, ctx, fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}
