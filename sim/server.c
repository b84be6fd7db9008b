// SPDX-License-Identifier: Apache-2.0
// The HTTP library runs inside our own loop, so that everything happens in one thread and there is
// nothing to lock. The library has its own epoll; ours watches that one as a whole.
#include "sim/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "sim/body.h"
#include "sim/exchange.h"
#include "sim/ingest.h"
#include "sim/terminal.h"

enum {
    BACKLOG = 512,
    CONNECTIONS_MAX = 4096,
    CONNECTION_BYTES = 256 << 10, // also bounds the length of a URL and of all headers
    EVENTS_AT_ONCE = 64,
    PEM_MAX_BYTES = 1 << 20,
};

struct server {
    struct exchange_context context; // what each request needs
    struct MHD_Daemon *daemon;
    int listen_fd, epoll_fd, signal_fd;
    uint64_t changes; // of pushes, that those who wait were told of
    struct buf cert, key;
    struct terminal *terminal; // NULL: none
    bool typing;               // it may still say something
};

static union MHD_DaemonInfo const *daemon_info(struct server *s, enum MHD_DaemonInfoType type) {
    return MHD_get_daemon_info(s->daemon, type);
}

static int fill_address(struct sockaddr_storage *ret, socklen_t *ret_n,
                        const struct server_opts *opts) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(opts->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(opts->port)};
    if (inet_pton(AF_INET, opts->host, &v4.sin_addr) == 1) {
        memcpy(ret, &v4, sizeof v4);
        *ret_n = sizeof v4;
        return 0;
    }
    if (inet_pton(AF_INET6, opts->host, &v6.sin6_addr) != 1) return -EINVAL;
    memcpy(ret, &v6, sizeof v6);
    *ret_n = sizeof v6;
    return 0;
}

static int start_listening(struct server *s, const struct server_opts *opts) {
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t n;
    int e = fill_address(&address, &n, opts);
    if (e) return e;
    s->listen_fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->listen_fd < 0) return -errno;
    int on = 1;
    setsockopt(s->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool up = bind(s->listen_fd, (const struct sockaddr *)&address, n) == 0 &&
              listen(s->listen_fd, BACKLOG) == 0;
    return up ? 0 : -errno;
}

static int watch(struct server *s, int fd, void *mark) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = mark};
    return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int start_watching(struct server *s) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (s->signal_fd < 0 || s->epoll_fd < 0) return -errno;
    s->context.parking.epoll_fd = s->epoll_fd;
    return watch(s, s->signal_fd, &s->signal_fd);
}

static int start_daemon(struct server *s, bool tls) {
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK |
                     (tls ? (unsigned)MHD_USE_TLS : 0);
    struct MHD_OptionItem tls_options[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, tls ? (void *)(uintptr_t)buf_z(&s->cert) : NULL},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? (void *)(uintptr_t)buf_z(&s->key) : NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    if (!tls) tls_options[0] = tls_options[2];
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_handle, &s->context, MHD_OPTION_LISTEN_SOCKET, s->listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES, MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, &s->context,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_end, &s->context, MHD_OPTION_ARRAY, tls_options,
        MHD_OPTION_END);
    if (!s->daemon) return -EIO;
    return watch(s, daemon_info(s, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, &s->daemon);
}

static int read_pem(struct buf *out, const char *path, struct fault *fault) {
    *out = buf_make(PEM_MAX_BYTES);
    int e = ingest_read_file(out, path);
    if (e) return fault_set(fault, e, "%s: %s", path, error_text(e));
    return 0;
}

static int start_terminal(struct server *s, struct fault *fault) {
    int e = terminal_new(&s->terminal, s->context.sim, STDIN_FILENO, stdout);
    if (!e) e = watch(s, STDIN_FILENO, &s->terminal);
    if (e)
        return fault_set(fault, e, "--phones terminal: standard input is no terminal and no pipe");
    s->typing = true;
    return 0;
}

static int start(struct server *s, const struct server_opts *opts, struct fault *fault) {
    bool tls = opts->tls_cert != NULL;
    s->context.tls = tls;
    int e = tls ? read_pem(&s->cert, opts->tls_cert, fault) : 0;
    if (!e && tls) e = read_pem(&s->key, opts->tls_key, fault);
    if (e) return e;
    e = start_listening(s, opts);
    if (e)
        return fault_set(fault, e, "cannot listen on %s port %u: %s", opts->host, opts->port,
                         error_text(e));
    e = start_watching(s);
    if (!e) e = start_daemon(s, tls);
    if (!e && opts->terminal) return start_terminal(s, fault);
    if (e)
        fault_set(fault, e, "the HTTP server does not start%s",
                  tls ? "; are certificate and key a pair of PEM files?" : "");
    return e;
}

int server_new(struct server **ret, struct sim *sim, const struct server_opts *opts,
               struct fault *fault) {
    AUTO(server) struct server *s = mem_new(sizeof *s);
    if (!s) return fault_set(fault, -ENOMEM, "no memory");
    s->context.sim = sim;
    s->listen_fd = s->epoll_fd = s->signal_fd = -1;
    int e = start(s, opts, fault);
    if (e) return e;
    *ret = TAKE(s);
    return 0;
}

static void close_fd(int fd) {
    if (fd >= 0) close(fd);
}

struct server *server_free(struct server *s) {
    if (!s) return NULL;
    // The library must not be stopped while connections are suspended.
    parking_wake(&s->context.parking, 0, true);
    if (s->daemon) {
        MHD_run(s->daemon);
        MHD_stop_daemon(s->daemon); // closes the listening socket
    } else {
        close_fd(s->listen_fd);
    }
    terminal_free(s->terminal);
    close_fd(s->epoll_fd);
    close_fd(s->signal_fd);
    buf_fini(&s->cert);
    buf_fini(&s->key);
    free(s);
    return NULL;
}

uint16_t server_port(const struct server *s) {
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t n = sizeof address;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (getsockname(s->listen_fd, (struct sockaddr *)&address, &n)) return 0;
    memcpy(&v4, &address, sizeof v4);
    memcpy(&v6, &address, sizeof v6);
    return ntohs(address.ss_family == AF_INET6 ? v6.sin6_port : v4.sin_port);
}

static bool has_changed(const struct server *s) {
    return s->changes != s->context.sim->pushes.changes;
}

// Connections are resumed before the HTTP library runs: it would not wake up for them by itself.
static void tell_changes(struct server *s) {
    if (!has_changed(s)) return;
    s->changes = s->context.sim->pushes.changes;
    parking_wake_askers(&s->context.parking);
    if (s->terminal) terminal_look(s->terminal);
}

static int least_of(int a, int b) {
    if (a < 0 || b < 0) return a < 0 ? b : a;
    return a < b ? a : b;
}

static int timeout_ms(struct server *s) {
    enum { LONGEST_MS = 60000 };
    if (has_changed(s)) return 0;
    int least = parking_timeout_ms(&s->context.parking, time_mono_ms());
    MHD_UNSIGNED_LONG_LONG own;
    if (MHD_get_timeout(s->daemon, &own) == MHD_YES)
        least = least_of(least, own > LONGEST_MS ? LONGEST_MS : (int)own);
    if (s->terminal) least = least_of(least, (int)pushes_until_due(s->context.sim, LONGEST_MS));
    return least;
}

// A terminal that has gone leaves the pushes to others.
static int read_terminal(struct server *s) {
    int e = s->typing ? terminal_read(s->terminal) : 0;
    if (e != TERMINAL_E_END) return e;
    s->typing = false;
    return epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, STDIN_FILENO, NULL) ? -errno : 0;
}

// Outcomes: 0; SERVER_E_END; negative errno.
enum { SERVER_E_END = 1 };
static int take_event(struct server *s, void *mark) {
    if (mark == &s->signal_fd) return SERVER_E_END;
    if (mark == &s->terminal) return read_terminal(s);
    if (mark != &s->daemon) parking_gone(mark);
    return 0;
}

static int take_events(struct server *s) {
    struct epoll_event events[EVENTS_AT_ONCE];
    int n = epoll_wait(s->epoll_fd, events, EVENTS_AT_ONCE, timeout_ms(s));
    if (n < 0 && errno != EINTR) return -errno;
    int e = 0;
    for (int i = 0; !e && i < n; i++) e = take_event(s, events[i].data.ptr);
    return e;
}

int server_run(struct server *s) {
    struct sim *sim = s->context.sim;
    for (;;) {
        int e = take_events(s);
        if (!e && s->terminal) e = pushes_tick(sim, simclock_now(&sim->clock));
        if (e) return e < 0 ? e : 0;
        parking_wake(&s->context.parking, time_mono_ms(), false);
        tell_changes(s);
        if (MHD_run(s->daemon) != MHD_YES) return -EIO;
    }
}
