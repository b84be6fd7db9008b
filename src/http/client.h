// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H
// HTTPS requests on the loop (libcurl multi). One client per org or server: connections, TLS and
// proxy options are its own. Loop thread only. This room is the only includer of curl.h.

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct loop;

struct http_client;
struct http_call; // one request in flight

// Beats' verification_mode: chain and name; chain only; as full, and the name must stand in the
// certificate's subjectAltName; nothing.
enum http_verify {
    HTTP_VERIFY_FULL,
    HTTP_VERIFY_CERTIFICATE,
    HTTP_VERIFY_STRICT,
    HTTP_VERIFY_NONE
};
enum http_tls_version { HTTP_TLS_ANY, HTTP_TLS_1_2, HTTP_TLS_1_3 };

// Beats' `ssl` settings. Where a PEM is expected, a value that begins with "-----BEGIN " is the PEM
// itself, everything else the path of a file.
struct http_tls {
    const char *const *certificate_authorities; // instead of SSL_CERT_FILE or the system's
    size_t certificate_authority_count;
    const char *ca_trusted_fingerprint; // hex SHA-256 (colons allowed) of a CA certificate that
                                        // the server sends: trust it, too
    enum http_verify verify;
    const char *certificate, *key, *key_passphrase; // of the client; NULL: none
    enum http_tls_version oldest, newest;           // HTTP_TLS_ANY: no bound but 1.2 at least
    const char *const
        *cipher_suites; // Beats' names ("ECDHE-RSA-AES-128-GCM-SHA256"); none: OpenSSL's choice
    size_t cipher_suite_count;
};

// Whether a client can be made with these: all files can be read now, the passphrase and the
// certificate fit the key, names are known. Outcomes: 0; -ENOMEM; -EINVAL with `fault`, which
// begins with the key that is wrong ("ssl.key: ...") and never holds a secret.
int http_tls_check(const struct http_tls *tls, struct fault *fault) MUST_USE;

struct http_client_opts {
    const char *proxy_url; // http[s]://user:pass@host:port, socks5://...; NULL: the environment's
                           // (http_proxy, https_proxy, no_proxy)
    const char *no_proxy;  // hosts that are asked directly although there is a proxy, "a.b,.c.d";
                           // beside the environment's no_proxy where the proxy is its; NULL: none
    struct http_tls tls;
    bool disable_keep_alive;    // a new connection for every request
    const char *user_agent;     // required
    struct http_tracer *tracer; // borrowed; NULL: no trace
};

// All strings are copied. Outcomes: 0; -ENOMEM; -EINVAL with `fault` (a CA file that cannot be
// read, a key that does not fit its certificate, an unknown cipher suite).
int http_client_new(struct http_client **ret, struct loop *loop,
                    const struct http_client_opts *opts, struct fault *fault) MUST_USE;
// Cancels what is in flight (no callbacks).
struct http_client *http_client_free(struct http_client *c);
DEFINE_AUTO_FREE(http_client)

// Why there is no answer. HTTP_OK: there is one, whatever its status.
enum http_result {
    HTTP_OK,
    HTTP_DNS,       // the name does not resolve
    HTTP_CONNECT,   // refused, unreachable
    HTTP_PROXY,     // the proxy could not be reached, or refused
    HTTP_TLS,       // handshake or certificate
    HTTP_TIMEOUT,   // the request's timeout passed
    HTTP_BROKEN,    // reset or cut off before the end of the body
    HTTP_TOO_LARGE, // the body passed max_body_bytes (after decompression)
    HTTP_FAILED,    // anything else, said in `fault`
};
const char *http_result_name(enum http_result r); // "timeout", for logs

struct http_header {
    struct str name, value; // as received, value trimmed
};

struct http_response {
    enum http_result result;
    struct fault fault; // for result != HTTP_OK: libcurl's own words
    int status; // 200; 0 without an answer; also set when the body broke off behind the headers
    const struct http_header
        *headers; // of the final answer, in order, repeated ones kept; borrowed
    size_t header_count;
    struct str body; // decompressed; borrowed until the callback returns
    int64_t elapsed_ms;
    int64_t connect_ms;   // 0 on a reused connection
    char tls_version[16]; // "TLSv1.3"; empty without TLS or want_certificate, or on a reused
                          // connection
    int64_t certificate_expires_ms; // of the server's certificate; 0 when unknown (only with
                                    // want_certificate)
};

struct http_request {
    const char *method;         // "POST"; NULL: GET. Also HEAD, PUT, PATCH, DELETE
    const char *url;            // complete; sent unchanged
    struct str body;            // copied, wiped after use; absent: none (a POST then has length 0)
    const char *const *headers; // "Name: value", copied; never logged
    size_t header_count;
    int64_t timeout_ms; // for all of it; > 0
    size_t max_body_bytes;
    bool want_certificate;
    // Optional: takes over the body buffer of the response to avoid a copy. When not NULL, the body
    // was received into it (reset first), and response.body borrows from it.
    struct buf *into;
    void (*done)(
        void *ctx,
        const struct http_response *response); // on the loop, exactly once unless cancelled
    void *ctx;
};

// Starts a request. Accepts gzip. Redirects are not followed (3xx is an answer). Credentials never
// go anywhere but to the URL's own host. Outcomes: 0, `*ret_call` is valid until `done` is called;
// -ENOMEM; -EINVAL (URL, method). POST and PATCH are sent once at most: on a connection of their
// own, because on one that is used again and found dead libcurl would send them a second time.
int http_send(struct http_client *c, const struct http_request *request,
              struct http_call **ret_call) MUST_USE;
// Gives the call up: `done` will not be called. NULL is fine. Returns NULL.
struct http_call *http_cancel(struct http_call *call);

// The first header of that name (any case); absent when there is none.
struct str http_header(const struct http_response *r, const char *name);

#endif
