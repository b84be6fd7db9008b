// SPDX-License-Identifier: Apache-2.0
// TLS and SASL. Certificates and keys are given as in Beats: the path of a file, or the text
// itself.
#include <errno.h>
#include <stdio.h>

#include "kafka/kafka-internal.h"

enum { PEM_MAX_BYTES = 4 << 20 };

static bool is_pem(const char *text) { return strstr(text, "-----BEGIN") != NULL; }

static int add_file(struct buf *out, const char *path, struct fault *fault) {
    FILE *file = fopen(path, "rbe");
    if (!file) return fault_set(fault, -errno, "%s: %s", path, error_text(-errno));
    char piece[4096];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, file)) > 0) buf_add(out, piece, n);
    bool bad = ferror(file);
    fclose(file);
    memset(piece, 0, sizeof piece);
    return bad ? fault_set(fault, -EIO, "%s: cannot be read", path) : out->error;
}

// One after the other, each ended by a line end.
static int gather(struct buf *out, const char *const *texts, size_t n, struct fault *fault) {
    for (size_t i = 0; i < n; i++) {
        int r = 0;
        if (is_pem(texts[i])) buf_addz(out, texts[i]);
        else r = add_file(out, texts[i], fault);
        if (r) return r;
        buf_addc(out, '\n');
    }
    return out->error;
}

static int set_pem(rd_kafka_conf_t *conf, const char *name, const char *const *texts, size_t n,
                   struct fault *fault) {
    AUTO_WIPED struct buf pem = buf_make(PEM_MAX_BYTES);
    if (n == 0 || !texts[0]) return 0;
    int r = gather(&pem, texts, n, fault);
    if (r) return r;
    const char *z = buf_z(&pem);
    return z ? kafka_conf_set(conf, name, z, fault)
             : fault_set(fault, -ENOMEM, "no memory for %s", name);
}

static int set_tls(rd_kafka_conf_t *conf, const struct kafka_opts *opts, struct fault *fault) {
    int r = set_pem(conf, "ssl.ca.pem", opts->certificate_authorities,
                    opts->certificate_authority_count, fault);
    if (r == 0) r = set_pem(conf, "ssl.certificate.pem", &opts->certificate, 1, fault);
    if (r == 0) r = kafka_conf_set(conf, "ssl.key.password", opts->key_passphrase, fault);
    if (r == 0) r = set_pem(conf, "ssl.key.pem", &opts->key_file, 1, fault);
    if (r == 0 && opts->verify_none)
        r = kafka_conf_set(conf, "enable.ssl.certificate.verification", "false", fault);
    return r;
}

static int set_sasl(rd_kafka_conf_t *conf, const struct kafka_opts *opts, struct fault *fault) {
    const char *mechanism = opts->sasl_mechanism ? opts->sasl_mechanism : "PLAIN";
    int r = kafka_conf_set(conf, "sasl.mechanism", mechanism, fault);
    if (r == 0) r = kafka_conf_set(conf, "sasl.username", opts->username, fault);
    if (r == 0) r = kafka_conf_set(conf, "sasl.password", opts->password, fault);
    return r;
}

int kafka_conf_secure(rd_kafka_conf_t *conf, const struct kafka_opts *opts, struct fault *fault) {
    static const char *const protocols[2][2] = {{"plaintext", "sasl_plaintext"},
                                                {"ssl", "sasl_ssl"}};
    bool sasl = opts->username || opts->sasl_mechanism;
    int r = kafka_conf_set(conf, "security.protocol", protocols[opts->tls][sasl], fault);
    if (r == 0 && opts->tls) r = set_tls(conf, opts, fault);
    if (r == 0 && sasl) r = set_sasl(conf, opts, fault);
    return r;
}
