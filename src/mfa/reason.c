// SPDX-License-Identifier: Apache-2.0
#include "mfa/reason.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

static const struct {
    const char *name, *text;
} reasons[REASONS] = {
    [REASON_NONE] = {"none", ""},
    [REASON_NO_ENTITY] = {"no_entity", "entity is nil"},
    [REASON_NO_METHOD] = {"no_method", "MFA method configuration not present"},
    [REASON_NO_ALIAS] = {"no_alias",
                         "could not find alias in entity matching the MFA's mount accessor"},
    [REASON_USERNAME] = {"username", "the username_format cannot be filled in"},
    [REASON_CREDENTIAL] = {"credential", "found an invalid MFA cred"},
    [REASON_NO_USER] = {"no_user", "no users found for e-mail address"},
    [REASON_TWO_USERS] = {"two_users", "more than one user found for e-mail address"},
    [REASON_USER_INACTIVE] = {"user_inactive", "the Okta user is not active"},
    [REASON_NO_FACTORS] = {"no_factors", "no MFA factors found for user"},
    [REASON_NO_PUSH_FACTOR] = {"no_push_factor", "no push-type MFA factor found for user"},
    [REASON_NO_CODE_FACTOR] = {"no_code_factor", "no factor that takes a passcode found for user"},
    [REASON_GUARD] = {"guard", "the guard refused"},
    [REASON_NOT_WAITING] = {"not_waiting", "expected WAITING status for push status"},
    [REASON_REJECTED] = {"rejected", "push verification explicitly rejected"},
    [REASON_TIMED_OUT] = {"timed_out", "push verification timed out"},
    [REASON_UNKNOWN_STATUS] = {"unknown_status", "unknown status code"},
    [REASON_CANCELED] = {"canceled", "push verification operation canceled"},
    [REASON_WRONG_CODE] = {"wrong_code", "invalid passcode"},
    [REASON_LOCKED_OUT] = {"locked_out", "the Okta user is locked out"},
    [REASON_EXPIRED] = {"expired", "the transaction is unknown to Okta, or has expired"},
    [REASON_FOREIGN_LINK] = {"foreign_link",
                             "Okta's answer does not lead to this transaction, user and factor"},
    [REASON_OKTA] = {"okta", "Okta cannot be reached, or refuses the gate's credentials"},
    [REASON_STATE] = {"state", "what has to be kept durably could not be kept"},
    [REASON_STOPPED] = {"stopped", "the gate was stopping or was sealed"},
    [REASON_SIGNAL] = {"signal", "Okta's log told of something that forbids it"},
    [REASON_OTHER_REQUEST] = {"other_request",
                              "the challenge was begun for another request, or by another token"},
    [REASON_NUMBER] = {"number", "the number was shown, and the request has to come again"},
};

static bool is_reason(enum challenge_reason r) { return (size_t)r < LEN(reasons); }

const char *challenge_reason_text(enum challenge_reason r) {
    return is_reason(r) ? reasons[r].text : "";
}

const char *challenge_reason_name(enum challenge_reason r) {
    return is_reason(r) ? reasons[r].name : "none";
}
