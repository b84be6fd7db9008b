// SPDX-License-Identifier: Apache-2.0
// The small things, each one call of OpenSSL, and base64url, which OpenSSL does not have.
#include "crypto/digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "crypto/openssl-internal.h"

int openssl_failed(int code) {
    unsigned long error;
    while ((error = ERR_get_error()) != 0)
        if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) code = -ENOMEM;
    return code;
}

int openssl_outcome(bool ok, int code) {
    if (!ok) return openssl_failed(code);
    ERR_clear_error();
    return 0;
}

// ---- random bytes

int crypto_random(void *p, size_t n) {
    unsigned char *at = p;
    while (n > 0) {
        int part = n > 4096 ? 4096 : (int)n;
        if (RAND_bytes(at, part) != 1) {
            ERR_clear_error();
            return -EIO;
        }
        at += part;
        n -= (size_t)part;
    }
    return 0;
}

int crypto_random_text(struct buf *out, size_t n) {
    uint8_t bytes[64];
    // Whole groups of three bytes become whole groups of four characters, so the parts join.
    const size_t whole = 63;
    while (n > 0) {
        size_t part = n > whole ? whole : n;
        int r = crypto_random(bytes, part);
        if (r) return r;
        crypto_base64url(out, (struct str){(const char *)bytes, part});
        n -= part;
    }
    crypto_wipe(bytes, sizeof bytes);
    return 0;
}

// ---- digests

int crypto_sha256(struct str data, uint8_t ret[CRYPTO_SHA256_BYTES]) {
    if (EVP_Digest(data.p ? data.p : "", data.n, ret, NULL, EVP_sha256(), NULL) == 1) return 0;
    return openssl_failed(-ENOMEM);
}

static int hmac(const char *digest, struct str key, struct str data, uint8_t *ret, size_t size) {
    size_t n = 0;
    // A NULL key would mean the key of before.
    const void *key_bytes = key.p ? key.p : "";
    const unsigned char *bytes = (const unsigned char *)(data.p ? data.p : "");
    if (EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, key_bytes, key.n, bytes, data.n, ret, size, &n))
        return 0;
    return openssl_failed(-ENOMEM);
}

int crypto_hmac_sha256(struct str key, struct str data, uint8_t ret[CRYPTO_SHA256_BYTES]) {
    return hmac("SHA256", key, data, ret, CRYPTO_SHA256_BYTES);
}

int crypto_hmac_sha1(struct str key, struct str data, uint8_t ret[CRYPTO_SHA1_BYTES]) {
    return hmac("SHA1", key, data, ret, CRYPTO_SHA1_BYTES);
}

// ---- base64url

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void crypto_base64url(struct buf *out, struct str bytes) {
    const uint8_t *p = (const uint8_t *)bytes.p;
    if (!buf_reserve(out, bytes.n / 3 * 4 + 4)) return;
    for (size_t at = 0; at < bytes.n; at += 3) {
        size_t have = bytes.n - at < 3 ? bytes.n - at : 3;
        uint32_t group = (uint32_t)p[at] << 16;
        if (have > 1) group |= (uint32_t)p[at + 1] << 8;
        if (have > 2) group |= p[at + 2];
        for (size_t i = 0; i <= have; i++) buf_addc(out, digits[group >> (18 - 6 * i) & 63]);
    }
}

// 0 to 63; 64 for what is no digit.
static uint32_t value_of(char c) {
    if (c >= 'A' && c <= 'Z') return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z') return (uint32_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9') return (uint32_t)(c - '0' + 52);
    if (c == '-') return 62;
    return c == '_' ? 63 : 64;
}

// Two to four digits; false when one of them is none, or when bits are set that mean nothing.
static bool decode_group(struct buf *out, const char *p, size_t n) {
    uint32_t group = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t value = value_of(p[i]);
        if (value == 64) return false;
        group |= value << (18 - 6 * i);
    }
    uint32_t unused = n == 2 ? 0xFFFF : n == 3 ? 0xFF : 0;
    if (group & unused) return false;
    for (size_t i = 0; i + 1 < n; i++) buf_addc(out, (char)(group >> (16 - 8 * i) & 0xFF));
    return true;
}

bool crypto_base64url_decode(struct buf *out, struct str text) {
    size_t before = out->n;
    if (text.n % 4 == 1) return false;
    if (!buf_reserve(out, text.n / 4 * 3 + 3)) return true;
    for (size_t at = 0; at < text.n; at += 4) {
        size_t n = text.n - at < 4 ? text.n - at : 4;
        if (decode_group(out, text.p + at, n)) continue;
        buf_cut(out, before);
        return false;
    }
    return true;
}

// ---- comparing and wiping

bool crypto_equal(struct str a, struct str b) {
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

void crypto_wipe(void *p, size_t n) {
    if (n) OPENSSL_cleanse(p, n);
}
