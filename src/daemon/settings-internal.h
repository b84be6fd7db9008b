// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_SETTINGS_INTERNAL_H
#define DAEMON_SETTINGS_INTERNAL_H
// Between the files of the settings.

#include "conf/table.h"
#include "daemon/settings.h"
#include "http/client.h"
#include "http/url.h"

extern const struct conf_table settings_table;         // struct settings
extern const struct conf_table settings_source_table;  // struct settings_source
extern const struct conf_table settings_output_table;  // struct settings_output
extern const struct conf_table settings_listen_table;  // struct settings_listen
extern const struct conf_table settings_metrics_table; // struct settings_metrics
extern const struct conf_table settings_mfa_table;     // struct settings_mfa
extern const struct conf_table settings_ssl_table;     // struct settings_ssl
extern const char *const settings_proxy_schemes[];

// Rules over several keys; conf_table.check of the tables.
int settings_check_source(struct conf_load *load, void *object, const struct conf_node *map);
int settings_check_ssl(struct conf_load *load, void *object, const struct conf_node *map);
int settings_check_output(struct conf_load *load, void *object, const struct conf_node *map);
int settings_check_data_stream(struct conf_load *load, void *object, const struct conf_node *map);
int settings_check_listen(struct conf_load *load, void *object, const struct conf_node *map);
int settings_check_metrics(struct conf_load *load, void *object, const struct conf_node *map);
int settings_check_mfa(struct conf_load *load, void *object, const struct conf_node *map);
int settings_check_guard(struct conf_load *load, void *object, const struct conf_node *map);
int settings_check_all(struct conf_load *load, void *object, const struct conf_node *map);

// "host:port" or "[v6]:port": what the host is, the system says when it listens.
bool settings_is_address(struct str text);

// Parts of these. A name of a source or an output.
void settings_check_name(struct conf_load *load, const char *name, const struct conf_node *map);
// The gate and the metrics do not listen at one address.
void settings_check_addresses(struct conf_load *load, const struct settings *s,
                              const struct conf_node *root);
// What outputs may not have in common; and names that are made of others.
int settings_check_outputs(struct conf_load *load, struct settings *s,
                           const struct conf_node *root) MUST_USE;
// Fills in source->auth_method, -1 where errors were found.
int settings_check_auth(struct conf_load *load, struct settings_source *source,
                        const struct conf_node *map) MUST_USE;
int settings_check_master_key(struct conf_load *load, struct settings *s,
                              const struct conf_node *map) MUST_USE;
// Plain http beyond loopback, a console's host. `path` is what belongs behind the host. False: an
// error was added.
bool settings_check_host(struct conf_load *load, const struct http_origin *o, struct str url,
                         const char *key, const char *path, const struct conf_node *map);

#endif
