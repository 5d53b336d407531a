#include "wire/pb.h"

#include <stdbool.h>

#include "base/mem.h"
#include "wire/utf8.h"

enum {
    NUMBER_MAX = (1 << 29) - 1, /* of a field, by the protobuf specification */
    SIZE_MAX_BYTES = INT32_MAX, /* protobuf-c counts in 32 bits */
    MEMBER_COST = 64,           /* protobuf-c notes each field of a message on the wire:
                                   32 bytes, in slabs that double */
};

/* A message on the wire while it is scanned. */
struct scan {
    const uint8_t *at; /* borrowed: the bytes of the caller */
    size_t left;
    size_t *budget; /* borrowed: the caller's; what may still be spent */
    const ProtobufCMessageDescriptor *type;
    uint8_t *seen; /* owned; a bit for each field of the type, NULL until needed */
    unsigned depth;
};

/* One field on the wire. */
struct item {
    const ProtobufCFieldDescriptor *field; /* NULL: the type has no such field */
    unsigned wire;                         /* ProtobufCWireType */
    struct slice body;                     /* without a length prefix */
    size_t prefix_len;
};

size_t pb_type_size(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

static int charge(struct scan *scan, size_t cost) {
    if (cost > *scan->budget)
        return PB_E_TOO_BIG;
    *scan->budget -= cost;
    return 0;
}

/* What malloc takes for len bytes. */
static int charge_block(struct scan *scan, size_t len) {
    size_t whole = (len + 8 + 15) & ~(size_t)15;
    return charge(scan, whole < 32 ? 32 : whole);
}

/* The length of the varint at the start, 0 when it does not end within most bytes. */
static size_t varint_len(const uint8_t *at, size_t left, size_t most) {
    for (size_t i = 0; i < left && i < most; i++)
        if (at[i] < 0x80)
            return i + 1;
    return 0;
}

/* Keys and lengths: at most five bytes and 32 bits, as protobuf-c reads them. */
static int take_uint32(struct scan *scan, uint32_t *ret_value, size_t *ret_len) {
    size_t len = varint_len(scan->at, scan->left, 5);
    if (len == 0)
        return PB_E_BAD;
    if (len == 5 && scan->at[4] > 0x0f)
        return PB_E_BAD;

    uint32_t value = 0;
    for (size_t i = 0; i < len; i++)
        value |= (uint32_t)(scan->at[i] & 0x7f) << 7 * i;
    scan->at += len;
    scan->left -= len;
    *ret_value = value;
    *ret_len = len;
    return 0;
}

static int take_body(struct scan *scan, struct item *item) {
    uint32_t prefix = 0;
    size_t len = 0;

    item->prefix_len = 0;
    switch (item->wire) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        len = varint_len(scan->at, scan->left, 10);
        if (len == 0)
            return PB_E_BAD;
        break;
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        len = 8;
        break;
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        len = 4;
        break;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        if (take_uint32(scan, &prefix, &item->prefix_len) != 0)
            return PB_E_BAD;
        len = prefix;
        break;
    default:
        return PB_E_BAD;
    }
    if (len > scan->left)
        return PB_E_BAD;
    item->body = slice_of(scan->at, len);
    scan->at += len;
    scan->left -= len;
    return 0;
}

static int take_item(struct scan *scan, struct item *item) {
    uint32_t key;
    size_t key_len;
    int r = take_uint32(scan, &key, &key_len);
    if (r != 0)
        return r;
    if (key >> 3 == 0 || key >> 3 > NUMBER_MAX)
        return PB_E_BAD;
    item->wire = key & 7;
    item->field = protobuf_c_message_descriptor_get_field(scan->type, key >> 3);
    return take_body(scan, item);
}

static unsigned wire_of(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    default:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
}

static int count_varints(struct slice body, size_t *ret_count) {
    size_t count = 0;

    for (size_t at = 0; at < body.len; count++) {
        size_t len = varint_len(body.at + at, body.len - at, 10);
        if (len == 0)
            return PB_E_BAD;
        at += len;
    }
    *ret_count = count;
    return 0;
}

/* protobuf-c takes one byte for each packed bool. */
static int count_bools(struct slice body, size_t *ret_count) {
    for (size_t i = 0; i < body.len; i++)
        if (body.at[i] > 1)
            return PB_E_BAD;
    *ret_count = body.len;
    return 0;
}

static int count_packed(ProtobufCType type, struct slice body, size_t *ret_count) {
    if (type == PROTOBUF_C_TYPE_BOOL)
        return count_bools(body, ret_count);
    if (wire_of(type) == PROTOBUF_C_WIRE_TYPE_VARINT)
        return count_varints(body, ret_count);
    size_t size = pb_type_size(type);
    if (body.len % size != 0)
        return PB_E_BAD;
    *ret_count = body.len / size;
    return 0;
}

static int scan_message(const ProtobufCMessageDescriptor *type,
                        struct slice bytes,
                        size_t *budget,
                        unsigned depth);

static int scan_text(struct scan *scan, struct slice text) {
    if (text.len > 0 && memchr(text.at, 0, text.len))
        return PB_E_BAD;
    if (!utf8_is_valid(text))
        return PB_E_BAD;
    return charge_block(scan, text.len + 1);
}

static int scan_value(struct scan *scan, const struct item *item) {
    const ProtobufCFieldDescriptor *field = item->field;

    if (item->wire != wire_of(field->type))
        return PB_E_BAD;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return scan_text(scan, item->body);
    case PROTOBUF_C_TYPE_BYTES:
        return charge_block(scan, item->body.len);
    case PROTOBUF_C_TYPE_MESSAGE:
        return scan_message(field->descriptor, item->body, scan->budget, scan->depth + 1);
    default:
        return 0;
    }
}

static int scan_repeated(struct scan *scan, const struct item *item) {
    ProtobufCType type = item->field->type;
    size_t count = 1;

    if (item->wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
        wire_of(type) != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
        int r = count_packed(type, item->body, &count);
        return r != 0 ? r : charge(scan, count * pb_type_size(type));
    }
    int r = charge(scan, pb_type_size(type));
    return r != 0 ? r : scan_value(scan, item);
}

/* Notes that the field is there; answers whether it was there before. */
static bool see(struct scan *scan, const ProtobufCFieldDescriptor *field) {
    size_t index = (size_t)(field - scan->type->fields);
    uint8_t bit = (uint8_t)(1 << index % 8);

    if (!scan->seen)
        scan->seen = mem_new(scan->type->n_fields / 8 + 1);
    bool before = scan->seen[index / 8] & bit;
    scan->seen[index / 8] |= bit;
    return before;
}

static int scan_singular(struct scan *scan, const struct item *item) {
    const ProtobufCFieldDescriptor *field = item->field;
    bool is_plain = !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF);

    if (is_plain && (field->type == PROTOBUF_C_TYPE_MESSAGE ||
                     field->label == PROTOBUF_C_LABEL_REQUIRED)) {
        bool before = see(scan, field);
        if (before && field->type == PROTOBUF_C_TYPE_MESSAGE)
            return PB_E_BAD;
    }
    return scan_value(scan, item);
}

static int scan_unknown(struct scan *scan, const struct item *item) {
    int r = charge(scan, sizeof(ProtobufCMessageUnknownField));
    return r != 0 ? r : charge_block(scan, item->prefix_len + item->body.len);
}

static int scan_items(struct scan *scan) {
    while (scan->left > 0) {
        struct item item;
        int r = take_item(scan, &item);
        if (r == 0)
            r = charge(scan, MEMBER_COST);
        if (r != 0)
            return r;

        if (!item.field)
            r = scan_unknown(scan, &item);
        else if (item.field->label == PROTOBUF_C_LABEL_REPEATED)
            r = scan_repeated(scan, &item);
        else
            r = scan_singular(scan, &item);
        if (r != 0)
            return r;
    }
    return 0;
}

static int check_required(const struct scan *scan) {
    const ProtobufCMessageDescriptor *type = scan->type;

    for (unsigned i = 0; i < type->n_fields; i++) {
        if (type->fields[i].label != PROTOBUF_C_LABEL_REQUIRED ||
            type->fields[i].default_value)
            continue;
        if (!scan->seen || !(scan->seen[i / 8] & 1 << i % 8))
            return PB_E_BAD;
    }
    return 0;
}

static int scan_message(const ProtobufCMessageDescriptor *type,
                        struct slice bytes,
                        size_t *budget,
                        unsigned depth) {
    if (depth > PB_DEPTH_MAX)
        return PB_E_TOO_BIG;

    struct scan scan = {
        .at = bytes.at,
        .left = bytes.len,
        .budget = budget,
        .type = type,
        .depth = depth,
    };
    int r = charge_block(&scan, type->sizeof_message);
    if (r == 0)
        r = scan_items(&scan);
    if (r == 0)
        r = check_required(&scan);
    free(scan.seen);
    return r;
}

int pb_scan(const ProtobufCMessageDescriptor *type, struct slice bytes, size_t budget) {
    if (bytes.len > SIZE_MAX_BYTES)
        return PB_E_TOO_BIG;
    return scan_message(type, bytes, &budget, 1);
}

static void *allocate(void *context, size_t size) {
    return mem_grow(NULL, size);
}

static void release(void *context, void *at) {
    free(at);
}

int pb_unpack(const ProtobufCMessageDescriptor *type,
              struct slice bytes,
              ProtobufCMessage **ret_message) {
    int r = pb_scan(type, bytes, PB_BUDGET);
    if (r != 0)
        return r;

    ProtobufCAllocator allocator = { .alloc = allocate, .free = release };
    ProtobufCMessage *message =
        protobuf_c_message_unpack(type, &allocator, bytes.len, bytes.at);
    if (!message)
        return PB_E_BAD;
    *ret_message = message;
    return 0;
}

/* Types made at run time have no message_init of their own. */
static void set_defaults(ProtobufCMessage *message) {
    const ProtobufCMessageDescriptor *type = message->descriptor;

    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        uint8_t *at = (uint8_t *)message + field->offset;

        if (!field->default_value || field->label == PROTOBUF_C_LABEL_REPEATED)
            continue;
        /* A string's or a message's default is the pointer itself. */
        if (field->type == PROTOBUF_C_TYPE_STRING ||
            field->type == PROTOBUF_C_TYPE_MESSAGE)
            memcpy(at, &field->default_value, sizeof(field->default_value));
        else
            memcpy(at, field->default_value, pb_type_size(field->type));
    }
}

ProtobufCMessage *pb_new(const ProtobufCMessageDescriptor *type) {
    ProtobufCMessage *message = mem_new(type->sizeof_message);

    if (type->message_init) {
        type->message_init(message);
        return message;
    }
    message->descriptor = type;
    set_defaults(message);
    return message;
}

ProtobufCMessage *pb_free(ProtobufCMessage *message) {
    if (message)
        protobuf_c_message_free_unpacked(message, NULL);
    return NULL;
}

void pb_freep(ProtobufCMessage **message) {
    *message = pb_free(*message);
}

char *pb_lend(const char *text) {
    return (char *)(uintptr_t)(text ? text : protobuf_c_empty_string);
}

void pb_pack(struct buf *out, const ProtobufCMessage *message) {
    size_t len = protobuf_c_message_get_packed_size(message);
    if (len == 0)
        return;
    protobuf_c_message_pack(message, buf_room(out, len));
    buf_added(out, len);
}
