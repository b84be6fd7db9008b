// SPDX-License-Identifier: Apache-2.0
#ifndef API_HTTP_FORWARDED_H
#define API_HTTP_FORWARDED_H
// X-Forwarded-For: whom proxies in front of the gate speak for. Each proxy appends whom it heard,
// so the list is read from its end. Pure.

#include <netinet/in.h>

#include "identity/list.h"

enum { HTTP_ADDRESS_MAX = INET6_ADDRSTRLEN };

// An address as proxies write it: "192.0.2.7", "192.0.2.7:1234", "2001:db8::7", "[2001:db8::7]",
// "[2001:db8::7]:1234". `ret` is the address alone in its usual form, an IPv4 one that came as an
// IPv6 one (::ffff:192.0.2.7) as the former. False: it is none of these.
bool http_forwarded_address(struct str text, char ret[HTTP_ADDRESS_MAX]);

// Who asks, when the request came from `peer`: the last address in `forwarded` (all lines, in
// order, with commas between) that none of `proxies` has (identity/cidr.h). False, so that the
// peer itself counts: it is none of `proxies`, an address behind the one looked for cannot be read,
// or all are proxies. What stands before that address is not looked at, because the client could
// have sent anything there.
bool http_forwarded_client(struct list proxies, struct str peer, struct str forwarded,
                           char ret[HTTP_ADDRESS_MAX]);

#endif
