// SPDX-License-Identifier: Apache-2.0
// The mark as it is kept in the state:
// {"sink":"file","version":1,"directory":"/var/log/okta","file":"events-20261122.ndjson",
//  "length":123,"tail":["<hex>","<hex>"],"pending":[{"file":"...","inode":1,"device":2,"born":3}]}
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "sink/file-internal.h"
#include "json/read.h"
#include "json/write.h"

enum { MARK_VERSION = 1 };

int file_id_get(int dir_fd, const char *name, struct file_id *ret, bool *ret_regular) {
    struct statx x;
    int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);
    if (statx(dir_fd, name, flags, STATX_BASIC_STATS | STATX_BTIME, &x) < 0) return -errno;
    *ret = (struct file_id){.inode = (int64_t)x.stx_ino,
                            .device = (int64_t)makedev(x.stx_dev_major, x.stx_dev_minor)};
    if (x.stx_mask & STATX_BTIME)
        ret->born_ns = x.stx_btime.tv_sec * 1000000000 + (int64_t)x.stx_btime.tv_nsec;
    if (ret_regular) *ret_regular = S_ISREG(x.stx_mode);
    return 0;
}

bool file_id_same(struct file_id a, struct file_id b) {
    if (a.inode != b.inode) return false;
    return a.born_ns && b.born_ns ? a.born_ns == b.born_ns : a.device == b.device;
}

void file_mark_forget_pending(struct file_mark *m) {
    for (size_t i = 0; i < m->pending_n; i++) free(m->pending[i].file);
    m->pending_n = 0;
}

void file_mark_fini(struct file_mark *m) {
    file_mark_forget_pending(m);
    free(m->pending);
    free(m->directory);
    free(m->file);
    *m = (struct file_mark){0};
}

int file_mark_add_pending(struct file_mark *m, const char *file, struct file_id id) {
    int r = mem_grow(&m->pending, &m->pending_cap, m->pending_n + 1, sizeof *m->pending);
    if (r) return r;
    char *copy = mem_copy(file, strlen(file));
    if (!copy) return -ENOMEM;
    m->pending[m->pending_n++] = (struct file_pending){.file = copy, .id = id};
    return 0;
}

// ---- writing. File names are bytes; such as are not UTF-8 are written in hex.

static void add_bytes(struct buf *out, const char *key, const char *text) {
    json_key(out, str_from(key));
    json_comma(out);
    buf_addc(out, '"');
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p > ' ' && *p < 0x7F && *p != '"' && *p != '\\' && *p != '%') buf_addc(out, (char)*p);
        else buf_addf(out, "%%%02x", *p);
    }
    buf_addc(out, '"');
}

static void add_number(struct buf *out, const char *key, int64_t value) {
    json_key(out, str_from(key));
    json_add_i64(out, value);
}

static void add_hex(struct buf *out, uint64_t value) {
    json_comma(out);
    buf_addf(out, "\"%016llx\"", (unsigned long long)value);
}

static void add_pending(struct buf *out, const struct file_pending *p) {
    json_open(out, '{');
    add_bytes(out, "file", p->file);
    add_number(out, "inode", p->id.inode);
    add_number(out, "device", p->id.device);
    add_number(out, "born", p->id.born_ns);
    json_close(out, '}');
}

void file_mark_write(struct buf *out, const struct file_mark *m) {
    json_open(out, '{');
    json_key(out, STR("sink"));
    json_add_str(out, STR("file"));
    add_number(out, "version", MARK_VERSION);
    if (m->directory) add_bytes(out, "directory", m->directory);
    if (m->file) {
        add_bytes(out, "file", m->file);
        add_number(out, "length", m->length);
        json_key(out, STR("tail"));
        json_open(out, '[');
        add_hex(out, m->tail.lo);
        add_hex(out, m->tail.hi);
        json_close(out, ']');
    }
    json_key(out, STR("pending"));
    json_open(out, '[');
    for (size_t i = 0; i < m->pending_n; i++) add_pending(out, &m->pending[i]);
    json_close(out, ']');
    json_close(out, '}');
}

// ---- reading

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

static bool parse_hex(struct str s, uint64_t *ret) {
    uint64_t value = 0;
    if (s.n == 0 || s.n > 16) return false;
    for (size_t i = 0; i < s.n; i++) {
        int digit = hex_digit(s.p[i]);
        if (digit < 0) return false;
        value = value << 4 | (uint64_t)digit;
    }
    *ret = value;
    return true;
}

// NULL when there is no memory or the text is not what add_bytes writes.
static char *get_bytes(const struct json *object, const char *key) {
    struct str s = json_str(json_get(object, key));
    AUTO_FINI(buf) struct buf out = buf_make(8192);
    for (size_t i = 0; i < s.n; i++) {
        uint64_t byte;
        if (s.p[i] != '%') {
            buf_addc(&out, s.p[i]);
            continue;
        }
        if (!parse_hex(str_sub(s, i + 1, i + 3), &byte) || byte == 0) return NULL;
        buf_addc(&out, (char)byte);
        i += 2;
    }
    return s.p ? buf_take(&out) : NULL;
}

static bool is_file_name(const char *file) { return file && *file && !strchr(file, '/'); }

static bool read_pending(const struct json *v, struct file_mark *m) {
    struct file_id id = {0};
    AUTO_MEM char *file = get_bytes(v, "file");
    return is_file_name(file) && json_i64(json_get(v, "inode"), &id.inode) &&
           json_i64(json_get(v, "device"), &id.device) &&
           json_i64(json_get(v, "born"), &id.born_ns) && file_mark_add_pending(m, file, id) == 0;
}

static bool read_file(const struct json *v, struct file_mark *m) {
    const struct json *tail = json_get(v, "tail");
    m->file = get_bytes(v, "file");
    return is_file_name(m->file) && json_i64(json_get(v, "length"), &m->length) && m->length > 0 &&
           parse_hex(json_str(json_at(tail, 0)), &m->tail.lo) &&
           parse_hex(json_str(json_at(tail, 1)), &m->tail.hi);
}

static bool read_mark(const struct json *v, struct file_mark *m) {
    int64_t version = 0;
    if (!json_i64(json_get(v, "version"), &version) || version != MARK_VERSION) return false;
    if (!(m->directory = get_bytes(v, "directory"))) return false;
    if (json_get(v, "file") && !read_file(v, m)) return false;
    struct json_iter it = json_iter(json_get(v, "pending"));
    while (json_next(&it))
        if (!read_pending(it.value, m)) return false;
    return true;
}

int file_mark_read(struct str text, struct file_mark *ret, struct fault *fault) {
    AUTO_FINI(file_mark) struct file_mark m = {0};
    AUTO(json_reader) struct json_reader *reader = NULL;
    if (text.n == 0) return 0;
    int r = json_reader_new(&reader);
    if (r) return r;
    const struct json *v = NULL;
    r = json_read(reader, text, &v, NULL);
    if (r < 0) return r;
    if (r == 0 && !str_eqz(json_str(json_get(v, "sink")), "file")) return 0;
    if (r || !read_mark(v, &m))
        return fault_set(fault, -EINVAL,
                         "what the state remembers of this output cannot be understood: %.*s",
                         (int)(text.n < 200 ? text.n : 200), text.p);
    *ret = m;
    m = (struct file_mark){0};
    return 0;
}
