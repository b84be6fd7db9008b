// SPDX-License-Identifier: Apache-2.0
// The library has a thread of its own (or several); it accepts, shakes hands, reads, and calls the
// exchange. What is slow in the gate is answered later, from the gate's threads.
#include "api/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/server-internal.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "identity/cidr.h"

enum {
    BODY_MAX_BYTES = 32 << 20,
    IDLE_MS = 60 * TIME_SECOND_MS,
    HEADERS_MS = 10 * TIME_SECOND_MS,
    CONNECTIONS_MAX = 20000,
    SPARE_FILES = 256, // for the rest of the program
    // Bounds the request line with all headers, and what a connection takes.
    CONNECTION_BYTES = 16 << 10,
    PROXIES_BYTES = 1 << 20,
    GOODBYE_MS = 5 * TIME_SECOND_MS, // for clients to take their last answer
};

static const char tls_rules[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

// As many files as the system lets us have; the result in `ret`.
static rlim_t raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return 1024;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) && getrlimit(RLIMIT_NOFILE, &limit)) return 1024;
    return limit.rlim_cur;
}

static void fill_defaults(struct server_opts *o) {
    if (o->body_max == 0) o->body_max = BODY_MAX_BYTES;
    if (o->idle_timeout_ms == 0) o->idle_timeout_ms = IDLE_MS;
    if (o->headers_timeout_ms == 0) o->headers_timeout_ms = HEADERS_MS;
    if (o->connections_max == 0) o->connections_max = CONNECTIONS_MAX;
    rlim_t files = raise_file_limit();
    if (files < (rlim_t)o->connections_max + SPARE_FILES)
        o->connections_max = files > 2 * SPARE_FILES ? (int)(files - SPARE_FILES) : SPARE_FILES;
}

static int start_listening(struct server *s, struct fault *fault) {
    bool anywhere = s->keys || s->opts.allow_plain_http;
    int e = listening_open(&s->listening, s->opts.address, !anywhere, fault);
    if (e != LISTENING_E_FAR) return e;
    return fault_set(fault, -EINVAL,
                     "%s: without TLS the gate listens on this machine itself only; set "
                     "listen.tls_cert_file and listen.tls_key_file, or listen.tls_disable",
                     s->opts.address);
}

static void note_peer(struct link *l, struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->client_addr : NULL;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (a && a->sa_family == AF_INET) {
        memcpy(&v4, a, sizeof v4);
        inet_ntop(AF_INET, &v4.sin_addr, l->remote_address, sizeof l->remote_address);
    } else if (a && a->sa_family == AF_INET6) {
        memcpy(&v6, a, sizeof v6);
        bool mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
        inet_ntop(mapped ? AF_INET : AF_INET6, v6.sin6_addr.s6_addr + (mapped ? 12 : 0),
                  l->remote_address, sizeof l->remote_address);
    }
}

static struct link *link_open(struct server *s, struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct link *l = mem_new(sizeof *l);
    if (!l || !info) {
        free(l);
        return NULL;
    }
    l->server = s;
    l->fd = info->connect_fd;
    note_peer(l, connection);
    link_allow(l, s->opts.idle_timeout_ms);
    warden_add(&s->warden, l);
    return l;
}

// A connection begins or ends; the library's threads.
static void connection_changed(void *arg, struct MHD_Connection *connection, void **socket_context,
                               enum MHD_ConnectionNotificationCode code) {
    struct server *s = arg;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = link_open(s, connection);
        return;
    }
    struct link *l = TAKE(*socket_context);
    if (!l) return;
    warden_remove(&s->warden, l);
    tls_chain_drop(l->chain);
    free(l);
}

static int start_daemon(struct server *s, struct fault *fault) {
    bool tls = s->keys != NULL;
    struct MHD_OptionItem more[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(uintptr_t)tls_choose},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_rules},
        {MHD_OPTION_END, 0, NULL},
    };
    if (!tls) more[0] = more[2];
    unsigned threads = s->opts.threads > 1 ? (unsigned)s->opts.threads : 0;
    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | (tls ? MHD_USE_TLS : 0), 0, NULL,
        NULL, exchange_handle, s, MHD_OPTION_LISTEN_SOCKET, s->listening.fd,
        MHD_OPTION_STRICT_FOR_CLIENT, 0, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)s->opts.connections_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES, MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_URI_LOG_CALLBACK,
        exchange_begin, s, MHD_OPTION_NOTIFY_COMPLETED, exchange_end, s,
        MHD_OPTION_NOTIFY_CONNECTION, connection_changed, s, MHD_OPTION_ARRAY, more,
        MHD_OPTION_END);
    if (s->daemon) return 0;
    return fault_set(fault, -EIO, "the HTTP server on %s does not start", s->listening.address);
}

static int start(struct server *s, struct fault *fault) {
    const struct server_opts *o = &s->opts;
    int e = 0;
    if (!o->tls_cert_file != !o->tls_key_file)
        return fault_set(fault, -EINVAL, "a certificate file and a key file belong together");
    if (o->tls_cert_file) e = tls_keys_new(&s->keys, o->tls_cert_file, o->tls_key_file, fault);
    if (!e) e = start_listening(s, fault);
    if (e) return e;
    e = warden_start(&s->warden);
    if (!e) e = hangup_start(&s->hangup, s->opts.gate);
    if (e) return fault_set(fault, e, "can't start a thread: %s", error_text(e));
    return start_daemon(s, fault);
}

static int copy_proxies(struct server *s, struct fault *fault) {
    s->proxies = buf_make(PROXIES_BYTES);
    for (size_t i = 0; i < s->opts.x_forwarded_for_authorized_addr_count; i++) {
        struct str one = str_from(s->opts.x_forwarded_for_authorized_addrs[i]);
        if (!cidr_is_valid(one))
            return fault_set(fault, -EINVAL,
                             "x_forwarded_for_authorized_addrs: %.*s is no address and no network",
                             STR_ARG(one));
        list_add(&s->proxies, one);
    }
    return s->proxies.error;
}

int server_new(struct server **ret, const struct server_opts *opts, struct fault *fault) {
    AUTO(server) struct server *s = mem_new(sizeof *s);
    if (!s) return fault_set(fault, -ENOMEM, "no memory");
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->idle, NULL);
    s->listening.fd = -1;
    s->opts = *opts;
    fill_defaults(&s->opts);
    int e = crypto_random(s->ids.seed, sizeof s->ids.seed);
    if (e) return fault_set(fault, e, "no random bytes");
    e = copy_proxies(s, fault);
    if (!e) e = start(s, fault);
    if (e) return e;
    s->opts.address = s->opts.tls_cert_file = s->opts.tls_key_file = NULL;
    s->opts.x_forwarded_for_authorized_addrs = NULL;
    *ret = TAKE(s);
    return 0;
}

// Waits until the gate has answered everything, and, for a while, until that is sent. Who comes
// meanwhile is told so. (The library's way to stop listening earlier may abort the program: its
// threads and ours take the socket off, whoever comes second.)
static void say_goodbye(struct server *s) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += GOODBYE_MS / TIME_SECOND_MS;
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->closing, true);
    while (s->working > 0) pthread_cond_wait(&s->idle, &s->lock);
    while (s->unfinished > 0 && pthread_cond_timedwait(&s->idle, &s->lock, &until) != ETIMEDOUT)
        continue;
    pthread_mutex_unlock(&s->lock);
}

struct server *server_free(struct server *s) {
    if (!s) return NULL;
    if (s->daemon) {
        say_goodbye(s);
        MHD_stop_daemon(s->daemon); // closes the listening socket, too
        s->listening.fd = -1;
    }
    listening_close(&s->listening);
    warden_stop(&s->warden);
    hangup_stop(&s->hangup);
    buf_fini(&s->proxies);
    tls_keys_free(s->keys);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    free(s);
    return NULL;
}

const char *server_address(const struct server *s) { return s->listening.address; }

int server_reload_tls(struct server *s, struct fault *fault) {
    return s->keys ? tls_keys_reload(s->keys, fault) : 0;
}
