// SPDX-License-Identifier: Apache-2.0
#ifndef SINK_TYPES_INTERNAL_H
#define SINK_TYPES_INTERNAL_H
// The rows of the registry.

#include "sink/sink.h"

extern const struct sink_type sink_elasticsearch;
extern const struct sink_type sink_file;
extern const struct sink_type sink_kafka;
extern const struct sink_type sink_opensearch;
extern const struct sink_type sink_sqlite;
extern const struct sink_type sink_stdout;

// A host may have nothing to store marks in or no stop flag (tests, `test output`).
static inline bool sink_stopped(const struct sink_host *host) {
    return host->stop && atomic_load_explicit(host->stop, memory_order_relaxed);
}

#endif
