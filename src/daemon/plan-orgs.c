// SPDX-License-Identifier: Apache-2.0
#include "daemon/plan-orgs.h"

#include <errno.h>

#include "crypto/digest.h"
#include "crypto/seal.h"
#include "daemon/credentials.h"
#include "daemon/settings.h"
#include "http/tracer.h"
#include "okta/org.h"
#include "store/secret.h"

// One org and what it borrows.
struct entry {
    struct plan_orgs *parent;
    const struct settings_source *source; // the first that asks it
    struct okta_org *org;
    struct crypto_key *app_key, *dpop_key;
    struct http_tracer *tracer;
    char *no_proxy;
    char *key_name; // of the DPoP key that is kept in the store
};

struct plan_orgs {
    const struct settings *settings;
    struct store *store;
    const struct log *log;
    struct crypto_sealer *sealer; // NULL: nothing secret is kept
    struct entry *entries;
    size_t count;
    struct entry **of; // per source
};

// ---- which sources share one ----

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_list(const char *const *a, size_t a_n, const char *const *b, size_t b_n) {
    if (a_n != b_n) return false;
    for (size_t i = 0; i < a_n; i++)
        if (!same_text(a[i], b[i])) return false;
    return true;
}

static bool same_credentials(const struct settings_source *a, const struct settings_source *b) {
    return a->auth_method == b->auth_method && same_text(a->api_key, b->api_key) &&
           same_text(a->okta_domain_url, b->okta_domain_url) &&
           same_text(a->client_id, b->client_id) && same_text(a->jwk_json, b->jwk_json) &&
           same_text(a->jwk_file, b->jwk_file) && same_text(a->key_pem, b->key_pem) &&
           same_text(a->dpop_key_pem, b->dpop_key_pem) &&
           same_list(a->okta_scopes, a->okta_scope_count, b->okta_scopes, b->okta_scope_count);
}

static bool same_org(const struct settings_source *a, const struct settings_source *b) {
    return same_text(a->url, b->url) && same_credentials(a, b) &&
           same_text(a->proxy_url, b->proxy_url) &&
           same_list(a->no_proxy, a->no_proxy_count, b->no_proxy, b->no_proxy_count) &&
           settings_same_ssl(&a->ssl, &b->ssl) && a->disable_keep_alive == b->disable_keep_alive &&
           a->enable_request_tracer == b->enable_request_tracer &&
           a->http_client_timeout_ms == b->http_client_timeout_ms;
}

// Requests that an early limit leaves of a window of 1000: the more, the stricter.
static double left_over(double early_limit) {
    return early_limit < 1 ? 1000 * (1 - early_limit) : early_limit;
}

// The strictest early limit of all sources that share the org.
static double strictest_limit(const struct settings *s, const struct settings_source *of) {
    double strictest = of->rate_limit_early_limit;
    for (size_t i = 0; i < s->source_count; i++) {
        const struct settings_source *other = &s->sources[i];
        if (!same_org(of, other)) continue;
        if (left_over(other->rate_limit_early_limit) > left_over(strictest))
            strictest = other->rate_limit_early_limit;
    }
    return strictest;
}

// ---- keys ----

static int name_key(struct entry *e) {
    AUTO_FINI(buf) struct buf name = buf_make(1 << 16);
    buf_addf(&name, "dpop-key %s %s", e->source->client_id, e->source->okta_domain_url);
    e->key_name = buf_take(&name);
    return e->key_name ? 0 : -ENOMEM;
}

static void keep_key(struct entry *e, struct str jwk) {
    struct plan_orgs *p = e->parent;
    struct fault fault = {{0}};
    int r = store_secret_put(p->store, p->sealer, str_from(e->key_name), jwk, &fault);
    if (r)
        log_warn(p->log, "okta.dpop_key_not_kept", KV_STR("source", e->source->name),
                 KV_STR("reason", fault.text));
}

// Once in the life of an app: the one write on the loop's thread is worth no job.
static void on_key_made(void *ctx, const struct crypto_key *key) {
    struct entry *e = ctx;
    bool kept = e->key_name != NULL;
    if (e->parent->log)
        log_info(e->parent->log, "okta.dpop_key_made", KV_STR("source", e->source->name),
                 KV_STR("kept", kept ? "in the state, sealed" : "in memory, for this run"));
    if (!kept) return;
    struct buf jwk = buf_make(1 << 16);
    if (crypto_key_private_jwk(key, &jwk) == 0) keep_key(e, buf_str(&jwk));
    buf_wipe(&jwk);
}

static int read_kept_key(struct entry *e, struct buf *jwk, struct fault *fault) {
    struct plan_orgs *p = e->parent;
    int r = store_secret_get(p->store, p->sealer, str_from(e->key_name), jwk, fault);
    if (r) return r < 0 ? r : -EINVAL;
    if (jwk->n == 0) return 0;
    r = crypto_key_from_jwk(&e->dpop_key, buf_str(jwk), fault);
    return r > 0 ? -EINVAL : r;
}

static int load_kept_key(struct entry *e, struct fault *fault) {
    struct plan_orgs *p = e->parent;
    if (!p->store || !p->sealer) return 0;
    int r = name_key(e);
    if (r) return r;
    struct buf jwk = buf_make(1 << 16);
    r = read_kept_key(e, &jwk, fault);
    buf_wipe(&jwk);
    return r;
}

static int load_keys(struct entry *e, struct fault *fault) {
    const char *setting;
    if (e->source->auth_method == SETTINGS_API_KEY) return 0;
    int r = credentials_app_key(&e->app_key, e->source, &conf_env_system, &setting, fault);
    if (!r) r = credentials_dpop_key(&e->dpop_key, e->source, fault);
    return r || e->dpop_key ? r : load_kept_key(e, fault);
}

// ---- the tracer ----

static int traces_directory(const struct plan_orgs *p, struct buf *out) {
    struct str given = str_from(getenv("LOGS_DIRECTORY"));
    struct str first = str_split(&given, ':');
    if (first.n) buf_add_str(out, first);
    else buf_addf(out, "%s/traces", p->settings->state);
    return out->error;
}

static int make_tracer(struct entry *e, struct fault *fault) {
    AUTO_FINI(buf) struct buf directory = buf_make(1 << 16);
    int r = traces_directory(e->parent, &directory);
    const char *z = buf_z(&directory);
    if (r || !z) return -ENOMEM;
    if (e->source->enable_request_tracer)
        return http_tracer_new(&e->tracer, z, e->source->name, fault);
    r = http_tracer_delete(z, e->source->name, fault);
    if (r)
        log_warn(e->parent->log, "http.trace_not_deleted", KV_STR("source", e->source->name),
                 KV_STR("reason", fault->text));
    return 0;
}

// ---- orgs ----

static int make_org(struct entry *e, struct loop *loop, struct fault *fault) {
    const struct settings_source *s = e->source;
    const struct okta_org_opts opts = {
        .url = s->url,
        .credentials =
            {
                .method = (enum okta_auth_method)s->auth_method,
                .api_key = s->api_key,
                .okta_domain_url = s->okta_domain_url,
                .client_id = s->client_id,
                .key = e->app_key,
                .scopes = s->okta_scopes,
                .scope_count = s->okta_scope_count,
                .dpop_key = e->dpop_key,
                .dpop_key_made = on_key_made,
                .ctx = e,
            },
        .rate_limit_early_limit = strictest_limit(e->parent->settings, s),
        .http_client_timeout_ms = s->http_client_timeout_ms,
        .allow_any_url = s->allow_any_url,
        .http =
            {
                .proxy_url = s->proxy_url,
                .no_proxy = e->no_proxy,
                .tls = settings_tls(&s->ssl),
                .disable_keep_alive = s->disable_keep_alive,
                .user_agent = "gatehouse/" GATEHOUSE_VERSION,
                .tracer = e->tracer,
            },
    };
    return okta_org_new(&e->org, loop, &opts, fault);
}

static int make_entry(struct plan_orgs *p, const struct settings_source *s, struct loop *loop,
                      struct fault *fault) {
    struct entry *e = &p->entries[p->count++];
    *e = (struct entry){.parent = p, .source = s};
    int r = load_keys(e, fault);
    if (!r) r = settings_join_hosts(s->no_proxy, s->no_proxy_count, &e->no_proxy);
    if (!r && p->store) r = make_tracer(e, fault);
    return r ? r : make_org(e, loop, fault);
}

static struct entry *find(struct plan_orgs *p, const struct settings_source *s) {
    for (size_t i = 0; i < p->count; i++)
        if (same_org(p->entries[i].source, s)) return &p->entries[i];
    return NULL;
}

static int make_entries(struct plan_orgs *p, struct loop *loop, struct fault *fault) {
    const struct settings *settings = p->settings;
    p->entries = mem_new_array(settings->source_count, sizeof *p->entries);
    p->of = mem_new_array(settings->source_count, sizeof(struct entry *));
    if (!p->entries || !p->of) return -ENOMEM;
    for (size_t i = 0; i < settings->source_count; i++) {
        const struct settings_source *s = &settings->sources[i];
        if (!find(p, s)) {
            int r = make_entry(p, s, loop, fault);
            if (r) return r;
        }
        p->of[i] = find(p, s);
    }
    return 0;
}

int plan_orgs_new(struct plan_orgs **ret, struct loop *loop, const struct settings *settings,
                  struct store *store, const struct log *log, struct fault *fault) {
    AUTO(plan_orgs) struct plan_orgs *p = mem_new(sizeof *p);
    if (!p) return -ENOMEM;
    p->settings = settings;
    p->store = store;
    p->log = log;
    int r = 0;
    if (settings->master_key)
        r = crypto_sealer_new(&p->sealer, str_from(settings->master_key), fault);
    if (!r) r = make_entries(p, loop, fault);
    if (r) return r;
    *ret = TAKE(p);
    return 0;
}

struct plan_orgs *plan_orgs_free(struct plan_orgs *p) {
    if (!p) return NULL;
    for (size_t i = 0; i < p->count; i++) {
        struct entry *e = &p->entries[i];
        okta_org_free(e->org);
        http_tracer_free(e->tracer);
        crypto_key_free(e->app_key);
        crypto_key_free(e->dpop_key);
        free(e->no_proxy);
        free(e->key_name);
    }
    crypto_sealer_free(p->sealer);
    free(p->entries);
    free(p->of);
    free(p);
    return NULL;
}

void plan_orgs_say_trouble(const struct plan_orgs *p) {
    struct fault fault = {{0}};
    for (size_t i = 0; i < p->count; i++)
        if (p->entries[i].tracer && http_tracer_trouble(p->entries[i].tracer, &fault))
            log_warn(p->log, "http.trace_not_written", KV_STR("source", p->entries[i].source->name),
                     KV_STR("reason", fault.text));
}

struct okta_org *plan_orgs_of(const struct plan_orgs *p, size_t source) {
    return p->of[source]->org;
}
