// SPDX-License-Identifier: Apache-2.0
#ifndef CLI_TEST_H
#define CLI_TEST_H
// The three `test` commands. Each prints a tick or a cross per step and gives the exit status.

#include "cli/commands.h"

struct settings;

int test_okta(const struct settings *settings);
int test_output(const struct settings *settings);

#endif
