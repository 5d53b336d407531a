#include <stdlib.h>
#include <string.h>

#include "wire/http1.h"

/* The target of a request line: what would break the line is percent-encoded. */
static void write_target(struct buf *out, const char *target) {
    for (const char *at = target; *at; at++) {
        uint8_t c = (uint8_t)*at;
        if (c <= ' ' || c >= 0x7f)
            buf_printf(out, "%%%02X", c);
        else
            buf_add_byte(out, c);
    }
}

static void write_start_line(struct buf *out, const struct headers *head) {
    const char *status = headers_get(head, ":status");
    if (status) {
        unsigned number = (unsigned)strtoul(status, NULL, 10);
        buf_printf(out, "HTTP/1.1 %u %s\r\n", number, http1_reason(number));
        return;
    }
    const char *method = headers_get(head, ":method");
    const char *target = headers_get(head, ":path");
    buf_add_text(out, method ? method : "GET");
    buf_add_byte(out, ' ');
    write_target(out, target ? target : "/");
    buf_add_text(out, " HTTP/1.1\r\n");
}

static void write_field(struct buf *out, const char *name, const struct header *field) {
    buf_add_text(out, name);
    buf_add_text(out, ": ");
    buf_add(out, field->value, field->value_len);
    buf_add_text(out, "\r\n");
}

void http1_write_head(struct buf *out, const struct headers *head) {
    bool has_host = headers_get(head, "host") != NULL;

    write_start_line(out, head);
    for (size_t i = 0; i < head->count; i++) {
        const struct header *field = &head->fields[i];
        if (field->name[0] != ':')
            write_field(out, field->name, field);
        else if (!has_host && strcmp(field->name, ":authority") == 0)
            write_field(out, "host", field);
    }
    buf_add_text(out, "\r\n");
}

void http1_write_chunk(struct buf *out, struct slice bytes) {
    buf_printf(out, "%zx\r\n", bytes.len);
    buf_add_slice(out, bytes);
    buf_add_text(out, "\r\n");
}
