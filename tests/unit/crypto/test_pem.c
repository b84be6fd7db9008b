// SPDX-License-Identifier: Apache-2.0
// Keys as OpenSSL writes them in every format, and texts that are something else.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "crypto/jws.h"

#include "keys.h"
#include "vectors.h"

enum format { PKCS8, TRADITIONAL, PUBLIC, PKCS8_ENCRYPTED, TRADITIONAL_ENCRYPTED };

// The text of a key, written by OpenSSL itself.
static void write_pem(EVP_PKEY *pkey, enum format format, struct buf *out) {
    BIO *bio = BIO_new(BIO_s_mem());
    const EVP_CIPHER *cipher = EVP_aes_256_cbc();
    const unsigned char *password = (const unsigned char *)"secret";
    int ok = 0;
    switch (format) {
    case PKCS8: ok = PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL); break;
    case TRADITIONAL:
        ok = PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0, NULL, NULL);
        break;
    case PUBLIC: ok = PEM_write_bio_PUBKEY(bio, pkey); break;
    case PKCS8_ENCRYPTED:
        ok = PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher, "secret", 6, NULL, NULL);
        break;
    case TRADITIONAL_ENCRYPTED:
        ok = PEM_write_bio_PrivateKey_traditional(bio, pkey, cipher, password, 6, NULL, NULL);
        break;
    }
    assert_int_equal(ok, 1);
    char *text = NULL;
    long n = BIO_get_mem_data(bio, &text);
    buf_add(out, text, (size_t)n);
    BIO_free(bio);
}

struct made {
    EVP_PKEY *pkey;
    const char *name;
};
static struct made made[5];
enum { RSA_2048, P256, P384, P521, RSA_1024 };

static int make_keys(void **state) {
    (void)state;
    made[RSA_2048] = (struct made){EVP_RSA_gen(2048), "RSA 2048"};
    made[P256] = (struct made){EVP_EC_gen("P-256"), "EC P-256"};
    made[P384] = (struct made){EVP_EC_gen("P-384"), "EC P-384"};
    made[P521] = (struct made){EVP_EC_gen("P-521"), "EC P-521"};
    made[RSA_1024] = (struct made){EVP_RSA_gen(1024), NULL};
    for (size_t i = 0; i < LEN(made); i++)
        if (!made[i].pkey) return -1;
    return 0;
}

static int free_keys(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(made); i++) EVP_PKEY_free(made[i].pkey);
    return 0;
}

static struct crypto_key *pem_of(EVP_PKEY *pkey, enum format format) {
    AUTO_FINI(buf) struct buf text = buf_make(20000);
    write_pem(pkey, format, &text);
    return read_key(crypto_key_from_pem, buf_str(&text));
}

static void assert_signs(const struct crypto_key *key, const struct crypto_key *verifier) {
    AUTO_FINI(buf) struct buf out = buf_make(4096);
    AUTO_FINI(crypto_jws) struct crypto_jws jws = {.signed_part = STR_NONE};
    enum crypto_alg alg = crypto_key_alg(key);
    assert_int_equal(crypto_jws_sign(&out, key, alg, STR("{}"), STR("{}")), 0);
    assert_int_equal(crypto_jws_parse(&jws, buf_str(&out), NULL), 0);
    assert_int_equal(crypto_jws_verify(&jws, verifier, alg), 0);
}

static void all_formats_of_one_key_are_the_same_key(void **state) {
    (void)state;
    for (size_t i = 0; i < RSA_1024; i++) {
        AUTO(crypto_key) struct crypto_key *modern = pem_of(made[i].pkey, PKCS8);
        AUTO(crypto_key) struct crypto_key *old = pem_of(made[i].pkey, TRADITIONAL);
        AUTO(crypto_key) struct crypto_key *half = pem_of(made[i].pkey, PUBLIC);
        assert_string_equal(crypto_key_name(modern), made[i].name);
        assert_string_equal(crypto_key_name(old), made[i].name);
        assert_true(crypto_key_is_private(modern));
        assert_true(crypto_key_is_private(old));
        assert_false(crypto_key_is_private(half));
        assert_null(crypto_key_kid(modern).p);
        assert_signs(modern, half);
        assert_signs(old, half);
    }
}

static void pem_is_written_as_openssl_writes_it(void **state) {
    (void)state;
    for (size_t i = 0; i < RSA_1024; i++) {
        AUTO(crypto_key) struct crypto_key *key = pem_of(made[i].pkey, TRADITIONAL);
        AUTO_FINI(buf) struct buf ours = buf_make(20000);
        AUTO_FINI(buf) struct buf theirs = buf_make(20000);
        assert_int_equal(crypto_key_private_pem(key, &ours), 0);
        write_pem(made[i].pkey, PKCS8, &theirs);
        assert_int_equal(crypto_key_public_pem(key, &ours), 0);
        write_pem(made[i].pkey, PUBLIC, &theirs);
        assert_true(str_eq(buf_str(&ours), buf_str(&theirs)));
    }
}

static void pem_and_jwk_are_the_same_key(void **state) {
    (void)state;
    static const char *const rows[] = {A2_JWK, A3_JWK, A4_JWK};
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO(crypto_key) struct crypto_key *key = jwk(rows[i]);
        AUTO_FINI(buf) struct buf pem = buf_make(20000);
        AUTO_FINI(buf) struct buf before = buf_make(20000);
        AUTO_FINI(buf) struct buf after = buf_make(20000);
        assert_int_equal(crypto_key_private_pem(key, &pem), 0);
        AUTO(crypto_key) struct crypto_key *again = read_key(crypto_key_from_pem, buf_str(&pem));
        assert_int_equal(crypto_key_private_jwk(key, &before), 0);
        assert_int_equal(crypto_key_private_jwk(again, &after), 0);
        assert_true(str_eq(buf_str(&before), buf_str(&after)));
    }
}

// ---- layout

#define EC_PARAMETERS                                                                              \
    "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"

static void parameters_blanks_and_text_before_do_not_disturb(void **state) {
    (void)state;
    static const char *const before[] = {"", "\n\n  ", EC_PARAMETERS, "Private-Key: (256 bit)\n",
                                         "Bag Attributes\n    friendlyName: x\n" EC_PARAMETERS
                                         "\n"};
    static const char *const after[] = {"", "\n", " \r\n\t\n"};
    for (size_t b = 0; b < LEN(before); b++)
        for (size_t a = 0; a < LEN(after); a++) {
            AUTO_FINI(buf) struct buf text = buf_make(20000);
            buf_addz(&text, before[b]);
            write_pem(made[P256].pkey, TRADITIONAL, &text);
            buf_addz(&text, after[a]);
            AUTO(crypto_key) struct crypto_key *key = read_key(crypto_key_from_pem, buf_str(&text));
            assert_true(crypto_key_is_private(key));
        }
}

// Each line with something in front of and behind it.
static void dress_lines(struct str text, const char *before, const char *after, struct buf *out) {
    struct str rest = text;
    while (rest.p) {
        struct str line = str_split(&rest, '\n');
        buf_addf(out, "%s%.*s%s\n", before, STR_ARG(line), after);
    }
}

static void line_ends_of_windows_and_indented_lines_are_fine(void **state) {
    (void)state;
    static const char *const rows[][2] = {{"", "\r"}, {"    ", ""}, {"\t", "  \r"}};
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf plain = buf_make(20000);
        AUTO_FINI(buf) struct buf text = buf_make(20000);
        write_pem(made[RSA_2048].pkey, PKCS8, &plain);
        dress_lines(buf_str(&plain), rows[i][0], rows[i][1], &text);
        AUTO(crypto_key) struct crypto_key *key = read_key(crypto_key_from_pem, buf_str(&text));
        assert_true(crypto_key_is_private(key));
    }
}

static void a_pem_without_its_line_breaks_is_named_so(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf plain = buf_make(20000);
    AUTO_FINI(buf) struct buf blanks = buf_make(20000);
    AUTO_FINI(buf) struct buf escaped = buf_make(20000);
    write_pem(made[P256].pkey, PKCS8, &plain);
    for (size_t i = 0; i < plain.n; i++) {
        bool is_end = plain.p[i] == '\n';
        buf_addc(&blanks, is_end ? ' ' : plain.p[i]);
        if (is_end) buf_addz(&escaped, "\\n");
        else buf_addc(&escaped, plain.p[i]);
    }
    refused(crypto_key_from_pem, buf_str(&blanks), CRYPTO_E_NO_KEY, "lost its line breaks");
    refused(crypto_key_from_pem, buf_str(&escaped), CRYPTO_E_NO_KEY, "lost its line breaks");
}

// ---- what is refused

static void encrypted_keys_are_refused_with_the_command_that_helps(void **state) {
    (void)state;
    static const enum format formats[] = {PKCS8_ENCRYPTED, TRADITIONAL_ENCRYPTED};
    for (size_t i = 0; i < RSA_1024; i++)
        for (size_t f = 0; f < LEN(formats); f++) {
            AUTO_FINI(buf) struct buf text = buf_make(20000);
            write_pem(made[i].pkey, formats[f], &text);
            refused(crypto_key_from_pem, buf_str(&text), CRYPTO_E_NO_KEY,
                    "encrypted; decrypt it first: openssl pkey -in FILE -out NEW_FILE");
        }
}

static void refuse_made(EVP_PKEY *pkey, const char *words) {
    AUTO_FINI(buf) struct buf text = buf_make(20000);
    AUTO_FINI(buf) struct buf half = buf_make(20000);
    assert_non_null(pkey);
    write_pem(pkey, PKCS8, &text);
    write_pem(pkey, PUBLIC, &half);
    refused(crypto_key_from_pem, buf_str(&text), CRYPTO_E_UNFIT, words);
    refused(crypto_key_from_pem, buf_str(&half), CRYPTO_E_UNFIT, words);
}

static void keys_that_okta_does_not_take_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *type, *group, *words;
    } rows[] = {
        {"EC", "secp256k1", "on the curve secp256k1"},
        {"EC", "secp224r1", "on the curve secp224r1"},
        {"EC", "brainpoolP256r1", "on the curve brainpoolP256r1"},
        {"ED25519", NULL, "of the type ED25519"},
        {"X25519", NULL, "of the type X25519"},
    };
    refuse_made(made[RSA_1024].pkey, "an RSA key of 1024 bits; Okta takes RSA of 2048 bits");
    for (size_t i = 0; i < LEN(rows); i++) {
        EVP_PKEY *pkey = rows[i].group ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", rows[i].group)
                                       : EVP_PKEY_Q_keygen(NULL, NULL, rows[i].type);
        refuse_made(pkey, rows[i].words);
        EVP_PKEY_free(pkey);
    }
}

static void an_rsa_pss_key_is_refused(void **state) {
    (void)state;
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_generate(ctx, &pkey), 1);
    EVP_PKEY_CTX_free(ctx);
    refuse_made(pkey, "of the type RSA-PSS");
    EVP_PKEY_free(pkey);
}

static void a_curve_that_is_spelled_out_is_refused(void **state) {
    (void)state;
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    assert_int_equal(EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_ENCODING,
                                                    OSSL_PKEY_EC_ENCODING_EXPLICIT),
                     1);
    refuse_made(pkey, "written out instead of named");
    EVP_PKEY_free(pkey);
}

struct row {
    const char *text;
    int outcome;
    const char *words;
};

#define BLOCK(label) "-----BEGIN " label "-----\nAAAA\n-----END " label "-----\n"
static const struct row bad[] = {
    {"", CRYPTO_E_NO_KEY, "not PEM"},
    {"{\"kty\":\"RSA\"}", CRYPTO_E_NO_KEY, "not PEM"},
    {"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw", CRYPTO_E_NO_KEY, "not PEM"},
    {EC_PARAMETERS, CRYPTO_E_NO_KEY, "not PEM"},
    {"-----BEGIN PRIVATE KEY-----", CRYPTO_E_NO_KEY, "ends after its BEGIN line"},
    {"-----BEGIN PRIVATE KEY-----\nAAAA\n", CRYPTO_E_NO_KEY, "no END line"},
    {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", CRYPTO_E_NO_KEY,
     "no END line"},
    {"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", CRYPTO_E_NO_KEY, "damaged"},
    {BLOCK("PRIVATE KEY"), CRYPTO_E_NO_KEY, "PRIVATE KEY is damaged"},
    {BLOCK("RSA PRIVATE KEY"), CRYPTO_E_NO_KEY, "RSA PRIVATE KEY is damaged"},
    {BLOCK("EC PRIVATE KEY"), CRYPTO_E_NO_KEY, "EC PRIVATE KEY is damaged"},
    {BLOCK("PUBLIC KEY"), CRYPTO_E_NO_KEY, "PUBLIC KEY is damaged"},
    {BLOCK("CERTIFICATE"), CRYPTO_E_NO_KEY, "a certificate"},
    {BLOCK("CERTIFICATE REQUEST"), CRYPTO_E_NO_KEY, "a certificate request"},
    {BLOCK("OPENSSH PRIVATE KEY"), CRYPTO_E_NO_KEY, "ssh-keygen -p -m PKCS8"},
    {BLOCK("RSA PUBLIC KEY"), CRYPTO_E_NO_KEY, "-RSAPublicKey_in"},
    {BLOCK("DSA PRIVATE KEY"), CRYPTO_E_UNFIT, "DSA"},
    {BLOCK("PGP PRIVATE KEY BLOCK"), CRYPTO_E_NO_KEY, "is not a key"},
};

static void what_is_no_key_is_refused_with_the_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(bad); i++)
        refused(crypto_key_from_pem, str_from(bad[i].text), bad[i].outcome, bad[i].words);
}

static void what_follows_the_key_is_refused(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {BLOCK("CERTIFICATE"), "more than one block"},
        {BLOCK("PRIVATE KEY"), "more than one block"},
        {"x", "something follows"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf text = buf_make(20000);
        write_pem(made[P256].pkey, PKCS8, &text);
        buf_addz(&text, rows[i][0]);
        refused(crypto_key_from_pem, buf_str(&text), CRYPTO_E_NO_KEY, rows[i][1]);
    }
}

static void a_public_key_in_a_private_block_is_no_private_key(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf half = buf_make(20000);
    AUTO_FINI(buf) struct buf text = buf_make(20000);
    write_pem(made[P256].pkey, PUBLIC, &half);
    struct str body = str_sub(buf_str(&half), str_find_char(buf_str(&half), '\n'),
                              str_find(buf_str(&half), STR("-----END")));
    buf_addf(&text, "-----BEGIN PRIVATE KEY-----%.*s-----END PRIVATE KEY-----\n", STR_ARG(body));
    refused(crypto_key_from_pem, buf_str(&text), CRYPTO_E_NO_KEY, "damaged");
}

// One of the characters says how many of the last bits do not count: four instead of none change
// nothing in a key that ends with four zeros, one in sixteen.
static void write_pem_without_zeros_at_its_end(struct buf *out) {
    bool zeros = true;
    while (zeros) {
        EVP_PKEY *pkey = EVP_EC_gen("P-384");
        assert_non_null(pkey);
        buf_reset(out);
        write_pem(pkey, PKCS8, out);
        EVP_PKEY_free(pkey);
        zeros = str_find(buf_str(out), STR("A=\n-----END")) < out->n;
    }
}

static void every_cut_and_most_changed_characters_are_noticed(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf text = buf_make(20000);
    write_pem_without_zeros_at_its_end(&text);
    struct str all = str_trim(buf_str(&text));
    for (size_t n = 0; n < all.n; n++) {
        struct crypto_key *key = NULL;
        assert_int_equal(crypto_key_from_pem(&key, str_sub(all, 0, n), NULL), CRYPTO_E_NO_KEY);
    }
    size_t body = str_find_char(all, '\n') + 1;
    for (size_t at = body + 64; at < body + 200; at++) { // in the two halves of the key
        AUTO(crypto_key) struct crypto_key *key = NULL;
        char was = text.p[at];
        if (was == '\n') continue;
        text.p[at] = was == 'A' ? 'B' : 'A';
        assert_int_equal(crypto_key_from_pem(&key, buf_str(&text), NULL), CRYPTO_E_NO_KEY);
        text.p[at] = was;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_formats_of_one_key_are_the_same_key),
        cmocka_unit_test(pem_is_written_as_openssl_writes_it),
        cmocka_unit_test(pem_and_jwk_are_the_same_key),
        cmocka_unit_test(parameters_blanks_and_text_before_do_not_disturb),
        cmocka_unit_test(line_ends_of_windows_and_indented_lines_are_fine),
        cmocka_unit_test(a_pem_without_its_line_breaks_is_named_so),
        cmocka_unit_test(encrypted_keys_are_refused_with_the_command_that_helps),
        cmocka_unit_test(keys_that_okta_does_not_take_are_refused),
        cmocka_unit_test(an_rsa_pss_key_is_refused),
        cmocka_unit_test(a_curve_that_is_spelled_out_is_refused),
        cmocka_unit_test(what_is_no_key_is_refused_with_the_reason),
        cmocka_unit_test(what_follows_the_key_is_refused),
        cmocka_unit_test(a_public_key_in_a_private_block_is_no_private_key),
        cmocka_unit_test(every_cut_and_most_changed_characters_are_noticed),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
