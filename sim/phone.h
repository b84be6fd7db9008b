// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_PHONE_H
#define SIM_PHONE_H
// What a person does when a push arrives, and what goes wrong meanwhile: a script of steps, one per
// push; the last one stays.

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "json/read.h"

// What is done on the phone.
enum phone_deed {
    PHONE_IGNORE, // nothing, until somebody answers by hand or the push expires
    PHONE_APPROVE,
    PHONE_DENY,
    PHONE_WRONG_NUMBER, // approved, with another number than the one that is shown
    PHONE_CANCEL,
    PHONE_UNKNOWN, // a factorResult that nobody has heard of
    PHONE_DEEDS
};

// What goes wrong.
enum phone_trouble {
    PHONE_NO_TROUBLE,
    PHONE_VERIFY_429,
    PHONE_VERIFY_500,
    PHONE_VERIFY_503,
    PHONE_VERIFY_LOST, // the push goes out, the answer does not arrive
    PHONE_POLL_404,
    PHONE_POLL_429,
    PHONE_POLL_500,
    PHONE_POLL_503,
    PHONE_POLL_LOST,
    PHONE_FOREIGN_HOST, // from here on: links that lead elsewhere
    PHONE_HTTP_LINK,
    PHONE_FOREIGN_USER,
    PHONE_FOREIGN_FACTOR,
    PHONE_MALFORMED_LINK,
    PHONE_NO_LINK,
    PHONE_TROUBLES
};

enum { PHONE_RESULT_MAX = 40 };

struct phone_step {
    enum phone_deed deed;
    int64_t after_ms; // from the push to the deed
    enum phone_trouble trouble;
    int64_t polls;                 // that are answered well before the trouble
    int64_t times;                 // how many polls have it; poll_404: all
    char result[PHONE_RESULT_MAX]; // of PHONE_UNKNOWN
};

// How often something was asked, and refused (answered with 400 or above).
struct phone_count {
    uint64_t asked, refused;
};

struct phone {
    struct phone_step *steps; // owned; none: as phones usually do
    size_t n, next;
    struct phone_count verify, polls, cancels;
    uint64_t pushes;      // that reached the phone
    uint64_t waiting;     // of them, at this moment
    uint64_t overlapping; // of them, while another one was waiting
    uint64_t right_codes, wrong_codes;
};

void phone_fini(struct phone *p);

// Outcome of reading: not a script; `fault` says why.
enum { PHONE_E_BAD = 1 };

// A script is a step or an array of steps. A step is a deed's name, or {do, after, trouble, polls,
// times, result}. Replaces the one before; counts stay. Outcomes: 0; PHONE_E_BAD; -ENOMEM.
int phone_read(struct phone *p, const struct json *script, struct fault *fault) MUST_USE;

// One deed by its name ("approve"). False: there is none of that name.
bool phone_read_deed(enum phone_deed *ret, struct str name);

const char *phone_deed_name(enum phone_deed deed);

// The step for the push that arrives now; `usual` when there is no script.
struct phone_step phone_next(struct phone *p, enum phone_deed usual);

// Appends the script as an array, and the counts as members. Failures stick in `out`.
void phone_write_script(struct buf *out, const struct phone *p);
void phone_add_counts(struct buf *out, const struct phone *p);

#endif
