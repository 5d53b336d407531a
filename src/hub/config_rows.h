/*
 * config_rows - the one list of the hub's settings
 *
 * For config.c, which reads them.
 */
#pragma once

#include "base/settings.h"

/* What allows listen_plain on an address that others reach. */
#define CONFIG_PLAIN_WORDS "anyone may read the traffic"

extern const struct settings_table config_rows;

/* PATH of "sqlite:PATH"; NULL when it is nothing of that kind. Lent: the text. */
const char *config_rows_sqlite_path(const char *url);
