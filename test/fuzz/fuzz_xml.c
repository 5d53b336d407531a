/* XML that people write: what is read as a message is written and read to the same. */
#include <assert.h>
#include <stdlib.h>

#include "cli/formats/form.h"
#include "google/protobuf/struct.pb-c.h"
#include "grpc/reflection_v1.pb-c.h"
#include "roost/v1/nodes.pb-c.h"
#include "wire/pb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *const types[] = {
    &roost__v1__list_nodes_response__descriptor,
    &grpc__reflection__v1__server_reflection_response__descriptor,
    &google__protobuf__struct__descriptor,
};

/* The packed form of the JSON, or nothing when it is no message of the type. */
static void pack(struct buf *out,
                 const ProtobufCMessageDescriptor *type,
                 struct slice json) {
    ProtobufCMessage *message = NULL;
    char *why = NULL;

    if (pbjson_read(type, json, &message, &why) == 0)
        pb_pack(out, message);
    pb_free(message);
    free(why);
}

static void again(const ProtobufCMessageDescriptor *type, struct slice packed) {
    const struct form_style style = { .form = FORM_XML };
    ProtobufCMessage *message = NULL;
    struct buf xml = { 0 };
    struct buf json = { 0 };
    char *why = NULL;

    if (pb_unpack(type, packed, &message) == 0 &&
        form_add(&xml, message, &style, &why) == 0)
        assert(form_read(&json, type, FORM_XML, buf_slice(&xml), &why) == 0);
    pb_free(message);
    free(why);
    buf_done(&xml);
    buf_done(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buf json = { 0 };
    struct buf packed = { 0 };
    char *why = NULL;

    if (size == 0)
        return 0;
    const ProtobufCMessageDescriptor *type =
        types[data[0] % (sizeof(types) / sizeof(types[0]))];
    if (form_read(&json, type, FORM_XML, slice_of(data + 1, size - 1), &why) == 0) {
        pack(&packed, type, buf_slice(&json));
        again(type, buf_slice(&packed));
    }
    free(why);
    buf_done(&json);
    buf_done(&packed);
    return 0;
}
