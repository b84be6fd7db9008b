// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_HTTP_TLS_SERVER_H
#define TESTS_UNIT_HTTP_TLS_SERVER_H
// openssl's own server as a TLS peer: GET /NAME is answered with the file NAME of its directory,
// which holds a whole HTTP answer. Its certificate, unless another is made and named in `options`,
// is signed by itself, for "localhost" only.

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/parse.h"
#include "scripted.h"

struct tls_server {
    char dir[64];
    char certificate[96];
    pid_t pid;
    int port;
};

enum { TLS_SERVER_OPTIONS_MAX = 16 };

// `options` is a NULL-terminated list of arguments of s_server.
static inline void tls_server_exec(const struct tls_server *t, int out,
                                   const char *const *options) {
    static const char *const fixed[] = {"openssl", "s_server", "-accept", "127.0.0.1:0",
                                        "-HTTP",   "-naccept", "20"};
    char *arguments[LEN(fixed) + TLS_SERVER_OPTIONS_MAX + 1] = {NULL};
    size_t n = 0;
    for (; n < LEN(fixed); n++) arguments[n] = strdup(fixed[n]);
    for (; *options; options++) arguments[n++] = strdup(*options);
    dup2(out, STDOUT_FILENO);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDERR_FILENO);
    if (chdir(t->dir) == 0) execvp("openssl", arguments);
    _exit(127);
}

// The server says "ACCEPT 127.0.0.1:PORT" when it is ready.
static inline int tls_server_read_port(int fd) {
    const char prefix[] = "ACCEPT 127.0.0.1:";
    char text[1024];
    size_t n = 0;
    for (;;) {
        ssize_t got = read(fd, text + n, sizeof text - 1 - n);
        assert_true(got > 0);
        n += (size_t)got;
        text[n] = '\0';
        const char *at = strstr(text, prefix);
        const char *end = at ? strchr(at, '\n') : NULL;
        if (!end) continue;
        uint64_t port = 0;
        const char *digits = at + sizeof prefix - 1;
        assert_true(parse_u64((struct str){digits, (size_t)(end - digits)}, &port));
        return (int)port;
    }
}

static inline void tls_server_write(const struct tls_server *t, const char *name,
                                    const char *content) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", t->dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

// Makes directory and certificate; answers are then written with tls_server_write.
static inline void tls_server_prepare(struct tls_server *t) {
    *t = (struct tls_server){.pid = -1};
    snprintf(t->dir, sizeof t->dir, "/tmp/gatehouse-tls-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    snprintf(t->certificate, sizeof t->certificate, "%s/certificate.pem", t->dir);
    char command[512];
    snprintf(command, sizeof command,
             "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out "
             "certificate.pem -days 3 -subj /CN=localhost -addext subjectAltName=DNS:localhost "
             ">/dev/null 2>&1",
             t->dir);
    run_program(command);
}

static inline void tls_server_start_with(struct tls_server *t, const char *const *options) {
    int out[2];
    assert_int_equal(pipe(out), 0);
    t->pid = fork();
    assert_true(t->pid >= 0);
    if (t->pid == 0) tls_server_exec(t, out[1], options);
    close(out[1]);
    t->port = tls_server_read_port(out[0]);
    close(out[0]);
}

static inline void tls_server_start(struct tls_server *t) {
    static const char *const options[] = {"-cert", "certificate.pem", "-key", "key.pem", NULL};
    tls_server_start_with(t, options);
}

static inline void tls_server_kill(struct tls_server *t) {
    if (t->pid <= 0) return;
    kill(t->pid, SIGKILL);
    waitpid(t->pid, NULL, 0);
    t->pid = -1;
}

static inline void tls_server_stop(struct tls_server *t) {
    tls_server_kill(t);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", t->dir);
    run_program(command);
}

#endif
