// SPDX-License-Identifier: Apache-2.0
// The master key opens the state, the gate answers out of it, the server brings the requests: made
// in this order, taken down the other way round.
#include "daemon/front.h"

#include <errno.h>
#include <stdio.h>

#include "api/gate.h"
#include "api/server.h"
#include "crypto/digest.h"
#include "daemon/settings.h"
#include "http/client.h"
#include "mfa/stepup.h"

struct front {
    struct log log;
    struct crypto_sealer *sealer; // NULL: no master key is set
    char *version;                // outlives the settings that it comes from
    struct gate *gate;
    struct stepup *stepup;
    char *no_proxy;
    struct http_client_opts http; // to Okta, for methods with an API token of their own
    struct server *server;
    char url[300];
};

static int read_key(struct front *f, const struct front_opts *opts, struct fault *fault) {
    const char *key = opts->settings->master_key;
    if (opts->dev || !key) return 0;
    return crypto_sealer_new(&f->sealer, str_from(key), fault);
}

static int make_gate(struct front *f, const struct front_opts *opts, struct fault *fault) {
    const char *version = opts->settings->listen.vault_version;
    f->version = mem_copy(version, strlen(version));
    if (!f->version) return -ENOMEM;
    const struct gate_opts gate = {
        .store = opts->dev ? NULL : opts->store,
        .log = &f->log,
        .sealer = f->sealer,
        .version = f->version,
        .audit = opts->audit,
        .audit_ctx = opts->audit_ctx,
    };
    struct fault why = {{0}};
    int r = gate_new(&f->gate, &gate, &why);
    if (r == GATE_E_OTHER_KEY)
        return fault_set(fault, -EKEYREJECTED,
                         "master_key: not the key that the state was sealed with (%s)", why.text);
    if (r) return fault_set(fault, r, "%s", why.text[0] ? why.text : error_text(r));
    return 0;
}

// ---- MFA

static struct state *newest(void *ctx) {
    struct front *f = ctx;
    return gate_state(f->gate);
}

static int change(void *ctx, int (*make)(void *arg, struct draft *d),
                  void (*done)(void *arg, int r), void *arg) {
    struct front *f = ctx;
    return gate_change(f->gate, make, done, arg);
}

static struct stepup_settings stepup_settings(struct front *f, const struct settings_mfa *m) {
    f->http = (struct http_client_opts){
        .proxy_url = m->proxy_url,
        .no_proxy = f->no_proxy,
        .tls = settings_tls(&m->ssl),
        .user_agent = "gatehouse/" GATEHOUSE_VERSION,
    };
    return (struct stepup_settings){
        .wait_ms = m->wait_ms,
        .poll_interval_ms = m->poll_interval_ms,
        .max_waiting = m->max_waiting,
        .okta_url = m->okta_url,
        .http = &f->http,
        .rate_limit_early_limit = m->rate_limit_early_limit,
        .http_client_timeout_ms = m->http_client_timeout_ms,
        .guard =
            {
                .max_pushes = m->guard.max_pushes,
                .window_ms = m->guard.window_ms,
                .pause_ms = m->guard.pause_ms,
                .max_pause_ms = m->guard.max_pause_ms,
                .max_codes = m->guard.max_codes,
                .brake = m->guard.brake,
            },
    };
}

static int make_stepup(struct front *f, const struct front_opts *opts, struct fault *fault) {
    const struct settings_mfa *m = &opts->settings->mfa;
    int r = settings_join_hosts(m->no_proxy, m->no_proxy_count, &f->no_proxy);
    if (r) return r;
    const struct stepup_settings settings = stepup_settings(f, m);
    const struct stepup_world world = {.ctx = f,
                                       .state = newest,
                                       .change = change,
                                       .audit = opts->audit,
                                       .audit_ctx = opts->audit_ctx};
    struct fault why = {{0}};
    r = stepup_new(&f->stepup, opts->loop, &f->log, &settings, &world, &why);
    if (r) return fault_set(fault, r, "mfa: %s", why.text[0] ? why.text : error_text(r));
    gate_use_stepup(f->gate, f->stepup);
    return 0;
}

void front_stop(struct front *f, void (*done)(void *ctx), void *ctx) {
    stepup_stop(f->stepup, done, ctx);
}

int front_use_sources(struct front *f, const struct stepup_source *sources, size_t n) {
    return stepup_use_sources(f->stepup, sources, n);
}

void front_observe(struct front *f, const char *source, struct str event) {
    stepup_observe(f->stepup, source, event);
}

// ---- listening

// What a person needs who is trying it out, where a person sees it: never in a log of a service.
static void say_dev(const struct front *f, struct str key, struct str token) {
    AUTO_WIPED struct buf text = buf_make(256);
    crypto_base64url(&text, key);
    fprintf(stderr,
            "\n"
            "  WARNING: --dev is for trying out. Everything is in memory and gone at the end,\n"
            "  and whoever reaches %s with the root token may do everything.\n"
            "\n"
            "    export VAULT_ADDR='%s' BAO_ADDR='%s'\n"
            "\n"
            "    Unseal Key: %.*s\n"
            "    Root Token: %.*s\n"
            "\n",
            f->url, f->url, f->url, STR_ARG(buf_str(&text)), STR_ARG(token));
}

static int listen_to(struct front *f, const struct front_opts *opts, struct fault *fault) {
    const struct settings_listen *l = &opts->settings->listen;
    const struct server_opts server = {
        .gate = f->gate,
        .log = &f->log,
        .address = l->address ? l->address : "127.0.0.1:8200", // only --dev has a default
        .tls_cert_file = l->tls_cert_file,
        .tls_key_file = l->tls_key_file,
        .allow_plain_http = l->tls_disable,
        .body_max = (size_t)l->max_request_size,
        .idle_timeout_ms = l->idle_timeout_ms,
        .x_forwarded_for_authorized_addrs = l->x_forwarded_for_authorized_addrs,
        .x_forwarded_for_authorized_addr_count = l->x_forwarded_for_authorized_addr_count,
    };
    int r = server_new(&f->server, &server, fault);
    if (r) return r;
    snprintf(f->url, sizeof f->url, "%s://%s", l->tls_cert_file ? "https" : "http",
             server_address(f->server));
    return 0;
}

static const char *condition(struct gate *g) {
    struct gate_stats stats;
    gate_stats(g, &stats);
    return !stats.initialized ? "not initialised" : stats.sealed ? "sealed" : "open";
}

int front_new(struct front **ret, const struct front_opts *opts, struct fault *fault) {
    AUTO(front) struct front *f = mem_new(sizeof *f);
    if (!f) return -ENOMEM;
    f->log = *opts->log;
    f->log.before = NULL; // the gate's threads log too
    AUTO_WIPED struct buf key = buf_make(64);
    AUTO_WIPED struct buf token = buf_make(256);
    int r = read_key(f, opts, fault);
    if (!r) r = make_gate(f, opts, fault);
    if (!r) r = make_stepup(f, opts, fault);
    if (!r && opts->dev) r = gate_init(f->gate, true, STR("root"), &key, &token, fault);
    if (!r) r = listen_to(f, opts, fault);
    if (r) return r;
    if (opts->dev) say_dev(f, buf_str(&key), buf_str(&token));
    log_info(&f->log, "gate.listening", KV_STR("address", server_address(f->server)),
             KV_STR("url", f->url), KV_STR("state", condition(f->gate)));
    *ret = TAKE(f);
    return 0;
}

struct front *front_free(struct front *f) {
    if (!f) return NULL;
    f->server = server_free(f->server);
    f->gate = gate_free(f->gate);
    f->stepup = stepup_free(f->stepup);
    free(f->no_proxy);
    f->sealer = crypto_sealer_free(f->sealer);
    free(f->version);
    free(f);
    return NULL;
}

int front_reload(struct front *f, struct fault *fault) {
    return server_reload_tls(f->server, fault);
}

void front_stats(const struct front *f, struct gate_stats *gate, struct stepup_stats *stepup) {
    gate_stats(f->gate, gate);
    stepup_stats(f->stepup, stepup);
}

const char *front_url(const struct front *f) { return f->url; }
