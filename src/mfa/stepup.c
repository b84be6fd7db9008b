// SPDX-License-Identifier: Apache-2.0
// Other threads leave letters; everything else happens on the loop. A ticket is a number, so that
// who gives up may come late: what is over is not found any more.
#include <errno.h>

#include "crypto/digest.h"
#include "mfa/stepup-internal.h"

enum { LISTED_ID_BYTES = RUN_ID_BYTES + 4 };

// ---- claims

static struct str put_text(char **at, struct str from) {
    if (from.n) memcpy(*at, from.p, from.n);
    struct str copy = {*at, from.n};
    *at += from.n;
    return copy;
}

struct claim *claim_new(const struct stepup_demand *d) {
    const struct str from[] = {d->token_hash, d->entity_id,   d->request_id,     d->path,
                               d->operation,  d->fingerprint, d->remote_address, d->user_agent};
    size_t n = 0;
    for (size_t i = 0; i < LEN(from); i++) n += from[i].n;
    struct claim *c = mem_new(sizeof *c + n);
    if (!c) return NULL;
    struct str *const to[] = {&c->token_hash, &c->entity_id,   &c->request_id,     &c->path,
                              &c->operation,  &c->fingerprint, &c->remote_address, &c->user_agent};
    char *at = (char *)(c + 1);
    for (size_t i = 0; i < LEN(from); i++) *to[i] = put_text(&at, from[i]);
    c->refs = 1;
    return c;
}

struct claim *claim_free(struct claim *c) {
    if (c && --c->refs == 0) free(c);
    return NULL;
}

// ---- asking and giving up: any thread

// A buffer that has no more room than for what it is to hold: thousands may wait.
static struct buf buf_for(size_t bytes) {
    struct buf b = buf_make(bytes);
    if (bytes > TEXT_MAX_BYTES) b.error = -EMSGSIZE;
    else if (bytes) buf_reserve(&b, bytes);
    return b;
}

// That the id of a challenge can be told does not depend on memory later: one for each method.
static int keep_lists(struct demand *d, const struct stepup_demand *from) {
    d->methods = buf_for(from->methods.packed.n);
    d->credentials = buf_for(from->credentials.packed.n); // no copy is left behind by growing
    d->challenges = buf_for(list_count(from->methods) * LISTED_ID_BYTES);
    buf_add_str(&d->methods, from->methods.packed);
    buf_add_str(&d->credentials, from->credentials.packed);
    int r = d->methods.error ? d->methods.error : d->credentials.error;
    return r ? r : d->challenges.error;
}

static struct demand *demand_new(struct stepup *s, const struct stepup_demand *from,
                                 void (*done)(void *ctx, const struct stepup_outcome *o),
                                 void *ctx) {
    AUTO(demand) struct demand *d = mem_new(sizeof *d);
    if (!d) return NULL;
    d->stepup = s;
    d->done = done;
    d->ctx = ctx;
    d->arrival.read = demand_read_arrival;
    d->arrival.drop = demand_drop_arrival;
    d->departure.read = demand_read_departure;
    d->asked_mono_ms = time_mono_ms();
    d->claim = claim_new(from);
    if (!d->claim || keep_lists(d, from)) return NULL;
    return TAKE(d);
}

// 0: it is closed.
static uint64_t issue_ticket(struct stepup *s, struct demand *d) {
    pthread_mutex_lock(&s->mutex);
    if (!s->closed) {
        d->ticket = ++s->last_ticket;
        table_add(&s->tickets, &d->by_ticket, d->ticket);
    }
    uint64_t ticket = d->ticket;
    pthread_mutex_unlock(&s->mutex);
    return ticket;
}

uint64_t stepup_ask(struct stepup *s, const struct stepup_demand *demand,
                    void (*done)(void *ctx, const struct stepup_outcome *o), void *ctx) {
    AUTO(demand) struct demand *d = demand_new(s, demand, done, ctx);
    uint64_t ticket = d ? issue_ticket(s, d) : 0;
    if (ticket) mailbox_post(s->mailbox, &TAKE(d)->arrival);
    return ticket;
}

void stepup_give_up(struct stepup *s, uint64_t ticket) {
    pthread_mutex_lock(&s->mutex);
    struct table_link *l = table_first(&s->tickets, ticket);
    struct demand *d = l ? TABLE_ITEM(l, struct demand, by_ticket) : NULL;
    if (d && !d->given_up) {
        d->given_up = true;
        mailbox_post(s->mailbox, &d->departure);
    }
    pthread_mutex_unlock(&s->mutex);
}

// ---- passes: any thread

static bool remembers(struct stepup *s, const struct state *state, struct str name,
                      const struct stepup_demand *d, int64_t now_ms) {
    const struct method *m = method_get(state, name);
    const struct remember_key key = {d->token_hash, m ? m->id : STR_NONE, d->remote_address};
    return m && remember_has(s->remember, &key, m->remember_s, now_ms);
}

bool stepup_remembers(struct stepup *s, const struct state *state, struct list methods,
                      struct str token_hash, struct str remote_address, int64_t now_ms) {
    const struct stepup_demand d = {.token_hash = token_hash, .remote_address = remote_address};
    struct str rest = methods.packed, name;
    while (list_next(&rest, &name))
        if (!remembers(s, state, name, &d, now_ms)) return false;
    return !list_is_empty(methods);
}

struct refusal stepup_refusals(const struct stepup *s, struct str org, struct str login) {
    return refusals_of(s->refusals, org, login);
}

const struct guard_limits *stepup_limits(const struct stepup *s) { return &s->settings.guard; }

void stepup_stats(struct stepup *s, struct stepup_stats *ret) {
    *ret = (struct stepup_stats){.waiting = s->waiting,
                                 .pushes = s->pushes,
                                 .allowed = s->allowed,
                                 .denied = s->denied,
                                 .refused = s->refused,
                                 .unlogged = s->unlogged};
    for (size_t i = 0; i < REASONS; i++) ret->outcomes[i] = s->outcomes[i];
    for (size_t i = 0; i < GUARD_RULES; i++) ret->rules[i] = s->rules[i];
}

// ---- small services

void stepup_count(struct stepup *s, const struct stepup_end *e) {
    s->outcomes[e->reason]++;
    if (e->reason == REASON_NONE) {
        s->allowed++;
    } else if (e->reason == REASON_GUARD) {
        s->refused++;
        s->rules[e->rule]++;
        refusals_note(s->refusals, e->org, e->login, e->rule, e->now_ms);
    } else {
        s->denied++;
    }
}

bool stepup_audit(struct stepup *s, const struct buf *document) {
    if (document->error) return false;
    return !s->world.audit || s->world.audit(s->world.audit_ctx, buf_str(document));
}

uint64_t stepup_user_number(const struct stepup *s, struct str host, struct str user_id) {
    return hash64(user_id, stepup_hash(s, host));
}

// ---- stopping

static void tell_stopped(void *ctx) {
    struct stepup *s = ctx;
    void (*stopped)(void *ctx) = TAKE(s->stopped);
    loop_timer_cancel(s->stop_timer);
    if (stopped) stopped(s->stopped_ctx);
}

// A demand that has a ticket may not have reached the loop yet.
static bool has_demands(struct stepup *s) {
    pthread_mutex_lock(&s->mutex);
    bool has = s->tickets.n > 0;
    pthread_mutex_unlock(&s->mutex);
    return has;
}

void stepup_look_stopped(struct stepup *s) {
    bool over = s->stopping && !has_demands(s) && !s->first_run && s->changes == 0;
    if (over && s->stopped) loop_timer_set(s->stop_timer, 0);
}

// Okta, or the gate's writer, has not answered in time.
static void on_stop_time(void *ctx) {
    struct stepup *s = ctx;
    mailbox_read_all(s->mailbox);
    for (struct run *r = s->first_run, *next; r; r = next) {
        next = r->next;
        run_give_up(r);
    }
    tell_stopped(s);
}

static void end_everything(struct stepup *s) {
    for (struct run *r = s->first_run, *next; r; r = next) {
        next = r->next;
        if (run_is_over(r)) run_settle(r);
        else run_end(r, REASON_STOPPED);
    }
    demand_release_held(s, REASON_STOPPED);
}

void stepup_stop(struct stepup *s, void (*done)(void *ctx), void *ctx) {
    pthread_mutex_lock(&s->mutex);
    s->closed = true;
    pthread_mutex_unlock(&s->mutex);
    s->stopped = done;
    s->stopped_ctx = ctx;
    s->stopping = true;
    loop_timer_cancel(s->tick);
    loop_timer_set(s->stop_timer, STOP_MS);
    mailbox_read_all(s->mailbox);
    end_everything(s);
    stepup_look_stopped(s);
}

// ---- beginning and end

static int make_parts(struct stepup *s, struct fault *fault) {
    const struct orgs_opts orgs = {
        .loop = s->loop,
        .log = s->log,
        .http = s->settings.http,
        .okta_url = s->settings.okta_url,
        .rate_limit_early_limit = s->settings.rate_limit_early_limit,
        .http_client_timeout_ms = s->settings.http_client_timeout_ms,
    };
    int r = orgs_new(&s->orgs, &orgs, fault);
    if (!r) r = crypto_random(&s->seed, sizeof s->seed);
    if (!r) r = table_init(&s->tickets);
    if (!r) r = table_init(&s->runs_by_user);
    if (!r) r = table_init(&s->runs_by_id);
    if (!r) r = remember_new(&s->remember);
    if (!r) r = refusals_new(&s->refusals);
    if (!r) r = json_reader_new(&s->reader);
    return r;
}

static void on_deadline(void *stepup) { demand_look_deadlines(stepup); }

static int make_ways(struct stepup *s) {
    int r = loop_timer_new(&s->deadlines, s->loop, on_deadline, s);
    if (!r) r = loop_timer_new(&s->stop_timer, s->loop, on_stop_time, s);
    if (!r) r = loop_timer_new(&s->tick, s->loop, sweep_tick, s);
    if (!r) r = mailbox_new(&s->mailbox, s->loop);
    return r;
}

static struct stepup_settings with_defaults(const struct stepup_settings *given) {
    struct stepup_settings s = *given;
    if (s.wait_ms <= 0) s.wait_ms = 50 * TIME_SECOND_MS;
    if (s.poll_interval_ms <= 0) s.poll_interval_ms = 4 * TIME_SECOND_MS;
    if (s.max_waiting <= 0) s.max_waiting = 20000;
    return s;
}

int stepup_new(struct stepup **ret, struct loop *loop, const struct log *log,
               const struct stepup_settings *settings, const struct stepup_world *world,
               struct fault *fault) {
    AUTO(stepup) struct stepup *s = mem_new(sizeof *s);
    if (!s) return -ENOMEM;
    s->loop = loop;
    s->log = log;
    s->settings = with_defaults(settings);
    s->world = *world;
    int r = -pthread_mutex_init(&s->mutex, NULL);
    s->has_mutex = r == 0;
    if (!r) r = make_parts(s, fault);
    if (!r) r = make_ways(s);
    if (r) return r;
    loop_timer_set(s->tick, 0);
    *ret = TAKE(s);
    return 0;
}

struct stepup *stepup_free(struct stepup *s) {
    if (!s) return NULL;
    s->mailbox = mailbox_free(s->mailbox);
    while (s->first_demand) demand_free(s->first_demand);
    while (s->first_run) run_free(s->first_run);
    orgs_free(s->orgs);
    loop_timer_free(s->deadlines);
    loop_timer_free(s->stop_timer);
    loop_timer_free(s->tick);
    remember_free(s->remember);
    refusals_free(s->refusals);
    json_reader_free(s->reader);
    table_fini(&s->tickets);
    table_fini(&s->runs_by_user);
    table_fini(&s->runs_by_id);
    if (s->has_mutex) pthread_mutex_destroy(&s->mutex);
    free(s);
    return NULL;
}
