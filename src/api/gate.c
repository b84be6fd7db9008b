// SPDX-License-Identifier: Apache-2.0
// What is known is published as a counted, immutable world. A request that only reads is judged and
// answered over it where it arrived; everything else becomes a job for the writer (writer.c), by
// way of a hasher when passwords are involved (hasher.c).
#include "api/gate.h"

#include <errno.h>
#include <unistd.h>

#include "api/audit.h"
#include "api/backends.h"
#include "api/gate-internal.h"
#include "api/passage.h"
#include "base/time.h"
#include "mfa/stepup.h"
#include "store/records.h"

enum { BODY_MAX = 512 << 20, HASHERS_MAX = 4 };

struct gate_key *gate_key_free(struct gate_key *k) {
    if (!k || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1) return NULL;
    k->own = crypto_sealer_free(k->own);
    free(k);
    return NULL;
}

struct world *world_free(struct world *w) {
    if (!w || atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) != 1) return NULL;
    w->state = state_free(w->state);
    w->key = gate_key_free(w->key);
    free(w);
    return NULL;
}

int world_new(struct world **ret, const struct state *state, struct gate_key *key) {
    struct world *w = mem_new(sizeof *w);
    if (!w) return -ENOMEM;
    atomic_init(&w->refs, 1);
    if (state) w->state = state_hold(state);
    if (key) atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
    w->key = key;
    *ret = w;
    return 0;
}

struct world *gate_world(struct gate *g) {
    pthread_mutex_lock(&g->mutex);
    struct world *w = g->world;
    atomic_fetch_add_explicit(&w->refs, 1, memory_order_relaxed);
    pthread_mutex_unlock(&g->mutex);
    return w;
}

void gate_publish(struct gate *g, struct world *take_world) {
    pthread_mutex_lock(&g->mutex);
    struct world *old = g->world;
    g->world = take_world;
    pthread_mutex_unlock(&g->mutex);
    world_free(old); // NULL at the start
}

bool gate_writes(const struct call *c) {
    if (c->caller.token && c->caller.token->num_uses > 0) return true;
    if (c->reply.failed || c->op == OP_HELP) return false;
    bool reads = c->op == OP_READ || c->op == OP_LIST || c->op == OP_HEADER;
    return !reads || c->request->wrap_ttl_s > 0 || (c->route && c->route->read_writes);
}

static void count(struct gate *g, enum operation op, int status) {
    int class = status / 100 < GATE_CLASSES ? status / 100 : 0;
    atomic_fetch_add_explicit(&g->answered[op][class], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&g->requests, 1, memory_order_relaxed);
    if (status == 403) atomic_fetch_add_explicit(&g->denied, 1, memory_order_relaxed);
    if (status >= 500) atomic_fetch_add_explicit(&g->failed, 1, memory_order_relaxed);
}

static bool is_audited(struct gate *g, const struct call *c, int status) {
    if (!g->opts.audit) return true;
    AUTO_FINI(buf) struct buf document = buf_make(1 << 20);
    if (audit_write(&document, c, status, time_now_ms() - c->request->now_ms)) return false;
    return g->opts.audit(g->opts.audit_ctx, buf_str(&document));
}

static int refuse(struct call *c, const char *reason, const char *text) {
    c->reply.reason = reason;
    c->reply.keep = false;
    return call_error(c, 500, "%s", text);
}

int gate_word(struct gate *g, struct call *c, int r, struct buf *body) {
    buf_reset(body);
    if (r) {
        log_error(g->opts.log, "gate.request.failed", KV_SLICE("request_id", c->request->id),
                  KV_STR("error", error_text(r < 0 ? r : -EIO)));
        refuse(c, "internal error", "internal error");
    }
    int status = envelope_status(c);
    if (!is_audited(g, c, status)) {
        atomic_fetch_add_explicit(&g->unaudited, 1, memory_order_relaxed);
        refuse(c, "not audited", "the request cannot be audited, so it is refused");
        status = envelope_status(c);
    }
    if (envelope_write(c, body) == 0) return status;
    buf_fini(body);
    return 500;
}

void gate_tell(struct gate *g, const struct call *c, int status, const struct buf *body,
               void (*done)(void *ctx, const struct answer *a), void *ctx) {
    struct str text = buf_str(body);
    // Even where there was no memory to say it.
    if (status == 500 && !text.n) text = STR("{\"errors\":[\"internal error\"]}\n");
    const char *type = c->reply.content_type ? c->reply.content_type : "application/json";
    struct answer answer = {.status = status, .body = text, .content_type = text.n ? type : NULL};
    count(g, c->op, status);
    done(ctx, &answer);
}

void queue_add(struct job_queue *q, struct job *j) {
    j->next = NULL;
    if (!q->first) q->end = &q->first;
    *q->end = j;
    q->end = &j->next;
    q->n++;
}

// More waiting than this is refused: each has a connection and a body that takes memory.
enum { WAITING_MAX = 100000, HASHES_WAITING_MAX = 2000 };

static bool enqueue(struct gate *g, struct job *j, bool prepare) {
    pthread_mutex_lock(&g->mutex);
    struct job_queue *q = prepare ? &g->prepares : &g->writes;
    bool room = q->n < (prepare ? (size_t)HASHES_WAITING_MAX : (size_t)WAITING_MAX);
    if (room) queue_add(q, j);
    pthread_cond_signal(prepare ? &g->to_prepare : &g->to_write);
    pthread_mutex_unlock(&g->mutex);
    return room;
}

struct job *job_new(const struct request *request, void (*done)(void *ctx, const struct answer *a),
                    void *ctx) {
    struct job *j = mem_new(sizeof *j);
    if (!j) return NULL;
    j->request = request;
    j->done = done;
    j->ctx = ctx;
    j->prepared = buf_make(BODY_MAX);
    j->body = buf_make(BODY_MAX);
    return j;
}

struct job *job_free(struct job *j) {
    if (!j) return NULL;
    draft_fini(&j->draft);
    state_free(j->base);
    passage_fini(&j->passage);
    buf_wipe(&j->prepared);
    buf_wipe(&j->body);
    free(j);
    return NULL;
}

static void begin_call(struct gate *g, const struct request *request, struct call *c) {
    call_init(c, request);
    c->gate = g;
    c->lockout = g->lockout;
    c->stepup = g->stepup;
}

void job_begin_call(struct gate *g, const struct job *j, struct call *c) {
    begin_call(g, j->request, c);
    c->now_ms += j->waited_ms;
    if (j->has_passage) c->passage = &j->passage;
}

// To the writer, by way of a hasher where that is needed; with the passage, if the call has one.
static int make_job(struct gate *g, const struct call *c, struct passage *take_passage,
                    int64_t waited_ms, const struct asker *who) {
    struct job *j = job_new(c->request, who->done, who->ctx);
    if (!j) return -ENOMEM;
    j->waited_ms = waited_ms;
    j->has_passage = c->passage;
    j->passage = *take_passage;
    *take_passage = (struct passage){.allowed = false};
    bool update = c->op == OP_UPDATE || c->op == OP_CREATE;
    if (enqueue(g, j, !c->reply.failed && update && c->route->prepare)) return 0;
    job_free(j);
    return -EAGAIN;
}

static void answer(struct gate *g, struct call *c, int r, const struct asker *who) {
    AUTO_WIPED struct buf body = buf_make(BODY_MAX);
    int status = gate_word(g, c, r, &body);
    gate_tell(g, c, status, &body, who->done, who->ctx);
}

// What has been decided (`r`) is answered here, or by another thread, perhaps before this returns.
static void see_through(struct gate *g, struct call *c, int r, struct passage *passage,
                        int64_t waited_ms, const struct asker *who) {
    if (!r && gate_writes(c)) {
        r = make_job(g, c, passage, waited_ms, who);
        if (!r) return;
    } else if (!r) {
        r = dispatch(c);
    }
    answer(g, c, r, who);
}

void gate_go_on(struct gate *g, const struct request *request, struct passage *passage,
                int64_t waited_ms, const struct asker *who) {
    AUTO(world) struct world *w = gate_world(g);
    AUTO_FINI(call) struct call c;
    begin_call(g, request, &c);
    c.now_ms += waited_ms;
    c.passage = passage;
    c.state = w->state;
    int r = decide(&c);
    see_through(g, &c, r, passage, waited_ms, who);
}

// True: it waits for a person. Else MFA has been passed before, or cannot be asked for.
static bool waits_for_mfa(struct gate *g, struct call *c, struct passage *passage,
                          const struct asker *who, uint64_t *ret_ticket) {
    int outcome = passage_ask(g, c, passage, who, ret_ticket);
    if (outcome == 0) return true;
    c->wants_mfa = false;
    c->passage = passage;
    if (outcome != PASSAGE_E_REMEMBERED) (void)call_denied(c, "mfa cannot be asked for");
    return false;
}

uint64_t gate_handle(struct gate *g, const struct request *request,
                     void (*done)(void *ctx, const struct answer *a), void *ctx) {
    const struct asker who = {done, ctx};
    AUTO(world) struct world *w = gate_world(g);
    AUTO_FINI(passage) struct passage passage = {.allowed = false};
    AUTO_FINI(call) struct call c;
    uint64_t ticket = 0;
    begin_call(g, request, &c);
    c.state = w->state;
    int r = decide(&c);
    if (!r && c.wants_mfa && waits_for_mfa(g, &c, &passage, &who, &ticket)) return ticket;
    see_through(g, &c, r, &passage, 0, &who);
    return 0;
}

void gate_give_up(struct gate *g, uint64_t ticket) {
    if (g->stepup) stepup_give_up(g->stepup, ticket);
}

void gate_use_stepup(struct gate *g, struct stepup *s) { g->stepup = s; }

struct state *gate_state(struct gate *g) {
    AUTO(world) struct world *w = gate_world(g);
    return w->state ? state_hold(w->state) : NULL;
}

int gate_change(struct gate *g, int (*make)(void *arg, struct draft *d),
                void (*done)(void *arg, int r), void *arg) {
    struct job *j = job_new(NULL, NULL, NULL);
    if (!j) return -ENOMEM;
    j->make = make;
    j->made = done;
    j->arg = arg;
    if (enqueue(g, j, false)) return 0;
    job_free(j);
    return -EAGAIN;
}

static int note_core(void *ctx, const struct store_record *row) {
    (void)row;
    *(bool *)ctx = true;
    return 1;
}

static int look_for_core(struct gate *g, struct fault *fault) {
    if (!g->opts.store) return 0;
    bool found = false;
    int r = store_records_each(g->opts.store, STR("gate/core/"), note_core, &found, fault);
    atomic_store(&g->initialized, found);
    return r < 0 ? r : 0;
}

static int load(struct gate *g, struct fault *fault) {
    AUTO(world) struct world *w = NULL;
    int r = look_for_core(g, fault);
    if (r) return r;
    if (!g->opts.sealer || !g->initialized) {
        r = world_new(&w, NULL, NULL);
        if (r) return r;
        g->world = TAKE(w);
        return 0;
    }
    AUTO(state) struct state *s = NULL;
    r = state_load(&s, &api_schema, g->opts.store, g->opts.sealer, fault);
    if (r == STATE_E_OTHER_KEY) return GATE_E_OTHER_KEY;
    if (r) return r < 0 ? r : -EUCLEAN;
    return control_take(g, s, NULL, g->opts.sealer);
}

static int start_threads(struct gate *g) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int n =
        g->opts.hash_threads > 0 ? g->opts.hash_threads : (int)(processors > 0 ? processors : 1);
    if (n > HASHERS_MAX) n = HASHERS_MAX;
    g->hashers = mem_new_array((size_t)n, sizeof *g->hashers);
    if (!g->hashers) return -ENOMEM;
    int r = pthread_create(&g->writer, NULL, writer_main, g);
    if (r) return -r;
    g->writer_runs = true;
    for (; g->hasher_count < n; g->hasher_count++) {
        r = pthread_create(&g->hashers[g->hasher_count], NULL, hasher_main, g);
        if (r) return -r;
    }
    return 0;
}

int gate_new(struct gate **ret, const struct gate_opts *opts, struct fault *fault) {
    AUTO(gate) struct gate *g = mem_new(sizeof *g);
    if (!g) return -ENOMEM;
    g->opts = *opts;
    g->probe = buf_make(1 << 12);
    pthread_mutex_init(&g->mutex, NULL);
    pthread_cond_init(&g->to_prepare, NULL);
    pthread_cond_init(&g->to_write, NULL);
    int r = lockout_new(&g->lockout);
    if (!r) r = load(g, fault);
    if (r) return r;
    r = start_threads(g);
    if (r) return fault_set(fault, r, "the gate's threads cannot be started: %s", error_text(r));
    *ret = TAKE(g);
    return 0;
}

struct gate *gate_free(struct gate *g) {
    if (!g) return NULL;
    pthread_mutex_lock(&g->mutex);
    g->stopping = true;
    pthread_cond_broadcast(&g->to_prepare);
    pthread_mutex_unlock(&g->mutex);
    while (g->hasher_count > 0) pthread_join(g->hashers[--g->hasher_count], NULL);
    pthread_mutex_lock(&g->mutex);
    g->hashers_gone = true;
    pthread_cond_broadcast(&g->to_write);
    pthread_mutex_unlock(&g->mutex);
    if (g->writer_runs) pthread_join(g->writer, NULL);
    free(g->hashers);
    lockout_free(g->lockout);
    world_free(g->world);
    state_free(g->tip);
    state_free(g->shelved);
    buf_wipe(&g->probe);
    pthread_cond_destroy(&g->to_write);
    pthread_cond_destroy(&g->to_prepare);
    pthread_mutex_destroy(&g->mutex);
    free(g);
    return NULL;
}

static void load_answered(struct gate *g, struct gate_stats *ret) {
    for (size_t op = 0; op < GATE_OPERATIONS; op++)
        for (size_t class = 0; class < GATE_CLASSES; class ++)
            ret->answered[op][class] = atomic_load(&g->answered[op][class]);
}

void gate_stats(struct gate *g, struct gate_stats *ret) {
    AUTO(world) struct world *w = gate_world(g);
    *ret = (struct gate_stats){
        .initialized = g->initialized,
        .sealed = !w->state,
        .requests = atomic_load(&g->requests),
        .denied = atomic_load(&g->denied),
        .failed = atomic_load(&g->failed),
        .unaudited = atomic_load(&g->unaudited),
        .tokens = w->state ? (int64_t)state_count(w->state, RECORD_TOKEN) : 0,
        .entities = w->state ? (int64_t)state_count(w->state, RECORD_ENTITY) : 0,
    };
    load_answered(g, ret);
}
