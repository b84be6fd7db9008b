// SPDX-License-Identifier: Apache-2.0
// A pattern, a line end, and a document. What is accepted expands to the same name twice, with and
// without the facts that come with a document; text without a per cent sign or a backslash is
// itself; what is refused says where.
#include <errno.h>

#include "sink/pattern.h"
#include "json/write.h"

#include "fuzz.h"

enum { TEXT_MAX_BYTES = 1 << 20 };

static int expand(struct pattern *p, const struct sink_doc *doc, struct buf *out) {
    struct fault fault = {0};
    size_t before = out->n;
    int r = pattern_expand(p, doc, out, &fault);
    MUST(r == 0 || r == -ENOENT || r == -EMSGSIZE);
    if (r == -ENOENT) MUST(fault.text[0] && out->n == before);
    return r;
}

static void check(struct pattern *p, const char *text, struct str document) {
    AUTO_FINI(buf) struct buf first = buf_make(TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf second = buf_make(TEXT_MAX_BYTES);
    struct sink_doc doc = {.dataset = STR("d"), .name_space = STR("n"), .document = document};
    int r = expand(p, &doc, &first);
    MUST(expand(p, &doc, &second) == r);
    MUST(str_eq(buf_str(&first), buf_str(&second)));
    if (pattern_is_constant(p)) MUST(r == 0 && first.n <= strlen(text));
    if (!strpbrk(text, "%\\")) MUST(str_eqz(buf_str(&first), text));
    if (pattern_has_date(p)) MUST(!pattern_is_constant(p));
    doc.has_published = true;
    doc.published_ms = (int64_t)document.n * 86400000000007;
    doc.uuid = STR("u");
    (void)!expand(p, &doc, &first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_FINI(buf) struct buf text = buf_make(TEXT_MAX_BYTES);
    AUTO(pattern) struct pattern *p = NULL;
    struct fault fault = {0};
    struct str rest = {(const char *)data, size};
    buf_add_str(&text, str_split(&rest, '\n'));
    const char *z = buf_z(&text);
    if (!z) return 0;
    int r = pattern_new(&p, z, &fault);
    MUST(r == 0 || r == -EINVAL);
    if (r) MUST(fault.text[0] && !p);
    else check(p, z, rest);
    return 0;
}
