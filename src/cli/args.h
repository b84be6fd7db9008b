// SPDX-License-Identifier: Apache-2.0
#ifndef CLI_ARGS_H
#define CLI_ARGS_H
// The command line: one table of flags for all commands, and what was given.

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

enum { ARGS_SETS_MAX = 64, ARGS_WORDS_MAX = 16 };

// Exit statuses, the same for every command.
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

// Which flags a command takes, as bits.
enum {
    ARGS_CONFIG = 1,
    ARGS_SET = 2,
    ARGS_ONCE = 4,
    ARGS_JSON = 8,
    ARGS_SHOW = 16,
    ARGS_ID = 32,
    ARGS_MARKDOWN = 64,
    ARGS_MAN = 128,
    ARGS_SINCE = 256,
    ARGS_UNTIL = 512,
    ARGS_SOURCE = 1024,
    ARGS_OUTPUT = 2048,
    ARGS_TYPE = 1 << 12,
    ARGS_BITS = 1 << 13,
    ARGS_PEM = 1 << 14,
    ARGS_KID = 1 << 15,
    ARGS_DEV = 1 << 16,
    ARGS_GATE = 1 << 17, // where a running gate is
    ARGS_LIMIT = 1 << 18,
    ARGS_CLEAR = 1 << 19,
    ARGS_DRY_RUN = 1 << 20,
    ARGS_EXPORT = 1 << 21,
};

struct args {
    const char *config;              // -c FILE
    const char *sets[ARGS_SETS_MAX]; // --set KEY=VALUE, in order
    size_t set_count;
    bool once, json, show, markdown, man;
    const char *id, *since, *until;
    const char *sources[ARGS_SETS_MAX]; // --source NAME
    const char *outputs[ARGS_SETS_MAX]; // --output NAME
    size_t source_count, output_count;
    const char *type, *bits, *kid; // of a key that is made
    bool pem, dev;
    const char *address; // of a gate
    const char *limit;
    bool clear;
    bool dry_run, export; // of setup
    bool help;
    const char *words[ARGS_WORDS_MAX]; // what is not a flag
    size_t word_count;
};

// Reads argv[1..]; `accepted` are the command's flags. Everything is borrowed from argv.
// Outcomes: 0; EXIT_USAGE after saying on stderr what is wrong (`command` is named in it).
int args_parse(struct args *ret, int argc, char **argv, unsigned accepted,
               const char *command) MUST_USE;

// Prints the flags that are `accepted`, one per line, for --help.
void args_print_flags(unsigned accepted);

#endif
