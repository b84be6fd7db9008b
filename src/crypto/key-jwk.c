// SPDX-License-Identifier: Apache-2.0
// Reading a JWK: its members become numbers, the numbers one OpenSSL key (EVP_PKEY_fromdata), and
// from there on it is looked at like any other. Everything in between is wiped.
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "crypto/key-internal.h"
#include "json/read.h"

enum {
    JWK_MAX_BYTES = 64 << 10,
    MEMBER_MAX_BYTES = 8192 / 8 + 1, // RSA of 8192 bits; some writers put a zero byte in front
    KID_MAX_BYTES = 1024,
};

DEFINE_AUTO_OPENSSL(builder, OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)

// OpenSSL frees parameters without wiping them.
static void release_params(OSSL_PARAM *params) {
    for (OSSL_PARAM *p = params; p && p->key; p++) crypto_wipe(p->data, p->data_size);
    OSSL_PARAM_free(params);
}
DEFINE_AUTO_OPENSSL(params, OSSL_PARAM, release_params)

// A reader whose memory is wiped in the end.
static void release_reader(struct json_reader *r) {
    if (r) json_reader_wipe(r);
    json_reader_free(r);
}
DEFINE_AUTO_OPENSSL(reader, struct json_reader, release_reader)

static int bad_member(struct fault *fault, const char *name, const char *what) {
    return fault_set(fault, CRYPTO_E_NO_KEY, "the JWK's \"%s\" %s", name, what);
}

// The bytes of a member that must be there. Outcomes: 0; CRYPTO_E_NO_KEY; -ENOMEM.
static int get_bytes(const struct json *jwk, const char *name, struct buf *ret,
                     struct fault *fault) {
    const struct json *value = json_get(jwk, name);
    struct str text = json_str(value);
    if (!value) return bad_member(fault, name, "is missing");
    if (!text.p) return bad_member(fault, name, "is not a string");
    if (text.n == 0) return bad_member(fault, name, "is empty");
    if (text.n > (MEMBER_MAX_BYTES + 2) / 3 * 4) return bad_member(fault, name, "is too long");
    if (!crypto_base64url_decode(ret, text))
        return bad_member(fault, name, "is not base64url without padding (RFC 7515 section 2)");
    return ret->error;
}

static int get_number(const struct json *jwk, const char *name, BIGNUM **ret, struct fault *fault) {
    AUTO_WIPED struct buf bytes = buf_make(2 * MEMBER_MAX_BYTES);
    int r = get_bytes(jwk, name, &bytes, fault);
    if (r) return r;
    *ret = BN_bin2bn((const unsigned char *)bytes.p, (int)bytes.n, NULL);
    return *ret ? 0 : openssl_failed(-ENOMEM);
}

static bool has(const struct json *jwk, const char *name) {
    const struct json *value = json_get(jwk, name);
    return value && json_type(value) != JSON_NULL;
}

// ---- into OpenSSL

static int build(const char *type, OSSL_PARAM_BLD *builder, bool is_private, EVP_PKEY **ret) {
    AUTO_OPENSSL(params) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    AUTO_OPENSSL(pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1) return openssl_failed(-ENOMEM);
    int what = is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
    if (EVP_PKEY_fromdata(ctx, ret, what, params) == 1) return 0;
    *ret = NULL;
    return openssl_failed(CRYPTO_E_NO_KEY);
}

static int build_rsa(const struct crypto_rsa *rsa, bool is_private, EVP_PKEY **ret) {
    AUTO_OPENSSL(builder) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (!builder) return openssl_failed(-ENOMEM);
    for (int i = 0; i < RSA_MEMBERS; i++)
        if (rsa->part[i] &&
            !OSSL_PARAM_BLD_push_BN(builder, crypto_rsa_openssl_names[i], rsa->part[i]))
            return openssl_failed(-ENOMEM);
    return build("RSA", builder, is_private, ret);
}

// ---- RSA

static int get_rsa_part(const struct json *jwk, int i, struct crypto_rsa *rsa,
                        struct fault *fault) {
    return get_number(jwk, crypto_rsa_members[i], &rsa->part[i], fault);
}

// All of p, q, dp, dq and qi, or none.
static int get_rsa_primes(const struct json *jwk, struct crypto_rsa *rsa, struct fault *fault) {
    bool any = false;
    for (int i = RSA_P; i < RSA_MEMBERS; i++) any = any || has(jwk, crypto_rsa_members[i]);
    int r = 0;
    if (any) {
        for (int i = RSA_P; r == 0 && i < RSA_MEMBERS; i++) r = get_rsa_part(jwk, i, rsa, fault);
        return r;
    }
    r = crypto_rsa_complete(rsa);
    if (r > 0) return bad_member(fault, "d", "does not belong to its \"n\" and \"e\"");
    return r;
}

static int read_rsa(const struct json *jwk, bool is_private, EVP_PKEY **ret, struct fault *fault) {
    AUTO_FINI(crypto_rsa) struct crypto_rsa rsa = {{0}};
    if (has(jwk, "oth"))
        return fault_set(fault, CRYPTO_E_UNFIT, "an RSA key of more than two primes (\"oth\")");
    int r = get_rsa_part(jwk, RSA_N, &rsa, fault);
    if (r == 0) r = get_rsa_part(jwk, RSA_E, &rsa, fault);
    if (r == 0 && is_private) r = get_rsa_part(jwk, RSA_D, &rsa, fault);
    if (r == 0 && is_private) r = get_rsa_primes(jwk, &rsa, fault);
    if (r) return r;
    r = build_rsa(&rsa, is_private, ret);
    return r > 0 ? fault_set(fault, r, "the JWK's members do not make an RSA key") : r;
}

// ---- EC

// A coordinate or d: exactly as long as the curve's numbers are (RFC 7518 section 6.2).
static int get_ec_bytes(const struct json *jwk, const char *name, const struct crypto_curve *curve,
                        struct buf *ret, struct fault *fault) {
    size_t before = ret->n;
    int r = get_bytes(jwk, name, ret, fault);
    if (r) return r;
    if (ret->n - before == curve->bytes) return 0;
    return fault_set(fault, CRYPTO_E_NO_KEY, "the JWK's \"%s\" has %zu bytes; %s has %zu", name,
                     ret->n - before, curve->crv, curve->bytes);
}

static int build_ec(const struct crypto_curve *curve, struct str point, const BIGNUM *d,
                    EVP_PKEY **ret) {
    AUTO_OPENSSL(builder) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    bool ok =
        builder &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n) &&
        (!d || OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, d));
    return ok ? build("EC", builder, d != NULL, ret) : openssl_failed(-ENOMEM);
}

static int get_ec_private(const struct json *jwk, const struct crypto_curve *curve, BIGNUM **ret,
                          struct fault *fault) {
    AUTO_WIPED struct buf bytes = buf_make(2 * MEMBER_MAX_BYTES);
    int r = get_ec_bytes(jwk, "d", curve, &bytes, fault);
    if (r) return r;
    *ret = BN_bin2bn((const unsigned char *)bytes.p, (int)bytes.n, NULL);
    return *ret ? 0 : openssl_failed(-ENOMEM);
}

static int read_ec(const struct json *jwk, bool is_private, EVP_PKEY **ret, struct fault *fault) {
    struct str crv = json_str(json_get(jwk, "crv"));
    const struct crypto_curve *curve = crypto_curve_find(crv);
    if (!crv.p) return bad_member(fault, "crv", "is missing");
    if (!curve)
        return fault_set(fault, CRYPTO_E_UNFIT,
                         "an EC key on another curve than P-256, P-384 and P-521");
    AUTO_FINI(buf) struct buf point = buf_make(4 * MEMBER_MAX_BYTES);
    AUTO_OPENSSL(bn) BIGNUM *d = NULL;
    buf_addc(&point, 4); // both coordinates follow (SEC 1 section 2.3.3)
    int r = get_ec_bytes(jwk, "x", curve, &point, fault);
    if (r == 0) r = get_ec_bytes(jwk, "y", curve, &point, fault);
    if (r == 0 && is_private) r = get_ec_private(jwk, curve, &d, fault);
    if (r) return r;
    r = build_ec(curve, buf_str(&point), d, ret);
    return r > 0 ? fault_set(fault, r, "the JWK's members do not make a key on %s", curve->crv) : r;
}

// ---- what is said about the key

static int take_kid(struct crypto_key *key, const struct json *jwk, struct fault *fault) {
    const struct json *value = json_get(jwk, "kid");
    struct str kid = json_str(value);
    if (json_type(value) == JSON_NULL || (kid.p && kid.n == 0)) return 0;
    if (!kid.p) return bad_member(fault, "kid", "is not a string");
    if (kid.n > KID_MAX_BYTES || memchr(kid.p, 0, kid.n))
        return bad_member(fault, "kid", "is not a name");
    return crypto_key_set_kid(key, kid);
}

static int check_use(const struct crypto_key *key, const struct json *jwk, struct fault *fault) {
    const struct json *use = json_get(jwk, "use");
    if (json_type(use) == JSON_NULL || str_eqz(json_str(use), "sig")) return 0;
    return fault_set(fault, CRYPTO_E_UNFIT, "the %s key is not for signing: its \"use\" is not sig",
                     key->name);
}

static int take_alg(struct crypto_key *key, const struct json *jwk, struct fault *fault) {
    const struct json *value = json_get(jwk, "alg");
    enum crypto_alg alg;
    if (json_type(value) == JSON_NULL) return 0;
    if (!crypto_alg_find(json_str(value), &alg) || !crypto_key_fits(key, alg))
        return fault_set(fault, CRYPTO_E_UNFIT, "the JWK's \"alg\" does not fit its key (%s: %s)",
                         key->name, key->curve ? crypto_alg_name(key->alg) : "RS256, RS384, RS512");
    key->alg = alg;
    return 0;
}

// ---- the whole

static const struct kind {
    const char *kty;
    int (*read)(const struct json *jwk, bool is_private, EVP_PKEY **ret, struct fault *fault);
    const char *unfit; // instead of `read`
} kinds[] = {
    {"RSA", read_rsa, NULL},
    {"EC", read_ec, NULL},
    {"oct", NULL, "a symmetric key (\"kty\": \"oct\")"},
    {"OKP", NULL, "an Edwards or Montgomery key (\"kty\": \"OKP\")"},
};

static const struct kind *find_kind(struct str kty) {
    for (size_t i = 0; i < LEN(kinds); i++)
        if (str_eqz(kty, kinds[i].kty)) return &kinds[i];
    return NULL;
}

static int read_numbers(const struct json *jwk, bool is_private, EVP_PKEY **ret,
                        struct fault *fault) {
    const struct kind *kind = find_kind(json_str(json_get(jwk, "kty")));
    if (!kind) return bad_member(fault, "kty", "must be RSA or EC");
    if (kind->read) return kind->read(jwk, is_private, ret, fault);
    return fault_set(fault, CRYPTO_E_UNFIT,
                     "%s; Okta takes RSA of 2048 bits and more, and EC on P-256, P-384 and P-521",
                     kind->unfit);
}

static int read_key(struct crypto_key **ret, const struct json *jwk, struct fault *fault) {
    AUTO_OPENSSL(pkey) EVP_PKEY *pkey = NULL;
    AUTO(crypto_key) struct crypto_key *key = NULL;
    bool is_private = has(jwk, "d");
    int r = read_numbers(jwk, is_private, &pkey, fault);
    if (r == 0) r = crypto_key_adopt(&key, &pkey, is_private, fault);
    if (r == 0) r = take_kid(key, jwk, fault);
    if (r == 0) r = check_use(key, jwk, fault);
    if (r == 0) r = take_alg(key, jwk, fault);
    if (r) return r;
    *ret = TAKE(key);
    return 0;
}

// The key itself, or the only one of a JWK Set.
static int pick(const struct json *root, const struct json **ret, struct fault *fault) {
    if (json_type(root) != JSON_OBJECT)
        return fault_set(fault, CRYPTO_E_NO_KEY, "not a JWK: the JSON is not an object");
    const struct json *set = json_get(root, "keys");
    if (has(root, "kty") || !set) {
        *ret = root;
        return 0;
    }
    if (json_type(set) != JSON_ARRAY || json_count(set) != 1)
        return fault_set(fault, CRYPTO_E_NO_KEY,
                         "a JWK Set must hold exactly one key here; this one holds %zu",
                         json_count(set));
    *ret = json_at(set, 0);
    if (json_type(*ret) == JSON_OBJECT) return 0;
    return fault_set(fault, CRYPTO_E_NO_KEY, "the JWK Set's element is not an object");
}

int crypto_key_from_jwk(struct crypto_key **ret, struct str json, struct fault *fault) {
    AUTO_OPENSSL(reader) struct json_reader *reader = NULL;
    const struct json *root, *jwk = NULL;
    struct fault why = {{0}};
    if (json.n > JWK_MAX_BYTES)
        return fault_set(fault, CRYPTO_E_NO_KEY, "not a JWK: longer than %d bytes", JWK_MAX_BYTES);
    int r = json_reader_new(&reader);
    if (r == 0) r = json_read(reader, json, &root, &why);
    if (r == JSON_E_SYNTAX)
        return fault_set(fault, CRYPTO_E_NO_KEY, "not a JWK: not JSON: %.200s", why.text);
    if (r == 0) r = pick(root, &jwk, fault);
    return r ? r : read_key(ret, jwk, fault);
}
