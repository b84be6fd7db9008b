// SPDX-License-Identifier: Apache-2.0
// Text to tokens, with the place of each. Columns count characters, not bytes.
//
// A name that runs up to the end of the text moves the end one column further: so does the server
// whose messages these are.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "identity/hcl-internal.h"

static const char *const names[HCL_TOKEN_TYPES] = {
    [HCL_T_EOF] = "EOF",         [HCL_T_IDENT] = "IDENT",   [HCL_T_STRING] = "STRING",
    [HCL_T_HEREDOC] = "HEREDOC", [HCL_T_NUMBER] = "NUMBER", [HCL_T_FLOAT] = "FLOAT",
    [HCL_T_BOOL] = "BOOL",       [HCL_T_NULL] = "NULL",     [HCL_T_LBRACE] = "LBRACE",
    [HCL_T_RBRACE] = "RBRACE",   [HCL_T_LBRACK] = "LBRACK", [HCL_T_RBRACK] = "RBRACK",
    [HCL_T_COMMA] = "COMMA",     [HCL_T_PERIOD] = "PERIOD", [HCL_T_ASSIGN] = "ASSIGN",
    [HCL_T_ADD] = "ADD",         [HCL_T_SUB] = "SUB",       [HCL_T_COLON] = "COLON",
};

const char *hcl_token_name(enum hcl_token_type type) { return names[type]; }

int hcl_fault(const struct hcl_lexer *l, struct hcl_place at, const char *format, ...) {
    char text[FAULT_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return fault_set(l->fault, HCL_E_SYNTAX, "At %u:%u: %s", at.line, at.column, text);
}

char hcl_peek(const struct hcl_lexer *l, size_t ahead) {
    return ahead < l->text.n - l->at ? l->text.p[l->at + ahead] : '\0';
}

void hcl_skip(struct hcl_lexer *l, size_t bytes) {
    for (size_t i = 0; i < bytes && l->at < l->text.n; i++) {
        char c = l->text.p[l->at++];
        if (c == '\n') l->place = (struct hcl_place){l->place.line + 1, 1};
        else if ((c & 0xC0) != 0x80) l->place.column++;
    }
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Letters beyond ASCII are taken as they come; U+FEFF is a byte order mark, U+FFFD a broken letter.
static bool begins_name(const struct hcl_lexer *l) {
    char c = hcl_peek(l, 0);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') return true;
    struct str rest = str_sub(l->text, l->at, l->text.n);
    return (unsigned char)c >= 0xC2 && !str_starts(rest, STR("\xEF\xBB\xBF")) &&
           !str_starts(rest, STR("\xEF\xBF\xBD"));
}

static bool goes_on_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
           c == '-' || c == '.' || (unsigned char)c >= 0x80;
}

static int skip_block_comment(struct hcl_lexer *l) {
    hcl_skip(l, 2);
    struct str rest = str_sub(l->text, l->at, l->text.n);
    size_t end = str_find(rest, STR("*/"));
    hcl_skip(l, end == rest.n ? rest.n : end + 2);
    if (end == rest.n) return hcl_fault(l, l->place, "comment not terminated");
    return 0;
}

static int skip_comment(struct hcl_lexer *l) {
    if (hcl_peek(l, 0) == '/' && hcl_peek(l, 1) == '*') return skip_block_comment(l);
    if (hcl_peek(l, 0) == '/' && hcl_peek(l, 1) != '/')
        return hcl_fault(l, l->place, "expected '/' for comment");
    struct str rest = str_sub(l->text, l->at, l->text.n);
    hcl_skip(l, str_find_char(rest, '\n'));
    return 0;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static int skip_blanks(struct hcl_lexer *l) {
    while (l->at < l->text.n) {
        char c = hcl_peek(l, 0);
        if (is_blank(c)) {
            hcl_skip(l, 1);
        } else if (!l->json && (c == '#' || c == '/')) {
            int r = skip_comment(l);
            if (r) return r;
        } else {
            break;
        }
    }
    return 0;
}

static enum hcl_token_type word_type(const struct hcl_lexer *l, struct str word) {
    if (str_eq(word, STR("true")) || str_eq(word, STR("false"))) return HCL_T_BOOL;
    if (l->json && str_eq(word, STR("null"))) return HCL_T_NULL;
    return HCL_T_IDENT;
}

static int scan_name(struct hcl_lexer *l, struct hcl_token *t) {
    struct hcl_place at = l->place;
    size_t n = 1;
    while (l->at + n < l->text.n && goes_on_name(l->text.p[l->at + n])) n++;
    t->raw = str_sub(l->text, l->at, l->at + n);
    t->type = word_type(l, t->raw);
    hcl_skip(l, n);
    if (l->json && t->type == HCL_T_IDENT) return hcl_fault(l, at, "illegal char");
    if (l->at == l->text.n) l->place.column++;
    return 0;
}

static size_t count_digits(const struct hcl_lexer *l, size_t n, bool (*is)(char)) {
    while (is(hcl_peek(l, n))) n++;
    return n;
}

// What stands behind the digits: fraction and exponent make a FLOAT.
static size_t scan_fraction(const struct hcl_lexer *l, size_t n, struct hcl_token *t) {
    if (hcl_peek(l, n) == '.') {
        t->type = HCL_T_FLOAT;
        n = count_digits(l, n + 1, is_digit);
    }
    if (hcl_peek(l, n) != 'e' && hcl_peek(l, n) != 'E') return n;
    size_t sign = hcl_peek(l, n + 1) == '+' || hcl_peek(l, n + 1) == '-';
    if (!is_digit(hcl_peek(l, n + 1 + sign))) return n;
    t->type = HCL_T_FLOAT;
    return count_digits(l, n + 1 + sign, is_digit);
}

static int scan_number(struct hcl_lexer *l, struct hcl_token *t) {
    size_t n = hcl_peek(l, 0) == '-';
    if (l->json && hcl_peek(l, n) == '0' && is_digit(hcl_peek(l, n + 1)))
        return hcl_fault(l, l->place, "numbers cannot start with 0");
    t->type = HCL_T_NUMBER;
    bool hex = !l->json && hcl_peek(l, n) == '0' &&
               (hcl_peek(l, n + 1) == 'x' || hcl_peek(l, n + 1) == 'X');
    if (hex) {
        size_t end = count_digits(l, n + 2, is_hex);
        if (end == n + 2) {
            hcl_skip(l, end);
            return hcl_fault(l, l->place, "illegal hexadecimal number");
        }
        n = end;
    } else {
        n = scan_fraction(l, count_digits(l, n, is_digit), t);
    }
    t->raw = str_sub(l->text, l->at, l->at + n);
    hcl_skip(l, n);
    return 0;
}

static const struct {
    char c;
    bool json; // is it one in JSON
    enum hcl_token_type type;
} signs[] = {
    {'{', true, HCL_T_LBRACE}, {'}', true, HCL_T_RBRACE}, {'[', true, HCL_T_LBRACK},
    {']', true, HCL_T_RBRACK}, {',', true, HCL_T_COMMA},  {'=', false, HCL_T_ASSIGN},
    {'+', false, HCL_T_ADD},   {'-', false, HCL_T_SUB},   {'.', false, HCL_T_PERIOD},
};

static int scan_sign(struct hcl_lexer *l, struct hcl_token *t) {
    char c = hcl_peek(l, 0);
    t->raw = str_sub(l->text, l->at, l->at + 1);
    for (size_t i = 0; i < LEN(signs); i++) {
        if (signs[i].c != c || (l->json && !signs[i].json)) continue;
        t->type = signs[i].type;
        hcl_skip(l, 1);
        return 0;
    }
    if (l->json && c == ':') {
        t->type = HCL_T_COLON;
        hcl_skip(l, 1);
        return 0;
    }
    if (c == '\0') return hcl_fault(l, l->place, "unexpected null character (0x00)");
    return hcl_fault(l, l->place, "illegal char");
}

static int scan_any(struct hcl_lexer *l, struct hcl_token *t) {
    char c = hcl_peek(l, 0), next = hcl_peek(l, 1);
    if (c == '"') return hcl_scan_string(l, t);
    if (c == '<' && !l->json) return hcl_scan_heredoc(l, t);
    if (is_digit(c) || (c == '-' && is_digit(next))) return scan_number(l, t);
    if (c == '.' && is_digit(next) && !l->json) return scan_number(l, t);
    if (begins_name(l)) return scan_name(l, t);
    return scan_sign(l, t);
}

int hcl_scan(struct hcl_lexer *l, struct hcl_token *ret) {
    int r = skip_blanks(l);
    if (r) return r;
    *ret = (struct hcl_token){.type = HCL_T_EOF, .place = l->place};
    if (l->at == l->text.n) return 0;
    r = scan_any(l, ret);
    if (r == 0 && !ret->text.p) ret->text = ret->raw;
    return r;
}
