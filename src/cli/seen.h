// SPDX-License-Identifier: Apache-2.0
#ifndef CLI_SEEN_H
#define CLI_SEEN_H
// How the process that works on the state last saw its sources and outputs (store/history.h:
// store_noted), for `gatehouse status`.

#include <stdio.h>

#include "store/history.h"

// Embedded by value.
struct seen {
    struct buf texts; // of all, one after the other
    struct seen_source {
        size_t texts_at, source_n, complaint_n, reason_n;
        struct store_source r; // without its texts; at_ms 0: never seen
        bool configured;
    } * sources;
    struct seen_output {
        size_t texts_at, output_n, complaint_n, reason_n;
        struct store_output o; // without its texts; at_ms 0: never seen
        bool configured;
    } * outputs;
    struct seen_stand {
        size_t texts_at, source_n, output_n;
        struct store_stand t; // without its texts; at_ms 0: never seen
        bool configured, shown;
    } * stands;
    size_t source_count, source_cap, output_count, output_cap, stand_count, stand_cap;
    int error;
    int64_t now_ms;
};
// Outcomes: 0; -errno with fault. seen_fini in any case.
int seen_load(struct seen *ret, struct store *store, int64_t now_ms, struct fault *fault) MUST_USE;
void seen_fini(struct seen *s);
DEFINE_AUTO_FINI(seen)

// The settings have that source, which Okta answers. Outcomes: 0; -errno.
int seen_configured_source(struct seen *s, struct str source) MUST_USE;
// The settings have that pair. What they do not have is told to be theirs no more. Outcomes: 0;
// -errno.
int seen_configured(struct seen *s, struct str source, struct str output) MUST_USE;

// That pair has been shown.
void seen_note(struct seen *s, struct str source, struct str output);
// The next pair from `*at` on (0 at first) that has not been shown: nothing of it has been
// delivered yet. Its names are borrowed. False: there are no more.
bool seen_next(const struct seen *s, size_t *at, struct store_pair *ret);

// Where the pair stood, in a few words: "caught up", "35 s behind", "nothing yet",
// "history only" (polling has brought nothing yet), "-" (it is on record, but nobody has said where
// it stands). Appended.
void seen_add_lag(const struct seen *s, const struct store_pair *pair, struct buf *out);

// Whether the settings have that source.
bool seen_is_configured(const struct seen *s, struct str source);

// A line below the pair when Okta forgets something in not too long a time.
void seen_print_warning(const struct seen *s, struct str source, struct str output, FILE *to);

// A line for each source and each output of the settings: ok, or since when and why not.
void seen_print(const struct seen *s, FILE *to);

// The pair's, the source's and the output's members of a JSON object.
void seen_add_json(const struct seen *s, struct str source, struct str output, struct buf *out);

#endif
