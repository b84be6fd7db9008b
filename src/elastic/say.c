// SPDX-License-Identifier: Apache-2.0
// Errors of Elasticsearch and OpenSearch in the shapes that they have had: an object with type,
// reason and causes; a plain text; a message of the security plugin, of a cloud's front or of a
// proxy that speaks JSON or none. What is told is one line, and what looks like credentials (a
// proxy may show the request that it refused) is left out.
#include <errno.h>

#include "elastic/engine-internal.h"
#include "json/read.h"

enum {
    JSON_MAX_BYTES = 1024 * 1024, // longer bodies are not read: an error is short
    PLAIN_MAX_BYTES = 300,
    PART_MAX_BYTES = 2000, // of a type or a reason: more than a fault holds
    SENTENCE_MAX_BYTES = 5 * PART_MAX_BYTES,
    CAUSES_MAX = 20,
};

// Not in the middle of a character of UTF-8.
static struct str cut(struct str s, size_t most) {
    if (s.n <= most) return s;
    while (most > 0 && ((unsigned char)s.p[most] & 0xC0) == 0x80) most--;
    return str_sub(s, 0, most);
}

// "type: reason", as much of it as there is. False when there is neither.
static bool add_cause(struct buf *out, const struct json *cause) {
    struct str type = cut(json_str(json_get(cause, "type")), PART_MAX_BYTES);
    struct str reason = cut(json_str(json_get(cause, "reason")), PART_MAX_BYTES);
    if (type.n == 0 && reason.n == 0) return false;
    buf_add_str(out, type);
    if (type.n && reason.n) buf_addz(out, ": ");
    buf_add_str(out, reason);
    return true;
}

static const struct json *innermost(const struct json *error) {
    const struct json *found = NULL;
    const struct json *at = json_get(error, "caused_by");
    for (int i = 0; i < CAUSES_MAX && json_type(at) == JSON_OBJECT; i++) {
        found = at;
        at = json_get(at, "caused_by");
    }
    return found ? found : json_at(json_get(error, "root_cause"), 0);
}

// The innermost cause is told when it says more than the error itself.
static void add_innermost(struct buf *out, const struct json *error) {
    AUTO_FINI(buf) struct buf cause = buf_make(SENTENCE_MAX_BYTES);
    if (!add_cause(&cause, innermost(error))) return;
    struct str so_far = buf_str(out), told = buf_str(&cause);
    if (str_find(so_far, told) < so_far.n) return;
    buf_addz(out, "; because of ");
    buf_add_str(out, told);
}

static bool add_error_object(struct buf *out, const struct json *error) {
    if (json_type(error) != JSON_OBJECT) return false;
    bool told = add_cause(out, error);
    if (!told) told = add_cause(out, json_at(json_get(error, "root_cause"), 0));
    if (told) add_innermost(out, error);
    return told;
}

// Members that hold a sentence, in the order in which they are looked for.
static const char *const sentences[] = {"error", "message", "Message", "reason"};

static bool add_json(struct buf *out, const struct json *answer) {
    if (add_error_object(out, json_get(answer, "error"))) return true;
    for (size_t i = 0; i < LEN(sentences); i++) {
        struct str text = json_str(json_get(answer, sentences[i]));
        buf_add_str(out, cut(text, PART_MAX_BYTES));
        if (text.n) return true;
    }
    return false;
}

// A page of a proxy says in its title what it is about.
static struct str title_of(struct str text) {
    size_t from = str_find(text, STR("<title>"));
    if (from >= text.n) return text;
    struct str rest = str_sub(text, from + strlen("<title>"), text.n);
    return str_sub(rest, 0, str_find(rest, STR("</title>")));
}

static void add_plain(struct buf *out, struct str body) {
    struct str text = str_trim(title_of(str_sub(body, 0, JSON_MAX_BYTES)));
    buf_add_str(out, cut(text, PLAIN_MAX_BYTES));
    if (text.n > PLAIN_MAX_BYTES) buf_addz(out, "...");
}

static void add_sentence(struct buf *out, struct str body) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *answer = NULL;
    bool is_read = body.n > 0 && body.n <= JSON_MAX_BYTES && json_reader_new(&reader) == 0 &&
                   json_read(reader, body, &answer, NULL) == 0;
    if (is_read && add_json(out, answer)) return;
    add_plain(out, body);
}

static bool is_blank(char c) { return (unsigned char)c <= ' ' || c == 0x7F; }

// One line: a run of blanks and control characters becomes a blank.
static void flatten(struct buf *text) {
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++) {
        bool blank = is_blank(text->p[i]);
        if (blank && n > 0 && text->p[n - 1] == ' ') continue;
        text->p[n++] = blank ? ' ' : text->p[i];
    }
    buf_cut(text, n);
}

// What stands behind these is a secret, up to the next blank or quote.
static const char *const schemes[] = {"Basic ", "ApiKey ", "Bearer "};

static size_t secret_at(struct str text, size_t from) {
    struct str rest = str_sub(text, from, text.n);
    for (size_t i = 0; i < LEN(schemes); i++) {
        size_t n = strlen(schemes[i]);
        if (rest.n >= n && str_eq_nocase(str_sub(rest, 0, n), str_from(schemes[i]))) return n;
    }
    return 0;
}

// "name:password@" behind "://"; its length.
static size_t user_at(struct str text, size_t from) {
    if (from < 3 || memcmp(text.p + from - 3, "://", 3) != 0) return 0;
    size_t n = 0;
    for (size_t i = from; i < text.n && !strchr(" /\"'<>", text.p[i]); i++)
        if (text.p[i] == '@') n = i - from;
    return n;
}

static size_t word_end(struct str text, size_t from) {
    while (from < text.n && !strchr(" \"'<>,;)]}", text.p[from])) from++;
    return from;
}

static void add_masked(struct buf *out, struct str text) {
    for (size_t i = 0; i < text.n;) {
        size_t before = secret_at(text, i), user = user_at(text, i);
        if (before) {
            size_t end = word_end(text, i + before);
            buf_add_str(out, str_sub(text, i, i + before));
            if (end > i + before) buf_addz(out, "***");
            i = end;
        } else if (user) {
            buf_addz(out, "***");
            i += user;
        } else {
            buf_addc(out, text.p[i++]);
        }
    }
}

int elastic_say(const struct elastic_answer *a, const char *what, int code, struct fault *fault) {
    AUTO_FINI(buf) struct buf sentence = buf_make(SENTENCE_MAX_BYTES);
    AUTO_FINI(buf) struct buf masked = buf_make(2 * SENTENCE_MAX_BYTES);
    add_sentence(&sentence, a->body);
    flatten(&sentence);
    add_masked(&masked, str_trim(buf_str(&sentence)));
    return fault_set(fault, code, "%s%s%s: status %d%s%.*s", a->host ? a->host : "",
                     a->host ? ": " : "", what, a->status, masked.n ? ", " : "",
                     STR_ARG(buf_str(&masked)));
}

int elastic_say_strange(const struct elastic_answer *a, const char *what, struct fault *fault) {
    struct fault said = {{0}};
    elastic_say(a, what, 0, &said);
    if (a->status == 400 || a->status == 401 || a->status == 403 || a->status >= 500)
        return fault_set(fault, -EIO, "%s", said.text);
    return fault_set(fault, -EIO,
                     "%.*s: this does not answer as Elasticsearch or OpenSearch does; are host and "
                     "`path` right?",
                     FAULT_TEXT_MAX - 120, said.text);
}
