// SPDX-License-Identifier: Apache-2.0
#ifndef API_SERVER_H
#define API_SERVER_H
// The HTTP server of the gate (libmicrohttpd; its only includer): connections, TLS, limits, and
// HTTP to `struct request` and back (reference 1.1 to 1.6). Connections are served by a thread of
// its own, so that neither TLS handshakes nor slow clients hold up the loop.

#include "api/gate.h"

struct server;

struct server_opts {
    struct gate *gate;
    const struct log *log;
    const char *address;                      // "127.0.0.1:8200", "[::1]:0"
    const char *tls_cert_file, *tls_key_file; // both or none (PEM)
    bool allow_plain_http;                    // beyond loopback
    size_t body_max;                          // bytes; 0: 32 MiB
    int64_t idle_timeout_ms;                  // 0: 60 s
    int64_t headers_timeout_ms;               // 0: 10 s. Bodies have three times as long, answers
                                              // six times, and a second more for each 16 KiB
    // Proxies whose X-Forwarded-For is believed (api/http-forwarded.h): addresses and CIDRs.
    // Copied.
    const char *const *x_forwarded_for_authorized_addrs;
    size_t x_forwarded_for_authorized_addr_count;
    int connections_max; // 0: 20,000
    int threads;         // 0: 1
};

// Listens and serves. Outcomes: 0; -EINVAL, -EADDRINUSE, ... with fault.
int server_new(struct server **ret, const struct server_opts *opts, struct fault *fault) MUST_USE;
// Answers what is being worked on, then closes. NULL-safe; returns NULL. Before gate_free.
struct server *server_free(struct server *s);
DEFINE_AUTO_FREE(server)

// "127.0.0.1:8200", with the port that was given for 0. Borrowed.
const char *server_address(const struct server *s);
// Reads the certificate files again; connections that are open stay. Outcomes: 0; -EINVAL with
// fault: the old ones stay in force.
int server_reload_tls(struct server *s, struct fault *fault) MUST_USE;

#endif
