// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_PLAN_OUTPUTS_H
#define DAEMON_PLAN_OUTPUTS_H
// What the settings say of outputs, as the watch and the sinks want to be told.

#include "elastic/engine.h"
#include "kafka/producer.h"
#include "watch/watch.h"

struct settings;
struct settings_output;

struct plan_output {
    struct elastic_opts elastic; // engines
    struct kafka_opts kafka;     // brokers
    char *no_proxy;              // owned
    struct sink_stream *streams; // owned: what is delivered there, each once
    size_t stream_count;
};

struct plan_outputs {
    struct plan_output *each;       // one per output of the settings
    struct watch_output_opts *opts; // point into `each`
    size_t n;
};

// Borrows the settings. Outcomes: 0; -ENOMEM.
int plan_outputs_init(struct plan_outputs *p, const struct settings *settings) MUST_USE;
void plan_outputs_fini(struct plan_outputs *p); // safe for zeroed memory

// One of them, for commands that talk to an engine. To be freed with plan_output_fini; has no
// streams.
int plan_output_elastic(const struct settings_output *o, struct plan_output *ret) MUST_USE;
void plan_output_fini(struct plan_output *o);
DEFINE_AUTO_FINI(plan_output)

#endif
