/*
 * view - what a conversation shows: parts one below the other, and rows of buttons
 *
 * Neutral: Telegram renders it as HTML with an inline keyboard, Slack as blocks. Texts
 * are plain, in UTF-8; whoever renders escapes them. A picture or a document makes a
 * message of its kind, with the texts as its caption. What is too long for a platform
 * becomes a document there.
 *
 * A button carries an action: a command line as a person would type it ("units nas"), or
 * a link, or a text to copy. An action that was confirmed acts without asking again; it
 * can only come from a button, works once, for 60 s, for the person to whom it was shown.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

enum { VIEW_BUTTONS_MAX = 60, VIEW_ACTION_MAX = 1024 };

enum view_kind {
    VIEW_TITLE,    /* bold, first */
    VIEW_TEXT,     /* a paragraph */
    VIEW_NOTE,     /* what is less important */
    VIEW_FIELD,    /* name: value */
    VIEW_CODE,     /* as it stands, in letters of one width */
    VIEW_TABLE,    /* rows of cells; the first is the head */
    VIEW_PICTURE,  /* PNG */
    VIEW_DOCUMENT, /* a file */
};

enum view_style { VIEW_PLAIN, VIEW_PRIMARY, VIEW_SUCCESS, VIEW_DANGER };

enum view_button_kind {
    VIEW_ACTION,    /* the action is done, and its view takes this one's place */
    VIEW_CONFIRMED, /* likewise, and it was confirmed by this press */
    VIEW_LINK,      /* opens an address */
    VIEW_COPY,      /* copies a text */
};

struct view_part {
    enum view_kind kind;
    char *name;    /* owned: FIELD's name, DOCUMENT's file name, PICTURE's description */
    char *text;    /* owned: everything with a text; NULL else */
    uint8_t *data; /* owned: of pictures and documents */
    size_t len;
    char **cells; /* owned, and the texts; TABLE: row by row */
    size_t columns;
    size_t rows;
};

struct view_button {
    enum view_button_kind kind;
    enum view_style style;
    char *label;   /* owned */
    char *content; /* owned: the action, the address, or the text */
    unsigned row;
};

struct view {
    struct view_part *parts; /* owned */
    size_t part_count;
    struct view_button *buttons; /* owned */
    size_t button_count;
    unsigned row;   /* where the next button goes */
    bool is_quiet;  /* no sound */
    bool is_fresh;  /* a message of its own, also as the answer to a press */
    bool is_urgent; /* before everything else that waits: a critical alert */
};

struct view *view_new(void);

/* NULL is fine; always returns NULL. */
struct view *view_free(struct view *view);

/* The last call's text counts; there is one title. */
void view_title(struct view *view, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void view_text(struct view *view, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void view_note(struct view *view, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void view_field(struct view *view, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Copies the text. */
void view_code(struct view *view, const char *text);

/* Begins a table; the heads end with NULL. */
void view_table(struct view *view, const char *head, ...) __attribute__((sentinel));

/* Adds a row to the table, as many cells as it has heads; copies. */
void view_cells(struct view *view, const char *const *cells);

/* Copies the bytes. */
void view_picture(struct view *view, struct slice png, const char *description);
void view_document(struct view *view, const char *name, struct slice bytes);

/* Buttons from here on are in another row. */
void view_row(struct view *view);

/* Adds a button whose action is the command line. What is beyond VIEW_BUTTONS_MAX is left
 * out, and so is an action beyond VIEW_ACTION_MAX. */
void view_button(struct view *view,
                 enum view_style style,
                 const char *label,
                 const char *format,
                 ...) __attribute__((format(printf, 4, 5)));
void view_confirm(struct view *view,
                  enum view_style style,
                  const char *label,
                  const char *format,
                  ...) __attribute__((format(printf, 4, 5)));
void view_link(struct view *view, const char *label, const char *url);
void view_copy(struct view *view, const char *label, const char *text);

/* All texts as plain lines, for logs, tests and platforms without more. */
void view_print(const struct view *view, struct buf *out);

/* A word of an action, quoted if it must be, so that the parser gives it back. */
void view_quote(struct buf *out, const char *word);
