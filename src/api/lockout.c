// SPDX-License-Identifier: Apache-2.0
// A table of sets, as in a processor's cache: a name's hash (keyed, so that nobody can aim) chooses
// a set of eight places, and a new name takes the one that failed longest ago.
#include "api/lockout.h"

#include <errno.h>
#include <pthread.h>

#include "base/hash.h"
#include "base/time.h"
#include "crypto/digest.h"

enum {
    SETS = 512,
    WAYS = 8,
    NAME_MAX_BYTES = 128, // longer names are known by their hash alone
    ACCESSOR_MAX_BYTES = 64,
    THRESHOLD = 5,
    DURATION_S = 900,
    COUNTER_RESET_S = 900,
};

struct place {
    uint64_t hash;
    int64_t last_ms; // failure; 0: free
    int64_t count;
    unsigned char name_n, accessor_n;
    char name[NAME_MAX_BYTES], accessor[ACCESSOR_MAX_BYTES];
};

struct lockout {
    pthread_mutex_t lock;
    uint64_t seed;
    struct place places[SETS][WAYS];
};

int lockout_new(struct lockout **ret) {
    AUTO_MEM struct lockout *l = mem_new(sizeof *l);
    if (!l) return -ENOMEM;
    int r = crypto_random(&l->seed, sizeof l->seed);
    if (r == 0) r = -pthread_mutex_init(&l->lock, NULL);
    if (r < 0) return r;
    *ret = TAKE(l);
    return 0;
}

struct lockout *lockout_free(struct lockout *l) {
    if (!l) return NULL;
    pthread_mutex_destroy(&l->lock);
    free(l);
    return NULL;
}

// ---- the rules

static int64_t tuned(const struct json *v, const char *key, int64_t otherwise) {
    int64_t n = 0;
    return json_i64(json_get(v, key), &n) && n > 0 ? n : otherwise;
}

struct lockout_rules lockout_rules(const struct mount *m) {
    struct lockout_rules rules = {THRESHOLD, DURATION_S, COUNTER_RESET_S, false};
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    if (!m || m->user_lockout.n == 0 || json_reader_new(&reader)) return rules;
    if (json_read(reader, m->user_lockout, &v, NULL)) return rules;
    rules.threshold = tuned(v, "user_lockout_threshold", THRESHOLD);
    rules.duration_s = tuned(v, "user_lockout_duration", DURATION_S);
    rules.counter_reset_s = tuned(v, "user_lockout_counter_reset_duration", COUNTER_RESET_S);
    rules.disabled = json_bool(json_get(v, "user_lockout_disable"));
    return rules;
}

// ---- the table, with the lock held

static uint64_t hash_of(const struct lockout *l, struct str accessor, struct str name) {
    return hash64(name, hash64(accessor, l->seed));
}

static struct place *find(struct lockout *l, uint64_t hash) {
    struct place *set = l->places[hash % SETS];
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].last_ms && set[i].hash == hash) return &set[i];
    return NULL;
}

static struct place *oldest(struct lockout *l, uint64_t hash) {
    struct place *set = l->places[hash % SETS];
    struct place *found = &set[0];
    for (size_t i = 1; i < WAYS; i++)
        if (set[i].last_ms < found->last_ms) found = &set[i];
    return found;
}

static unsigned char keep(char *to, size_t max, struct str s) {
    size_t n = s.n < max ? s.n : 0;
    if (n) memcpy(to, s.p, n);
    return (unsigned char)n;
}

static bool is_locked(const struct place *p, const struct lockout_rules *rules, int64_t now_ms) {
    return p && !rules->disabled && p->count >= rules->threshold &&
           now_ms < p->last_ms + rules->duration_s * TIME_SECOND_MS;
}

static void count(struct lockout *l, const struct lockout_rules *rules, struct str accessor,
                  struct str name, int64_t now_ms) {
    uint64_t hash = hash_of(l, accessor, name);
    struct place *p = find(l, hash);
    if (!p) {
        p = oldest(l, hash);
        *p = (struct place){.hash = hash};
        p->name_n = keep(p->name, sizeof p->name, name);
        p->accessor_n = keep(p->accessor, sizeof p->accessor, accessor);
    }
    bool locked_before = p->count >= rules->threshold;
    if (locked_before || now_ms - p->last_ms > rules->counter_reset_s * TIME_SECOND_MS)
        p->count = 0;
    p->count++;
    p->last_ms = now_ms > 0 ? now_ms : 1;
}

// ---- for everybody

bool lockout_is_locked(struct lockout *l, const struct lockout_rules *rules, struct str accessor,
                       struct str name, int64_t now_ms) {
    if (!l) return false;
    pthread_mutex_lock(&l->lock);
    bool locked = is_locked(find(l, hash_of(l, accessor, name)), rules, now_ms);
    pthread_mutex_unlock(&l->lock);
    return locked;
}

void lockout_failed(struct lockout *l, const struct lockout_rules *rules, struct str accessor,
                    struct str name, int64_t now_ms) {
    if (!l || rules->disabled) return;
    pthread_mutex_lock(&l->lock);
    count(l, rules, accessor, name, now_ms);
    pthread_mutex_unlock(&l->lock);
}

void lockout_clear(struct lockout *l, struct str accessor, struct str name) {
    if (!l) return;
    pthread_mutex_lock(&l->lock);
    struct place *p = find(l, hash_of(l, accessor, name));
    if (p) *p = (struct place){0};
    pthread_mutex_unlock(&l->lock);
}

void lockout_each(struct lockout *l, const struct state *s, int64_t now_ms,
                  void (*each)(void *ctx, struct str accessor, struct str name), void *ctx) {
    if (!l) return;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < (size_t)SETS * WAYS; i++) {
        const struct place *p = &l->places[i / WAYS][i % WAYS];
        struct str accessor = {p->accessor, p->accessor_n};
        const struct mount *m = p->last_ms && p->name_n ? mount_by_accessor(s, accessor) : NULL;
        struct lockout_rules rules = lockout_rules(m);
        if (m && is_locked(p, &rules, now_ms))
            each(ctx, accessor, (struct str){p->name, p->name_n});
    }
    pthread_mutex_unlock(&l->lock);
}
