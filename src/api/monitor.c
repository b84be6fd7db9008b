// SPDX-License-Identifier: Apache-2.0
// Everything happens on the library's one thread, in its callbacks, so that nothing is locked. The
// library's own time-out begins anew with every byte; so that slow clients cannot hold all
// connections, whoever comes when there are many ends the oldest that has had its time.
#include "api/monitor.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <sys/socket.h>

#include "api/listening.h"
#include "base/time.h"

enum {
    CONNECTIONS = 16,
    SPARE_CONNECTIONS = 4, // that are being ended
    TIMEOUT_S = 5,
    CONNECTION_BYTES = 8 << 10, // bounds the request line with all headers
    BODY_MAX_BYTES = 64 << 20,
};

struct link {
    int fd; // -1: free
    int64_t since_mono_ms;
};

struct monitor {
    struct monitor_opts opts;
    struct listening listening;
    struct MHD_Daemon *daemon;
    struct link links[CONNECTIONS + SPARE_CONNECTIONS];
};

static const struct {
    const char *path, *type;
} pages[MONITOR_PAGES] = {
    [MONITOR_METRICS] = {"/metrics", "text/plain; version=0.0.4; charset=utf-8"},
    [MONITOR_HEALTH] = {"/healthz", "text/plain; charset=utf-8"},
    [MONITOR_READY] = {"/readyz", "text/plain; charset=utf-8"},
};

// ---- connections

static struct link *find_link(struct monitor *m, int fd) {
    for (size_t i = 0; i < LEN(m->links); i++)
        if (m->links[i].fd == fd) return &m->links[i];
    return NULL;
}

static void end_oldest(struct monitor *m) {
    struct link *oldest = NULL;
    size_t open = 0;
    for (size_t i = 0; i < LEN(m->links); i++) {
        struct link *l = &m->links[i];
        if (l->fd < 0) continue;
        open++;
        if (!oldest || l->since_mono_ms < oldest->since_mono_ms) oldest = l;
    }
    bool overdue = oldest && time_mono_ms() - oldest->since_mono_ms > TIMEOUT_S * TIME_SECOND_MS;
    if (open >= CONNECTIONS && overdue) shutdown(oldest->fd, SHUT_RDWR);
}

static void connection_changed(void *arg, struct MHD_Connection *connection, void **context,
                               enum MHD_ConnectionNotificationCode code) {
    struct monitor *m = arg;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    (void)context;
    if (!info) return;
    bool starts = code == MHD_CONNECTION_NOTIFY_STARTED;
    if (starts) end_oldest(m);
    struct link *l = find_link(m, starts ? -1 : info->connect_fd);
    if (l) *l = (struct link){starts ? info->connect_fd : -1, time_mono_ms()};
}

// ---- requests

static enum MHD_Result respond(struct MHD_Connection *connection, int status, const char *type,
                               struct buf *body) {
    struct MHD_Response *r =
        MHD_create_response_from_buffer(body->n, body->p, MHD_RESPMEM_MUST_COPY);
    if (!r) return MHD_NO;
    bool good = MHD_add_response_header(r, "Content-Type", type) == MHD_YES &&
                MHD_add_response_header(r, "Cache-Control", "no-store") == MHD_YES &&
                MHD_add_response_header(r, "Connection", "close") == MHD_YES;
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        good = good && MHD_add_response_header(r, "Allow", "GET, HEAD") == MHD_YES;
    enum MHD_Result result = good ? MHD_queue_response(connection, (unsigned)status, r) : MHD_NO;
    MHD_destroy_response(r);
    return result;
}

static int make_body(struct monitor *m, size_t page, const char *method, struct buf *body) {
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    int status = page == LEN(pages) ? MHD_HTTP_NOT_FOUND
                 : !reads           ? MHD_HTTP_METHOD_NOT_ALLOWED
                                    : m->opts.answer(m->opts.ctx, (enum monitor_page)page, body);
    if (status == MHD_HTTP_NOT_FOUND) buf_addz(body, "not found: there are");
    for (size_t i = 0; status == MHD_HTTP_NOT_FOUND && i < LEN(pages); i++)
        buf_addf(body, " %s", pages[i].path);
    if (status == MHD_HTTP_NOT_FOUND) buf_addc(body, '\n');
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) buf_addz(body, "only GET and HEAD\n");
    return status;
}

// Asked for as soon as the headers have come; a body is nobody's, and the connection ends.
static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_n, void **context) {
    struct monitor *m = arg;
    size_t page = 0;
    (void)version;
    (void)upload;
    (void)upload_n;
    (void)context;
    while (page < LEN(pages) && strcmp(pages[page].path, url) != 0) page++;
    AUTO_FINI(buf) struct buf body = buf_make(BODY_MAX_BYTES);
    int status = make_body(m, page, method, &body);
    if (body.error) return MHD_NO;
    bool said = page < LEN(pages) && status != MHD_HTTP_METHOD_NOT_ALLOWED;
    return respond(connection, status, pages[said ? page : MONITOR_HEALTH].type, &body);
}

// ---- begin and end

int monitor_new(struct monitor **ret, const struct monitor_opts *opts, struct fault *fault) {
    AUTO(monitor) struct monitor *m = mem_new(sizeof *m);
    if (!m) return fault_set(fault, -ENOMEM, "no memory");
    m->opts = *opts;
    m->listening.fd = -1;
    for (size_t i = 0; i < LEN(m->links); i++) m->links[i].fd = -1;
    int e = listening_open(&m->listening, opts->address, false, fault);
    if (e) return e;
    m->opts.address = NULL;
    m->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handle, m, MHD_OPTION_LISTEN_SOCKET,
        m->listening.fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)LEN(m->links),
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, m,
        MHD_OPTION_END);
    if (!m->daemon)
        return fault_set(fault, -EIO, "the HTTP server on %s does not start", m->listening.address);
    *ret = TAKE(m);
    return 0;
}

struct monitor *monitor_free(struct monitor *m) {
    if (!m) return NULL;
    if (m->daemon) MHD_stop_daemon(m->daemon);
    listening_close(&m->listening);
    free(m);
    return NULL;
}

const char *monitor_address(const struct monitor *m) { return m->listening.address; }
