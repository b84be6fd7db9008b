// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_PHONE_COUNT_H
#define SIM_PHONE_COUNT_H
// Counting what was asked of each user's factors, refused requests included.

#include "sim/call.h"

// Counts a request that has been answered.
void phone_count(struct call *call);

#endif
