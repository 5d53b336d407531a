/*
 * json_writer - put JSON together
 *
 * Takes care of commas, line breaks and escapes; that names and values alternate in
 * objects is the caller's. Control characters, C1 too, are escaped, so that a terminal
 * shows what it gets and obeys nothing.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

struct json_writer {
    struct buf *out; /* borrowed: the caller of init */
    bool pretty;     /* two spaces a level */
    unsigned depth;
    bool has_items; /* on this level something stands already */
    bool has_name;  /* a name waits for its value */
};

void json_writer_init(struct json_writer *writer, struct buf *out, bool pretty);

void json_writer_open_object(struct json_writer *writer);
void json_writer_close_object(struct json_writer *writer);
void json_writer_open_array(struct json_writer *writer);
void json_writer_close_array(struct json_writer *writer);

void json_writer_name(struct json_writer *writer, struct slice name);

/* A string; the text must be UTF-8. */
void json_writer_text(struct json_writer *writer, struct slice text);

/* Something that is a JSON value already: a number, true, null. */
void json_writer_raw(struct json_writer *writer, struct slice value);

/* Appends a quoted string outside of any writer. */
void json_writer_quote(struct buf *out, struct slice text);
