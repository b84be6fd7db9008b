// SPDX-License-Identifier: Apache-2.0
#ifndef SINK_PLACE_INTERNAL_H
#define SINK_PLACE_INTERNAL_H
// Directories as places for output: making them, and trying for `test output` whether they would
// do.

#include <stdbool.h>

#include "base/error.h"

// Makes the directory and what is missing above it (0750). Outcomes: 0; -errno.
int place_make(const char *directory, struct fault *fault) MUST_USE;

// Can a file be made in the directory, and is there room? Makes and removes an empty file without
// telling anybody its name. A remark that is no fault (the directory is missing but can be made;
// little room) goes to `notice`. Outcomes: 0; -errno with fault.
int place_try(const char *directory, bool may_make, struct fault *notice,
              struct fault *fault) MUST_USE;

// The directory part of a file's path ("." when there is none); NULL when there is no memory.
char *place_of(const char *path) MUST_USE;

#endif
