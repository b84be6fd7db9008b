// SPDX-License-Identifier: Apache-2.0
// What librdkafka 2.0.2 said in front of real brokers and others, and what people are told then.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kafka/obstacle.h"

struct sample {
    const char *line, *words;
    enum kafka_obstacle kind;
};

static const struct sample samples[] = {
    {"[thrd:127.0.0.1:1/bootstrap]: 127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: "
     "Connection refused (after 0ms in state CONNECT, 1 identical error(s) suppressed)",
     "127.0.0.1:1: connection refused", KAFKA_AWAY},
    {"sasl_ssl://k1:9093/3: Connect to ipv6#[::1]:9093 failed: No route to host (after 3ms in "
     "state CONNECT)",
     "k1:9093: no route to host", KAFKA_AWAY},
    {"[thrd:TxnCoordinator]: TxnCoordinator: Connect to ipv4#127.0.0.1:9092 failed: Connection "
     "refused (after 0ms in state CONNECT)",
     "127.0.0.1:9092: connection refused", KAFKA_AWAY},
    {"nohost.invalid:9092/bootstrap: Failed to resolve 'nohost.invalid:9092': Name or service not "
     "known (after 0ms in state CONNECT)",
     "nohost.invalid:9092: its name is not known: name or service not known", KAFKA_UNKNOWN},
    {"k1:9092/bootstrap: ApiVersionRequest failed: Local: Timed out: probably due to broker "
     "version < 0.10 (see api.version.request configuration) (after 4004ms in state "
     "APIVERSION_QUERY)",
     "k1:9092: connected, but no answer", KAFKA_SILENT},
    {"[thrd:k1:9092/1]: k1:9092/1: Timed out 1 in-flight, 0 retry-queued, 0 out-queue, 0 "
     "partially-sent requests",
     "k1:9092: connected, but no answer", KAFKA_SILENT},
    {"k1:9092/bootstrap: Connection setup timed out in state CONNECT (after 10001ms in state "
     "CONNECT)",
     "k1:9092: the connection is not answered", KAFKA_AWAY},
    {"k1:9092/bootstrap: Receive failed: Invalid response size 1213486160 (0..100000000): increase "
     "receive.message.max.bytes (after 0ms in state APIVERSION_QUERY)",
     "k1:9092: what answers there is not a Kafka broker", KAFKA_STRANGE},
    {"ssl://k1:9092/bootstrap: error:0A000126:SSL routines::unexpected eof while reading (after "
     "4ms in state SSL_HANDSHAKE)",
     "k1:9092: the TLS handshake was cut; if the port speaks plain text, leave `ssl` out",
     KAFKA_NO_TLS},
    {"ssl://k1:9092/bootstrap: SSL handshake failed: Disconnected: connecting to a PLAINTEXT "
     "broker listener? (after 0ms in state SSL_HANDSHAKE)",
     "k1:9092: the TLS handshake was cut; if the port speaks plain text, leave `ssl` out",
     KAFKA_NO_TLS},
    {"ssl://k1:9092/1: Receive failed: error:0A000126:SSL routines::unexpected eof while reading "
     "(after 900ms in state UP)",
     "k1:9092: the connection was cut: error:0A000126:SSL routines::unexpected eof while reading",
     KAFKA_CUT},
    {"ssl://k1:9092/bootstrap: SSL handshake failed: error:0A00010B:SSL routines::wrong version "
     "number (after 1ms in state SSL_HANDSHAKE)",
     "k1:9092: the port does not speak TLS; if it is the right one, leave `ssl` out", KAFKA_NO_TLS},
    {"sasl_ssl://k1:9093/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate "
     "verify failed: broker certificate could not be verified, verify that ssl.ca.location is "
     "correctly configured or root CA certificates are installed (install ca-certificates "
     "package) (after 5ms in state SSL_HANDSHAKE)",
     "k1:9093: its certificate is not trusted: it has to be for this host's name, and of an "
     "authority in ssl.certificate_authorities",
     KAFKA_NO_TLS},
    {"ssl://k1:9093/bootstrap: Receive failed: error:0A00045C:SSL routines::tlsv13 alert "
     "certificate required: SSL alert number 116 (after 2ms in state APIVERSION_QUERY)",
     "k1:9093: the broker wants a client's certificate: ssl.certificate and ssl.key", KAFKA_NO_TLS},
    {"sasl_plaintext://k1:9094/bootstrap: SASL authentication error: Authentication failed: "
     "Invalid username or password (after 302ms in state AUTH_REQ)",
     "k1:9094: the broker refuses username or password: authentication failed: Invalid username "
     "or password",
     KAFKA_DENIED},
    {"sasl_plaintext://k1:9094/bootstrap: SASL SCRAM-SHA-512 mechanism handshake failed: Broker: "
     "Unsupported SASL mechanism: broker's supported mechanisms: PLAIN,SCRAM-SHA-256 (after 301ms "
     "in state AUTH_HANDSHAKE)",
     "k1:9094: the broker does not take this sasl.mechanism; it takes: PLAIN,SCRAM-SHA-256",
     KAFKA_DENIED},
    {"sasl_plaintext://k1:9092/bootstrap: SASL PLAIN mechanism handshake failed: Broker: Request "
     "not valid in current SASL state: broker's supported mechanisms:  (after 1ms in state "
     "AUTH_HANDSHAKE)",
     "k1:9092: the port takes no credentials; if it is the right one, leave `username` and "
     "`password` out",
     KAFKA_DENIED},
    {"[thrd:main]: Failed to acquire transactional PID from broker TxnCoordinator/1: Broker: "
     "Coordinator load in progress: retrying",
     "Failed to acquire transactional PID from broker TxnCoordinator/1: Broker: Coordinator load "
     "in progress: retrying",
     KAFKA_NONE},
    {"", "", KAFKA_NONE},
};

static void each_line_becomes_a_host_and_a_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(samples); i++) {
        AUTO_FINI(buf) struct buf out = buf_make(1000);
        enum kafka_obstacle kind = kafka_obstacle_read(samples[i].line, &out);
        assert_string_equal(buf_z(&out), samples[i].words);
        assert_int_equal(kind, samples[i].kind);
    }
}

static void nothing_of_librdkafkas_settings_is_passed_on(void **state) {
    static const char *const theirs[] = {"api.version.request", "ssl.ca.location", "(after ",
                                         "receive.message.max.bytes", "thrd:"};
    (void)state;
    for (size_t i = 0; i < LEN(samples); i++) {
        AUTO_FINI(buf) struct buf out = buf_make(1000);
        kafka_obstacle_read(samples[i].line, &out);
        for (size_t k = 0; k < LEN(theirs); k++) assert_null(strstr(buf_z(&out), theirs[k]));
    }
}

static void cut_short_anywhere_a_line_is_still_read(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(samples); i++)
        for (size_t n = 0; n < strlen(samples[i].line); n++) {
            AUTO_MEM char *line = mem_copy(samples[i].line, n);
            AUTO_FINI(buf) struct buf out = buf_make(1000);
            assert_non_null(line);
            assert_in_range(kafka_obstacle_read(line, &out), KAFKA_NONE, KAFKA_OBSTACLES - 1);
            assert_int_equal(out.error, 0);
        }
}

static void only_what_people_must_mend_is_sure(void **state) {
    (void)state;
    assert_true(kafka_obstacle_is_sure(KAFKA_DENIED));
    assert_true(kafka_obstacle_is_sure(KAFKA_NO_TLS));
    assert_true(kafka_obstacle_is_sure(KAFKA_UNKNOWN));
    assert_false(kafka_obstacle_is_sure(KAFKA_AWAY));
    assert_false(kafka_obstacle_is_sure(KAFKA_CUT));
    assert_false(kafka_obstacle_is_sure(KAFKA_SILENT));
    assert_string_equal(kafka_obstacle_step(KAFKA_DENIED), "credentials");
    assert_string_equal(kafka_obstacle_step(KAFKA_NO_TLS), "TLS");
    assert_string_equal(kafka_obstacle_step(KAFKA_UNKNOWN), "connection");
}

static void a_hint_names_the_settings_that_are_missing(void **state) {
    (void)state;
    assert_non_null(strstr(kafka_obstacle_hint(KAFKA_CUT, false, false), "`ssl`"));
    assert_non_null(strstr(kafka_obstacle_hint(KAFKA_CUT, false, false), "`username`"));
    assert_null(strstr(kafka_obstacle_hint(KAFKA_SILENT, false, true), "`username`"));
    assert_null(strstr(kafka_obstacle_hint(KAFKA_SILENT, true, false), "`ssl`"));
    assert_string_equal(kafka_obstacle_hint(KAFKA_CUT, true, true), "");
    assert_string_equal(kafka_obstacle_hint(KAFKA_AWAY, false, false), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_becomes_a_host_and_a_reason),
        cmocka_unit_test(nothing_of_librdkafkas_settings_is_passed_on),
        cmocka_unit_test(cut_short_anywhere_a_line_is_still_read),
        cmocka_unit_test(only_what_people_must_mend_is_sure),
        cmocka_unit_test(a_hint_names_the_settings_that_are_missing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
