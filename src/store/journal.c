// SPDX-License-Identifier: Apache-2.0
// SQLite numbers the rows (AUTOINCREMENT): a number is never given twice, even when all rows are
// gone, so a cursor that has passed a document can never meet another one under its number.
#include "store/journal.h"

#include <errno.h>

#include "base/hash.h"
#include "store/store-internal.h"

// Forgotten at once, so that nobody waits long for the lock.
enum { FORGET_ROWS = 5000 };

static int64_t journal_sum(int64_t number, struct str document) {
    return (int64_t)hash64(document, (uint64_t)number);
}

// ---- writing

static int get_last(struct store *s, int64_t *ret, struct fault *fault) {
    struct db_stmt *get;
    int r = store_stmt(s, STORE_SQL_JOURNAL_LAST, &get, fault);
    if (r) return r;
    r = db_step(get, fault);
    if (r < 0) return r;
    *ret = r == DB_ROW ? db_i64(get, 0) : 0;
    db_reset(get);
    return 0;
}

static int add_row(struct store *s, int64_t number, struct str document, struct fault *fault) {
    struct db_stmt *add;
    int r = store_stmt(s, STORE_SQL_JOURNAL_ADD, &add, fault);
    if (r) return r;
    db_bind_i64(add, 1, number);
    db_bind_blob(add, 2, document.p ? document : STR(""));
    db_bind_i64(add, 3, journal_sum(number, document));
    return db_run(add, fault);
}

static int add_rows(struct store *s, const struct str *documents, size_t n, struct fault *fault) {
    int64_t last = 0;
    int r = get_last(s, &last, fault);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = add_row(s, last + 1 + (int64_t)i, documents[i], fault);
    return r;
}

int journal_append(struct store *s, const struct str *documents, size_t n, struct fault *fault) {
    if (n == 0) return 0;
    pthread_mutex_lock(&s->mutex);
    int r = db_begin(s->db, fault);
    if (r == 0) r = db_end(s->db, add_rows(s, documents, n, fault), fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}

// ---- reading

static int give_row(struct store *s, struct db_stmt *row,
                    int (*each)(void *ctx, int64_t number, struct str document), void *ctx,
                    bool *ret_stopped, struct fault *fault) {
    int64_t number = db_i64(row, 0);
    struct str document = db_str(row, 1);
    int64_t sum = db_i64(row, 2);
    int r = db_row_whole(row, fault);
    if (r) return r;
    if (sum != journal_sum(number, document))
        return store_bad_sum(s, "a document of the audit journal does not match its sum", fault);
    *ret_stopped = each(ctx, number, document) != 0;
    return 0;
}

static int read_rows(struct store *s, struct db_stmt *read,
                     int (*each)(void *ctx, int64_t number, struct str document), void *ctx,
                     struct fault *fault) {
    bool stopped = false;
    int r = 0;
    while (!stopped && (r = db_step(read, fault)) == DB_ROW) {
        r = give_row(s, read, each, ctx, &stopped, fault);
        if (r) return r;
    }
    return r;
}

int journal_read(struct store *s, int64_t after, size_t max,
                 int (*each)(void *ctx, int64_t number, struct str document), void *ctx,
                 struct fault *fault) {
    struct db_stmt *read;
    pthread_mutex_lock(&s->mutex);
    int r = store_stmt(s, STORE_SQL_JOURNAL_READ, &read, fault);
    if (r == 0) {
        db_bind_i64(read, 1, after);
        db_bind_i64(read, 2, (int64_t)max);
        r = read_rows(s, read, each, ctx, fault);
        db_reset(read);
    }
    pthread_mutex_unlock(&s->mutex);
    return r == -EUCLEAN ? store_damaged(s, fault, STORE_E_CORRUPT) : r;
}

int journal_last(struct store *s, int64_t *ret, struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = get_last(s, ret, fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}

// ---- forgetting

static int forget_rows(struct store *s, int64_t number, struct fault *fault) {
    struct db_stmt *forget;
    int r = store_stmt(s, STORE_SQL_JOURNAL_FORGET, &forget, fault);
    if (r) return r;
    db_bind_i64(forget, 1, number);
    db_bind_i64(forget, 2, FORGET_ROWS);
    return db_run(forget, fault);
}

// Outcomes: 0, `*ret` rows are gone; -errno.
static int forget_some(struct store *s, int64_t number, int64_t *ret, struct fault *fault) {
    int r = db_begin(s->db, fault);
    if (r) return r;
    r = forget_rows(s, number, fault);
    int64_t gone = db_changes(s->db);
    r = db_end(s->db, r, fault);
    if (r == 0) *ret = gone;
    return r;
}

int journal_forget(struct store *s, int64_t number, struct fault *fault) {
    int64_t gone = FORGET_ROWS;
    int r = 0;
    while (r == 0 && gone == FORGET_ROWS) {
        pthread_mutex_lock(&s->mutex);
        r = forget_some(s, number, &gone, fault);
        pthread_mutex_unlock(&s->mutex);
    }
    return r;
}
