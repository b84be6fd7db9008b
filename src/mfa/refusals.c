// SPDX-License-Identifier: Apache-2.0
// Places by hash, each with the whole hash of whom it is about.
#include "mfa/refusals.h"

#include <errno.h>
#include <pthread.h>

#include "base/hash.h"
#include "identity/fold.h"

enum { PLACES = 1024, NAME_MAX_BYTES = 4096 };

struct place {
    struct hash128 who;
    struct refusal refusal;
};

struct refusals {
    pthread_mutex_t mutex; // over what follows
    struct place places[PLACES];
};

int refusals_new(struct refusals **ret) {
    struct refusals *r = mem_new(sizeof *r);
    if (!r) return -ENOMEM;
    int e = -pthread_mutex_init(&r->mutex, NULL);
    if (e) free(r);
    else *ret = r;
    return e;
}

struct refusals *refusals_free(struct refusals *r) {
    if (!r) return NULL;
    pthread_mutex_destroy(&r->mutex);
    free(r);
    return NULL;
}

// False: no memory; then nothing is known of anybody.
static bool hash_of(struct str org, struct str login, struct hash128 *ret) {
    AUTO_FINI(buf) struct buf name = buf_make(NAME_MAX_BYTES);
    buf_add_str(&name, org);
    buf_addc(&name, ' ');
    fold_text(&name, login);
    *ret = hash128(buf_str(&name));
    return !name.error;
}

void refusals_note(struct refusals *r, struct str org, struct str login, enum guard_rule rule,
                   int64_t now_ms) {
    struct hash128 who;
    if (!hash_of(org, login, &who)) return;
    struct place *place = &r->places[who.lo % PLACES];
    pthread_mutex_lock(&r->mutex);
    if (!hash128_eq(place->who, who)) *place = (struct place){.who = who};
    place->refusal.times++;
    place->refusal.last_ms = now_ms;
    place->refusal.rule = rule;
    pthread_mutex_unlock(&r->mutex);
}

struct refusal refusals_of(struct refusals *r, struct str org, struct str login) {
    struct refusal found = {.times = 0};
    struct hash128 who;
    if (!hash_of(org, login, &who)) return found;
    const struct place *place = &r->places[who.lo % PLACES];
    pthread_mutex_lock(&r->mutex);
    if (hash128_eq(place->who, who)) found = place->refusal;
    pthread_mutex_unlock(&r->mutex);
    return found;
}
