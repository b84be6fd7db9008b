// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "api/docs.h"
#include "cli/commands.h"

int command_api(const struct args *args) {
    (void)args; // there is one form
    AUTO_FINI(buf) struct buf out = buf_make(4 << 20);
    docs_write_markdown(&out);
    if (out.error) return EXIT_FAILED;
    return fwrite(out.p, 1, out.n, stdout) == out.n ? EXIT_DONE : EXIT_FAILED;
}
