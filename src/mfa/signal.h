// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_SIGNAL_H
#define MFA_SIGNAL_H
// What an event of Okta's System Log tells the gate (okta-api section 5): denials made anywhere,
// wrong numbers, reports, locks, risk, and what Okta itself logged of pushes.

#include "mfa/guard.h"

enum signal_kind {
    SIGNAL_NONE,         // says nothing to us
    SIGNAL_PUSH_SENT,    // system.push.send_factor_verify_push
    SIGNAL_VERIFIED,     // auth_via_mfa by push or code, SUCCESS
    SIGNAL_DENIED,       // auth_via_mfa with OV_RESPONSE_DENY (OIE); deny_push (Classic)
    SIGNAL_FAILED,       // auth_via_mfa that failed otherwise: wrong code, error, no answer
    SIGNAL_WRONG_NUMBER, // OV_RESPONSE_APPROVE with the number challenge INVALID or ERROR
    SIGNAL_SUSPICIOUS,   // report_suspicious_activity_by_enduser
    SIGNAL_LOCKED,
    SIGNAL_UNLOCKED,
    SIGNAL_RISK_HIGH,
    SIGNAL_RISK_LOW,
};
const char *signal_name(enum signal_kind k); // "denied"

struct signal {
    enum signal_kind kind;
    struct str uuid, event_type;
    int64_t published_ms;
    struct str user_id, login; // of the user whom it is about: target of type User, else the actor
    struct str factor_id;      // of the AuthenticatorEnrollment among the targets; empty: not told
    bool push; // it is about a push (SIGNAL_VERIFIED, _FAILED: else a code, or the like)
    // Who asked Okta: the id of the API token (transaction.detail.requestApiTokenId), the client id
    // of an OAuth app (actor or client); empty: not told.
    struct str requester;
    struct str transaction_id; // transaction.id
};

// Whether events of this type can tell anything: quick, any thread.
bool signal_wants(struct str event_type);

// Reads an event. `ret` borrows from the reader until its next use. Anything may be missing or of
// another type. Outcomes: 0 (kind may be SIGNAL_NONE); SIGNAL_E_BROKEN (not a JSON object);
// -ENOMEM.
enum { SIGNAL_E_BROKEN = 1 };
int signal_read(struct json_reader *reader, struct str event, struct signal *ret) MUST_USE;

// What the guard is to be told; false: nothing.
bool signal_news(const struct signal *s, enum guard_news *ret);

#endif
