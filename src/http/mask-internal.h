// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_MASK_INTERNAL_H
#define HTTP_MASK_INTERNAL_H
// Takes secrets out of what is traced, in two steps: learn from all parts of a line first, then
// write each of them masked. What was learned once is masked for as long as it is remembered,
// whatever it stands in. mask.c (the parts), mask-text.c (plain text), mask-names.c (names that
// give a secret away), mask-memory.c (values seen under such names).

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "http/client.h"

struct json_reader;

#define MASK_STARS "********"

enum {
    SECRETS_MAX = 512,
    SECRET_MIN_BYTES = 8, // shorter ones would take common words with them
    SECRET_PIECE_BYTES = 16384,
    FIRST_BYTES = 256,
};

struct secret {
    char *p; // owned; NULL: free place
    size_t n;
    uint64_t used; // when it was last seen, by count
    int next;      // with the same first byte, -1: none
};

struct mask {
    struct secret secrets[SECRETS_MAX];
    int first[FIRST_BYTES]; // index of the first secret with that first byte, -1: none
    uint64_t clock;
    struct json_reader *reader;
    struct buf scratch;
    int error; // -ENOMEM: something could not be remembered; nothing may be written any more
};

// Outcomes: 0; -ENOMEM.
int mask_init(struct mask *m) MUST_USE;
void mask_fini(struct mask *m); // wipes what is remembered
DEFINE_AUTO_FINI(mask)

// mask-names.c. Where the name stands decides: "code" is a secret in a form, an error in JSON.
enum mask_place { MASK_HEADER, MASK_FORM, MASK_MEMBER };
bool mask_is_secret_name(enum mask_place place, struct str name);
// The scheme that the text begins with, with its blank ("Bearer "); absent when there is none.
struct str mask_scheme(struct str text);

// mask-memory.c. Remembers a value; short ones and stars are ignored.
void mask_remember(struct mask *m, struct str value);
// The length of what stands at `at` and is a remembered value, as it is, percent-encoded, with
// JSON's escapes, or a mixture; 0 when there is none.
size_t mask_match(const struct mask *m, struct str text, size_t at);
bool mask_finds(const struct mask *m, struct str text);

// mask-text.c. Appends the text with everything secret replaced by stars: remembered values, JWTs,
// and what stands behind a scheme ("Bearer ...") or a secret name ("nonce=\"...\"").
void mask_text(struct mask *m, struct buf *out, struct str text);
// Values behind secret names that are long enough to be no words are remembered.
void mask_learn_text(struct mask *m, struct str text);

// mask.c. The same for a header's value, a URL, and a body (JSON, form, or anything).
void mask_learn_header(struct mask *m, struct str name, struct str value);
void mask_header(struct mask *m, struct buf *out, struct str name, struct str value);
void mask_learn_url(struct mask *m, struct str url);
void mask_url(struct mask *m, struct buf *out, struct str url);
void mask_learn_query(struct mask *m, struct str query);
void mask_query(struct mask *m, struct buf *out, struct str query);
void mask_learn_body(struct mask *m, struct str body);
// Stops when `out` has passed `limit` bytes: the rest is to be cut off anyway.
void mask_body(struct mask *m, struct buf *out, struct str body, size_t limit);

#endif
