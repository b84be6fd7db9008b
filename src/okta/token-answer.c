// SPDX-License-Identifier: Apache-2.0
#include "base/parse.h"
#include "okta/token.h"

enum { DEFAULT_LIFE_S = 3600, LIFE_MAX_S = 30 * 24 * 3600, TOKEN_MAX_BYTES = 32 * 1024 };

// RFC 6750 section 2.1 and RFC 7230's field values: a token with a line break would be two headers.
static bool is_sendable(struct str token) {
    for (size_t i = 0; i < token.n; i++)
        if (token.p[i] <= ' ' || token.p[i] > '~') return false;
    return token.n > 0 && token.n <= TOKEN_MAX_BYTES;
}

static int64_t life_s(const struct json *answer) {
    const struct json *value = json_get(answer, "expires_in");
    int64_t seconds = DEFAULT_LIFE_S;
    if (!json_i64(value, &seconds) && !parse_i64(json_str(value), &seconds)) return DEFAULT_LIFE_S;
    if (seconds < 1) return 1;
    return seconds < LIFE_MAX_S ? seconds : LIFE_MAX_S;
}

static void read_error(const struct json *answer, struct okta_token_answer *ret) {
    ret->error = json_str(json_get(answer, "error"));
    ret->error_description = json_str(json_get(answer, "error_description"));
    if (ret->error.p) return;
    ret->error = json_str(json_get(answer, "errorCode"));
    ret->error_description = json_str(json_get(answer, "errorSummary"));
}

int okta_token_read(struct json_reader *reader, struct str body, struct okta_token_answer *ret) {
    const struct json *answer = NULL;
    *ret = (struct okta_token_answer){.is_token = false};
    int e = json_read(reader, body, &answer, NULL);
    if (e) return e < 0 ? e : 0;
    struct str type = json_str(json_get(answer, "token_type"));
    ret->is_dpop = str_eq_nocase(type, STR("DPoP"));
    ret->access_token = json_str(json_get(answer, "access_token"));
    ret->is_token =
        is_sendable(ret->access_token) && (ret->is_dpop || str_eq_nocase(type, STR("Bearer")));
    ret->scope = json_str(json_get(answer, "scope"));
    ret->expires_in_s = life_s(answer);
    read_error(answer, ret);
    return 0;
}
