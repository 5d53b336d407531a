#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/durations.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever was read of a damaged row is packed and read again as it is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct durations first = { 0 }, second = { 0 };
    struct buf packed = { 0 };

    durations_merge_packed(&first, slice_of(data, size));
    durations_pack(&first, &packed);
    durations_merge_packed(&second, buf_slice(&packed));
    if (memcmp(&first, &second, sizeof(first)) != 0 ||
        durations_quantile(&first, 0.5) > durations_quantile(&first, 0.99))
        abort();
    buf_done(&packed);
    return 0;
}
