#include <stdlib.h>

#include "wire/pb.h"
#include "wire/pbjson.h"
#include "wire/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A type that could be made must serve: a sample of it reads back and packs. */
static void use(const ProtobufCMessageDescriptor *type) {
    ProtobufCMessage *message = NULL;
    ProtobufCMessage *again = NULL;
    struct buf out = { 0 };
    char *why = NULL;

    pbjson_sample(&out, type, true);
    if (pbjson_read(type, buf_slice(&out), &message, &why) == 0) {
        buf_clear(&out);
        pb_pack(&out, message);
        pb_unpack(type, buf_slice(&out), &again);
    }
    free(why);
    pb_free(message);
    pb_free(again);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct schema *schema = schema_new();
    struct slice bytes = slice_of(data, size);
    char *why = NULL;

    if (schema_add_set(schema, bytes) != 0)
        schema_add_file(schema, bytes);
    if (schema_link(schema, &why) == 0) {
        for (size_t i = 0; i < schema_service_count(schema); i++) {
            const struct schema_service *service = schema_service_at(schema, i);
            for (size_t k = 0; k < service->method_count; k++)
                use(service->methods[k].input);
        }
        if (schema_message_find(schema, "M"))
            use(schema_message_find(schema, "M"));
    }
    free(why);
    schema_free(schema);
    return 0;
}
