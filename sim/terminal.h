// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_TERMINAL_H
#define SIM_TERMINAL_H
// Phones answered by hand on a terminal: one push at a time is shown, and a line is typed for it.

#include <stdio.h>

#include "sim/sim.h"

struct terminal;

// Speaks on `out` and reads lines from `in`; both are borrowed. Outcomes: 0; -ENOMEM.
int terminal_new(struct terminal **ret, struct sim *sim, int in, FILE *out) MUST_USE;
struct terminal *terminal_free(struct terminal *t);
DEFINE_AUTO_FREE(terminal)

// Something has happened to pushes: says how the one that is shown ended, shows the next.
void terminal_look(struct terminal *t);

// Outcome of terminal_read: there is nothing more to be read, ever.
enum { TERMINAL_E_END = 1 };
// Takes what was typed. Outcomes: 0; TERMINAL_E_END; negative errno.
int terminal_read(struct terminal *t) MUST_USE;

#endif
