// SPDX-License-Identifier: Apache-2.0
// Beats' `ssl` settings, read and checked once, and told to libcurl for every handle. A proxy that
// is spoken to over TLS is trusted as the server is, but is not shown the client's certificate.
#include "base/parse.h"
#include "http/tls-internal.h"

#include <errno.h>

enum {
    AUTHORITIES_MAX_BYTES = 16 * 1024 * 1024,
    PEM_MAX_BYTES = 1024 * 1024,
    LIST_MAX_BYTES = 8192
};

static int copy(char **to, const char *from) {
    if (!from) return 0;
    *to = mem_copy(from, strlen(from));
    return *to ? 0 : -ENOMEM;
}

static int load_authorities(struct tls_options *t, const struct http_tls *tls,
                            struct fault *fault) {
    for (size_t i = 0; i < tls->certificate_authority_count; i++) {
        int e = tls_pem_certificates(&t->authorities, "ssl.certificate_authorities",
                                     tls->certificate_authorities[i], fault);
        if (e) return e;
    }
    const char *file = getenv("SSL_CERT_FILE");
    return copy(&t->default_ca_file, file && file[0] ? file : NULL);
}

static bool parse_fingerprint(const char *text, unsigned char ret[TLS_FINGERPRINT_BYTES]) {
    size_t n = 0;
    for (; *text; text++) {
        if (*text == ':' && n % 2 == 0) continue;
        int digit = parse_hex_digit(*text);
        if (digit < 0 || n == (size_t)2 * TLS_FINGERPRINT_BYTES) return false;
        ret[n / 2] = (unsigned char)(n % 2 ? ret[n / 2] << 4 | digit : digit);
        n++;
    }
    return n == (size_t)2 * TLS_FINGERPRINT_BYTES;
}

static int load_fingerprint(struct tls_options *t, const struct http_tls *tls,
                            struct fault *fault) {
    if (!tls->ca_trusted_fingerprint) return 0;
    t->has_fingerprint = parse_fingerprint(tls->ca_trusted_fingerprint, t->fingerprint);
    if (t->has_fingerprint) return 0;
    return fault_set(
        fault, -EINVAL,
        "ssl.ca_trusted_fingerprint: not a SHA-256 in hex (64 digits, colons allowed)");
}

static int load_identity(struct tls_options *t, const struct http_tls *tls, struct fault *fault) {
    if (!tls->certificate && !tls->key) return 0;
    if (!tls->key)
        return fault_set(fault, -EINVAL, "ssl.key: missing, ssl.certificate is of no use alone");
    if (!tls->certificate)
        return fault_set(fault, -EINVAL, "ssl.certificate: missing, ssl.key is of no use alone");
    int e = tls_pem_certificates(&t->certificate, "ssl.certificate", tls->certificate, fault);
    if (!e) e = tls_pem_key(&t->key, tls->key, tls->key_passphrase, fault);
    if (!e) e = tls_pem_match(&t->certificate, &t->key, tls->key_passphrase, fault);
    if (!e) e = copy(&t->passphrase, tls->key_passphrase);
    return e;
}

static int load_versions(struct tls_options *t, const struct http_tls *tls, struct fault *fault) {
    static const long oldest[] = {
        [HTTP_TLS_ANY] = CURL_SSLVERSION_TLSv1_2,
        [HTTP_TLS_1_2] = CURL_SSLVERSION_TLSv1_2,
        [HTTP_TLS_1_3] = CURL_SSLVERSION_TLSv1_3,
    };
    static const long newest[] = {
        [HTTP_TLS_ANY] = CURL_SSLVERSION_MAX_DEFAULT,
        [HTTP_TLS_1_2] = CURL_SSLVERSION_MAX_TLSv1_2,
        [HTTP_TLS_1_3] = CURL_SSLVERSION_MAX_TLSv1_3,
    };
    if ((size_t)tls->oldest >= LEN(oldest) || (size_t)tls->newest >= LEN(newest) ||
        (tls->newest != HTTP_TLS_ANY && tls->oldest > tls->newest))
        return fault_set(fault, -EINVAL,
                         "ssl.supported_protocols: the oldest version is newer than the newest");
    t->versions = oldest[tls->oldest] | newest[tls->newest];
    return 0;
}

static int load_ciphers(struct tls_options *t, const struct http_tls *tls, struct fault *fault) {
    for (size_t i = 0; i < tls->cipher_suite_count; i++) {
        int e = tls_cipher_add(t, tls->cipher_suites[i], fault);
        if (e) return e;
    }
    // Both are read as C strings from now on.
    return buf_z(&t->ciphers) && buf_z(&t->ciphers_1_3) ? 0 : -ENOMEM;
}

int tls_options_load(struct tls_options *t, const struct http_tls *tls, struct fault *fault) {
    static int (*const steps[])(struct tls_options *, const struct http_tls *, struct fault *) = {
        load_authorities, load_fingerprint, load_identity, load_versions, load_ciphers,
    };
    *t = (struct tls_options){
        .authorities = buf_make(AUTHORITIES_MAX_BYTES),
        .certificate = buf_make(PEM_MAX_BYTES),
        .key = buf_make(PEM_MAX_BYTES),
        .verify = tls->verify,
        .ciphers = buf_make(LIST_MAX_BYTES),
        .ciphers_1_3 = buf_make(LIST_MAX_BYTES),
    };
    for (size_t i = 0; i < LEN(steps); i++) {
        int e = steps[i](t, tls, fault);
        if (e) return e;
    }
    return 0;
}

int http_tls_check(const struct http_tls *tls, struct fault *fault) {
    AUTO_FINI(tls_options) struct tls_options t;
    return tls_options_load(&t, tls, fault);
}

void tls_options_fini(struct tls_options *t) {
    if (t->key.p) explicit_bzero(t->key.p, t->key.cap);
    if (t->passphrase) explicit_bzero(t->passphrase, strlen(t->passphrase));
    buf_fini(&t->authorities);
    buf_fini(&t->certificate);
    buf_fini(&t->key);
    buf_fini(&t->ciphers);
    buf_fini(&t->ciphers_1_3);
    free(TAKE(t->passphrase));
    free(TAKE(t->default_ca_file));
}

static bool set_number(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

static bool set_text(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

static bool set_blob(CURL *easy, CURLoption option, const struct buf *content) {
    struct curl_blob blob = {content->p, content->n, CURL_BLOB_NOCOPY};
    return curl_easy_setopt(easy, option, &blob) == CURLE_OK;
}

static bool set_verification(const struct tls_options *t, CURL *easy) {
    long chain = t->verify == HTTP_VERIFY_NONE ? 0 : 1;
    long name = t->verify == HTTP_VERIFY_NONE || t->verify == HTTP_VERIFY_CERTIFICATE ? 0 : 2;
    return set_number(easy, CURLOPT_SSL_VERIFYPEER, chain) &&
           set_number(easy, CURLOPT_SSL_VERIFYHOST, name) &&
           set_number(easy, CURLOPT_PROXY_SSL_VERIFYPEER, chain) &&
           set_number(easy, CURLOPT_PROXY_SSL_VERIFYHOST, name);
}

static bool set_authorities(const struct tls_options *t, CURL *easy) {
    if (t->authorities.n > 0)
        return set_blob(easy, CURLOPT_CAINFO_BLOB, &t->authorities) &&
               set_blob(easy, CURLOPT_PROXY_CAINFO_BLOB, &t->authorities) &&
               set_text(easy, CURLOPT_CAINFO, NULL) && set_text(easy, CURLOPT_CAPATH, NULL) &&
               set_text(easy, CURLOPT_PROXY_CAINFO, NULL) &&
               set_text(easy, CURLOPT_PROXY_CAPATH, NULL);
    if (!t->default_ca_file) return true;
    return set_text(easy, CURLOPT_CAINFO, t->default_ca_file) &&
           set_text(easy, CURLOPT_PROXY_CAINFO, t->default_ca_file);
}

static bool set_own_verification(const struct tls_options *t, CURL *easy) {
    bool needed = t->has_fingerprint || t->verify == HTTP_VERIFY_STRICT;
    if (!needed || t->verify == HTTP_VERIFY_NONE) return true;
    return curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, tls_verify_install) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, t) == CURLE_OK;
}

static bool set_identity(const struct tls_options *t, CURL *easy) {
    if (t->certificate.n == 0) return true;
    return set_blob(easy, CURLOPT_SSLCERT_BLOB, &t->certificate) &&
           set_blob(easy, CURLOPT_SSLKEY_BLOB, &t->key) &&
           (!t->passphrase || set_text(easy, CURLOPT_KEYPASSWD, t->passphrase));
}

static bool set_ciphers(const struct buf *list, CURL *easy, CURLoption option) {
    return list->n == 0 || set_text(easy, option, list->p);
}

bool tls_options_apply(const struct tls_options *t, CURL *easy) {
    return set_verification(t, easy) && set_authorities(t, easy) && set_own_verification(t, easy) &&
           set_identity(t, easy) && set_number(easy, CURLOPT_SSLVERSION, t->versions) &&
           set_ciphers(&t->ciphers, easy, CURLOPT_SSL_CIPHER_LIST) &&
           set_ciphers(&t->ciphers_1_3, easy, CURLOPT_TLS13_CIPHERS);
}
