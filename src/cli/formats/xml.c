#include "cli/formats/xml.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/formats/xml_tree.h"
#include "wire/json_reader.h"
#include "wire/json_writer.h"
#include "wire/pb.h"
#include "wire/pbfield.h"
#include "wire/pbknown.h"

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

void xml_add_go_name(struct buf *out, const char *name) {
    bool at_word = true; /* a small letter here becomes a big one */

    for (const char *at = name; *at; at++) {
        if (*at == '_' && at == name)
            buf_add_byte(out, 'X');
        else if ((*at == '_' || *at == '.') && is_lower(at[1]))
            ; /* the small letter becomes a big one */
        else if (*at == '.')
            buf_add_byte(out, '_');
        else
            buf_add_byte(out, (uint8_t)(at_word && is_lower(*at) ? *at - 32 : *at));
        at_word = *at == '_' || *at == '.' || (*at >= '0' && *at <= '9');
    }
}

/* "package.Outer.Name" is Outer_Name. */
static void add_type_name(struct buf *out, const ProtobufCMessageDescriptor *type) {
    size_t len = type->package_name ? strlen(type->package_name) : 0;
    bool is_inside = len > 0 && strncmp(type->name, type->package_name, len) == 0 &&
                     type->name[len] == '.';

    xml_add_go_name(out, type->name + (is_inside ? len + 1 : 0));
}

/* Is the message one text (or number) in JSON, or JSON itself in XML? */
static bool is_leaf(enum pbknown known) {
    return known != PBKNOWN_NONE;
}

static bool is_raw(enum pbknown known) {
    return known == PBKNOWN_STRUCT || known == PBKNOWN_VALUE || known == PBKNOWN_LIST ||
           known == PBKNOWN_ANY;
}

/* --- writing --- */

struct writing {
    struct buf *out;         /* borrowed: the caller */
    struct json_reader json; /* pbjson wrote it: it is as the type says */
    bool pretty;
    unsigned depth;
};

static void write_message(struct writing *writing,
                          const ProtobufCMessageDescriptor *type,
                          enum json_token token);

static void begin_line(struct writing *writing) {
    if (!writing->pretty || writing->depth == 0)
        return;
    buf_add_byte(writing->out, '\n');
    for (unsigned i = 0; i < writing->depth; i++)
        buf_add_text(writing->out, "  ");
}

static void write_tag(struct writing *writing, const char *name, bool is_end) {
    buf_printf(writing->out, "<%s%s>", is_end ? "/" : "", name);
}

static void write_text(struct writing *writing, struct slice text) {
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.at[i];
        if (byte == '&')
            buf_add_text(writing->out, "&amp;");
        else if (byte == '<')
            buf_add_text(writing->out, "&lt;");
        else if (byte == '>')
            buf_add_text(writing->out, "&gt;");
        else if (byte == '\r' || byte == '\t' || byte == '\n')
            buf_printf(writing->out, "&#x%X;", byte);
        else if (byte < 0x20 || byte == 0x7f) /* XML 1.0 cannot say it */
            buf_add_text(writing->out, "\xef\xbf\xbd");
        else
            buf_add_byte(writing->out, byte);
    }
}

/* The JSON of the value that the token begins, as it stands. */
static void write_raw(struct writing *writing, enum json_token token) {
    struct buf text = { 0 };

    if (token == JSON_TEXT) {
        json_writer_quote(&text, json_reader_value(&writing->json));
    } else if (token == JSON_OBJECT || token == JSON_ARRAY) {
        size_t from = writing->json.at - 1;
        json_reader_skip(&writing->json, token);
        buf_add(&text, writing->json.json.at + from, writing->json.at - from);
    } else if (token == JSON_NUMBER) {
        buf_add_slice(&text, json_reader_value(&writing->json));
    } else {
        buf_add_text(&text, token == JSON_TRUE    ? "true"
                            : token == JSON_FALSE ? "false"
                                                  : "null");
    }
    write_text(writing, buf_slice(&text));
    buf_done(&text);
}

static void write_scalar(struct writing *writing, enum json_token token) {
    if (token == JSON_TEXT)
        write_text(writing, json_reader_value(&writing->json));
    else
        write_raw(writing, token);
}

/* What stands between the tags. */
static void write_content(struct writing *writing,
                          const ProtobufCFieldDescriptor *field,
                          enum json_token token) {
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        write_message(writing, field->descriptor, token);
    else
        write_scalar(writing, token);
}

static void write_element(struct writing *writing,
                          const char *name,
                          const ProtobufCFieldDescriptor *field,
                          enum json_token token) {
    begin_line(writing);
    write_tag(writing, name, false);
    write_content(writing, field, token);
    write_tag(writing, name, true);
}

/* The members of an object whose bracket was read. */
static void write_entries(struct writing *writing,
                          const char *name,
                          const ProtobufCFieldDescriptor *field) {
    const ProtobufCMessageDescriptor *entry = field->descriptor;

    while (json_reader_next(&writing->json) == JSON_NAME) {
        begin_line(writing);
        write_tag(writing, name, false);
        writing->depth++;
        begin_line(writing);
        buf_add_text(writing->out, "<Key>");
        write_text(writing, json_reader_value(&writing->json));
        buf_add_text(writing->out, "</Key>");
        write_element(writing, "Value", &entry->fields[1],
                      json_reader_next(&writing->json));
        writing->depth--;
        begin_line(writing);
        write_tag(writing, name, true);
    }
}

static void write_field(struct writing *writing,
                        const ProtobufCMessageDescriptor *type,
                        const ProtobufCFieldDescriptor *field) {
    struct buf name = { 0 };
    enum json_token token = json_reader_next(&writing->json);

    xml_add_go_name(&name, field->name);
    if (pbfield_is_map(type, field)) {
        write_entries(writing, buf_text(&name), field);
    } else if (pbfield_is_repeated(field)) {
        while ((token = json_reader_next(&writing->json)) != JSON_ARRAY_END &&
               token != JSON_BAD && token != JSON_END)
            write_element(writing, buf_text(&name), field, token);
    } else {
        write_element(writing, buf_text(&name), field, token);
    }
    buf_done(&name);
}

static void write_fields(struct writing *writing,
                         const ProtobufCMessageDescriptor *type) {
    bool is_empty = true;

    writing->depth++;
    while (json_reader_next(&writing->json) == JSON_NAME) {
        const ProtobufCFieldDescriptor *field =
            pbfield_find(type, json_reader_value(&writing->json));
        if (!field)
            break;
        write_field(writing, type, field);
        is_empty = false;
    }
    writing->depth--;
    if (!is_empty && writing->depth == 0 && writing->pretty)
        buf_add_byte(writing->out, '\n');
    else if (!is_empty)
        begin_line(writing);
}

static void write_message(struct writing *writing,
                          const ProtobufCMessageDescriptor *type,
                          enum json_token token) {
    enum pbknown known = pbknown_of(type);

    if (is_raw(known))
        write_raw(writing, token);
    else if (is_leaf(known))
        write_scalar(writing, token);
    else if (token == JSON_OBJECT)
        write_fields(writing, type);
}

void xml_add_json(struct buf *out,
                  const ProtobufCMessageDescriptor *type,
                  struct slice json,
                  bool pretty) {
    struct writing writing = { .out = out, .pretty = pretty };
    struct buf name = { 0 };

    add_type_name(&name, type);
    json_reader_init(&writing.json, json);
    write_tag(&writing, buf_text(&name), false);
    write_message(&writing, type, json_reader_next(&writing.json));
    write_tag(&writing, buf_text(&name), true);
    buf_add_byte(out, '\n');
    json_reader_done(&writing.json);
    buf_done(&name);
}

/* --- reading --- */

struct reading {
    struct json_writer json;
    unsigned depth;
    char *why; /* owned; what is wrong */
};

static int read_message(struct reading *reading,
                        const ProtobufCMessageDescriptor *type,
                        struct xml_node *node);

static int fail(struct reading *reading, struct slice name, const char *what) {
    free(reading->why);
    reading->why = mem_printf("<%.*s>: %s", (int)name.len, (const char *)name.at, what);
    return XML_E_BAD;
}

static struct slice trim(struct slice text) {
    while (text.len > 0 && strchr(" \t\r\n", text.at[0]))
        text = slice_after(text, 1);
    while (text.len > 0 && strchr(" \t\r\n", text.at[text.len - 1]))
        text.len--;
    return text;
}

/* JSON that stands in an element, checked so that it cannot break out of its place. */
static int read_raw(struct reading *reading, struct xml_node *node) {
    struct slice text = trim(buf_slice(&node->text));
    struct json_reader check;

    json_reader_init(&check, text);
    bool is_json = json_reader_skip(&check, json_reader_next(&check)) &&
                   json_reader_next(&check) == JSON_END;
    json_reader_done(&check);
    if (!is_json)
        return fail(reading, node->name, "here stands the value in JSON");
    json_writer_raw(&reading->json, text);
    return 0;
}

static bool is_whole_number(struct slice text) {
    return text.len > 0 && json_reader_number_len(text) == text.len;
}

static int read_scalar(struct reading *reading,
                       ProtobufCType type,
                       struct xml_node *node) {
    struct slice text = buf_slice(&node->text);

    if (node->count > 0)
        return fail(reading, node->name, "a text is wanted, not elements");
    if (type != PROTOBUF_C_TYPE_STRING)
        text = trim(text);
    bool is_bool = type == PROTOBUF_C_TYPE_BOOL &&
                   (slice_is_text(text, "true") || slice_is_text(text, "false"));
    if (is_bool || (type == PROTOBUF_C_TYPE_ENUM && is_whole_number(text)))
        json_writer_raw(&reading->json, text);
    else
        json_writer_text(&reading->json, text);
    return 0;
}

static int read_content(struct reading *reading,
                        const ProtobufCFieldDescriptor *field,
                        struct xml_node *node) {
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return read_message(reading, field->descriptor, node);
    return read_scalar(reading, field->type, node);
}

static bool is_name_of(const ProtobufCFieldDescriptor *field, struct slice name) {
    struct buf go = { 0 };

    xml_add_go_name(&go, field->name);
    bool is_same = slice_equal(buf_slice(&go), name);
    buf_done(&go);
    return is_same;
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *type,
                                                  struct slice name) {
    for (unsigned i = 0; i < type->n_fields; i++)
        if (is_name_of(&type->fields[i], name))
            return &type->fields[i];
    return pbfield_find(type, name);
}

/* "<Field><Key>k</Key><Value>v</Value></Field>". */
static int read_entry(struct reading *reading,
                      const ProtobufCFieldDescriptor *field,
                      struct xml_node *node) {
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    struct xml_node *key = NULL, *value = NULL;

    for (size_t i = 0; i < node->count; i++) {
        const ProtobufCFieldDescriptor *part = find_field(entry, node->nodes[i]->name);
        if (part == &entry->fields[0] && !key)
            key = node->nodes[i];
        else if (part == &entry->fields[1] && !value)
            value = node->nodes[i];
        else
            return fail(reading, node->nodes[i]->name, "an entry has one Key, one Value");
    }
    if (!key || !value)
        return fail(reading, node->name, "an entry has a Key and a Value");
    bool is_text = entry->fields[0].type == PROTOBUF_C_TYPE_STRING;
    struct slice text = buf_slice(&key->text);
    json_writer_name(&reading->json, is_text ? text : trim(text));
    return read_content(reading, &entry->fields[1], value);
}

/* All elements of a repeated field or a map, wherever they stand. */
static int read_gathered(struct reading *reading,
                         const ProtobufCFieldDescriptor *field,
                         bool is_map,
                         struct xml_node *node,
                         size_t first) {
    struct slice name = node->nodes[first]->name;
    int r = 0;

    if (is_map)
        json_writer_open_object(&reading->json);
    else
        json_writer_open_array(&reading->json);
    for (size_t i = first; r == 0 && i < node->count; i++) {
        struct xml_node *part = node->nodes[i];
        if (part->is_taken || !slice_equal(part->name, name))
            continue;
        part->is_taken = true;
        r = is_map ? read_entry(reading, field, part)
                   : read_content(reading, field, part);
    }
    if (is_map)
        json_writer_close_object(&reading->json);
    else
        json_writer_close_array(&reading->json);
    return r;
}

static int read_fields(struct reading *reading,
                       const ProtobufCMessageDescriptor *type,
                       struct xml_node *node) {
    int r = 0;

    if (trim(buf_slice(&node->text)).len > 0)
        return fail(reading, node->name, "a text stands among its elements");
    json_writer_open_object(&reading->json);
    for (size_t i = 0; r == 0 && i < node->count; i++) {
        struct xml_node *part = node->nodes[i];
        if (part->is_taken)
            continue;
        const ProtobufCFieldDescriptor *field = find_field(type, part->name);
        if (!field)
            return fail(reading, part->name, "no such field");
        json_writer_name(&reading->json, slice_of_text(field->name));
        r = pbfield_is_repeated(field)
                ? read_gathered(reading, field, pbfield_is_map(type, field), node, i)
                : read_content(reading, field, part);
    }
    json_writer_close_object(&reading->json);
    return r;
}

static int read_message(struct reading *reading,
                        const ProtobufCMessageDescriptor *type,
                        struct xml_node *node) {
    enum pbknown known = pbknown_of(type);

    if (is_raw(known))
        return read_raw(reading, node);
    if (known == PBKNOWN_WRAPPER)
        return read_scalar(reading, type->fields[0].type, node);
    if (is_leaf(known))
        return read_scalar(reading, PROTOBUF_C_TYPE_BYTES, node);
    if (reading->depth == PB_DEPTH_MAX)
        return fail(reading, node->name, "nests too deep");
    reading->depth++;
    int r = read_fields(reading, type, node);
    reading->depth--;
    return r;
}

int xml_read(struct buf *out,
             const ProtobufCMessageDescriptor *type,
             struct slice text,
             char **ret_why) {
    struct reading reading = { 0 };
    struct xml_node *root;
    size_t len = out->len;

    int r = xml_tree_read(text, &root, ret_why);
    if (r != 0)
        return XML_E_BAD;
    for (size_t i = 0; r == 0 && i < root->count; i++) {
        json_writer_init(&reading.json, out, false);
        r = read_message(&reading, type, root->nodes[i]);
        buf_add_byte(out, '\n');
    }
    if (r != 0) {
        out->len = len;
        *ret_why = reading.why;
    }
    xml_tree_free(root);
    return r;
}
