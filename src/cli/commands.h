// SPDX-License-Identifier: Apache-2.0
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H
// The sub-commands: one const row each, in the order in which --help shows them.

#include <stdbool.h>

#include "cli/args.h"

struct command {
    const char *name;
    const char *summary; // one line
    const char *usage;   // what follows the name
    const char *text;    // a paragraph for --help
    unsigned accepted;   // ARGS_*
    size_t words_min, words_max;
    bool hidden;
    int (*run)(const struct args *args); // gives the exit status
};

extern const struct command commands[];
extern const size_t command_count;

// The whole command line. Gives the exit status.
int commands_main(int argc, char **argv);

int command_run(const struct args *args);
int command_collect(const struct args *args);
int command_backfill(const struct args *args);
int command_map(const struct args *args);
int command_test(const struct args *args);
int command_setup(const struct args *args);
int command_status(const struct args *args);
int command_dead_letters(const struct args *args);
int command_keygen(const struct args *args);
int command_init(const struct args *args);
int command_rotate(const struct args *args);
int command_mfa(const struct args *args);
int command_api(const struct args *args);
int command_metrics(const struct args *args);
int command_settings(const struct args *args);

// One step of a `test` command: a tick or a cross, what was looked at, and what came of it.
void print_step(bool ok, const char *what, const char *detail);
// The line above an output's steps, seen before they are tried: where it is, without the user and
// the password that a URL may have.
void print_output(const char *name, const char *type, const char *const *places, size_t n);

#endif
