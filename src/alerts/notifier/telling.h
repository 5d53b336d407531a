/*
 * telling - an incident in words, for channels that are no chats
 *
 * In English and Russian. What a node or a person chose (names, texts) is put in as it
 * is: each form escapes what it has to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct incident;

enum telling_language { TELLING_ENGLISH, TELLING_RUSSIAN };

/* "en", "ru"; anything else is English. */
enum telling_language telling_language_of(const char *code);

enum telling_stage {
    TELLING_NOW, /* as it is: goes on, or is over */
    TELLING_REPEAT,
    TELLING_ESCALATION,
};

/* All that a message is made of. Borrowed. */
struct telling {
    const struct incident *incident;
    enum telling_language language;
    enum telling_stage stage;
    const char *zone; /* of the times; NULL or "": the machine's */
    const char *note; /* the rule's; NULL or "": none */
    int64_t now_ms;
};

/* "Critical: nas, disk:/home"; "Over: nas, disk:/home". */
void telling_title(const struct telling *telling, struct buf *out);

/* What it is about, the same from its begin to its end: "nas, disk:/home". */
void telling_subject(const struct telling *telling, struct buf *out);

/* Lines, each ended by "\n": the text, since when, evidence, processes, who looks. */
void telling_text(const struct telling *telling, struct buf *out);

/* A title and a text as a page of HTML, with pictures: their sources ("cid:chart"). */
void telling_page(const char *title,
                  const char *text,
                  const char *const *images,
                  size_t image_count,
                  struct buf *out);

/* One line of a digest: "• critical nas: disk:/home is 93.1 % (over)". */
void telling_line(const struct telling *telling, struct buf *out);

/* What a digest is called, by why it is one (decision.h). */
void telling_digest_title(enum telling_language language,
                          int gather,
                          size_t count,
                          struct buf *out);

/* "2 h 5 min". */
void telling_span(enum telling_language language, int64_t span_ms, struct buf *out);

/* "21 Nov 14:05" there. */
void telling_time(const struct telling *telling, int64_t time_ms, struct buf *out);

/* One of the two. */
const char *telling_word(enum telling_language language,
                         const char *english,
                         const char *russian);
