/*
 * settings_common - the settings that every program of Roost has
 *
 * A program's struct begins with a struct settings_common, and its table names
 * settings_common_table as its common rows. Beside them stands what the programs' own
 * rows are made with alike.
 */
#pragma once

#include <stdbool.h>

#include "base/settings.h"

struct settings_common {
    char *log_level; /* owned, as log_format */
    char *log_format;
    bool help;
    bool version;
};

extern const struct settings_table settings_common_table;

/* Sets level and format of the log. */
void settings_common_apply_log(const struct settings_common *common);

/*
 * The folder where the program of this name keeps its state: in /var/lib for root, else
 * in $XDG_STATE_HOME or what stands for it. A new string.
 */
char *settings_common_state_folder(const char *name);

/* A check of rows: NULL for a host name or an address, else why not. */
const char *settings_common_check_host(const char *text);
