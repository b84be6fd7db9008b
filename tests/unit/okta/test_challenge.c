// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "okta/challenge.h"
#include "okta/token.h"
#include "json/read.h"

struct challenge_row {
    const char *value;
    const char *scheme;                      // NULL: no challenge
    const char *error, *description, *scope; // NULL: absent
};

static const struct challenge_row challenges[] = {
    {"Bearer authorization_uri=\"http://acme.okta.com/oauth2/v1/authorize\", "
     "realm=\"http://acme.okta.com\", scope=\"okta.logs.read\", error=\"insufficient_scope\", "
     "error_description=\"The access token provided does not contain the required scopes.\", "
     "resource=\"/api/v1/logs\"",
     "Bearer", "insufficient_scope",
     "The access token provided does not contain the required scopes.", "okta.logs.read"},
    {"DPoP algs=\"RS256 RS384 RS512 ES256 ES384 ES512\", realm=\"x\", "
     "error=\"invalid_dpop_proof\", error_description=\"'htu' claim in the DPoP proof JWT is "
     "invalid.\"",
     "DPoP", "invalid_dpop_proof", "'htu' claim in the DPoP proof JWT is invalid.", NULL},
    {"Bearer", "Bearer", NULL, NULL, NULL},
    {"Basic realm=\"x\", DPoP error=\"invalid_token\"", "DPoP", "invalid_token", NULL, NULL},
    {"Bearer error = invalid_token , scope = a", "Bearer", "invalid_token", NULL, "a"},
    {"Bearer ERROR=\"a\\\"b\"", "Bearer", "a\\\"b", NULL, NULL},
    {"Bearer error=\"open", "Bearer", "open", NULL, NULL},
    {"Bearer error=\"open\\", "Bearer", "open\\", NULL, NULL},
    {"Bearer error=", "Bearer", "", NULL, NULL},
    {",, Bearer error=x", "Bearer", "x", NULL, NULL},
    {"Negotiate YII=, Bearer error=x", "Bearer", "x", NULL, NULL},
    {"", NULL, NULL, NULL, NULL},
    {"\"\"", NULL, NULL, NULL, NULL},
    {"=", NULL, NULL, NULL, NULL},
};

static void same(size_t row, struct str got, const char *want) {
    if (want ? !str_eqz(got, want) || !got.p : got.p != NULL)
        fail_msg("row %zu: %.*s, not %s", row, STR_ARG(got), want ? want : "(absent)");
}

static void a_challenge_is_read_from_what_servers_and_proxies_send(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(challenges); i++) {
        const struct challenge_row *r = &challenges[i];
        struct okta_challenge c = {.scheme = STR_NONE};
        assert_int_equal(okta_challenge_read(str_from(r->value), &c), r->scheme != NULL);
        if (!r->scheme) continue;
        same(i, c.scheme, r->scheme);
        same(i, c.error, r->error);
        same(i, c.error_description, r->description);
        same(i, c.scope, r->scope);
    }
}

struct token_row {
    const char *body;
    bool is_token, is_dpop;
    int64_t life_s;
    const char *error;
};

static const struct token_row tokens[] = {
    {"{\"token_type\":\"Bearer\",\"expires_in\":3600,\"access_token\":\"eyJ\",\"scope\":\"s\"}",
     true, false, 3600, NULL},
    {"{\"token_type\":\"DPoP\",\"expires_in\":60,\"access_token\":\"eyJ\"}", true, true, 60, NULL},
    {"{\"token_type\":\"bearer\",\"access_token\":\"a\"}", true, false, 3600, NULL},
    {"{\"token_type\":\"Bearer\",\"expires_in\":\"120\",\"access_token\":\"a\"}", true, false, 120,
     NULL},
    {"{\"token_type\":\"Bearer\",\"expires_in\":-5,\"access_token\":\"a\"}", true, false, 1, NULL},
    {"{\"token_type\":\"Bearer\",\"expires_in\":1e99,\"access_token\":\"a\"}", true, false, 3600,
     NULL},
    {"{\"token_type\":\"Bearer\",\"expires_in\":9223372036854775807,\"access_token\":\"a\"}", true,
     false, 2592000, NULL},
    {"{\"token_type\":\"Bearer\",\"access_token\":\"a b\"}", false, false, 3600, NULL},
    {"{\"token_type\":\"Bearer\",\"access_token\":\"a\\r\\nX: y\"}", false, false, 3600, NULL},
    {"{\"token_type\":\"Bearer\",\"access_token\":\"\"}", false, false, 3600, NULL},
    {"{\"token_type\":\"mac\",\"access_token\":\"a\"}", false, false, 3600, NULL},
    {"{\"access_token\":\"a\"}", false, false, 3600, NULL},
    {"{\"error\":\"invalid_client\",\"error_description\":\"d\"}", false, false, 3600,
     "invalid_client"},
    {"{\"errorCode\":\"E0000047\",\"errorSummary\":\"API call exceeded rate limit\"}", false, false,
     3600, "E0000047"},
    {"[]", false, false, 3600, NULL},
    {"<html>", false, false, 0, NULL},
    {"", false, false, 0, NULL},
};

static void a_token_answer_is_told_from_errors_and_from_anything_else(void **state) {
    (void)state;
    AUTO(json_reader) struct json_reader *reader = NULL;
    assert_int_equal(json_reader_new(&reader), 0);
    for (size_t i = 0; i < LEN(tokens); i++) {
        struct okta_token_answer a;
        assert_int_equal(okta_token_read(reader, str_from(tokens[i].body), &a), 0);
        if (a.is_token != tokens[i].is_token || a.is_dpop != tokens[i].is_dpop ||
            a.expires_in_s != tokens[i].life_s)
            fail_msg("row %zu: token %d, dpop %d, %d s", i, a.is_token, a.is_dpop,
                     (int)a.expires_in_s);
        same(i, a.error, tokens[i].error);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_challenge_is_read_from_what_servers_and_proxies_send),
        cmocka_unit_test(a_token_answer_is_told_from_errors_and_from_anything_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
