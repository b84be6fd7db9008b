// SPDX-License-Identifier: Apache-2.0
// Any lines as headers: what is found lies inside of them, and doubts about the framing stay.
#include "api/http-forwarded.h"
#include "api/http-headers.h"
#include "identity/cidr.h"

#include "fuzz.h"

static bool lies_in(struct str part, struct str whole) {
    return !part.p || part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

// Methods and credentials come in pairs.
static void is_list_of_pairs(struct str packed) {
    size_t items = 0;
    for (; packed.n > 0; items++) {
        MUST(packed.n >= 4);
        uint32_t n = 0;
        for (size_t i = 0; i < 4; i++) n |= (uint32_t)(unsigned char)packed.p[i] << (8 * i);
        MUST(packed.n - 4 >= n);
        packed = str_sub(packed, 4 + n, packed.n);
    }
    MUST(items % 2 == 0);
}

// Whom a proxy speaks for is one of the addresses it named, in its usual form, and no proxy.
static void check_forwarded(struct str forwarded) {
    AUTO_FINI(buf) struct buf proxies = buf_make(100);
    char client[HTTP_ADDRESS_MAX], again[HTTP_ADDRESS_MAX];
    list_add(&proxies, STR("10.0.0.0/8"));
    list_add(&proxies, STR("fd00::/8"));
    MUST(!http_forwarded_client(list_of(&proxies), STR("192.0.2.1"), forwarded, client));
    if (!http_forwarded_client(list_of(&proxies), STR("10.1.1.1"), forwarded, client)) return;
    MUST(!cidr_list_has(list_of(&proxies), str_from(client)));
    MUST(http_forwarded_address(str_from(client), again) && strcmp(client, again) == 0);
    bool named = false;
    for (struct str rest = forwarded; rest.p && !named;)
        named = http_forwarded_address(str_split(&rest, ','), again) && strcmp(client, again) == 0;
    MUST(named);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str all = {(const char *)data, size};
    AUTO_FINI(http_headers) struct http_headers h = http_headers_make();
    bool was_bad = false;
    for (struct str rest = all; rest.p;) {
        struct str value = str_split(&rest, '\n'), name = str_split(&value, ':');
        http_headers_add(&h, name, value);
        MUST(!was_bad || h.bad_framing);
        was_bad = h.bad_framing;
    }
    struct str token = http_headers_token(&h);
    MUST(lies_in(token, all) && lies_in(h.namespace, all) && lies_in(h.wrap_ttl, all));
    MUST(!token.p || token.n > 0);
    MUST(lies_in(h.user_agent, all));
    check_forwarded(buf_str(&h.forwarded));
    if (http_headers_framing_ok(&h, false)) MUST(h.hosts == 1 && h.lengths + h.codings <= 1);
    is_list_of_pairs(buf_str(&h.mfa));

    struct fault fault = {""};
    int64_t seconds = -1;
    int e = http_headers_wrap_ttl(h.wrap_ttl, &seconds, &fault);
    MUST(e == 0 ? seconds >= 0 : e == HTTP_HEADERS_E_BAD && fault.text[0]);
    return 0;
}
