// SPDX-License-Identifier: Apache-2.0
// One row per member: an endpoint below the issuer, or a list of words.
#include "sim/metadata.h"

#include "json/write.h"

enum { IN_SERVER = 1, IN_OPENID = 2, IN_BOTH = IN_SERVER | IN_OPENID };

#define ALGS "RS256 RS384 RS512 ES256 ES384 ES512"
#define AUTH_METHODS "client_secret_basic client_secret_post client_secret_jwt private_key_jwt none"

static const struct {
    const char *key;
    unsigned in;
    const char *path;  // of an endpoint; NULL: the member is a list
    const char *words; // of a list
} members[] = {
    {"issuer", IN_BOTH, "", NULL},
    {"authorization_endpoint", IN_BOTH, "/oauth2/v1/authorize", NULL},
    {"token_endpoint", IN_BOTH, "/oauth2/v1/token", NULL},
    {"userinfo_endpoint", IN_OPENID, "/oauth2/v1/userinfo", NULL},
    {"registration_endpoint", IN_BOTH, "/oauth2/v1/clients", NULL},
    {"jwks_uri", IN_BOTH, "/oauth2/v1/keys", NULL},
    {"response_types_supported", IN_BOTH, NULL, "code token id_token"},
    {"response_modes_supported", IN_BOTH, NULL, "query fragment form_post okta_post_message"},
    {"grant_types_supported", IN_BOTH, NULL,
     "authorization_code implicit refresh_token password client_credentials"},
    {"subject_types_supported", IN_BOTH, NULL, "public"},
    {"id_token_signing_alg_values_supported", IN_OPENID, NULL, "RS256"},
    {"scopes_supported", IN_BOTH, NULL,
     "openid email profile address phone offline_access groups okta.logs.read okta.users.read "
     "okta.users.manage"},
    {"token_endpoint_auth_methods_supported", IN_BOTH, NULL, AUTH_METHODS},
    {"claims_supported", IN_OPENID, NULL, "iss ver sub aud iat exp jti"},
    {"code_challenge_methods_supported", IN_BOTH, NULL, "S256"},
    {"introspection_endpoint", IN_BOTH, "/oauth2/v1/introspect", NULL},
    {"revocation_endpoint", IN_BOTH, "/oauth2/v1/revoke", NULL},
    {"request_object_signing_alg_values_supported", IN_BOTH, NULL, ALGS},
    {"dpop_signing_alg_values_supported", IN_BOTH, NULL, ALGS},
};

static void add_words(struct buf *out, const char *words) {
    struct str rest = str_from(words);
    json_open(out, '[');
    while (rest.n) json_add_str(out, str_split(&rest, ' '));
    json_close(out, ']');
}

static int answer_members(struct call *call, unsigned in) {
    AUTO_FINI(buf) struct buf url = buf_make(REQUEST_ORIGIN_MAX);
    struct buf *out = &call->reply->body;
    request_add_origin(&url, call->request);
    size_t origin_n = url.n;
    json_open(out, '{');
    for (size_t i = 0; i < LEN(members); i++) {
        if (!(members[i].in & in)) continue;
        json_key(out, str_from(members[i].key));
        buf_cut(&url, origin_n);
        if (members[i].path) buf_addz(&url, members[i].path);
        if (members[i].path) json_add_text(out, buf_str(&url));
        else add_words(out, members[i].words);
    }
    json_close(out, '}');
    return url.error ? url.error : call_finish(call);
}

int metadata_server(struct call *call) { return answer_members(call, IN_SERVER); }
int metadata_openid(struct call *call) { return answer_members(call, IN_OPENID); }

int metadata_keys(struct call *call) {
    struct buf *out = &call->reply->body;
    const struct crypto_key *key;
    int e = oauth_key(&call->sim->oauth, &key);
    if (e) return e;
    buf_addz(out, "{\"keys\":[");
    e = crypto_key_public_jwk(key, true, out);
    buf_addz(out, "]}");
    return e ? e : call_finish(call);
}
