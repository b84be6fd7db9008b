// SPDX-License-Identifier: Apache-2.0
// The rows are those of store/secret.c, sums included. Sealing and opening are the caller's affair,
// who does them on threads of his own; only a new master key makes us open what we keep.
#include "store/records.h"

#include <errno.h>

#include "crypto/digest.h"
#include "store/store-internal.h"

enum { NAME_MAX_BYTES = 1 << 20, VALUE_MAX_BYTES = 256 << 20 };

static int no_memory(const struct store *s, int r, struct fault *fault) {
    return fault_set(fault, r, "%s: %s", s->path, error_text(r));
}

// What damage is to the callers of this room.
static int as_outcome(const struct store *s, int r, struct fault *fault) {
    return r == -EUCLEAN ? store_damaged(s, fault, STORE_E_CORRUPT) : r;
}

// ---- writing

static int check_row(const struct store *s, const struct store_record *row, struct fault *fault) {
    bool empty = row->sealed.p && row->sealed.n == 0;
    if (row->name.n > 0 && !empty) return 0;
    return fault_set(fault, -EINVAL, "%s: a record needs a name and a sealed value", s->path);
}

static int write_row(struct store *s, const struct store_record *row, struct fault *fault) {
    int r = check_row(s, row, fault);
    if (r) return r;
    return row->sealed.p ? store_secret_put_row(s, row->name, row->sealed, fault)
                         : store_secret_delete_row(s, row->name, fault);
}

static int write_rows(struct store *s, const struct store_record *rows, size_t n,
                      struct fault *fault) {
    int r = db_begin(s->db, fault);
    if (r) return r;
    for (size_t i = 0; r == 0 && i < n; i++) r = write_row(s, &rows[i], fault);
    return db_end(s->db, r, fault);
}

int store_records_write(struct store *s, const struct store_record *rows, size_t n,
                        struct fault *fault) {
    if (n == 0) return 0;
    pthread_mutex_lock(&s->mutex);
    int r = write_rows(s, rows, n, fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}

// ---- reading

// The row that the statement stands on, borrowed from it.
static int read_row(struct store *s, struct db_stmt *stmt, struct store_record *ret,
                    struct fault *fault) {
    const struct store_record row = {.name = db_str(stmt, 0), .sealed = db_str(stmt, 1)};
    int64_t sum = db_i64(stmt, 2);
    int r = db_row_whole(stmt, fault);
    if (r) return r;
    if (sum != store_secret_sum(row.name, row.sealed))
        return store_bad_sum(s, "a sealed record does not match its sum", fault);
    *ret = row;
    return 0;
}

// Names that begin alike stand together, so the first that does not is the end.
static int walk(struct store *s, struct db_stmt *all, struct str prefix,
                int (*each)(void *ctx, const struct store_record *row), void *ctx,
                struct fault *fault) {
    int r;
    while ((r = db_step(all, fault)) == DB_ROW) {
        struct store_record row;
        r = read_row(s, all, &row, fault);
        if (r || !str_starts(row.name, prefix)) return as_outcome(s, r, fault);
        r = each(ctx, &row);
        if (r) return r;
    }
    return as_outcome(s, r, fault);
}

int store_records_each(struct store *s, struct str prefix,
                       int (*each)(void *ctx, const struct store_record *row), void *ctx,
                       struct fault *fault) {
    struct db_stmt *all;
    pthread_mutex_lock(&s->mutex);
    int r = store_stmt(s, STORE_SQL_SECRETS, &all, fault);
    if (r == 0) {
        db_bind_text(all, 1, prefix.p ? prefix : STR(""));
        r = walk(s, all, prefix, each, ctx, fault);
        db_reset(all);
    }
    pthread_mutex_unlock(&s->mutex);
    return r;
}

// ---- a new master key

struct reseal {
    struct store *store;
    const struct crypto_sealer *old, *new;
    struct buf name, sealed, value; // of the row that is being done; value: secret
};

// Copies the row out of the statement, of which SQLite reads no parameter any more.
static int keep_row(struct reseal *x, const struct store_record *row, struct fault *fault) {
    buf_reset(&x->name);
    buf_reset(&x->sealed);
    buf_add_str(&x->name, row->name);
    buf_add_str(&x->sealed, row->sealed);
    int r = x->name.error ? x->name.error : x->sealed.error;
    return r ? no_memory(x->store, r, fault) : 0;
}

// Moves on to the row behind `name`; `name` is empty when there is none.
static int next_row(struct reseal *x, struct fault *fault) {
    struct db_stmt *after;
    struct store_record row = {0};
    int r = store_stmt(x->store, STORE_SQL_SECRET_AFTER, &after, fault);
    if (r) return r;
    db_bind_text(after, 1, x->name.n ? buf_str(&x->name) : STR(""));
    r = db_step(after, fault);
    if (r == DB_ROW) r = read_row(x->store, after, &row, fault);
    if (r == 0) r = keep_row(x, &row, fault);
    db_reset(after);
    return r;
}

static int reseal_row(struct reseal *x, struct fault *fault) {
    struct str name = buf_str(&x->name);
    crypto_wipe(x->value.p, x->value.n);
    buf_reset(&x->value);
    int r = store_secret_open(x->store, x->old, name, buf_str(&x->sealed), &x->value, fault);
    if (r) return r;
    buf_reset(&x->sealed);
    r = crypto_seal(x->new, name, buf_str(&x->value), &x->sealed);
    if (r)
        return fault_set(fault, r, "%s: the record %.*s cannot be sealed: %s", x->store->path,
                         STR_ARG(name), error_text(r));
    return store_secret_put_row(x->store, name, buf_str(&x->sealed), fault);
}

static int reseal_all(struct reseal *x, struct fault *fault) {
    int r = db_begin(x->store->db, fault);
    if (r) return r;
    r = next_row(x, fault);
    while (r == 0 && x->name.n > 0) {
        r = reseal_row(x, fault);
        if (r == 0) r = next_row(x, fault);
    }
    return db_end(x->store->db, r, fault);
}

int store_records_reseal(struct store *s, const struct crypto_sealer *old,
                         const struct crypto_sealer *new, struct fault *fault) {
    struct reseal x = {.store = s, .old = old, .new = new};
    x.name = buf_make(NAME_MAX_BYTES);
    x.sealed = buf_make(VALUE_MAX_BYTES);
    x.value = buf_make(VALUE_MAX_BYTES);
    pthread_mutex_lock(&s->mutex);
    int r = as_outcome(s, reseal_all(&x, fault), fault);
    pthread_mutex_unlock(&s->mutex);
    buf_fini(&x.name);
    buf_fini(&x.sealed);
    buf_wipe(&x.value);
    return r;
}
