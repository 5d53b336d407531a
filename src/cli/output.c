#include "cli/output.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/report.h"
#include "cli/terminal/text.h"
#include "wire/pbjson.h"

int output_add_message(struct buf *out, const ProtobufCMessage *message, bool pretty) {
    const struct pbjson_style style = { .pretty = pretty, .with_defaults = true };
    char *why = NULL;

    if (pbjson_write(out, message, &style, &why) == 0)
        return REPORT_OK;
    int code = report_fail(REPORT_FAILED, NULL, "the hub's answer has no JSON form: %s",
                           why ? why : message->descriptor->name);
    free(why);
    return code;
}

int output_message(const ProtobufCMessage *message, bool pretty) {
    struct buf out = { 0 };
    int code = output_add_message(&out, message, pretty);

    if (code == REPORT_OK) {
        buf_add_byte(&out, '\n');
        fwrite(out.data, 1, out.len, stdout);
    }
    buf_done(&out);
    return code;
}

void output_add_string(struct buf *out, const char *text) {
    buf_add_byte(out, '"');
    while (*text) {
        unsigned rune;
        size_t len = text_next(text, &rune);

        if (rune == '"' || rune == '\\')
            buf_printf(out, "\\%c", (int)rune);
        else if (rune < 0x20 || rune == 0x7f)
            buf_printf(out, "\\u%04x", rune);
        else if (rune == 0xfffd)
            buf_add_text(out, "\xef\xbf\xbd");
        else
            buf_add(out, text, len);
        text += len;
    }
    buf_add_byte(out, '"');
}
