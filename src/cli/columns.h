// SPDX-License-Identifier: Apache-2.0
#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H
// Tables for people: cells are collected in a buffer, then printed with columns as wide as their
// widest cell. Cells may hold what strangers chose (names, paths, user agents).

#include <stdio.h>

#include "base/buf.h"
#include "base/str.h"

enum { COLUMNS_MAX = 12, COLUMNS_CELL_MAX = 60 };

// Appends `s` (UTF-8) with what a terminal would act upon written as \u{1b}: control characters,
// and those that change the direction of the text or cannot be seen.
void columns_add_clean(struct buf *out, struct str s);

// Adds a cell to the row that is being made, cut to COLUMNS_CELL_MAX characters. Empty: "-".
void columns_cell(struct buf *t, struct str text);
void columns_cellf(struct buf *t, const char *format, ...) PRINTF_LIKE(2, 3);
void columns_end_row(struct buf *t);
// A line below the row that was ended last, not cut, as it is: parts that strangers chose are to be
// added by columns_add_clean.
void columns_note(struct buf *t, struct str text);

// Outcomes: 0; -ENOMEM, -EMSGSIZE (of the buffer; nothing was printed).
int columns_print(const struct buf *t, FILE *to) MUST_USE;

#endif
