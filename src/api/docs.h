// SPDX-License-Identifier: Apache-2.0
#ifndef API_DOCS_H
#define API_DOCS_H
// docs/api.md, made of the routes' rows.

#include "base/buf.h"

void docs_write_markdown(struct buf *out);

#endif
