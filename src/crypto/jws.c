// SPDX-License-Identifier: Apache-2.0
// OpenSSL gives and takes ECDSA signatures as DER; JWS wants the two numbers side by side, each as
// long as the curve's order.
#include "crypto/jws.h"

#include <errno.h>
#include <openssl/ec.h>

#include "crypto/key-internal.h"
#include "json/read.h"

// RSA of 8192 bits; two numbers of P-521 as DER are far shorter.
enum { SIGNATURE_MAX_BYTES = 1024 };

DEFINE_AUTO_OPENSSL(ecdsa, ECDSA_SIG, ECDSA_SIG_free)

struct signature {
    size_t n;
    unsigned char p[SIGNATURE_MAX_BYTES];
};

static int verify(const struct crypto_key *key, enum crypto_alg alg, struct str text,
                  struct str signature) {
    AUTO_OPENSSL(md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx) return openssl_failed(-ENOMEM);
    bool ok = EVP_DigestVerifyInit_ex(ctx, NULL, crypto_alg_digest(alg), NULL, NULL, key->pkey,
                                      NULL) == 1 &&
              EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n,
                               (const unsigned char *)text.p, text.n) == 1;
    return openssl_outcome(ok, CRYPTO_E_BAD_SIGNATURE);
}

// ---- signing

// What the key and alg could do wrong has been looked at before: what is left is a lack of memory,
// which OpenSSL does not always tell as such.
static int sign(const struct crypto_key *key, enum crypto_alg alg, struct str text,
                struct signature *ret) {
    AUTO_OPENSSL(md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx) return openssl_failed(-ENOMEM);
    ret->n = sizeof ret->p;
    if (EVP_DigestSignInit_ex(ctx, NULL, crypto_alg_digest(alg), NULL, NULL, key->pkey, NULL) ==
            1 &&
        EVP_DigestSign(ctx, ret->p, &ret->n, (const unsigned char *)text.p, text.n) == 1)
        return 0;
    return openssl_failed(-ENOMEM);
}

// OpenSSL blinds what it does with an RSA key, by a pair of factors that it makes anew after 32
// uses. When memory ran out while it changed them (3.0), the two no longer belong together, and all
// signatures until then are wrong. So each is checked, and made again while it is.
enum { BLINDING_USES = 32 };

static int sign_rightly(const struct crypto_key *key, enum crypto_alg alg, struct str text,
                        struct signature *ret) {
    int r = CRYPTO_E_BAD_SIGNATURE;
    for (int i = 0; r == CRYPTO_E_BAD_SIGNATURE && i <= BLINDING_USES; i++) {
        r = sign(key, alg, text, ret);
        if (r == 0 && !key->curve)
            r = verify(key, alg, text, (struct str){(const char *)ret->p, ret->n});
    }
    return r > 0 ? -EIO : r;
}

// DER to r || s, in place.
static int to_numbers(struct signature *s, size_t bytes) {
    const unsigned char *at = s->p;
    AUTO_OPENSSL(ecdsa) ECDSA_SIG *numbers = d2i_ECDSA_SIG(NULL, &at, (long)s->n);
    int n = (int)bytes;
    if (!numbers || BN_bn2binpad(ECDSA_SIG_get0_r(numbers), s->p, n) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(numbers), s->p + bytes, n) < 0)
        return openssl_failed(-ENOMEM);
    s->n = 2 * bytes;
    return 0;
}

static int append_signature(struct buf *out, const struct crypto_key *key, enum crypto_alg alg,
                            size_t start) {
    struct signature signature;
    struct str text = {out->p + start, out->n - start};
    int r = sign_rightly(key, alg, text, &signature);
    if (r == 0 && key->curve) r = to_numbers(&signature, key->curve->bytes);
    if (r) return r;
    buf_addc(out, '.');
    crypto_base64url(out, (struct str){(const char *)signature.p, signature.n});
    return out->error;
}

int crypto_jws_sign(struct buf *out, const struct crypto_key *key, enum crypto_alg alg,
                    struct str header, struct str payload) {
    size_t start = out->n;
    if (!key->is_private || !crypto_key_fits(key, alg)) return -EINVAL;
    crypto_base64url(out, header);
    buf_addc(out, '.');
    crypto_base64url(out, payload);
    int r = out->error ? out->error : append_signature(out, key, alg, start);
    if (r) buf_cut(out, start);
    return r;
}

// ---- taking apart

void crypto_jws_fini(struct crypto_jws *jws) {
    buf_fini(&jws->header);
    buf_fini(&jws->payload);
    buf_fini(&jws->signature);
}

static int decode_part(struct buf *ret, struct str text, const char *name, struct fault *fault) {
    *ret = buf_make(text.n + 4);
    if (!crypto_base64url_decode(ret, text))
        return fault_set(fault, CRYPTO_E_NO_JWS, "not a JWS: the %s is not base64url", name);
    return ret->error;
}

static int check_header(struct str header, struct fault *fault) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    struct fault why = {{0}};
    int r = json_reader_new(&reader);
    if (r == 0) r = json_read(reader, header, &v, &why);
    if (r == JSON_E_SYNTAX)
        return fault_set(fault, CRYPTO_E_NO_JWS, "not a JWS: the header is not JSON: %.200s",
                         why.text);
    if (r) return r;
    if (json_type(v) == JSON_OBJECT) return 0;
    return fault_set(fault, CRYPTO_E_NO_JWS, "not a JWS: the header is not a JSON object");
}

static int take_apart(struct crypto_jws *jws, struct str text, struct fault *fault) {
    struct str rest = text;
    struct str header = str_split(&rest, '.');
    struct str payload = str_split(&rest, '.');
    if (!rest.p || str_find_char(rest, '.') < rest.n)
        return fault_set(fault, CRYPTO_E_NO_JWS,
                         "not a JWS: expected three parts with dots between them");
    jws->signed_part = (struct str){text.p, header.n + 1 + payload.n};
    int r = decode_part(&jws->header, header, "header", fault);
    if (r == 0) r = decode_part(&jws->payload, payload, "payload", fault);
    if (r == 0) r = decode_part(&jws->signature, rest, "signature", fault);
    return r ? r : check_header(buf_str(&jws->header), fault);
}

int crypto_jws_parse(struct crypto_jws *ret, struct str text, struct fault *fault) {
    struct crypto_jws jws = {.signed_part = STR_NONE};
    int r = take_apart(&jws, text, fault);
    if (r) crypto_jws_fini(&jws);
    else *ret = jws;
    return r;
}

// ---- verifying

static int to_der(struct str numbers, struct signature *ret) {
    size_t bytes = numbers.n / 2;
    const unsigned char *p = (const unsigned char *)numbers.p;
    AUTO_OPENSSL(ecdsa) ECDSA_SIG *pair = ECDSA_SIG_new();
    AUTO_OPENSSL(bn) BIGNUM *r = BN_bin2bn(p, (int)bytes, NULL);
    AUTO_OPENSSL(bn) BIGNUM *s = BN_bin2bn(p + bytes, (int)bytes, NULL);
    if (!pair || !r || !s || ECDSA_SIG_set0(pair, r, s) != 1) return openssl_failed(-ENOMEM);
    r = s = NULL; // the pair's now
    unsigned char *at = ret->p;
    int n = i2d_ECDSA_SIG(pair, &at);
    if (n <= 0) return openssl_failed(-ENOMEM);
    ret->n = (size_t)n;
    return 0;
}

int crypto_jws_verify(const struct crypto_jws *jws, const struct crypto_key *key,
                      enum crypto_alg alg) {
    struct str given = buf_str(&jws->signature);
    size_t expected = key->curve ? 2 * key->curve->bytes : key->rsa_bytes;
    if (!crypto_key_fits(key, alg) || given.n != expected) return CRYPTO_E_BAD_SIGNATURE;
    if (!key->curve) return verify(key, alg, jws->signed_part, given);
    struct signature der;
    int r = to_der(given, &der);
    if (r) return r;
    return verify(key, alg, jws->signed_part, (struct str){(const char *)der.p, der.n});
}
