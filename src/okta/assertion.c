// SPDX-License-Identifier: Apache-2.0
#include "okta/assertion.h"

#include <errno.h>

#include "base/time.h"
#include "crypto/digest.h"
#include "crypto/jws.h"
#include "http/url.h"
#include "json/write.h"

enum {
    JWT_MAX_BYTES = 64 * 1024,
    JTI_BYTES = 16,
    ASSERTION_LIFE_S = 300, // Okta takes an hour at most
    ISSUED_BEFORE_S = 5,    // never in the future, not even by a cut second or a slow clock
};

static void add_text(struct buf *out, const char *name, struct str value) {
    json_key(out, str_from(name));
    json_add_text(out, value);
}

static void add_number(struct buf *out, const char *name, int64_t value) {
    json_key(out, str_from(name));
    json_add_i64(out, value);
}

static int add_jti(struct buf *out) {
    json_key(out, STR("jti"));
    json_comma(out);
    buf_addc(out, '"');
    int e = crypto_random_text(out, JTI_BYTES);
    buf_addc(out, '"');
    return e;
}

static int sign(struct buf *out, const struct crypto_key *key, struct buf *header,
                struct buf *payload) {
    json_close(header, '}');
    json_close(payload, '}');
    if (header->error || payload->error) return -ENOMEM;
    return crypto_jws_sign(out, key, crypto_key_alg(key), buf_str(header), buf_str(payload));
}

static void begin(struct buf *header, struct buf *payload, const struct crypto_key *key) {
    json_open(header, '{');
    add_text(header, "alg", str_from(crypto_alg_name(crypto_key_alg(key))));
    json_open(payload, '{');
}

int okta_assertion(struct buf *out, const struct crypto_key *key, const char *client_id,
                   const char *token_url, int64_t okta_now_ms) {
    AUTO_FINI(buf) struct buf header = buf_make(JWT_MAX_BYTES);
    AUTO_FINI(buf) struct buf payload = buf_make(JWT_MAX_BYTES);
    int64_t issued_s = okta_now_ms / 1000 - ISSUED_BEFORE_S;
    struct str kid = crypto_key_kid(key);
    begin(&header, &payload, key);
    if (kid.n) add_text(&header, "kid", kid);
    add_text(&header, "typ", STR("JWT"));
    add_text(&payload, "iss", str_from(client_id));
    add_text(&payload, "sub", str_from(client_id));
    add_text(&payload, "aud", str_from(token_url));
    add_number(&payload, "iat", issued_s);
    add_number(&payload, "exp", issued_s + ASSERTION_LIFE_S);
    int e = add_jti(&payload);
    return e ? e : sign(out, key, &header, &payload);
}

static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// What is no code stays as it is.
static void add_decoded(struct buf *out, struct str path) {
    for (size_t i = 0; i < path.n; i++) {
        bool code = path.p[i] == '%' && i + 2 < path.n && hex(path.p[i + 1]) >= 0 &&
                    hex(path.p[i + 2]) >= 0;
        if (code) {
            buf_addc(out, (char)(hex(path.p[i + 1]) * 16 + hex(path.p[i + 2])));
            i += 2;
        } else {
            buf_addc(out, path.p[i]);
        }
    }
}

static struct str path_of(struct str url) {
    struct str rest = str_sub(url, str_find(url, STR("://")) + 3, url.n);
    rest = str_sub(rest, 0, str_find_char(rest, '?'));
    rest = str_sub(rest, 0, str_find_char(rest, '#'));
    return str_sub(rest, str_find_char(rest, '/'), rest.n);
}

int okta_htu(struct buf *out, struct str url) {
    struct http_origin origin;
    int e = http_origin_parse(url, &origin, NULL);
    if (e) return e;
    struct str path = path_of(url);
    http_origin_add(out, &origin);
    if (path.n == 0) buf_addc(out, '/');
    add_decoded(out, path);
    return out->error ? -ENOMEM : 0;
}

static int add_htu(struct buf *payload, const char *url) {
    AUTO_FINI(buf) struct buf htu = buf_make(JWT_MAX_BYTES);
    int e = okta_htu(&htu, str_from(url));
    if (!e) add_text(payload, "htu", buf_str(&htu));
    return e;
}

static int add_ath(struct buf *payload, struct str token) {
    uint8_t digest[CRYPTO_SHA256_BYTES];
    if (!token.p) return 0;
    int e = crypto_sha256(token, digest);
    if (e) return e;
    json_key(payload, STR("ath"));
    json_comma(payload);
    buf_addc(payload, '"');
    crypto_base64url(payload, (struct str){(const char *)digest, sizeof digest});
    buf_addc(payload, '"');
    return 0;
}

static int add_claims(struct buf *payload, const struct okta_proof *proof) {
    add_text(payload, "htm", str_from(proof->method));
    add_number(payload, "iat", proof->okta_now_ms / 1000 - ISSUED_BEFORE_S);
    if (proof->nonce.n) add_text(payload, "nonce", proof->nonce);
    int e = add_htu(payload, proof->url);
    if (!e) e = add_ath(payload, proof->token);
    return e ? e : add_jti(payload);
}

int okta_dpop_proof(struct buf *out, const struct crypto_key *key, const struct okta_proof *proof) {
    AUTO_FINI(buf) struct buf header = buf_make(JWT_MAX_BYTES);
    AUTO_FINI(buf) struct buf payload = buf_make(JWT_MAX_BYTES);
    begin(&header, &payload, key);
    add_text(&header, "typ", STR("dpop+jwt"));
    json_key(&header, STR("jwk"));
    json_comma(&header);
    int e = crypto_key_public_jwk(key, false, &header);
    if (!e) e = add_claims(&payload, proof);
    return e ? e : sign(out, key, &header, &payload);
}
