// SPDX-License-Identifier: Apache-2.0
// What librdkafka tells from several threads at once, without librdkafka.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "kafka/kafka-internal.h"

enum { THREADS = 4, LINES = 500 };

static const struct kafka_opts opts = {.timeout_ms = 1000};

struct fixture {
    struct kafka_client client;
};

static int setup(void **state) {
    static struct fixture f;
    f.client = (struct kafka_client){.opts = &opts, .timeout_ms = opts.timeout_ms};
    *state = &f;
    return pthread_mutex_init(&f.client.lock, NULL);
}

static int teardown(void **state) {
    struct fixture *f = *state;
    return pthread_mutex_destroy(&f->client.lock);
}

static const char refused[] = "k1:9092/1: Connect to ipv4#10.0.0.1:9092 failed: Connection refused";
static const char denied[] = "k1:9092/1: SASL authentication error: no";

static void the_kind_that_tells_most_names_the_step(void **state) {
    struct kafka_client *c = &((struct fixture *)*state)->client;
    assert_string_equal(kafka_failed_step(c), "connection");
    kafka_note(c, RD_KAFKA_RESP_ERR__AUTHENTICATION, denied);
    kafka_note(c, RD_KAFKA_RESP_ERR__TRANSPORT, refused);
    assert_string_equal(kafka_failed_step(c), "credentials");
    kafka_answered(c);
    assert_string_equal(kafka_failed_step(c), "connection");
}

static void a_line_that_nobody_knows_is_of_the_kind_that_its_code_says(void **state) {
    struct kafka_client *c = &((struct fixture *)*state)->client;
    kafka_note(c, RD_KAFKA_RESP_ERR__SSL, "k1:9092/1: something new");
    assert_string_equal(kafka_failed_step(c), "TLS");
}

static void a_fault_holds_the_last_complaint_beside_its_own_reason(void **state) {
    struct kafka_client *c = &((struct fixture *)*state)->client;
    struct fault fault = {0};
    kafka_note(c, RD_KAFKA_RESP_ERR_NO_ERROR, refused);
    kafka_note(c, RD_KAFKA_RESP_ERR_NO_ERROR,
               "Current transaction failed in state InTransaction: x");
    assert_int_equal(kafka_trouble(c, "topic t", "no answer in time", &fault), -EIO);
    assert_string_equal(fault.text, "topic t: no answer in time (k1:9092: connection refused)");
    kafka_answered(c);
    assert_int_equal(kafka_trouble(c, "topic t", "no answer in time", &fault), -EIO);
    assert_string_equal(fault.text, "topic t: no answer in time");
}

static void *tell(void *ctx) {
    struct kafka_client *c = ctx;
    for (int i = 0; i < LINES; i++) {
        kafka_note(c, RD_KAFKA_RESP_ERR__TRANSPORT, refused);
        kafka_note(c, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "1/1 brokers are down");
        kafka_note(c, RD_KAFKA_RESP_ERR__AUTHENTICATION, denied);
    }
    return NULL;
}

static void lines_of_many_threads_are_kept_whole(void **state) {
    struct kafka_client *c = &((struct fixture *)*state)->client;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, tell, c), 0);
    for (int i = 0; i < LINES; i++) {
        const char *step = kafka_failed_step(c);
        assert_true(strcmp(step, "connection") == 0 || strcmp(step, "credentials") == 0);
        kafka_answered(c);
    }
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    kafka_note(c, RD_KAFKA_RESP_ERR__AUTHENTICATION, denied);
    struct fault fault = {0};
    (void)!kafka_trouble(c, "t", NULL, &fault);
    assert_string_equal(fault.text, "t: k1:9092: the broker refuses username or password: no");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_kind_that_tells_most_names_the_step, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_that_nobody_knows_is_of_the_kind_that_its_code_says,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_fault_holds_the_last_complaint_beside_its_own_reason,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(lines_of_many_threads_are_kept_whole, setup, teardown),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
