// SPDX-License-Identifier: Apache-2.0
// What was read from the files is immutable and counted. A connection holds what its handshake
// used, so new certificates can be put in place at any time.
#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/server-internal.h"

enum { PEM_MAX_BYTES = 1 << 20, CERTIFICATES_MAX = 16, KEY_ID_BYTES = 32 };

struct tls_chain {
    atomic_uint refs;
    gnutls_pcert_st certificate[CERTIFICATES_MAX];
    unsigned n;
    gnutls_privkey_t key;
};

struct tls_keys {
    char *cert_file, *key_file;
    pthread_mutex_t lock;
    struct tls_chain *chain; // locked
};

void tls_chain_drop(struct tls_chain *c) {
    if (!c || atomic_fetch_sub(&c->refs, 1) > 1) return;
    for (unsigned i = 0; i < c->n; i++) gnutls_pcert_deinit(&c->certificate[i]);
    if (c->key) gnutls_privkey_deinit(c->key);
    free(c);
}

static void tls_chain_auto_drop(struct tls_chain **c) { tls_chain_drop(*c); }

static int read_fd(struct buf *out, int fd) {
    while (out->n < PEM_MAX_BYTES) {
        if (!buf_reserve(out, PEM_MAX_BYTES - out->n)) return -ENOMEM;
        ssize_t n = read(fd, out->p + out->n, PEM_MAX_BYTES - out->n);
        if (n < 0) return -errno;
        if (n == 0) return 0;
        out->n += (size_t)n;
    }
    return -EFBIG;
}

static int read_file(struct buf *out, const char *what, const char *path, struct fault *fault) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int e = fd < 0 ? -errno : read_fd(out, fd);
    if (fd >= 0) close(fd);
    return e ? fault_set(fault, e, "%s %s: %s", what, path, error_text(e)) : 0;
}

static int bad_file(struct fault *fault, const char *what, const char *path, const char *why) {
    return fault_set(fault, -EINVAL, "%s %s: %s", what, path, why);
}

static gnutls_datum_t datum(const struct buf *b) {
    return (gnutls_datum_t){(unsigned char *)b->p, (unsigned)b->n};
}

static int read_certificates(struct tls_chain *c, struct buf *text, const char *path,
                             struct fault *fault) {
    const char *what = "certificate file";
    int e = read_file(text, what, path, fault);
    if (e) return e;
    gnutls_datum_t pem = datum(text);
    unsigned n = CERTIFICATES_MAX;
    e = gnutls_pcert_list_import_x509_raw(c->certificate, &n, &pem, GNUTLS_X509_FMT_PEM, 0);
    if (e == GNUTLS_E_SHORT_MEMORY_BUFFER)
        return bad_file(fault, what, path, "more than 16 certificates");
    if (e == GNUTLS_E_NO_CERTIFICATE_FOUND || e == GNUTLS_E_BASE64_DECODING_ERROR)
        return bad_file(fault, what, path, "no certificate in PEM form is in it");
    if (e < 0) return bad_file(fault, what, path, gnutls_strerror(e));
    c->n = n;
    return n ? 0 : bad_file(fault, what, path, "no certificate in PEM form is in it");
}

static const char *key_problem(int e, struct str text) {
    bool encrypted = str_find(text, STR("ENCRYPTED")) < text.n;
    if (encrypted) return "the key is encrypted: it is needed without a passphrase";
    if (e == GNUTLS_E_BASE64_UNEXPECTED_HEADER_ERROR || e == GNUTLS_E_BASE64_DECODING_ERROR ||
        e == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return "no private key in PEM form is in it";
    return gnutls_strerror(e);
}

static int read_key(struct tls_chain *c, const char *path, struct fault *fault) {
    const char *what = "key file";
    AUTO_WIPED struct buf text = buf_make(PEM_MAX_BYTES);
    int e = read_file(&text, what, path, fault);
    if (e) return e;
    gnutls_datum_t pem = datum(&text);
    e = gnutls_privkey_init(&c->key);
    if (e >= 0) e = gnutls_privkey_import_x509_raw(c->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    return e < 0 ? bad_file(fault, what, path, key_problem(e, buf_str(&text))) : 0;
}

static int key_id(gnutls_pubkey_t key, unsigned char ret[KEY_ID_BYTES]) {
    size_t n = KEY_ID_BYTES;
    return gnutls_pubkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, ret, &n);
}

// Does the key belong to the first certificate?
static bool is_pair(const struct tls_chain *c) {
    unsigned char of_key[KEY_ID_BYTES], of_certificate[KEY_ID_BYTES];
    gnutls_pubkey_t public;
    if (gnutls_pubkey_init(&public) < 0) return false;
    bool same = gnutls_pubkey_import_privkey(public, c->key, 0, 0) >= 0 &&
                key_id(public, of_key) >= 0 &&
                key_id(c->certificate[0].pubkey, of_certificate) >= 0 &&
                memcmp(of_key, of_certificate, KEY_ID_BYTES) == 0;
    gnutls_pubkey_deinit(public);
    return same;
}

static int read_chain(struct tls_chain **ret, const struct tls_keys *k, struct fault *fault) {
    __attribute__((cleanup(tls_chain_auto_drop))) struct tls_chain *c = mem_new(sizeof *c);
    if (!c) return fault_set(fault, -ENOMEM, "no memory");
    atomic_init(&c->refs, 1);
    AUTO_FINI(buf) struct buf text = buf_make(PEM_MAX_BYTES);
    int e = read_certificates(c, &text, k->cert_file, fault);
    if (!e) e = read_key(c, k->key_file, fault);
    if (e) return e;
    if (!is_pair(c))
        return fault_set(fault, -EINVAL,
                         "key file %s: the key does not belong to the first certificate in %s",
                         k->key_file, k->cert_file);
    *ret = TAKE(c);
    return 0;
}

int tls_keys_reload(struct tls_keys *k, struct fault *fault) {
    struct tls_chain *fresh = NULL;
    int e = read_chain(&fresh, k, fault);
    if (e) return e;
    pthread_mutex_lock(&k->lock);
    struct tls_chain *old = k->chain;
    k->chain = fresh;
    pthread_mutex_unlock(&k->lock);
    tls_chain_drop(old);
    return 0;
}

int tls_keys_new(struct tls_keys **ret, const char *cert_file, const char *key_file,
                 struct fault *fault) {
    AUTO(tls_keys) struct tls_keys *k = mem_new(sizeof *k);
    if (!k) return fault_set(fault, -ENOMEM, "no memory");
    pthread_mutex_init(&k->lock, NULL);
    k->cert_file = mem_copy(cert_file, strlen(cert_file));
    k->key_file = mem_copy(key_file, strlen(key_file));
    if (!k->cert_file || !k->key_file) return fault_set(fault, -ENOMEM, "no memory");
    int e = tls_keys_reload(k, fault);
    if (!e) *ret = TAKE(k);
    return e;
}

struct tls_keys *tls_keys_free(struct tls_keys *k) {
    if (!k) return NULL;
    tls_chain_drop(k->chain);
    pthread_mutex_destroy(&k->lock);
    free(k->cert_file);
    free(k->key_file);
    free(k);
    return NULL;
}

static struct tls_chain *hold(struct tls_keys *k) {
    pthread_mutex_lock(&k->lock);
    struct tls_chain *c = k->chain;
    atomic_fetch_add(&c->refs, 1);
    pthread_mutex_unlock(&k->lock);
    return c;
}

int tls_choose(struct gnutls_session_int *session, const struct gnutls_cert_retr_st *info,
               gnutls_pcert_st **ret, unsigned *ret_n, gnutls_ocsp_data_st **ocsp, unsigned *ocsp_n,
               gnutls_privkey_t *key, unsigned *flags) {
    (void)info;
    struct link *l = link_of(gnutls_session_get_ptr(session));
    if (!l) return -1;
    if (!l->chain) l->chain = hold(l->server->keys);
    *ret = l->chain->certificate;
    *ret_n = l->chain->n;
    *key = l->chain->key;
    *ocsp = NULL;
    *ocsp_n = 0;
    *flags = 0;
    return 0;
}
