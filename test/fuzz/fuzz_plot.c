#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "draw/kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What people write after /plot: read or refused with a reason, never both. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *words = mem_dup(data, size);
    struct kind kind;
    int64_t span_ms = 0;
    char *why = NULL;
    int r = kind_parse_plot(words, &kind, &span_ms, &why);

    if (r == 0 ? why || span_ms <= 0 || kind.series_count == 0 : !why)
        abort();
    free(why);
    free(words);
    return 0;
}
