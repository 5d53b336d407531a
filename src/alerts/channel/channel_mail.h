/*
 * channel_mail - a message as e-mail
 *
 * multipart/alternative of plain text and HTML, the pictures inline beside the HTML. All
 * mail of one incident is one thread. Whatever stands in the texts: no header can be
 * injected, and no line is longer than SMTP takes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum { CHANNEL_MAIL_PICTURES_MAX = 8 };

struct channel_mail {
    const char *from; /* an address that channel_check() let pass; so are those in to */
    const char *const *to; /* NULL-terminated */
    const char *subject;   /* UTF-8 */
    const char *text;
    const char *html;             /* "cid:picture0", ... are the pictures */
    const struct slice *pictures; /* PNG */
    size_t picture_count;
    const char *id;     /* what stands before the '@' of Message-ID */
    const char *thread; /* of the first message of the thread; NULL: this is it */
    int64_t now_ms;
};

/* Appends the whole message. */
void channel_mail_print(const struct channel_mail *mail, struct buf *out);

/* Appends text for a header: as it is, or in encoded words (RFC 2047), folded. used: how
 * many columns of the line the header's name has taken. */
void channel_mail_add_words(struct buf *out, const char *text, size_t used);
