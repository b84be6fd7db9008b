// SPDX-License-Identifier: Apache-2.0
// How the running process last saw its sources and outputs, and where each output stood in each
// source: for `gatehouse status`, nothing rests on it.
#include "store/history.h"
#include "store/store-internal.h"

static int put_source(struct store *s, const struct store_source *r, struct fault *fault) {
    struct db_stmt *stmt;
    int e = store_stmt(s, STORE_SQL_SOURCE_PUT, &stmt, fault);
    if (e) return e;
    db_bind_text(stmt, 1, r->source);
    db_bind_i64(stmt, 2, r->at_ms);
    db_bind_i64(stmt, 3, r->failing_since_ms);
    db_bind_text(stmt, 4, r->complaint);
    db_bind_text(stmt, 5, r->reason);
    db_bind_i64(stmt, 6, r->stopped);
    return db_run(stmt, fault);
}

static int put_output(struct store *s, const struct store_output *o, struct fault *fault) {
    struct db_stmt *stmt;
    int r = store_stmt(s, STORE_SQL_OUTPUT_PUT, &stmt, fault);
    if (r) return r;
    db_bind_text(stmt, 1, o->output);
    db_bind_i64(stmt, 2, o->at_ms);
    db_bind_i64(stmt, 3, o->deliveries);
    db_bind_i64(stmt, 4, o->retries);
    db_bind_i64(stmt, 5, o->filtered);
    db_bind_i64(stmt, 6, o->rejected);
    db_bind_i64(stmt, 7, o->failing_since_ms);
    db_bind_i64(stmt, 8, o->last_success_ms);
    db_bind_text(stmt, 9, o->complaint);
    db_bind_text(stmt, 10, o->reason);
    db_bind_i64(stmt, 11, o->stopped);
    return db_run(stmt, fault);
}

static int put_stand(struct store *s, const struct store_stand *t, struct fault *fault) {
    struct db_stmt *stmt;
    int r = store_stmt(s, STORE_SQL_STAND_PUT, &stmt, fault);
    if (r) return r;
    db_bind_text(stmt, 1, t->source);
    db_bind_text(stmt, 2, t->output);
    db_bind_i64(stmt, 3, t->at_ms);
    db_bind_i64(stmt, 4, t->caught_up);
    db_bind_i64(stmt, 5, t->lag_ms);
    db_bind_i64(stmt, 6, t->forgotten_in_ms);
    return db_run(stmt, fault);
}

static int put_all(struct store *s, const struct store_noted *n, struct fault *fault) {
    int r = 0;
    for (size_t i = 0; !r && i < n->source_count; i++) r = put_source(s, &n->sources[i], fault);
    for (size_t i = 0; !r && i < n->output_count; i++) r = put_output(s, &n->outputs[i], fault);
    for (size_t i = 0; !r && i < n->stand_count; i++) r = put_stand(s, &n->stands[i], fault);
    return r;
}

int store_noted_put(struct store *s, const struct store_noted *n, struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = db_begin(s->db, fault);
    if (r == 0) r = db_end(s->db, put_all(s, n, fault), fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}

// ---- reading

// Reads the row that the statement stands on and tells it; non-zero stops.
struct reading {
    enum store_sql sql;
    int (*tell)(const struct reading *r, struct db_stmt *row);
    int (*source)(void *ctx, const struct store_source *r);
    int (*output)(void *ctx, const struct store_output *o);
    int (*stand)(void *ctx, const struct store_stand *t);
    void *ctx;
};

static int tell_source(const struct reading *r, struct db_stmt *row) {
    const struct store_source source = {.source = db_str(row, 0),
                                        .at_ms = db_i64(row, 1),
                                        .failing_since_ms = db_i64(row, 2),
                                        .complaint = db_str(row, 3),
                                        .reason = db_str(row, 4),
                                        .stopped = db_i64(row, 5) != 0};
    return r->source(r->ctx, &source);
}

static int tell_output(const struct reading *r, struct db_stmt *row) {
    const struct store_output o = {.output = db_str(row, 0),
                                   .at_ms = db_i64(row, 1),
                                   .deliveries = db_i64(row, 2),
                                   .retries = db_i64(row, 3),
                                   .filtered = db_i64(row, 4),
                                   .rejected = db_i64(row, 5),
                                   .failing_since_ms = db_i64(row, 6),
                                   .last_success_ms = db_i64(row, 7),
                                   .complaint = db_str(row, 8),
                                   .reason = db_str(row, 9),
                                   .stopped = db_i64(row, 10) != 0};
    return r->output(r->ctx, &o);
}

static int tell_stand(const struct reading *r, struct db_stmt *row) {
    const struct store_stand t = {.source = db_str(row, 0),
                                  .output = db_str(row, 1),
                                  .at_ms = db_i64(row, 2),
                                  .caught_up = db_i64(row, 3) != 0,
                                  .lag_ms = db_i64(row, 4),
                                  .forgotten_in_ms = db_i64(row, 5)};
    return r->stand(r->ctx, &t);
}

static int walk(struct store *s, const struct reading *reading, struct fault *fault) {
    struct db_stmt *all;
    int r = store_stmt(s, reading->sql, &all, fault);
    if (r) return r;
    while ((r = db_step(all, fault)) == DB_ROW) {
        r = db_row_whole(all, fault);
        if (r || reading->tell(reading, all)) break;
    }
    db_reset(all);
    return r < 0 ? r : 0;
}

static int read_all(struct store *s, const struct reading *reading, struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = walk(s, reading, fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}

int store_sources(struct store *s, int (*each)(void *ctx, const struct store_source *r), void *ctx,
                  struct fault *fault) {
    const struct reading reading = {
        .sql = STORE_SQL_SOURCES, .tell = tell_source, .source = each, .ctx = ctx};
    return read_all(s, &reading, fault);
}

int store_outputs(struct store *s, int (*each)(void *ctx, const struct store_output *o), void *ctx,
                  struct fault *fault) {
    const struct reading reading = {
        .sql = STORE_SQL_OUTPUTS, .tell = tell_output, .output = each, .ctx = ctx};
    return read_all(s, &reading, fault);
}

int store_stands(struct store *s, int (*each)(void *ctx, const struct store_stand *t), void *ctx,
                 struct fault *fault) {
    const struct reading reading = {
        .sql = STORE_SQL_STANDS, .tell = tell_stand, .stand = each, .ctx = ctx};
    return read_all(s, &reading, fault);
}
