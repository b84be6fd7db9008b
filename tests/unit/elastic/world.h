// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_ELASTIC_WORLD_H
#define TESTS_UNIT_ELASTIC_WORLD_H
// An engine's client whose hosts are scripted servers on the test's loop; it is used by a worker,
// as sinks do.

#include "../http/scripted.h"
#include "elastic/engine.h"
#include "loop/worker.h"

enum { HOSTS_MAX = 3 };

struct world {
    struct loop *loop;
    struct loop_worker *worker;
    struct scripted servers[HOSTS_MAX];
    size_t server_count;
    char texts[HOSTS_MAX][128]; // "http://127.0.0.1:PORT"
    const char *hosts[HOSTS_MAX];
    struct elastic_opts opts;
    struct elastic *engine;
    atomic_bool stop;

    // one request, and what came of it
    struct elastic_request request;
    int asked; // what elastic_ask gave
    struct elastic_answer answer;
    struct fault fault;
};

static inline void world_start(struct world *w, size_t servers, const struct step *const *steps,
                               const size_t *counts) {
    *w = (struct world){.server_count = servers};
    assert_int_equal(loop_new(&w->loop), 0);
    assert_int_equal(loop_worker_new(&w->worker, w->loop), 0);
    for (size_t i = 0; i < servers; i++) {
        scripted_start(&w->servers[i], w->loop, steps[i], counts[i]);
        snprintf(w->texts[i], sizeof w->texts[i], "http://127.0.0.1:%d", w->servers[i].port);
        w->hosts[i] = w->texts[i];
    }
    w->opts = (struct elastic_opts){.hosts = w->hosts, .host_count = servers, .timeout_ms = 60000};
    w->request = (struct elastic_request){.method = "GET", .path = "/"};
}

// Of one server.
static inline void world_start_one(struct world *w, const struct step *steps, size_t count) {
    world_start(w, 1, &steps, &count);
}

static inline void world_open(struct world *w) {
    struct fault fault = {{0}};
    if (elastic_new(&w->engine, &w->opts, &w->stop, &fault) != 0) fail_msg("%s", fault.text);
}

static inline void world_end(struct world *w) {
    elastic_free(w->engine);
    loop_worker_free(w->worker);
    for (size_t i = 0; i < w->server_count; i++) scripted_stop(&w->servers[i]);
    loop_free(w->loop);
}

static inline void world_work(void *ctx) {
    struct world *w = ctx;
    w->asked = elastic_ask(w->engine, &w->request, &w->answer, &w->fault);
}

static inline void world_done(void *ctx) {
    struct world *w = ctx;
    loop_stop(w->loop);
}

static inline int world_ask(struct world *w) {
    w->fault.text[0] = '\0';
    assert_int_equal(loop_worker_job(w->worker, world_work, world_done, w), 0);
    run_loop(w->loop);
    return w->asked;
}

static inline void world_expect(struct world *w, int status, const char *body) {
    if (world_ask(w) != 0) fail_msg("%s", w->fault.text);
    assert_int_equal(w->answer.status, status);
    assert_true(str_eqz(w->answer.body, body));
}

#endif
