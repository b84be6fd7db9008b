// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_TRIM_H
#define DAEMON_TRIM_H

// Gives memory back that only the start and the first catching up needed: free heap, and the pages
// of program and library code, which the kernel maps again, from its cache, where they are needed
// again. Any thread.
void trim_memory(void);

#endif
