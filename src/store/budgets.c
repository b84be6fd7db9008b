// SPDX-License-Identifier: Apache-2.0
// Where the running process stands with its rate budgets: for `gatehouse status`, nothing rests on
// it.
#include "store/history.h"
#include "store/store-internal.h"

static int put(struct store *s, const struct store_budget *b, struct fault *fault) {
    struct db_stmt *stmt;
    int r = store_stmt(s, STORE_SQL_BUDGET_PUT, &stmt, fault);
    if (r) return r;
    db_bind_text(stmt, 1, b->source);
    db_bind_text(stmt, 2, b->bucket);
    db_bind_i64(stmt, 3, b->at_ms);
    db_bind_i64(stmt, 4, b->used);
    db_bind_i64(stmt, 5, b->allowed);
    db_bind_i64(stmt, 6, b->reset_ms);
    db_bind_text(stmt, 7, b->early_limit);
    db_bind_i64(stmt, 8, b->concurrency);
    db_bind_i64(stmt, 9, b->refused_ms);
    return db_run(stmt, fault);
}

static int put_all(struct store *s, const struct store_budget *rows, size_t n,
                   struct fault *fault) {
    int r = db_begin(s->db, fault);
    if (r) return r;
    for (size_t i = 0; r == 0 && i < n; i++) r = put(s, &rows[i], fault);
    return db_end(s->db, r, fault);
}

int store_budgets_put(struct store *s, const struct store_budget *rows, size_t n,
                      struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = put_all(s, rows, n, fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}

static int walk(struct store *s, int (*each)(void *ctx, const struct store_budget *b), void *ctx,
                struct fault *fault) {
    struct db_stmt *all;
    int r = store_stmt(s, STORE_SQL_BUDGETS, &all, fault);
    if (r) return r;
    while ((r = db_step(all, fault)) == DB_ROW) {
        const struct store_budget b = {.source = db_str(all, 0),
                                       .bucket = db_str(all, 1),
                                       .at_ms = db_i64(all, 2),
                                       .used = db_i64(all, 3),
                                       .allowed = db_i64(all, 4),
                                       .reset_ms = db_i64(all, 5),
                                       .early_limit = db_str(all, 6),
                                       .concurrency = db_i64(all, 7),
                                       .refused_ms = db_i64(all, 8)};
        r = db_row_whole(all, fault);
        if (r || each(ctx, &b)) break;
    }
    db_reset(all);
    return r < 0 ? r : 0;
}

int store_budgets(struct store *s, int (*each)(void *ctx, const struct store_budget *b), void *ctx,
                  struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = walk(s, each, ctx, fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}
