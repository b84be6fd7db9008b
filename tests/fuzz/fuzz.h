// SPDX-License-Identifier: Apache-2.0
#ifndef FUZZ_H
#define FUZZ_H
// What every harness exports, and how it complains.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// One input. Returns 0; anything that must not happen ends the process by abort().
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Holds in every build, with NDEBUG too.
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) abort();                                                                 \
    } while (0)

#endif
