// SPDX-License-Identifier: Apache-2.0
#ifndef API_HELP_H
#define API_HELP_H
// `?help=1` and the HELP verb (reference 1.8), made of the routes' rows.

#include "api/call.h"

// Answers for c->mount and c->route (NULL: the mount itself when c->rest is empty, else 404
// "unsupported path"). Outcomes: 0; -errno.
int help_answer(struct call *c) MUST_USE;

#endif
