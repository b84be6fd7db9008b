// SPDX-License-Identifier: Apache-2.0
// A main() in libFuzzer's place: hands every file of the folders in argv to the harness once, so
// that what fuzzing has found is an ordinary test with any compiler.
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"

#include "fuzz.h"

enum { INPUT_MAX_BYTES = 16 << 20 };

static bool read_file(struct buf *out, const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    char piece[4096];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, file)) > 0) buf_add(out, piece, n);
    bool ok = !ferror(file) && !out->error;
    fclose(file);
    return ok;
}

static bool is_file(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

// Gives the bytes in a block of just their size, so that a sanitizer sees the first one too many.
static bool replay(const char *path) {
    AUTO_FINI(buf) struct buf content = buf_make(INPUT_MAX_BYTES);
    if (!read_file(&content, path)) return false;
    AUTO_MEM uint8_t *exact = malloc(content.n ? content.n : 1);
    if (!exact) return false;
    if (content.n) memcpy(exact, content.p, content.n);
    printf("# %s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(exact, content.n);
    return true;
}

static int replay_folder(const char *folder) {
    DIR *dir = opendir(folder);
    if (!dir) return -1;
    int count = 0;
    struct dirent *entry;
    while (count >= 0 && (entry = readdir(dir))) {
        AUTO_FINI(buf) struct buf path = buf_make(4096);
        buf_addf(&path, "%s/%s", folder, entry->d_name);
        const char *name = buf_z(&path);
        if (!name || !is_file(name)) continue;
        count = replay(name) ? count + 1 : -1;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv) {
    printf("1..%d\n", argc - 1);
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        int count = replay_folder(argv[i]);
        if (count <= 0) failed++;
        printf("%s %d - %d inputs of %s\n", count > 0 ? "ok" : "not ok", i, count, argv[i]);
    }
    return failed ? 1 : 0;
}
