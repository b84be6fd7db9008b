// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <stdio.h>

static void cut_partial_utf8(char *text) {
    size_t n = strlen(text);
    size_t at = n;
    while (at > 0 && ((unsigned char)text[at - 1] & 0xC0) == 0x80) at--;
    if (at == 0) return;
    unsigned char lead = (unsigned char)text[at - 1];
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (n - (at - 1) < need) text[at - 1] = '\0';
}

int fault_set(struct fault *f, int code, const char *format, ...) {
    if (!f) return code;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    if (n >= (int)sizeof f->text) cut_partial_utf8(f->text);
    return code;
}

const char *error_text(int negative_errno) {
    const char *text = strerrordesc_np(-negative_errno);
    return text ? text : "unknown error";
}
