// SPDX-License-Identifier: Apache-2.0
#ifndef CONF_UAP_H
#define CONF_UAP_H
// uap-core's regexes.yaml: the rules by which user agents are told apart.

#include "base/error.h"
#include "base/str.h"

enum conf_uap_group { CONF_UAP_AGENT, CONF_UAP_OS, CONF_UAP_DEVICE };

// One rule; what is not in the file has p == NULL. `replacements` in this order: agent: family, v1,
// v2, v3; os: os, os_v1, os_v2, os_v3, os_v4; device: device (brand and model are left out).
struct conf_uap_rule {
    enum conf_uap_group group;
    struct str regex;
    struct str flag; // "i"
    struct str replacements[5];
};

// Reads the file and calls `rule` for each rule in the file's order; the texts are borrowed for the
// call. Groups and fields that are not known are passed over. Outcomes: 0; -errno with fault (path,
// line, what: -EINVAL for a file that is not one of rules, also when it has no rule at all); what
// `rule` returned when that was not 0.
int conf_uap_read(const char *path, int (*rule)(void *ctx, const struct conf_uap_rule *rule),
                  void *ctx, struct fault *fault) MUST_USE;

#endif
