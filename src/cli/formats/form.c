#include "cli/formats/form.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "cli/formats/xml.h"
#include "cli/formats/yaml.h"
#include "cli/formats/yaml_read.h"

int form_parse(const char *text, enum form *ret_form) {
    static const struct {
        const char *name;
        enum form form;
    } forms[] = {
        { "json", FORM_JSON },
        { "prettyjson", FORM_PRETTY },
        { "yaml", FORM_YAML },
        { "xml", FORM_XML },
    };

    for (size_t i = 0; text && i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (strcmp(forms[i].name, text) == 0) {
            *ret_form = forms[i].form;
            return 0;
        }
    }
    if (text)
        return FORM_E_UNKNOWN;
    *ret_form = FORM_FITTING;
    return 0;
}

enum form form_of_file(const char *path) {
    const char *dot = strrchr(path, '.');

    if (dot && (strcasecmp(dot, ".yaml") == 0 || strcasecmp(dot, ".yml") == 0))
        return FORM_YAML;
    return dot && strcasecmp(dot, ".xml") == 0 ? FORM_XML : FORM_JSON;
}

/* Each two spaces that begin a line as a tab; no text in JSON spans lines. */
static void add_with_tabs(struct buf *out, struct slice json) {
    bool at_start = true;

    for (size_t i = 0; i < json.len; i++) {
        if (at_start && i + 1 < json.len && json.at[i] == ' ' && json.at[i + 1] == ' ') {
            buf_add_byte(out, '\t');
            i++;
            continue;
        }
        at_start = json.at[i] == '\n';
        buf_add_byte(out, json.at[i]);
    }
    buf_add_byte(out, '\n');
}

static bool is_pretty(const struct form_style *style) {
    return style->form == FORM_PRETTY ||
           (style->form == FORM_FITTING && !style->is_stream);
}

static void add_json(struct buf *out,
                     const ProtobufCMessageDescriptor *type,
                     struct slice json,
                     const struct form_style *style) {
    switch (style->form) {
    case FORM_YAML:
        if (style->is_stream)
            buf_add_text(out, "---\n");
        yaml_add_json(out, json, style->older);
        break;
    case FORM_XML:
        xml_add_json(out, type, json, !style->is_stream && !style->older);
        break;
    default:
        if (style->older && is_pretty(style)) {
            add_with_tabs(out, json);
            break;
        }
        buf_add_slice(out, json);
        buf_add_byte(out, '\n');
        break;
    }
}

int form_add(struct buf *out,
             const ProtobufCMessage *message,
             const struct form_style *style,
             char **ret_why) {
    const struct pbjson_style json_style = {
        .pretty = is_pretty(style),
        .enum_numbers = style->older,
        .long_numbers = style->older,
        .types = style->types,
    };
    struct buf json = { 0 };

    int r = pbjson_write(&json, message, &json_style, ret_why);
    if (r == 0)
        add_json(out, message->descriptor, buf_slice(&json), style);
    buf_done(&json);
    return r;
}

void form_add_sample(struct buf *out,
                     const ProtobufCMessageDescriptor *type,
                     enum form form) {
    const struct form_style style = {
        .form = form,
        .is_stream = form == FORM_JSON,
    };
    struct buf json = { 0 };

    pbjson_sample(&json, type, is_pretty(&style));
    add_json(out, type, buf_slice(&json), &style);
    buf_done(&json);
}

int form_read(struct buf *out,
              const ProtobufCMessageDescriptor *type,
              enum form form,
              struct slice text,
              char **ret_why) {
    int r = form == FORM_XML ? xml_read(out, type, text, ret_why)
                             : yaml_read(out, text, ret_why);
    return r == 0 ? 0 : FORM_E_BAD;
}
