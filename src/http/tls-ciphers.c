// SPDX-License-Identifier: Apache-2.0
// Beats name cipher suites neither as the RFCs do nor as OpenSSL does.
#include <errno.h>

#include "http/tls-internal.h"

struct cipher_row {
    const char *beats;
    const char *openssl; // NULL: OpenSSL does not offer it any more
};

static const struct cipher_row ciphers_1_3[] = {
    {"TLS-AES-128-GCM-SHA256", "TLS_AES_128_GCM_SHA256"},
    {"TLS-AES-256-GCM-SHA384", "TLS_AES_256_GCM_SHA384"},
    {"TLS-CHACHA20-POLY1305-SHA256", "TLS_CHACHA20_POLY1305_SHA256"},
};

static const struct cipher_row ciphers_1_2[] = {
    {"ECDHE-ECDSA-AES-128-CBC-SHA", "ECDHE-ECDSA-AES128-SHA"},
    {"ECDHE-ECDSA-AES-128-CBC-SHA256", "ECDHE-ECDSA-AES128-SHA256"},
    {"ECDHE-ECDSA-AES-128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"ECDHE-ECDSA-AES-256-CBC-SHA", "ECDHE-ECDSA-AES256-SHA"},
    {"ECDHE-ECDSA-AES-256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {"ECDHE-ECDSA-RC4-128-SHA", NULL},
    {"ECDHE-RSA-3DES-CBC3-SHA", NULL},
    {"ECDHE-RSA-AES-128-CBC-SHA", "ECDHE-RSA-AES128-SHA"},
    {"ECDHE-RSA-AES-128-CBC-SHA256", "ECDHE-RSA-AES128-SHA256"},
    {"ECDHE-RSA-AES-128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {"ECDHE-RSA-AES-256-CBC-SHA", "ECDHE-RSA-AES256-SHA"},
    {"ECDHE-RSA-AES-256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {"ECDHE-RSA-CHACHA20-POLY1205", "ECDHE-RSA-CHACHA20-POLY1305"}, // so misspelt in Beats
    {"ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"ECDHE-RSA-RC4-128-SHA", NULL},
    {"RSA-3DES-CBC3-SHA", NULL},
    {"RSA-AES-128-CBC-SHA", "AES128-SHA"},
    {"RSA-AES-128-CBC-SHA256", "AES128-SHA256"},
    {"RSA-AES-128-GCM-SHA256", "AES128-GCM-SHA256"},
    {"RSA-AES-256-CBC-SHA", "AES256-SHA"},
    {"RSA-AES-256-GCM-SHA384", "AES256-GCM-SHA384"},
    {"RSA-RC4-128-SHA", NULL},
};

static const struct cipher_row *find(const struct cipher_row *rows, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].beats, name) == 0) return &rows[i];
    return NULL;
}

static void list_known(struct buf *out, const struct cipher_row *rows, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (rows[i].openssl) buf_addf(out, "%s%s", out->n ? ", " : "", rows[i].beats);
}

static int unknown(const char *name, struct fault *fault) {
    AUTO_FINI(buf) struct buf known = buf_make(FAULT_TEXT_MAX);
    list_known(&known, ciphers_1_3, LEN(ciphers_1_3));
    list_known(&known, ciphers_1_2, LEN(ciphers_1_2));
    return fault_set(fault, -EINVAL, "ssl.cipher_suites: \"%.60s\" is not known; these are: %.*s",
                     name, STR_ARG(buf_str(&known)));
}

int tls_cipher_add(struct tls_options *t, const char *name, struct fault *fault) {
    struct buf *list = &t->ciphers_1_3;
    const struct cipher_row *row = find(ciphers_1_3, LEN(ciphers_1_3), name);
    if (!row) {
        list = &t->ciphers;
        row = find(ciphers_1_2, LEN(ciphers_1_2), name);
    }
    if (!row) return unknown(name, fault);
    if (!row->openssl)
        return fault_set(fault, -EINVAL,
                         "ssl.cipher_suites: %s is too weak, OpenSSL does not offer it any more",
                         name);
    if (list->n) buf_addc(list, ':');
    buf_addz(list, row->openssl);
    return list->error;
}
