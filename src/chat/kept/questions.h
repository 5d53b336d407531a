/*
 * questions - what was asked and waits for words
 *
 * One for each person and place, for ten minutes, kept ("chat.question"). The answer goes
 * between what was said before and after it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct chat_person;
struct chat_place;
struct keep;
struct questions;

enum {
    QUESTIONS_KEEP_MS = 10 * 60 * 1000,
    QUESTIONS_MAX = 20000, /* beyond it none is remembered */
};

struct questions *questions_new(struct keep *keep);
struct questions *questions_free(struct questions *questions);
void questions_load(struct questions *questions, const char *key, struct slice value);

/* What is said next makes "before WORDS after". */
struct questions_text {
    const char *before;
    const char *after;
    bool is_for_node; /* the words are a node: a command is none */
};

/* Asked; copies. */
void questions_ask(struct questions *questions,
                   const struct chat_place *place,
                   const struct chat_person *person,
                   const struct questions_text *text,
                   int64_t now_ms);

/* Is there one, which a node answers? */
bool questions_is_for_node(const struct questions *questions,
                           const struct chat_place *place,
                           const struct chat_person *person);

/* The whole line when there is a question, which is no more; NULL: there is none. A new
 * string. */
char *questions_answer(struct questions *questions,
                       const struct chat_place *place,
                       const struct chat_person *person,
                       const char *words,
                       int64_t now_ms);

/* Was there one? */
bool questions_drop(struct questions *questions,
                    const struct chat_place *place,
                    const struct chat_person *person);

void questions_sweep(struct questions *questions, int64_t now_ms);
