// SPDX-License-Identifier: Apache-2.0
#include "cli/test.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "daemon/settings.h"

static int test_config(const struct settings *settings, bool show) {
    if (show) {
        AUTO_FINI(buf) struct buf out = buf_make(1 << 20);
        settings_show(settings, &out);
        if (out.error) return EXIT_FAILED;
        printf("%.*s", STR_ARG(buf_str(&out)));
        return EXIT_DONE;
    }
    printf("settings are fine: %zu source%s, %zu output%s, state in %s\n", settings->source_count,
           settings->source_count == 1 ? "" : "s", settings->output_count,
           settings->output_count == 1 ? "" : "s", settings->state);
    return EXIT_DONE;
}

int command_test(const struct args *args) {
    AUTO(settings) struct settings *settings = NULL;
    const char *what = args->words[0];
    bool config = strcmp(what, "config") == 0;
    bool okta = strcmp(what, "okta") == 0;
    if (!config && !okta && strcmp(what, "output") != 0) {
        fprintf(stderr, "gatehouse test: %s: expected config, okta or output\n", what);
        return EXIT_USAGE;
    }
    if (settings_load_or_say(&settings, args->config, args->sets, args->set_count))
        return EXIT_USAGE;
    if (config) return test_config(settings, args->show);
    return okta ? test_okta(settings) : test_output(settings);
}
