#include "base/settings_file.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/settings.h"

enum { FILE_MAX = 256 * 1024 };

int settings_file_read(struct settings *settings,
                       const char *path,
                       bool needed,
                       int (*take)(struct settings *settings,
                                   const char *path,
                                   const char *text)) {
    struct buf content = { 0 };

    int r = file_read(path, FILE_MAX, &content);
    if (r == -ENOENT && !needed)
        return 0;
    if (r < 0)
        return settings_fail(settings, r, "%s: %s", path, strerror(-r));
    if (content.len > 0 && memchr(content.data, 0, content.len))
        r = settings_fail(settings, SETTINGS_E_BAD, "%s: it has NUL bytes", path);
    else
        r = take(settings, path, buf_text(&content));
    if (content.data)
        mem_wipe(content.data, content.len);
    buf_done(&content);
    return r;
}
