// SPDX-License-Identifier: Apache-2.0
#ifndef ECS_LITERAL_INTERNAL_H
#define ECS_LITERAL_INTERNAL_H
// What a text must contain, at least, to match a regular expression: lets most expressions be
// passed over without compiling them.

#include <stdint.h>

#include "base/str.h"

enum { LITERALS_MAX = 32, LITERAL_MAX_BYTES = 24 };

struct ecs_literal {
    char text[LITERAL_MAX_BYTES]; // lower case
    uint8_t n;
};

struct ecs_literals {
    struct ecs_literal items[LITERALS_MAX];
    size_t count; // 0: nothing can be said
};

// Every text that matches `regex` (PCRE syntax) contains one of the literals, when case does not
// count. Errs only towards saying nothing.
void ecs_literals_find(struct str regex, struct ecs_literals *ret);

#endif
