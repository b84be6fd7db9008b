// SPDX-License-Identifier: Apache-2.0
// From what happened to one line that a person can act on. What a server sent is quoted only as
// far as it is printable, and never when it repeats the API token: between here and Okta may stand
// something that echoes requests.
#include <stdio.h>

#include "okta/org-internal.h"

enum { QUOTE_MAX = 60, SUMMARY_MAX = 300, CODE_MAX = 32, KEY_BEGINNING = 8 };

struct quote {
    char text[SUMMARY_MAX + 4];
};

// The beginning of the token is enough: the text may be cut.
static bool repeats_key(const struct okta_org *org, struct str s) {
    return s.n > 0 && str_find(s, str_sub(org->api_key, 0, KEY_BEGINNING)) < s.n;
}

// Printable ASCII of the first `max` bytes; other bytes become dots.
static struct quote quote(const struct okta_org *org, struct str s, size_t max) {
    struct quote q = {{0}};
    s = str_trim(s);
    struct str part = str_sub(s, 0, max);
    if (repeats_key(org, str_sub(s, 0, max + org->api_key.n))) {
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

void okta_explain_transport(const struct okta_org *org, const struct http_response *response,
                            struct fault *fault) {
    fault_set(fault, 0, "%s: %s (%s)", org->origin.host, transport_meaning(response),
              response->fault.text);
}

// Statuses

enum body_rule { ANY_BODY, EMPTY_BODY };

struct advice {
    int status;
    const char *code; // NULL: any
    enum body_rule body;
    const char *text;
};

#define ROLE_ADVICE                                                                                \
    "give the token's owner a role that may read the System Log (Read-Only Administrator or "      \
    "Report Administrator) in Security > Administrators"

// The first row that fits.
static const struct advice advices[] = {
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
    {404, NULL, ANY_BODY,
     "there is no such org or path: check url (https://ORG.okta.com/api/v1/logs)"},
    {407, NULL, ANY_BODY, "the proxy wants a user name and password: set them in proxy_url"},
    {429, NULL, ANY_BODY, "the rate limit is used up"},
    {500, "E0000009", ANY_BODY, "Okta failed or took too long"},
    {503, "E0000010", ANY_BODY, "Okta is in read-only mode"},
};

static const char *advice(int status, struct str code, bool empty_body) {
    for (size_t i = 0; i < LEN(advices); i++) {
        const struct advice *a = &advices[i];
        if (a->status != status || (a->code && !str_eqz(code, a->code))) continue;
        if (a->body == EMPTY_BODY && !empty_body) continue;
        return a->text;
    }
    return NULL;
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
static struct quote summary_of(const struct okta_org *org, const struct json *error,
                               struct str body) {
    if (!error) return quote(org, body, QUOTE_MAX);
    return quote(org, json_str(json_get(error, "errorSummary")), SUMMARY_MAX);
}

static struct quote cause_of(const struct okta_org *org, const struct json *error) {
    const struct json *cause = json_at(json_get(error, "errorCauses"), 0);
    return quote(org, json_str(json_get(cause, "errorSummary")), SUMMARY_MAX);
}

void okta_explain_status(struct okta_org *org, const struct http_response *response,
                         struct okta_log_answer *ret) {
    const struct json *error = error_object(org, response->body);
    struct str code = json_str(json_get(error, "errorCode"));
    if (!is_code(code) || repeats_key(org, code)) code = STR_NONE;
    ret->error_code = code;
    struct quote summary = summary_of(org, error, response->body);
    struct quote cause = cause_of(org, error);
    const char *text = advice(response->status, code, str_trim(response->body).n == 0);

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
void okta_explain_redirect(const struct okta_org *org, const struct http_response *response,
                           struct fault *fault) {
    struct http_origin to;
    struct str location = http_header(response, "location");
    bool known = http_origin_parse(location, &to, NULL) == 0;
    bool foreign = known && !http_origin_eq(&to, &org->origin);
    fault_set(fault, 0,
              "%s answered %d and points to %s%s%s: this is not the API of an Okta org, or a "
              "captive portal or proxy stands between; check url",
              org->origin.host, response->status, foreign ? to.scheme : "another page",
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
    struct quote beginning = quote(org, body, QUOTE_MAX);
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
