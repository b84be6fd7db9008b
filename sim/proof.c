// SPDX-License-Identifier: Apache-2.0
// First the proof's own shape and signature, then what it says about the request. The id is spent
// as soon as the proof is known to be its maker's for this request: a refusal for want of a nonce
// spends it, too.
#include "sim/proof.h"

#include <errno.h>

#include "base/time.h"
#include "crypto/digest.h"
#include "crypto/jws.h"
#include "json/write.h"

enum { AGE_MAX_MS = 5 * TIME_MINUTE_MS, HTU_MAX_BYTES = 1 << 20, JWK_MAX_BYTES = 1 << 20 };

struct proof {
    const struct proof_ask *ask;
    struct oauth *oauth;
    struct crypto_jws jws;
    const struct json *header, *claims;
    enum crypto_alg alg;
    struct crypto_key *key;
    int64_t iat_ms;
    char thumbprint[OAUTH_THUMBPRINT_MAX];
};

static void proof_fini(struct proof *p) {
    crypto_jws_fini(&p->jws);
    crypto_key_free(p->key);
}
DEFINE_AUTO_FINI(proof)

static int read_object(struct json_reader *reader, const struct buf *text,
                       const struct json **ret) {
    int e = json_read(reader, buf_str(text), ret, NULL);
    if (e) return e > 0 ? OAUTH_E_REFUSED : e;
    return json_type(*ret) == JSON_OBJECT ? 0 : OAUTH_E_REFUSED;
}

static int read_parts(struct proof *p, struct oauth_error *error) {
    int e = crypto_jws_parse(&p->jws, request_header(p->ask->request, "dpop"), NULL);
    if (!e) e = read_object(p->oauth->header, &p->jws.header, &p->header);
    if (!e) e = read_object(p->oauth->claims, &p->jws.payload, &p->claims);
    return e > 0 ? oauth_refuse(error, OAUTH_PROOF_PARSE) : e;
}

static bool is_single(struct proof *p) {
    return request_header_count(p->ask->request, "dpop") == 1;
}

static bool has_type(struct proof *p) {
    return str_eq_nocase(json_str(json_get(p->header, "typ")), STR("dpop+jwt"));
}

static bool has_algorithm(struct proof *p) {
    return crypto_alg_find(json_str(json_get(p->header, "alg")), &p->alg);
}

static bool is_public(struct proof *p) {
    static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    const struct json *jwk = json_get(p->header, "jwk");
    for (size_t i = 0; i < LEN(private_members); i++)
        if (json_get(jwk, private_members[i])) return false;
    return json_type(jwk) == JSON_OBJECT;
}

static bool fits_key(struct proof *p) { return crypto_key_fits(p->key, p->alg); }

static bool has_method(struct proof *p) {
    return str_eq(json_str(json_get(p->claims, "htm")), p->ask->request->method);
}

// "https://acme.okta.com:443/x" without its ":443", and nothing else changed.
static void add_without_port(struct buf *out, struct str url) {
    size_t scheme = str_find(url, STR("://"));
    size_t host = scheme + 3;
    if (scheme == url.n) {
        buf_add_str(out, url);
        return;
    }
    struct str rest = str_sub(url, host, url.n);
    struct str authority = str_sub(rest, 0, str_find_char(rest, '/'));
    struct str port = str_starts(url, STR("https:")) ? STR(":443") : STR(":80");
    size_t cut = str_ends(authority, port) ? authority.n - port.n : authority.n;
    buf_add_str(out, str_sub(url, 0, host + cut));
    buf_add_str(out, str_sub(rest, authority.n, rest.n));
}

// Scheme and host without case, the path to the byte, no query, no fragment.
static bool has_url(struct proof *p) {
    AUTO_FINI(buf) struct buf origin = buf_make(REQUEST_ORIGIN_MAX + HTU_MAX_BYTES);
    AUTO_FINI(buf) struct buf wanted = buf_make(REQUEST_ORIGIN_MAX + HTU_MAX_BYTES);
    AUTO_FINI(buf) struct buf claimed = buf_make(HTU_MAX_BYTES);
    request_add_origin(&origin, p->ask->request);
    add_without_port(&wanted, buf_str(&origin));
    size_t origin_n = wanted.n;
    request_add_decoded_path(&wanted, p->ask->request);
    add_without_port(&claimed, json_str(json_get(p->claims, "htu")));
    struct str a = buf_str(&wanted), b = buf_str(&claimed);
    return !wanted.error && !claimed.error &&
           str_eq_nocase(str_sub(a, 0, origin_n), str_sub(b, 0, origin_n)) &&
           str_eq(str_sub(a, origin_n, a.n), str_sub(b, origin_n, b.n));
}

static bool has_time(struct proof *p) {
    return oauth_read_seconds(json_get(p->claims, "iat"), &p->iat_ms);
}

static bool is_not_early(struct proof *p) {
    return p->iat_ms <= p->ask->now_ms + p->oauth->leeway_ms;
}

static bool is_not_old(struct proof *p) { return p->iat_ms >= p->ask->now_ms - AGE_MAX_MS; }

static bool is_not_over(struct proof *p) {
    int64_t exp_ms;
    if (!json_get(p->claims, "exp")) return true;
    return oauth_read_seconds(json_get(p->claims, "exp"), &exp_ms) && exp_ms > p->ask->now_ms;
}

static bool has_id(struct proof *p) { return json_str(json_get(p->claims, "jti")).n > 0; }

static bool has_nonce(struct proof *p) {
    struct str nonce = json_str(json_get(p->claims, "nonce"));
    return !p->ask->nonce_required || nonces_accept(&p->oauth->nonces, nonce, p->ask->now_ms);
}

static bool has_token_hash(struct proof *p) {
    uint8_t digest[CRYPTO_SHA256_BYTES];
    AUTO_FINI(buf) struct buf text = buf_make(OAUTH_THUMBPRINT_MAX);
    if (!p->ask->access_token.p) return true;
    if (crypto_sha256(p->ask->access_token, digest)) return false;
    crypto_base64url(&text, (struct str){(const char *)digest, sizeof digest});
    return !text.error && str_eq(json_str(json_get(p->claims, "ath")), buf_str(&text));
}

struct check {
    bool (*holds)(struct proof *p);
    enum oauth_kind kind; // when it does not
};

static const struct check shape_checks[] = {
    {has_type, OAUTH_PROOF_TYP},
    {has_algorithm, OAUTH_PROOF_ALG},
    {is_public, OAUTH_PROOF_JWK},
};

static const struct check claim_checks[] = {
    {has_method, OAUTH_PROOF_HTM}, {has_url, OAUTH_PROOF_HTU},
    {has_time, OAUTH_PROOF_IAT},   {is_not_early, OAUTH_PROOF_FUTURE},
    {is_not_old, OAUTH_PROOF_OLD}, {is_not_over, OAUTH_PROOF_EXPIRED},
    {has_id, OAUTH_PROOF_JTI},
};

static const struct check last_checks[] = {
    {has_nonce, OAUTH_USE_NONCE},
    {has_token_hash, OAUTH_PROOF_ATH},
};

static int run_checks(struct proof *p, const struct check *checks, size_t n,
                      struct oauth_error *error) {
    for (size_t i = 0; i < n; i++)
        if (!checks[i].holds(p)) return oauth_refuse(error, checks[i].kind);
    return 0;
}

static int read_key(struct proof *p, struct oauth_error *error) {
    AUTO_FINI(buf) struct buf text = buf_make(JWK_MAX_BYTES);
    int e = json_add_value(&text, json_get(p->header, "jwk"));
    if (e == -ELOOP || text.error == -EMSGSIZE) return oauth_refuse(error, OAUTH_PROOF_JWK);
    if (!e) e = text.error;
    if (!e) e = crypto_key_from_jwk(&p->key, buf_str(&text), NULL);
    return e > 0 ? oauth_refuse(error, OAUTH_PROOF_JWK) : e;
}

static int verify_signature(struct proof *p, struct oauth_error *error) {
    int e = crypto_jws_verify(&p->jws, p->key, p->alg);
    return e > 0 ? oauth_refuse(error, OAUTH_PROOF_SIGNATURE) : e;
}

static int set_thumbprint(struct proof *p) {
    AUTO_FINI(buf) struct buf text = buf_make(OAUTH_THUMBPRINT_MAX - 1);
    int e = crypto_key_thumbprint(p->key, &text);
    if (!e) e = text.error;
    if (!e) memcpy(p->thumbprint, text.p, text.n);
    return e;
}

// An id has to be remembered for as long as its proof would pass for fresh.
static int spend(struct proof *p, struct oauth_error *error) {
    struct str jti = json_str(json_get(p->claims, "jti"));
    int64_t until_ms = p->iat_ms + AGE_MAX_MS + 1;
    int e = oauth_spend(p->oauth, str_from(p->thumbprint), jti, until_ms, p->ask->now_ms);
    return e > 0 ? oauth_refuse(error, OAUTH_PROOF_USED) : e;
}

static int read_proof(struct proof *p, struct oauth_error *error) {
    if (!is_single(p)) return oauth_refuse(error, OAUTH_PROOF_SEVERAL);
    int e = read_parts(p, error);
    if (!e) e = run_checks(p, shape_checks, LEN(shape_checks), error);
    if (!e) e = read_key(p, error);
    if (!e && !fits_key(p)) e = oauth_refuse(error, OAUTH_PROOF_ALG);
    if (!e) e = verify_signature(p, error);
    return e;
}

int proof_verify(struct oauth *o, const struct proof_ask *ask, char ret[OAUTH_THUMBPRINT_MAX],
                 struct oauth_error *error) {
    AUTO_FINI(proof) struct proof p = {.ask = ask, .oauth = o};
    int e = read_proof(&p, error);
    if (!e) e = set_thumbprint(&p);
    if (!e) e = run_checks(&p, claim_checks, LEN(claim_checks), error);
    if (!e) e = spend(&p, error);
    if (!e) e = run_checks(&p, last_checks, LEN(last_checks), error);
    if (!e) memcpy(ret, p.thumbprint, sizeof p.thumbprint);
    return e;
}
