// SPDX-License-Identifier: Apache-2.0
// The program's own signing for tests that are not written in C.
//   jws-tool sign ALG KEY-FILE < PAYLOAD     prints a compact JWS
//   jws-tool verify ALG KEY-FILE < JWS       prints the payload; exit 1 when the signature is bad
//   jws-tool thumbprint|public|private|pem KEY-FILE
// A key file is a JWK, or a PEM when it does not begin with a brace.
#include <stdio.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/jws.h"

enum { INPUT_MAX_BYTES = 1 << 20, OUTPUT_MAX_BYTES = 2 << 20 };

enum { DONE = 0, REFUSED = 1, USAGE = 2 };

static bool read_all(FILE *file, struct buf *ret) {
    if (!file || !buf_reserve(ret, INPUT_MAX_BYTES)) return false;
    ret->n = fread(ret->p, 1, INPUT_MAX_BYTES, file);
    return !ferror(file);
}

static bool read_file(const char *path, struct buf *ret) {
    FILE *file = fopen(path, "rb");
    bool ok = read_all(file, ret);
    if (file) fclose(file);
    return ok;
}

static struct crypto_key *load(const char *path) {
    AUTO_FINI(buf) struct buf text = buf_make(INPUT_MAX_BYTES);
    struct crypto_key *key = NULL;
    struct fault fault = {{0}};
    if (!read_file(path, &text)) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return NULL;
    }
    bool is_jwk = str_starts(str_trim(buf_str(&text)), STR("{"));
    int r = is_jwk ? crypto_key_from_jwk(&key, buf_str(&text), &fault)
                   : crypto_key_from_pem(&key, buf_str(&text), &fault);
    if (r) fprintf(stderr, "%s: %d: %s\n", path, r, fault.text);
    return key;
}

static int sign(const struct crypto_key *key, enum crypto_alg alg, struct str payload,
                struct buf *out) {
    AUTO_FINI(buf) struct buf header = buf_make(100);
    buf_addf(&header, "{\"alg\":\"%s\"}", crypto_alg_name(alg));
    return crypto_jws_sign(out, key, alg, buf_str(&header), payload);
}

static int verify(const struct crypto_key *key, enum crypto_alg alg, struct str text,
                  struct buf *out) {
    AUTO_FINI(crypto_jws) struct crypto_jws jws = {.signed_part = STR_NONE};
    int r = crypto_jws_parse(&jws, str_trim(text), NULL);
    if (r == 0) r = crypto_jws_verify(&jws, key, alg);
    if (r == 0) buf_add_str(out, buf_str(&jws.payload));
    return r;
}

static int with_alg(const char *what, const char *alg_name, const struct crypto_key *key,
                    struct buf *out) {
    AUTO_FINI(buf) struct buf input = buf_make(INPUT_MAX_BYTES);
    enum crypto_alg alg;
    if (!crypto_alg_find(str_from(alg_name), &alg) || !read_all(stdin, &input)) return -1;
    return strcmp(what, "sign") == 0 ? sign(key, alg, buf_str(&input), out)
                                     : verify(key, alg, buf_str(&input), out);
}

static int describe(const char *what, const struct crypto_key *key, struct buf *out) {
    if (strcmp(what, "thumbprint") == 0) return crypto_key_thumbprint(key, out);
    if (strcmp(what, "public") == 0) return crypto_key_public_jwk(key, true, out);
    if (strcmp(what, "private") == 0) return crypto_key_private_jwk(key, out);
    return strcmp(what, "pem") == 0 ? crypto_key_private_pem(key, out) : -1;
}

int main(int argc, char **argv) {
    bool has_alg = argc == 4 && (strcmp(argv[1], "sign") == 0 || strcmp(argv[1], "verify") == 0);
    if (!has_alg && argc != 3) {
        fprintf(stderr, "usage: jws-tool sign|verify ALG KEY-FILE\n"
                        "       jws-tool thumbprint|public|private|pem KEY-FILE\n");
        return USAGE;
    }
    AUTO(crypto_key) struct crypto_key *key = load(argv[argc - 1]);
    if (!key) return REFUSED;
    AUTO_FINI(buf) struct buf out = buf_make(OUTPUT_MAX_BYTES);
    int r = has_alg ? with_alg(argv[1], argv[2], key, &out) : describe(argv[1], key, &out);
    if (r == 0) r = out.error;
    if (r) {
        fprintf(stderr, "%s: outcome %d\n", argv[1], r);
        return REFUSED;
    }
    return fwrite(out.p, 1, out.n, stdout) == out.n ? DONE : REFUSED;
}
