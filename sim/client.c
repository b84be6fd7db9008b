// SPDX-License-Identifier: Apache-2.0
#include "sim/client.h"

#include "crypto/digest.h"
#include "sim/assertion.h"

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

enum { BASIC_MAX_BYTES = 64 << 10 };

// base64 with padding (RFC 4648 section 4) by way of base64url.
static bool decode_base64(struct buf *out, struct str text) {
    AUTO_FINI(buf) struct buf plain = buf_make(BASIC_MAX_BYTES);
    bool padded = text.n % 4 == 0;
    for (int i = 0; i < 2 && padded && text.n && text.p[text.n - 1] == '='; i++) text.n--;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '-' || c == '_') return false;
        buf_addc(&plain, c == '+' ? '-' : c == '/' ? '_' : c);
    }
    return padded && !plain.error && crypto_base64url_decode(out, buf_str(&plain));
}

// RFC 6749 section 2.3.1 wants id and secret form-encoded; many clients send them as they are. Both
// are taken.
static bool is_either(struct str given, struct str wanted) {
    AUTO_FINI(buf) struct buf decoded = buf_make(BASIC_MAX_BYTES);
    if (crypto_equal(given, wanted)) return true;
    return args_decode(&decoded, given, true) && crypto_equal(buf_str(&decoded), wanted);
}

static struct app *find_either(const struct apps *apps, struct str client_id) {
    for (size_t i = 0; i < apps->n; i++)
        if (is_either(client_id, str_from(apps->each[i]->client_id))) return apps->each[i];
    return NULL;
}

// A secret is good for apps of the OIN catalogue only, and only in the header.
static int check_secret(struct app *app, struct str secret, struct oauth_error *error) {
    if (app->disabled) return oauth_refuse(error, OAUTH_BAD_CLIENT);
    if (!app->integration) return oauth_refuse(error, OAUTH_NEEDS_ASSERTION);
    if (app->auth != APP_CLIENT_SECRET_BASIC || !app->secret)
        return oauth_refuse(error, OAUTH_NEEDS_ASSERTION_OR_BASIC);
    bool right = is_either(secret, str_from(app->secret));
    return right ? 0 : oauth_refuse(error, OAUTH_BAD_SECRET);
}

static int by_basic(struct oauth *o, const struct client_ask *ask, struct app **ret,
                    struct oauth_error *error) {
    AUTO_FINI(buf) struct buf text = buf_make(BASIC_MAX_BYTES);
    struct str value = request_header(ask->request, "authorization");
    struct str scheme = str_split(&value, ' ');
    if (!str_eq_nocase(scheme, STR("Basic")) || !value.p ||
        !decode_base64(&text, str_trim(value)) || str_find_char(buf_str(&text), ':') == text.n)
        return oauth_refuse(error, OAUTH_BAD_BASIC);
    struct str secret = buf_str(&text);
    struct app *app = find_either(&o->apps, str_split(&secret, ':'));
    if (!app) return oauth_refuse(error, OAUTH_BAD_CLIENT_ID);
    int e = check_secret(app, secret, error);
    if (!e) *ret = app;
    return e;
}

static int by_assertion(struct oauth *o, const struct client_ask *ask, struct app **ret,
                        struct oauth_error *error) {
    AUTO_FINI(buf) struct buf endpoint = buf_make(REQUEST_ORIGIN_MAX + ask->request->path.n);
    struct str type = args_get(ask->form, "client_assertion_type");
    struct str id = args_get(ask->form, "client_id");
    if (!type.n) return oauth_refuse_with(error, OAUTH_MISSING, STR("client_assertion_type"));
    if (!str_eqz(type, ASSERTION_TYPE)) return oauth_refuse(error, OAUTH_ASSERTION_TYPE);
    request_add_origin(&endpoint, ask->request);
    buf_add_str(&endpoint, ask->request->path);
    if (endpoint.error) return endpoint.error;
    struct assertion_ask assertion = {.text = args_get(ask->form, "client_assertion"),
                                      .endpoint = buf_str(&endpoint),
                                      .now_ms = ask->now_ms};
    int e = assertion_verify(o, &assertion, ret, error);
    if (e || !id.p || str_eqz(id, (*ret)->client_id)) return e;
    return oauth_refuse(error, OAUTH_BAD_CLIENT_ID);
}

// client_id and client_secret in the body: Okta takes that for other apps and other scopes.
static int by_body(struct oauth *o, const struct client_ask *ask, struct oauth_error *error) {
    struct app *app = apps_find(&o->apps, args_get(ask->form, "client_id"));
    if (!app) return oauth_refuse(error, OAUTH_BAD_CLIENT_ID);
    return oauth_refuse(error,
                        app->integration ? OAUTH_NEEDS_ASSERTION_OR_BASIC : OAUTH_NEEDS_ASSERTION);
}

static int authenticate(struct oauth *o, const struct client_ask *ask, struct app **ret,
                        struct oauth_error *error) {
    bool basic = request_header(ask->request, "authorization").p != NULL;
    bool assertion = args_get(ask->form, "client_assertion").n > 0;
    bool secret = args_get(ask->form, "client_secret").n > 0;
    if (basic + assertion + secret > 1) return oauth_refuse(error, OAUTH_TWO_CREDENTIALS);
    if (basic) return by_basic(o, ask, ret, error);
    if (assertion) return by_assertion(o, ask, ret, error);
    if (secret) return by_body(o, ask, error);
    if (args_get(ask->form, "client_assertion_type").n)
        return oauth_refuse_with(error, OAUTH_MISSING, STR("client_assertion"));
    return oauth_refuse(error, OAUTH_NO_CREDENTIALS);
}

int client_authenticate(struct oauth *o, const struct client_ask *ask, struct app **ret,
                        struct oauth_error *error) {
    struct app *app = NULL;
    int e = authenticate(o, ask, &app, error);
    if (!e && !app->service) e = oauth_refuse(error, OAUTH_NOT_SERVICE);
    if (!e) *ret = app;
    return e;
}
