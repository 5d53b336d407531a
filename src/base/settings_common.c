#include "base/settings_common.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#define AT(field) .at = offsetof(struct settings_common, field)

static const char *check_level(const char *text) {
    return log_level_parse(text) >= 0 ? NULL : "none of: error warning info debug";
}

static const struct settings_row rows[] = {
    { .section = "log",
      .name = "level",
      .kind = SETTINGS_TEXT,
      AT(log_level),
      .fallback = "info",
      .check = check_level,
      .env = "LOG_LEVEL",
      .flag = "log-level",
      .argument = "LEVEL",
      .help = "How much is logged: error, warning, info, debug",
      .live = true },
    { .section = "log",
      .name = "format",
      .kind = SETTINGS_TEXT,
      AT(log_format),
      .fallback = "text",
      .choices = "text json",
      .help = "How it is logged",
      .live = true },
    { .name = "help",
      .kind = SETTINGS_BOOL,
      AT(help),
      .flag = "help",
      .letter = 'h',
      .help = "Show this" },
    { .name = "version",
      .kind = SETTINGS_BOOL,
      AT(version),
      .flag = "version",
      .letter = 'V',
      .help = "Show the version" },
};

const struct settings_table settings_common_table = {
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
    .size = sizeof(struct settings_common),
};

void settings_common_apply_log(const struct settings_common *common) {
    if (common->log_level)
        log_set_level((enum log_level)log_level_parse(common->log_level));
    log_set_json(common->log_format && strcmp(common->log_format, "json") == 0);
}

char *settings_common_state_folder(const char *name) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

    if (geteuid() == 0)
        return file_join("/var/lib", name);
    if (state && state[0] == '/')
        return file_join(state, name);
    return mem_printf("%s/.local/state/%s", home ? home : "", name);
}

const char *settings_common_check_host(const char *text) {
    return address_is_host(slice_of_text(text)) ? NULL : "neither a name nor an address";
}
