#include "wire/exposition.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "wire/pbnumber.h"

const char *exposition_media_type(bool is_text) {
    return is_text ? "text/plain; version=0.0.4; charset=utf-8"
                   : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

/* Backslash and newline; quotes too where the text stands in some. */
static void add_escaped(struct buf *out, const char *text, bool is_quoted) {
    const char *special = is_quoted ? "\\\n\"" : "\\\n";

    while (*text) {
        size_t len = strcspn(text, special);
        buf_add(out, text, len);
        text += len;
        if (!*text)
            return;
        buf_add_byte(out, '\\');
        buf_add_byte(out, *text == '\n' ? 'n' : (uint8_t)*text);
        text++;
    }
}

static const char *type_word(const struct exposition *exposition) {
    switch (exposition->type) {
    case EXPOSITION_COUNTER:
        return "counter";
    case EXPOSITION_INFO:
        return exposition->is_text ? "gauge" : "info";
    default:
        return "gauge";
    }
}

/* What the samples' name has behind the family's. */
static const char *suffix(enum exposition_type type) {
    return type == EXPOSITION_COUNTER ? "_total" : type == EXPOSITION_INFO ? "_info" : "";
}

/* In the older format the family is called as its samples are. */
static const char *family_suffix(const struct exposition *exposition) {
    return exposition->is_text ? suffix(exposition->type) : "";
}

void exposition_family(struct exposition *exposition,
                       const char *name,
                       enum exposition_type type,
                       const char *unit,
                       const char *help) {
    struct buf *out = exposition->out;

    exposition->name = name;
    exposition->type = type;
    buf_printf(out, "# TYPE %s%s %s\n", name, family_suffix(exposition),
               type_word(exposition));
    if (unit && !exposition->is_text)
        buf_printf(out, "# UNIT %s %s\n", name, unit);
    buf_printf(out, "# HELP %s%s ", name, family_suffix(exposition));
    add_escaped(out, help, !exposition->is_text);
    buf_add_byte(out, '\n');
}

static void add_value(struct buf *out, double value) {
    if (isnan(value))
        buf_add_text(out, "NaN");
    else if (isinf(value))
        buf_add_text(out, value > 0 ? "+Inf" : "-Inf");
    else
        pbnumber_add_double(out, value);
}

void exposition_sample(struct exposition *exposition,
                       const struct exposition_label *labels,
                       size_t count,
                       double value) {
    struct buf *out = exposition->out;

    buf_add_text(out, exposition->name);
    buf_add_text(out, suffix(exposition->type));
    for (size_t i = 0; i < count; i++) {
        buf_add_byte(out, i == 0 ? '{' : ',');
        buf_add_text(out, labels[i].name);
        buf_add_text(out, "=\"");
        add_escaped(out, labels[i].value, true);
        buf_add_byte(out, '"');
    }
    buf_add_text(out, count > 0 ? "} " : " ");
    add_value(out, value);
    buf_add_byte(out, '\n');
}

void exposition_end(struct exposition *exposition) {
    buf_add_text(exposition->out, "# EOF\n");
}
