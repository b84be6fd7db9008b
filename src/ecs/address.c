// SPDX-License-Identifier: Apache-2.0
// Addresses as Elasticsearch's convert processor takes them: four decimal numbers, or IPv6 with or
// without a zone. The text itself is kept, never normalised.
#include <arpa/inet.h>

#include "ecs/mapper-internal.h"

enum { ADDRESS_MAX = INET6_ADDRSTRLEN };

static bool parses(int family, struct str text) {
    char z[ADDRESS_MAX + 1];
    struct in6_addr address;
    if (text.n == 0 || text.n > ADDRESS_MAX || memchr(text.p, '\0', text.n)) return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    return inet_pton(family, z, &address) == 1;
}

bool ecs_is_address(struct str text) {
    if (str_find_char(text, ':') == text.n) return parses(AF_INET, text);
    size_t zone = str_find_char(text, '%');
    if (zone + 1 == text.n) return false;
    return parses(AF_INET6, str_sub(text, 0, zone));
}

bool ecs_is_email(struct str text) {
    size_t at = str_find_char(text, '@');
    return at > 0 && at < text.n;
}
