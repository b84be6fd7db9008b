// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_HCL_INTERNAL_H
#define IDENTITY_HCL_INTERNAL_H
// Between the lexer and the two parsers.

#include "identity/hcl.h"

enum hcl_token_type {
    HCL_T_EOF,
    HCL_T_IDENT,
    HCL_T_STRING,
    HCL_T_HEREDOC,
    HCL_T_NUMBER,
    HCL_T_FLOAT,
    HCL_T_BOOL,
    HCL_T_NULL, // JSON only; in HCL it is a name like any other
    HCL_T_LBRACE,
    HCL_T_RBRACE,
    HCL_T_LBRACK,
    HCL_T_RBRACK,
    HCL_T_COMMA,
    HCL_T_PERIOD,
    HCL_T_ASSIGN,
    HCL_T_ADD,
    HCL_T_SUB,
    HCL_T_COLON, // JSON only
    HCL_TOKEN_TYPES
};

struct hcl_token {
    enum hcl_token_type type;
    struct hcl_place place;
    struct str raw;  // as it stands in the text
    struct str text; // strings and heredocs: the content, in the arena; others: raw
};

struct hcl_lexer {
    struct str text;
    size_t at;
    struct hcl_place place; // of text.p[at]
    bool json;
    struct arena *arena;
    struct fault *fault;
};

// Outcomes of all: 0; HCL_E_SYNTAX; -ENOMEM.
int hcl_scan(struct hcl_lexer *l, struct hcl_token *ret) MUST_USE;
int hcl_scan_string(struct hcl_lexer *l, struct hcl_token *t) MUST_USE;
int hcl_scan_heredoc(struct hcl_lexer *l, struct hcl_token *t) MUST_USE;
int hcl_fault(const struct hcl_lexer *l, struct hcl_place at, const char *format, ...)
    PRINTF_LIKE(3, 4);

// "LBRACE", as messages name it.
const char *hcl_token_name(enum hcl_token_type type);

// The character at the lexer's place: 0 at the end; and going past it.
char hcl_peek(const struct hcl_lexer *l, size_t ahead);
void hcl_skip(struct hcl_lexer *l, size_t bytes);

// A parser stands at a token.
struct hcl_parser {
    struct hcl_lexer lexer;
    struct hcl_token token;
    unsigned depth;
};
int hcl_advance(struct hcl_parser *p) MUST_USE;
// A token that is a value by itself.
bool hcl_is_literal(enum hcl_token_type type);
int hcl_literal(const struct hcl_parser *p, struct hcl_value *ret) MUST_USE;
int hcl_deeper(struct hcl_parser *p) MUST_USE;

int hcl_parse_json(struct hcl_parser *p, struct hcl_value *ret) MUST_USE;

#endif
