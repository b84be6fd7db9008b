// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H
// The command line.

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "sim/phone.h"

enum { OPTIONS_REPEAT_MAX = 64 };

struct options {
    char host[64];
    uint64_t port;
    const char *port_file; // all texts are borrowed from argv; NULL: not given
    const char *tls_cert, *tls_key;
    const char *tls_make; // a folder
    const char *tls_names[OPTIONS_REPEAT_MAX];
    size_t n_tls_names;
    const char *apps, *users; // files
    enum phone_deed phones;   // what phones without a script do
    bool terminal;            // they are answered by hand
    const char *events[OPTIONS_REPEAT_MAX];
    size_t n_events;
    const char *tokens[OPTIONS_REPEAT_MAX];
    size_t n_tokens;
    uint64_t generate, seed, rate_limit, token_share, concurrency;
    int64_t now_ms; // INT64_MIN: the real time
    int64_t span_ms;
};

// Outcomes of options_parse.
enum {
    OPTIONS_E_HELP = 1, // --help was given
    OPTIONS_E_VERSION,  // --version was given
    OPTIONS_E_USAGE,    // wrong; `fault` says what
};

int options_parse(struct options *ret, int argc, char **argv, struct fault *fault) MUST_USE;

// Prints the help.
void options_help(FILE *out);

#endif
