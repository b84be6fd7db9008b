// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_SERVER_H
#define SIM_SERVER_H
// The simulator on a socket: one thread, one loop over the HTTP library's epoll, the parked bodies
// and SIGTERM/SIGINT.

#include "base/error.h"
#include "sim/sim.h"

struct server;

struct server_opts {
    const char *host;               // an address, not a name: "127.0.0.1", "::1"
    uint16_t port;                  // 0: any
    const char *tls_cert, *tls_key; // PEM files; NULL: plain HTTP
    bool terminal;                  // phones are answered on standard input and output
};

// Begins to listen; `sim` is borrowed. SIGTERM and SIGINT are blocked from here on and end
// server_run instead. Outcomes: 0; negative with `fault` set.
int server_new(struct server **ret, struct sim *sim, const struct server_opts *opts,
               struct fault *fault) MUST_USE;
struct server *server_free(struct server *s);
DEFINE_AUTO_FREE(server)

// The port that was taken.
uint16_t server_port(const struct server *s);

// Serves until SIGTERM or SIGINT. Outcomes: 0; negative errno.
int server_run(struct server *s) MUST_USE;

#endif
