// SPDX-License-Identifier: Apache-2.0
#include "sim/sim.h"

#include <errno.h>

#include "base/time.h"
#include "sim/control.h"
#include "sim/okta.h"

enum { RETENTION_DAYS = 90 };
// Requests per minute of a workforce org (okta-api.md section 2.4).
enum {
    TOKEN_CEILING = 2000,
    USERS_CEILING = 600,
    USER_CEILING = 2000,
    FACTORS_CEILING = 1200,
    VERIFY_CEILING = 500
};

static int init(struct sim *sim, const struct sim_opts *opts) {
    sim->clock = simclock_make(opts->now_ms, 1);
    sim->rand = rand_make(opts->seed);
    sim->settings = (struct sim_settings){
        .retention_ms = (int64_t)RETENTION_DAYS * TIME_DAY_MS, .gzip = true, .chunked = true};
    sim->limits = (struct limits){.ceilings = {[LIMITS_LOGS] = opts->rate_limit,
                                               [LIMITS_TOKEN] = TOKEN_CEILING,
                                               [LIMITS_USERS] = USERS_CEILING,
                                               [LIMITS_USER] = USER_CEILING,
                                               [LIMITS_FACTORS] = FACTORS_CEILING,
                                               [LIMITS_VERIFY] = VERIFY_CEILING},
                                  .share_percent = opts->token_share_percent,
                                  .concurrency = opts->concurrency};
    sim->pushes = pushes_make(opts->seed);
    sim->packed = mem_new_array(SIM_PACKED_SLOTS, sizeof *sim->packed);
    sim->page = mem_new(sizeof *sim->page);
    sim->scratch = mem_new(sizeof *sim->scratch);
    if (!sim->packed || !sim->page || !sim->scratch) return -ENOMEM;
    int e = store_new(&sim->store);
    if (!e) e = generator_new(&sim->generator, opts->seed);
    if (!e) e = json_reader_new(&sim->reader);
    if (!e) e = record_init(&sim->record);
    if (!e) e = oauth_init(&sim->oauth, opts->seed);
    if (!e) e = users_new(&sim->users);
    return e;
}

int sim_new(struct sim **ret, const struct sim_opts *opts) {
    AUTO(sim) struct sim *sim = mem_new(sizeof *sim);
    if (!sim) return -ENOMEM;
    int e = init(sim, opts);
    if (e) return e;
    *ret = TAKE(sim);
    return 0;
}

static void forget_packed(struct sim *sim) {
    for (size_t i = 0; sim->packed && i < SIM_PACKED_SLOTS; i++) {
        free(sim->packed[i].p);
        sim->packed[i].p = NULL;
    }
}

// Ids begin anew, so whatever was remembered by id goes too.
int sim_drop_events(struct sim *sim) {
    struct store *fresh = NULL;
    int e = store_new(&fresh);
    if (e) return e;
    store_free(sim->store);
    sim->store = fresh;
    sim->page->n = 0;
    forget_packed(sim);
    return 0;
}

struct sim *sim_free(struct sim *sim) {
    if (!sim) return NULL;
    store_free(sim->store);
    generator_free(sim->generator);
    json_reader_free(sim->reader);
    limits_fini(&sim->limits);
    faults_fini(&sim->faults);
    record_fini(&sim->record);
    oauth_fini(&sim->oauth);
    users_free(sim->users);
    pushes_fini(&sim->pushes);
    forget_packed(sim);
    free(sim->packed);
    free(sim->page);
    free(sim->scratch);
    free(sim);
    return NULL;
}

int sim_handle(struct sim *sim, const struct request *request, struct reply *reply) {
    int e = pushes_tick(sim, simclock_now(&sim->clock));
    if (e) return e;
    e = str_starts(request->path, STR("/_sim/")) ? control_answer(sim, request, reply)
                                                 : okta_answer(sim, request, reply);
    return e ? e : reply_check(reply);
}
