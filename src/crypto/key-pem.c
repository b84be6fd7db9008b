// SPDX-License-Identifier: Apache-2.0
// Reading PEM (RFC 7468). The blocks are found here, so that what is not wanted gets a name and an
// advice; only the one block that is a key goes to OpenSSL.
#include <errno.h>
#include <openssl/pem.h>

#include "crypto/key-internal.h"

enum { PEM_MAX_BYTES = 64 << 10 };

#define DECRYPT "the key is encrypted; decrypt it first: openssl pkey -in FILE -out NEW_FILE"

enum block_kind { BLOCK_PRIVATE, BLOCK_PUBLIC, BLOCK_PASS_OVER, BLOCK_REFUSE };

// What a block may be called.
static const struct label {
    const char *name;
    enum block_kind kind;
    int outcome; // of BLOCK_REFUSE
    const char *why;
} labels[] = {
    {"PRIVATE KEY", BLOCK_PRIVATE, 0, NULL},
    {"RSA PRIVATE KEY", BLOCK_PRIVATE, 0, NULL},
    {"EC PRIVATE KEY", BLOCK_PRIVATE, 0, NULL},
    {"PUBLIC KEY", BLOCK_PUBLIC, 0, NULL},
    {"EC PARAMETERS", BLOCK_PASS_OVER, 0, NULL},
    {"ENCRYPTED PRIVATE KEY", BLOCK_REFUSE, CRYPTO_E_NO_KEY, DECRYPT},
    {"OPENSSH PRIVATE KEY", BLOCK_REFUSE, CRYPTO_E_NO_KEY,
     "the key is in OpenSSH's own format; convert it first: ssh-keygen -p -m PKCS8 -f FILE"},
    {"RSA PUBLIC KEY", BLOCK_REFUSE, CRYPTO_E_NO_KEY,
     "the public key is in the format PKCS#1; convert it first: "
     "openssl rsa -RSAPublicKey_in -in FILE -pubout -out NEW_FILE"},
    {"CERTIFICATE", BLOCK_REFUSE, CRYPTO_E_NO_KEY, "a certificate where a key is expected"},
    {"CERTIFICATE REQUEST", BLOCK_REFUSE, CRYPTO_E_NO_KEY,
     "a certificate request where a key is expected"},
    {"DSA PRIVATE KEY", BLOCK_REFUSE, CRYPTO_E_UNFIT, "a DSA key; Okta takes RSA and EC"},
};

static const struct label *find_label(struct str name) {
    for (size_t i = 0; i < LEN(labels); i++)
        if (str_eqz(name, labels[i].name)) return &labels[i];
    return NULL;
}

static bool mentions(struct str text, struct str what) { return str_find(text, what) < text.n; }

// "PRIVATE KEY" of "-----BEGIN PRIVATE KEY-----"; absent when the line is no such line.
static struct str label_of(struct str line, struct str begins) {
    const struct str ends = STR("-----");
    if (line.n < begins.n + ends.n || !str_starts(line, begins) || !str_ends(line, ends))
        return STR_NONE;
    struct str label = str_sub(line, begins.n, line.n - ends.n);
    return mentions(label, ends) ? STR_NONE : label;
}

struct block {
    struct str label;
    struct str lines; // between BEGIN and END
};

static struct str next_line(struct str *rest) { return str_trim(str_split(rest, '\n')); }

// Goes to behind the next BEGIN line. Absent label in `ret`: there is none.
static int find_begin(struct str *rest, struct block *ret, struct fault *fault) {
    *ret = (struct block){.label = STR_NONE};
    while (rest->p && !ret->label.p) {
        struct str line = next_line(rest);
        ret->label = label_of(line, STR("-----BEGIN "));
        if (!ret->label.p && mentions(line, STR("-----BEGIN ")))
            return fault_set(fault, CRYPTO_E_NO_KEY,
                             "the PEM has lost its line breaks: the BEGIN line must stand alone");
    }
    if (rest->p || !ret->label.p) return 0;
    return fault_set(fault, CRYPTO_E_NO_KEY, "the PEM ends after its BEGIN line");
}

// The next block, and what stands behind it.
static int next_block(struct str *rest, struct block *ret, struct fault *fault) {
    int r = find_begin(rest, ret, fault);
    if (r || !ret->label.p) return r;
    const char *start = rest->p;
    while (rest->p) {
        const char *end = rest->p;
        struct str label = label_of(next_line(rest), STR("-----END "));
        if (!label.p) continue;
        if (!str_eq(label, ret->label)) break;
        ret->lines = (struct str){start, (size_t)(end - start)};
        return 0;
    }
    return fault_set(fault, CRYPTO_E_NO_KEY,
                     "the PEM block has no END line that fits its BEGIN line");
}

static int check_label(const struct block *block, const struct label **ret, struct fault *fault) {
    *ret = find_label(block->label);
    if (!*ret)
        return fault_set(fault, CRYPTO_E_NO_KEY,
                         "the PEM block is not a key: expected PRIVATE KEY, RSA PRIVATE KEY, "
                         "EC PRIVATE KEY or PUBLIC KEY");
    if ((*ret)->kind == BLOCK_REFUSE) return fault_set(fault, (*ret)->outcome, "%s", (*ret)->why);
    if (mentions(block->lines, STR("Proc-Type:")) && mentions(block->lines, STR("ENCRYPTED")))
        return fault_set(fault, CRYPTO_E_NO_KEY, "%s", DECRYPT);
    return 0;
}

static int check_rest(struct str rest, struct fault *fault) {
    if (str_trim(rest).n == 0) return 0;
    if (mentions(rest, STR("-----BEGIN ")))
        return fault_set(fault, CRYPTO_E_NO_KEY,
                         "more than one block in the PEM; one key is expected");
    return fault_set(fault, CRYPTO_E_NO_KEY, "something follows the key in the PEM");
}

static int find_key(struct str pem, struct block *ret, const struct label **label,
                    struct fault *fault) {
    struct str rest = pem;
    do {
        int r = next_block(&rest, ret, fault);
        if (r) return r;
        if (!ret->label.p)
            return fault_set(fault, CRYPTO_E_NO_KEY,
                             "not PEM: no line -----BEGIN PRIVATE KEY-----");
        r = check_label(ret, label, fault);
        if (r) return r;
    } while ((*label)->kind == BLOCK_PASS_OVER);
    return check_rest(rest, fault);
}

// The block again, each line without the blanks around it: keys are often indented in YAML.
static void lay_out(const struct block *block, struct buf *out) {
    if (!buf_reserve(out, block->lines.n + 2 * block->label.n + 64)) return;
    buf_addf(out, "-----BEGIN %.*s-----\n", STR_ARG(block->label));
    struct str rest = block->lines;
    while (rest.p) {
        struct str line = next_line(&rest);
        buf_add_str(out, line);
        if (line.n) buf_addc(out, '\n');
    }
    buf_addf(out, "-----END %.*s-----\n", STR_ARG(block->label));
}

static int no_password(char *buffer, int size, int for_writing, void *ctx) {
    (void)buffer;
    (void)size;
    (void)for_writing;
    (void)ctx;
    return -1;
}

static int decode(const struct block *block, bool is_private, EVP_PKEY **ret) {
    AUTO_WIPED struct buf text = buf_make(2 * PEM_MAX_BYTES);
    lay_out(block, &text);
    if (text.error) return text.error;
    AUTO_OPENSSL(bio) BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
    if (!bio) return openssl_failed(-ENOMEM);
    *ret = is_private ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL)
                      : PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
    return openssl_outcome(*ret != NULL, CRYPTO_E_NO_KEY);
}

int crypto_key_from_pem(struct crypto_key **ret, struct str pem, struct fault *fault) {
    struct block block = {.label = STR_NONE};
    const struct label *label = NULL;
    if (pem.n > PEM_MAX_BYTES)
        return fault_set(fault, CRYPTO_E_NO_KEY, "not a key: longer than %d bytes", PEM_MAX_BYTES);
    int r = find_key(pem, &block, &label, fault);
    if (r) return r;
    AUTO_OPENSSL(pkey) EVP_PKEY *pkey = NULL;
    bool is_private = label->kind == BLOCK_PRIVATE;
    r = decode(&block, is_private, &pkey);
    if (r > 0) return fault_set(fault, r, "the PEM block %s is damaged", label->name);
    return r ? r : crypto_key_adopt(ret, &pkey, is_private, fault);
}
