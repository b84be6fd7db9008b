// SPDX-License-Identifier: Apache-2.0
// A real server of HTTP/2: Debian's nginx, which says in its answers what it saw.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "http/client.h"
#include "scripted.h"

enum { LANES = 20 };

struct nginx {
    char dir[64];
    int port;
    pid_t pid;
};

static int listen_somewhere(int *ret_port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0); // stays open over exec
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void write_configuration(const struct nginx *n, const char *protocol) {
    char path[128];
    snprintf(path, sizeof path, "%s/nginx.conf", n->dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(
        file,
        "daemon off; worker_processes 1; pid pid; error_log error.log;\n"
        "events {}\nhttp { access_log off; client_body_temp_path a; proxy_temp_path b;\n"
        "fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;\n"
        "gzip on; gzip_proxied any; gzip_min_length 0; gzip_types text/plain;\n"
        "server { listen 127.0.0.1:%d ssl %s; ssl_certificate c.pem; ssl_certificate_key c.key;\n"
        "location / { proxy_pass http://unix:%s/s; proxy_set_header X-P $server_protocol;\n"
        "proxy_set_header X-C $connection; } }\n"
        "server { listen unix:%s/s; default_type text/plain; location / { return 200 \"$http_x_p "
        "$request_method <$content_length> #$http_x_c.\"; } } }\n",
        n->port, protocol, n->dir, n->dir);
    assert_int_equal(fclose(file), 0);
}

// nginx takes over a socket that listens already, so that there is nothing to wait for.
static void run_nginx(const struct nginx *n, int fd) {
    char path[128], socket_list[16];
    snprintf(path, sizeof path, "%s/nginx.conf", n->dir);
    snprintf(socket_list, sizeof socket_list, "%d;", fd);
    setenv("NGINX", socket_list, 1);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDOUT_FILENO); // whoever waits for the end of our output must not wait for nginx
    dup2(null, STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    execlp("nginx", "nginx", "-p", n->dir, "-c", path, NULL);
    execl("/usr/sbin/nginx", "nginx", "-p", n->dir, "-c", path, NULL);
    _exit(127);
}

static void nginx_start(struct nginx *n, const char *protocol) {
    *n = (struct nginx){.pid = -1};
    snprintf(n->dir, sizeof n->dir, "/tmp/gatehouse-nginx-XXXXXX");
    assert_non_null(mkdtemp(n->dir));
    assert_int_equal(chmod(n->dir, 0711), 0); // the worker is another user
    char command[512];
    snprintf(command, sizeof command,
             "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
             "-keyout c.key -out c.pem -days 3 -subj /CN=localhost "
             "-addext subjectAltName=DNS:localhost >/dev/null 2>&1",
             n->dir);
    run_program(command);
    int fd = listen_somewhere(&n->port);
    write_configuration(n, protocol);
    n->pid = fork();
    assert_true(n->pid >= 0);
    if (n->pid == 0) run_nginx(n, fd);
    close(fd);
}

static void nginx_stop(struct nginx *n) {
    kill(n->pid, SIGTERM); // it ends its worker, too
    waitpid(n->pid, NULL, 0);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", n->dir);
    run_program(command);
}

struct lane {
    struct fixture *fixture;
    char text[128];
    bool gzip;
};

struct fixture {
    struct nginx nginx;
    struct loop *loop;
    struct http_client *client;
    char ca[96];
    char url[64];
    int left;
    struct lane lanes[LANES];
};

static void start(struct fixture *f, const char *protocol) {
    *f = (struct fixture){0};
    nginx_start(&f->nginx, protocol);
    assert_int_equal(loop_new(&f->loop), 0);
    snprintf(f->ca, sizeof f->ca, "%s/c.pem", f->nginx.dir);
    const char *const files[] = {f->ca};
    const struct http_client_opts opts = {
        .tls = {.certificate_authorities = files, .certificate_authority_count = 1},
        .user_agent = "gatehouse/test"};
    assert_int_equal(http_client_new(&f->client, f->loop, &opts, NULL), 0);
    snprintf(f->url, sizeof f->url, "https://localhost:%d/", f->nginx.port);
}

static void finish(struct fixture *f) {
    http_client_free(f->client);
    loop_free(f->loop);
    nginx_stop(&f->nginx);
}

static void on_done(void *ctx, const struct http_response *r) {
    struct lane *lane = ctx;
    if (r->result != HTTP_OK) fail_msg("%s: %s", http_result_name(r->result), r->fault.text);
    assert_int_equal(r->status, 200);
    snprintf(lane->text, sizeof lane->text, "%.*s", STR_ARG(r->body));
    lane->gzip = str_eqz(http_header(r, "Content-Encoding"), "gzip");
    if (--lane->fixture->left == 0) loop_stop(lane->fixture->loop);
}

static void send_all(struct fixture *f, int count, const char *method, struct str body) {
    f->left = count;
    for (int i = 0; i < count; i++) {
        f->lanes[i].fixture = f;
        struct http_request request = {.method = method,
                                       .url = f->url,
                                       .body = body,
                                       .timeout_ms = 5000,
                                       .max_body_bytes = 1 << 20,
                                       .done = on_done,
                                       .ctx = &f->lanes[i]};
        struct http_call *call = NULL;
        assert_int_equal(http_send(f->client, &request, &call), 0);
    }
    run_loop(f->loop);
}

// The lanes whose connection no lane before had.
static int count_connections(const struct fixture *f, int lanes) {
    int count = 0;
    for (int i = 0; i < lanes; i++) {
        const char *number = strchr(f->lanes[i].text, '#');
        assert_non_null(number);
        bool seen = false;
        for (int k = 0; k < i; k++) seen |= strcmp(strchr(f->lanes[k].text, '#'), number) == 0;
        count += !seen;
    }
    return count;
}

static void requests_at_once_share_one_connection_of_http2(void **state) {
    (void)state;
    struct fixture f;
    start(&f, "http2");
    for (int round = 0; round < 2; round++) {
        send_all(&f, LANES, NULL, STR_NONE);
        for (int i = 0; i < LANES; i++) {
            assert_true(str_starts(str_from(f.lanes[i].text), STR("HTTP/2.0 GET <> #")));
            assert_true(f.lanes[i].gzip);
        }
        assert_int_equal(count_connections(&f, LANES), 1);
    }
    finish(&f);
}

static void a_server_without_http2_gets_several_connections_at_once(void **state) {
    (void)state;
    struct fixture f;
    start(&f, "; limit_rate 100"); // an answer takes two seconds
    send_all(&f, LANES, NULL, STR_NONE);
    for (int i = 0; i < LANES; i++)
        assert_true(str_starts(str_from(f.lanes[i].text), STR("HTTP/1.1 GET <> #")));
    assert_in_range(count_connections(&f, LANES), 8, LANES);
    finish(&f);
}

static void bodies_have_their_length_in_http2_too(void **state) {
    (void)state;
    struct fixture f;
    start(&f, "http2");
    send_all(&f, 3, "POST", STR("a=b"));
    assert_true(str_starts(str_from(f.lanes[0].text), STR("HTTP/2.0 POST <3> #")));
    assert_int_equal(count_connections(&f, 3), 3);
    send_all(&f, 1, "POST", STR_NONE);
    assert_true(str_starts(str_from(f.lanes[0].text), STR("HTTP/2.0 POST <0> #")));
    send_all(&f, 1, "DELETE", STR_NONE);
    assert_true(str_starts(str_from(f.lanes[0].text), STR("HTTP/2.0 DELETE <> #")));
    finish(&f);
}

int main(void) {
    if (access("/usr/sbin/nginx", X_OK) != 0 && system("command -v nginx >/dev/null") != 0) {
        printf("1..0 # SKIP nginx is not installed\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_at_once_share_one_connection_of_http2),
        cmocka_unit_test(a_server_without_http2_gets_several_connections_at_once),
        cmocka_unit_test(bodies_have_their_length_in_http2_too),
    };
    return cmocka_run_group_tests_name("http2", tests, NULL, NULL);
}
