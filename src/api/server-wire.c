// SPDX-License-Identifier: Apache-2.0
// Up to version 0.9.x the library takes a bare LF for the end of a line, joins folded lines, drops
// lines without a name, and ends a text at a NUL. Each of these is read in another way by some
// other server, and what two servers read in two ways is how requests are smuggled.
//
// All these lines come from one piece of memory, in which the library has put NULs in the place of
// CR LF: unless something was passed over, each name starts two bytes behind the value before it.
// The same goes for the empty line behind the last one.
#include "api/server-internal.h"

enum { LAST_VERSION = 0x00099900 }; // later ones refuse all that themselves

static bool is_wanted(void) { return MHD_VERSION <= LAST_VERSION; }

void wire_check_begin(struct wire_check *w, const char *target) {
    w->expected = target + strlen(target) + 1;
}

void wire_check_version(struct wire_check *w, const char *version) {
    w->gap = w->gap || version != w->expected;
    w->expected = version + strlen(version) + 2;
}

void wire_check_line(struct wire_check *w, const char *name, const char *value) {
    if (!is_wanted()) return;
    const char *after_name = name + strlen(name) + 1;
    while (value && after_name < value && (*after_name == ' ' || *after_name == '\t')) after_name++;
    w->gap = w->gap || name != w->expected || value != after_name;
    w->expected = value ? value + strlen(value) + 2 : name;
}

void wire_check_end(struct wire_check *w) {
    // Behind all lines the same memory holds the library's own records, so this is inside of it.
    if (is_wanted()) w->gap = w->gap || w->expected[-1] || w->expected[0] || w->expected[1];
}
