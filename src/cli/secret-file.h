// SPDX-License-Identifier: Apache-2.0
#ifndef CLI_SECRET_FILE_H
#define CLI_SECRET_FILE_H
// Files that hold a key: 0600 whatever the umask says, never written over, on the disk when it is
// said that they are.

#include "base/str.h"
#include "cli/args.h"

// Makes the file. When anything fails, it says so on stderr in the name of the command, and no file
// is left behind. Gives EXIT_DONE or EXIT_FAILED.
int secret_file_write(const char *command, const char *path, struct str text) MUST_USE;

// Renames a file over another, durably. Outcomes: 0; -errno.
int secret_file_replace(const char *from, const char *to) MUST_USE;

#endif
