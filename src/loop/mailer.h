/*
 * mailer - hands one message over to a mail server
 *
 * SMTP and SMTPS by libcurl on our loop: STARTTLS whenever it is offered, or required;
 * AUTH with whatever the server takes. The message comes whole, with its headers; how it
 * is written is the caller's matter.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct loop;
struct mailer;
struct mailer_call;

enum { MAILER_BYTES_MAX = 16 << 20 };

struct mailer_config {
    struct loop *loop;   /* borrowed: outlives the mailer */
    const char *ca_file; /* PEM; NULL: the system's */
};

/* Everything is copied. */
struct mailer_message {
    const char *url;      /* "smtp://HOST:PORT", "smtps://HOST:PORT" */
    const char *user;     /* NULL or "": no AUTH */
    const char *password; /* likewise */
    bool require_tls;
    const char *from;
    const char *const *to; /* NULL-terminated; a server may refuse some of them */
    struct slice body;     /* RFC 5322, lines end with CRLF */
    unsigned timeout_ms;   /* for everything; 0: 60,000 */
};

/* Lent for the call of done. */
struct mailer_answer {
    int result;        /* 0: taken over; -EPERM: refused for good; -EIO: not now */
    const char *error; /* why not; NULL with 0 */
};

typedef void mailer_done(void *arg, const struct mailer_answer *answer);

struct mailer *mailer_new(const struct mailer_config *config);

/* Cancels what runs. NULL is fine; always returns NULL. */
struct mailer *mailer_free(struct mailer *mailer);

/* done is called once, later, and the call is gone after it. */
struct mailer_call *mailer_start(struct mailer *mailer,
                                 const struct mailer_message *message,
                                 mailer_done *done,
                                 void *arg);

/* Nobody waits any more: done will not be called. NULL is fine; always returns NULL. */
struct mailer_call *mailer_cancel(struct mailer_call *call);
