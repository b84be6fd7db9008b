// SPDX-License-Identifier: Apache-2.0
// One list of all. What can be found is `listed`; what is not goes with its last user.
#include "mfa/orgs.h"

#include <errno.h>

#include "base/log.h"
#include "base/time.h"
#include "crypto/digest.h"

enum { URL_MAX_BYTES = 8192 };

struct orgs {
    struct orgs_opts opts;
    struct orgs_org *first;
};

// ---- one

static struct orgs_org *org_free(struct orgs_org *org) {
    if (!org) return NULL;
    if (!org->source) okta_org_free(org->okta);
    if (org->api_token) crypto_wipe(org->api_token, strlen(org->api_token));
    free(org->api_token);
    free(org->url);
    free(org->host);
    free(org->source);
    free(org->client_id);
    free(org);
    return NULL;
}

static void org_auto_free(struct orgs_org **p) { *p = org_free(*p); }
#define AUTO_ORG __attribute__((cleanup(org_auto_free)))

static char *copy_z(const char *z) { return mem_copy(z, strlen(z)); }

static int org_make(struct orgs_org **ret, const char *url, struct fault *fault) {
    AUTO_ORG struct orgs_org *org = mem_new(sizeof *org);
    if (!org) return -ENOMEM;
    int r = http_origin_parse(str_from(url), &org->origin, fault);
    if (r) return r == -EINVAL ? ORGS_E_NONE : r;
    org->url = copy_z(url);
    org->host = copy_z(org->origin.host);
    if (!org->url || !org->host) return -ENOMEM;
    *ret = TAKE(org);
    return 0;
}

static void link_org(struct orgs *o, struct orgs_org *org) {
    org->listed = true;
    org->prev = NULL;
    org->next = o->first;
    if (o->first) o->first->prev = org;
    o->first = org;
}

static void remove_org(struct orgs *o, struct orgs_org *org) {
    *(org->prev ? &org->prev->next : &o->first) = org->next;
    if (org->next) org->next->prev = org->prev;
    org_free(org);
}

// ---- all

static int check(const struct orgs_opts *opts, struct fault *fault) {
    struct http_origin origin;
    int r = opts->http ? http_tls_check(&opts->http->tls, fault) : 0;
    if (!r && opts->okta_url) r = http_origin_parse(str_from(opts->okta_url), &origin, fault);
    return r;
}

int orgs_new(struct orgs **ret, const struct orgs_opts *opts, struct fault *fault) {
    int r = check(opts, fault);
    if (r) return r;
    struct orgs *o = mem_new(sizeof *o);
    if (!o) return -ENOMEM;
    o->opts = *opts;
    *ret = o;
    return 0;
}

struct orgs *orgs_free(struct orgs *o) {
    if (!o) return NULL;
    for (struct orgs_org *org = o->first, *next; org; org = next) {
        next = org->next;
        org_free(org);
    }
    free(o);
    return NULL;
}

// ---- of methods with an API token

static struct orgs_org *find_own(const struct orgs *o, const char *url, struct str api_token) {
    for (struct orgs_org *org = o->first; org; org = org->next) {
        if (!org->listed || org->source || strcmp(org->url, url) != 0) continue;
        if (crypto_equal(str_from(org->api_token), api_token)) return org;
    }
    return NULL;
}

static void drop_oldest_idle(struct orgs *o) {
    struct orgs_org *oldest = NULL;
    size_t idle = 0;
    for (struct orgs_org *org = o->first; org; org = org->next) {
        if (org->source || org->users) continue;
        idle++;
        if (!oldest || org->idle_mono_ms < oldest->idle_mono_ms) oldest = org;
    }
    if (idle >= ORGS_IDLE_MAX) remove_org(o, oldest);
}

static int make_own(struct orgs *o, const char *url, struct str api_token, struct orgs_org **ret,
                    struct fault *fault) {
    if (!o->opts.http) return fault_set(fault, ORGS_E_NONE, "the gate has no way to Okta");
    AUTO_ORG struct orgs_org *org = NULL;
    int r = org_make(&org, url, fault);
    if (r) return r;
    org->api_token = mem_copy(api_token.p, api_token.n);
    if (!org->api_token) return -ENOMEM;
    const struct okta_org_opts opts = {
        .url = org->url,
        .credentials = {.method = OKTA_AUTH_API_KEY, .api_key = org->api_token},
        .rate_limit_early_limit = o->opts.rate_limit_early_limit,
        .http_client_timeout_ms = o->opts.http_client_timeout_ms,
        .http = *o->opts.http,
    };
    r = okta_org_new(&org->okta, o->opts.loop, &opts, fault);
    if (r) return r == -ENOMEM ? r : ORGS_E_NONE;
    drop_oldest_idle(o);
    link_org(o, org);
    *ret = TAKE(org);
    return 0;
}

static int take_own(struct orgs *o, const struct method *m, struct orgs_org **ret,
                    struct fault *fault) {
    AUTO_FINI(buf) struct buf url = buf_make(URL_MAX_BYTES);
    if (o->opts.okta_url) buf_addz(&url, o->opts.okta_url);
    else method_url(m, &url);
    const char *z = buf_z(&url);
    if (!z) return -ENOMEM;
    *ret = find_own(o, z, m->api_token);
    return *ret ? 0 : make_own(o, z, m->api_token, ret, fault);
}

// ---- of sources

static struct orgs_org *find_source(const struct orgs *o, struct str name) {
    for (struct orgs_org *org = o->first; org; org = org->next)
        if (org->listed && org->source && str_eq(str_from(org->source), name)) return org;
    return NULL;
}

const struct orgs_org *orgs_of_source(const struct orgs *o, const char *name) {
    return find_source(o, str_from(name));
}

bool orgs_is_watched(const struct orgs *o, struct str host) {
    for (const struct orgs_org *org = o->first; org; org = org->next)
        if (org->listed && org->source && str_eq(str_from(org->host), host)) return true;
    return false;
}

static int take_source(struct orgs *o, const struct method *m, struct orgs_org **ret,
                       struct fault *fault) {
    *ret = find_source(o, m->okta_source);
    if (*ret) return 0;
    return fault_set(fault, ORGS_E_NONE, "there is no source \"%.*s\"", STR_ARG(m->okta_source));
}

static int add_source(struct orgs *o, const struct stepup_source *s) {
    AUTO_ORG struct orgs_org *org = NULL;
    struct fault fault = {{0}};
    int r = org_make(&org, s->url, &fault);
    if (r < 0) return r;
    if (r) { // a source that is not asked by https, such as the journal, is nobody's org
        log_debug(o->opts.log, "mfa.source_without_org", KV_STR("source", s->name));
        return 0;
    }
    org->source = copy_z(s->name); // first: what is a source's is not owned
    if (!org->source) return -ENOMEM;
    org->okta = s->org;
    org->client_id = s->client_id ? copy_z(s->client_id) : NULL;
    if (s->client_id && !org->client_id) return -ENOMEM;
    link_org(o, TAKE(org));
    return 0;
}

static const struct stepup_source *named(const struct stepup_source *sources, size_t n,
                                         const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(sources[i].name, name) == 0) return &sources[i];
    return NULL;
}

static bool is_at(const struct orgs_org *org, const struct stepup_source *s) {
    struct http_origin origin;
    return http_origin_parse(str_from(s->url), &origin, NULL) == 0 &&
           http_origin_eq(&origin, &org->origin);
}

// An org in use is not found again; it lives on for its users.
static void retire_sources(struct orgs *o, const struct stepup_source *sources, size_t n) {
    for (struct orgs_org *org = o->first, *next; org; org = next) {
        next = org->next;
        if (!org->source) continue;
        const struct stepup_source *now = named(sources, n, org->source);
        org->okta = org->okta && now && is_at(org, now) ? now->org : NULL;
        org->listed = false;
        if (org->users == 0) remove_org(o, org);
    }
}

int orgs_use_sources(struct orgs *o, const struct stepup_source *sources, size_t n) {
    int r = 0;
    retire_sources(o, sources, n);
    for (size_t i = 0; i < n && !r; i++) r = add_source(o, &sources[i]);
    if (r) retire_sources(o, NULL, 0);
    return r;
}

// ---- users

int orgs_take(struct orgs *o, const struct method *m, struct orgs_org **ret, struct fault *fault) {
    struct orgs_org *org = NULL;
    int r = m->okta_source.n ? take_source(o, m, &org, fault) : take_own(o, m, &org, fault);
    if (r) return r;
    *ret = orgs_hold(org);
    return 0;
}

struct orgs_org *orgs_hold(struct orgs_org *org) {
    org->users++;
    return org;
}

struct orgs_org *orgs_drop(struct orgs *o, struct orgs_org *org) {
    if (!org || --org->users > 0) return NULL;
    org->idle_mono_ms = time_mono_ms();
    if (!org->listed) remove_org(o, org);
    return NULL;
}

size_t orgs_count(const struct orgs *o) {
    size_t n = 0;
    for (const struct orgs_org *org = o->first; org; org = org->next) n++;
    return n;
}

void orgs_tidy(struct orgs *o, int64_t mono_ms) {
    for (struct orgs_org *org = o->first, *next; org; org = next) {
        next = org->next;
        bool idle = !org->source && org->users == 0;
        if (idle && mono_ms - org->idle_mono_ms >= ORGS_IDLE_MS) remove_org(o, org);
    }
}

// ---- budget

static double share(const struct okta_org *org, enum okta_bucket bucket, int64_t mono_ms) {
    int64_t used = 0, limit = 0;
    if (!budget_used(okta_org_budget(org, bucket), mono_ms, &used, &limit) || limit <= 0) return 0;
    return (double)used / (double)limit;
}

double orgs_used(const struct orgs_org *org, int64_t mono_ms) {
    if (!org->okta) return 0;
    static const enum okta_bucket buckets[] = {OKTA_BUCKET_USERS, OKTA_BUCKET_FACTORS,
                                               OKTA_BUCKET_VERIFY};
    double most = 0;
    for (size_t i = 0; i < LEN(buckets); i++) {
        double used = share(org->okta, buckets[i], mono_ms);
        if (used > most) most = used;
    }
    return most;
}
