// SPDX-License-Identifier: Apache-2.0
// clang-format off: one row per line is the point of this file.
#include "sim/event-types.h"

#include <string.h>

#include "base/mem.h"

#define I "INFO"
#define W "WARN"
#define D "DEBUG"

static const struct event_type types[] = {
    // Stories: sign-in and what follows.
    {"user.session.start", "core.user_auth.login_success", "User login to Okta", I, ACTOR_USER, "", "/idp/idx/identify", 0, DEBUG_RISK},
    {"policy.evaluate_sign_on", NULL, "Evaluation of sign-on policy", I, ACTOR_USER, "AORP", "/idp/idx/identify", 0, DEBUG_LOG_ONLY},
    {"user.authentication.auth_via_mfa", "core.user.factor.attempt_success", "Authentication of user via MFA", I, ACTOR_USER, "UE", "/idp/idx/challenge/answer", 0, DEBUG_RISK},
    {"user.authentication.verify", NULL, "Verify user identity", I, ACTOR_USER, "U", "/idp/idx/challenge/answer", 0},
    {"system.push.send_factor_verify_push", NULL, "A push was sent to a user for verification", I, ACTOR_USER, "U", "/idp/idx/challenge", 0},
    {"user.authentication.sso", "app.auth.sso", "User single sign on to app", I, ACTOR_USER, "APU", "/app/sso/saml", 0},
    {"user.session.end", "core.user_auth.logout_success", "User logout from Okta", I, ACTOR_USER, "U", "/login/signout", 0},
    {"user.account.lock", "core.user_auth.account_locked", "Max sign in attempts exceeded", D, ACTOR_USER, "U", "/idp/idx/challenge/answer", 0, DEBUG_RISK},
    {"security.threat.detected", NULL, "Request from suspicious actor", W, ACTOR_SYSTEM, "", "/idp/idx/identify", 0},
    {"security.attack.start", NULL, "Org under attack", W, ACTOR_SYSTEM, "O", "/idp/idx/identify", 0},
    {"security.attack.end", NULL, "Org attack ended", I, ACTOR_SYSTEM, "O", "/idp/idx/identify", 0},
    {"app.oauth2.token.grant.access_token", NULL, "OAuth2 access token is granted", I, ACTOR_CLIENT, "T", "/oauth2/v1/token", 0},
    {"user.mfa.factor.reset_all", "core.user.factor.reset_all", "Reset all factors for user", I, ACTOR_ADMIN, "U", "/api/internal/users/factors/reset", 0},
    {"system.email.mfa_reset_notification.sent_message", NULL, "Send MFA reset notification email", I, ACTOR_SYSTEM, "U", "/api/internal/users/factors/reset", 0},
    {"system.email.mfa_enroll_notification.sent_message", NULL, "Send MFA enrollment notification email", I, ACTOR_SYSTEM, "U", "/idp/idx/challenge/answer", 0},
    {"user.lifecycle.create", "core.user.config.user_creation.success", "Create okta user", I, ACTOR_ADMIN, "U", "/api/v1/users", 0},
    {"user.lifecycle.activate", "core.user.config.user_activated", "Activate Okta user", I, ACTOR_ADMIN, "U", "/api/v1/users/lifecycle/activate", 0},
    {"user.lifecycle.deactivate", "core.user.config.user_deactivated", "Deactivate Okta user", I, ACTOR_ADMIN, "U", "/api/v1/users/lifecycle/deactivate", 0},
    {"user.session.clear", "core.user.session.clear", "Clear user session", I, ACTOR_ADMIN, "U", "/api/v1/users/sessions", 0},
    {"application.user_membership.add", "app.generic.provision.assign_user_to_app", "Add user to application membership", I, ACTOR_ADMIN, "APU", "/api/v1/apps/users", 0},
    {"application.user_membership.remove", "app.generic.provision.deactivate_user_from_app", "Remove user's application membership", I, ACTOR_ADMIN, "APU", "/api/v1/apps/users", 0},
    {"group.user_membership.add", "core.user_group_member.user_add", "Add user to group membership", I, ACTOR_ADMIN, "UG", "/api/v1/groups/users", 20},
    {"group.user_membership.remove", "core.user_group_member.user_remove", "Remove user from group membership", I, ACTOR_ADMIN, "UG", "/api/v1/groups/users", 12},
    {"user.mfa.factor.activate", "core.user.factor.activate", "Activate factor for user", I, ACTOR_USER, "UE", "/idp/idx/challenge/answer", 8},
    {"device.enrollment.create", NULL, "Device enrollment created", I, ACTOR_USER, "DU", "/idp/authenticators", 6},
    // What happens by itself.
    {"user.mfa.factor.deactivate", "core.user.factor.deactivate", "Reset factor for user", I, ACTOR_ADMIN, "UE", "/api/v1/users/factors", 4},
    {"user.mfa.factor.update", "core.user.factor.update", "Update factor for user", I, ACTOR_USER, "UE", "/api/v1/users/me/factors", 4},
    {"user.mfa.factor.suspend", NULL, "Suspend factor for user", I, ACTOR_SYSTEM, "UE", "/idp/idx/challenge", 1},
    {"user.account.update_password", "core.user.config.password_update.success", "User update password for Okta", I, ACTOR_USER, "U", "/idp/idx/challenge/answer", 14},
    {"user.account.reset_password", "core.user.config.user_password_reset", "Fired when the user's Okta password is reset", I, ACTOR_ADMIN, "U", "/api/v1/users/lifecycle/reset_password", 8},
    {"user.account.unlock", "core.user_auth.account_unlocked", "Unlock Okta user account", I, ACTOR_SYSTEM, "U", "/api/v1/authn/recovery/unlock", 5},
    {"user.account.unlock_by_admin", "core.user.config.unlock", "User unlocked by admin", I, ACTOR_ADMIN, "U", "/api/v1/users/lifecycle/unlock", 4},
    {"user.account.update_profile", "core.user.config.profile_update.success", "Update user profile for Okta", I, ACTOR_ADMIN, "U", "/api/v1/users", 24},
    {"user.account.privilege.grant", "core.user.admin_privilege.granted", "Grant user privilege", I, ACTOR_ADMIN, "UL", "/api/v1/users/roles", 3},
    {"user.account.privilege.revoke", "core.user.admin_privilege.revoked", "Revoke user privilege", I, ACTOR_ADMIN, "UL", "/api/v1/users/roles", 2},
    {"user.account.report_suspicious_activity_by_enduser", NULL, "User report suspicious activity", W, ACTOR_USER, "U", "/user/notifications/confirm", 1},
    {"user.account.subscriptions.update", NULL, "Admin subscriptions updated", D, ACTOR_ADMIN, "U", "/api/v1/subscriptions", 2},
    {"user.lifecycle.suspend", "core.user.config.user_status.suspended", "Suspend Okta user", I, ACTOR_ADMIN, "U", "/api/v1/users/lifecycle/suspend", 3},
    {"user.lifecycle.unsuspend", "core.user.config.user_status.unsuspended", "Unsuspend Okta user", I, ACTOR_ADMIN, "U", "/api/v1/users/lifecycle/unsuspend", 2},
    {"user.lifecycle.delete.initiated", NULL, "Delete Okta user initiated", I, ACTOR_ADMIN, "U", "/api/v1/users", 1},
    {"user.session.access_admin_app", "app.admin.sso.login.success", "User accessing Okta admin app", I, ACTOR_ADMIN, "A", "/admin/sso/callback", 30},
    {"user.session.impersonation.grant", "core.user.impersonation.grant.enabled", "Enable impersonation grant", I, ACTOR_ADMIN, "O", "/api/internal/impersonation", 1},
    {"user.authentication.auth_via_AD_agent", "core.user_auth.ad.login.success", "Authenticate user with AD agent", I, ACTOR_USER, "U", "/api/v1/authn", 40},
    {"user.authentication.auth_via_IDP", "core.user_auth.idp.saml.login_success", "Authenticate user via IDP", I, ACTOR_USER, "IU", "/sso/saml2", 18},
    {"user.authentication.auth_via_social", "core.user_auth.idp.social.login_success", "Authenticate user via social login", I, ACTOR_USER, "IU", "/oauth2/v1/authorize/callback", 3},
    {"user.authentication.universal_logout", NULL, "Universal Logout", I, ACTOR_ADMIN, "UA", "/oauth2/v1/global-token-revocation", 2},
    {"user.risk.change", NULL, "User risk level changed", I, ACTOR_SYSTEM, "U", "/idp/idx/identify", 4},
    {"user.risk.detect", NULL, "User risk detected", W, ACTOR_SYSTEM, "U", "/idp/idx/identify", 3},
    {"policy.entity_risk.evaluate", NULL, "Evaluate entity risk policy", I, ACTOR_SYSTEM, "URP", "/idp/idx/identify", 4},
    {"policy.lifecycle.create", "policy.created", "Create policy", I, ACTOR_ADMIN, "P", "/api/v1/policies", 1},
    {"policy.lifecycle.update", "policy.updated", "Update policy", I, ACTOR_ADMIN, "P", "/api/v1/policies", 3},
    {"policy.lifecycle.deactivate", "policy.deactivated", "Deactivate policy", I, ACTOR_ADMIN, "P", "/api/v1/policies/lifecycle", 1},
    {"policy.rule.add", "policy.rule.added", "Add policy rule", I, ACTOR_ADMIN, "PR", "/api/v1/policies/rules", 2},
    {"policy.rule.update", "policy.rule.updated", "Update policy rule", I, ACTOR_ADMIN, "PR", "/api/v1/policies/rules", 4},
    {"policy.rule.deactivate", "policy.rule.deactivated", "Deactivate policy rule", I, ACTOR_ADMIN, "PR", "/api/v1/policies/rules/lifecycle", 1},
    {"application.lifecycle.create", "app.generic.config.app_created", "Create application", I, ACTOR_ADMIN, "A", "/api/v1/apps", 1},
    {"application.lifecycle.update", "app.generic.config.app_updated", "Update application", I, ACTOR_ADMIN, "A", "/api/v1/apps", 6},
    {"application.lifecycle.deactivate", "app.generic.config.app_deactivated", "Deactivate application", I, ACTOR_ADMIN, "A", "/api/v1/apps/lifecycle", 1},
    {"application.policy.sign_on.update", "app.app_instance.sign_on_policy.change", "Update app sign on policy", I, ACTOR_ADMIN, "A", "/api/v1/apps/policies", 2},
    {"application.policy.sign_on.deny_access", "app.generic.auth.sign_on_policy_denied", "Deny user access due to app sign on policy", W, ACTOR_USER, "AU", "/app/sso/saml", 6},
    {"app.generic.unauth_app_access_attempt", "app.generic.unauth_app_access_attempt", "User attempted unauthorized access to app", W, ACTOR_USER, "A", "/app/sso/saml", 8},
    {"application.provision.user.push_profile", "app.user_management.push_profile_success", "Push user's profile to external application", I, ACTOR_SYSTEM, "AU", "/api/v1/apps", 14},
    {"group.lifecycle.create", "core.user_group.created", "Create Okta group", I, ACTOR_ADMIN, "G", "/api/v1/groups", 2},
    {"group.lifecycle.delete", "core.user_group.deleted", "Delete Okta group", I, ACTOR_ADMIN, "G", "/api/v1/groups", 1},
    {"group.profile.update", NULL, "Update group profile", I, ACTOR_ADMIN, "G", "/api/v1/groups", 2},
    {"group.privilege.grant", "core.user_group.admin_privilege.granted", "Grant group privilege", I, ACTOR_ADMIN, "GL", "/api/v1/groups/roles", 1},
    {"group.application_assignment.add", "core.group_assignment.add", "Add group to application assignment", I, ACTOR_ADMIN, "GA", "/api/v1/apps/groups", 3},
    {"zone.create", "zone.create", "Network zone create", I, ACTOR_ADMIN, "Z", "/api/v1/zones", 1},
    {"zone.update", "zone.update", "Network zone update", I, ACTOR_ADMIN, "Z", "/api/v1/zones", 3},
    {"security.request.blocked", NULL, "Request blocked", W, ACTOR_SYSTEM, "Z", "/idp/idx/identify", 10},
    {"security.session.detect_client_roaming", NULL, "Session roaming detected", I, ACTOR_USER, "U", "/app/UserHome", 4},
    {"security.breached_credential.detected", NULL, "Breached credential detected", W, ACTOR_SYSTEM, "U", "/idp/idx/challenge/answer", 1},
    {"system.api_token.create", "api.token.create", "Create API token", I, ACTOR_ADMIN, "T", "/api/internal/tokens", 2},
    {"system.api_token.revoke", "api.token.revoke", "Revoke API token", I, ACTOR_ADMIN, "T", "/api/internal/tokens", 2},
    {"system.org.rate_limit.warning", "core.framework.ratelimit.warning", "Rate limit warning", W, ACTOR_SYSTEM, "B", "/api/v1/users", 5},
    {"system.org.rate_limit.violation", "core.framework.ratelimit.exceeded", "Rate limit violation", W, ACTOR_SYSTEM, "B", "/api/v1/users", 2},
    {"system.operation.rate_limit.violation", NULL, "Operation rate limit violation", W, ACTOR_CLIENT, "BT", "/api/v1/logs", 3},
    {"core.concurrency.org.limit.violation", "core.concurrency.org.limit.violation", "Too many requests in flight", I, ACTOR_SYSTEM, "", "/api/v1/users", 1},
    {"app.oauth2.invalid_client_credentials", NULL, "Invalid client credentials", W, ACTOR_CLIENT, "C", "/oauth2/v1/token", 4},
    {"app.oauth2.client.lifecycle.update", NULL, "Update OAuth client", I, ACTOR_ADMIN, "C", "/oauth2/v1/clients", 2},
    {"app.oauth2.token.grant.id_token", NULL, "OIDC id token is granted", I, ACTOR_USER, "AU", "/oauth2/v1/token", 30},
    {"app.oauth2.token.grant.refresh_token", NULL, "OAuth2 refresh token is granted", I, ACTOR_USER, "AU", "/oauth2/v1/token", 18},
    {"app.oauth2.signon", NULL, "OIDC sign on", I, ACTOR_USER, "A", "/oauth2/v1/authorize", 20},
    {"app.oauth2.as.token.grant.access_token", NULL, "OAuth2 access token is granted", I, ACTOR_CLIENT, "TC", "/oauth2/default/v1/token", 16},
    {"system.email.delivery", NULL, "Email delivery", I, ACTOR_SYSTEM, "M", "/webhook/email", 16},
    {"system.email.password_reset.sent_message", NULL, "Send self-service password reset email", I, ACTOR_SYSTEM, "U", "/api/v1/authn/recovery/password", 5},
    {"system.email.new_device_notification.sent_message", NULL, "Send new device notification email", I, ACTOR_SYSTEM, "U", "/idp/idx/identify", 6},
    {"system.sms.send_factor_verify_message", "core.user.sms.message_sent.factor", "Send SMS message for factor verification", I, ACTOR_SYSTEM, "U", "/idp/idx/challenge", 6},
    {"system.voice.send_mfa_challenge_call", NULL, "Send voice call for MFA challenge", I, ACTOR_SYSTEM, "U", "/idp/idx/challenge", 1},
    {"system.agent.ad.read_ldap", NULL, "Perform LDAP read by AD agent", I, ACTOR_SYSTEM, "", "/api/1/internal/agent/ad", 12},
    {"system.agent.ad.connect", NULL, "Connect AD agent to Okta", I, ACTOR_SYSTEM, "", "/api/1/internal/agent/ad", 2},
    {"system.import.complete", "cvd.import.complete", "Complete import", I, ACTOR_SYSTEM, "A", "/api/internal/import", 2},
    {"system.idp.lifecycle.update", NULL, "Update identity provider", I, ACTOR_ADMIN, "I", "/api/v1/idps", 1},
    {"system.log_stream.lifecycle.create", NULL, "Create log stream", I, ACTOR_ADMIN, "H", "/api/v1/logStreams", 1},
    {"device.user.add", NULL, "Add device to user", I, ACTOR_USER, "DU", "/idp/authenticators", 5},
    {"device.lifecycle.suspend", NULL, "Suspend device", I, ACTOR_ADMIN, "D", "/api/v1/devices/lifecycle", 1},
    {"device.lifecycle.deactivate", NULL, "Deactivate device", I, ACTOR_ADMIN, "D", "/api/v1/devices/lifecycle", 2},
    {"device.signals.status.timeout", NULL, "Device signals timed out", W, ACTOR_SYSTEM, "D", "/idp/authenticators", 3},
    {"directory.user_profile.update", "cvd.user_profile_updated", "Update universal directory user profile", I, ACTOR_ADMIN, "S", "/api/v1/meta/schemas", 2},
    {"inline_hook.executed", NULL, "Inline hook executed", I, ACTOR_SYSTEM, "H", "/oauth2/default/v1/token", 8},
    {"event_hook.delivery", NULL, "Event hook delivery", D, ACTOR_SYSTEM, "H", "/api/internal/hooks", 8},
    {"workflows.user.table.view", NULL, "Viewed a Workflows table", I, ACTOR_ADMIN, "F", "/workflows", 2},
    {"workflows.user.delegatedflow.run", NULL, "Ran a delegated flow", I, ACTOR_ADMIN, "F", "/workflows", 3},
    {"iam.role.create", NULL, "Create custom admin role", I, ACTOR_ADMIN, "L", "/api/v1/iam/roles", 1},
};

const struct event_type *event_types(size_t *ret_n) {
    *ret_n = LEN(types);
    return types;
}

const struct event_type *event_type_find(const char *type) {
    for (size_t i = 0; i < LEN(types); i++)
        if (strcmp(types[i].type, type) == 0) return &types[i];
    return NULL;
}

const struct event_type *event_type_draw(struct rand *rand) {
    uint64_t whole = 0;
    for (size_t i = 0; i < LEN(types); i++) whole += types[i].weight;
    uint64_t at = rand_below(rand, whole);
    size_t i = 0;
    while (at >= types[i].weight) at -= types[i++].weight;
    return &types[i];
}
