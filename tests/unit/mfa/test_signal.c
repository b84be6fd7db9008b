// SPDX-License-Identifier: Apache-2.0
// Events of Okta's log and what the gate reads out of them: Okta Identity Engine and Classic, real
// ones cut to the fields that count, and ones with fields missing or of another type.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "mfa/signal.h"

#define HEAD "{\"uuid\":\"u-1\",\"published\":\"2026-11-22T10:00:00.123Z\",\"eventType\":"
#define EVE "{\"id\":\"00u1\",\"type\":\"User\",\"alternateId\":\"eve@example.com\"}"
#define PHONE                                                                                      \
    "{\"id\":\"opf1\",\"type\":\"AuthenticatorEnrollment\",\"alternateId\":\"unknown\","           \
    "\"detailEntry\":{\"methodTypeUsed\":\"Get a push notification\"}}"
#define SYSTEM "{\"id\":\"sys1\",\"type\":\"SystemPrincipal\",\"alternateId\":\"system@okta.com\"}"
#define RESULT(r) ",\"outcome\":{\"result\":\"" r "\"}"
#define DEBUG(members) ",\"debugContext\":{\"debugData\":{" members "}}"
#define MFA HEAD "\"user.authentication.auth_via_mfa\",\"actor\":" EVE
#define PUSHED "\"factor\":\"OKTA_VERIFY_PUSH\""
#define TAP(t) PUSHED ",\"pushOnlyResponseType\":\"OV_RESPONSE_" t "\""
#define NUMBER(t, n)                                                                               \
    TAP(t) ",\"pushWithNumberChallengeResponseType\":\"OV_WITH_CHALLENGE_RESPONSE_" n "\""
#define RISK(type) HEAD "\"user.risk." type "\",\"actor\":" SYSTEM ",\"target\":[" EVE "]"

static const struct {
    const char *event;
    enum signal_kind kind;
    bool push;
} kinds[] = {
    // Okta Identity Engine: the phone's answer hides in debugData.
    {MFA RESULT("SUCCESS") DEBUG(NUMBER("APPROVE", "NOT_APPLICABLE")) "}", SIGNAL_VERIFIED, true},
    {MFA RESULT("SUCCESS") DEBUG(NUMBER("APPROVE", "VALID")) "}", SIGNAL_VERIFIED, true},
    {MFA RESULT("FAILURE") DEBUG(NUMBER("DENY", "NOT_APPLICABLE")) "}", SIGNAL_DENIED, true},
    {MFA RESULT("FAILURE") DEBUG("\"pushOnlyResponseType\":\"OV_RESPONSE_DENY\"") "}",
     SIGNAL_DENIED, true},
    {MFA DEBUG(TAP("DENY")) "}", SIGNAL_DENIED, true},
    {MFA RESULT("FAILURE") DEBUG(NUMBER("APPROVE", "INVALID")) "}", SIGNAL_WRONG_NUMBER, true},
    {MFA RESULT("FAILURE") DEBUG(NUMBER("APPROVE", "ERROR")) "}", SIGNAL_WRONG_NUMBER, true},
    {MFA RESULT("FAILURE") DEBUG(NUMBER("ERROR", "ERROR")) "}", SIGNAL_FAILED, true},
    {MFA RESULT("FAILURE") DEBUG(NUMBER("ERROR", "INVALID")) "}", SIGNAL_WRONG_NUMBER, true},
    {MFA RESULT("FAILURE") DEBUG(NUMBER("APPROVE", "VALID")) "}", SIGNAL_FAILED, true},
    {MFA RESULT("UNANSWERED") DEBUG(PUSHED) "}", SIGNAL_FAILED, true},
    {MFA RESULT("ABANDONED") DEBUG(PUSHED) "}", SIGNAL_FAILED, true},
    {MFA RESULT("CHALLENGE") DEBUG(PUSHED) "}", SIGNAL_NONE, true},
    {MFA DEBUG(PUSHED) "}", SIGNAL_NONE, true},
    {MFA ",\"target\":[" EVE "," PHONE "]" RESULT("SUCCESS") "}", SIGNAL_VERIFIED, true},
    // Codes.
    {MFA RESULT("SUCCESS") DEBUG("\"factor\":\"SOFT_TOKEN\"") "}", SIGNAL_VERIFIED, false},
    {MFA RESULT("FAILURE") DEBUG("\"factor\":\"GOOGLE_AUTH\"") "}", SIGNAL_FAILED, false},
    {MFA RESULT("FAILURE") "}", SIGNAL_FAILED, false},
    {MFA RESULT("FAILURE") DEBUG("\"factor\":\"SOFT_TOKEN\",\"pushOnlyResponseType\":\"null\"") "}",
     SIGNAL_FAILED, false},
    // Whatever the factor is called, a phone that answered was pushed to.
    {MFA RESULT("SUCCESS")
         DEBUG("\"factor\":\"SIGNED_NONCE\",\"pushOnlyResponseType\":\"OV_RESPONSE_APPROVE\"") "}",
     SIGNAL_VERIFIED, true},
    // Neither.
    {MFA RESULT("SUCCESS") DEBUG("\"factor\":\"PASSWORD_AS_FACTOR\"") "}", SIGNAL_NONE, false},
    {MFA RESULT("FAILURE") DEBUG("\"factor\":\"SIGNED_NONCE\"") "}", SIGNAL_NONE, false},
    {MFA RESULT("SUCCESS") DEBUG("\"factor\":\"FIDO_WEBAUTHN\"") "}", SIGNAL_NONE, false},
    {MFA ",\"target\":[{\"type\":\"AuthenticatorEnrollment\",\"id\":\"lae1\",\"detailEntry\":"
         "{\"methodTypeUsed\":\"Password\"}}]" RESULT("SUCCESS") "}",
     SIGNAL_NONE, false},
    // Classic.
    {HEAD "\"user.mfa.okta_verify.deny_push\",\"actor\":" EVE RESULT("FAILURE") "}", SIGNAL_DENIED,
     true},
    {HEAD "\"user.mfa.okta_verify.deny_push_upgrade_needed\",\"actor\":" EVE "}", SIGNAL_DENIED,
     true},
    {HEAD "\"system.push.send_factor_verify_push\",\"actor\":" EVE RESULT("SUCCESS") "}",
     SIGNAL_PUSH_SENT, true},
    // Accounts.
    {HEAD "\"user.account.report_suspicious_activity_by_enduser\",\"actor\":" EVE "}",
     SIGNAL_SUSPICIOUS, false},
    {HEAD "\"user.account.lock\",\"actor\":" EVE
          ",\"outcome\":{\"result\":\"FAILURE\",\"reason\":\"LOCKED_OUT\"}}",
     SIGNAL_LOCKED, false},
    {HEAD "\"user.account.lock.limit\",\"actor\":" EVE "}", SIGNAL_LOCKED, false},
    {HEAD "\"user.account.unlock\",\"actor\":" EVE RESULT("SUCCESS") "}", SIGNAL_UNLOCKED, false},
    {HEAD "\"user.account.unlock_by_admin\",\"actor\":" EVE RESULT("SUCCESS") "}", SIGNAL_UNLOCKED,
     false},
    {HEAD "\"user.account.unlock\",\"actor\":" EVE RESULT("FAILURE") "}", SIGNAL_NONE, false},
    {HEAD "\"user.account.unlock\",\"actor\":" EVE "}", SIGNAL_NONE, false},
    {HEAD "\"user.account.unlock_token\",\"actor\":" EVE RESULT("SUCCESS") "}", SIGNAL_NONE, false},
    // Risk.
    {RISK("change") ",\"securityContext\":{\"risk\":{\"level\":\"HIGH\",\"previousLevel\":\"LOW\"}}"
                    "}",
     SIGNAL_RISK_HIGH, false},
    {RISK("change") ",\"securityContext\":{\"risk\":{\"level\":\"LOW\"}}}", SIGNAL_RISK_LOW, false},
    {RISK("change") DEBUG("\"risk\":\"{previousLevel=HIGH, level=LOW}\"") "}", SIGNAL_RISK_LOW,
     false},
    {RISK("change") DEBUG("\"risk\":\"{reasons=Anomalous Device, level=HIGH}\"") "}",
     SIGNAL_RISK_HIGH, false},
    {RISK("change") DEBUG("\"risk\":\"{level=HIGH}\"") "}", SIGNAL_RISK_HIGH, false},
    {RISK("change") DEBUG("\"risk\":{\"level\":\"HIGH\"}") "}", SIGNAL_RISK_HIGH, false},
    {RISK("change") DEBUG("\"risk\":\"{previousLevel=HIGH}\"") "}", SIGNAL_NONE, false},
    {RISK("change") DEBUG("\"riskLevel\":\"high\"") "}", SIGNAL_RISK_HIGH, false},
    {RISK("change") DEBUG("\"risk\":\"{level=MEDIUM}\"") "}", SIGNAL_NONE, false},
    {RISK("change") "}", SIGNAL_NONE, false},
    {RISK("detect") ",\"securityContext\":{\"risk\":{\"level\":\"HIGH\"}}}", SIGNAL_RISK_HIGH,
     false},
    {RISK("detect") ",\"securityContext\":{\"risk\":{\"level\":\"LOW\"}}}", SIGNAL_NONE, false},
    // What tells nothing.
    {HEAD "\"security.threat.detected\",\"actor\":{\"type\":\"IP address\"}}", SIGNAL_NONE, false},
    {HEAD "\"policy.entity_risk.evaluate\",\"actor\":" EVE "}", SIGNAL_NONE, false},
    {HEAD "\"user.session.start\",\"actor\":" EVE RESULT("SUCCESS") "}", SIGNAL_NONE, false},
    {HEAD "null}", SIGNAL_NONE, false},
    {HEAD "7}", SIGNAL_NONE, false},
    {"{}", SIGNAL_NONE, false},
    // Fields that are not what they should be.
    {HEAD "\"user.authentication.auth_via_mfa\",\"actor\":null,\"outcome\":\"FAILURE\","
          "\"debugContext\":\"null\",\"target\":{}}",
     SIGNAL_NONE, false},
    {HEAD "\"user.authentication.auth_via_mfa\",\"outcome\":{\"result\":[\"SUCCESS\"]},"
          "\"debugContext\":{\"debugData\":[1]},\"target\":[null,1,\"User\",[]]}",
     SIGNAL_NONE, false},
    {HEAD "\"user.risk.change\",\"securityContext\":[],\"debugContext\":{\"debugData\":"
          "{\"risk\":\"{{,=,level\",\"riskLevel\":5}}}",
     SIGNAL_NONE, false},
};

static struct json_reader *reader;

static struct signal read_event(const char *event) {
    struct signal s = {.kind = SIGNAL_RISK_LOW};
    assert_int_equal(signal_read(reader, str_from(event), &s), 0);
    return s;
}

static void events_are_what_they_say(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(kinds); i++) {
        const struct signal s = read_event(kinds[i].event);
        if (s.kind != kinds[i].kind || s.push != kinds[i].push)
            fail_msg("%s: %s, push %d", kinds[i].event, signal_name(s.kind), s.push);
        if (s.kind != SIGNAL_NONE) assert_true(signal_wants(s.event_type));
    }
    assert_false(signal_wants(STR("user.session.start")) || signal_wants(STR_NONE));
}

static const struct {
    const char *members; // behind HEAD and the type
    const char *user_id, *login, *factor, *requester, *transaction;
} people[] = {
    {",\"actor\":" EVE, "00u1", "eve@example.com", NULL, NULL, NULL},
    {",\"actor\":" SYSTEM ",\"target\":[" PHONE "," EVE "]", "00u1", "eve@example.com", "opf1",
     NULL, NULL},
    {",\"actor\":{\"id\":\"00uAdmin\",\"type\":\"User\",\"alternateId\":\"admin\"},\"target\":[" EVE
     "]",
     "00u1", "eve@example.com", NULL, NULL, NULL},
    {",\"actor\":" SYSTEM, NULL, NULL, NULL, NULL, NULL},
    {",\"actor\":{\"id\":\"00u2\",\"alternateId\":\"unknown\"}", "00u2", NULL, NULL, NULL, NULL},
    {",\"actor\":{\"id\":\"null\",\"type\":\"user\",\"alternateId\":\"adam\"},\"target\":null",
     NULL, "adam", NULL, NULL, NULL},
    {",\"transaction\":{\"type\":\"WEB\",\"id\":\"t-1\",\"detail\":{\"requestApiTokenId\":\"00T1\"}"
     "}",
     NULL, NULL, NULL, "00T1", "t-1"},
    {",\"actor\":{\"id\":\"0oa1\",\"type\":\"PublicClientApp\"},\"target\":[" EVE
     "],\"client\":{\"id\":\"0oa2\"},\"transaction\":{\"id\":\"unknown\",\"detail\":null}",
     "00u1", "eve@example.com", NULL, "0oa1", NULL},
    {",\"client\":{\"id\":\"0oa2\"},\"transaction\":{\"detail\":{\"requestApiTokenId\":7}}", NULL,
     NULL, NULL, "0oa2", NULL},
    {",\"client\":null,\"transaction\":\"null\",\"target\":[{\"type\":\"AuthenticatorEnrollment\","
     "\"id\":null}]",
     NULL, NULL, NULL, NULL, NULL},
};

static bool is_text(struct str told, const char *wanted) {
    return wanted ? str_eqz(told, wanted) : !told.p;
}

static void events_tell_whom_they_are_about_and_who_asked(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(people); i++) {
        AUTO_FINI(buf) struct buf event = buf_make(1 << 16);
        buf_addf(&event, "%s\"user.account.lock\"%s}", HEAD, people[i].members);
        const struct signal s = read_event(buf_z(&event));
        bool right = is_text(s.user_id, people[i].user_id) && is_text(s.login, people[i].login) &&
                     is_text(s.factor_id, people[i].factor) &&
                     is_text(s.requester, people[i].requester) &&
                     is_text(s.transaction_id, people[i].transaction);
        if (!right) fail_msg("%s", people[i].members);
        assert_true(str_eqz(s.uuid, "u-1") && s.published_ms == 1795341600123);
    }
}

static void what_is_no_object_is_broken(void **state) {
    (void)state;
    static const char *const texts[] = {"",           "[]", "null", "\"user.account.lock\"",
                                        "{\"uuid\":", "{"};
    struct signal s;
    for (size_t i = 0; i < LEN(texts); i++)
        assert_int_equal(signal_read(reader, str_from(texts[i]), &s), SIGNAL_E_BROKEN);
}

static void a_time_that_is_none_is_not_told(void **state) {
    (void)state;
    assert_int_equal(read_event("{\"published\":\"yesterday\"}").published_ms, 0);
    assert_int_equal(read_event("{\"published\":17}").published_ms, 0);
}

static void the_guard_hears_what_forbids_and_what_lifts(void **state) {
    (void)state;
    static const struct {
        enum signal_kind kind;
        bool tells;
        enum guard_news news;
    } rows[] = {
        {SIGNAL_NONE, false, 0},
        {SIGNAL_PUSH_SENT, false, 0},
        {SIGNAL_VERIFIED, false, 0},
        {SIGNAL_FAILED, false, 0},
        {SIGNAL_DENIED, true, NEWS_DENIED},
        {SIGNAL_WRONG_NUMBER, true, NEWS_WRONG_NUMBER},
        {SIGNAL_SUSPICIOUS, true, NEWS_SUSPICIOUS},
        {SIGNAL_LOCKED, true, NEWS_LOCKED},
        {SIGNAL_UNLOCKED, true, NEWS_UNLOCKED},
        {SIGNAL_RISK_HIGH, true, NEWS_RISK_HIGH},
        {SIGNAL_RISK_LOW, true, NEWS_RISK_LOW},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        const struct signal s = {.kind = rows[i].kind};
        enum guard_news news = NEWS_UNANSWERED;
        assert_int_equal(signal_news(&s, &news), rows[i].tells);
        assert_int_equal(news, rows[i].tells ? rows[i].news : NEWS_UNANSWERED);
    }
}

static int open_reader(void **state) {
    (void)state;
    return json_reader_new(&reader);
}

static int close_reader(void **state) {
    (void)state;
    reader = json_reader_free(reader);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_what_they_say),
        cmocka_unit_test(events_tell_whom_they_are_about_and_who_asked),
        cmocka_unit_test(what_is_no_object_is_broken),
        cmocka_unit_test(a_time_that_is_none_is_not_told),
        cmocka_unit_test(the_guard_hears_what_forbids_and_what_lifts),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("signal", tests, open_reader, close_reader);
}
