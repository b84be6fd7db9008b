// SPDX-License-Identifier: Apache-2.0
// What Beats can check and libcurl has no option for: a CA that is known by its fingerprint only
// and sent by the server itself, and certificates that name their host in the old way. OpenSSL's
// own verification does the rest, as ever.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "http/tls-internal.h"

static bool is_trusted_ca(const struct tls_options *t, X509 *certificate) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    return X509_digest(certificate, EVP_sha256(), digest, &n) == 1 && n == TLS_FINGERPRINT_BYTES &&
           memcmp(digest, t->fingerprint, n) == 0 && X509_check_ca(certificate) == 1;
}

// Beats do the same: the certificate joins those that are trusted anyway.
static void trust_by_fingerprint(const struct tls_options *t, X509_STORE_CTX *verification) {
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(verification);
    for (int i = 0; i < sk_X509_num(sent); i++) {
        X509 *certificate = sk_X509_value(sent, i);
        if (!is_trusted_ca(t, certificate)) continue;
        X509_STORE_add_cert(X509_STORE_CTX_get0_store(verification), certificate);
        // It may be an intermediate one.
        X509_STORE_CTX_set_flags(verification, X509_V_FLAG_PARTIAL_CHAIN);
        return;
    }
}

// With a name or address there, libcurl looks at nothing else.
static bool has_alternative_name(const X509 *certificate) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool has = false;
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
        int type = sk_GENERAL_NAME_value(names, i)->type;
        has |= type == GEN_DNS || type == GEN_IPADD;
    }
    GENERAL_NAMES_free(names);
    return has;
}

static int verify(X509_STORE_CTX *verification, void *data) {
    const struct tls_options *t = data;
    if (t->has_fingerprint) trust_by_fingerprint(t, verification);
    int good = X509_verify_cert(verification);
    if (good <= 0 || t->verify != HTTP_VERIFY_STRICT) return good;
    if (has_alternative_name(X509_STORE_CTX_get0_cert(verification))) return good;
    X509_STORE_CTX_set_error(verification, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

CURLcode tls_verify_install(CURL *easy, void *ssl_ctx, void *data) {
    (void)easy;
    SSL_CTX_set_cert_verify_callback(ssl_ctx, verify, data);
    return CURLE_OK;
}

static bool is_untrusted_chain(long result) {
    return result == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
           result == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
           result == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
           result == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

const char *tls_verify_words(const struct tls_options *t, CURL *easy) {
    long origin = X509_V_OK, proxy = X509_V_OK;
    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &origin);
    curl_easy_getinfo(easy, CURLINFO_PROXY_SSL_VERIFYRESULT, &proxy);
    long result = origin != X509_V_OK ? origin : proxy;
    if (result == X509_V_ERR_APPLICATION_VERIFICATION)
        return "the certificate has no subjectAltName, which verification_mode strict demands";
    if (t->has_fingerprint && is_untrusted_chain(result))
        return "the certificate is not trusted, and the server sends no CA certificate with the "
               "fingerprint ca_trusted_fingerprint";
    return NULL;
}
