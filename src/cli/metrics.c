// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "cli/commands.h"
#include "daemon/metrics.h"

int command_metrics(const struct args *args) {
    (void)args; // there is one form
    AUTO_FINI(buf) struct buf out = buf_make(1 << 20);
    metrics_write_markdown(&out);
    if (out.error) return EXIT_FAILED;
    return fwrite(out.p, 1, out.n, stdout) == out.n ? EXIT_DONE : EXIT_FAILED;
}
