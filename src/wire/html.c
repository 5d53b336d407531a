#include "wire/html.h"

void html_add_text(struct buf *out, struct slice text, enum html_lines lines) {
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.at[i];

        if (byte == '&')
            buf_add_text(out, "&amp;");
        else if (byte == '<')
            buf_add_text(out, "&lt;");
        else if (byte == '>')
            buf_add_text(out, "&gt;");
        else if (byte == '\n' && lines == HTML_LINES_BREAK)
            buf_add_text(out, "<br>\n");
        else
            buf_add_byte(out, byte);
    }
}
