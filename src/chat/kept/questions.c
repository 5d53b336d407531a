#include "chat/kept/questions.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "chat/chat.h"
#include "chat/kept/keep.h"
#include "chat/kept/pack.h"

#define SPACE "chat.question"

enum { VERSION = 1 };

struct question {
    char *before; /* owned */
    char *after;  /* owned */
    bool is_for_node;
    int64_t asked_ms;
};

struct questions {
    struct keep *keep; /* borrowed: outlives it */
    struct map *all;   /* of struct question */
};

struct questions *questions_new(struct keep *keep) {
    struct questions *questions = mem_new(sizeof(*questions));

    questions->keep = keep;
    questions->all = map_new();
    return questions;
}

static void free_question(struct question *question) {
    if (!question)
        return;
    free(question->before);
    free(question->after);
    free(question);
}

struct questions *questions_free(struct questions *questions) {
    struct question *question;

    if (!questions)
        return NULL;
    for (size_t at = 0; (question = map_next(questions->all, &at, NULL));)
        free_question(question);
    map_free(questions->all);
    free(questions);
    return NULL;
}

static char *key_of(const struct chat_place *place, const struct chat_person *person) {
    return mem_printf("%s/%s/%s/%s", place->platform, place->chat,
                      place->topic ? place->topic : "", person->id);
}

void questions_load(struct questions *questions, const char *key, struct slice value) {
    struct pack_reader reader = { .rest = value };

    if (pack_take_number(&reader) != VERSION || map_get(questions->all, key))
        return;
    struct question *question = mem_new(sizeof(*question));
    question->before = pack_take_text(&reader);
    question->after = pack_take_text(&reader);
    question->asked_ms = pack_take_number(&reader);
    question->is_for_node = pack_take_number(&reader) != 0;
    if (reader.is_bad)
        free_question(question);
    else
        map_put(questions->all, key, question);
}

void questions_ask(struct questions *questions,
                   const struct chat_place *place,
                   const struct chat_person *person,
                   const struct questions_text *text,
                   int64_t now_ms) {
    auto_(mem_freep) char *key = key_of(place, person);
    struct question *question = mem_new(sizeof(*question));
    struct buf value = { 0 };

    *question = (struct question) {
        .before = mem_strdup(text->before),
        .after = mem_strdup(text->after),
        .is_for_node = text->is_for_node,
        .asked_ms = now_ms,
    };
    if (map_count(questions->all) >= QUESTIONS_MAX) {
        free_question(question);
        return;
    }
    free_question(map_put(questions->all, key, question));
    pack_number(&value, VERSION);
    pack_text(&value, text->before);
    pack_text(&value, text->after);
    pack_number(&value, now_ms);
    pack_number(&value, text->is_for_node);
    keep_put(questions->keep, SPACE, key, buf_slice(&value));
    buf_done(&value);
}

char *questions_answer(struct questions *questions,
                       const struct chat_place *place,
                       const struct chat_person *person,
                       const char *words,
                       int64_t now_ms) {
    auto_(mem_freep) char *key = key_of(place, person);
    struct question *question = map_remove(questions->all, key);
    char *line = NULL;

    if (!question)
        return NULL;
    keep_remove(questions->keep, SPACE, key);
    if (now_ms - question->asked_ms < QUESTIONS_KEEP_MS)
        line = mem_printf("%s %s%s%s", question->before, words,
                          question->after[0] ? " " : "", question->after);
    free_question(question);
    return line;
}

bool questions_is_for_node(const struct questions *questions,
                           const struct chat_place *place,
                           const struct chat_person *person) {
    auto_(mem_freep) char *key = key_of(place, person);
    const struct question *question = map_get(questions->all, key);

    return question && question->is_for_node;
}

bool questions_drop(struct questions *questions,
                    const struct chat_place *place,
                    const struct chat_person *person) {
    auto_(mem_freep) char *key = key_of(place, person);
    struct question *question = map_remove(questions->all, key);

    if (!question)
        return false;
    keep_remove(questions->keep, SPACE, key);
    free_question(question);
    return true;
}

/* The key of one whose time is over; NULL: there is none. */
static const char *find_old(const struct questions *questions, int64_t now_ms) {
    const struct question *question;
    const char *key;

    for (size_t at = 0; (question = map_next(questions->all, &at, &key));)
        if (now_ms - question->asked_ms >= QUESTIONS_KEEP_MS)
            return key;
    return NULL;
}

void questions_sweep(struct questions *questions, int64_t now_ms) {
    const char *key;

    while ((key = find_old(questions, now_ms))) {
        auto_(mem_freep) char *old = mem_strdup(key);
        keep_remove(questions->keep, SPACE, old);
        free_question(map_remove(questions->all, old));
    }
}
