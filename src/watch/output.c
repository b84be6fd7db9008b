// SPDX-License-Identifier: Apache-2.0
// An output serves one pair at a time, in the order in which they came: what a sink promises rests
// on nobody writing between its deliver and its commit.
#include "watch/watch-internal.h"

void output_init(struct output *o, struct watch *w, const struct watch_output_opts *opts) {
    o->watch = w;
    o->opts = opts;
    outlet_init(&o->outlet, opts, w->opts.store, &w->stop);
}

void output_fini(struct output *o) { outlet_fini(&o->outlet); }

void output_complain(struct output *o, const char *what, const char *text) {
    const struct log *lg = o->watch->opts.log;
    if (o->complaint == what) return;
    o->complaint = what;
    if (what) log_warn(lg, what, KV_STR("output", o->opts->name), KV_STR("reason", text));
    else log_info(lg, "output.recovered", KV_STR("output", o->opts->name));
}

static void serve_next(struct output *o);

static void work(void *ctx) { delivery_run(((struct output *)ctx)->serving); }

static void done(void *ctx) {
    struct output *o = ctx;
    struct pair *p = TAKE(o->serving);
    o->busy = false;
    watch_job_done(o->watch);
    pair_delivered(p);
    serve_next(o);
}

static void serve_next(struct output *o) {
    if (o->busy || !o->first_waiting || o->watch->stopping) return;
    struct pair *p = o->first_waiting;
    o->first_waiting = TAKE(p->next_waiting);
    o->serving = p;
    o->busy = true;
    int e = watch_job(o->watch, work, done, o);
    if (!e) return;
    o->serving = NULL;
    o->busy = false;
    p->delivery = (struct delivery){.error = e};
    fault_set(&p->delivery.fault, e, "no memory for a job");
    pair_delivered(p);
}

void output_enqueue(struct output *o, struct pair *p) {
    struct pair **at = &o->first_waiting;
    p->state = PAIR_DELIVERING;
    while (*at && (!pair_is_polling(p) || pair_is_polling(*at))) at = &(*at)->next_waiting;
    p->next_waiting = *at;
    *at = p;
    serve_next(o);
}
