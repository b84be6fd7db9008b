// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_TLS_MAKE_H
#define SIM_TLS_MAKE_H
// Certificates without any ado: a folder with an authority to trust (ca.pem) and a server's
// certificate that it has signed.

#include "base/error.h"

enum { TLS_MAKE_PATH_MAX = 4096 };

struct tls_made {
    char cert[TLS_MAKE_PATH_MAX], key[TLS_MAKE_PATH_MAX]; // PEM files in the folder
};

// Makes the folder, the authority unless it is there from before, and a certificate for localhost,
// its addresses, and `names`. Outcomes: 0; negative with `fault`.
int tls_make(struct tls_made *ret, const char *folder, const char *const *names, size_t n,
             struct fault *fault) MUST_USE;

#endif
