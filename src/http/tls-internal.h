// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_TLS_INTERNAL_H
#define HTTP_TLS_INTERNAL_H
// `struct http_tls`, read and checked: tls.c (what libcurl is told), tls-pem.c (files and what is
// in them), tls-ciphers.c (names of cipher suites), tls-verify.c (what libcurl has no option for).

#include <curl/curl.h>

#include "http/client.h"

enum { TLS_FINGERPRINT_BYTES = 32 };

struct tls_options {
    struct buf authorities;      // PEM; empty: not given
    char *default_ca_file;       // SSL_CERT_FILE; NULL: libcurl's own default
    struct buf certificate, key; // PEM; empty: not given
    char *passphrase;            // NULL: none
    enum http_verify verify;
    bool has_fingerprint;
    unsigned char fingerprint[TLS_FINGERPRINT_BYTES];
    long versions;                   // for CURLOPT_SSLVERSION
    struct buf ciphers, ciphers_1_3; // OpenSSL's names, joined by ':'; empty: not given
};

// tls.c. Outcomes: 0; -ENOMEM; -EINVAL with fault. To be finished in any case.
int tls_options_load(struct tls_options *t, const struct http_tls *tls,
                     struct fault *fault) MUST_USE;
void tls_options_fini(struct tls_options *t); // wipes key and passphrase
DEFINE_AUTO_FINI(tls_options)
// Sets the options of one handle. `t` must outlive the connections that it makes. False when
// libcurl refuses or has no memory.
bool tls_options_apply(const struct tls_options *t, CURL *easy) MUST_USE;

// tls-pem.c. All: 0; -ENOMEM; -EINVAL with fault, which begins with the name of the setting.
// Appends a PEM, or the file that the value names. Certificates must be in it.
int tls_pem_certificates(struct buf *out, const char *setting, const char *value,
                         struct fault *fault) MUST_USE;
// The private key; the passphrase may be NULL.
int tls_pem_key(struct buf *out, const char *value, const char *passphrase,
                struct fault *fault) MUST_USE;
// Whether the first certificate is one of this key.
int tls_pem_match(const struct buf *certificate, const struct buf *key, const char *passphrase,
                  struct fault *fault) MUST_USE;

// tls-ciphers.c. Adds OpenSSL's name for Beats' to the list that it belongs to. Outcomes as above.
int tls_cipher_add(struct tls_options *t, const char *name, struct fault *fault) MUST_USE;

// tls-verify.c. For CURLOPT_SSL_CTX_FUNCTION, with a `const struct tls_options` as its data.
CURLcode tls_verify_install(CURL *easy, void *ssl_ctx, void *data);
// What the certificate lacked, when libcurl's words do not say so; NULL when they do.
const char *tls_verify_words(const struct tls_options *t, CURL *easy);

#endif
