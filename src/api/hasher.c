// SPDX-License-Identifier: Apache-2.0
// Threads for what is slow on purpose: a password is hashed here, over the published snapshot, and
// what came out goes with the request to the writer, which judges the request anew.
#include "api/fields.h"
#include "api/gate-internal.h"

static struct job *take(struct gate *g) {
    pthread_mutex_lock(&g->mutex);
    while (!g->prepares.first && !g->stopping) pthread_cond_wait(&g->to_prepare, &g->mutex);
    struct job *j = g->prepares.first;
    if (j) {
        g->prepares.first = j->next;
        g->prepares.n--;
    }
    pthread_mutex_unlock(&g->mutex);
    return j;
}

static int prepare(struct call *c) {
    int r = decide(c);
    if (!r && c->wants_mfa) r = call_denied(c, "mfa is required");
    if (r || c->reply.failed) return r;
    struct fault why = {{0}};
    r = fields_read(c, &why);
    if (r == FIELDS_E_REFUSED) return call_error(c, 400, "%s", why.text);
    bool update = c->op == OP_UPDATE || c->op == OP_CREATE;
    return r || !update || !c->route->prepare ? r : c->route->prepare(c);
}

static void hand_on(struct gate *g, struct job *j) {
    pthread_mutex_lock(&g->mutex);
    queue_add(&g->writes, j);
    pthread_cond_signal(&g->to_write);
    pthread_mutex_unlock(&g->mutex);
}

static void work(struct gate *g, struct job *j) {
    AUTO(world) struct world *w = gate_world(g);
    AUTO_FINI(call) struct call c;
    job_begin_call(g, j, &c);
    c.state = w->state;
    int r = prepare(&c);
    bool limited = c.caller.token && c.caller.token->num_uses > 0; // a use is spent by the writer
    if (!r && (!c.reply.failed || limited)) {
        buf_add_str(&j->prepared, buf_str(&c.prepared));
        hand_on(g, j);
        return;
    }
    int status = gate_word(g, &c, r, &j->body);
    gate_tell(g, &c, status, &j->body, j->done, j->ctx);
    job_free(j);
}

void *hasher_main(void *gate) {
    struct job *j;
    while ((j = take(gate))) work(gate, j);
    return NULL;
}
