// SPDX-License-Identifier: Apache-2.0
// A key pair for the app in Okta. The private key is in the file, whole and on the disk, before
// the public one is shown: what was pasted into Okta can always be used. When anything fails, the
// file is gone again.
//
// RSA by default, because RS256 is what every other program for this job takes too, so that one app
// serves both; 3072 bits, because that outlasts 2030 (NIST SP 800-57) and a token is asked for once
// an hour.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/secret-file.h"
#include "crypto/digest.h"
#include "crypto/key.h"

enum { KEY_MAX_BYTES = 64 << 10, KID_MAX_BYTES = 128 };

static const struct kind {
    const char *type, *bits; // bits NULL: the type has none; "": when none are given
    enum crypto_kind kind;
} kinds[] = {
    {"rsa", "", CRYPTO_RSA_3072},     {"rsa", "2048", CRYPTO_RSA_2048},
    {"rsa", "3072", CRYPTO_RSA_3072}, {"rsa", "4096", CRYPTO_RSA_4096},
    {"ec", NULL, CRYPTO_P256},        {"p256", NULL, CRYPTO_P256},
    {"p384", NULL, CRYPTO_P384},      {"p521", NULL, CRYPTO_P521},
};

static int wrong(const char *option, const char *value, const char *expected) {
    fprintf(stderr, "gatehouse keygen: %s %s: %s (see gatehouse keygen --help)\n", option, value,
            expected);
    return EXIT_USAGE;
}

static int failed(const char *path, const char *what, const char *why) {
    fprintf(stderr, "gatehouse keygen: %s: %s%s%s\n", path, what, why ? ": " : "", why ? why : "");
    return EXIT_FAILED;
}

// ---- what is asked for

static int find_kind(const struct args *args, enum crypto_kind *ret) {
    const char *type = args->type ? args->type : "rsa";
    const char *bits = args->bits ? args->bits : "";
    const struct kind *same_type = NULL;
    for (size_t i = 0; i < LEN(kinds); i++) {
        if (strcmp(kinds[i].type, type) != 0) continue;
        same_type = &kinds[i];
        if (strcmp(kinds[i].bits ? kinds[i].bits : "", bits) != 0) continue;
        *ret = kinds[i].kind;
        return 0;
    }
    if (!same_type) return wrong("--type", type, "expected rsa, ec, p256, p384 or p521");
    if (!same_type->bits) return wrong("--bits", bits, "only an RSA key has a choice of bits");
    return wrong("--bits", bits, "expected 2048, 3072 or 4096");
}

static bool is_kid(const char *kid) {
    size_t n = strlen(kid);
    for (size_t i = 0; i < n; i++)
        if (kid[i] <= ' ' || kid[i] > '~') return false;
    return n > 0 && n <= KID_MAX_BYTES;
}

static int check_usage(const struct args *args, enum crypto_kind *ret) {
    if (args->kid && !is_kid(args->kid))
        return wrong("--kid", args->kid, "expected up to 128 ASCII characters without blanks");
    if (strcmp(args->words[0], "-") == 0)
        return wrong("FILE", "-", "the private key goes to a file, never to standard output");
    return find_kind(args, ret);
}

// ---- what is said

static bool print_public(struct str jwk) {
    return fwrite(jwk.p, 1, jwk.n, stdout) == jwk.n && putchar('\n') != EOF && fflush(stdout) == 0;
}

static void print_steps(const struct args *args, const struct crypto_key *key) {
    char full[PATH_MAX];
    const char *path = realpath(args->words[0], full) ? full : args->words[0];
    fprintf(
        stderr,
        "\n%s: private key (%s), readable by its owner alone. The line of JSON is its public "
        "half.\n\n"
        "In Okta's Admin Console, Applications > Applications, in the API Services app:\n"
        "  1. General > Client Credentials > Edit: Public key / Private key, Add key, paste the "
        "JSON, Done, Save\n"
        "  2. Okta API Scopes: grant okta.logs.read\n"
        "  3. Admin roles: assign a role that may read the System Log\n\n"
        "Then in gatehouse.yml, in the source, instead of api_key:\n"
        "    okta_domain_url: https://YOUR-ORG.okta.com\n"
        "    client_id: the Client ID that the General tab shows\n",
        path, crypto_key_name(key));
    if (args->pem) fprintf(stderr, "    key_pem: ${file:%s}\n", path);
    else fprintf(stderr, "    jwk_file: %s\n", path);
    if (args->pem)
        fprintf(stderr, "\nA PEM holds no key id: an app with several keys needs the JWK.\n");
}

// ---- the command

// The text for the file, and the line for the console.
static int describe(const struct crypto_key *key, bool pem, struct buf *file, struct buf *line) {
    if (!buf_reserve(file, KEY_MAX_BYTES)) return file->error;
    int r = pem ? crypto_key_private_pem(key, file) : crypto_key_private_jwk(key, file);
    if (r == 0 && !pem) buf_addc(file, '\n');
    if (r == 0) r = crypto_key_public_jwk(key, true, line);
    if (r == 0) r = file->error;
    return r ? r : line->error;
}

static int make(struct crypto_key **ret, const struct args *args, enum crypto_kind kind) {
    AUTO(crypto_key) struct crypto_key *key = NULL;
    int r = crypto_key_generate(&key, kind);
    if (r == 0 && args->kid) r = crypto_key_set_kid(key, str_from(args->kid));
    if (r) return r;
    *ret = TAKE(key);
    return 0;
}

static int deliver(const struct args *args, const struct crypto_key *key, struct str file,
                   struct str line) {
    const char *path = args->words[0];
    int e = secret_file_write("keygen", path, file);
    if (e) return e;
    if (!print_public(line)) {
        int r = -errno;
        unlink(path);
        return failed(path, "taken back, because the public key could not be shown", error_text(r));
    }
    print_steps(args, key);
    return EXIT_DONE;
}

int command_keygen(const struct args *args) {
    enum crypto_kind kind;
    int e = check_usage(args, &kind);
    if (e) return e;
    AUTO(crypto_key) struct crypto_key *key = NULL;
    AUTO_FINI(buf) struct buf file = buf_make(2 * KEY_MAX_BYTES);
    AUTO_FINI(buf) struct buf line = buf_make(KEY_MAX_BYTES);
    int r = make(&key, args, kind);
    if (r == 0) r = describe(key, args->pem, &file, &line);
    if (r) e = failed(args->words[0], "no key could be made", error_text(r));
    else e = deliver(args, key, buf_str(&file), buf_str(&line));
    buf_wipe(&file);
    return e;
}
