/* Whatever a line of /proc/PID/stat holds, its name is a string that fits. */
#include <assert.h>
#include <string.h>

#include "agent/collect/proc/proc_stat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct proc_stat stat;

    if (!proc_stat_parse((const char *)data, size, &stat))
        return 0;
    assert(stat.pid > 0 && stat.pid <= INT32_MAX);
    assert(stat.name_len < PROC_STAT_NAME_LEN);
    assert(strlen(stat.name) == stat.name_len);
    assert(stat.state > ' ' && stat.state < 0x7f);
    return 0;
}
