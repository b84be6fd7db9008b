// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/http-forwarded.h"

static void addresses_are_read_as_proxies_write_them(void **state) {
    (void)state;
    static const struct {
        const char *text, *address; // NULL: none
    } rows[] = {
        {"192.0.2.7", "192.0.2.7"},
        {" \t192.0.2.7 ", "192.0.2.7"},
        {"192.0.2.7:1234", "192.0.2.7"},
        {"192.0.2.7:0", "192.0.2.7"},
        {"2001:db8::7", "2001:db8::7"},
        {"2001:DB8:0:0::7", "2001:db8::7"},
        {"[2001:db8::7]", "2001:db8::7"},
        {"[2001:db8::7]:443", "2001:db8::7"},
        {"::1", "::1"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"[::ffff:192.0.2.7]:80", "192.0.2.7"},
        {"::FFFF:C000:0207", "192.0.2.7"},
        {"", NULL},
        {" ", NULL},
        {"unknown", NULL},
        {"_hidden", NULL},
        {"192.0.2", NULL},
        {"192.0.2.7.1", NULL},
        {"192.0.2.256", NULL},
        {"192.0.2.7:", NULL},
        {"192.0.2.7:65536", NULL},
        {"192.0.2.7:-1", NULL},
        {"192.0.2.7:+1", NULL},
        {"192.0.2.7:80:80", NULL},
        {"[192.0.2.7]:80", NULL},
        {"[2001:db8::7", NULL},
        {"2001:db8::7]", NULL},
        {"[2001:db8::7]443", NULL},
        {"[2001:db8::7]:", NULL},
        {"[]:80", NULL},
        {"[[::1]]", NULL},
        {"fe80::1%eth0", NULL},
        {"\"192.0.2.7\"", NULL},
        {"192.0.2.7/32", NULL},
        {"192.0.2.7 10.0.0.1", NULL},
        {"1111:2222:3333:4444:5555:6666:777.777.777.777:99999999", NULL},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char address[HTTP_ADDRESS_MAX] = "none";
        bool read = http_forwarded_address(str_from(rows[i].text), address);
        if (read != (rows[i].address != NULL) || (read && strcmp(address, rows[i].address) != 0))
            fail_msg("%s: %s", rows[i].text, read ? address : "not read");
    }
    char address[HTTP_ADDRESS_MAX];
    assert_false(http_forwarded_address((struct str){"192.0.2.7\0008", 11}, address));
}

static void the_last_address_that_is_no_proxy_is_the_clients(void **state) {
    (void)state;
    static const struct {
        const char *peer, *forwarded, *client; // NULL: the peer counts
    } rows[] = {
        {"10.0.0.1", "192.0.2.7", "192.0.2.7"},
        {"::ffff:10.0.0.1", "192.0.2.7", "192.0.2.7"},
        {"fd00::1", "192.0.2.7", "192.0.2.7"},
        // Only who is trusted may speak for others.
        {"192.0.2.1", "198.51.100.7", NULL},
        {"", "198.51.100.7", NULL},
        {"10.0.0.1", "", NULL},
        // Proxies behind one another.
        {"10.0.0.1", "192.0.2.7, 10.0.0.3,10.0.0.2", "192.0.2.7"},
        {"10.0.0.1", "192.0.2.7:55, [fd00::3]:80,fd00::2", "192.0.2.7"},
        // What the client claims itself stands before what the proxy saw.
        {"10.0.0.1", "10.9.9.9, 198.51.100.7, 192.0.2.7", "192.0.2.7"},
        {"10.0.0.1", "<script>, 192.0.2.7", "192.0.2.7"},
        {"10.0.0.1", ",,, 192.0.2.7, 10.0.0.2", "192.0.2.7"},
        // What cannot be read on the way there leaves doubts.
        {"10.0.0.1", "192.0.2.7, unknown", NULL},
        {"10.0.0.1", "192.0.2.7,", NULL},
        {"10.0.0.1", "192.0.2.7, , 10.0.0.2", NULL},
        {"10.0.0.1", "unknown, 10.0.0.2", NULL},
        // Nobody but proxies.
        {"10.0.0.1", "10.0.0.3, 10.0.0.2", NULL},
    };
    AUTO_FINI(buf) struct buf proxies = buf_make(1000);
    list_add(&proxies, STR("10.0.0.0/8"));
    list_add(&proxies, STR("fd00::/8"));
    for (size_t i = 0; i < LEN(rows); i++) {
        char client[HTTP_ADDRESS_MAX] = "none";
        bool other = http_forwarded_client(list_of(&proxies), str_from(rows[i].peer),
                                           str_from(rows[i].forwarded), client);
        if (other != (rows[i].client != NULL) || (other && strcmp(client, rows[i].client) != 0))
            fail_msg("%s for %s: %s", rows[i].peer, rows[i].forwarded, other ? client : "the peer");
    }
}

static void without_proxies_nobody_is_believed(void **state) {
    (void)state;
    char client[HTTP_ADDRESS_MAX];
    assert_false(
        http_forwarded_client((struct list){{NULL, 0}}, STR("10.0.0.1"), STR("192.0.2.7"), client));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_as_proxies_write_them),
        cmocka_unit_test(the_last_address_that_is_no_proxy_is_the_clients),
        cmocka_unit_test(without_proxies_nobody_is_believed),
    };
    return cmocka_run_group_tests_name("http_forwarded", tests, NULL, NULL);
}
