// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_MFA_FAKE_WORLD_H
#define TESTS_UNIT_MFA_FAKE_WORLD_H
// The gate, as far as the step-up sees it: a state, changed on a thread of its own, and an audit
// journal. Each can be made to fail; changes can be kept back.

#include <pthread.h>

#include "identity/entity.h"
#include "identity/mount.h"
#include "mfa/guard.h"
#include "mfa/method.h"
#include "mfa/stepup.h"
#include "mfa/trail.h"

enum { FAKE_DOCUMENTS = 4096 };

static const struct state_schema fake_schema = {{
    [RECORD_MOUNT] = &mount_type_record,
    [RECORD_ENTITY] = &entity_type,
    [RECORD_ALIAS] = &alias_type,
    [RECORD_MERGED] = &entity_merged_type,
    [RECORD_METHOD] = &method_type,
    [RECORD_GUARD] = &guarded_type,
    [RECORD_CHALLENGE] = &attempt_type,
}};

struct fake_change {
    struct fake_change *next;
    int (*make)(void *arg, struct draft *d);
    void (*done)(void *arg, int r);
    void *arg;
};

struct fake_world {
    pthread_t thread;
    pthread_mutex_t mutex; // over everything below
    pthread_cond_t cond;
    struct state *state;
    bool sealed, stopping, held;
    struct fake_change *first, **end;
    int refuse;     // what the next changes give at once; 0: they are taken
    int fail;       // what becomes of changes; 0: they are kept
    int fail_after; // so many more are kept first
    int changes;    // made so far
    bool deaf;      // documents are not taken
    char *documents[FAKE_DOCUMENTS];
    int document_count;
};

static inline int fake_make(struct fake_world *w, struct fake_change *c) {
    struct draft d;
    if (w->sealed) return -EPERM;
    int r = draft_begin(&d, w->state);
    if (r) return r;
    r = c->make(c->arg, &d);
    bool fails = w->fail && w->fail_after-- <= 0;
    if (r == 0 && fails) r = w->fail;
    if (r == 0) {
        state_free(w->state);
        w->state = state_hold(d.state);
    }
    draft_fini(&d);
    w->changes++;
    return r;
}

static inline void *fake_writer(void *ctx) {
    struct fake_world *w = ctx;
    pthread_mutex_lock(&w->mutex);
    for (;;) {
        while ((!w->first || w->held) && !w->stopping) pthread_cond_wait(&w->cond, &w->mutex);
        struct fake_change *c = w->first;
        if (!c) break;
        w->first = c->next;
        if (!w->first) w->end = &w->first;
        int r = fake_make(w, c);
        pthread_mutex_unlock(&w->mutex);
        c->done(c->arg, r);
        free(c);
        pthread_mutex_lock(&w->mutex);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

static inline struct state *fake_state(void *ctx) {
    struct fake_world *w = ctx;
    pthread_mutex_lock(&w->mutex);
    struct state *s = w->sealed ? NULL : state_hold(w->state);
    pthread_mutex_unlock(&w->mutex);
    return s;
}

static inline int fake_take_change(void *ctx, int (*make)(void *arg, struct draft *d),
                                   void (*done)(void *arg, int r), void *arg) {
    struct fake_world *w = ctx;
    struct fake_change *c = mem_new(sizeof *c);
    if (!c) return -ENOMEM;
    *c = (struct fake_change){.make = make, .done = done, .arg = arg};
    pthread_mutex_lock(&w->mutex);
    int r = w->refuse;
    if (r == 0) {
        *w->end = c;
        w->end = &c->next;
    } else {
        free(c);
    }
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->mutex);
    return r;
}

static inline bool fake_audit(void *ctx, struct str document) {
    struct fake_world *w = ctx;
    pthread_mutex_lock(&w->mutex);
    bool taken = !w->deaf && w->document_count < FAKE_DOCUMENTS;
    char *copy = taken ? mem_copy(document.p, document.n) : NULL;
    taken = copy != NULL;
    if (taken) w->documents[w->document_count++] = copy;
    pthread_mutex_unlock(&w->mutex);
    return taken;
}

static inline void fake_hold_changes(struct fake_world *w, bool held) {
    pthread_mutex_lock(&w->mutex);
    w->held = held;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->mutex);
}

// So many of the changes to come are kept, and then none: `r` becomes of them. 0: all are kept.
static inline void fake_fail_changes(struct fake_world *w, int r, int after) {
    pthread_mutex_lock(&w->mutex);
    w->fail = r;
    w->fail_after = after;
    pthread_mutex_unlock(&w->mutex);
}

static inline void fake_refuse_changes(struct fake_world *w, int r) {
    pthread_mutex_lock(&w->mutex);
    w->refuse = r;
    pthread_mutex_unlock(&w->mutex);
}

static inline void fake_seal(struct fake_world *w, bool sealed) {
    pthread_mutex_lock(&w->mutex);
    w->sealed = sealed;
    pthread_mutex_unlock(&w->mutex);
}

static inline void fake_deafen(struct fake_world *w, bool deaf) {
    pthread_mutex_lock(&w->mutex);
    w->deaf = deaf;
    pthread_mutex_unlock(&w->mutex);
}

// How many documents hold all of the texts (up to three).
static inline int fake_documents(struct fake_world *w, const char *a, const char *b,
                                 const char *c) {
    int n = 0;
    pthread_mutex_lock(&w->mutex);
    for (int i = 0; i < w->document_count; i++) {
        const char *d = w->documents[i];
        if (strstr(d, a) && (!b || strstr(d, b)) && (!c || strstr(d, c))) n++;
    }
    pthread_mutex_unlock(&w->mutex);
    return n;
}

// A change by the test itself.
static inline void fake_edit(struct fake_world *w, int (*edit)(struct draft *d, const void *arg),
                             const void *arg) {
    struct draft d;
    pthread_mutex_lock(&w->mutex);
    assert_int_equal(draft_begin(&d, w->state), 0);
    assert_int_equal(edit(&d, arg), 0);
    state_free(w->state);
    w->state = state_hold(d.state);
    draft_fini(&d);
    pthread_mutex_unlock(&w->mutex);
}

static inline void fake_world_start(struct fake_world *w) {
    *w = (struct fake_world){.end = &w->first};
    assert_int_equal(state_new(&w->state, &fake_schema), 0);
    assert_int_equal(pthread_mutex_init(&w->mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&w->cond, NULL), 0);
    assert_int_equal(pthread_create(&w->thread, NULL, fake_writer, w), 0);
}

// The thread makes what it has still been given, and ends.
static inline void fake_world_end_thread(struct fake_world *w) {
    pthread_mutex_lock(&w->mutex);
    w->stopping = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
}

static inline void fake_world_free(struct fake_world *w) {
    for (int i = 0; i < w->document_count; i++) free(w->documents[i]);
    state_free(w->state);
    pthread_mutex_destroy(&w->mutex);
    pthread_cond_destroy(&w->cond);
}

#endif
