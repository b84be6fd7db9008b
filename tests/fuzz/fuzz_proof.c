// SPDX-License-Identifier: Apache-2.0
// Any bytes as the DPoP header of a request, as the client assertion of another, and as an access
// token. Nobody has the keys, so nothing is ever granted; and whatever is refused is refused with a
// text. In front of the bytes: S, and the input is signed first, so that what lies behind the
// signature is reached: the header's and the claims' JSON, with a NUL between them.
#include "crypto/jws.h"
#include "sim/assertion.h"
#include "sim/proof.h"
#include "json/read.h"

#include "fuzz.h"

#define NOW_MS 1795341600000
// A key for tests, known to everybody (RFC 7517 appendix A.2).
#define KEY                                                                                        \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","     \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\","                                       \
    "\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\",\"kid\":\"k\"}"
#define PUBLIC                                                                                     \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","     \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\",\"kid\":\"k\"}"
#define APP "{\"client_id\":\"a\",\"jwks\":{\"keys\":[" PUBLIC "]}}"

static void add_app(struct oauth *o) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *json;
    struct app *app;
    MUST(json_reader_new(&reader) == 0);
    MUST(json_read(reader, STR(APP), &json, NULL) == 0);
    MUST(apps_set(&o->apps, json, &app, NULL) == 0);
}

// Header and claims as they are, with a signature that is right.
static void sign(struct buf *out, struct str input) {
    AUTO(crypto_key) struct crypto_key *key = NULL;
    MUST(crypto_key_from_jwk(&key, STR(KEY), NULL) == 0);
    struct str claims = input;
    struct str header = str_split(&claims, '\0');
    if (!claims.p) claims = STR("");
    MUST(crypto_jws_sign(out, key, CRYPTO_ES256, header, claims) == 0);
    MUST(out->error == 0);
}

static void check_error(int e, const struct oauth_error *error) {
    AUTO_FINI(buf) struct buf text = buf_make(4096);
    MUST(e >= 0);
    if (e == 0) return;
    MUST(e == OAUTH_E_REFUSED && error->kind < OAUTH_KINDS);
    MUST(oauth_error_status(error->kind) >= 400);
    oauth_error_write(&text, error);
    MUST(text.error == 0 && text.n > 10);
}

static int try_proof(struct oauth *o, struct str text) {
    char thumbprint[OAUTH_THUMBPRINT_MAX];
    struct oauth_error error = {.kind = OAUTH_KINDS};
    struct request request = {.method = STR("POST"), .path = STR("/oauth2/v1/token")};
    request.headers[0] = (struct request_header){STR("Host"), STR("o")};
    request.headers[1] = (struct request_header){STR("DPoP"), text};
    request.n_headers = 2;
    struct proof_ask ask = {.request = &request, .now_ms = NOW_MS};
    int e = proof_verify(o, &ask, thumbprint, &error);
    check_error(e, &error);
    if (e == 0) MUST(strlen(thumbprint) == 43);
    return e;
}

static int try_assertion(struct oauth *o, struct str text) {
    struct app *app = NULL;
    struct oauth_error error = {.kind = OAUTH_KINDS};
    struct assertion_ask ask = {
        .text = text, .endpoint = STR("http://o/oauth2/v1/token"), .now_ms = NOW_MS};
    int e = assertion_verify(o, &ask, &app, &error);
    check_error(e, &error);
    if (e == 0) MUST(app && strcmp(app->client_id, "a") == 0);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct oauth o;
    AUTO_FINI(buf) struct buf jws = buf_make(1 << 20);
    struct str input = {(const char *)data, size};
    bool is_signed = input.n > 0 && input.p[0] == 'S';
    if (input.n > 100000) return 0;
    if (is_signed) sign(&jws, str_sub(input, 1, input.n));
    else buf_add_str(&jws, input);
    MUST(oauth_init(&o, 1) == 0);
    add_app(&o);
    int proof = try_proof(&o, buf_str(&jws));
    int assertion = try_assertion(&o, buf_str(&jws));
    MUST(is_signed || (proof && assertion));
    // What was taken once is not taken again.
    if (!proof) MUST(try_proof(&o, buf_str(&jws)));
    oauth_fini(&o);
    return 0;
}
