// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"

#include <errno.h>
#include <stdint.h>

void *mem_new(size_t bytes) { return calloc(1, bytes ? bytes : 1); }

void *mem_new_array(size_t n, size_t bytes_each) {
    return calloc(n ? n : 1, bytes_each ? bytes_each : 1);
}

char *mem_copy(const char *p, size_t n) {
    char *copy = malloc(n + 1);
    if (!copy) return NULL;
    if (n) memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

int mem_grow(void *array, size_t *cap, size_t want, size_t bytes_each) {
    if (want <= *cap) return 0;
    size_t grown = *cap ? *cap : 8;
    while (grown < want) {
        if (grown > SIZE_MAX / 2) return -ENOMEM;
        grown *= 2;
    }
    if (grown > SIZE_MAX / bytes_each) return -ENOMEM;

    void *old;
    memcpy(&old, array, sizeof old);
    void *fresh = realloc(old, grown * bytes_each);
    if (!fresh) return -ENOMEM;
    memcpy(array, &fresh, sizeof fresh);
    *cap = grown;
    return 0;
}
