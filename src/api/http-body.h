// SPDX-License-Identifier: Apache-2.0
#ifndef API_HTTP_BODY_H
#define API_HTTP_BODY_H
// The body of a write as an object (reference 1.3): JSON whatever the Content-Type says, a form
// when it says so and the body does not look like JSON. Pure.

#include "base/error.h"
#include "base/str.h"
#include "json/read.h"

// Reads a body. `content_type` may be absent. `*ret` borrows from `r`; NULL: nothing was sent (an
// empty or blank body, or null). Outcomes: 0; HTTP_BODY_E_BAD with fault: the text for the client's
// 400, which quotes no more than a character; -ENOMEM.
enum { HTTP_BODY_E_BAD = 1 };
int http_body_read(struct json_reader *r, struct str content_type, struct str body,
                   const struct json **ret, struct fault *fault) MUST_USE;

// Does a PATCH name its type? Outcomes: 0: application/merge-patch+json; 400 or 415 with fault.
int http_body_patch_type(struct str content_type, struct fault *fault) MUST_USE;

#endif
