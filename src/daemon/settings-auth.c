// SPDX-License-Identifier: Apache-2.0
// Which of the ways to sign in a source means (elastic-okta section 1.1). What Elastic's
// integration takes for no authentication at all, without a word, is an error here that names the
// keys.
#include <errno.h>

#include "crypto/seal.h"
#include "daemon/credentials.h"
#include "daemon/settings-internal.h"
#include "http/url.h"

enum want { NO, MAY, MUST, ONE_OF };

struct auth_key {
    const char *name;
    enum want want[SETTINGS_OIN_APP + 1]; // by enum settings_auth
};

static const struct auth_key auth_keys[] = {
    //                    api_key  oauth2  oin_app
    {"api_key", {MUST, NO, MUST}},    {"okta_domain_url", {NO, MUST, MUST}},
    {"client_id", {NO, MUST, MUST}},  {"jwk_json", {NO, ONE_OF, NO}},
    {"jwk_file", {NO, ONE_OF, NO}},   {"key_pem", {NO, ONE_OF, NO}},
    {"dpop_key_pem", {NO, MAY, MAY}},
};

static const char *const method_names[] = {"api_key", "oauth2", "oin_app"};

static bool has(const struct conf_node *map, const char *key) {
    return conf_node_get(map, str_from(key)) != NULL;
}

// The first key that is set and means more than an API token.
static const char *find_other(const struct conf_node *map) {
    for (size_t i = 0; i < LEN(auth_keys); i++)
        if (auth_keys[i].want[SETTINGS_API_KEY] == NO && has(map, auth_keys[i].name))
            return auth_keys[i].name;
    return NULL;
}

// What the keys mean when nobody says it; -1 when they mean nothing.
static int implied(struct conf_load *load, const struct conf_node *map) {
    const char *other = find_other(map);
    bool key = has(map, "api_key");
    if (key && other) {
        conf_wrong(load, map, other,
                   "api_key and %s are both set, which authentication is meant? Expected only one "
                   "of them, or auth_method: oin_app when api_key is an app's client secret",
                   other);
        return -1;
    }
    if (other) return SETTINGS_OAUTH2;
    if (!key && !load->partial)
        conf_wrong(load, map, "api_key",
                   "is missing, so that nothing would authenticate; expected Okta's API token, "
                   "such as ${OKTA_API_KEY}, or okta_domain_url, client_id and jwk_file");
    return key ? SETTINGS_API_KEY : -1;
}

static int method_of(struct conf_load *load, const struct settings_source *s,
                     const struct conf_node *map) {
    if (s->oin_app && s->auth_method >= 0 && s->auth_method != SETTINGS_OIN_APP) {
        conf_wrong(load, map, "oin_app",
                   "oin_app: true and auth_method: %s contradict each other, expected one of them",
                   method_names[s->auth_method]);
        return -1;
    }
    if (s->oin_app) return SETTINGS_OIN_APP;
    return s->auth_method >= 0 ? s->auth_method : implied(load, map);
}

static void check_one_of(struct conf_load *load, const struct conf_node *map, int method) {
    const char *first = NULL;
    bool wanted = false;
    for (size_t i = 0; i < LEN(auth_keys); i++) {
        const struct auth_key *k = &auth_keys[i];
        if (k->want[method] != ONE_OF) continue;
        wanted = true;
        if (!has(map, k->name)) continue;
        if (first)
            conf_wrong(load, map, k->name, "%s and %s are both set, expected one private key",
                       first, k->name);
        else first = k->name;
    }
    if (wanted && !first && !load->partial)
        conf_wrong(load, map, "jwk_file",
                   "no private key is set, expected jwk_file, jwk_json or key_pem (`gatehouse "
                   "keygen` makes one)");
}

static void check_keys(struct conf_load *load, const struct conf_node *map, int method) {
    for (size_t i = 0; i < LEN(auth_keys); i++) {
        const struct auth_key *k = &auth_keys[i];
        if (k->want[method] == NO && has(map, k->name))
            conf_wrong(load, map, k->name, "%s does not go with %s, expected it left out", k->name,
                       method_names[method]);
        if (k->want[method] == MUST && !load->partial && !has(map, k->name))
            conf_wrong(load, map, k->name, "%s is missing, which %s needs", k->name,
                       method_names[method]);
    }
    check_one_of(load, map, method);
}

// Elastic's forms write the default down whatever the method is.
static void check_scopes(struct conf_load *load, const struct settings_source *s,
                         const struct conf_node *map, int method) {
    bool standard = s->okta_scope_count == 1 && str_eqz(STR("okta.logs.read"), s->okta_scopes[0]);
    if (method != SETTINGS_OAUTH2 && !standard && has(map, "okta_scopes"))
        conf_wrong(load, map, "okta_scopes",
                   "okta_scopes does not go with %s, expected it left out", method_names[method]);
    for (size_t i = 0; i < s->okta_scope_count; i++)
        if (s->okta_scopes[i][strcspn(s->okta_scopes[i], " \t\r\n\"\\")])
            conf_wrong(load, map, "okta_scopes",
                       "expected a list of scopes, each without blanks, such as [okta.logs.read]");
}

static int check_domain(struct conf_load *load, const struct settings_source *s,
                        const struct conf_node *map) {
    struct http_origin o;
    struct fault fault = {{0}};
    struct str url = str_from(s->okta_domain_url);
    int rc = http_origin_parse(url, &o, &fault);
    if (rc == -ENOMEM) return rc;
    struct str rest = str_sub(url, str_find(url, STR("://")) + 3, url.n);
    struct str path = str_sub(rest, strcspn(rest.p, "/?#"), rest.n);
    if (rc)
        conf_wrong(load, map, "okta_domain_url", "%s, expected one like https://acme.okta.com",
                   fault.text);
    else if (path.n > 0 && !str_eq(path, STR("/")))
        conf_wrong(load, map, "okta_domain_url",
                   "has %.*s behind the host, expected the org alone, %s://%.*s (custom "
                   "authorization servers give no tokens for Okta's API)",
                   STR_ARG(path), o.scheme, (int)(rest.n - path.n), rest.p);
    else if (!s->allow_any_url) settings_check_host(load, &o, url, "okta_domain_url", "", map);
    return 0;
}

// That a key is one is said here, with its place in the file, and not when it is first needed.
static int check_private_keys(struct conf_load *load, const struct settings_source *s,
                              const struct conf_node *map) {
    AUTO(crypto_key) struct crypto_key *app = NULL;
    AUTO(crypto_key) struct crypto_key *dpop = NULL;
    struct fault fault = {{0}};
    const char *setting;
    int rc = credentials_app_key(&app, s, load->env, &setting, &fault);
    if (rc == -ENOMEM) return rc;
    if (rc) conf_wrong(load, map, setting, "%s", fault.text);
    rc = credentials_dpop_key(&dpop, s, &fault);
    if (rc == -ENOMEM) return rc;
    if (rc) conf_wrong(load, map, "dpop_key_pem", "%s", fault.text);
    return 0;
}

int settings_check_auth(struct conf_load *load, struct settings_source *s,
                        const struct conf_node *map) {
    s->auth_method = method_of(load, s, map);
    if (s->auth_method < 0) return 0;
    check_keys(load, map, s->auth_method);
    check_scopes(load, s, map, s->auth_method);
    int rc = s->okta_domain_url ? check_domain(load, s, map) : 0;
    return rc ? rc : check_private_keys(load, s, map);
}

// systemd hands credentials over as files (LoadCredential=master.key:...).
static int read_credential(struct conf_load *load, struct settings *s, const char *directory,
                           const struct conf_node *map) {
    AUTO_FINI(buf) struct buf path = buf_make(1 << 16);
    struct buf text = buf_make(CONF_VALUE_MAX);
    buf_addf(&path, "%s/master.key", directory);
    const char *z = buf_z(&path);
    int rc = z ? load->env->file(load->env->ctx, z, &text) : -ENOMEM;
    if (rc == 0) {
        s->master_key = arena_text(load->arena, str_trim(buf_str(&text)));
        rc = s->master_key ? 0 : -ENOMEM;
    } else if (rc == -ENOENT) {
        rc = 0;
    } else if (rc != -ENOMEM) {
        conf_wrong(load, map, "master_key", "cannot read the credential %s: %s", z, error_text(rc));
        rc = 0;
    }
    buf_wipe(&text);
    return rc;
}

int settings_check_master_key(struct conf_load *load, struct settings *s,
                              const struct conf_node *map) {
    AUTO(crypto_sealer) struct crypto_sealer *sealer = NULL;
    struct fault fault = {{0}};
    const char *directory = load->env->variable(load->env->ctx, "CREDENTIALS_DIRECTORY");
    int rc = 0;
    if (!s->master_key && directory && directory[0]) rc = read_credential(load, s, directory, map);
    if (rc || !s->master_key) return rc;
    rc = crypto_sealer_new(&sealer, str_from(s->master_key), &fault);
    if (rc == -ENOMEM) return rc;
    if (rc) conf_wrong(load, map, "master_key", "%s", fault.text);
    return 0;
}
