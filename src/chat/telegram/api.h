/*
 * api - one call of the Bot API: a method, its parameters, and what came back
 *
 * Parameters go as JSON, or as multipart when a file is among them. The token stands in
 * the URL only; it is taken out of every text that leaves here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

struct api;
struct api_call;
struct loop;

struct api_config {
    struct loop *loop; /* borrowed: outlives it */
    const char *url;   /* without "/bot"; copied, as the token */
    const char *token;
    const char *ca_file; /* PEM; NULL: the system's */
    size_t calls_max;    /* at the same time */
};

/* A parameter, or a file. */
struct api_field {
    char *name; /* owned, and so are the next three */
    char *text; /* NULL: a file */
    char *file_name;
    const char *type;     /* of a file; borrowed: static */
    struct slice content; /* of a file; borrowed: whoever added it */
    bool is_json;         /* the text is JSON already */
};

/* The parameters of one call. Zeroed: none. */
struct api_form {
    struct api_field *fields; /* owned */
    size_t count;
};

void api_form_text(struct api_form *form, const char *name, const char *text);
void api_form_json(struct api_form *form, const char *name, const char *json);
void api_form_true(struct api_form *form, const char *name);

/* The content is lent until the form is done. */
void api_form_file(struct api_form *form,
                   const char *name,
                   const char *file_name,
                   const char *type,
                   struct slice content);
void api_form_done(struct api_form *form);

/* The form as a body; true: multipart between that boundary. */
bool api_form_write(const struct api_form *form, const char *boundary, struct buf *out);

/* Lent for the call of done. */
struct api_reply {
    unsigned code;           /* 200: done; 0: no answer; else the API's error_code */
    const char *description; /* of an error, without the token; "" */
    unsigned retry_after_s;  /* 0: nothing was said */
    const char *migrate_to;  /* the id that the chat has now; NULL */
    struct slice result;     /* JSON */
    bool is_too_long;        /* no answer, for it was too long */
};

typedef void api_done(void *arg, const struct api_reply *reply);

struct api *api_new(const struct api_config *config);

/* Another place, or another token, for the calls to come; both are copied. What runs goes
 * on as it was. */
void api_aim(struct api *api, const char *url, const char *token);

/* Cancels what runs. NULL is fine; always returns NULL. */
struct api *api_free(struct api *api);

/* Writes the form and calls the method. done comes once, later. timeout_ms 0: 30 s;
 * answer_max 0: 1 MiB. */
struct api_call *api_send(struct api *api,
                          const char *method,
                          const struct api_form *form,
                          unsigned timeout_ms,
                          size_t answer_max,
                          api_done *done,
                          void *arg);

/* done will not be called. NULL is fine; always returns NULL. */
struct api_call *api_cancel(struct api_call *call);
