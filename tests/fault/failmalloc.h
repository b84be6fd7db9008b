// SPDX-License-Identifier: Apache-2.0
#ifndef FAILMALLOC_H
#define FAILMALLOC_H
// The n-th allocation fails: for tests that try every n. Any thread; one test at a time.

#include <stdbool.h>

// From now on allocations are counted, and the n-th (from 1) fails; 0: none fails.
void failmalloc_arm(long n);

// Ends counting; gives how many allocations there were, the failed one included.
long failmalloc_disarm(void);

#endif
