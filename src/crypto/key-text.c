// SPDX-License-Identifier: Apache-2.0
// Writing a key: as JWK with the members in the order of RFC 7638, whose digest is the thumbprint,
// and as PEM.
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "crypto/key-internal.h"
#include "json/write.h"

// Room for the largest private key, so that its buffer need not move and leave a copy behind.
enum { PRIVATE_MAX_BYTES = 10 << 10, NUMBER_MAX_BYTES = 1024, THUMBPRINT_MAX_BYTES = 64 };

// `bytes` 0: as few as it takes.
static int add_number(struct buf *out, const char *name, const BIGNUM *number, size_t bytes) {
    unsigned char raw[NUMBER_MAX_BYTES];
    size_t n = bytes ? bytes : (size_t)BN_num_bytes(number);
    if (n > sizeof raw || BN_bn2binpad(number, raw, (int)n) < 0) return openssl_failed(-ENOMEM);
    json_key(out, str_from(name));
    buf_addc(out, '"');
    crypto_base64url(out, (struct str){(const char *)raw, n});
    buf_addc(out, '"');
    crypto_wipe(raw, n);
    return 0;
}

static void add_text(struct buf *out, const char *name, struct str text) {
    json_key(out, str_from(name));
    json_add_text(out, text);
}

// Short of memory, OpenSSL may give q for p and call it done: so what is to leave the program is
// checked once more.
static int export_rsa(const struct crypto_key *key, bool is_private, struct crypto_rsa *ret) {
    int r = crypto_rsa_export(key->pkey, is_private, ret);
    if (r == 0 && is_private) r = crypto_rsa_check(ret);
    return r > 0 ? -ENOMEM : r; // it was whole when it was taken
}

static int add_rsa(const struct crypto_key *key, int first, int last, struct buf *out) {
    AUTO_FINI(crypto_rsa) struct crypto_rsa rsa = {{0}};
    int r = export_rsa(key, last > RSA_E, &rsa);
    for (int i = first; r == 0 && i <= last; i++)
        r = add_number(out, crypto_rsa_members[i], rsa.part[i], 0);
    return r;
}

static int add_ec(const struct crypto_key *key, const char *name, const char *param,
                  struct buf *out) {
    AUTO_OPENSSL(bn) BIGNUM *number = NULL;
    if (!EVP_PKEY_get_bn_param(key->pkey, param, &number)) return openssl_failed(-ENOMEM);
    return add_number(out, name, number, key->curve->bytes);
}

// The members that the thumbprint is made of, in its order; the object stays open.
static int add_canonical(const struct crypto_key *key, struct buf *out) {
    json_open(out, '{');
    if (!key->curve) {
        int r = add_rsa(key, RSA_E, RSA_E, out);
        add_text(out, "kty", STR("RSA"));
        return r ? r : add_rsa(key, RSA_N, RSA_N, out);
    }
    add_text(out, "crv", str_from(key->curve->crv));
    add_text(out, "kty", STR("EC"));
    int r = add_ec(key, "x", OSSL_PKEY_PARAM_EC_PUB_X, out);
    return r ? r : add_ec(key, "y", OSSL_PKEY_PARAM_EC_PUB_Y, out);
}

int crypto_key_thumbprint(const struct crypto_key *key, struct buf *out) {
    AUTO_FINI(buf) struct buf canonical = buf_make(PRIVATE_MAX_BYTES);
    uint8_t digest[CRYPTO_SHA256_BYTES];
    int r = add_canonical(key, &canonical);
    json_close(&canonical, '}');
    if (r == 0) r = canonical.error;
    if (r == 0) r = crypto_sha256(buf_str(&canonical), digest);
    if (r) return r;
    crypto_base64url(out, (struct str){(const char *)digest, sizeof digest});
    return 0;
}

static int add_description(const struct crypto_key *key, struct buf *out) {
    AUTO_FINI(buf) struct buf thumbprint = buf_make(THUMBPRINT_MAX_BYTES);
    struct str kid = crypto_key_kid(key);
    if (!kid.p) {
        int r = crypto_key_thumbprint(key, &thumbprint);
        if (r) return r;
        if (thumbprint.error) return thumbprint.error;
        kid = buf_str(&thumbprint);
    }
    add_text(out, "kid", kid);
    add_text(out, "use", STR("sig"));
    add_text(out, "alg", str_from(crypto_alg_name(key->alg)));
    return 0;
}

// Ends the object, or takes back what was written of it.
static int finish(struct buf *out, size_t before, int r) {
    json_close(out, '}');
    if (r == 0) r = out->error;
    if (r && out->n > before) {
        crypto_wipe(out->p + before, out->n - before);
        buf_cut(out, before);
    }
    return r;
}

int crypto_key_public_jwk(const struct crypto_key *key, bool described, struct buf *out) {
    size_t before = out->n;
    int r = add_canonical(key, out);
    if (r == 0 && described) r = add_description(key, out);
    return finish(out, before, r);
}

int crypto_key_private_jwk(const struct crypto_key *key, struct buf *out) {
    if (!key->is_private) return -EINVAL;
    if (!buf_reserve(out, PRIVATE_MAX_BYTES)) return out->error;
    size_t before = out->n;
    int r = add_canonical(key, out);
    if (r == 0)
        r = key->curve ? add_ec(key, "d", OSSL_PKEY_PARAM_PRIV_KEY, out)
                       : add_rsa(key, RSA_D, RSA_QI, out);
    if (r == 0) r = add_description(key, out);
    return finish(out, before, r);
}

// ---- PEM

// A BIO wipes its memory when it is freed.
static int add_pem(const struct crypto_key *key, bool is_private, struct buf *out) {
    AUTO_OPENSSL(bio) BIO *bio = BIO_new(BIO_s_mem());
    if (!bio) return openssl_failed(-ENOMEM);
    int ok = is_private ? PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL)
                        : PEM_write_bio_PUBKEY(bio, key->pkey);
    if (ok != 1) return openssl_failed(-ENOMEM);
    char *text = NULL;
    long n = BIO_get_mem_data(bio, &text);
    buf_add(out, text, n > 0 ? (size_t)n : 0);
    return out->error;
}

int crypto_key_private_pem(const struct crypto_key *key, struct buf *out) {
    return key->is_private ? add_pem(key, true, out) : -EINVAL;
}

int crypto_key_public_pem(const struct crypto_key *key, struct buf *out) {
    return add_pem(key, false, out);
}
