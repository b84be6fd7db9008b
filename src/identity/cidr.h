// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_CIDR_H
#define IDENTITY_CIDR_H
// Addresses that a token or a user is bound to: "10.0.0.0/8", "127.0.0.1", "fe80::/10", "::1".
// Pure.

#include "identity/list.h"

// An address, or one with the length of a prefix (bits behind the prefix are ignored).
bool cidr_is_valid(struct str text);

// Whether `address` (no port) lies in one of them. An IPv4 address that came in as an IPv6 one
// (::ffff:10.1.2.3) is the IPv4 one. What is no address lies in none.
bool cidr_list_has(struct list cidrs, struct str address);

#endif
