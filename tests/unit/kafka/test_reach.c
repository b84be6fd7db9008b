// SPDX-License-Identifier: Apache-2.0
// A producer in front of ports where no broker is. `timeout` is so long that a test that waits for
// it does not end in time.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kafka/producer.h"

enum { TIMEOUT_MS = 1000 * 1000 };

struct port {
    int fd;
    char host[32];
};

static void port_init(struct port *p) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t n = sizeof address;
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(p->fd >= 0);
    assert_int_equal(bind(p->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(p->fd, (struct sockaddr *)&address, &n), 0);
    snprintf(p->host, sizeof p->host, "127.0.0.1:%d", ntohs(address.sin_port));
}

static void port_fini(struct port *p) { close(p->fd); }
DEFINE_AUTO_FINI(port)

// Until the port is shut down.
static void *cut_all(void *ctx) {
    const struct port *p = ctx;
    for (int fd = 0; fd >= 0;) {
        fd = accept(p->fd, NULL, NULL);
        if (fd >= 0) close(fd);
    }
    return NULL;
}

static struct kafka_opts opts_for(const char *const *hosts, size_t n) {
    return (struct kafka_opts){.hosts = hosts,
                               .host_count = n,
                               .topic = "t",
                               .compression = "none",
                               .compression_level = -1,
                               .max_message_bytes = 1000000,
                               .timeout_ms = TIMEOUT_MS,
                               .client_id = "test",
                               .transactional_id = "test",
                               .position_topic = "positions"};
}

static int try_to_open(const struct kafka_opts *opts, struct fault *fault) {
    AUTO(kafka_producer) struct kafka_producer *p = NULL;
    atomic_bool stop = false;
    int r = kafka_producer_new(&p, opts, &stop, fault);
    assert_null(p);
    return r;
}

static void a_port_where_nobody_listens_is_told_without_waiting_for_the_timeout(void **state) {
    (void)state;
    AUTO_FINI(port) struct port closed = {-1};
    port_init(&closed); // bound, but nobody listens
    const char *const hosts[] = {closed.host};
    const struct kafka_opts opts = opts_for(hosts, 1);
    struct fault fault = {0};
    char expected[100];
    snprintf(expected, sizeof expected, "%s: connection refused", closed.host);
    assert_int_equal(try_to_open(&opts, &fault), -EIO);
    assert_string_equal(fault.text, expected);
}

static void of_several_hosts_their_number_and_the_last_are_told(void **state) {
    (void)state;
    AUTO_FINI(port) struct port one = {-1};
    AUTO_FINI(port) struct port two = {-1};
    port_init(&one);
    port_init(&two);
    const char *const hosts[] = {one.host, two.host};
    const struct kafka_opts opts = opts_for(hosts, 2);
    struct fault fault = {0};
    assert_int_equal(try_to_open(&opts, &fault), -EIO);
    assert_non_null(strstr(fault.text, "none of the 2 hosts can be reached"));
    assert_non_null(strstr(fault.text, "connection refused"));
}

static void a_port_that_cuts_connections_leads_to_a_hint(void **state) {
    (void)state;
    AUTO_FINI(port) struct port port = {-1};
    pthread_t thread;
    port_init(&port);
    assert_int_equal(listen(port.fd, 10), 0);
    assert_int_equal(pthread_create(&thread, NULL, cut_all, &port), 0);
    const char *const hosts[] = {port.host};
    const struct kafka_opts opts = opts_for(hosts, 1);
    struct fault fault = {0};
    int r = try_to_open(&opts, &fault);
    shutdown(port.fd, SHUT_RDWR);
    pthread_join(thread, NULL);
    assert_int_equal(r, -EIO);
    assert_non_null(strstr(fault.text, "the connection was cut"));
    assert_non_null(strstr(fault.text, "does the port want `ssl`"));
    assert_int_equal(strncmp(fault.text, port.host, strlen(port.host)), 0);
}

static void stop_ends_the_waiting_for_a_silent_port(void **state) {
    (void)state;
    AUTO_FINI(port) struct port port = {-1};
    AUTO(kafka_producer) struct kafka_producer *p = NULL;
    port_init(&port);
    assert_int_equal(listen(port.fd, 10), 0);
    const char *const hosts[] = {port.host};
    const struct kafka_opts opts = opts_for(hosts, 1);
    struct fault fault = {0};
    atomic_bool stop = true;
    assert_int_equal(kafka_producer_new(&p, &opts, &stop, &fault), -ECANCELED);
}

struct steps {
    bool good;
    char names[200], last[FAULT_TEXT_MAX];
};

static void on_step(void *ctx, bool good, const char *step, const char *text) {
    struct steps *s = ctx;
    size_t n = strlen(s->names);
    s->good = s->good && good;
    snprintf(s->names + n, sizeof s->names - n, "%s;", step);
    snprintf(s->last, sizeof s->last, "%s", text);
}

static void the_test_of_an_output_names_the_connection(void **state) {
    (void)state;
    AUTO_FINI(port) struct port closed = {-1};
    port_init(&closed);
    const char *const hosts[] = {closed.host};
    const struct kafka_opts opts = opts_for(hosts, 1);
    struct fault fault = {0};
    struct steps steps = {.good = true};
    atomic_bool stop = false;
    assert_int_equal(kafka_test(&opts, "t", &stop, on_step, &steps, &fault), -EIO);
    assert_false(steps.good);
    assert_string_equal(steps.names, "connection;");
    assert_non_null(strstr(steps.last, "connection refused"));
    assert_null(strstr(steps.last, "topic"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_where_nobody_listens_is_told_without_waiting_for_the_timeout),
        cmocka_unit_test(of_several_hosts_their_number_and_the_last_are_told),
        cmocka_unit_test(a_port_that_cuts_connections_leads_to_a_hint),
        cmocka_unit_test(stop_ends_the_waiting_for_a_silent_port),
        cmocka_unit_test(the_test_of_an_output_names_the_connection),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
