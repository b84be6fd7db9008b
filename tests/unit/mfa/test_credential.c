// SPDX-License-Identifier: Apache-2.0
// What callers wish by X-Vault-MFA, as rows: credentials of one method, and what comes of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mfa/credential.h"

enum { WISHES_MAX = 3 };

static const char *shown(struct str s) {
    static char text[4][256];
    static unsigned next;
    char *to = text[next++ % 4];
    size_t n = s.n < sizeof text[0] ? s.n : sizeof text[0] - 1;
    if (n) memcpy(to, s.p, n);
    to[n] = '\0';
    return s.p ? to : "(none)";
}

static int read_wishes(const char *const *wishes, struct buf *given, struct credential *ret,
                       struct fault *fault) {
    for (size_t i = 0; i < WISHES_MAX && wishes[i]; i++) {
        list_add(given, STR("my_okta"));
        list_add(given, str_from(wishes[i]));
    }
    return credential_read(list_of(given), STR("my_okta"), ret, fault);
}

#define ID "c-7f3aB2c4D5e6F7g8"

static void wishes_are_understood(void **state) {
    (void)state;
    static const struct {
        const char *wishes[WISHES_MAX];
        const char *passcode, *device, *challenge;
        bool number;
    } rows[] = {
        {{NULL}, NULL, NULL, NULL, false},
        {{""}, NULL, NULL, NULL, false},
        {{"push"}, NULL, NULL, NULL, false},
        {{"Number"}, NULL, NULL, NULL, false},
        {{"passcode"}, NULL, NULL, NULL, false},
        {{"device"}, NULL, NULL, NULL, false},
        {{"12a456"}, NULL, NULL, NULL, false},
        {{"C-7f3aB2c4D5e6F7g8"}, NULL, NULL, NULL, false},
        {{"number"}, NULL, NULL, NULL, true},
        {{" number "}, NULL, NULL, NULL, true},
        {{"1234"}, "1234", NULL, NULL, false},
        {{"123456"}, "123456", NULL, NULL, false},
        {{" 123456\t"}, "123456", NULL, NULL, false},
        {{"0123456789"}, "0123456789", NULL, NULL, false},
        {{"passcode=123456"}, "123456", NULL, NULL, false},
        {{"device=Alice's iPhone"}, NULL, "Alice's iPhone", NULL, false},
        {{"device=a=b"}, NULL, "a=b", NULL, false},
        {{"device=123456"}, NULL, "123456", NULL, false},
        {{ID}, NULL, NULL, ID, false},
        {{"number", "device=OKTA"}, NULL, "OKTA", NULL, true},
        {{"device=GOOGLE", "", "123456"}, "123456", "GOOGLE", NULL, false},
        {{"number", "number"}, NULL, NULL, NULL, true},
        {{ID, "number", "device=x"}, NULL, "x", ID, true},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf given = buf_make(4096);
        struct fault fault = {{0}};
        struct credential c = {.number = true};
        if (read_wishes(rows[i].wishes, &given, &c, &fault))
            fail_msg("%s: %s", rows[i].wishes[0], fault.text);
        assert_string_equal(shown(c.passcode), shown(str_from(rows[i].passcode)));
        assert_string_equal(shown(c.device), shown(str_from(rows[i].device)));
        assert_string_equal(shown(c.challenge), shown(str_from(rows[i].challenge)));
        assert_int_equal(c.number, rows[i].number);
    }
}

static void mistakes_are_told_and_never_a_passcode(void **state) {
    (void)state;
    static const struct {
        const char *wishes[WISHES_MAX];
        const char *why;
    } rows[] = {
        {{"x=y"}, "found an invalid MFA cred: x="},
        {{"=y"}, "found an invalid MFA cred: ="},
        {{"="}, "found an invalid MFA cred: ="},
        {{"Passcode=123456"}, "found an invalid MFA cred: Passcode="},
        {{"pass=123456"}, "found an invalid MFA cred: pass="},
        {{"123456=passcode"}, "found an invalid MFA cred: ******="},
        {{"Device=x"}, "found an invalid MFA cred: Device="},
        {{"number=1"}, "found an invalid MFA cred: number="},
        {{"passcode="}, "invalid passcode"},
        {{"passcode= 123456"}, "invalid passcode"},
        {{"passcode=12345a"}, "invalid passcode"},
        {{"passcode=123"}, "invalid passcode"},
        {{"passcode=12345678901"}, "invalid passcode"},
        {{"123"}, "invalid passcode"},
        {{"12345678901"}, "invalid passcode"},
        {{"123456", "123456"}, "found multiple passcodes for the same MFA method"},
        {{"123456", "passcode=654321"}, "found multiple passcodes for the same MFA method"},
        {{"device="}, "found an invalid MFA cred: device="},
        {{"device=a", "device=b"}, "found multiple devices for the same MFA method"},
        {{"c-"}, "found an invalid MFA cred: a challenge is c- and 16 letters or digits"},
        {{"c-7f3a"}, "found an invalid MFA cred: a challenge is c- and 16 letters or digits"},
        {{ID "x"}, "found an invalid MFA cred: a challenge is c- and 16 letters or digits"},
        {{"c-7f3aB2c4D5e6F7g_"},
         "found an invalid MFA cred: a challenge is c- and 16 letters or digits"},
        {{ID, ID}, "found multiple challenges for the same MFA method"},
        {{ID, "123456"}, "found a passcode and a challenge for the same MFA method"},
        {{"123456", "number", ID}, "found a passcode and a challenge for the same MFA method"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf given = buf_make(4096);
        struct fault fault = {{0}};
        struct credential c = {.number = true};
        int r = read_wishes(rows[i].wishes, &given, &c, &fault);
        if (r != CREDENTIAL_E_REFUSED) fail_msg("%s: %d", rows[i].wishes[0], r);
        assert_string_equal(fault.text, rows[i].why);
        assert_true(c.number && !c.passcode.p && !c.device.p && !c.challenge.p);
    }
}

// Also one who writes a whole page into the header.
static void a_long_key_is_cut_in_the_text(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf given = buf_make(1 << 16), wish = buf_make(1 << 16);
    struct fault fault = {{0}};
    struct credential c;
    for (int i = 0; i < 5000; i++) buf_addc(&wish, 'k');
    buf_addz(&wish, "=v");
    list_add(&given, STR("m"));
    list_add(&given, buf_str(&wish));
    assert_int_equal(credential_read(list_of(&given), STR("m"), &c, &fault), CREDENTIAL_E_REFUSED);
    assert_true(strlen(fault.text) < 128);
}

static void other_methods_wishes_are_none_of_its_business(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf given = buf_make(4096);
    struct credential c;
    static const char *const pairs[] = {"other",   "nonsense=1", "my_okta", "123456",
                                        "MY_OKTA", "654321",     "other",   "number"};
    for (size_t i = 0; i < LEN(pairs); i++) list_add(&given, str_from(pairs[i]));
    assert_int_equal(credential_read(list_of(&given), STR("my_okta"), &c, NULL), 0);
    assert_string_equal(shown(c.passcode), "123456");
    assert_false(c.number);
    assert_int_equal(credential_read(list_of(&given), STR("third"), &c, NULL), 0);
    assert_true(!c.passcode.p && !c.number);
    assert_int_equal(credential_read((struct list){STR_NONE}, STR("m"), &c, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wishes_are_understood),
        cmocka_unit_test(mistakes_are_told_and_never_a_passcode),
        cmocka_unit_test(a_long_key_is_cut_in_the_text),
        cmocka_unit_test(other_methods_wishes_are_none_of_its_business),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("credential", tests, NULL, NULL);
}
