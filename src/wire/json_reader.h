/*
 * json_reader - take JSON apart, token by token
 *
 * Strict RFC 8259 over bytes that are whole in memory: UTF-8, no comments, no commas too
 * many, nesting limited, numbers left as they were written so that no digit is lost.
 * Duplicate names are the caller's to notice.
 *
 *     {"a": [1, "x"]}   JSON_OBJECT JSON_NAME JSON_ARRAY JSON_NUMBER JSON_TEXT
 *                       JSON_ARRAY_END JSON_OBJECT_END JSON_END
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/* Messages nest at most 64 deep, each inside an array, and a map in between. */
enum { JSON_READER_DEPTH_MAX = 192 };

enum json_token {
    JSON_END, /* the one value is complete and nothing follows */
    JSON_OBJECT,
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
    JSON_NAME, /* of a member; its value follows */
    JSON_TEXT,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
    JSON_BAD, /* not JSON; for good */
};

struct json_reader {
    struct slice json;  /* borrowed: the caller of init */
    size_t at;          /* of json, what comes next */
    struct slice value; /* borrowed: json, or text below */
    struct buf text;    /* owned; a text whose escapes are resolved */
    const char *why;    /* borrowed: a literal; why JSON_BAD */
    int expect;
    unsigned depth;
    bool in_object[JSON_READER_DEPTH_MAX];
};

/* The bytes must stay until done. */
void json_reader_init(struct json_reader *reader, struct slice json);
void json_reader_done(struct json_reader *reader);

enum json_token json_reader_next(struct json_reader *reader);

/* Of the last token: a name or a text with its escapes resolved (it may hold NULs), or
 * the letters of a number. Lent until the next token. */
struct slice json_reader_value(const struct json_reader *reader);

/* Skips what the last token began: an object or an array to its end, else nothing.
 * False: JSON_BAD inside. */
bool json_reader_skip(struct json_reader *reader, enum json_token token);

/* After JSON_BAD: what is wrong, as a literal. */
const char *json_reader_why(const struct json_reader *reader);

/* Where the reader stands, both from 1; columns count bytes. */
void json_reader_where(const struct json_reader *reader,
                       unsigned *ret_line,
                       unsigned *ret_column);

/* The length of the JSON number that begins the text, 0 when none does. */
size_t json_reader_number_len(struct slice text);
