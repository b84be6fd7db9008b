// SPDX-License-Identifier: Apache-2.0
// From what happened to one line that a person can act on. What a server sent is quoted only as
// far as it is printable, and never when it repeats the API token: between here and Okta may stand
// something that echoes requests.
#include <stdio.h>

#include "okta/challenge.h"
#include "okta/explain-internal.h"
#include "okta/org-internal.h"
#include "okta/rate.h"

enum { BEGINNING_MAX = 60, CODE_MAX = 32, SECRET_MAX = 64, SCOPE_MAX = 80 };

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
    [HTTP_TOO_LARGE] = "the answer is too large",
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

struct said {
    int status;
    struct str code;
    bool empty_body;
};

static const char *find_advice(const struct okta_advice *rows, size_t n, const struct said *said) {
    for (size_t i = 0; i < n; i++) {
        const struct okta_advice *a = &rows[i];
        if (a->status && a->status != said->status) continue;
        if (a->code && !str_eqz(said->code, a->code)) continue;
        if (a->body == OKTA_EMPTY_BODY && !said->empty_body) continue;
        return a->text;
    }
    return NULL;
}

static const char *advice(const struct okta_org *org, const struct okta_advices *all,
                          const struct said *said) {
    bool by_key = okta_auth_method(org->auth) == OKTA_AUTH_API_KEY;
    const char *text = by_key ? find_advice(all->key, all->key_count, said)
                              : find_advice(all->token, all->token_count, said);
    return text ? text : find_advice(all->common, all->common_count, said);
}

static bool is_scope(struct str s) {
    if (s.n == 0 || s.n > SCOPE_MAX) return false;
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '.' || s.p[i] == '_')) return false;
    return true;
}

static void add_advice(struct buf *out, const char *text, struct str scope) {
    const struct str place = STR("{scope}");
    struct str rest = str_from(text);
    for (size_t at; (at = str_find(rest, place)) < rest.n;) {
        buf_add_str(out, str_sub(rest, 0, at));
        buf_add_str(out, scope);
        rest = str_sub(rest, at + place.n, rest.n);
    }
    buf_add_str(out, rest);
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

struct str okta_error_code(struct okta_org *org, const struct http_response *response) {
    const struct okta_challenge none = {.scheme = STR_NONE};
    return code_of(org, error_object(org, response->body), &none);
}

static bool is_concurrency(const struct http_response *response) {
    struct rate_headers rate;
    okta_rate_read(response->headers, response->header_count, &rate);
    return budget_is_concurrency(response->status, &rate);
}

void okta_explain_error(struct okta_org *org, const struct http_response *response,
                        const struct okta_advices *advices, struct str *ret_code,
                        struct fault *fault) {
    const struct json *error = error_object(org, response->body);
    struct okta_challenge challenge = {.scheme = STR_NONE};
    okta_challenge_read(http_header(response, "www-authenticate"), &challenge);
    struct okta_quote summary = summary_of(org, error, response->body);
    if (!summary.text[0]) summary = okta_quote(org, challenge.error_description, OKTA_QUOTE_MAX);
    struct okta_quote cause = cause_of(org, error);
    const struct said said = {response->status, code_of(org, error, &challenge),
                              str_trim(response->body).n == 0};
    const char *text = advice(org, advices, &said);
    if (is_concurrency(response))
        text = "as many requests of the org are in progress as Okta takes at once";

    AUTO_FINI(buf) struct buf out = buf_make(4 * (size_t)FAULT_TEXT_MAX);
    buf_addf(&out, "%s answered %d", org->origin.host, response->status);
    if (said.code.n) buf_addf(&out, " %.*s", STR_ARG(said.code));
    if (text) {
        buf_addz(&out, ": ");
        add_advice(&out, text,
                   is_scope(challenge.scope) ? challenge.scope : str_from(advices->scope));
    }
    if (summary.text[0])
        buf_addf(&out, "%s%s%s%s%s", text ? " (" : ": ", summary.text, cause.text[0] ? "; " : "",
                 cause.text, text ? ")" : "");
    *ret_code = said.code;
    fault_set(fault, 0, "%.*s", STR_ARG(buf_str(&out)));
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
                       const char *wanted, struct fault *fault) {
    struct str body = str_trim(response->body);
    struct okta_quote beginning = okta_quote(org, body, BEGINNING_MAX);
    if (is_html(response))
        fault_set(fault, 0,
                  "%s answered %d with a web page instead of %s: this is not the API of an Okta "
                  "org, or a captive portal or proxy stands between; check url (it begins: %s)",
                  org->origin.host, response->status, wanted, beginning.text);
    else if (body.n == 0)
        fault_set(fault, 0, "%s answered %d with an empty body instead of %s", org->origin.host,
                  response->status, wanted);
    else if (body.p[0] == '[')
        fault_set(fault, 0, "%s is cut off (%zu bytes)", wanted, response->body.n);
    else
        fault_set(fault, 0, "%s answered %d with something else than %s (it begins: %s)",
                  org->origin.host, response->status, wanted, beginning.text);
}
