#include "cli/charts/picture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cli/report.h"

int picture_put(const char *path, struct slice bytes) {
    if (strcmp(path, "-") == 0) {
        fwrite(bytes.at, 1, bytes.len, stdout);
        return REPORT_OK;
    }
    mode_t mask = umask(0);
    umask(mask);
    int r = file_write_atomic(path, bytes, 0666 & ~mask); /* as the shell would */
    return r < 0 ? report_fail(REPORT_FAILED, NULL, "%s: %s", path, strerror(-r))
                 : REPORT_OK;
}
