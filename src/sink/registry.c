// SPDX-License-Identifier: Apache-2.0
// The kinds of output that this program knows.
#include <stddef.h>

#include "sink/types-internal.h"

const struct sink_type *const sink_types[] = {
    &sink_file,   &sink_sqlite, &sink_elasticsearch, &sink_opensearch, &sink_kafka,
    &sink_stdout, NULL};

const struct sink_type *sink_type_find(const char *name) {
    for (size_t i = 0; sink_types[i]; i++)
        if (strcmp(sink_types[i]->name, name) == 0) return sink_types[i];
    return NULL;
}
