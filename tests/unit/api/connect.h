// SPDX-License-Identifier: Apache-2.0
#ifndef CONNECT_H
#define CONNECT_H
// A client's socket. After cmocka.h.

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/parse.h"
#include "base/str.h"

// `address` is "127.0.0.1:8200", of which the port counts.
static inline int connect_to_address(const char *address) {
    struct str port = str_from(strrchr(address, ':') + 1);
    uint64_t number;
    assert_true(parse_u64(port, &number));
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)number),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

#endif
