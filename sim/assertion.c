// SPDX-License-Identifier: Apache-2.0
// First who claims to be speaking, then whether his key has signed it, then what is claimed; the id
// is spent last, by whatever got that far.
#include "sim/assertion.h"

#include "base/time.h"
#include "crypto/jws.h"

struct assertion {
    const struct assertion_ask *ask;
    struct oauth *oauth;
    struct crypto_jws jws;
    const struct json *header, *claims;
    enum crypto_alg alg;
    struct app *app;
    const struct app_key *key;
    int64_t exp_ms, iat_ms;
    bool has_exp, has_iat;
};

static void assertion_fini(struct assertion *a) { crypto_jws_fini(&a->jws); }
DEFINE_AUTO_FINI(assertion)

static int read_object(struct json_reader *reader, const struct buf *text,
                       const struct json **ret) {
    int e = json_read(reader, buf_str(text), ret, NULL);
    if (e) return e > 0 ? OAUTH_E_REFUSED : e;
    return json_type(*ret) == JSON_OBJECT ? 0 : OAUTH_E_REFUSED;
}

static int read_parts(struct assertion *a) {
    int e = crypto_jws_parse(&a->jws, a->ask->text, NULL);
    if (e) return e > 0 ? OAUTH_E_REFUSED : e;
    e = read_object(a->oauth->header, &a->jws.header, &a->header);
    if (!e) e = read_object(a->oauth->claims, &a->jws.payload, &a->claims);
    if (e) return e;
    const struct json *exp = json_get(a->claims, "exp"), *iat = json_get(a->claims, "iat");
    a->has_exp = oauth_read_seconds(exp, &a->exp_ms);
    a->has_iat = oauth_read_seconds(iat, &a->iat_ms);
    return 0;
}

// The key that the header means: by its kid, which an app with one key can do without.
static const struct app_key *find_key(const struct app *app, struct str kid) {
    for (size_t i = 0; i < app->n_keys; i++)
        if (kid.p && app->keys[i].kid && str_eqz(kid, app->keys[i].kid)) return &app->keys[i];
    return app->n_keys == 1 && (!kid.p || !app->keys[0].kid) ? &app->keys[0] : NULL;
}

static bool has_algorithm(struct assertion *a) {
    return crypto_alg_find(json_str(json_get(a->header, "alg")), &a->alg);
}

static bool has_app(struct assertion *a) {
    a->app = apps_find(&a->oauth->apps, json_str(json_get(a->claims, "sub")));
    return a->app != NULL;
}

static bool is_its_issuer(struct assertion *a) {
    return str_eqz(json_str(json_get(a->claims, "iss")), a->app->client_id);
}

static bool is_enabled(struct assertion *a) { return !a->app->disabled; }

static bool has_keys(struct assertion *a) { return a->app->n_keys > 0; }

static bool has_key(struct assertion *a) {
    a->key = find_key(a->app, json_str(json_get(a->header, "kid")));
    return a->key != NULL;
}

static bool fits_key(struct assertion *a) {
    if (a->key->alg && strcmp(a->key->alg, crypto_alg_name(a->alg)) != 0) return false;
    return crypto_key_fits(a->key->key, a->alg);
}

static bool is_meant_for_us(struct assertion *a) {
    return str_eq(json_str(json_get(a->claims, "aud")), a->ask->endpoint);
}

static bool has_end(struct assertion *a) { return a->has_exp; }
static bool is_not_over(struct assertion *a) { return a->exp_ms > a->ask->now_ms; }

static bool ends_soon(struct assertion *a) {
    return a->exp_ms <= a->ask->now_ms + TIME_HOUR_MS + a->oauth->leeway_ms;
}

static bool has_begun(struct assertion *a) {
    if (!json_get(a->claims, "iat")) return true;
    return a->has_iat && a->iat_ms <= a->ask->now_ms + a->oauth->leeway_ms;
}

static bool has_good_id(struct assertion *a) {
    const struct json *jti = json_get(a->claims, "jti");
    return !jti || json_str(jti).n > 0;
}

struct check {
    bool (*holds)(struct assertion *a);
    enum oauth_kind kind; // when it does not
};

static const struct check maker_checks[] = {
    {has_algorithm, OAUTH_ASSERTION_ALG}, {has_app, OAUTH_ASSERTION_SUB},
    {is_its_issuer, OAUTH_ASSERTION_ISS}, {is_enabled, OAUTH_BAD_CLIENT},
    {has_keys, OAUTH_ASSERTION_NO_KEYS},  {has_key, OAUTH_ASSERTION_KID},
    {fits_key, OAUTH_ASSERTION_ALG},
};

static const struct check claim_checks[] = {
    {is_meant_for_us, OAUTH_ASSERTION_AUD}, {has_end, OAUTH_ASSERTION_NO_EXP},
    {is_not_over, OAUTH_ASSERTION_EXPIRED}, {ends_soon, OAUTH_ASSERTION_EXP_FAR},
    {has_begun, OAUTH_ASSERTION_IAT},       {has_good_id, OAUTH_ASSERTION_JTI},
};

static int run_checks(struct assertion *a, const struct check *checks, size_t n,
                      struct oauth_error *error) {
    for (size_t i = 0; i < n; i++)
        if (!checks[i].holds(a)) return oauth_refuse(error, checks[i].kind);
    return 0;
}

static int verify_signature(struct assertion *a, struct oauth_error *error) {
    int e = crypto_jws_verify(&a->jws, a->key->key, a->alg);
    return e > 0 ? oauth_refuse(error, OAUTH_ASSERTION_SIGNATURE) : e;
}

static int spend(struct assertion *a, struct oauth_error *error) {
    struct str jti = json_str(json_get(a->claims, "jti"));
    if (!jti.n) return 0;
    int e = oauth_spend(a->oauth, str_from(a->app->client_id), jti, a->exp_ms, a->ask->now_ms);
    return e > 0 ? oauth_refuse(error, OAUTH_ASSERTION_USED) : e;
}

int assertion_verify(struct oauth *o, const struct assertion_ask *ask, struct app **ret,
                     struct oauth_error *error) {
    AUTO_FINI(assertion) struct assertion a = {.ask = ask, .oauth = o};
    int e = read_parts(&a);
    if (e > 0) return oauth_refuse(error, OAUTH_ASSERTION_PARSE);
    if (!e) e = run_checks(&a, maker_checks, LEN(maker_checks), error);
    if (!e) e = verify_signature(&a, error);
    if (!e) e = run_checks(&a, claim_checks, LEN(claim_checks), error);
    if (!e) e = spend(&a, error);
    if (!e) *ret = a.app;
    return e;
}
