// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "cli/commands.h"
#include "daemon/settings.h"

int command_settings(const struct args *args) {
    AUTO_FINI(buf) struct buf out = buf_make(1 << 20);
    if (args->man) settings_write_man(&out);
    else settings_write_markdown(&out);
    if (out.error) return EXIT_FAILED;
    return fwrite(out.p, 1, out.n, stdout) == out.n ? EXIT_DONE : EXIT_FAILED;
}
