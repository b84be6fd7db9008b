// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_CHALLENGE_INTERNAL_H
#define MFA_CHALLENGE_INTERNAL_H
// The machine's table, so that test_challenge_model can break it cell by cell and see whether that
// is found out.

#include "mfa/challenge.h"

// What can happen, as far as the table tells it apart.
enum challenge_column {
    COLUMN_START,
    COLUMN_FOUND,
    COLUMN_CHOSEN,
    COLUMN_ADMITTED,
    COLUMN_AGAIN,
    COLUMN_POLL_TIME,
    COLUMN_FAILED,
    COLUMN_EXPIRED, // EVENT_FAILED, because Okta knows nothing of the transaction any more
    COLUMN_END,
    COLUMN_SUCCESS, // EVENT_ANSWERED, by its result
    COLUMN_WAITING,
    COLUMN_REJECTED,
    COLUMN_TIMEOUT,
    COLUMN_OTHER,
    COLUMN_FOREIGN, // EVENT_ANSWERED, but not of this very transaction
    CHALLENGE_COLUMNS
};

enum {
    CHALLENGE_STATES = CHALLENGE_DENIED + 1,
    CHALLENGE_ROW_CODE = CHALLENGE_ALLOWED, // CHALLENGE_VERIFYING a code
    CHALLENGE_ROWS,
};

struct challenge_cell {
    enum challenge_state next;    // its own state: the same request again; NEW: nothing happens
    enum challenge_reason reason; // of a denial; REASON_NONE: the event's own
    bool settled;                 // Okta has told that no push is on the phone any more
};

struct challenge_table {
    struct challenge_cell cell[CHALLENGE_ROWS][CHALLENGE_COLUMNS];
    enum challenge_action entering[CHALLENGE_STATES];
};
extern const struct challenge_table challenge_table;

enum challenge_action challenge_step_by(const struct challenge_table *table, struct challenge *c,
                                        const struct challenge_event *e);

#endif
