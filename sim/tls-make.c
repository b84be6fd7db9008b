// SPDX-License-Identifier: Apache-2.0
#include "sim/tls-make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/cert.h"
#include "sim/ingest.h"
#include "sim/options.h"

enum { PEM_MAX_BYTES = 1 << 20, OWN_NAMES = 3 };

static int write_all(int fd, struct str text) {
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno != EINTR) return -errno;
        if (n > 0) text = str_sub(text, (size_t)n, text.n);
    }
    return 0;
}

static int join(char ret[TLS_MAKE_PATH_MAX], const char *folder, const char *name) {
    int n = snprintf(ret, TLS_MAKE_PATH_MAX, "%s/%s", folder, name);
    return n < 0 || n >= TLS_MAKE_PATH_MAX ? -ENAMETOOLONG : 0;
}

// By a rename, so that nobody reads half a file.
static int write_file(const char *path, struct str text, mode_t mode) {
    char fresh[TLS_MAKE_PATH_MAX + 32];
    snprintf(fresh, sizeof fresh, "%s.%ld", path, (long)getpid());
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) return -errno;
    int e = write_all(fd, text);
    if (close(fd) && !e) e = -errno;
    if (!e && rename(fresh, path)) e = -errno;
    if (e) unlink(fresh);
    return e;
}

// Both halves of a pair, the certificate last: where it is, its key is, too.
static int write_pair(const char *folder, const char *cert_name, const char *key_name,
                      const struct buf *cert, const struct buf *key) {
    char cert_path[TLS_MAKE_PATH_MAX], key_path[TLS_MAKE_PATH_MAX];
    int e = join(cert_path, folder, cert_name);
    if (!e) e = join(key_path, folder, key_name);
    if (!e) e = write_file(key_path, buf_str(key), 0600);
    if (!e) e = write_file(cert_path, buf_str(cert), 0644);
    return e;
}

static int read_named(struct buf *out, const char *folder, const char *name) {
    char path[TLS_MAKE_PATH_MAX];
    int e = join(path, folder, name);
    return e ? e : ingest_read_file(out, path);
}

static int new_ca(struct crypto_ca **ret, const char *folder) {
    AUTO_FINI(buf) struct buf cert = buf_make(PEM_MAX_BYTES);
    AUTO_FINI(buf) struct buf key = buf_make(PEM_MAX_BYTES);
    AUTO(crypto_ca) struct crypto_ca *ca = NULL;
    int e = crypto_ca_new(&ca, "okta-sim test authority");
    if (!e) e = crypto_ca_pem(ca, &cert, &key);
    if (!e) e = write_pair(folder, "ca.pem", "ca-key.pem", &cert, &key);
    if (!e) *ret = TAKE(ca);
    return e;
}

static int get_ca(struct crypto_ca **ret, const char *folder, struct fault *fault) {
    AUTO_FINI(buf) struct buf cert = buf_make(PEM_MAX_BYTES);
    AUTO_FINI(buf) struct buf key = buf_make(PEM_MAX_BYTES);
    struct fault inner = {.text = ""};
    int e = read_named(&cert, folder, "ca.pem");
    if (e == -ENOENT) return new_ca(ret, folder);
    if (!e) e = read_named(&key, folder, "ca-key.pem");
    if (e) return e;
    e = crypto_ca_load(ret, buf_str(&cert), buf_str(&key), &inner);
    return e > 0 ? fault_set(fault, -EINVAL, "--tls-make %s: %s", folder, inner.text) : e;
}

static int issue(const struct crypto_ca *ca, const char *folder, const char *const *names,
                 size_t n) {
    AUTO_FINI(buf) struct buf cert = buf_make(PEM_MAX_BYTES);
    AUTO_FINI(buf) struct buf key = buf_make(PEM_MAX_BYTES);
    int e = crypto_ca_issue(ca, names, n, &cert, &key);
    return e ? e : write_pair(folder, "server.pem", "server-key.pem", &cert, &key);
}

static int make(struct tls_made *ret, const char *folder, const char *const *names, size_t n,
                struct fault *fault) {
    const char *all[OWN_NAMES + OPTIONS_REPEAT_MAX] = {"localhost", "127.0.0.1", "::1"};
    AUTO(crypto_ca) struct crypto_ca *ca = NULL;
    for (size_t i = 0; i < n; i++) all[OWN_NAMES + i] = names[i];
    if (mkdir(folder, 0755) && errno != EEXIST) return -errno;
    int e = get_ca(&ca, folder, fault);
    if (!e) e = issue(ca, folder, all, OWN_NAMES + n);
    if (!e) e = join(ret->cert, folder, "server.pem");
    return e ? e : join(ret->key, folder, "server-key.pem");
}

int tls_make(struct tls_made *ret, const char *folder, const char *const *names, size_t n,
             struct fault *fault) {
    struct tls_made made;
    fault->text[0] = '\0';
    int e = make(&made, folder, names, n, fault);
    if (!e) *ret = made;
    if (!e || fault->text[0]) return e;
    return fault_set(fault, e, "--tls-make %s: %s", folder, error_text(e));
}
