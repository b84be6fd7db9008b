// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_MEM_H
#define BASE_MEM_H
// Memory: one convention for the whole program.
//
// What lives inside a function is declared with AUTO(thing) and released when the scope ends;
// TAKE() hands it over instead. What outlives a function has exactly one parent, whose `_free`
// frees it. Every `x_free` accepts NULL and half-built objects and returns NULL.

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define LEN(array) (sizeof(array) / sizeof((array)[0]))

// Declares that `struct name` has `struct name *name_free(struct name *)`, so that AUTO(name)
// works.
#define DEFINE_AUTO_FREE(name)                                                                     \
    static inline void name##_auto_free(struct name **p) { *p = name##_free(*p); }
#define AUTO(name) __attribute__((cleanup(name##_auto_free)))

// Declares that `struct name` embedded by value has `void name_fini(struct name *)`:
// AUTO_FINI(name).
#define DEFINE_AUTO_FINI(name)                                                                     \
    static inline void name##_auto_fini(struct name *p) { name##_fini(p); }
#define AUTO_FINI(name) __attribute__((cleanup(name##_auto_fini)))

// Hands a pointer over: yields it and leaves NULL behind.
#define TAKE(p)                                                                                    \
    (__extension__({                                                                               \
        __typeof__(p) took_ = (p);                                                                 \
        (p) = NULL;                                                                                \
        took_;                                                                                     \
    }))

static inline void mem_auto_free(void *p) {
    void *q;
    memcpy(&q, p, sizeof q);
    free(q);
}
// A pointer from malloc, freed at the end of the scope.
#define AUTO_MEM __attribute__((cleanup(mem_auto_free)))

// Zeroed memory for one object / for n objects; NULL when there is none (also on overflow).
void *mem_new(size_t bytes) MUST_USE;
void *mem_new_array(size_t n, size_t bytes_each) MUST_USE;

// A copy of n bytes with a NUL behind them; NULL when there is no memory.
char *mem_copy(const char *p, size_t n) MUST_USE;

// Grows `*array` so that it holds at least `want` elements of `bytes_each`; `*cap` is the capacity
// in elements. Doubles, so that appending one by one costs constant time on average. Outcomes: 0;
// -ENOMEM, everything unchanged.
int mem_grow(void *array, size_t *cap, size_t want, size_t bytes_each) MUST_USE;

#endif
