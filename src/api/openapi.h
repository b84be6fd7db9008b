// SPDX-License-Identifier: Apache-2.0
#ifndef API_OPENAPI_H
#define API_OPENAPI_H
// OpenAPI 3.0.2 of the routes' rows. Pure; any thread.

#include "api/route.h"
#include "base/buf.h"

// Where a backend's paths are.
struct openapi_place {
    const struct backend *backend;
    enum mount_type type;
    struct str prefix; // "sys/"; "" for paths as the backend knows them
    struct str words;  // first words of the operations' names: "system"
};

// The document's head up to the braces of `paths`, and its end.
void openapi_begin(struct buf *out, const char *version);
void openapi_end(struct buf *out);
// One member of `paths`: the path of that row with its operations.
void openapi_path(struct buf *out, const struct openapi_place *place, const struct route *r);
// All rows of the backend. Of rows whose paths only differ in what their captures take, the first.
void openapi_paths(struct buf *out, const struct openapi_place *place);

// A pattern as people write it: "users/{username}/password", without what the captures take and
// without the final slash that may be left out.
void openapi_template(struct buf *out, struct str pattern);
// "string", "boolean", ... as the help says it.
const char *openapi_type_name(enum field_type type);
// Whether a field is a capture of the row's path.
bool openapi_in_path(const struct route *r, const char *field);

#endif
