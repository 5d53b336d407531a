/*
 * form - messages as JSON, YAML or XML, and requests from any of them
 *
 * Everything goes by way of the JSON mapping of wire/pbjson.h: YAML is the same tree in
 * blocks, XML the same with elements named like the fields of Go structs (see xml.h).
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "wire/pbjson.h"

enum form {
    FORM_FITTING, /* JSON: over lines, but one line where several messages come */
    FORM_JSON,    /* one line each */
    FORM_PRETTY,  /* JSON over lines */
    FORM_YAML,
    FORM_XML,
};

enum {
    FORM_E_UNKNOWN = 1, /* no such format */
    FORM_E_BAD,         /* the text cannot be read */
};

struct form_style {
    enum form form;
    bool is_stream; /* several messages come, one after the other */
    bool older; /* as the older client printed: enums and 64 bits as numbers, tabs, YAML
                   keys in lower case */
    struct pbjson_types types; /* for what an Any holds */
};

/* "json", "prettyjson", "yaml", "xml"; NULL is FORM_FITTING. 0 or FORM_E_UNKNOWN. */
int form_parse(const char *text, enum form *ret_form);

/* By the extension of the file: JSON unless it is .yaml, .yml or .xml. */
enum form form_of_file(const char *path);

/* Appends the message with its line end: 0, or PBJSON_E_BAD and *ret_why (free it). */
int form_add(struct buf *out,
             const ProtobufCMessage *message,
             const struct form_style *style,
             char **ret_why);

/* Appends a sample of the type. */
void form_add_sample(struct buf *out,
                     const ProtobufCMessageDescriptor *type,
                     enum form form);

/* Appends the messages of a YAML or XML text, each as JSON on a line of its own: 0, or
 * FORM_E_BAD and *ret_why (free it). */
int form_read(struct buf *out,
              const ProtobufCMessageDescriptor *type,
              enum form form,
              struct slice text,
              char **ret_why);
