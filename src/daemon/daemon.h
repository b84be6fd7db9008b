// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H
// The running program: builds what the settings ask for, wires it, reloads it, tears it down in
// reverse.
//
// SIGTERM and SIGINT end it (what is being committed is finished, what is being asked is given up),
// SIGHUP reads the settings again. systemd is told READY, RELOADING, STOPPING and kept happy with
// watchdog messages.

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

struct watch_backfill; // watch/watch.h

struct daemon_opts {
    const char *config;      // as given with -c; NULL: the usual places
    const char *const *sets; // --set
    size_t set_count;
    bool once;                             // end when every source has caught up
    const struct watch_backfill *backfill; // instead of collecting: fetch what is missing, and end
    bool stay; // go on although every source was refused (`run`: a reload may mend it)
    bool gate; // serve the gate too, if `listen` is set
    bool dev;  // serve it in memory, with the root token `root`
};

// Runs until it is told to end. Says what is wrong on stderr or in the log.
// Gives the exit status: 0 done, 1 failed, 2 wrong settings.
int daemon_run(const struct daemon_opts *opts) MUST_USE;

#endif
