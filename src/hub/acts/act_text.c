#include "hub/acts/act_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/acts/acting_methods.h"
#include "wire/pb.h"
#include "wire/pbjson.h"

static bool is_secret(const char *name) {
    static const char *const words[] = { "password", "secret", "token", "authorization" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(name, words[i]))
            return true;
    return false;
}

/* Overwrites texts of the message, which is ours. Messages inside have no such fields. */
static void hide_secrets(ProtobufCMessage *message) {
    const ProtobufCMessageDescriptor *type = message->descriptor;

    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->type != PROTOBUF_C_TYPE_STRING ||
            field->label == PROTOBUF_C_LABEL_REPEATED || !is_secret(field->name))
            continue;
        char *text = *(char **)((char *)message + field->offset);
        if (text && text != field->default_value)
            memset(text, '*', strlen(text));
    }
}

/* It is there to tell attempts apart, and says nothing to people. */
static void forget_operation(ProtobufCMessage *message) {
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor,
                                                        "operation_id");

    if (!field || field->type != PROTOBUF_C_TYPE_STRING)
        return;
    char *text = *(char **)((char *)message + field->offset);
    if (text && text != field->default_value)
        text[0] = '\0';
}

static void write_json(struct buf *out,
                       const struct acting_method *method,
                       struct slice request,
                       bool is_whole) {
    const ProtobufCMessageDescriptor *type = acting_methods_request(method);
    ProtobufCMessage *message = NULL;
    char *why = NULL;

    if (!type || pb_unpack(type, request, &message) != 0) {
        buf_add_text(out, "(a request that cannot be read)");
        return;
    }
    hide_secrets(message);
    if (!is_whole)
        forget_operation(message);
    if (pbjson_write(out, message, NULL, &why) != 0)
        buf_add_text(out, "(a request that cannot be shown)");
    free(why);
    pb_free(message);
}

void act_text_json(struct buf *out,
                   const struct acting_method *method,
                   struct slice request) {
    write_json(out, method, request, true);
}

char *act_text_line(const struct acting_method *method, struct slice request) {
    struct buf json = { 0 };

    write_json(&json, method, request, false);
    if (json.len <= ACT_TEXT_LINE_MAX)
        return buf_take_text(&json);
    size_t len = ACT_TEXT_LINE_MAX;
    while (len > 0 && (json.data[len] & 0xc0) == 0x80)
        len--; /* no half of a character */
    char *line = mem_printf("%.*s...", (int)len, (const char *)json.data);
    buf_done(&json);
    return line;
}
