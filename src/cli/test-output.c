// SPDX-License-Identifier: Apache-2.0
// `test output`: opens each output without changing anything that is there; an engine or broker is
// asked step by step.
#include <stdio.h>
#include <unistd.h>

#include "cli/test.h"
#include "daemon/plan.h"
#include "daemon/settings.h"
#include "elastic/engine.h"
#include "kafka/producer.h"
#include "loop/loop.h"

static void print_one(void *ctx, bool good, const char *step, const char *text) {
    bool *said = ctx;
    *said = true;
    print_step(good, step, text);
}

// Step by step, as the type knows how to.
static bool ask_output(const struct watch_output_opts *output, const struct sink_host *host) {
    bool said = false;
    int e = output->type->test(&output->sink, host, print_one, &said);
    if (e && !said) print_step(false, "cannot be tested", error_text(e));
    return e == 0;
}

static bool open_output(const struct watch_output_opts *output, const struct sink_host *host) {
    struct sink_opts opts = output->sink;
    struct sink *sink = NULL;
    struct fault fault = {{0}};
    opts.dry_run = true;
    int e = output->type->open(&sink, &opts, host, STR_NONE, &fault);
    print_step(e == 0, e ? "cannot be written to" : "can be written to",
               e ? fault.text : output->type->guarantee);
    output->type->free(sink);
    return e == 0;
}

static void print_heading(const struct watch_output_opts *output) {
    const struct sink_opts *opts = &output->sink;
    const char *place = opts->path ? opts->path : "standard output";
    const char *const *places = &place;
    size_t n = 1;
    if (opts->elastic) {
        places = opts->elastic->hosts;
        n = opts->elastic->host_count;
    } else if (opts->kafka) {
        places = opts->kafka->hosts;
        n = opts->kafka->host_count;
    }
    print_output(output->name, output->type->name, places, n);
}

static bool try_output(const struct watch_output_opts *output) {
    atomic_bool stop = false;
    const struct sink_host host = {.stop = &stop};
    print_heading(output);
    return output->type->test ? ask_output(output, &host) : open_output(output, &host);
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
