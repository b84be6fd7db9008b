// SPDX-License-Identifier: Apache-2.0
#include "api/http-forwarded.h"

#include <arpa/inet.h>

#include "base/parse.h"
#include "identity/cidr.h"

static bool is_port(struct str text) {
    uint64_t port;
    return text.n <= 5 && parse_u64(text, &port) && port <= 65535;
}

// "[address]" and "[address]:port" to the address.
static bool strip_brackets(struct str *text) {
    size_t end = str_find_char(*text, ']');
    if (end == text->n) return false;
    struct str rest = str_sub(*text, end + 1, text->n);
    *text = str_sub(*text, 1, end);
    return rest.n == 0 || (rest.p[0] == ':' && is_port(str_sub(rest, 1, rest.n)));
}

// One colon alone: an IPv4 address and a port.
static bool strip_port(struct str *text) {
    size_t colon = str_find_char(*text, ':');
    struct str port = str_sub(*text, colon + 1, text->n);
    if (colon == text->n || str_find_char(port, ':') < port.n) return true;
    *text = str_sub(*text, 0, colon);
    return is_port(port);
}

static bool write_v6(const char *z, char ret[HTTP_ADDRESS_MAX]) {
    struct in6_addr v6;
    if (inet_pton(AF_INET6, z, &v6) != 1) return false;
    bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);
    return inet_ntop(mapped ? AF_INET : AF_INET6, v6.s6_addr + (mapped ? 12 : 0), ret,
                     HTTP_ADDRESS_MAX);
}

static bool write_v4(const char *z, char ret[HTTP_ADDRESS_MAX]) {
    struct in_addr v4;
    return inet_pton(AF_INET, z, &v4) == 1 && inet_ntop(AF_INET, &v4, ret, HTTP_ADDRESS_MAX);
}

bool http_forwarded_address(struct str text, char ret[HTTP_ADDRESS_MAX]) {
    char z[HTTP_ADDRESS_MAX];
    text = str_trim(text);
    bool bracketed = str_starts(text, STR("["));
    if (!(bracketed ? strip_brackets(&text) : strip_port(&text))) return false;
    if (text.n == 0 || text.n >= sizeof z || memchr(text.p, 0, text.n)) return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    return write_v6(z, ret) || (!bracketed && write_v4(z, ret));
}

// Takes the last element off.
static struct str take_last(struct str *list) {
    size_t start = list->n;
    while (start > 0 && list->p[start - 1] != ',') start--;
    struct str last = str_sub(*list, start, list->n);
    *list = str_sub(*list, 0, start > 0 ? start - 1 : 0);
    return last;
}

bool http_forwarded_client(struct list proxies, struct str peer, struct str forwarded,
                           char ret[HTTP_ADDRESS_MAX]) {
    if (forwarded.n == 0 || !cidr_list_has(proxies, peer)) return false;
    while (forwarded.n > 0) {
        char address[HTTP_ADDRESS_MAX];
        if (!http_forwarded_address(take_last(&forwarded), address)) return false;
        if (cidr_list_has(proxies, str_from(address))) continue;
        memcpy(ret, address, sizeof address);
        return true;
    }
    return false;
}
