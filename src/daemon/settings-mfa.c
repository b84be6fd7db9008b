// SPDX-License-Identifier: Apache-2.0
// How the gate asks for MFA. The keys for the way to Okta are called as in a source, and mean the
// same there; methods that name a source go that source's way.
#include <errno.h>

#include "base/time.h"
#include "conf/node.h"
#include "daemon/settings-internal.h"

#define PAIR_STANDS(type, pointer, count)                                                          \
    _Static_assert(offsetof(type, count) == offsetof(type, pointer) + sizeof(void *),              \
                   #pointer " and " #count " are not a pair")
PAIR_STANDS(struct settings_mfa, no_proxy, no_proxy_count);

static const char *const simulator_schemes[] = {"http", "https", NULL};

// ---- rules over several keys ----

// What stands behind the host; a slash alone is nothing.
static struct str path_of(struct str url) {
    struct str rest = str_sub(url, str_find(url, STR("://")) + 3, url.n);
    struct str path = str_sub(rest, strcspn(rest.p, "/?#"), rest.n);
    return str_eq(path, STR("/")) ? STR("") : path;
}

static int check_okta_url(struct conf_load *load, struct settings_mfa *m,
                          const struct conf_node *map) {
    struct http_origin o;
    struct fault fault = {{0}};
    struct str url = str_from(m->okta_url);
    int rc = http_origin_parse(url, &o, &fault);
    if (rc == -ENOMEM) return rc;
    if (rc) {
        conf_wrong(load, map, "okta_url", "%s, expected one like http://127.0.0.1:8081",
                   fault.text);
        return 0;
    }
    struct str path = path_of(url);
    if (!http_origin_is_loopback(&o))
        conf_wrong(load, map, "okta_url",
                   "%s is not this machine; the key is for a simulator on loopback, such as "
                   "http://127.0.0.1:8081: where an org is, each method says itself (`org_name`, "
                   "`base_url`)",
                   o.host);
    else if (path.n > 0)
        conf_wrong(load, map, "okta_url", "has %.*s behind the host, expected nothing there",
                   STR_ARG(str_sub(path, 0, 200)));
    if (!str_ends(url, STR("/"))) return 0;
    m->okta_url = arena_text(load->arena, str_sub(url, 0, url.n - 1)); // paths are added to it
    return m->okta_url ? 0 : -ENOMEM;
}

int settings_check_mfa(struct conf_load *load, void *object, const struct conf_node *map) {
    struct settings_mfa *m = object;
    bool said = map && conf_node_get(map, STR("poll_interval"));
    if (!said && m->poll_interval_ms > m->wait_ms / 2) m->poll_interval_ms = m->wait_ms / 2;
    if (m->poll_interval_ms > m->wait_ms)
        conf_wrong(load, map, "poll_interval",
                   "is longer than `wait`, so that an answer would come too late, expected at "
                   "most %lldms",
                   (long long)m->wait_ms);
    return m->okta_url ? check_okta_url(load, m, map) : 0;
}

int settings_check_guard(struct conf_load *load, void *object, const struct conf_node *map) {
    const struct settings_guard *g = object;
    if (g->max_pause_ms < g->pause_ms)
        conf_wrong(load, map, "max_pause",
                   "is shorter than `pause`, with which it begins, expected at least %lldms",
                   (long long)g->pause_ms);
    return 0;
}

bool settings_same_mfa(const struct settings_mfa *a, const struct settings_mfa *b) {
    return conf_same(&settings_mfa_table, a, b);
}

// ---- the rows ----

#define AT(member) .at = offsetof(struct settings_guard, member)
static const struct conf_key guard_keys[] = {
    {.name = "max_pushes",
     .type = CONF_INT,
     AT(max_pushes),
     .initial = "10",
     .min = 1,
     .max = 1000,
     .description = "Pushes to one user, and pushes for one entity, within `window`."},
    {.name = "window",
     .type = CONF_DURATION,
     AT(window_ms),
     .initial = "10m",
     .min = 1000,
     .max = TIME_DAY_MS,
     .description = "The time that `max_pushes` counts in."},
    {.name = "pause",
     .type = CONF_DURATION,
     AT(pause_ms),
     .initial = "1m",
     .min = 1000,
     .max = TIME_DAY_MS,
     .description = "After a denial, wherever it was made, the user gets no push for so long. It "
                    "doubles with each further denial, until a push is approved."},
    {.name = "max_pause",
     .type = CONF_DURATION,
     AT(max_pause_ms),
     .initial = "1h",
     .min = 1000,
     .max = 7.0 * TIME_DAY_MS,
     .description = "The longest that such a pause becomes."},
    {.name = "max_codes",
     .type = CONF_INT,
     AT(max_codes),
     .initial = "3",
     .min = 1,
     .max = 4,
     .description = "Wrong codes in a row, after which none is tried until an administrator has "
                    "cleared it, or a push was approved. Okta locks the account at five."},
    {.name = "brake",
     .type = CONF_NUMBER,
     AT(brake),
     .initial = "0.9",
     .min = 0.01,
     .max = 1,
     .description = "The share of the org's rate limit beyond which no push begins, so that those "
                    "that are out can be seen through; 1: never."},
};
#undef AT

static const struct conf_table guard_table = {
    .name = "guard table",
    .keys = guard_keys,
    .n = LEN(guard_keys),
    .bytes = sizeof(struct settings_guard),
    .check = settings_check_guard,
    .description = "When no push is sent, whoever asks (docs/guard.md).",
};

#define AT(member) .at = offsetof(struct settings_mfa, member)
static const struct conf_key keys[] = {
    {.name = "wait",
     .type = CONF_DURATION,
     AT(wait_ms),
     .initial = "50s",
     .min = 1000,
     .max = 300.0 * TIME_SECOND_MS,
     .description = "How long a request waits for a person, all its methods together. Vault's "
                    "clients give up after 60 seconds unless `VAULT_CLIENT_TIMEOUT` says "
                    "otherwise, and a push lives for five minutes."},
    {.name = "poll_interval",
     .type = CONF_DURATION,
     AT(poll_interval_ms),
     .initial = "4s",
     .min = 1000,
     .max = TIME_MINUTE_MS,
     .description = "How often Okta is asked whether the person has answered. Each such question "
                    "counts in the org's rate limit. Not set: at most half of `wait`."},
    {.name = "max_waiting",
     .type = CONF_INT,
     AT(max_waiting),
     .initial = "20000",
     .min = 1,
     .max = 1e6,
     .description = "Requests that may wait for a person at once; further ones are refused."},
    {.name = "okta_url",
     .type = CONF_URL,
     AT(okta_url),
     .words = simulator_schemes,
     .initial_says = "none: each method's own org",
     .example = "http://127.0.0.1:8081",
     .description = "A simulator on this machine, which is asked in place of the orgs of all "
                    "methods that have an `api_token`. For trying out and for tests: what it says "
                    "is believed."},
    {.name = "ssl",
     .type = CONF_TABLE,
     AT(ssl),
     .table = &settings_ssl_table,
     .initial_says = "see below",
     .description = "TLS on the way to Okta."},
    {.name = "proxy_url",
     .type = CONF_URL,
     AT(proxy_url),
     .words = settings_proxy_schemes,
     .initial_says = "`https_proxy`, `no_proxy` of the environment",
     .example = "http://proxy.example.com:3128",
     .description = "Proxy on the way to Okta; may carry `user:password@`."},
    {.name = "no_proxy",
     .type = CONF_STRINGS,
     AT(no_proxy),
     .initial_says = "none; without `proxy_url`, the environment's",
     .max = 64,
     .example = "[okta.internal, .example.com]",
     .description = "Hosts and domains to ask directly although there is a proxy. Without "
                    "`proxy_url` they count beside those of the environment."},
    {.name = "http_client_timeout",
     .type = CONF_DURATION,
     AT(http_client_timeout_ms),
     .initial = "10s",
     .min = 100,
     .max = TIME_MINUTE_MS,
     .description = "Time for one request to Okta."},
    {.name = "rate_limit_early_limit",
     .type = CONF_NUMBER,
     AT(rate_limit_early_limit),
     .initial = "0.9",
     .min = 0.01,
     .max = 100000,
     .description = "Below 1: the share of Okta's rate limit to use before waiting for the next "
                    "minute. From 1: the number of requests to leave to others."},
    {.name = "guard",
     .type = CONF_TABLE,
     AT(guard),
     .table = &guard_table,
     .initial_says = "see below",
     .description = "When no push is sent, see below."},
};
#undef AT

const struct conf_table settings_mfa_table = {
    .name = "mfa table",
    .keys = keys,
    .n = LEN(keys),
    .bytes = sizeof(struct settings_mfa),
    .check = settings_check_mfa,
    .description = "How requests under a policy with `mfa_methods` wait for a person. The keys for "
                   "the way to Okta are for methods that have an `api_token`; methods that name a "
                   "source in `okta_source` ask as that source does. A change needs a restart.",
};
