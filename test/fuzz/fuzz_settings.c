#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/settings_env.h"
#include "base/settings_ini.h"
#include "base/settings_show.h"

struct values {
    struct settings_list list;
    char *text;
    char *secret;
    uint64_t size;
    uint64_t wait_ms;
    uint64_t count;
    bool yes;
};

#define ROW(row_name, row_kind, field)                                                   \
    {                                                                                    \
        .section = "s", .name = row_name, .kind = row_kind,                              \
        .at = offsetof(struct values, field), .high = UINT64_MAX, .env = row_name,       \
        .help = "help"                                                                   \
    }

static const struct settings_row rows[] = {
    ROW("list", SETTINGS_LIST, list),        ROW("text", SETTINGS_TEXT, text),
    ROW("secret", SETTINGS_SECRET, secret),  ROW("size", SETTINGS_BYTES, size),
    ROW("wait", SETTINGS_DURATION, wait_ms), ROW("count", SETTINGS_INT, count),
    ROW("yes", SETTINGS_BOOL, yes),
};

static const struct settings_table table = {
    .program = "fuzz",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
    .size = sizeof(struct values),
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The first byte says which kind of file the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct settings *settings = settings_new(&table);
    struct values values;
    struct buf out = { 0 };

    if (len == 0) {
        settings_free(settings);
        return 0;
    }
    auto_(mem_freep) char *text = mem_dup(data + 1, len - 1);
    if (data[0] % 2 == 0)
        settings_ini_read_text(settings, "fuzz", text);
    else
        settings_env_read_text(settings, "fuzz", text);
    if (settings_fill(settings, &values) == 0)
        settings_clear(&table, &values);
    settings_show_values(settings, &out);
    buf_done(&out);
    settings_free(settings);
    return 0;
}
