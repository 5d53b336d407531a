#include "base/settings_load.h"

#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/settings_args.h"
#include "base/settings_env.h"
#include "base/settings_ini.h"

static bool has_flag(const struct settings *settings, const char *name) {
    const struct settings_row *row = settings_find(settings_table(settings), NULL, name);
    return settings_rank_of(settings, row) == SETTINGS_FLAG;
}

static char *text_of(const struct settings *settings, const char *name) {
    return settings_text(settings, settings_find(settings_table(settings), NULL, name));
}

static int read_file(struct settings *settings,
                     const char *folder_row,
                     const char *file_name) {
    auto_(mem_freep) char *file = text_of(settings, "config");
    if (file)
        return settings_ini_read(settings, file, true);
    auto_(mem_freep) char *folder = text_of(settings, folder_row);
    auto_(mem_freep) char *path = file_join(folder, file_name);
    return settings_ini_read(settings, path, false);
}

int settings_load(struct settings *settings,
                  int argc,
                  char *const *argv,
                  const char *folder_row,
                  const char *file_name) {
    int r = settings_args_read(settings, argc, argv);
    if (r != 0 || has_flag(settings, "help") || has_flag(settings, "version"))
        return r;
    const struct settings_list *words = settings_words(settings);
    r = settings_args_check(settings, words->count > 0 ? words->items[0] : "");
    if (r == 0)
        r = settings_env_read(settings, environ);
    if (r == 0)
        r = settings_env_read_file(settings, ".env");
    return r == 0 ? read_file(settings, folder_row, file_name) : r;
}
