// SPDX-License-Identifier: Apache-2.0
// RFC 7515 in its compact form, with one algorithm only: the header is compared, not interpreted.
#include <errno.h>

#include "api/wrapping-internal.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "identity/core.h"

enum { JWT_MAX_BYTES = 8 << 10, NOT_BEFORE_S = 5 };

static const struct str header = STR("{\"alg\":\"HS256\",\"typ\":\"JWT\"}");

bool wrapping_is_jwt(struct str token) { return str_starts(token, STR("eyJ")); }

static int sign(const struct state *s, struct str text, struct buf *out) {
    const struct core *core = core_of(s);
    uint8_t key[CRYPTO_SHA256_BYTES], mac[CRYPTO_SHA256_BYTES];
    if (!core) return -EINVAL;
    int r = crypto_hmac_sha256(core->token_key, STR("wrapping jwt"), key);
    struct str key_bytes = {(const char *)key, sizeof key};
    if (r == 0) r = crypto_hmac_sha256(key_bytes, text, mac);
    crypto_wipe(key, sizeof key);
    if (r < 0) return r;
    crypto_base64url(out, (struct str){(const char *)mac, sizeof mac});
    return out->error;
}

static void write_claims(struct str token, const struct token *t, struct str wrapped_accessor,
                         struct buf *out) {
    int64_t issued_s = t->created_ms / TIME_SECOND_MS;
    json_open(out, '{');
    call_member(out, "accessor", wrapped_accessor);
    call_member(out, "addr", STR(""));
    call_number(out, "exp", issued_s + t->ttl_s);
    call_number(out, "iat", issued_s);
    call_member(out, "jti", token);
    call_number(out, "nbf", issued_s - NOT_BEFORE_S);
    call_member(out, "type", STR("wrapping"));
    json_close(out, '}');
}

int wrapping_jwt_make(const struct state *s, struct str token, const struct token *t,
                      struct str wrapped_accessor, struct buf *out) {
    AUTO_WIPED struct buf claims = buf_make(JWT_MAX_BYTES);
    AUTO_WIPED struct buf text = buf_make(JWT_MAX_BYTES);
    write_claims(token, t, wrapped_accessor, &claims);
    crypto_base64url(&text, header);
    buf_addc(&text, '.');
    crypto_base64url(&text, buf_str(&claims));
    if (claims.error || text.error) return -ENOMEM;
    buf_add_str(out, buf_str(&text));
    buf_addc(out, '.');
    return sign(s, buf_str(&text), out);
}

static int read_claims(struct str claims, struct buf *ret_token, struct fault *fault) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    int r = json_reader_new(&reader);
    if (r == 0) r = json_read(reader, claims, &v, NULL);
    if (r < 0) return r;
    struct str jti = r ? STR_NONE : json_str(json_get(v, "jti"));
    buf_add_str(ret_token, jti);
    json_reader_wipe(reader);
    if (ret_token->error) return ret_token->error;
    return jti.n ? 0 : fault_set(fault, WRAPPING_E_JWT, "wrapping token has no ID");
}

int wrapping_jwt_open(const struct state *s, struct str jwt, struct buf *ret_token,
                      struct fault *fault) {
    AUTO_WIPED struct buf claims = buf_make(JWT_MAX_BYTES);
    AUTO_WIPED struct buf mac = buf_make(JWT_MAX_BYTES);
    AUTO_FINI(buf) struct buf head = buf_make(256);
    struct str rest = jwt;
    struct str first = str_split(&rest, '.');
    struct str second = str_split(&rest, '.');
    crypto_base64url(&head, header);
    if (jwt.n > JWT_MAX_BYTES || !rest.p || !str_eq(first, buf_str(&head)))
        return fault_set(fault, WRAPPING_E_JWT, "wrapping token could not be parsed");
    int r = sign(s, str_sub(jwt, 0, first.n + 1 + second.n), &mac);
    if (r < 0) return r;
    if (!crypto_equal(buf_str(&mac), rest) || !crypto_base64url_decode(&claims, second))
        return fault_set(fault, WRAPPING_E_JWT, "wrapping token signature could not be validated");
    return claims.error ? claims.error : read_claims(buf_str(&claims), ret_token, fault);
}
