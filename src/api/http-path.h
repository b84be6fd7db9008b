// SPDX-License-Identifier: Apache-2.0
#ifndef API_HTTP_PATH_H
#define API_HTTP_PATH_H
// The request target of the first line (RFC 9112 section 3.2), as it came, made into the path that
// routes know (reference 1.4 and its corrections in section 9). Pure.

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

enum http_path_kind {
    HTTP_PATH_API,         // below /v1/
    HTTP_PATH_MALFORMED,   // no path, or a bad percent sign: 400 in plain text, connection closed
    HTTP_PATH_UNPRINTABLE, // a decoded character that can't be shown: 400 without a body
    HTTP_PATH_NOT_FOUND,   // outside /v1/
    HTTP_PATH_MOVED,       // literal "//", "." or "..": 307 to `location`
    HTTP_PATH_SERVER,      // "*": about the server as a whole
};

struct http_path {
    enum http_path_kind kind;
    bool relative;       // a "." or ".." that was percent-encoded: 400
    struct str query;    // behind the "?", still encoded; absent: none. Borrowed from the target
    struct buf path;     // API: decoded, without /v1/
    struct buf location; // MOVED: the cleaned path and the query, encoded
};

// Takes a target apart. `ret` is written in any case and needs http_path_fini. Outcomes: 0;
// -ENOMEM.
int http_path_read(struct http_path *ret, struct str target) MUST_USE;
void http_path_fini(struct http_path *p);
DEFINE_AUTO_FINI(http_path)

// Appends `text` with %XX decoded, and with + as a blank when `plus` is set. False: a percent sign
// without two hex digits; `out` is as it was.
bool http_percent_decode(struct buf *out, struct str text, bool plus) MUST_USE;

// One UTF-8 character at the start of `s` (not empty): its code point, and its length in bytes in
// `ret_n`. What is no valid UTF-8 is U+FFFD of one byte.
uint32_t http_rune(struct str s, size_t *ret_n);
// Is it a character with a shape of its own? Blanks other than U+0020 are not. (The servers that
// clients know refuse the others in paths.)
bool http_rune_prints(uint32_t rune);

#endif
