// SPDX-License-Identifier: Apache-2.0
// Every option that decides whom we trust and where a request may go is set here, in one function
// for all requests.
#include <curl/curl.h>
#include <errno.h>

#include "http/client-internal.h"

enum {
    RECEIVE_BYTES = 128 * 1024,
    NO_PROXY_MAX_BYTES = 1 << 20,
    KEEP_ALIVE_IDLE_S = 60,
    KEEP_ALIVE_INTERVAL_S = 30,
};

// libcurl's URL parser knows any scheme; these are the proxies that it can talk to.
static bool is_proxy_scheme(const char *scheme) {
    static const char *const known[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
    for (size_t i = 0; i < LEN(known); i++)
        if (strcmp(scheme, known[i]) == 0) return true;
    return false;
}

// The URL is not repeated in the fault: it may hold a password.
static int check_proxy(const char *proxy_url, struct fault *fault) {
    if (proxy_url[0] == '\0') return 0; // libcurl: no proxy, whatever the environment says
    CURLU *u = curl_url();
    char *scheme = NULL;
    bool good =
        u && curl_url_set(u, CURLUPART_URL, proxy_url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK && is_proxy_scheme(scheme);
    curl_free(scheme);
    curl_url_cleanup(u);
    if (good) return 0;
    return fault_set(fault, -EINVAL,
                     "proxy_url is not the URL of a proxy (http://, https:// or socks5://, then "
                     "host:port)");
}

static int copy(char **to, const char *from) {
    if (!from) return 0;
    *to = mem_copy(from, strlen(from));
    return *to ? 0 : -ENOMEM;
}

// libcurl takes "*" for all hosts only when it stands alone.
static bool names_all_hosts(const char *no_proxy) {
    struct str rest = str_from(no_proxy);
    while (rest.p)
        if (str_eqz(str_trim(str_split(&rest, ',')), "*")) return true;
    return false;
}

// The environment's own list is about the environment's proxy: it stands beside ours there, and
// says nothing of proxy_url.
static int add_no_proxy(struct http_options *o, const struct http_client_opts *opts) {
    if (!opts->no_proxy) return 0;
    AUTO_FINI(buf) struct buf all = buf_make(NO_PROXY_MAX_BYTES);
    const char *lower = getenv("no_proxy"); // libcurl, too, looks at this one first
    const char *theirs = lower ? lower : getenv("NO_PROXY");
    buf_addz(&all, opts->no_proxy);
    if (theirs && !opts->proxy_url) buf_addf(&all, ",%s", theirs);
    const char *z = buf_z(&all);
    if (!z) return -ENOMEM;
    return copy(&o->no_proxy, names_all_hosts(z) ? "*" : z);
}

int http_options_load(struct http_options *o, const struct http_client_opts *opts,
                      struct fault *fault) {
    o->disable_keep_alive = opts->disable_keep_alive;
    o->tracer = opts->tracer;
    int e = tls_options_load(&o->tls, &opts->tls, fault);
    if (!e && opts->proxy_url) e = check_proxy(opts->proxy_url, fault);
    if (!e) e = copy(&o->user_agent, opts->user_agent);
    if (!e) e = copy(&o->proxy_url, opts->proxy_url);
    if (!e) e = add_no_proxy(o, opts);
    return e;
}

void http_options_fini(struct http_options *o) {
    if (o->proxy_url) explicit_bzero(o->proxy_url, strlen(o->proxy_url));
    free(o->proxy_url);
    free(o->user_agent);
    free(o->no_proxy);
    tls_options_fini(&o->tls);
}

struct number_option {
    CURLoption option;
    long value;
};

static const struct number_option fixed_options[] = {
    {CURLOPT_NOSIGNAL, 1},
    // Who gives up does not wait for the resolver's thread, which may take long and ends by itself.
    {CURLOPT_QUICK_EXIT, 1},
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_UNRESTRICTED_AUTH, 0},
    {CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
    {CURLOPT_PATH_AS_IS, 1},
    {CURLOPT_HEADEROPT, CURLHEADER_SEPARATE}, // what is meant for Okta is not for its proxy
    {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS},
    {CURLOPT_HTTP09_ALLOWED, 0},
    {CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_TCP_KEEPALIVE, 1},
    {CURLOPT_TCP_KEEPIDLE, KEEP_ALIVE_IDLE_S},
    {CURLOPT_TCP_KEEPINTVL, KEEP_ALIVE_INTERVAL_S},
    {CURLOPT_BUFFERSIZE, RECEIVE_BYTES},
};

static bool set_number(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

static bool set_text(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

static bool set_route(const struct http_options *o, CURL *easy) {
    bool good = set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https") &&
                set_text(easy, CURLOPT_USERAGENT, o->user_agent) &&
                set_text(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    if (good && o->proxy_url) good = set_text(easy, CURLOPT_PROXY, o->proxy_url);
    if (good && (o->proxy_url || o->no_proxy)) // else libcurl asks the environment
        good = set_text(easy, CURLOPT_NOPROXY, o->no_proxy ? o->no_proxy : "");
    if (good && o->disable_keep_alive) good = set_number(easy, CURLOPT_FORBID_REUSE, 1);
    return good;
}

bool http_options_apply(const struct http_options *o, CURL *easy) {
    for (size_t i = 0; i < LEN(fixed_options); i++)
        if (!set_number(easy, fixed_options[i].option, fixed_options[i].value)) return false;
    return tls_options_apply(&o->tls, easy) && set_route(o, easy);
}
