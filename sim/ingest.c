// SPDX-License-Identifier: Apache-2.0
// Everything is checked in a first pass and added in a second, so that a bad line leaves the store
// as it was.
#include "sim/ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "json/split.h"

enum { UUID_MAX = 64, FILE_MAX_BYTES = 2000000000 };

struct found {
    struct str json, uuid;
    int64_t published_ms;
    bool has_published;
};

struct found_list {
    struct found *each;
    size_t n, cap;
    struct buf uuids; // their texts, one behind the other
};

static void found_list_fini(struct found_list *l) {
    free(l->each);
    buf_fini(&l->uuids);
}
DEFINE_AUTO_FINI(found_list)

static bool is_cursor_text(struct str s) {
    if (s.n == 0 || s.n > UUID_MAX) return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '-' || c == '_';
        if (!good) return false;
    }
    return true;
}

static int note(const struct ingest *in, struct found_list *list, struct str json) {
    const struct json *v;
    int e = json_read(in->reader, json, &v, NULL);
    if (e) return e;
    e = mem_grow(&list->each, &list->cap, list->n + 1, sizeof *list->each);
    if (e) return e;
    struct found *f = &list->each[list->n++];
    *f = (struct found){.json = json, .published_ms = in->now_ms};
    f->has_published = time_parse_iso8601(json_str(json_get(v, "published")), &f->published_ms);
    struct str uuid = json_str(json_get(v, "uuid"));
    if (!is_cursor_text(uuid)) return 0;
    buf_add_str(&list->uuids, uuid);
    f->uuid.n = uuid.n;
    return list->uuids.error;
}

static int note_array(const struct ingest *in, struct found_list *list, struct str text,
                      struct fault *fault) {
    struct json_split split = json_split(text);
    for (;;) {
        struct str json;
        int e = json_split_next(&split, &json, fault);
        if (e == JSON_SPLIT_E_END) return 0;
        if (e) return e < 0 ? e : INGEST_E_BAD;
        e = note(in, list, json);
        if (e > 0) return fault_set(fault, INGEST_E_BAD, "element %zu is not JSON", split.count);
        if (e) return e;
    }
}

static int note_lines(const struct ingest *in, struct found_list *list, struct str text,
                      struct fault *fault) {
    for (size_t line = 1; text.p; line++) {
        struct str json = str_trim(str_split(&text, '\n'));
        int e = json.n ? note(in, list, json) : 0;
        if (e > 0) return fault_set(fault, INGEST_E_BAD, "line %zu is not JSON", line);
        if (e) return e;
    }
    return 0;
}

// `number` makes up a name for an event that has none.
static int add_one(const struct ingest *in, const struct found *f, const char *uuid, size_t number,
                   int64_t *last_ms) {
    char made[UUID_MAX];
    struct store_event event = {.json = f->json, .published_ms = f->published_ms};
    event.uuid = (struct str){uuid, f->uuid.n};
    if (f->uuid.n == 0) {
        snprintf(made, sizeof made, "00000000-0000-4000-8000-%012zx", number);
        event.uuid = str_from(made);
    }
    // A text without instants of its own keeps its order: nothing is persisted before what stands
    // above it.
    if (f->published_ms > *last_ms) *last_ms = f->published_ms;
    event.persisted_ms = in->persisted_given ? in->persisted_ms : *last_ms;
    return store_add(in->store, &event);
}

static int add_all(const struct ingest *in, const struct found_list *list) {
    const char *uuid = list->uuids.p;
    int64_t last_ms = INT64_MIN;
    for (size_t i = 0; i < list->n; i++) {
        int e = add_one(in, &list->each[i], uuid, store_count(in->store) + i, &last_ms);
        if (e) return e;
        if (list->each[i].uuid.n) uuid += list->each[i].uuid.n;
    }
    return store_settle(in->store);
}

int ingest_text(const struct ingest *in, struct str text, size_t *ret_n, struct fault *fault) {
    AUTO_FINI(found_list) struct found_list list = {.uuids = buf_make(text.n + 1)};
    struct str trimmed = str_trim(text);
    bool array = trimmed.n && trimmed.p[0] == '[';
    int e = array ? note_array(in, &list, trimmed, fault) : note_lines(in, &list, text, fault);
    if (!e) e = add_all(in, &list);
    if (e) return e;
    *ret_n = list.n;
    return 0;
}

static int read_all(struct buf *out, int fd) {
    for (;;) {
        if (!buf_reserve(out, 1 << 16)) return out->error;
        ssize_t n = read(fd, out->p + out->n, out->cap - out->n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        if (n == 0) return 0;
        out->n += (size_t)n;
    }
}

int ingest_read_file(struct buf *out, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int e = read_all(out, fd);
    close(fd);
    return e;
}

int ingest_file(const struct ingest *in, const char *path, size_t *ret_n, struct fault *fault) {
    AUTO_FINI(buf) struct buf text = buf_make(FILE_MAX_BYTES);
    int e = ingest_read_file(&text, path);
    if (e) return fault_set(fault, e, "%s: %s", path, error_text(e));
    struct fault inner = {.text = ""};
    e = ingest_text(in, buf_str(&text), ret_n, &inner);
    if (e) fault_set(fault, e, "%s: %s", path, e > 0 ? inner.text : error_text(e));
    return e;
}
