#include <stdlib.h>
#include <string.h>

#include "google/protobuf/any.pb-c.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/struct.pb-c.h"
#include "roost/v1/nodes.pb-c.h"
#include "wire/pb.h"
#include "wire/pbjson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *const types[] = {
    &roost__v1__list_nodes_response__descriptor,
    &google__protobuf__struct__descriptor,
    &google__protobuf__file_descriptor_proto__descriptor,
    &google__protobuf__any__descriptor,
    &google__protobuf__duration__descriptor,
};

enum { TYPES = sizeof(types) / sizeof(types[0]) };

/* What an Any may hold. */
static const ProtobufCMessageDescriptor *find(void *arg, const char *name) {
    (void)arg;
    for (size_t i = 0; i < TYPES; i++)
        if (strcmp(types[i]->name, name) == 0)
            return types[i];
    return NULL;
}

/* What can be read is written, and reads back as the same text. */
static void try_type(const ProtobufCMessageDescriptor *type, struct slice json) {
    ProtobufCMessage *message = NULL;
    ProtobufCMessage *again = NULL;
    struct buf one = { 0 };
    struct buf two = { 0 };
    const struct pbjson_style style = { .types = { .find = find } };
    char *why = NULL;

    if (pbjson_read_with(type, json, &style.types, &message, &why) != 0) {
        free(why);
        return;
    }
    if (pbjson_write(&one, message, &style, &why) != 0 ||
        pbjson_read_with(type, buf_slice(&one), &style.types, &again, &why) != 0 ||
        pbjson_write(&two, again, &style, &why) != 0)
        abort();
    if (!slice_equal(buf_slice(&one), buf_slice(&two)))
        abort();
    buf_done(&one);
    buf_done(&two);
    pb_free(message);
    pb_free(again);
}

/* The first byte chooses the type. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    try_type(types[data[0] % TYPES], slice_of(data + 1, size - 1));
    return 0;
}
