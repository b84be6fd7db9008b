// SPDX-License-Identifier: Apache-2.0
// Rows are sealed before they reach SQLite, so that no page, journal or free page ever holds the
// value. The sum over the sealed bytes tells a byte that flipped on the disk from a row that
// somebody has moved.
#include "store/secret.h"

#include <errno.h>

#include "base/hash.h"
#include "store/store-internal.h"

enum { SEALED_MAX_BYTES = 1 << 20 };

int64_t store_secret_sum(struct str name, struct str sealed) {
    return (int64_t)hash64(sealed, hash64(name, 2));
}

static int no_memory(const struct store *s, int r, struct fault *fault) {
    return fault_set(fault, r, "%s: %s", s->path, error_text(r));
}

// ---- writing

int store_secret_put_row(struct store *s, struct str name, struct str sealed, struct fault *fault) {
    struct db_stmt *put;
    int r = store_stmt(s, STORE_SQL_SECRET_PUT, &put, fault);
    if (r) return r;
    db_bind_text(put, 1, name);
    db_bind_blob(put, 2, sealed);
    db_bind_i64(put, 3, store_secret_sum(name, sealed));
    return db_run(put, fault);
}

static int put(struct store *s, struct str name, struct str sealed, struct fault *fault) {
    int r = db_begin(s->db, fault);
    if (r) return r;
    return db_end(s->db, store_secret_put_row(s, name, sealed, fault), fault);
}

int store_secret_put(struct store *s, const struct crypto_sealer *sealer, struct str name,
                     struct str value, struct fault *fault) {
    AUTO_FINI(buf) struct buf sealed = buf_make(SEALED_MAX_BYTES);
    if (name.n == 0 || value.n == 0)
        return fault_set(fault, -EINVAL, "%s: a secret needs a name and a value", s->path);
    int r = crypto_seal(sealer, name, value, &sealed);
    if (r)
        return fault_set(fault, r, "%s: the secret %.*s cannot be sealed: %s", s->path,
                         STR_ARG(name), error_text(r));
    pthread_mutex_lock(&s->mutex);
    r = put(s, name, buf_str(&sealed), fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}

// ---- reading

// Copies the sealed row out of the statement that stands on it.
static int read_row(struct store *s, struct db_stmt *get, struct str name, struct buf *ret,
                    struct fault *fault) {
    struct str sealed = db_str(get, 0);
    int64_t sum = db_i64(get, 1);
    int r = db_row_whole(get, fault);
    if (r) return r;
    if (sum != store_secret_sum(name, sealed))
        return store_bad_sum(s, "a sealed secret does not match its sum", fault);
    buf_add_str(ret, sealed);
    return ret->error ? no_memory(s, ret->error, fault) : 0;
}

static int read_sealed(struct store *s, struct str name, struct buf *ret, struct fault *fault) {
    struct db_stmt *get;
    int r = store_stmt(s, STORE_SQL_SECRET_GET, &get, fault);
    if (r) return r;
    db_bind_text(get, 1, name);
    r = db_step(get, fault);
    if (r <= 0) return r;
    r = read_row(s, get, name, ret, fault);
    db_reset(get);
    return r;
}

int store_secret_open(const struct store *s, const struct crypto_sealer *sealer, struct str name,
                      struct str sealed, struct buf *ret, struct fault *fault) {
    int r = crypto_unseal(sealer, name, sealed, ret);
    if (r == CRYPTO_E_OTHER_KEY)
        return fault_set(fault, STORE_E_OTHER_KEY,
                         "%s: the secret %.*s was sealed with another master key", s->path,
                         STR_ARG(name));
    if (r == CRYPTO_E_DAMAGED) {
        fault_set(fault, 0, "%s: is damaged: the secret %.*s does not open", s->path,
                  STR_ARG(name));
        return store_damaged(s, fault, STORE_E_CORRUPT);
    }
    return r ? no_memory(s, r, fault) : 0;
}

int store_secret_get(struct store *s, const struct crypto_sealer *sealer, struct str name,
                     struct buf *ret, struct fault *fault) {
    AUTO_FINI(buf) struct buf sealed = buf_make(SEALED_MAX_BYTES);
    pthread_mutex_lock(&s->mutex);
    int r = read_sealed(s, name, &sealed, fault);
    pthread_mutex_unlock(&s->mutex);
    if (r == -EUCLEAN) return store_damaged(s, fault, STORE_E_CORRUPT);
    if (r || sealed.n == 0) return r;
    return store_secret_open(s, sealer, name, buf_str(&sealed), ret, fault);
}

// ---- deleting

int store_secret_delete_row(struct store *s, struct str name, struct fault *fault) {
    struct db_stmt *stmt;
    int r = store_stmt(s, STORE_SQL_SECRET_DELETE, &stmt, fault);
    if (r) return r;
    db_bind_text(stmt, 1, name);
    return db_run(stmt, fault);
}

int store_secret_delete(struct store *s, struct str name, struct fault *fault) {
    pthread_mutex_lock(&s->mutex);
    int r = db_begin(s->db, fault);
    if (r == 0) r = db_end(s->db, store_secret_delete_row(s, name, fault), fault);
    pthread_mutex_unlock(&s->mutex);
    return r;
}
