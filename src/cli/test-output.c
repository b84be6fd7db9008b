// SPDX-License-Identifier: Apache-2.0
// `test output`: opens each output without changing anything that is there.
#include <stdio.h>
#include <unistd.h>

#include "cli/test.h"
#include "daemon/plan.h"
#include "daemon/settings.h"
#include "loop/loop.h"

static bool try_output(const struct watch_output_opts *output) {
    struct sink_opts opts = output->sink;
    struct sink *sink = NULL;
    struct fault fault = {{0}};
    atomic_bool stop = false;
    const struct sink_host host = {.stop = &stop};
    opts.dry_run = true;
    int e = output->type->open(&sink, &opts, &host, STR_NONE, &fault);
    printf("%s (%s): %s\n", output->name, output->type->name,
           opts.path ? opts.path : "standard output");
    print_step(e == 0, e ? "cannot be written to" : "can be written to",
               e ? fault.text : output->type->guarantee);
    output->type->free(sink);
    return e == 0;
}

int test_output(const struct settings *settings) {
    AUTO(loop) struct loop *loop = NULL;
    AUTO(plan) struct plan *plan = NULL;
    struct fault fault = {{0}};
    bool failed = false;
    int e = loop_new(&loop);
    if (!e) e = plan_new(&plan, loop, settings, NULL, NULL, &fault);
    if (e) {
        fprintf(stderr, "gatehouse test output: %s\n", fault.text[0] ? fault.text : error_text(e));
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < settings->output_count; i++)
        if (!try_output(&plan->outputs.opts[i])) failed = true;
    return failed ? EXIT_FAILED : EXIT_DONE;
}
