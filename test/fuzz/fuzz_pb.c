#include <stdlib.h>

#include <stdlib.h>

#include "google/protobuf/descriptor.pb-c.h"
#include "wire/pb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the guard lets through must unpack, pack and unpack again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const ProtobufCMessageDescriptor *type =
        &google__protobuf__file_descriptor_proto__descriptor;
    ProtobufCMessage *message = NULL;
    ProtobufCMessage *again = NULL;
    struct buf out = { 0 };

    if (pb_unpack(type, slice_of(data, size), &message) != 0)
        return 0;
    pb_pack(&out, message);
    if (pb_unpack(type, buf_slice(&out), &again) != 0)
        abort();
    pb_free(again);
    pb_free(message);
    buf_done(&out);
    return 0;
}
