#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/slice.h"
#include "wire/sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What decodes must encode to the very same bytes: there is one way to write a row. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (len < 2)
        return 0;
    size_t count = (size_t)(data[0] | data[1] << 8) % (SAMPLE_SERIES_MAX + 1);
    struct sample_chain *decoder = sample_chain_new(count);
    struct sample_chain *encoder = sample_chain_new(count);
    static const char *const names[] = { "a", "a:x", "mem.used", "mem.available" };
    if (count == sizeof(names) / sizeof(names[0])) {
        sample_chain_pair(decoder, names);
        sample_chain_pair(encoder, names);
    }
    struct slice bytes = slice_of(data + 2, len - 2);
    struct buf again = { 0 };

    for (struct slice row = bytes; sample_decode(decoder, &bytes) == 0; row = bytes) {
        buf_clear(&again);
        sample_encode(encoder, sample_chain_time_ms(decoder),
                      sample_chain_values(decoder), &again);
        if (!slice_equal(buf_slice(&again), slice_of(row.at, row.len - bytes.len)))
            abort();
    }
    buf_done(&again);
    sample_chain_free(decoder);
    sample_chain_free(encoder);
    return 0;
}
