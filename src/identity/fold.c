// SPDX-License-Identifier: Apache-2.0
// Unicode's simple lower-case mappings come in runs: a whole alphabet at a constant distance, or
// pairs of neighbours, upper case first. The table lists the runs of the scripts that people write
// their names in with two cases (Unicode Character Database, UnicodeData.txt).
#include "identity/fold.h"

#include "json/repair.h"

struct run {
    uint16_t from, to;
    int16_t distance; // to the lower-case letter
    uint8_t step;     // 2: every second letter is an upper-case one
};

static const struct run runs[] = {
    {0x0041, 0x005A, 32, 1}, {0x00C0, 0x00D6, 32, 1},   {0x00D8, 0x00DE, 32, 1},
    {0x0100, 0x012E, 1, 2},  {0x0130, 0x0130, -199, 1}, {0x0132, 0x0136, 1, 2},
    {0x0139, 0x0147, 1, 2},  {0x014A, 0x0176, 1, 2},    {0x0178, 0x0178, -121, 1},
    {0x0179, 0x017D, 1, 2},  {0x0386, 0x0386, 38, 1},   {0x0388, 0x038A, 37, 1},
    {0x038C, 0x038C, 64, 1}, {0x038E, 0x038F, 63, 1},   {0x0391, 0x03A1, 32, 1},
    {0x03A3, 0x03AB, 32, 1}, {0x0400, 0x040F, 80, 1},   {0x0410, 0x042F, 32, 1},
    {0x0460, 0x0480, 1, 2},  {0x048A, 0x04BE, 1, 2},    {0x04D0, 0x052E, 1, 2},
    {0x0531, 0x0556, 48, 1}, {0x1E00, 0x1E94, 1, 2},    {0x1EA0, 0x1EFE, 1, 2},
    {0xFF21, 0xFF3A, 32, 1},
};

static uint32_t lower_of(uint32_t c) {
    for (size_t i = 0; i < LEN(runs) && c >= runs[i].from; i++) {
        if (c > runs[i].to || (c - runs[i].from) % runs[i].step) continue;
        return (uint32_t)((int32_t)c + runs[i].distance);
    }
    return c;
}

// The character of a valid UTF-8 sequence of two or three bytes.
static uint32_t decode(const unsigned char *p, size_t n) {
    if (n == 2) return (p[0] & 0x1FU) << 6 | (p[1] & 0x3FU);
    return (p[0] & 0x0FU) << 12 | (p[1] & 0x3FU) << 6 | (p[2] & 0x3FU);
}

static void encode(struct buf *out, uint32_t c) {
    if (c < 0x80) {
        buf_addc(out, (char)c);
        return;
    }
    if (c >= 0x800) buf_addc(out, (char)(0xE0 | c >> 12));
    buf_addc(out, c >= 0x800 ? (char)(0x80 | (c >> 6 & 0x3F)) : (char)(0xC0 | c >> 6));
    buf_addc(out, (char)(0x80 | (c & 0x3F)));
}

void fold_text(struct buf *out, struct str text) {
    while (text.n) {
        size_t n = json_utf8_length(text);
        unsigned char first = (unsigned char)text.p[0];
        if (n == 1) buf_addc(out, (char)lower_of(first));
        else if (n == 2 || n == 3) encode(out, lower_of(decode((const unsigned char *)text.p, n)));
        else buf_add(out, text.p, n ? n : 1);
        text = str_sub(text, n ? n : 1, text.n);
    }
}
