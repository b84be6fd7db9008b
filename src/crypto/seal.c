// SPDX-License-Identifier: Apache-2.0
// The master key itself encrypts nothing: the key that does and the key id are two digests of it,
// keyed by it, so that the one says nothing of the other.
#include "crypto/seal.h"

#include <errno.h>
#include <limits.h>

#include "base/parse.h"
#include "crypto/openssl-internal.h"

enum {
    VERSION = 1,
    KEY_ID_BYTES = 8,
    HEAD_BYTES = 1 + KEY_ID_BYTES, // authenticated, together with the name
    NONCE_BYTES = 12,
    TAG_BYTES = 16,
    OVERHEAD_BYTES = HEAD_BYTES + NONCE_BYTES + TAG_BYTES,
    VALUE_MAX_BYTES = INT_MAX / 2, // OpenSSL counts in int
};

struct crypto_sealer {
    uint8_t key[CRYPTO_SHA256_BYTES];
    uint8_t head[HEAD_BYTES]; // of every record: version, key id
};

// ---- the master key

static bool decode_hex(struct str text, struct buf *out) {
    for (size_t i = 0; i < text.n; i += 2) {
        int high = parse_hex_digit(text.p[i]), low = parse_hex_digit(text.p[i + 1]);
        if (high < 0 || low < 0) return false;
        buf_addc(out, (char)(high * 16 + low));
    }
    return true;
}

// Both alphabets of base64, with padding or without, as base64url.
static bool decode_base64(struct str text, struct buf *out) {
    AUTO_WIPED struct buf url = buf_make(text.n + 1);
    if (!buf_reserve(&url, text.n + 1)) return true;
    if (text.n % 4 == 0 && str_ends(text, STR("="))) text.n--;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        buf_addc(&url, c == '+' ? '-' : c == '/' ? '_' : c);
    }
    return crypto_base64url_decode(out, buf_str(&url));
}

static bool decode_key(struct str text, struct buf *out) {
    enum { HEX = 2 * CRYPTO_MASTER_KEY_BYTES, BASE64 = 43, BASE64_PADDED = 44 };
    if (text.n == HEX) return decode_hex(text, out);
    if (text.n == BASE64 || text.n == BASE64_PADDED) return decode_base64(text, out);
    return false;
}

static int derive(struct crypto_sealer *s, struct str master) {
    uint8_t id[CRYPTO_SHA256_BYTES];
    int r = crypto_hmac_sha256(master, STR("gatehouse sealing key 1"), s->key);
    if (r == 0) r = crypto_hmac_sha256(master, STR("gatehouse key id 1"), id);
    if (r) return r;
    s->head[0] = VERSION;
    memcpy(s->head + 1, id, KEY_ID_BYTES);
    return 0;
}

int crypto_sealer_new(struct crypto_sealer **ret, struct str key_text, struct fault *fault) {
    AUTO_WIPED struct buf master = buf_make(CRYPTO_MASTER_KEY_BYTES * 2);
    bool ok = decode_key(str_trim(key_text), &master);
    if (master.error == -ENOMEM) return -ENOMEM;
    if (!ok || master.n != CRYPTO_MASTER_KEY_BYTES)
        return fault_set(fault, -EINVAL,
                         "expected 32 bytes as 64 hex digits or as base64 "
                         "(make one: openssl rand -base64 32)");
    AUTO(crypto_sealer) struct crypto_sealer *s = mem_new(sizeof *s);
    if (!s) return -ENOMEM;
    int r = derive(s, buf_str(&master));
    if (r) return r;
    *ret = TAKE(s);
    return 0;
}

struct crypto_sealer *crypto_sealer_free(struct crypto_sealer *s) {
    if (!s) return NULL;
    crypto_wipe(s, sizeof *s);
    free(s);
    return NULL;
}

// ---- sealing

static const unsigned char *bytes(struct str s) { return (const unsigned char *)(s.p ? s.p : ""); }

// What both ways begin with: key, nonce, and what is authenticated but not encrypted.
static bool begin(EVP_CIPHER_CTX *ctx, const struct crypto_sealer *s, const unsigned char *nonce,
                  struct str name, int encrypt) {
    int n;
    return EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), s->key, nonce, encrypt, NULL) == 1 &&
           EVP_CipherUpdate(ctx, NULL, &n, s->head, HEAD_BYTES) == 1 &&
           (name.n == 0 || EVP_CipherUpdate(ctx, NULL, &n, bytes(name), (int)name.n) == 1);
}

static bool encrypt_to(EVP_CIPHER_CTX *ctx, struct str value, unsigned char *to) {
    int n = 0, last = 0;
    return (value.n == 0 || EVP_CipherUpdate(ctx, to, &n, bytes(value), (int)value.n) == 1) &&
           EVP_CipherFinal_ex(ctx, to + n, &last) == 1 && (size_t)n == value.n &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, to + n) == 1;
}

int crypto_seal(const struct crypto_sealer *s, struct str name, struct str value, struct buf *out) {
    if (value.n > VALUE_MAX_BYTES || name.n > VALUE_MAX_BYTES) return -EMSGSIZE;
    if (!buf_reserve(out, value.n + OVERHEAD_BYTES)) return out->error;
    unsigned char *to = (unsigned char *)out->p + out->n;
    memcpy(to, s->head, HEAD_BYTES);
    int r = crypto_random(to + HEAD_BYTES, NONCE_BYTES);
    if (r) return r;
    AUTO_OPENSSL(cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx || !begin(ctx, s, to + HEAD_BYTES, name, 1) ||
        !encrypt_to(ctx, value, to + HEAD_BYTES + NONCE_BYTES))
        return openssl_failed(-ENOMEM);
    out->n += value.n + OVERHEAD_BYTES;
    return 0;
}

// ---- opening

static int check_head(const struct crypto_sealer *s, struct str sealed) {
    if (sealed.n < OVERHEAD_BYTES || sealed.n > VALUE_MAX_BYTES || sealed.p[0] != VERSION)
        return CRYPTO_E_DAMAGED;
    return memcmp(sealed.p, s->head, HEAD_BYTES) == 0 ? 0 : CRYPTO_E_OTHER_KEY;
}

static bool decrypt_to(EVP_CIPHER_CTX *ctx, struct str text, unsigned char *to) {
    unsigned char tag[TAG_BYTES];
    int n = 0, last = 0;
    memcpy(tag, text.p + text.n, TAG_BYTES);
    return (text.n == 0 || EVP_CipherUpdate(ctx, to, &n, bytes(text), (int)text.n) == 1) &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 &&
           EVP_CipherFinal_ex(ctx, to + n, &last) == 1;
}

int crypto_unseal(const struct crypto_sealer *s, struct str name, struct str sealed,
                  struct buf *out) {
    int r = check_head(s, sealed);
    if (r) return r;
    if (name.n > VALUE_MAX_BYTES) return CRYPTO_E_DAMAGED;
    struct str text = {sealed.p + HEAD_BYTES + NONCE_BYTES, sealed.n - OVERHEAD_BYTES};
    if (!buf_reserve(out, text.n + 1)) return out->error;
    unsigned char *to = (unsigned char *)out->p + out->n;
    AUTO_OPENSSL(cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx || !begin(ctx, s, (const unsigned char *)sealed.p + HEAD_BYTES, name, 0))
        return openssl_failed(-ENOMEM);
    if (!decrypt_to(ctx, text, to)) {
        crypto_wipe(to, text.n);
        return openssl_failed(CRYPTO_E_DAMAGED);
    }
    out->n += text.n;
    return 0;
}
