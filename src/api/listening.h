// SPDX-License-Identifier: Apache-2.0
#ifndef API_LISTENING_H
#define API_LISTENING_H
// A socket that listens at an address from the settings.

#include <stdbool.h>

#include "base/error.h"

enum { LISTENING_ADDRESS_MAX = 64 };

// Embedded by value.
struct listening {
    int fd;                              // -1: none
    char address[LISTENING_ADDRESS_MAX]; // "127.0.0.1:8200", with the port that was given for 0
};

// `address` is "host:port" or "[host]:port"; a name is looked up, which may block. `near`: only
// addresses that this machine alone can reach. Outcomes: 0; LISTENING_E_FAR (nothing was opened);
// -EINVAL, -EADDRINUSE, ... with fault, which names the address.
enum { LISTENING_E_FAR = 1 };
int listening_open(struct listening *ret, const char *address, bool near,
                   struct fault *fault) MUST_USE;
void listening_close(struct listening *l); // no-op when it is closed

#endif
