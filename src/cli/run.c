// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"
#include "daemon/daemon.h"

static int run(const struct args *args, bool once, bool stay) {
    const struct daemon_opts opts = {
        .config = args->config,
        .sets = args->sets,
        .set_count = args->set_count,
        .once = once,
        .stay = stay,
    };
    return daemon_run(&opts);
}

int command_run(const struct args *args) { return run(args, false, true); }
int command_collect(const struct args *args) { return run(args, args->once, false); }
