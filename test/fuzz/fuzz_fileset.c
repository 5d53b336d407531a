#include "base/slice.h"
#include "rpc/fileset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fileset *set = fileset_new();
    struct slice bytes = slice_of(data, size);
    const char *missing;

    if (fileset_add_set(set, bytes) != 0)
        fileset_add(set, bytes);
    while ((missing = fileset_missing(set)))
        fileset_give_up(set, missing);
    for (size_t i = 0; fileset_service_at(set, i); i++)
        fileset_has_service(set, fileset_service_at(set, i));
    fileset_free(set);
    return 0;
}
