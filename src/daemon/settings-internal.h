// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_SETTINGS_INTERNAL_H
#define DAEMON_SETTINGS_INTERNAL_H
// Between the files of the settings.

#include "conf/table.h"
#include "daemon/settings.h"

extern const struct conf_table settings_table;        // struct settings
extern const struct conf_table settings_source_table; // struct settings_source

// Rules over several keys; conf_table.check of the tables.
int settings_check_source(struct conf_load *load, void *object, const struct conf_node *map);
int settings_check_output(struct conf_load *load, void *object, const struct conf_node *map);
int settings_check_data_stream(struct conf_load *load, void *object, const struct conf_node *map);
int settings_check_all(struct conf_load *load, void *object, const struct conf_node *map);

#endif
