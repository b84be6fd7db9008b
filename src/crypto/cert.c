// SPDX-License-Identifier: Apache-2.0
// A certificate is put together in OpenSSL's object and signed last. What OpenSSL refuses here is
// for want of memory, since nothing comes from outside but the names.
#include "crypto/cert.h"

#include <errno.h>

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/key-internal.h"

enum { VERSION_3 = 2, DAY_S = 86400, CA_DAYS = 3650, SERVER_DAYS = 365, SERIAL_BYTES = 16 };
enum { PEM_MAX_BYTES = 64 << 10 };

struct crypto_ca {
    X509 *cert;
    struct crypto_key *key;
};

DEFINE_AUTO_OPENSSL(x509, X509, X509_free)
DEFINE_AUTO_OPENSSL(names, GENERAL_NAMES, GENERAL_NAMES_free)
DEFINE_AUTO_OPENSSL(name, GENERAL_NAME, GENERAL_NAME_free)
DEFINE_AUTO_OPENSSL(extension, X509_EXTENSION, X509_EXTENSION_free)
DEFINE_AUTO_OPENSSL(ip, ASN1_OCTET_STRING, ASN1_OCTET_STRING_free)

struct crypto_ca *crypto_ca_free(struct crypto_ca *ca) {
    if (!ca) return NULL;
    X509_free(ca->cert);
    crypto_key_free(ca->key);
    free(ca);
    return NULL;
}

static int add_pem(struct buf *out, X509 *cert) {
    AUTO_OPENSSL(bio) BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    if (!bio || PEM_write_bio_X509(bio, cert) != 1) return openssl_failed(-ENOMEM);
    long n = BIO_get_mem_data(bio, &text);
    if (n > 0) buf_add(out, text, (size_t)n);
    return out->error;
}

// Positive, and never the same twice.
static int set_serial(X509 *cert) {
    uint8_t bytes[SERIAL_BYTES];
    int e = crypto_random(bytes, sizeof bytes);
    if (e) return e;
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    AUTO_OPENSSL(bn) BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    return set ? 0 : openssl_failed(-ENOMEM);
}

static int set_common_name(X509_NAME *name, const char *text) {
    int set = X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)text, -1,
                                         -1, 0);
    return set == 1 ? 0 : openssl_failed(-EINVAL);
}

// Version, serial number, validity and key.
static int fill(X509 *cert, const struct crypto_key *key, long days) {
    int e = set_serial(cert);
    if (e) return e;
    bool good = X509_set_version(cert, VERSION_3) == 1 &&
                X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S) &&
                X509_gmtime_adj(X509_getm_notAfter(cert), days * DAY_S) &&
                X509_set_pubkey(cert, key->pkey) == 1;
    return good ? 0 : openssl_failed(-ENOMEM);
}

struct extension {
    int nid;
    const char *value; // in OpenSSL's notation
};

static const struct extension ca_extensions[] = {
    {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
    {NID_key_usage, "critical,keyCertSign,cRLSign"},
    {NID_subject_key_identifier, "hash"},
};

static const struct extension server_extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "serverAuth"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid"},
};

static int add_extensions(X509 *cert, X509 *issuer, const struct extension *rows, size_t n) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    for (size_t i = 0; i < n; i++) {
        AUTO_OPENSSL(extension)
        X509_EXTENSION *made = X509V3_EXT_conf_nid(NULL, &context, rows[i].nid, rows[i].value);
        if (!made || X509_add_ext(cert, made, -1) != 1) return openssl_failed(-ENOMEM);
    }
    return 0;
}

static int sign(X509 *cert, const struct crypto_key *key) {
    return X509_sign(cert, key->pkey, EVP_sha256()) > 0 ? 0 : openssl_failed(-EIO);
}

static int make_ca_cert(struct crypto_ca *ca, const char *name) {
    ca->cert = X509_new();
    if (!ca->cert) return openssl_failed(-ENOMEM);
    X509_NAME *subject = X509_get_subject_name(ca->cert);
    int e = set_common_name(subject, name);
    if (!e && X509_set_issuer_name(ca->cert, subject) != 1) e = openssl_failed(-ENOMEM);
    if (!e) e = fill(ca->cert, ca->key, CA_DAYS);
    if (!e) e = add_extensions(ca->cert, ca->cert, ca_extensions, LEN(ca_extensions));
    return e ? e : sign(ca->cert, ca->key);
}

int crypto_ca_new(struct crypto_ca **ret, const char *name) {
    AUTO(crypto_ca) struct crypto_ca *ca = mem_new(sizeof *ca);
    if (!ca) return -ENOMEM;
    int e = crypto_key_generate(&ca->key, CRYPTO_P256);
    if (!e) e = make_ca_cert(ca, name);
    if (e) return e;
    *ret = TAKE(ca);
    return 0;
}

static int read_cert(X509 **ret, struct str pem) {
    if (pem.n > PEM_MAX_BYTES) return CRYPTO_E_NO_CA;
    AUTO_OPENSSL(bio) BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    if (!bio) return openssl_failed(-ENOMEM);
    *ret = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    return *ret ? 0 : openssl_failed(CRYPTO_E_NO_CA);
}

int crypto_ca_load(struct crypto_ca **ret, struct str cert_pem, struct str key_pem,
                   struct fault *fault) {
    AUTO(crypto_ca) struct crypto_ca *ca = mem_new(sizeof *ca);
    if (!ca) return -ENOMEM;
    int e = read_cert(&ca->cert, cert_pem);
    if (e > 0) return fault_set(fault, CRYPTO_E_NO_CA, "not a certificate in PEM");
    if (!e) e = crypto_key_from_pem(&ca->key, key_pem, fault);
    if (e) return e > 0 ? CRYPTO_E_NO_CA : e;
    bool pair = X509_check_private_key(ca->cert, ca->key->pkey) == 1 && X509_check_ca(ca->cert);
    if (!pair || !crypto_key_is_private(ca->key)) {
        e = openssl_failed(CRYPTO_E_NO_CA);
        return e < 0 ? e : fault_set(fault, e, "certificate and key are not those of a CA");
    }
    *ret = TAKE(ca);
    return 0;
}

int crypto_ca_pem(const struct crypto_ca *ca, struct buf *cert, struct buf *key) {
    int e = add_pem(cert, ca->cert);
    if (!e) e = crypto_key_private_pem(ca->key, key);
    return e ? e : key->error;
}

static int set_name(GENERAL_NAME *name, const char *text) {
    AUTO_OPENSSL(ip) ASN1_OCTET_STRING *ip = a2i_IPADDRESS(text);
    if (ip) {
        GENERAL_NAME_set0_value(name, GEN_IPADD, ip);
        ip = NULL;
        return 0;
    }
    int e = openssl_outcome(true, 0);
    if (e) return e;
    ASN1_IA5STRING *dns = ASN1_IA5STRING_new();
    if (!dns) return openssl_failed(-ENOMEM);
    GENERAL_NAME_set0_value(name, GEN_DNS, dns);
    return ASN1_STRING_set(dns, text, -1) == 1 ? 0 : openssl_failed(-ENOMEM);
}

static int add_names(X509 *cert, const char *const *names, size_t n) {
    AUTO_OPENSSL(names) GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    if (!all) return openssl_failed(-ENOMEM);
    for (size_t i = 0; i < n; i++) {
        AUTO_OPENSSL(name) GENERAL_NAME *name = names[i][0] ? GENERAL_NAME_new() : NULL;
        int e = name ? set_name(name, names[i]) : openssl_failed(-EINVAL);
        if (e) return e;
        if (sk_GENERAL_NAME_push(all, name) <= 0) return openssl_failed(-ENOMEM);
        name = NULL;
    }
    int added = X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT);
    return added == 1 ? 0 : openssl_failed(-ENOMEM);
}

static int make_server_cert(const struct crypto_ca *ca, X509 *cert, const struct crypto_key *key,
                            const char *const *names, size_t n) {
    int e = set_common_name(X509_get_subject_name(cert), names[0]);
    if (!e && X509_set_issuer_name(cert, X509_get_subject_name(ca->cert)) != 1)
        e = openssl_failed(-ENOMEM);
    if (!e) e = fill(cert, key, SERVER_DAYS);
    if (!e) e = add_extensions(cert, ca->cert, server_extensions, LEN(server_extensions));
    if (!e) e = add_names(cert, names, n);
    return e ? e : sign(cert, ca->key);
}

int crypto_ca_issue(const struct crypto_ca *ca, const char *const *names, size_t n,
                    struct buf *cert, struct buf *key) {
    AUTO(crypto_key) struct crypto_key *made = NULL;
    AUTO_OPENSSL(x509) X509 *x509 = X509_new();
    if (n == 0) return -EINVAL;
    int e = x509 ? crypto_key_generate(&made, CRYPTO_P256) : openssl_failed(-ENOMEM);
    if (!e) e = make_server_cert(ca, x509, made, names, n);
    if (!e) e = add_pem(cert, x509);
    if (!e) e = crypto_key_private_pem(made, key);
    return e ? e : key->error;
}
