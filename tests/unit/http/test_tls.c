// SPDX-License-Identifier: Apache-2.0
// Every key of `ssl` against good and bad certificates. An authority, one in the middle and their
// leaves are made by openssl once; its server then shows one of them after the other.
#include <errno.h>

#include "http/client.h"
#include "scripted.h"
#include "tls_server.h"

struct fixture {
    struct tls_server server;
    struct loop *loop;
    char fingerprint[3][96]; // of ca, middle, other: hex with colons
};

static struct fixture the;

static const char make_certificates[] =
    "set -e; cd %s; exec >/dev/null 2>&1\n"
    "key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }\n"
    "root() { key $1; openssl req -x509 -new -key $1.key -days 9 -subj \"/CN=$1\" -out $1.pem "
    "-addext keyUsage=critical,keyCertSign; }\n"
    "leaf() { key $1; openssl req -new -key $1.key -subj \"$3\" -out $1.csr; printf \"$4\" "
    ">$1.ext; "
    "openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days $5 -extfile "
    "$1.ext "
    "-out $1.pem; }\n"
    "root ca; root other\n"
    "leaf middle ca /CN=middle 'basicConstraints=critical,CA:TRUE' 9\n"
    "leaf good ca /CN=x 'subjectAltName=DNS:localhost,IP:127.0.0.1' 9\n"
    "leaf below middle /CN=x 'subjectAltName=DNS:localhost' 9\n"
    "leaf wrong ca /CN=localhost 'subjectAltName=DNS:elsewhere.example' 9\n"
    "leaf old ca /CN=localhost 'basicConstraints=CA:FALSE' 9\n"
    "leaf mail ca /CN=localhost 'subjectAltName=email:a@b.example' 9\n"
    "leaf expired ca /CN=x 'subjectAltName=DNS:localhost' -1\n"
    "leaf stranger other /CN=x 'subjectAltName=DNS:localhost' 9\n"
    "leaf client ca /CN=client 'basicConstraints=CA:FALSE' 9\n"
    "leaf foreign other /CN=client 'basicConstraints=CA:FALSE' 9\n"
    "openssl pkcs8 -topk8 -in client.key -passout pass:sesame-open -out locked.key\n"
    "openssl ec -in client.key -aes128 -passout pass:sesame-open -out locked-old.key\n"
    "cat ca.pem other.pem >both.pem; cat middle.pem ca.pem >chain.pem; cp ca.pem damaged.pem\n"
    "sed -i '3s/^.\\{8\\}/ABCDEFGH/' damaged.pem\n"
    "for i in ca middle other; do openssl x509 -in $i.pem -noout -fingerprint -sha256 | "
    "sed 's/.*=//' >$i.sha; done\n";

static char *read_text(const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", the.server.dir, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char text[8192];
    size_t n = fread(text, 1, sizeof text, file);
    fclose(file);
    char *copy = mem_copy(text, n);
    assert_non_null(copy);
    return copy;
}

static int set_up(void **state) {
    (void)state;
    assert_int_equal(loop_new(&the.loop), 0);
    tls_server_prepare(&the.server);
    tls_server_write(&the.server, "page", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n[]");
    AUTO_FINI(buf) struct buf script = buf_make(1 << 16);
    buf_addf(&script, make_certificates, the.server.dir);
    run_program(buf_z(&script));
    static const char *const names[] = {"ca.sha", "middle.sha", "other.sha"};
    for (size_t i = 0; i < LEN(names); i++) {
        AUTO_MEM char *text = read_text(names[i]);
        struct str digits = str_trim(str_from(text));
        assert_int_equal(digits.n, 95);
        snprintf(the.fingerprint[i], sizeof the.fingerprint[i], "%.*s", STR_ARG(digits));
    }
    assert_int_equal(chdir(the.server.dir), 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    assert_int_equal(chdir("/"), 0);
    tls_server_stop(&the.server);
    loop_free(the.loop);
    return 0;
}

struct outcome {
    enum http_result result;
    struct fault fault;
    char tls_version[16];
};

static void on_done(void *ctx, const struct http_response *r) {
    struct outcome *outcome = ctx;
    outcome->result = r->result;
    outcome->fault = r->fault;
    memcpy(outcome->tls_version, r->tls_version, sizeof outcome->tls_version);
    loop_stop(the.loop);
}

static struct outcome fetch(const char *host, const struct http_tls *tls) {
    const struct http_client_opts opts = {.tls = *tls, .user_agent = "gatehouse/test"};
    struct http_client *client = NULL;
    struct outcome outcome = {.result = HTTP_FAILED};
    struct fault fault = {{0}};
    if (http_client_new(&client, the.loop, &opts, &fault) != 0) fail_msg("%s", fault.text);
    char url[128];
    snprintf(url, sizeof url, "https://%s:%d/page", host, the.server.port);
    struct http_request request = {.url = url,
                                   .timeout_ms = 5000,
                                   .max_body_bytes = 1 << 20,
                                   .want_certificate = true,
                                   .done = on_done,
                                   .ctx = &outcome};
    struct http_call *call = NULL;
    assert_int_equal(http_send(client, &request, &call), 0);
    run_loop(the.loop);
    http_client_free(client);
    return outcome;
}

static void serve(const char *const *options) {
    tls_server_kill(&the.server);
    tls_server_start_with(&the.server, options);
}

#define SERVE(...) serve((const char *const[]){__VA_ARGS__, NULL})

static const char *const ca[] = {"ca.pem"};
static const char *const both[] = {"both.pem"};
static const char *const other[] = {"other.pem"};
static const char *const other_then_ca[] = {"other.pem", "ca.pem"};
#define TRUST(list) .certificate_authorities = (list), .certificate_authority_count = LEN(list)

static void expect(const char *what, struct outcome outcome, enum http_result result,
                   const char *words) {
    if (outcome.result != result)
        fail_msg("%s: %s: %s", what, http_result_name(outcome.result), outcome.fault.text);
    if (words && !strstr(outcome.fault.text, words)) fail_msg("%s: %s", what, outcome.fault.text);
}

struct chain_row {
    const char *leaf;
    const char *host;
    struct http_tls tls;
    const char *words; // NULL: accepted
};

static const struct chain_row chain_rows[] = {
    {"good", "localhost", {TRUST(ca)}, NULL},
    {"good", "127.0.0.1", {TRUST(ca)}, NULL},
    {"good", "localhost", {TRUST(both)}, NULL},
    {"good", "localhost", {TRUST(other_then_ca)}, NULL},
    {"good", "localhost", {TRUST(ca), .verify = HTTP_VERIFY_STRICT}, NULL},
    {"good", "localhost", {TRUST(ca), .verify = HTTP_VERIFY_CERTIFICATE}, NULL},
    {"good", "localhost", {.verify = HTTP_VERIFY_NONE}, NULL},
    {"good", "localhost", {.verify = HTTP_VERIFY_FULL}, "unable to get local issuer"},
    {"good", "localhost", {TRUST(other)}, "unable to get local issuer"},
    {"good",
     "localhost",
     {TRUST(other), .verify = HTTP_VERIFY_CERTIFICATE},
     "unable to get local issuer"},
    {"good",
     "localhost",
     {TRUST(other), .verify = HTTP_VERIFY_STRICT},
     "unable to get local issuer"},
    {"stranger", "localhost", {TRUST(ca)}, "unable to get local issuer"},
    {"stranger", "localhost", {TRUST(ca), .verify = HTTP_VERIFY_NONE}, NULL},
    {"expired", "localhost", {TRUST(ca)}, "expired"},
    {"expired", "localhost", {TRUST(ca), .verify = HTTP_VERIFY_CERTIFICATE}, "expired"},
    {"expired", "localhost", {TRUST(ca), .verify = HTTP_VERIFY_NONE}, NULL},
    {"wrong", "localhost", {TRUST(ca)}, "no alternative certificate"},
    {"wrong", "localhost", {TRUST(ca), .verify = HTTP_VERIFY_STRICT}, "no alternative certificate"},
    {"wrong", "localhost", {TRUST(ca), .verify = HTTP_VERIFY_CERTIFICATE}, NULL},
    {"wrong", "localhost", {TRUST(ca), .verify = HTTP_VERIFY_NONE}, NULL},
    {"old", "localhost", {TRUST(ca)}, NULL},
    {"old", "localhost", {TRUST(ca), .verify = HTTP_VERIFY_STRICT}, "subjectAltName"},
    {"mail", "localhost", {TRUST(ca), .verify = HTTP_VERIFY_STRICT}, "subjectAltName"},
    {"old", "localhost", {TRUST(ca), .verify = HTTP_VERIFY_CERTIFICATE}, NULL},
};

static void serve_leaf(const char *leaf) {
    char certificate[64], key[64];
    snprintf(certificate, sizeof certificate, "%s.pem", leaf);
    snprintf(key, sizeof key, "%s.key", leaf);
    SERVE("-cert", certificate, "-key", key);
}

static void each_verification_mode_accepts_what_it_should_and_no_more(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(chain_rows); i++) {
        const struct chain_row *row = &chain_rows[i];
        if (i == 0 || strcmp(row->leaf, row[-1].leaf) != 0) serve_leaf(row->leaf);
        char what[64];
        snprintf(what, sizeof what, "row %zu (%s)", i, row->leaf);
        expect(what, fetch(row->host, &row->tls), row->words ? HTTP_TLS : HTTP_OK, row->words);
    }
}

static void an_authority_may_be_written_into_the_settings(void **state) {
    (void)state;
    AUTO_MEM char *pem = read_text("ca.pem");
    const char *const list[] = {pem};
    serve_leaf("good");
    expect("inline", fetch("localhost", &(struct http_tls){TRUST(list)}), HTTP_OK, NULL);
}

static void a_fingerprint_trusts_an_authority_that_the_server_sends(void **state) {
    (void)state;
    char bare[65];
    size_t n = 0;
    for (const char *at = the.fingerprint[0]; *at; at++)
        if (*at != ':') bare[n++] = (char)(*at >= 'A' ? *at + 32 : *at);
    bare[n] = '\0';
    const struct {
        const char *fingerprint;
        enum http_verify verify;
        const char *host, *words;
    } rows[] = {
        {the.fingerprint[0], HTTP_VERIFY_FULL, "localhost", NULL},
        {bare, HTTP_VERIFY_FULL, "localhost", NULL},
        {the.fingerprint[1], HTTP_VERIFY_FULL, "localhost", NULL}, // the one in the middle
        {the.fingerprint[0], HTTP_VERIFY_STRICT, "localhost", NULL},
        {the.fingerprint[0], HTTP_VERIFY_CERTIFICATE, "localhost", NULL},
        {the.fingerprint[0], HTTP_VERIFY_FULL, "127.0.0.1", "no alternative certificate"},
        {the.fingerprint[0], HTTP_VERIFY_CERTIFICATE, "127.0.0.1", NULL},
        {the.fingerprint[2], HTTP_VERIFY_FULL, "localhost", "ca_trusted_fingerprint"},
        {the.fingerprint[2], HTTP_VERIFY_CERTIFICATE, "localhost", "ca_trusted_fingerprint"},
    };
    SERVE("-cert", "below.pem", "-key", "below.key", "-cert_chain", "chain.pem");
    for (size_t i = 0; i < LEN(rows); i++) {
        const struct http_tls tls = {.ca_trusted_fingerprint = rows[i].fingerprint,
                                     .verify = rows[i].verify};
        char what[64];
        snprintf(what, sizeof what, "row %zu", i);
        expect(what, fetch(rows[i].host, &tls), rows[i].words ? HTTP_TLS : HTTP_OK, rows[i].words);
    }
}

// Whoever knows the fingerprint could copy the certificate beside a leaf of his own.
static void an_authority_that_signed_nothing_vouches_for_nothing(void **state) {
    (void)state;
    const struct http_tls tls = {.ca_trusted_fingerprint = the.fingerprint[0]};
    SERVE("-cert", "stranger.pem", "-key", "stranger.key", "-cert_chain", "chain.pem");
    expect("copied", fetch("localhost", &tls), HTTP_TLS, "not trusted");
}

static void a_leaf_is_no_authority_whatever_its_fingerprint(void **state) {
    (void)state;
    run_program("openssl x509 -in good.pem -noout -fingerprint -sha256 | sed 's/.*=//' >good.sha");
    AUTO_MEM char *text = read_text("good.sha");
    text[strlen(text) - 1] = '\0';
    const struct http_tls tls = {.ca_trusted_fingerprint = text};
    serve_leaf("good");
    expect("leaf", fetch("localhost", &tls), HTTP_TLS, "not trusted");
}

static void a_client_shows_its_certificate_to_those_who_ask(void **state) {
    (void)state;
    AUTO_MEM char *certificate = read_text("client.pem");
    AUTO_MEM char *key = read_text("locked.key");
    const struct {
        const char *certificate, *key, *passphrase;
        bool good;
    } rows[] = {
        {"client.pem", "client.key", NULL, true},
        {"client.pem", "client.key", "not needed", true},
        {"client.pem", "locked.key", "sesame-open", true},
        {"client.pem", "locked-old.key", "sesame-open", true},
        {certificate, key, "sesame-open", true},
        {NULL, NULL, NULL, false},
        {"foreign.pem", "foreign.key", NULL, false},
    };
    static const char *const versions[] = {"-tls1_2", "-tls1_3"};
    for (size_t v = 0; v < LEN(versions); v++) {
        SERVE("-cert", "good.pem", "-key", "good.key", "-Verify", "2", "-CAfile", "ca.pem",
              "-verify_return_error", versions[v]);
        for (size_t i = 0; i < LEN(rows); i++) {
            const struct http_tls tls = {TRUST(ca), .certificate = rows[i].certificate,
                                         .key = rows[i].key, .key_passphrase = rows[i].passphrase};
            struct outcome outcome = fetch("localhost", &tls);
            char what[64];
            snprintf(what, sizeof what, "%s row %zu", versions[v], i);
            if (rows[i].good) expect(what, outcome, HTTP_OK, NULL);
            else expect(what, outcome, HTTP_TLS, rows[i].certificate ? "alert" : "");
        }
    }
}

static void only_the_versions_asked_for_are_spoken(void **state) {
    (void)state;
    static const struct {
        const char *server;
        enum http_tls_version oldest, newest;
        const char *version; // NULL: no common one
    } rows[] = {
        {"-tls1_2", HTTP_TLS_ANY, HTTP_TLS_ANY, "TLSv1.2"},
        {"-tls1_2", HTTP_TLS_1_2, HTTP_TLS_1_2, "TLSv1.2"},
        {"-tls1_2", HTTP_TLS_1_3, HTTP_TLS_ANY, NULL},
        {"-tls1_2", HTTP_TLS_1_3, HTTP_TLS_1_3, NULL},
        {"-tls1_3", HTTP_TLS_1_2, HTTP_TLS_1_3, "TLSv1.3"},
        {"-tls1_3", HTTP_TLS_1_2, HTTP_TLS_1_2, NULL},
        {"-tls1_3", HTTP_TLS_ANY, HTTP_TLS_1_2, NULL},
        {"-no_tls1", HTTP_TLS_ANY, HTTP_TLS_ANY, "TLSv1.3"},
        {"-no_tls1", HTTP_TLS_ANY, HTTP_TLS_1_2, "TLSv1.2"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        SERVE("-cert", "good.pem", "-key", "good.key", rows[i].server);
        const struct http_tls tls = {TRUST(ca), .oldest = rows[i].oldest, .newest = rows[i].newest};
        struct outcome outcome = fetch("localhost", &tls);
        char what[64];
        snprintf(what, sizeof what, "row %zu", i);
        expect(what, outcome, rows[i].version ? HTTP_OK : HTTP_TLS, NULL);
        if (rows[i].version) assert_string_equal(outcome.tls_version, rows[i].version);
    }
}

static void only_the_cipher_suites_asked_for_are_offered(void **state) {
    (void)state;
    static const struct {
        const char *option, *server, *asked;
        bool good;
    } rows[] = {
        {"-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES-128-GCM-SHA256", true},
        {"-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES-256-GCM-SHA384", false},
        {"-cipher", "ECDHE-ECDSA-AES256-SHA", "ECDHE-ECDSA-AES-256-CBC-SHA", true},
        {"-ciphersuites", "TLS_AES_128_GCM_SHA256", "TLS-AES-128-GCM-SHA256", true},
        {"-ciphersuites", "TLS_AES_128_GCM_SHA256", "TLS-CHACHA20-POLY1305-SHA256", false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        bool old = strcmp(rows[i].option, "-cipher") == 0;
        SERVE("-cert", "good.pem", "-key", "good.key", rows[i].option, rows[i].server,
              old ? "-tls1_2" : "-tls1_3");
        const char *const suites[] = {rows[i].asked};
        const struct http_tls tls = {TRUST(ca), .cipher_suites = suites, .cipher_suite_count = 1};
        char what[64];
        snprintf(what, sizeof what, "row %zu", i);
        expect(what, fetch("localhost", &tls), rows[i].good ? HTTP_OK : HTTP_TLS, NULL);
    }
}

struct fault_row {
    struct http_tls tls;
    const char *words[3];
};

static const char *const absent[] = {"absent.pem"};
static const char *const folder[] = {"/tmp"};
static const char *const empty[] = {"/dev/null"};
static const char *const damaged[] = {"damaged.pem"};
static const char *const a_key[] = {"ca.key"};
static const char *const nonsense[] = {"-----BEGIN CERTIFICATE-----\nnonsense"};
static const char *const misspelt[] = {"TLS-AES-128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"};
static const char *const weak[] = {"ECDHE-RSA-RC4-128-SHA"};
#define SUITES(list) .cipher_suites = (list), .cipher_suite_count = LEN(list)

static const struct fault_row fault_rows[] = {
    {{TRUST(absent)}, {"ssl.certificate_authorities: absent.pem: No such file"}},
    {{TRUST(folder)}, {"ssl.certificate_authorities: /tmp: Is a directory"}},
    {{TRUST(empty)}, {"ssl.certificate_authorities: /dev/null holds no certificate"}},
    {{TRUST(damaged)}, {"ssl.certificate_authorities: damaged.pem is not", "damaged"}},
    {{TRUST(a_key)}, {"ssl.certificate_authorities: ca.key holds no certificate"}},
    {{TRUST(nonsense)}, {"ssl.certificate_authorities: what stands there is not"}},
    {{.ca_trusted_fingerprint = ""}, {"ssl.ca_trusted_fingerprint", "64 digits"}},
    {{.ca_trusted_fingerprint = "12:34"}, {"ssl.ca_trusted_fingerprint", "64 digits"}},
    {{.ca_trusted_fingerprint = "g"}, {"ssl.ca_trusted_fingerprint", "64 digits"}},
    {{.certificate = "client.pem"}, {"ssl.key: missing"}},
    {{.key = "client.key"}, {"ssl.certificate: missing"}},
    {{.certificate = "absent.pem", .key = "client.key"}, {"ssl.certificate: absent.pem: No such"}},
    {{.certificate = "client.pem", .key = "absent.key"}, {"ssl.key: absent.key: No such file"}},
    {{.certificate = "client.pem", .key = "client.pem"},
     {"ssl.key: client.pem holds no private key"}},
    {{.certificate = "client.key", .key = "client.key"}, {"ssl.certificate: client.key holds no"}},
    {{.certificate = "client.pem", .key = "good.key"}, {"ssl.key: does not belong"}},
    {{.certificate = "client.pem", .key = "locked.key"},
     {"ssl.key: locked.key is encrypted", "ssl.key_passphrase"}},
    {{.certificate = "client.pem", .key = "locked.key", .key_passphrase = "hunter2-hunter2"},
     {"ssl.key_passphrase: does not decrypt", "locked.key"}},
    {{.certificate = "client.pem", .key = "locked-old.key", .key_passphrase = "hunter2-hunter2"},
     {"ssl.key_passphrase: does not decrypt"}},
    {{SUITES(misspelt)},
     {"ssl.cipher_suites: \"ECDHE-RSA-AES128-GCM-SHA256\"", "ECDHE-RSA-AES-128-GCM-SHA256",
      "RSA-AES-256-GCM-SHA384"}},
    {{SUITES(weak)}, {"ssl.cipher_suites: ECDHE-RSA-RC4-128-SHA is too weak"}},
    {{.oldest = HTTP_TLS_1_3, .newest = HTTP_TLS_1_2}, {"ssl.supported_protocols"}},
};

static void what_cannot_work_is_refused_before_a_client_is_made(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(fault_rows); i++) {
        const struct http_client_opts opts = {.tls = fault_rows[i].tls, .user_agent = "x"};
        struct fault early = {{0}}, late = {{0}};
        struct http_client *client = NULL;
        if (http_tls_check(&opts.tls, &early) != -EINVAL) fail_msg("row %zu", i);
        assert_int_equal(http_client_new(&client, the.loop, &opts, &late), -EINVAL);
        assert_string_equal(early.text, late.text);
        assert_null(strstr(early.text, "hunter2"));
        for (size_t k = 0; k < LEN(fault_rows[i].words) && fault_rows[i].words[k]; k++)
            if (!strstr(early.text, fault_rows[i].words[k])) fail_msg("row %zu: %s", i, early.text);
    }
}

static void every_cipher_suite_of_beats_is_known_to_openssl(void **state) {
    (void)state;
    static const char *const unknown[] = {"?"};
    struct fault fault = {{0}};
    assert_int_equal(http_tls_check(&(struct http_tls){SUITES(unknown)}, &fault), -EINVAL);
    const char *list = strstr(fault.text, "these are: ");
    assert_non_null(list);
    struct str rest = str_from(list + strlen("these are: "));
    size_t count = 0;
    while (rest.p) {
        struct str name = str_trim(str_split(&rest, ','));
        AUTO_MEM char *z = mem_copy(name.p, name.n);
        const char *const suites[] = {z};
        const struct http_tls tls = {SUITES(suites)};
        struct outcome outcome = {0};
        SERVE("-cert", "good.pem", "-key", "good.key");
        outcome = fetch("localhost", &tls);
        // No common suite is one thing, an empty or unknown list (set failed) another.
        assert_null(strstr(outcome.fault.text, "failed setting"));
        assert_true(outcome.result == HTTP_OK || outcome.result == HTTP_TLS);
        count++;
    }
    assert_int_equal(count, 21);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_verification_mode_accepts_what_it_should_and_no_more),
        cmocka_unit_test(an_authority_may_be_written_into_the_settings),
        cmocka_unit_test(a_fingerprint_trusts_an_authority_that_the_server_sends),
        cmocka_unit_test(an_authority_that_signed_nothing_vouches_for_nothing),
        cmocka_unit_test(a_leaf_is_no_authority_whatever_its_fingerprint),
        cmocka_unit_test(a_client_shows_its_certificate_to_those_who_ask),
        cmocka_unit_test(only_the_versions_asked_for_are_spoken),
        cmocka_unit_test(only_the_cipher_suites_asked_for_are_offered),
        cmocka_unit_test(what_cannot_work_is_refused_before_a_client_is_made),
        cmocka_unit_test(every_cipher_suite_of_beats_is_known_to_openssl),
    };
    unsetenv("SSL_CERT_FILE");
    return cmocka_run_group_tests_name("tls", tests, set_up, tear_down);
}
