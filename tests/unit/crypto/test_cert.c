// SPDX-License-Identifier: Apache-2.0
// What the certificates say is read with OpenSSL's own command.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/cert.h"

enum { PEM_MAX = 64 << 10 };

struct pair {
    struct buf cert, key;
};

static struct pair pair_make(void) {
    return (struct pair){.cert = buf_make(PEM_MAX), .key = buf_make(PEM_MAX)};
}
static void pair_fini(struct pair *p) {
    buf_fini(&p->cert);
    buf_fini(&p->key);
}
DEFINE_AUTO_FINI(pair)

static void write_file(const char *path, const struct buf *text) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text->p, 1, text->n, file), text->n);
    assert_int_equal(fclose(file), 0);
}

static const char *const names[] = {"localhost", "::1", "192.0.2.7", "acme.okta.example"};

static struct crypto_ca *new_ca(struct pair *pem) {
    struct crypto_ca *ca = NULL;
    assert_int_equal(crypto_ca_new(&ca, "an authority"), 0);
    assert_int_equal(crypto_ca_pem(ca, &pem->cert, &pem->key), 0);
    return ca;
}

// Status of `openssl verify` of a server's certificate.
static int verify(const struct pair *ca, const struct pair *server, const char *more) {
    char command[256];
    write_file("ca.pem", &ca->cert);
    write_file("server.pem", &server->cert);
    snprintf(
        command, sizeof command,
        "openssl verify -x509_strict -purpose sslserver -CAfile ca.pem %s server.pem >log 2>&1",
        more);
    return system(command);
}

static void a_server_is_good_for_its_names_and_no_others(void **state) {
    (void)state;
    AUTO_FINI(pair) struct pair ca_pem = pair_make();
    AUTO_FINI(pair) struct pair server = pair_make();
    AUTO(crypto_ca) struct crypto_ca *ca = new_ca(&ca_pem);
    assert_int_equal(crypto_ca_issue(ca, names, LEN(names), &server.cert, &server.key), 0);
    assert_int_equal(verify(&ca_pem, &server, ""), 0);
    assert_int_equal(verify(&ca_pem, &server, "-verify_hostname localhost"), 0);
    assert_int_equal(verify(&ca_pem, &server, "-verify_hostname acme.okta.example"), 0);
    assert_int_equal(verify(&ca_pem, &server, "-verify_ip ::1"), 0);
    assert_int_equal(verify(&ca_pem, &server, "-verify_ip 192.0.2.7"), 0);
    assert_int_not_equal(verify(&ca_pem, &server, "-verify_hostname other.example"), 0);
    assert_int_not_equal(verify(&ca_pem, &server, "-verify_ip 192.0.2.8"), 0);
    AUTO(crypto_key) struct crypto_key *key = NULL;
    assert_int_equal(crypto_key_from_pem(&key, buf_str(&server.key), NULL), 0);
    assert_true(crypto_key_is_private(key));
}

static void an_authority_can_be_kept(void **state) {
    (void)state;
    AUTO_FINI(pair) struct pair ca_pem = pair_make();
    AUTO_FINI(pair) struct pair server = pair_make();
    AUTO_FINI(pair) struct pair other = pair_make();
    crypto_ca_free(new_ca(&ca_pem));
    crypto_ca_free(new_ca(&other)); // a stranger's
    AUTO(crypto_ca) struct crypto_ca *again = NULL;
    int e = crypto_ca_load(&again, buf_str(&ca_pem.cert), buf_str(&ca_pem.key), NULL);
    assert_int_equal(e, 0);
    assert_int_equal(crypto_ca_issue(again, names, 1, &server.cert, &server.key), 0);
    assert_int_equal(verify(&ca_pem, &server, ""), 0);
    assert_int_not_equal(verify(&other, &server, ""), 0);
}

static void what_is_no_authority_is_refused(void **state) {
    (void)state;
    AUTO_FINI(pair) struct pair one = pair_make();
    AUTO_FINI(pair) struct pair two = pair_make();
    AUTO_FINI(pair) struct pair server = pair_make();
    AUTO(crypto_ca) struct crypto_ca *ca = new_ca(&one);
    crypto_ca_free(new_ca(&two));
    AUTO(crypto_ca) struct crypto_ca *never = NULL;
    assert_int_equal(crypto_ca_issue(ca, names, 1, &server.cert, &server.key), 0);
    const struct {
        struct str cert, key;
    } rows[] = {
        {buf_str(&one.cert), buf_str(&two.key)}, {buf_str(&server.cert), buf_str(&server.key)},
        {STR("nonsense"), buf_str(&one.key)},    {buf_str(&one.cert), STR("nonsense")},
        {buf_str(&one.key), buf_str(&one.cert)}, {STR(""), STR("")},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct fault fault = {.text = ""};
        int e = crypto_ca_load(&never, rows[i].cert, rows[i].key, &fault);
        assert_int_equal(e, CRYPTO_E_NO_CA);
        assert_true(fault.text[0]);
        assert_null(never);
    }
    static const char *const empty[] = {"localhost", ""};
    assert_int_equal(crypto_ca_issue(ca, empty, 2, &server.cert, &server.key), -EINVAL);
    assert_int_equal(crypto_ca_issue(ca, empty, 0, &server.cert, &server.key), -EINVAL);
}

static int enter_folder(void **state) {
    static char folder[] = "/tmp/gatehouse-cert-XXXXXX";
    *state = folder;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state) {
    static const char *const files[] = {"ca.pem", "server.pem", "log"};
    for (size_t i = 0; i < LEN(files); i++) unlink(files[i]);
    return rmdir(*state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_good_for_its_names_and_no_others),
        cmocka_unit_test(an_authority_can_be_kept),
        cmocka_unit_test(what_is_no_authority_is_refused),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
