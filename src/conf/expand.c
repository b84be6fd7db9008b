// SPDX-License-Identifier: Apache-2.0
// A reference is replaced from the inside out: in `${file:${DIR}/key}` and `${A:${B}}` the inner
// one first. Buffers with values reserve all they may need at once, so that growing leaves no
// copies of secrets behind.
#include "conf/expand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/node.h"

enum { NESTING_MAX = 8 };

struct expansion {
    const struct conf_env *env;
    struct fault *fault;
};

static int expand(const struct expansion *x, struct str text, int depth, struct buf *out);

bool conf_has_reference(struct str text) { return str_find(text, STR("${")) < text.n; }

static int finish(const struct expansion *x, const struct buf *out) {
    if (out->error == -EMSGSIZE)
        return fault_set(x->fault, CONF_E_WRONG, "longer than 64 KB once ${...} is replaced");
    return out->error;
}

static int check_content(const struct expansion *x, const char *name, struct str content) {
    size_t bad;
    if (conf_text_ok(content, &bad)) return 0;
    return fault_set(x->fault, CONF_E_WRONG,
                     "%s holds control characters or is not UTF-8, expected text", name);
}

static int add_file(const struct expansion *x, struct str argument, int depth, struct buf *out) {
    AUTO_FINI(buf) struct buf path = buf_make(4096);
    int rc = expand(x, argument, depth + 1, &path);
    if (rc) return rc;
    const char *z = buf_z(&path);
    if (!z && path.error == -ENOMEM) return -ENOMEM;
    if (!z) return fault_set(x->fault, CONF_E_WRONG, "a path that is too long");
    if (path.n == 0)
        return fault_set(x->fault, CONF_E_WRONG, "${file:} names no file, expected ${file:/path}");
    AUTO_WIPED struct buf content = buf_make(CONF_VALUE_MAX);
    if (!buf_reserve(&content, CONF_VALUE_MAX)) return -ENOMEM;
    rc = x->env->file(x->env->ctx, z, &content);
    if (rc == -ENOMEM) return rc;
    if (rc == -EMSGSIZE)
        return fault_set(x->fault, CONF_E_WRONG, "the file %s is larger than 64 KB", z);
    if (rc)
        return fault_set(x->fault, CONF_E_WRONG, "cannot read the file %s: %s", z, error_text(rc));
    struct str text = buf_str(&content);
    if (str_ends(text, STR("\n"))) text.n--;
    if (str_ends(text, STR("\r"))) text.n--;
    if (text.n == 0) return fault_set(x->fault, CONF_E_WRONG, "the file %s is empty", z);
    buf_add_str(out, text);
    return check_content(x, z, text);
}

static bool is_variable_name(struct str name) {
    if (name.n == 0 || (name.p[0] >= '0' && name.p[0] <= '9')) return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(c >= '0' && c <= '9')) return false;
    }
    return true;
}

static int say_unset(const struct expansion *x, const char *name, const char *value,
                     struct str fallback) {
    if (fallback.n > 1)
        return fault_set(x->fault, CONF_E_WRONG, "the environment variable %s is not set: %.*s",
                         name, STR_ARG(str_sub(fallback, 1, fallback.n)));
    return fault_set(x->fault, CONF_E_WRONG, "the environment variable %s is %s", name,
                     value ? "empty" : "not set");
}

static int add_variable(const struct expansion *x, struct str inner, int depth, struct buf *out) {
    struct str fallback = inner;
    struct str name = str_split(&fallback, ':');
    if (!is_variable_name(name))
        return fault_set(x->fault, CONF_E_WRONG,
                         "${%.*s} is not a reference, expected ${VARIABLE}, ${VARIABLE:default} "
                         "or ${file:/path}",
                         STR_ARG(name));
    AUTO_FINI(buf) struct buf name_z = buf_make(4096);
    buf_add_str(&name_z, name);
    const char *z = buf_z(&name_z);
    if (!z && name_z.error == -ENOMEM) return -ENOMEM;
    if (!z) return fault_set(x->fault, CONF_E_WRONG, "the name of a variable is too long");
    const char *value = x->env->variable(x->env->ctx, z);
    if (value && *value) {
        buf_addz(out, value);
        return check_content(x, z, str_from(value));
    }
    if (!fallback.p || str_starts(fallback, STR("?"))) return say_unset(x, z, value, fallback);
    return expand(x, fallback, depth + 1, out);
}

static int add_reference(const struct expansion *x, struct str inner, int depth, struct buf *out) {
    if (str_starts(inner, STR("file:")))
        return add_file(x, str_sub(inner, sizeof "file:" - 1, inner.n), depth, out);
    return add_variable(x, inner, depth, out);
}

// Bytes up to the brace that closes the reference whose inside starts at `s`; s.n when none does.
static size_t find_close(struct str s) {
    size_t open = 1;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '{' && i > 0 && s.p[i - 1] == '$') open++;
        else if (s.p[i] == '}' && --open == 0) return i;
    }
    return s.n;
}

static int expand(const struct expansion *x, struct str text, int depth, struct buf *out) {
    if (depth > NESTING_MAX) return fault_set(x->fault, CONF_E_WRONG, "${...} nested too deep");
    while (text.n > 0) {
        size_t at = str_find(text, STR("${"));
        bool escaped = at > 0 && at < text.n && text.p[at - 1] == '$';
        buf_add_str(out, str_sub(text, 0, escaped ? at - 1 : at));
        if (at == text.n) break;
        text = str_sub(text, at + 2, text.n);
        if (escaped) {
            buf_addz(out, "${");
            continue;
        }
        size_t close = find_close(text);
        if (close == text.n)
            return fault_set(x->fault, CONF_E_WRONG, "${ without its }, expected ${VARIABLE}");
        int rc = add_reference(x, str_sub(text, 0, close), depth, out);
        if (rc) return rc;
        text = str_sub(text, close + 1, text.n);
    }
    return finish(x, out);
}

int conf_expand(struct str text, const struct conf_env *env, struct buf *out, struct fault *fault) {
    struct expansion x = {env, fault};
    return expand(&x, text, 0, out);
}

static const char *system_variable(void *ctx, const char *name) {
    (void)ctx;
    return getenv(name);
}

static int open_to_read(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

static int system_readable(void *ctx, const char *path) {
    (void)ctx;
    int fd = open_to_read(path);
    if (fd < 0) return fd;
    struct stat info;
    int rc = fstat(fd, &info) ? -errno : S_ISDIR(info.st_mode) ? -EISDIR : 0;
    close(fd);
    return rc;
}

static int read_all(int fd, struct buf *into) {
    for (;;) {
        size_t room = into->max - into->n < 4096 ? into->max - into->n : 4096;
        char extra;
        if (room && !buf_reserve(into, room)) return into->error;
        ssize_t n = read(fd, room ? into->p + into->n : &extra, room ? room : 1);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? -errno : 0;
        if (!room) return -EMSGSIZE;
        into->n += (size_t)n;
    }
}

static int system_file(void *ctx, const char *path, struct buf *into) {
    (void)ctx;
    int fd = open_to_read(path);
    if (fd < 0) return fd;
    int rc = read_all(fd, into);
    close(fd);
    return rc;
}

const struct conf_env conf_env_system = {
    .variable = system_variable, .file = system_file, .readable = system_readable};
