// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_BODY_H
#define SIM_BODY_H
// Bodies on their way out, whole or misbehaving. A body that waits is parked: its connection is
// suspended, so that it costs nothing and holds up nobody, until its time has come or its client
// has gone. One thread.

#include <microhttpd.h>

#include "sim/reply.h"

struct body;

struct parking {
    struct body *first; // parked bodies
    int epoll_fd;       // borrowed; watches their sockets for clients that go away
};

// An HTTP response that sends `reply->body` in the reply's way; takes the body's bytes. NULL when
// there is no memory.
struct MHD_Response *body_response(struct parking *parking, struct MHD_Connection *connection,
                                   struct reply *reply);

// Keeps a connection waiting without an answer, until its client has gone. It is to be closed when
// the HTTP library calls its handler again. Outcomes: 0; -ENOMEM.
int body_keep_silent(struct parking *parking, struct MHD_Connection *connection) MUST_USE;

// Keeps a connection waiting for so long, or until parking_wake_askers; then the HTTP library calls
// its handler again. `*gone` becomes true when the client goes away meanwhile. Outcomes: 0;
// -ENOMEM.
int body_ask_again(struct parking *parking, struct MHD_Connection *connection, int64_t delay_ms,
                   bool *gone) MUST_USE;

// Something has happened that those who ask again may wait for.
void parking_wake_askers(struct parking *p);

// Wakes every body whose time has come, or all of them with `all` (which are then broken off).
void parking_wake(struct parking *p, int64_t mono_ms, bool all);

// A parked body's client has gone, as told by epoll's data pointer: its connection is ended.
void parking_gone(struct body *b);

// Milliseconds until the next body is to be woken; -1: none has a time.
int parking_timeout_ms(const struct parking *p, int64_t mono_ms);

// Makes that the socket's end is a reset rather than a graceful close.
void body_close_hard(struct MHD_Connection *connection);

#endif
