// SPDX-License-Identifier: Apache-2.0
#include "api/listening.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

// "host:port" or "[host]:port" into two texts.
static int split_address(const char *address, char host[256], char port[8], struct fault *fault) {
    const char *colon = strrchr(address, ':');
    size_t n = colon ? (size_t)(colon - address) : 0;
    if (!colon || n >= 256 || strlen(colon + 1) == 0 || strlen(colon + 1) >= 8)
        return fault_set(fault, -EINVAL, "%s: an address is HOST:PORT, such as 127.0.0.1:8200",
                         address);
    bool bracketed = n >= 2 && address[0] == '[' && address[n - 1] == ']';
    if (!bracketed && memchr(address, ':', n))
        return fault_set(fault, -EINVAL, "%s: an IPv6 address stands in brackets: [::1]:8200",
                         address);
    memcpy(host, address + bracketed, n - 2 * bracketed);
    host[n - 2 * bracketed] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return 0;
}

static int find_address(struct addrinfo **ret, const char *address, struct fault *fault) {
    char host[256], port[8];
    int e = split_address(address, host, port, fault);
    if (e) return e;
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    int problem = getaddrinfo(host[0] ? host : NULL, port, &hints, ret);
    if (!problem) return 0;
    return fault_set(fault, -EINVAL, "%s: %s", address, gai_strerror(problem));
}

static bool is_loopback(const struct sockaddr *a) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (a->sa_family == AF_INET) {
        memcpy(&v4, a, sizeof v4);
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    }
    memcpy(&v6, a, sizeof v6);
    return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

static int listen_at(struct listening *l, const struct addrinfo *a) {
    l->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0) return -errno;
    int on = 1;
    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool up = bind(l->fd, a->ai_addr, a->ai_addrlen) == 0 && listen(l->fd, SOMAXCONN) == 0;
    return up ? 0 : -errno;
}

// The address with the port that the system has given.
static int note_address(struct listening *l) {
    struct sockaddr_storage address;
    socklen_t n = sizeof address;
    char host[INET6_ADDRSTRLEN], port[8];
    if (getsockname(l->fd, (struct sockaddr *)&address, &n)) return -errno;
    if (getnameinfo((struct sockaddr *)&address, n, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV))
        return -EINVAL;
    bool v6 = address.ss_family == AF_INET6;
    snprintf(l->address, sizeof l->address, v6 ? "[%s]:%s" : "%s:%s", host, port);
    return 0;
}

int listening_open(struct listening *ret, const char *address, bool near, struct fault *fault) {
    struct addrinfo *a = NULL;
    int e = find_address(&a, address, fault);
    if (e) return e;
    if (near && !is_loopback(a->ai_addr)) {
        freeaddrinfo(a);
        return LISTENING_E_FAR;
    }
    struct listening l = {.fd = -1};
    e = listen_at(&l, a);
    if (!e) e = note_address(&l);
    freeaddrinfo(a);
    if (!e) *ret = l;
    else listening_close(&l);
    return e ? fault_set(fault, e, "can't listen on %s: %s", address, error_text(e)) : 0;
}

void listening_close(struct listening *l) {
    if (l->fd >= 0) close(l->fd);
    l->fd = -1;
}
