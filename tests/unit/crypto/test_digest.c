// SPDX-License-Identifier: Apache-2.0
// Against FIPS 180-4's examples, RFC 4231, RFC 4648 and RFC 7515 appendix C.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "crypto/digest.h"

static void assert_hex(const uint8_t *bytes, size_t n, const char *hex) {
    char text[2 * 64 + 1];
    assert_true(n <= 64);
    for (size_t i = 0; i < n; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    assert_string_equal(text, hex);
}

struct digest_row {
    struct str data;
    const char *hex;
};

static void sha256_gives_the_published_digests(void **state) {
    (void)state;
    static const struct digest_row rows[] = {
        {{"", 0}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {{NULL, 0}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {{"abc", 3}, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56},
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        uint8_t digest[CRYPTO_SHA256_BYTES];
        assert_int_equal(crypto_sha256(rows[i].data, digest), 0);
        assert_hex(digest, sizeof digest, rows[i].hex);
    }
}

struct hmac_row {
    char key_byte; // repeated; 0: the text is the key
    size_t key_n;
    const char *key_text;
    char data_byte;
    size_t data_n;
    const char *data_text;
    const char *hex;
};

#define LARGER "Test Using Larger Than Block-Size Key - Hash Key First"
#define LARGER_DATA                                                                                \
    "This is a test using a larger than block-size key and a larger than block-size data. The "    \
    "key "                                                                                         \
    "needs to be hashed before being used by the HMAC algorithm."

static const struct hmac_row hmac_rows[] = {
    {0x0b, 20, NULL, 0, 8, "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {0, 4, "Jefe", 0, 28, "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {(char)0xaa, 20, NULL, (char)0xdd, 50, NULL,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {(char)0xaa, 131, NULL, 0, sizeof LARGER - 1, LARGER,
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {(char)0xaa, 131, NULL, 0, sizeof LARGER_DATA - 1, LARGER_DATA,
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    {0, 0, "", 0, 0, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
};

static void hmac_gives_the_published_codes(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(hmac_rows); i++) {
        const struct hmac_row *row = &hmac_rows[i];
        char key[131], data[64];
        memset(key, row->key_byte, sizeof key);
        memset(data, row->data_byte, sizeof data);
        uint8_t code[CRYPTO_SHA256_BYTES];
        struct str k = {row->key_text ? row->key_text : key, row->key_n};
        struct str d = {row->data_text ? row->data_text : data, row->data_n};
        assert_int_equal(crypto_hmac_sha256(k, d, code), 0);
        assert_hex(code, sizeof code, row->hex);
    }
}

struct base64_row {
    struct str bytes;
    const char *text;
};

static void base64url_goes_both_ways(void **state) {
    (void)state;
    static const struct base64_row rows[] = {
        {{"", 0}, ""},
        {{"f", 1}, "Zg"},
        {{"hi", 2}, "aGk"},
        {{"foo", 3}, "Zm9v"},
        {{"foob", 4}, "Zm9vYg"},
        {{"fooba", 5}, "Zm9vYmE"},
        {{"foobar", 6}, "Zm9vYmFy"},
        {{"\x03\xEC\xFF\xE0\xC1", 5}, "A-z_4ME"}, // RFC 7515 appendix C
        {{"\0\0\0", 3}, "AAAA"},
        {{"\xFF\xFF\xFF\xFF", 4}, "_____w"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf text = buf_make(100);
        AUTO_FINI(buf) struct buf bytes = buf_make(100);
        crypto_base64url(&text, rows[i].bytes);
        assert_true(str_eqz(buf_str(&text), rows[i].text));
        assert_true(crypto_base64url_decode(&bytes, buf_str(&text)));
        assert_true(str_eq(buf_str(&bytes), rows[i].bytes));
    }
}

static void base64url_takes_nothing_else(void **state) {
    (void)state;
    static const char *const rows[] = {
        "A",   "AAAAA", "Zg==", "Zg=", "Zm8=",  "Z g",  " Zg",   "Zg\n",
        "Z+8", "Z/8a",  "Zh",   "Zm9", "AAAA=", "====", "Z\xC3", "Zg.Zg",
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf bytes = buf_make(100);
        buf_addz(&bytes, "as it was");
        assert_false(crypto_base64url_decode(&bytes, str_from(rows[i])));
        assert_true(str_eqz(buf_str(&bytes), "as it was"));
    }
    AUTO_FINI(buf) struct buf bytes = buf_make(100);
    assert_false(crypto_base64url_decode(&bytes, (struct str){"Zg\0a", 4}));
}

static void what_does_not_fit_is_told_by_the_buffer(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf small = buf_make(4);
    assert_true(crypto_base64url_decode(&small, STR("Zm9vYmFy")));
    assert_int_equal(small.error, -EMSGSIZE);
    AUTO_FINI(buf) struct buf other = buf_make(4);
    crypto_base64url(&other, STR("foobar"));
    assert_int_equal(other.error, -EMSGSIZE);
}

static void random_texts_are_as_long_as_asked_and_differ(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 16, 62, 63, 64, 126, 200};
    for (size_t i = 0; i < LEN(sizes); i++) {
        AUTO_FINI(buf) struct buf a = buf_make(1000);
        AUTO_FINI(buf) struct buf b = buf_make(1000);
        AUTO_FINI(buf) struct buf bytes = buf_make(1000);
        assert_int_equal(crypto_random_text(&a, sizes[i]), 0);
        assert_int_equal(crypto_random_text(&b, sizes[i]), 0);
        assert_true(crypto_base64url_decode(&bytes, buf_str(&a)));
        assert_int_equal(bytes.n, sizes[i]);
        if (sizes[i] >= 16) assert_false(str_eq(buf_str(&a), buf_str(&b)));
    }
}

static void random_bytes_fill_what_is_asked_for(void **state) {
    (void)state;
    static uint8_t bytes[10001];
    size_t zeros = 0;
    assert_int_equal(crypto_random(bytes, sizeof bytes - 1), 0);
    assert_int_equal(bytes[sizeof bytes - 1], 0);
    for (size_t i = 0; i < sizeof bytes - 1; i++) zeros += bytes[i] == 0;
    assert_true(zeros < 200); // 39 are expected
}

static void equal_means_equal(void **state) {
    (void)state;
    assert_true(crypto_equal(STR("abc"), STR("abc")));
    assert_false(crypto_equal(STR("abc"), STR("abd")));
    assert_false(crypto_equal(STR("abc"), STR("abcd")));
    assert_true(crypto_equal(STR_NONE, STR("")));
}

static void wiping_leaves_nothing_and_the_buffer_works_on(void **state) {
    (void)state;
    char secret[] = "secret";
    crypto_wipe(secret, sizeof secret);
    for (size_t i = 0; i < sizeof secret; i++) assert_int_equal(secret[i], 0);
    AUTO_FINI(buf) struct buf b = buf_make(100);
    buf_wipe(&b);
    buf_addz(&b, "secret");
    buf_wipe(&b);
    assert_null(b.p);
    buf_addz(&b, "again");
    assert_true(str_eqz(buf_str(&b), "again"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_published_digests),
        cmocka_unit_test(hmac_gives_the_published_codes),
        cmocka_unit_test(base64url_goes_both_ways),
        cmocka_unit_test(base64url_takes_nothing_else),
        cmocka_unit_test(what_does_not_fit_is_told_by_the_buffer),
        cmocka_unit_test(random_texts_are_as_long_as_asked_and_differ),
        cmocka_unit_test(random_bytes_fill_what_is_asked_for),
        cmocka_unit_test(equal_means_equal),
        cmocka_unit_test(wiping_leaves_nothing_and_the_buffer_works_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
