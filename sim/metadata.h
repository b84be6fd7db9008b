// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_METADATA_H
#define SIM_METADATA_H
// What the org authorization server tells about itself; neither limited nor protected.

#include "sim/call.h"

// /.well-known/oauth-authorization-server, /.well-known/openid-configuration and /oauth2/v1/keys.
// Outcomes: CALL_E_DONE; negative errno.
int metadata_server(struct call *call) MUST_USE;
int metadata_openid(struct call *call) MUST_USE;
int metadata_keys(struct call *call) MUST_USE;

#endif
