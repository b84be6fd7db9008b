// SPDX-License-Identifier: Apache-2.0
// libcurl's codes sorted into the few kinds that the program tells apart. libcurl's own words say
// the rest; what could be a password in them is taken out.
#include <errno.h>
#include <stdio.h>

#include "base/time.h"
#include "http/client-internal.h"

const char *http_result_name(enum http_result r) {
    static const char *const names[] = {
        [HTTP_OK] = "ok",           [HTTP_DNS] = "dns",
        [HTTP_CONNECT] = "connect", [HTTP_PROXY] = "proxy",
        [HTTP_TLS] = "tls",         [HTTP_TIMEOUT] = "timeout",
        [HTTP_BROKEN] = "broken",   [HTTP_TOO_LARGE] = "too-large",
        [HTTP_FAILED] = "failed",
    };
    return (size_t)r < LEN(names) ? names[r] : "unknown";
}

struct code_row {
    CURLcode code;
    enum http_result result;
};

static const struct code_row codes[] = {
    {CURLE_COULDNT_RESOLVE_HOST, HTTP_DNS},
    {CURLE_COULDNT_CONNECT, HTTP_CONNECT},
    {CURLE_COULDNT_RESOLVE_PROXY, HTTP_PROXY},
    {CURLE_PROXY, HTTP_PROXY},
    {CURLE_SSL_CONNECT_ERROR, HTTP_TLS},
    {CURLE_PEER_FAILED_VERIFICATION, HTTP_TLS},
    {CURLE_SSL_CERTPROBLEM, HTTP_TLS},
    {CURLE_SSL_CIPHER, HTTP_TLS},
    {CURLE_SSL_CACERT_BADFILE, HTTP_TLS},
    {CURLE_SSL_ISSUER_ERROR, HTTP_TLS},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, HTTP_TLS},
    {CURLE_SSL_INVALIDCERTSTATUS, HTTP_TLS},
    {CURLE_SSL_ENGINE_INITFAILED, HTTP_TLS},
    {CURLE_USE_SSL_FAILED, HTTP_TLS},
    {CURLE_OPERATION_TIMEDOUT, HTTP_TIMEOUT},
    {CURLE_RECV_ERROR, HTTP_BROKEN},
    {CURLE_SEND_ERROR, HTTP_BROKEN},
    {CURLE_PARTIAL_FILE, HTTP_BROKEN},
    {CURLE_GOT_NOTHING, HTTP_BROKEN},
    {CURLE_HTTP2, HTTP_BROKEN},
    {CURLE_HTTP2_STREAM, HTTP_BROKEN},
    {CURLE_BAD_CONTENT_ENCODING, HTTP_BROKEN},
    {CURLE_SSL_SHUTDOWN_FAILED, HTTP_BROKEN},
};

static enum http_result result_of(CURLcode code) {
    for (size_t i = 0; i < LEN(codes); i++)
        if (codes[i].code == code) return codes[i].result;
    return HTTP_FAILED;
}

static bool environment_has_proxy(const struct http_origin *origin) {
    static const char *const names[][5] = {
        {"http_proxy", "all_proxy", "ALL_PROXY", NULL, NULL},
        {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL},
    };
    const char *const *row = names[strcmp(origin->scheme, "https") == 0];
    for (size_t i = 0; row[i]; i++)
        if (getenv(row[i])) return true;
    return false;
}

// Whether "Failed to connect to HOST port N" speaks of the proxy: libcurl does not say so by code.
static bool failed_at_proxy(const struct http_call *call) {
    const struct http_options *o = call->options;
    bool may_have_proxy =
        o->proxy_url ? o->proxy_url[0] != '\0' : environment_has_proxy(&call->origin);
    if (!may_have_proxy) return false;
    char target[sizeof call->origin.host + 32];
    snprintf(target, sizeof target, "%s port %d", call->origin.host, call->origin.port);
    return strstr(call->words, target) == NULL;
}

// The status of the proxy's answer to CONNECT when that was a refusal; else 0.
static long refused_by_proxy(const struct http_call *call) {
    long status = 0;
    curl_easy_getinfo(call->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status >= 300 ? status : 0;
}

static enum http_result own_reason(const struct http_call *call, struct fault *fault) {
    switch (call->error) {
    case -EMSGSIZE:
        return (enum http_result)fault_set(
            fault, HTTP_TOO_LARGE, "the answer is larger than %zu bytes",
            call->max_body_bytes < call->into->max ? call->max_body_bytes : call->into->max);
    case -E2BIG:
        return (enum http_result)fault_set(
            fault, HTTP_FAILED, "the answer's headers are larger than %d bytes", HEADERS_MAX_BYTES);
    default: return (enum http_result)fault_set(fault, HTTP_FAILED, "no memory for the answer");
    }
}

// "http://user:pass@host" becomes "http://***@host".
static void mask_credentials(struct fault *fault) {
    char *from = fault->text;
    while ((from = strstr(from, "://"))) {
        from += 3;
        size_t n = strcspn(from, " '\"/");
        const char *at = memrchr(from, '@', n);
        if (!at || at - from < 3) continue;
        memcpy(from, "***", 3);
        memmove(from + 3, at, strlen(at) + 1);
    }
}

// With TLS 1.3 the server judges the client's certificate after the handshake has ended for us.
static bool is_late_alert(const char *words) {
    return strstr(words, "SSL routines::") && strstr(words, " alert ");
}

// libcurl's words, or better ones where there are.
static void say(const struct http_call *call, enum http_result result, const char *words,
                struct fault *fault) {
    const char *own = NULL;
    if (result == HTTP_TLS) own = tls_verify_words(&call->options->tls, call->easy);
    if (strstr(words, "alert certificate required"))
        own = "the server demands a certificate of the client (ssl.certificate and ssl.key)";
    fault_set(fault, 0, "%s", own ? own : words);
    mask_credentials(fault);
}

enum http_result http_outcome(const struct http_call *call, CURLcode code, struct fault *fault) {
    if (call->error) return own_reason(call, fault);
    if (code == CURLE_OK) return HTTP_OK;
    enum http_result result = result_of(code);
    const char *words = call->words[0] ? call->words : curl_easy_strerror(code);
    long proxy_status = refused_by_proxy(call);
    if (proxy_status) {
        fault_set(fault, 0, "the proxy refused the connection with status %ld", proxy_status);
        return HTTP_PROXY;
    }
    if (result == HTTP_BROKEN && is_late_alert(words)) result = HTTP_TLS;
    say(call, result, words, fault);
    if (result == HTTP_CONNECT && failed_at_proxy(call)) return HTTP_PROXY;
    return result;
}
