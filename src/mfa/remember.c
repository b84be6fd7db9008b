// SPDX-License-Identifier: Apache-2.0
// Passes stand in the order in which they were given: the oldest goes first when there are too
// many, and what has expired goes when its turn comes or when it is come upon.
#include "mfa/remember.h"

#include <errno.h>
#include <pthread.h>

#include "base/buf.h"
#include "base/table.h"
#include "base/time.h"
#include "crypto/digest.h"

enum {
    KEY_MAX_BYTES = 1 << 16,
    SKEW_MS = TIME_MINUTE_MS, // who asks may have looked at the clock before the pass was given
};

struct pass {
    struct table_link link;
    struct pass *prev, *next;
    uint8_t key[CRYPTO_SHA256_BYTES];
    uint64_t user;
    int64_t given_ms, until_ms;
};

struct remember {
    pthread_mutex_t mutex; // over everything below
    struct table passes;
    struct pass *first, *last; // the oldest, the newest
};

int remember_new(struct remember **ret) {
    struct remember *r = mem_new(sizeof *r);
    if (!r) return -ENOMEM;
    int e = table_init(&r->passes);
    if (!e) e = -pthread_mutex_init(&r->mutex, NULL);
    if (e) {
        table_fini(&r->passes);
        free(r);
        return e;
    }
    *ret = r;
    return 0;
}

static void remove_pass(struct remember *r, struct pass *p) {
    table_remove(&r->passes, &p->link);
    *(p->prev ? &p->prev->next : &r->first) = p->next;
    *(p->next ? &p->next->prev : &r->last) = p->prev;
    free(p);
}

struct remember *remember_free(struct remember *r) {
    if (!r) return NULL;
    while (r->first) remove_pass(r, r->first);
    table_fini(&r->passes);
    pthread_mutex_destroy(&r->mutex);
    free(r);
    return NULL;
}

static void add_part(struct buf *out, struct str part) {
    buf_add(out, &part.n, sizeof part.n);
    buf_add_str(out, part);
}

// False: no memory.
static bool digest(const struct remember_key *key, uint8_t ret[CRYPTO_SHA256_BYTES]) {
    AUTO_FINI(buf) struct buf all = buf_make(KEY_MAX_BYTES);
    add_part(&all, key->token_hash);
    add_part(&all, key->method_id);
    add_part(&all, key->address);
    return !all.error && crypto_sha256(buf_str(&all), ret) == 0;
}

static uint64_t hash_of(const uint8_t key[CRYPTO_SHA256_BYTES]) {
    uint64_t hash;
    memcpy(&hash, key, sizeof hash);
    return hash;
}

static struct pass *find(const struct remember *r, const uint8_t key[CRYPTO_SHA256_BYTES]) {
    struct table_link *l = table_first(&r->passes, hash_of(key));
    for (; l; l = table_next(l)) {
        struct pass *p = TABLE_ITEM(l, struct pass, link);
        if (memcmp(p->key, key, CRYPTO_SHA256_BYTES) == 0) return p;
    }
    return NULL;
}

static void append(struct remember *r, struct pass *p) {
    p->prev = r->last;
    *(r->last ? &r->last->next : &r->first) = p;
    r->last = p;
    table_add(&r->passes, &p->link, hash_of(p->key));
}

static void make_room(struct remember *r, int64_t now_ms) {
    while (r->first && (r->first->until_ms <= now_ms || r->passes.n >= REMEMBER_MAX))
        remove_pass(r, r->first);
}

void remember_add(struct remember *r, const struct remember_key *key, uint64_t user, int64_t keep_s,
                  int64_t now_ms) {
    AUTO_MEM struct pass *p = mem_new(sizeof *p);
    if (!p || !digest(key, p->key)) return;
    p->user = user;
    p->given_ms = now_ms;
    p->until_ms = now_ms + keep_s * TIME_SECOND_MS;
    pthread_mutex_lock(&r->mutex);
    struct pass *old = find(r, p->key);
    if (old) remove_pass(r, old);
    make_room(r, now_ms);
    append(r, TAKE(p));
    pthread_mutex_unlock(&r->mutex);
}

static bool counts(const struct pass *p, int64_t keep_s, int64_t now_ms) {
    int64_t until_ms = p->given_ms + keep_s * TIME_SECOND_MS;
    return now_ms < until_ms && now_ms < p->until_ms && now_ms > p->given_ms - SKEW_MS;
}

static bool is_empty(struct remember *r) {
    pthread_mutex_lock(&r->mutex);
    bool empty = !r->first;
    pthread_mutex_unlock(&r->mutex);
    return empty;
}

bool remember_has(struct remember *r, const struct remember_key *key, int64_t keep_s,
                  int64_t now_ms) {
    uint8_t wanted[CRYPTO_SHA256_BYTES];
    if (keep_s <= 0 || is_empty(r) || !digest(key, wanted)) return false;
    pthread_mutex_lock(&r->mutex);
    const struct pass *p = find(r, wanted);
    bool has = p && counts(p, keep_s, now_ms);
    pthread_mutex_unlock(&r->mutex);
    return has;
}

void remember_forget(struct remember *r, uint64_t user) {
    pthread_mutex_lock(&r->mutex);
    for (struct pass *p = r->first, *next; p; p = next) {
        next = p->next;
        if (p->user == user) remove_pass(r, p);
    }
    pthread_mutex_unlock(&r->mutex);
}
