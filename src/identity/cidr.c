// SPDX-License-Identifier: Apache-2.0
// Every address is sixteen bytes here, an IPv4 one in its place among the IPv6 ones, so that there
// is one comparison for both.
#include "identity/cidr.h"

#include <arpa/inet.h>

#include "base/parse.h"

enum { ADDRESS_BYTES = 16, ADDRESS_BITS = 128, V4_BYTES = 4, V4_OFFSET_BITS = 96 };

struct network {
    unsigned char address[ADDRESS_BYTES];
    unsigned bits;
};

// Sets the address, and `bits` to where its own bits begin: 0, or 96 for IPv4.
static bool parse_address(struct str text, struct network *ret) {
    static const unsigned char mapped[ADDRESS_BYTES - V4_BYTES] = {[10] = 0xff, [11] = 0xff};
    char z[INET6_ADDRSTRLEN];
    if (text.n == 0 || text.n >= sizeof z || memchr(text.p, 0, text.n)) return false;
    memcpy(z, text.p, text.n);
    z[text.n] = 0;
    if (inet_pton(AF_INET6, z, ret->address) == 1) {
        ret->bits = 0;
        return true;
    }
    memcpy(ret->address, mapped, sizeof mapped);
    ret->bits = V4_OFFSET_BITS;
    return inet_pton(AF_INET, z, ret->address + sizeof mapped) == 1;
}

static bool parse_network(struct str text, struct network *ret) {
    struct str rest = text;
    struct str address = str_split(&rest, '/');
    if (!parse_address(address, ret)) return false;
    uint64_t prefix = ADDRESS_BITS - ret->bits;
    if (rest.p && (!parse_u64(rest, &prefix) || prefix > ADDRESS_BITS - ret->bits)) return false;
    ret->bits += (unsigned)prefix;
    return true;
}

static bool contains(const struct network *n, const struct network *address) {
    unsigned whole = n->bits / 8, left = n->bits % 8;
    if (memcmp(n->address, address->address, whole) != 0) return false;
    if (left == 0) return true;
    return ((n->address[whole] ^ address->address[whole]) >> (8 - left)) == 0;
}

bool cidr_is_valid(struct str text) {
    struct network n;
    return parse_network(text, &n);
}

bool cidr_list_has(struct list cidrs, struct str address) {
    struct network from, n;
    if (!parse_address(address, &from)) return false;
    struct str rest = cidrs.packed, one;
    while (list_next(&rest, &one))
        if (parse_network(one, &n) && contains(&n, &from)) return true;
    return false;
}
