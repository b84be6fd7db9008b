// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_TOTP_H
#define SIM_TOTP_H
// One-time codes by time: RFC 6238 with SHA-1, six digits, 30 seconds a step, as authenticator apps
// make them.

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { TOTP_STEP_MS = 30000, TOTP_CODE_MAX = 8 };

// The step that an instant lies in.
uint64_t totp_step(int64_t ms);

// The code of a step: six digits and a NUL. Outcomes: 0; -ENOMEM.
int totp_code(struct str secret, uint64_t step, char ret[TOTP_CODE_MAX]) MUST_USE;

// Appends what a secret's base32 text (RFC 4648 section 6, either case, padding or not) stands for.
// False when it is something else.
bool totp_read_secret(struct buf *out, struct str base32) MUST_USE;

#endif
