// SPDX-License-Identifier: Apache-2.0
// Certificates and keys are looked into before a client is made: libcurl would find out at the
// first request only, and tell wrong passphrases from wrong files badly.
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/tls-internal.h"

enum { READ_BYTES = 64 * 1024 };

struct bio {
    BIO *bio;
};
static void bio_fini(struct bio *b) { BIO_free(b->bio); }
DEFINE_AUTO_FINI(bio)

struct pkey {
    EVP_PKEY *pkey;
};
static void pkey_fini(struct pkey *k) { EVP_PKEY_free(k->pkey); }
DEFINE_AUTO_FINI(pkey)

struct certificate {
    X509 *x509;
};
static void certificate_fini(struct certificate *c) { X509_free(c->x509); }
DEFINE_AUTO_FINI(certificate)

static bool is_inline(const char *value) {
    return str_starts(str_trim(str_from(value)), STR("-----BEGIN "));
}

// How a fault names where the bytes came from.
static const char *place(const char *value) {
    return is_inline(value) ? "what stands there" : value;
}

// Room for all of it is made at once: a buffer that grows would leave copies of a key behind.
static int read_fd(struct buf *out, int fd) {
    struct stat info;
    if (fstat(fd, &info) < 0) return -errno;
    size_t hint = S_ISREG(info.st_mode) && info.st_size > 0 ? (size_t)info.st_size : READ_BYTES;
    for (;;) {
        if (!buf_reserve(out, hint + 1)) return out->error;
        ssize_t n = read(fd, out->p + out->n, out->cap - out->n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        if (n == 0) return 0;
        out->n += (size_t)n;
        hint = READ_BYTES;
    }
}

static int read_file(struct buf *out, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int e = read_fd(out, fd);
    close(fd);
    return e;
}

static int load(struct buf *out, const char *setting, const char *value, struct fault *fault) {
    if (is_inline(value)) {
        buf_add_str(out, str_trim(str_from(value)));
        return out->error;
    }
    int e = read_file(out, value);
    if (e == 0 || e == -ENOMEM) return e;
    return fault_set(fault, -EINVAL, "%s: %s: %s", setting, value, error_text(e));
}

static BIO *bio_of(struct str text) {
    return text.n <= INT_MAX ? BIO_new_mem_buf(text.p, (int)text.n) : NULL;
}

// Certificates in the text, revocation lists and keys aside; -1 when it cannot be read.
static int count_certificates(struct str text) {
    AUTO_FINI(bio) struct bio in = {bio_of(text)};
    STACK_OF(X509_INFO) *all = in.bio ? PEM_X509_INFO_read_bio(in.bio, NULL, NULL, NULL) : NULL;
    ERR_clear_error();
    if (!all) return -1;
    int count = 0;
    for (int i = 0; i < sk_X509_INFO_num(all); i++)
        if (sk_X509_INFO_value(all, i)->x509) count++;
    sk_X509_INFO_pop_free(all, X509_INFO_free);
    return count;
}

int tls_pem_certificates(struct buf *out, const char *setting, const char *value,
                         struct fault *fault) {
    size_t from = out->n;
    int e = load(out, setting, value, fault);
    if (e) return e;
    int count = count_certificates(str_sub(buf_str(out), from, out->n));
    if (count < 0)
        return fault_set(fault, -EINVAL, "%s: %s is not a certificate in PEM form, or is damaged",
                         setting, place(value));
    if (count == 0)
        return fault_set(fault, -EINVAL, "%s: %s holds no certificate in PEM form", setting,
                         place(value));
    buf_addc(out, '\n'); // the file may lack one at its end
    return out->error;
}

struct passphrase {
    const char *text;
    bool asked;
};

static int give_passphrase(char *to, int size, int writing, void *data) {
    (void)writing;
    struct passphrase *p = data;
    p->asked = true;
    size_t n = p->text ? strlen(p->text) : 0;
    if (n == 0 || n > (size_t)size) return -1;
    memcpy(to, p->text, n);
    return (int)n;
}

static EVP_PKEY *read_key(struct str text, struct passphrase *passphrase) {
    AUTO_FINI(bio) struct bio in = {bio_of(text)};
    EVP_PKEY *key =
        in.bio ? PEM_read_bio_PrivateKey(in.bio, NULL, give_passphrase, passphrase) : NULL;
    ERR_clear_error();
    return key;
}

int tls_pem_key(struct buf *out, const char *value, const char *passphrase, struct fault *fault) {
    int e = load(out, "ssl.key", value, fault);
    if (e) return e;
    struct passphrase p = {.text = passphrase};
    AUTO_FINI(pkey) struct pkey key = {read_key(buf_str(out), &p)};
    if (key.pkey) return 0;
    if (p.asked && !passphrase)
        return fault_set(fault, -EINVAL,
                         "ssl.key: %s is encrypted, and there is no ssl.key_passphrase",
                         place(value));
    if (p.asked)
        return fault_set(fault, -EINVAL, "ssl.key_passphrase: does not decrypt ssl.key (%s)",
                         place(value));
    return fault_set(fault, -EINVAL, "ssl.key: %s holds no private key in PEM form", place(value));
}

int tls_pem_match(const struct buf *certificate, const struct buf *key, const char *passphrase,
                  struct fault *fault) {
    struct passphrase p = {.text = passphrase};
    AUTO_FINI(pkey) struct pkey k = {read_key(buf_str(key), &p)};
    AUTO_FINI(bio) struct bio in = {bio_of(buf_str(certificate))};
    if (!k.pkey || !in.bio) return -ENOMEM;
    AUTO_FINI(certificate)
    struct certificate c = {PEM_read_bio_X509(in.bio, NULL, NULL, NULL)};
    bool fits = c.x509 && X509_check_private_key(c.x509, k.pkey) == 1;
    ERR_clear_error();
    if (fits) return 0;
    return fault_set(fault, -EINVAL,
                     "ssl.key: does not belong to the first certificate of ssl.certificate");
}
