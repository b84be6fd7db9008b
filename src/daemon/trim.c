// SPDX-License-Identifier: Apache-2.0
// Linking thirty libraries touches most of their code once. Executable mappings of files hold
// nothing of our own (no text relocations), so dropping their pages loses nothing; mappings that
// may be written, or once were, are left alone.
#include "daemon/trim.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static void drop_code(const char *line) {
    uintptr_t from;
    uintptr_t to;
    char mode[5];
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, mode) != 3) return;
    if (strcmp(mode, "r-xp") != 0 || !strchr(line, '/')) return;
    madvise((void *)from, to - from, MADV_DONTNEED); // NOLINT(performance-no-int-to-ptr)
}

void trim_memory(void) {
    char line[512];
    malloc_trim(0);
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps) return;
    while (fgets(line, sizeof line, maps)) drop_code(line);
    fclose(maps);
}
