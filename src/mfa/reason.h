// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_REASON_H
#define MFA_REASON_H
// Why a challenge was not passed: the text goes to the audit document, never to the caller. Any
// thread.

// Reference 3.4 and 4.6, and what is ours. One row each with its text.
enum challenge_reason {
    REASON_NONE,
    REASON_NO_ENTITY,      // entity is nil
    REASON_NO_METHOD,      // MFA method configuration not present
    REASON_NO_ALIAS,       // could not find alias in entity matching the MFA's mount accessor
    REASON_USERNAME,       // the username_format cannot be filled in
    REASON_CREDENTIAL,     // found an invalid MFA cred, and the like
    REASON_NO_USER,        // no users found for e-mail address
    REASON_TWO_USERS,      // more than one user found for e-mail address
    REASON_USER_INACTIVE,  // the Okta user is not active
    REASON_NO_FACTORS,     // no MFA factors found for user
    REASON_NO_PUSH_FACTOR, // no push-type MFA factor found for user
    REASON_NO_CODE_FACTOR, // no factor that takes a passcode found for user
    REASON_GUARD,          // the guard refused; its rule is told beside this
    REASON_NOT_WAITING,    // expected WAITING status for push status, got ...
    REASON_REJECTED,       // push verification explicitly rejected
    REASON_TIMED_OUT,      // push verification timed out (Okta's or our wait)
    REASON_UNKNOWN_STATUS, // unknown status code
    REASON_CANCELED,       // push verification operation canceled (the caller went away)
    REASON_WRONG_CODE,     // invalid passcode
    REASON_LOCKED_OUT,     // Okta: the user is locked out
    REASON_EXPIRED,        // the transaction is unknown to Okta, or has expired
    REASON_FOREIGN_LINK,   // Okta's answer leads to another host, user or factor
    REASON_OKTA,           // Okta cannot be reached or refuses our credentials
    REASON_STATE,          // what has to be durable could not be kept
    REASON_STOPPED,        // the gate is stopping or was sealed
    REASON_SIGNAL,         // the log told of something that forbids it, while it waited
    REASON_OTHER_REQUEST,  // a challenge that was begun for another request, or by another token
    REASON_NUMBER,         // (no failure) the number was shown, the caller has to come again
    REASONS
};
const char *challenge_reason_text(enum challenge_reason r); // for the audit document
const char *challenge_reason_name(enum challenge_reason r); // "no_user": for event.reason and tests

#endif
