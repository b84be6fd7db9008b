// SPDX-License-Identifier: Apache-2.0
// From what happened to one line that a person can act on. What a server sent is quoted only as
// far as it is printable, and never when it repeats the API token: between here and Okta may stand
// something that echoes requests.
#include <stdio.h>

#include "okta/challenge.h"
#include "okta/org-internal.h"

enum { BEGINNING_MAX = 60, CODE_MAX = 32, SECRET_MAX = 64 };

struct okta_quote okta_quote(const struct okta_org *org, struct str s, size_t max) {
    struct okta_quote q = {{0}};
    s = str_trim(s);
    struct str part = str_sub(s, 0, max);
    if (okta_auth_is_in(org->auth, str_sub(s, 0, max + SECRET_MAX))) {
        snprintf(q.text, sizeof q.text, "(not shown: it repeats the API token)");
        return q;
    }
    for (size_t i = 0; i < part.n; i++)
        q.text[i] = part.p[i] >= ' ' && part.p[i] <= '~' ? part.p[i] : '.';
    if (part.n < s.n) memcpy(q.text + part.n, "...", 4);
    return q;
}

// Transport

struct tls_row {
    const char *words; // in libcurl's (OpenSSL's) text
    const char *meaning;
};

static const struct tls_row tls_rows[] = {
    {"certificate has expired", "the server's certificate has expired, or this machine's clock is "
                                "ahead"},
    {"not yet valid", "the server's certificate is not valid yet, or this machine's clock is "
                      "behind"},
    {"subject name", "the server's certificate is for another name: check the host in url"},
    {"does not match", "the server's certificate is for another name: check the host in url"},
    {"self-signed", "the server's certificate is signed by nobody known: name its authority in "
                    "ssl.certificate_authorities (a proxy that inspects TLS has one, too)"},
    {"self signed", "the server's certificate is signed by nobody known: name its authority in "
                    "ssl.certificate_authorities (a proxy that inspects TLS has one, too)"},
    {"issuer certificate", "the server's certificate is signed by an authority that is not "
                           "trusted here: name it in ssl.certificate_authorities (a proxy that "
                           "inspects TLS has one, too)"},
    {"setting certificate", "the trusted certificates cannot be read: check "
                            "ssl.certificate_authorities and SSL_CERT_FILE"},
    {"wrong version number", "the server does not speak TLS on this port: check the port and "
                             "https:// in url, and the proxy"},
    {"SSL_ERROR_SYSCALL", "the server ended the connection in the middle of the TLS handshake: "
                          "check the port and https:// in url, and the proxy"},
};

static const char *tls_meaning(const char *words) {
    for (size_t i = 0; i < LEN(tls_rows); i++)
        if (strstr(words, tls_rows[i].words)) return tls_rows[i].meaning;
    return "no secure connection could be made";
}

static const char *const transport_meanings[] = {
    [HTTP_DNS] = "the name does not resolve: check the host in url, and this machine's DNS",
    [HTTP_CONNECT] = "no connection: check the url, the firewall, and whether a proxy is needed",
    [HTTP_PROXY] = "the proxy does not let the request through: check proxy_url, its user name "
                   "and password, and whether the proxy allows this host",
    [HTTP_TIMEOUT] = "no complete answer in time",
    [HTTP_BROKEN] = "the connection broke before the end of the answer",
    [HTTP_TOO_LARGE] = "the page is too large",
};

static const char *transport_meaning(const struct http_response *response) {
    if (response->result == HTTP_TLS) return tls_meaning(response->fault.text);
    const char *meaning = (size_t)response->result < LEN(transport_meanings)
                              ? transport_meanings[response->result]
                              : NULL;
    return meaning ? meaning : "the request failed";
}

void okta_explain_transport(const char *host, const struct http_response *response,
                            struct fault *fault) {
    fault_set(fault, 0, "%s: %s (%s)", host, transport_meaning(response), response->fault.text);
}

// Statuses

enum body_rule { ANY_BODY, EMPTY_BODY };

struct advice {
    int status;
    const char *code; // Okta's errorCode, or the `error` of WWW-Authenticate; NULL: any
    enum body_rule body;
    const char *text;
};

#define ROLE_ADVICE                                                                                \
    "give the token's owner a role that may read the System Log (Read-Only Administrator or "      \
    "Report Administrator) in Security > Administrators"

// For API tokens. The first row that fits.
static const struct advice key_advices[] = {
    {401, "E0000011", ANY_BODY,
     "the API token is not valid (revoked, expired after 30 days without use, or its owner was "
     "deactivated): create a new one in Security > API > Tokens"},
    {401, "E0000015", ANY_BODY,
     "the org lacks the feature, or the token's owner may not use it: ask Okta's support, or "
     "take a token of another administrator"},
    {401, NULL, ANY_BODY,
     "the API token was not accepted: create a new one in Security > API > Tokens, and check that "
     "it belongs to this org"},
    {403, "E0000006", ANY_BODY,
     "the API token is valid, but its owner may not read the System Log: " ROLE_ADVICE},
    {403, "E0000005", ANY_BODY,
     "Okta saw no valid credentials: check that api_key is set to an API token of this org, and "
     "that a proxy does not remove the Authorization header"},
    {403, NULL, EMPTY_BODY,
     "refused without a reason: the token is not allowed from this network (check its network "
     "zone in Security > API > Tokens), or its owner lacks a role: " ROLE_ADVICE},
    {403, NULL, ANY_BODY,
     "refused: check the API token's network zone in Security > API > Tokens, and its owner's "
     "role; a firewall or proxy may also answer so"},
};

#define APP_ROLE_ADVICE                                                                            \
    "assign the app a role that may read the System Log (Read-Only Administrator or Report "       \
    "Administrator) in Applications > the app > Admin roles"

// For access tokens (okta-api section 3.5): most refusals have no body.
static const struct advice token_advices[] = {
    {403, "insufficient_scope", ANY_BODY,
     "the access token lacks a scope: grant okta.logs.read in Applications > the app > Okta API "
     "Scopes, and have it in okta_scopes"},
    {401, "invalid_token", ANY_BODY,
     "the access token was not accepted, nor was a fresh one (revoked, meant for another org, or "
     "bound to another key): check that okta_domain_url and url belong to the same org"},
    {400, "invalid_dpop_proof", ANY_BODY,
     "the DPoP proof was not accepted: check that no proxy changes the URL on the way, and this "
     "machine's clock"},
    {401, "invalid_dpop_proof", ANY_BODY,
     "the DPoP proof was not accepted: check that no proxy changes the URL on the way, and this "
     "machine's clock"},
    {403, "E0000006", ANY_BODY,
     "the access token is valid, but the app may not read the System Log: " APP_ROLE_ADVICE},
    {403, "E0000005", ANY_BODY,
     "Okta saw no valid credentials: check that a proxy does not remove the Authorization header"},
    {403, NULL, EMPTY_BODY,
     "refused without a reason: grant okta.logs.read in Applications > the app > Okta API Scopes, "
     "and " APP_ROLE_ADVICE},
    {403, NULL, ANY_BODY,
     "refused: check the app's network zone, its scopes and its admin role; a firewall or proxy "
     "may also answer so"},
    {401, NULL, ANY_BODY,
     "the access token was not accepted: check that okta_domain_url and url belong to the same "
     "org"},
};

static const struct advice common_advices[] = {
    {404, NULL, ANY_BODY,
     "there is no such org or path: check url (https://ORG.okta.com/api/v1/logs)"},
    {407, NULL, ANY_BODY, "the proxy wants a user name and password: set them in proxy_url"},
    {429, NULL, ANY_BODY, "the rate limit is used up"},
    {500, "E0000009", ANY_BODY, "Okta failed or took too long"},
    {503, "E0000010", ANY_BODY, "Okta is in read-only mode"},
};

static const char *find_advice(const struct advice *rows, size_t n, int status, struct str code,
                               bool empty_body) {
    for (size_t i = 0; i < n; i++) {
        const struct advice *a = &rows[i];
        if (a->status != status || (a->code && !str_eqz(code, a->code))) continue;
        if (a->body == EMPTY_BODY && !empty_body) continue;
        return a->text;
    }
    return NULL;
}

static const char *advice(const struct okta_org *org, int status, struct str code,
                          bool empty_body) {
    bool by_key = okta_auth_method(org->auth) == OKTA_AUTH_API_KEY;
    const char *text =
        by_key ? find_advice(key_advices, LEN(key_advices), status, code, empty_body)
               : find_advice(token_advices, LEN(token_advices), status, code, empty_body);
    if (text) return text;
    return find_advice(common_advices, LEN(common_advices), status, code, empty_body);
}

// The error object, every member optional; NULL when the body is none.
static const struct json *error_object(struct okta_org *org, struct str body) {
    const struct json *v = NULL;
    if (str_trim(body).n == 0 || str_trim(body).p[0] != '{') return NULL;
    if (json_read(org->reader, body, &v, NULL) != 0) return NULL;
    return json_type(v) == JSON_OBJECT ? v : NULL;
}

static bool is_code(struct str code) {
    if (code.n == 0 || code.n > CODE_MAX) return false;
    for (size_t i = 0; i < code.n; i++)
        if (code.p[i] <= ' ' || code.p[i] > '~') return false;
    return true;
}

// Okta's own summary; where there is none, the body's beginning.
static struct okta_quote summary_of(const struct okta_org *org, const struct json *error,
                                    struct str body) {
    if (!error) return okta_quote(org, body, BEGINNING_MAX);
    return okta_quote(org, json_str(json_get(error, "errorSummary")), OKTA_QUOTE_MAX);
}

static struct okta_quote cause_of(const struct okta_org *org, const struct json *error) {
    const struct json *cause = json_at(json_get(error, "errorCauses"), 0);
    return okta_quote(org, json_str(json_get(cause, "errorSummary")), OKTA_QUOTE_MAX);
}

// Where there is no body, the header says why.
static struct str code_of(const struct okta_org *org, const struct json *error,
                          const struct okta_challenge *challenge) {
    struct str code = json_str(json_get(error, "errorCode"));
    if (!code.p) code = challenge->error;
    return is_code(code) && !okta_auth_is_in(org->auth, code) ? code : STR_NONE;
}

void okta_explain_status(struct okta_org *org, const struct http_response *response,
                         struct okta_log_answer *ret) {
    const struct json *error = error_object(org, response->body);
    struct okta_challenge challenge = {.scheme = STR_NONE};
    okta_challenge_read(http_header(response, "www-authenticate"), &challenge);
    struct str code = code_of(org, error, &challenge);
    ret->error_code = code;
    struct okta_quote summary = summary_of(org, error, response->body);
    if (!summary.text[0]) summary = okta_quote(org, challenge.error_description, OKTA_QUOTE_MAX);
    struct okta_quote cause = cause_of(org, error);
    bool empty = str_trim(response->body).n == 0;
    const char *text = advice(org, response->status, code, empty);

    AUTO_FINI(buf) struct buf out = buf_make(4 * (size_t)FAULT_TEXT_MAX);
    buf_addf(&out, "%s answered %d", org->origin.host, response->status);
    if (code.n) buf_addf(&out, " %.*s", STR_ARG(code));
    if (text) buf_addf(&out, ": %s", text);
    if (summary.text[0])
        buf_addf(&out, "%s%s%s%s%s", text ? " (" : ": ", summary.text, cause.text[0] ? "; " : "",
                 cause.text, text ? ")" : "");
    fault_set(&ret->fault, 0, "%.*s", STR_ARG(buf_str(&out)));
}

// Where a redirect leads, without path and query, which may hold session data.
void okta_explain_redirect(const struct http_origin *from, const struct http_response *response,
                           struct fault *fault) {
    struct http_origin to;
    struct str location = http_header(response, "location");
    bool known = http_origin_parse(location, &to, NULL) == 0;
    bool foreign = known && !http_origin_eq(&to, from);
    fault_set(fault, 0,
              "%s answered %d and points to %s%s%s: this is not the API of an Okta org, or a "
              "captive portal or proxy stands between; check the URL",
              from->host, response->status, foreign ? to.scheme : "another page",
              foreign ? "://" : "", foreign ? to.host : "");
}

static bool is_html(const struct http_response *response) {
    struct str type = http_header(response, "content-type");
    type = str_trim(str_split(&type, ';'));
    return str_eq_nocase(type, STR("text/html")) || str_starts(str_trim(response->body), STR("<"));
}

void okta_explain_body(const struct okta_org *org, const struct http_response *response,
                       struct fault *fault) {
    struct str body = str_trim(response->body);
    struct okta_quote beginning = okta_quote(org, body, BEGINNING_MAX);
    if (is_html(response))
        fault_set(fault, 0,
                  "%s answered %d with a web page instead of events: this is not the API of an "
                  "Okta org, or a captive portal or proxy stands between; check url (it begins: "
                  "%s)",
                  org->origin.host, response->status, beginning.text);
    else if (body.n == 0)
        fault_set(fault, 0, "%s answered %d with an empty body instead of a page of events",
                  org->origin.host, response->status);
    else if (body.p[0] == '[')
        fault_set(fault, 0, "the page of events is cut off (%zu bytes)", response->body.n);
    else
        fault_set(fault, 0, "%s answered %d with something else than a JSON array (it begins: %s)",
                  org->origin.host, response->status, beginning.text);
}
