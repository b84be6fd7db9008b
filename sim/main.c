// SPDX-License-Identifier: Apache-2.0
// okta-sim: Okta's System Log, users and factors on a local port.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/time.h"
#include "sim/ingest.h"
#include "sim/options.h"
#include "sim/server.h"
#include "sim/tls-make.h"

enum { JSON_FILE_MAX_BYTES = 256 << 20 };

static int fill(struct sim *sim, const struct options *o, struct fault *fault) {
    int64_t now_ms = simclock_now(&sim->clock);
    struct ingest in = {.store = sim->store, .reader = sim->reader, .now_ms = now_ms};
    size_t n;
    for (size_t i = 0; i < o->n_events; i++) {
        int e = ingest_file(&in, o->events[i], &n, fault);
        if (e) return e;
    }
    if (o->generate == 0) return 0;
    struct generate_opts generate = {.n = (size_t)o->generate,
                                     .seed = o->seed,
                                     .from_ms = now_ms - o->span_ms,
                                     .until_ms = now_ms};
    int e = generator_run(sim->generator, &generate, sim->store);
    return e ? fault_set(fault, e, "--generate: %s", error_text(e)) : 0;
}

static int read_json_file(struct sim *sim, const char *path, struct buf *text,
                          const struct json **ret, struct fault *fault) {
    int e = ingest_read_file(text, path);
    if (e) return fault_set(fault, e, "%s: %s", path, error_text(e));
    struct fault inner = {.text = ""};
    e = json_read(sim->reader, buf_str(text), ret, &inner);
    return e ? fault_set(fault, e, "%s: %s", path, e > 0 ? inner.text : error_text(e)) : 0;
}

static int add_apps(struct sim *sim, const char *path, struct fault *fault) {
    AUTO_FINI(buf) struct buf text = buf_make(JSON_FILE_MAX_BYTES);
    const struct json *json;
    struct fault inner = {.text = ""};
    int e = read_json_file(sim, path, &text, &json, fault);
    if (e) return e;
    e = apps_read(&sim->oauth.apps, json, &inner);
    return e ? fault_set(fault, e, "%s: %s", path, e > 0 ? inner.text : error_text(e)) : 0;
}

static int add_users(struct sim *sim, const char *path, struct fault *fault) {
    AUTO_FINI(buf) struct buf text = buf_make(JSON_FILE_MAX_BYTES);
    const struct json *json;
    struct fault inner = {.text = ""};
    size_t n;
    int e = read_json_file(sim, path, &text, &json, fault);
    if (e) return e;
    e = users_read(sim->users, json, simclock_now(&sim->clock), &n, &inner);
    return e ? fault_set(fault, e, "%s: %s", path, e > 0 ? inner.text : error_text(e)) : 0;
}

static int add_company(struct sim *sim, struct fault *fault) {
    int e = users_add_company(sim->users, generator_company(sim->generator), sim->reader,
                              simclock_now(&sim->clock));
    return e ? fault_set(fault, e, "%s", error_text(e)) : 0;
}

static int populate(struct sim *sim, const struct options *o, struct fault *fault) {
    int e = o->apps ? add_apps(sim, o->apps, fault) : 0;
    if (e) return e;
    return o->users ? add_users(sim, o->users, fault) : add_company(sim, fault);
}

static int add_tokens(struct sim *sim, const struct options *o) {
    int e = 0;
    if (o->n_tokens == 0)
        return limits_set_token(&sim->limits, STR(SIM_DEFAULT_TOKEN), LIMITS_OK, 0);
    for (size_t i = 0; !e && i < o->n_tokens; i++)
        e = limits_set_token(&sim->limits, str_from(o->tokens[i]), LIMITS_OK, 0);
    return e;
}

static int make_sim(struct sim **ret, const struct options *o, struct fault *fault) {
    struct sim_opts opts = {.now_ms = o->now_ms == INT64_MIN ? time_now_ms() : o->now_ms,
                            .seed = o->seed,
                            .rate_limit = o->rate_limit,
                            .token_share_percent = o->token_share,
                            .concurrency = o->concurrency};
    AUTO(sim) struct sim *sim = NULL;
    int e = sim_new(&sim, &opts);
    if (!e) e = add_tokens(sim, o);
    if (!e) sim->pushes.usual = o->phones;
    if (e) return fault_set(fault, e, "%s", error_text(e));
    e = populate(sim, o, fault);
    if (!e) e = fill(sim, o, fault);
    if (e) return e;
    *ret = TAKE(sim);
    return 0;
}

// By a rename, so that nobody reads half a number.
static int write_port(const char *path, uint16_t port, struct fault *fault) {
    char name[4096];
    int n = snprintf(name, sizeof name, "%s.%ld", path, (long)getpid());
    if (n < 0 || n >= (int)sizeof name) return fault_set(fault, -ENAMETOOLONG, "%s", path);
    FILE *file = fopen(name, "we");
    bool good = file && fprintf(file, "%u\n", port) > 0;
    if (file && fclose(file) != 0) good = false;
    if (good && rename(name, path) == 0) return 0;
    int e = errno ? -errno : -EIO;
    unlink(name);
    return fault_set(fault, e, "--port-file %s: %s", path, error_text(e));
}

// Recorded events of other years are loaded in vain unless the clock is set.
static void warn_of_retention(const struct sim *sim) {
    int64_t oldest_ms = simclock_now(&sim->clock) - sim->settings.retention_ms;
    size_t gone = store_first(sim->store, STORE_BY_PUBLISHED, oldest_ms);
    if (gone > 0)
        fprintf(stderr,
                "okta-sim: %zu of them were published before the log's retention and will not be "
                "served (see --now)\n",
                gone);
}

static int start(struct server **ret, struct sim *sim, const struct options *o,
                 struct fault *fault) {
    struct server_opts opts = {
        .host = o->host, .port = (uint16_t)o->port, .tls_cert = o->tls_cert, .tls_key = o->tls_key};
    opts.terminal = o->terminal;
    if (!o->tls_make) return server_new(ret, sim, &opts, fault);
    struct tls_made made;
    int e = tls_make(&made, o->tls_make, o->tls_names, o->n_tls_names, fault);
    if (e) return e;
    opts.tls_cert = made.cert;
    opts.tls_key = made.key;
    return server_new(ret, sim, &opts, fault);
}

static int serve(const struct options *o, struct fault *fault) {
    AUTO(sim) struct sim *sim = NULL;
    AUTO(server) struct server *server = NULL;
    int e = make_sim(&sim, o, fault);
    if (e) return e;
    e = start(&server, sim, o, fault);
    if (e) return e;
    uint16_t port = server_port(server);
    fprintf(stderr, "okta-sim: %zu events, listening on %s://%s:%u\n", store_count(sim->store),
            o->tls_cert || o->tls_make ? "https" : "http", o->host, port);
    warn_of_retention(sim);
    if (o->port_file) e = write_port(o->port_file, port, fault);
    if (e) return e;
    e = server_run(server);
    return e ? fault_set(fault, e, "%s", error_text(e)) : 0;
}

int main(int argc, char **argv) {
    struct options options;
    struct fault fault = {.text = ""};
    int e = options_parse(&options, argc, argv, &fault);
    if (e == OPTIONS_E_HELP) options_help(stdout);
    if (e == OPTIONS_E_VERSION) puts("okta-sim " SIM_VERSION);
    if (e == OPTIONS_E_HELP || e == OPTIONS_E_VERSION) return 0;
    if (e) {
        fprintf(stderr, "okta-sim: %s\nTry okta-sim --help.\n", fault.text);
        return 2;
    }
    e = serve(&options, &fault);
    if (e) fprintf(stderr, "okta-sim: %s\n", fault.text);
    return e ? 1 : 0;
}
