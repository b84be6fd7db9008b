// SPDX-License-Identifier: Apache-2.0
#ifndef WATCH_OUTLET_H
#define WATCH_OUTLET_H
// A sink and its way back: opened at the mark that the store has of it, and taken back there when
// something failed. One job at a time.

#include "watch/watch.h"

struct outlet {
    const struct watch_output_opts *opts; // borrowed, as all that follows
    struct store *store;
    struct sink_host host;
    struct sink *sink; // owned; NULL: not open
};

// `o` must not move afterwards: the sink is told where it is.
void outlet_init(struct outlet *o, const struct watch_output_opts *opts, struct store *store,
                 const atomic_bool *stop);
void outlet_fini(struct outlet *o); // safe for zeroed memory

// No effect when it is open. Outcomes: 0; -errno with fault.
int outlet_open(struct outlet *o, struct fault *fault) MUST_USE;

// Back to the last committed mark. A sink that cannot is closed: opened again, and so recovered, at
// the next try. No effect when it is not open.
void outlet_undo(struct outlet *o);

// Closes it. No effect when it is not open.
void outlet_close(struct outlet *o);

#endif
