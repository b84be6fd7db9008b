// SPDX-License-Identifier: Apache-2.0
#ifndef CLI_MAP_STREAM_H
#define CLI_MAP_STREAM_H
// Events on one descriptor (one JSON array, or one event per line), documents on another, one per
// line, in order.

#include <stdint.h>

#include "base/error.h"
#include "ecs/map.h"

enum { MAP_LINE_MAX_BYTES = 256 << 20 };

struct map_ends {
    int in, out, errors; // descriptors
};

struct map_result {
    int64_t mapped;
    int64_t
        refused; // said on `errors`, each with its line (or its place in the array) and the reason
    int64_t undated; // `published` missing or not to be read
};

// Reads `in` to its end and makes documents of the one form. Memory is bounded by the longest line
// (by the whole input when that is an array). Outcomes: 0; -errno with fault (reading, writing,
// memory).
int map_stream(struct ecs_mapper *mapper, enum ecs_form form, const struct map_ends *ends,
               struct map_result *ret, struct fault *fault) MUST_USE;

#endif
