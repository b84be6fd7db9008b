// SPDX-License-Identifier: Apache-2.0
#include "sim/totp.h"

#include <stdio.h>

#include "crypto/digest.h"

uint64_t totp_step(int64_t ms) { return (uint64_t)(ms / TOTP_STEP_MS); }

// RFC 4226 section 5.3: four bytes from where the last one points, without the sign.
static uint32_t truncate_mac(const uint8_t mac[CRYPTO_SHA1_BYTES]) {
    const uint8_t *at = mac + (mac[CRYPTO_SHA1_BYTES - 1] & 0xF);
    return (uint32_t)(at[0] & 0x7F) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

int totp_code(struct str secret, uint64_t step, char ret[TOTP_CODE_MAX]) {
    uint8_t mac[CRYPTO_SHA1_BYTES];
    char counter[8];
    for (int i = 0; i < 8; i++) counter[i] = (char)(step >> (56 - 8 * i));
    int e = crypto_hmac_sha1(secret, (struct str){counter, sizeof counter}, mac);
    if (!e) snprintf(ret, TOTP_CODE_MAX, "%06u", (unsigned)(truncate_mac(mac) % 1000000));
    return e;
}

static int base32_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

bool totp_read_secret(struct buf *out, struct str base32) {
    uint32_t bits = 0;
    unsigned n_bits = 0;
    while (base32.n && base32.p[base32.n - 1] == '=') base32.n--;
    for (size_t i = 0; i < base32.n; i++) {
        int digit = base32_digit(base32.p[i]);
        if (digit < 0) return false;
        bits = (bits << 5 | (uint32_t)digit) & 0xFFFF;
        n_bits += 5;
        if (n_bits < 8) continue;
        n_bits -= 8;
        buf_addc(out, (char)(bits >> n_bits));
    }
    return base32.n > 0;
}
