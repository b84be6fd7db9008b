// SPDX-License-Identifier: Apache-2.0
// One thread makes all changes, one request after another, each over the newest state. What has
// come while the disk was busy is one transaction: its answers are given when that is durable, and
// when it fails, none of it has happened.
//
// The newest state (`tip`) is ahead of the published one only while a transaction is under way.
#include <errno.h>

#include "api/gate-internal.h"
#include "api/wrapping.h"
#include "base/time.h"

enum { JOBS_AT_ONCE = 512, BODY_MAX = 512 << 20, SWEEP_AT_ONCE = 2000, RETRY_MS = 5000 };

static void begin_call(struct gate *g, struct job *j) {
    job_begin_call(g, j, &j->call);
    buf_add_str(&j->call.prepared, buf_str(&j->prepared));
}

// The token's use is spent whatever comes of the request.
static int spend_use(struct job *j) {
    const struct token *t = j->call.caller.token;
    if (!t || t->num_uses <= 0) return 0;
    const struct token *now = token_by_hash(j->draft.state, t->hash);
    return now ? token_use(&j->draft, now) : 0;
}

static int end_last_use(struct job *j) {
    const struct token *t = j->call.caller.token;
    if (!t || t->num_uses != 1) return 0;
    const struct token *now = token_by_hash(j->draft.state, t->hash);
    return now ? token_revoke(&j->draft, now) : 0;
}

static int wrap(struct call *c) {
    AUTO_WIPED struct buf envelope = buf_make(BODY_MAX);
    int r = envelope_write_with(c, c->request->id, STR_NONE, &envelope);
    return r ? r : wrapping_wrap(c, buf_str(&envelope), &c->reply.wrap_info);
}

static int handle(struct job *j) {
    struct call *c = &j->call;
    int r = decide(c);
    if (!r) r = spend_use(j);
    if (!r) r = dispatch(c);
    if (!r && wants_wrapping(c)) r = wrap(c);
    return r;
}

// A request that failed has changed nothing, but for its token's use.
static int start_over(struct job *j) {
    draft_fini(&j->draft);
    int r = draft_begin(&j->draft, j->base);
    j->call.draft = &j->draft;
    j->call.state = j->base;
    return r ? r : spend_use(j);
}

// Takes the draft over as the newest state.
static void adopt(struct gate *g, struct job *j) {
    struct state *old = g->tip;
    g->tip = state_hold(j->draft.state);
    state_free(old);
}

static int change(struct gate *g, struct job *j) {
    begin_call(g, j);
    struct call *c = &j->call;
    j->base = state_hold(g->tip);
    int r = draft_begin(&j->draft, g->tip);
    if (r) return r;
    c->state = j->draft.state;
    c->draft = &j->draft;
    r = handle(j);
    bool failed = r || (c->reply.failed && !c->reply.keep);
    j->status = gate_word(g, c, r, &j->body);
    if (failed || j->status == 500) r = start_over(j);
    if (!r) r = end_last_use(j);
    if (!r) adopt(g, j);
    return r;
}

// A change that nobody asked for by a request.
static int change_own(struct gate *g, struct job *j) {
    if (!g->tip) return -EPERM;
    int r = draft_begin(&j->draft, g->tip);
    if (!r) r = j->make(j->arg, &j->draft);
    if (r) draft_fini(&j->draft);
    else adopt(g, j);
    return r;
}

static int control(struct gate *g, struct job *j) {
    begin_call(g, j);
    if (g->tip) j->base = state_hold(g->tip);
    j->call.state = j->base;
    int r = decide(&j->call);
    if (!r) r = dispatch(&j->call);
    j->status = gate_word(g, &j->call, r, &j->body);
    return 0;
}

// `r`: what kept the request's changes from being kept, after it was answered in words.
static void finish(struct gate *g, struct job *j, int r) {
    if (j->make) {
        j->made(j->arg, r);
    } else {
        if (r) j->status = gate_word(g, &j->call, r, &j->body);
        gate_tell(g, &j->call, j->status, &j->body, j->done, j->ctx);
        call_fini(&j->call);
    }
    job_free(j);
}

static void note_expiries(struct gate *g, const struct state_change *changes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const struct record *record = changes[i].record;
        if (changes[i].gone || record->kind != RECORD_TOKEN) continue;
        int64_t at = ((const struct token *)changes[i].record)->expires_ms;
        if (at && (!g->next_expiry_ms || at < g->next_expiry_ms)) g->next_expiry_ms = at;
    }
}

// Makes changes durable and visible; or takes the newest state back to what is.
static int commit(struct gate *g, const struct state_change *changes, size_t n) {
    if (n == 0) return 0;
    struct fault why = {{0}};
    AUTO(world) struct world *w = NULL;
    int r = world_new(&w, g->tip, g->world->key);
    if (!r) r = state_save(g->opts.store, w->key->sealer, changes, n, &why);
    if (r) {
        log_error(g->opts.log, "gate.state.not_written", KV_STR("error", why.text));
        state_free(g->tip);
        g->tip = state_hold(g->world->state);
        return r < 0 ? r : -EIO;
    }
    note_expiries(g, changes, n);
    gate_publish(g, TAKE(w));
    return 0;
}

struct batch {
    struct job *jobs[JOBS_AT_ONCE];
    int results[JOBS_AT_ONCE];
    size_t n;
};

static int commit_batch(struct gate *g, const struct batch *b) {
    size_t n = 0, at = 0;
    for (size_t i = 0; i < b->n; i++) n += b->jobs[i]->draft.n;
    AUTO_MEM struct state_change *all = mem_new_array(n + 1, sizeof *all);
    if (!all) {
        state_free(g->tip);
        g->tip = state_hold(g->world->state);
        return -ENOMEM;
    }
    for (size_t i = 0; i < b->n; i++) {
        const struct draft *d = &b->jobs[i]->draft;
        if (d->n) memcpy(all + at, d->changes, d->n * sizeof *all);
        at += d->n;
    }
    return commit(g, all, n);
}

// A request that failed by itself is told so; one whose changes could not be kept, that.
static void end_batch(struct gate *g, struct batch *b) {
    int r = b->n ? commit_batch(g, b) : 0;
    for (size_t i = 0; i < b->n; i++) {
        bool lost = r && b->jobs[i]->draft.n > 0;
        finish(g, b->jobs[i], lost ? r : b->results[i]);
    }
    b->n = 0;
}

// What changes the gate itself is done alone. While sealed there is nothing else to be done.
static bool is_control(const struct gate *g, const struct request *request) {
    if (!request) return false;
    if (!g->tip) return true;
    AUTO_FINI(call) struct call c;
    call_init(&c, request);
    c.state = g->tip;
    find_route(&c);
    return c.route && c.route->flags & ROUTE_CONTROL;
}

static void run_jobs(struct gate *g, struct job *first) {
    struct batch all = {.n = 0};
    struct batch *batch = &all;
    while (first) {
        struct job *j = first;
        first = j->next;
        bool alone = is_control(g, j->request);
        if (alone) end_batch(g, batch);
        batch->results[batch->n] = j->make ? change_own(g, j)
                                   : alone ? control(g, j)
                                           : change(g, j);
        batch->jobs[batch->n++] = j;
        if (alone || batch->n == JOBS_AT_ONCE) end_batch(g, batch);
    }
    end_batch(g, batch);
}

static int sweep_some(struct gate *g, bool *more) {
    struct draft d = {.state = NULL};
    int r = draft_begin(&d, g->tip);
    if (!r) r = token_sweep(&d, time_now_ms(), SWEEP_AT_ONCE, more);
    if (!r) {
        state_free(g->tip);
        g->tip = state_hold(d.state);
        r = commit(g, d.changes, d.n);
    }
    draft_fini(&d);
    return r;
}

static void sweep(struct gate *g) {
    bool more = true;
    int r = 0;
    while (!r && more) {
        more = false;
        r = sweep_some(g, &more);
    }
    if (r) {
        log_error(g->opts.log, "gate.sweep.failed", KV_STR("error", error_text(r)));
        g->next_expiry_ms = time_now_ms() + RETRY_MS;
    } else {
        g->next_expiry_ms = token_next_expiry(g->tip);
    }
}

static bool is_due(const struct gate *g) {
    return g->tip && g->next_expiry_ms && time_now_ms() >= g->next_expiry_ms;
}

static void wait_for_work(struct gate *g) {
    if (!g->tip || !g->next_expiry_ms) {
        pthread_cond_wait(&g->to_write, &g->mutex);
        return;
    }
    struct timespec until = {.tv_sec = g->next_expiry_ms / 1000 + 1};
    (void)pthread_cond_timedwait(&g->to_write, &g->mutex, &until);
}

static struct job *take_all(struct gate *g) {
    pthread_mutex_lock(&g->mutex);
    while (!g->writes.first && !g->hashers_gone && !is_due(g)) wait_for_work(g);
    struct job *first = g->writes.first;
    g->writes = (struct job_queue){.first = NULL};
    pthread_mutex_unlock(&g->mutex);
    return first;
}

void *writer_main(void *gate) {
    struct gate *g = gate;
    for (;;) {
        struct job *first = take_all(g);
        if (!first && g->hashers_gone) return NULL;
        if (first) run_jobs(g, first);
        if (is_due(g)) sweep(g);
    }
}
