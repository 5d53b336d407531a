/*
 * render - a view as Telegram's message: HTML, an inline keyboard, files
 *
 * Lengths are kept here: 4096 units of text, 1024 of a caption, counted without the
 * marks. What is longer is cut at a line, and the whole goes along as a file. The first
 * picture or document makes the message one of its kind; further ones follow it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"

struct view;

enum render_kind { RENDER_TEXT, RENDER_PHOTO, RENDER_DOCUMENT };

enum {
    RENDER_TEXT_MAX = 4096, /* UTF-16 units after the marks are taken out */
    RENDER_CAPTION_MAX = 1024,
    RENDER_BUTTONS_MAX = 100,
    RENDER_ROW_MAX = 8,
    RENDER_LABEL_MAX = 64,       /* characters; what is longer is not readable either */
    RENDER_KEYBOARD_MAX = 10000, /* bytes of JSON; the API takes 10 KiB */
    RENDER_TOKEN_MAX = 64,       /* bytes of a button's data */
    RENDER_COPY_MAX = 256,       /* characters that a button can copy */
    RENDER_PHOTO_BYTES = 10 << 20,
    RENDER_PHOTO_SIDES = 10000, /* width and height together */
    RENDER_PHOTO_RATIO = 20,
    RENDER_FILE_BYTES = 50 << 20,
};

struct render_file {
    enum render_kind kind;
    char *name;    /* owned */
    uint8_t *data; /* owned */
    size_t len;
    uint8_t digest[CRYPTO_SHA256_LEN]; /* of a photo: to know it again */
};

struct render {
    char *html;                /* owned; the text, or the caption of the first file */
    char *plain;               /* owned; the same without marks */
    char *keyboard;            /* owned; JSON; NULL: none */
    struct render_file *files; /* owned */
    size_t file_count;
    bool has_media; /* the first file belongs to the message */
    bool is_quiet;
};

/* tokens: one for each button of the view, NULL for links. Files that no message can
 * carry are left out. */
struct render *render_view(const struct view *view, const char *const *tokens);

/* NULL is fine; always returns NULL. */
struct render *render_free(struct render *render);

/* The kind of the message. */
enum render_kind render_kind_of(const struct render *render);

/* Bytes it holds, for limits. */
size_t render_size(const struct render *render);
