#include "dialect/stream_metadata.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "wire/headers.h"

/* What gRPC and HTTP say of a call, not its caller or callee. */
static const char *const reserved[] = {
    "accept-encoding", "connection", "content-length",    "content-type", "host",
    "keep-alive",      "te",         "transfer-encoding", "upgrade",      "roost-user",
    "roost-role",
};

static bool is_reserved(const char *name) {
    if (name[0] == ':' || strncmp(name, "grpc-", 5) == 0)
        return true;
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        if (strcmp(reserved[i], name) == 0)
            return true;
    return false;
}

static bool is_binary(const char *name) {
    size_t len = strlen(name);
    return len > 4 && strcmp(name + len - 4, "-bin") == 0;
}

struct fields {
    Roost__V1__MetadataField **list; /* owned */
    size_t count;
};

static void add(struct fields *fields, const char *name, struct slice value) {
    Roost__V1__MetadataField *field = mem_new(sizeof(*field));

    roost__v1__metadata_field__init(field);
    field->name = mem_strdup(name);
    field->value.data = mem_dup(value.at, value.len);
    field->value.len = value.len;
    fields->list = mem_grow(fields->list, (fields->count + 1) * sizeof(*fields->list));
    fields->list[fields->count++] = field;
}

/* Several values may stand in one field, with commas between. */
static void add_binary(struct fields *fields, const struct header *header) {
    const char *at = header->value;
    struct buf bytes = { 0 };

    for (const char *comma; at; at = comma ? comma + 1 : NULL) {
        comma = strchr(at, ',');
        buf_clear(&bytes);
        if (base64_decode_any(
                &bytes, slice_of(at, comma ? (size_t)(comma - at) : strlen(at))) == 0)
            add(fields, header->name, buf_slice(&bytes));
    }
    buf_done(&bytes);
}

size_t stream_metadata_write(const struct headers *metadata,
                             Roost__V1__MetadataField ***ret_fields) {
    struct fields fields = { 0 };

    for (size_t i = 0; i < metadata->count; i++) {
        const struct header *header = &metadata->fields[i];
        if (is_reserved(header->name))
            continue;
        if (is_binary(header->name))
            add_binary(&fields, header);
        else
            add(&fields, header->name, slice_of(header->value, header->value_len));
    }
    *ret_fields = fields.list;
    return fields.count;
}

void stream_metadata_free(Roost__V1__MetadataField **fields, size_t count) {
    for (size_t i = 0; i < count; i++)
        roost__v1__metadata_field__free_unpacked(fields[i], NULL);
    free(fields);
}

static bool is_ascii(ProtobufCBinaryData value) {
    for (size_t i = 0; i < value.len; i++)
        if (value.data[i] < 0x20 || value.data[i] > 0x7e)
            return false;
    return true;
}

static bool read_field(const Roost__V1__MetadataField *field, struct headers *metadata) {
    struct slice name = slice_of_text(field->name);
    struct buf text = { 0 };

    if (field->name[0] == '\0')
        return false;
    if (!is_binary(field->name))
        return is_ascii(field->value) &&
               headers_add_slice(metadata, name,
                                 slice_of(field->value.data, field->value.len));
    base64_encode(&text, slice_of(field->value.data, field->value.len));
    while (text.len > 0 && text.data[text.len - 1] == '=')
        text.len--;
    bool is_added = headers_add_slice(metadata, name, buf_slice(&text));
    buf_done(&text);
    return is_added;
}

static bool is_lower(const char *name) {
    for (; *name; name++)
        if (*name >= 'A' && *name <= 'Z')
            return false;
    return true;
}

bool stream_metadata_read(Roost__V1__MetadataField *const *fields,
                          size_t count,
                          size_t bytes_max,
                          struct headers *metadata) {
    for (size_t i = 0; i < count; i++) {
        if (!is_lower(fields[i]->name))
            return false;
        if (is_reserved(fields[i]->name))
            continue;
        if (!read_field(fields[i], metadata) || metadata->bytes > bytes_max)
            return false;
    }
    return true;
}
