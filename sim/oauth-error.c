// SPDX-License-Identifier: Apache-2.0
// One row per case; "%" in a description stands for the detail.
#include "sim/oauth-error.h"

#include "json/write.h"

#define ASSERTION "invalid_client"
#define REQUEST "invalid_request"
#define SCOPES "invalid_scope"
#define PROOF "invalid_dpop_proof"
#define TOKEN "invalid_token"

static const struct {
    int status;
    const char *error, *description;
} rows[OAUTH_KINDS] = {
    [OAUTH_NO_CREDENTIALS] = {401, ASSERTION, "No client credentials found."},
    [OAUTH_BAD_CLIENT] = {401, ASSERTION,
                          "Client authentication failed. Either the client or the client "
                          "credentials are invalid."},
    [OAUTH_BAD_BASIC] = {401, ASSERTION,
                         "Found Authentication header but was not valid client credentials."},
    [OAUTH_BAD_CLIENT_ID] = {401, ASSERTION, "Invalid value for 'client_id' parameter."},
    [OAUTH_BAD_SECRET] = {401, ASSERTION,
                          "The client secret supplied for a confidential client is invalid."},
    [OAUTH_NEEDS_ASSERTION] = {401, ASSERTION,
                               "Client Credentials requests to the Org Authorization Server must "
                               "use the private_key_jwt token_endpoint_auth_method."},
    [OAUTH_NEEDS_ASSERTION_OR_BASIC] =
        {401, ASSERTION,
         "OAuth Integration Client Credentials requests to the Org Authorization Server must use "
         "either private_key_jwt or client_secret_basic as the token_endpoint_auth_method."},
    [OAUTH_NOT_SERVICE] = {401, ASSERTION,
                           "Only clients with 'application_type' of 'service' may use the "
                           "client_credentials 'grant_type' with the Org Authorization Server."},
    [OAUTH_ASSERTION_PARSE] = {401, ASSERTION, "The parsing of the client_assertion failed."},
    [OAUTH_ASSERTION_ALG] = {401, ASSERTION,
                             "The client_assertion JWT signature algorithm is invalid."},
    [OAUTH_ASSERTION_ISS] = {401, ASSERTION,
                             "The issuer claim for client_assertion is not a valid client_id."},
    [OAUTH_ASSERTION_SUB] = {401, ASSERTION,
                             "The subject claim for client_assertion is not a valid client_id."},
    [OAUTH_ASSERTION_NO_KEYS] = {401, ASSERTION,
                                 "The client does not have a JWKSet configured, but the "
                                 "client_assertion requires one."},
    [OAUTH_ASSERTION_KID] = {401, ASSERTION, "The client_assertion JWT kid is invalid."},
    [OAUTH_ASSERTION_SIGNATURE] = {401, ASSERTION, "The client_assertion signature is invalid."},
    [OAUTH_ASSERTION_AUD] = {401, ASSERTION,
                             "The audience claim for client_assertion must be the endpoint invoked "
                             "for the request."},
    [OAUTH_ASSERTION_NO_EXP] = {401, ASSERTION,
                                "The client_assertion must contain the 'exp' claim as seconds "
                                "since epoch."},
    [OAUTH_ASSERTION_EXPIRED] = {401, ASSERTION, "The client_assertion token is expired."},
    [OAUTH_ASSERTION_EXP_FAR] = {401, ASSERTION,
                                 "The client_assertion token has an expiration too far into the "
                                 "future."},
    [OAUTH_ASSERTION_IAT] = {401, ASSERTION,
                             "The client_assertion token must be issued before the current time."},
    [OAUTH_ASSERTION_JTI] = {401, ASSERTION, "The parsing of the client_assertion failed."},
    [OAUTH_ASSERTION_USED] = {401, ASSERTION, "The client_assertion token has already been used."},

    [OAUTH_MEDIA_TYPE] = {400, REQUEST,
                          "The Content-Type must be application/x-www-form-urlencoded."},
    [OAUTH_BAD_FORM] = {400, REQUEST, "Invalid request"},
    [OAUTH_IN_QUERY] = {400, REQUEST,
                        "Client credentials cannot be supplied via query parameters."},
    [OAUTH_REPEATED] = {400, REQUEST,
                        "The request contained multiple parameters with the same name."},
    [OAUTH_MISSING] = {400, REQUEST, "The required parameter '%' is missing."},
    [OAUTH_TWO_CREDENTIALS] = {400, REQUEST,
                               "Cannot supply multiple client credentials. Use one of the "
                               "following: credentials in the Authorization header, credentials in "
                               "the post body, or a client_assertion in the post body."},
    [OAUTH_ASSERTION_TYPE] = {400, REQUEST, "The client_assertion_type is invalid."},

    [OAUTH_UNSUPPORTED_GRANT] = {400, "unsupported_grant_type",
                                 "The authorization grant type is not supported by the "
                                 "authorization server. Configured grant types: [%]."},
    [OAUTH_UNAUTHORIZED] = {400, "unauthorized_client",
                            "The client is not authorized to use the provided grant type. "
                            "Configured grant types: [%]."},
    [OAUTH_NO_SCOPES] = {400, SCOPES, "No scopes were requested."},
    [OAUTH_OPENID_SCOPE] = {400, SCOPES,
                            "Cannot request 'openid' scopes using client credentials."},
    [OAUTH_UNKNOWN_SCOPE] = {400, SCOPES,
                             "One or more scopes are not configured for the authorization server "
                             "resource."},
    [OAUTH_UNGRANTED_SCOPE] = {400, SCOPES,
                               "The requested scope is invalid, unknown, malformed, or exceeds the "
                               "scope granted by the resource owner."},

    [OAUTH_PROOF_MISSING] = {400, PROOF, "The DPoP proof JWT header is missing."},
    [OAUTH_PROOF_SEVERAL] = {400, PROOF, "Multiple DPoP proof JWT headers are not allowed."},
    [OAUTH_PROOF_PARSE] = {400, PROOF, "The DPoP proof JWT cannot be parsed."},
    [OAUTH_PROOF_TYP] = {400, PROOF, "'typ' must be 'dpop+jwt' in the DPoP proof JWT."},
    [OAUTH_PROOF_ALG] = {400, PROOF, "The DPoP proof JWT signature algorithm is invalid."},
    [OAUTH_PROOF_JWK] = {400, PROOF, "The DPoP proof JWT is invalid."},
    [OAUTH_PROOF_SIGNATURE] = {400, PROOF, "The DPoP proof JWT signature is invalid."},
    [OAUTH_PROOF_HTM] = {400, PROOF, "'htm' claim in the DPoP proof JWT is invalid."},
    [OAUTH_PROOF_HTU] = {400, PROOF, "'htu' claim in the DPoP proof JWT is invalid."},
    [OAUTH_PROOF_IAT] = {400, PROOF, "'iat' claim in the DPoP proof JWT is invalid."},
    [OAUTH_PROOF_FUTURE] = {400, PROOF, "The DPoP proof JWT is issued in the future."},
    [OAUTH_PROOF_OLD] = {400, PROOF,
                         "The DPoP proof JWT is issued more than five minutes in the past."},
    [OAUTH_PROOF_EXPIRED] = {400, PROOF, "The DPoP proof JWT is expired."},
    [OAUTH_PROOF_JTI] = {400, PROOF, "'jti' claim in the DPoP proof JWT is invalid."},
    [OAUTH_PROOF_USED] = {400, PROOF, "The DPoP proof JWT has already been used."},
    [OAUTH_PROOF_ATH] = {400, PROOF,
                         "'ath' claim in the DPoP proof does not match the presented "
                         "access_token."},
    [OAUTH_PROOF_BINDING] = {400, PROOF,
                             "The access_token is not bound to the provided DPoP proof."},
    [OAUTH_USE_NONCE] = {400, "use_dpop_nonce",
                         "Authorization server requires nonce in DPoP proof."},

    [OAUTH_ACCESS_DENIED] = {403, "access_denied",
                             "The request is made from outside the client's permitted network "
                             "zones."},
    [OAUTH_SERVER_ERROR] = {500, "server_error",
                            "The authorization server encountered an unexpected condition that "
                            "prevented it from fulfilling the request."},
    [OAUTH_UNAVAILABLE] = {400, "temporarily_unavailable",
                           "The authorization server is currently unable to handle the request due "
                           "to a temporary overloading or maintenance of the server."},

    [OAUTH_TOKEN_INVALID] = {401, TOKEN, "The access token is invalid."},
    [OAUTH_TOKEN_EXPIRED] = {401, TOKEN, "The token has expired."},
    [OAUTH_TOKEN_REVOKED] = {401, TOKEN, "The access token has been revoked."},
    [OAUTH_TOKEN_NOT_BOUND] = {401, TOKEN, "The presented access_token is not DPoP bound."},
    [OAUTH_TOKEN_IS_BOUND] = {400, REQUEST,
                              "The resource request must use the DPoP authentication scheme when "
                              "using a DPoP bound token."},
    [OAUTH_PROOF_REQUIRED] = {400, REQUEST, "The resource request requires a DPoP proof."},
    [OAUTH_SCOPE] = {403, "insufficient_scope",
                     "The access token provided does not contain the required scopes."},
};

int oauth_refuse_with(struct oauth_error *error, enum oauth_kind kind, struct str detail) {
    *error = (struct oauth_error){.kind = kind, .detail = detail};
    return OAUTH_E_REFUSED;
}

int oauth_refuse(struct oauth_error *error, enum oauth_kind kind) {
    return oauth_refuse_with(error, kind, STR_NONE);
}

int oauth_error_status(enum oauth_kind kind) { return rows[kind].status; }
const char *oauth_error_name(enum oauth_kind kind) { return rows[kind].error; }

void oauth_error_describe(struct buf *out, const struct oauth_error *error) {
    struct str rest = str_from(rows[error->kind].description);
    buf_add_str(out, str_split(&rest, '%'));
    if (!rest.p) return;
    buf_add_str(out, error->detail);
    buf_add_str(out, rest);
}

void oauth_error_write(struct buf *out, const struct oauth_error *error) {
    AUTO_FINI(buf) struct buf text = buf_make(4096);
    oauth_error_describe(&text, error);
    json_open(out, '{');
    json_key(out, STR("error"));
    json_add_str(out, str_from(rows[error->kind].error));
    json_key(out, STR("error_description"));
    json_add_text(out, buf_str(&text));
    json_close(out, '}');
}
