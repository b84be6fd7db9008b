// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_FILTER_INTERNAL_H
#define SIM_FILTER_INTERNAL_H
// What the parser (filter.c) and the evaluation (filter-match.c) of filters share.

#include "sim/filter.h"

enum filter_node_type { FILTER_TEST, FILTER_AND, FILTER_OR, FILTER_NOT };

struct filter_node {
    enum filter_node_type type;
    const struct filter_node *left, *right; // of and, or; not has `left` only
    enum filter_op op;
    char path[FILTER_PATH_MAX]; // the event's member names, each ended by NUL, then one more NUL
    struct str value;           // a string's content, or the text of a number, true or false
    bool is_number;
};

struct filter {
    const struct filter_dialect *dialect;
    char *text; // values are slices of it or of its decoded strings
    struct buf strings;
    const struct filter_node *root;
    size_t n_nodes;
    struct filter_node nodes[FILTER_NODES_MAX];
};

#endif
