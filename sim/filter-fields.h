// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_FILTER_FIELDS_H
#define SIM_FILTER_FIELDS_H
// The attributes that a filter may name.

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

// Looks up an attribute as written, in the event's spelling or in snake case, and writes the
// names on its way through the event into `ret_path`, each ended by NUL, with one more NUL at the
// end. False when there is no such attribute.
bool filter_field_find(struct str attribute, char *ret_path, size_t path_bytes);

// Are `co`, `sw` and `ew` refused on this attribute (E0000031)? As the event spells it.
bool filter_field_is_plain(struct str attribute);

#endif
