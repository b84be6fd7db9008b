// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "cli/commands.h"
#include "daemon/daemon.h"
#include "daemon/settings.h"

static int run(const struct args *args, bool once, bool stay) {
    const struct daemon_opts opts = {
        .config = args->config,
        .sets = args->sets,
        .set_count = args->set_count,
        .once = once,
        .stay = stay,
        .gate = stay,
        .dev = args->dev,
    };
    return daemon_run(&opts);
}

// Without a settings file, --dev needs none: what --set says comes after what is usual.
static int try_out(const struct args *args) {
    struct args with = *args;
    if (with.set_count == ARGS_SETS_MAX) return EXIT_USAGE; // one --set too many for this
    memmove(with.sets + 1, args->sets, args->set_count * sizeof *with.sets);
    with.sets[0] = "listen.address=127.0.0.1:8200";
    with.set_count++;
    with.config = "/dev/null";
    return run(&with, false, true);
}

int command_run(const struct args *args) {
    bool bare = args->dev && !args->config && !settings_file_exists();
    return bare ? try_out(args) : run(args, false, true);
}

int command_collect(const struct args *args) { return run(args, args->once, false); }
