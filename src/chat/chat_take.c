#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "chat/chat_private.h"
#include "chat/kept/cards.h"
#include "chat/kept/intents.h"
#include "chat/kept/keep.h"
#include "chat/kept/places.h"
#include "chat/older_press.h"
#include "chat/view.h"
#include "store/records.h"
#include "wire/utf8.h"

enum {
    ID_MAX = 100, /* so that keys of records stay below RECORDS_KEY_MAX */
    NAME_MAX_LEN = 256,
    OFFER_PAUSE_MS = 60000, /* a new view for old buttons, at most so often in a chat */
    BUSY_PAUSE_MS = 10000,
};

/* What one call of chat_take() took. */
struct batch {
    struct list node;        /* of chat->batches */
    struct chat *chat;       /* borrowed: frees it */
    char *platform;          /* owned */
    struct intent **intents; /* owned, and so are they until they are durable */
    char **known;            /* owned, and the texts: ids that are known since */
    size_t count;
    size_t known_count;
    void (*done)(void *arg, int result);
    void *arg; /* borrowed: the carrier's */
};

static void free_batch(struct batch *batch) {
    list_remove(&batch->node);
    for (size_t i = 0; i < batch->known_count; i++)
        free(batch->known[i]);
    free(batch->known);
    free(batch->intents);
    free(batch->platform);
    free(batch);
}

static bool is_short(const char *text, size_t max) {
    return !text || strlen(text) <= max;
}

/* What no platform says; a key must hold what the store can keep. */
static bool is_sane(const struct chat_input *input) {
    const struct chat_place *place = &input->place;
    const struct chat_person *person = &input->person;
    const char *const ids[] = {
        input->id,  place->platform, place->chat,      place->topic,
        person->id, input->message,  person->language,
    };

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        if (!is_short(ids[i], ID_MAX))
            return false;
    return input->id && input->id[0] && place->chat && person->id && input->text &&
           is_short(place->title, 4 * NAME_MAX_LEN) &&
           is_short(person->name, 4 * NAME_MAX_LEN) &&
           utf8_is_valid(slice_of_text(input->text));
}

static enum words_language language_of(const struct chat *chat,
                                       const struct chat_input *input) {
    return places_language(chat->places, &input->place, &input->person);
}

static void answer(const struct chat *chat,
                   const struct chat_input *input,
                   const char *text) {
    const struct chat_carrier *carrier = chat_find_carrier(chat, input->place.platform);

    if (input->kind == CHAT_PRESS && carrier && carrier->answer && input->query)
        carrier->answer(carrier->carrier, input->query, text, text[0] != '\0');
}

/* --- too many --- */

static void tell_busy(struct chat *chat, const struct chat_input *input) {
    const char *text = words_in(language_of(chat, input),
                                "Too much at once: I left out what you said last. Wait "
                                "for the answers, then say it again.");

    if (input->kind == CHAT_PRESS) {
        answer(chat, input, text);
    } else if (places_may_offer(chat->places, &input->place, chat_now_ms(chat),
                                BUSY_PAUSE_MS)) {
        struct view *view = view_new();
        view_text(view, "%s", text);
        chat_post(chat, &input->place, NULL, NULL, view, NULL, NULL);
        view_free(view);
    }
}

/* --- one input --- */

/* The line, cut where a character ends. A new string. */
static char *cut(const char *text, bool *ret_is_cut) {
    size_t len = strlen(text);

    *ret_is_cut = len > CHAT_LINE_MAX;
    if (!*ret_is_cut)
        return mem_strdup(text);
    len = CHAT_LINE_MAX;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    return mem_dup(text, len);
}

static struct intent *take_words(const struct chat_input *input) {
    bool is_cut;
    auto_(mem_freep) char *line = cut(input->text, &is_cut);
    struct intent *intent = intents_make(input, line);

    intent->is_cut = is_cut;
    return intent;
}

static const char *verdict_text(enum cards_verdict verdict) {
    static const char *const texts[] = {
        [CARDS_GOOD] = "",
        [CARDS_FORGED] = "This is no button of mine.",
        [CARDS_GONE] = "This button no longer counts.",
        [CARDS_ELSEWHERE] = "This button belongs to another conversation.",
        [CARDS_OTHERS] = "This button is for somebody else.",
        [CARDS_USED] = "This button was pressed already.",
        [CARDS_LATE] = "Too late: nothing was done.",
    };
    return texts[verdict];
}

/* The view for somebody whose button does not count any more; NULL: none now. */
static struct intent *offer_anew(struct chat *chat,
                                 const struct chat_input *input,
                                 enum cards_verdict verdict,
                                 bool is_known) {
    bool is_old = verdict == CARDS_GONE || verdict == CARDS_LATE;

    if (!is_known || !is_old ||
        !places_may_offer(chat->places, &input->place, chat_now_ms(chat), OFFER_PAUSE_MS))
        return NULL;
    struct intent *intent = intents_make(input, "old");
    if (verdict == CARDS_GONE) { /* what stands there may still be read */
        free(intent->message);
        intent->message = mem_strdup("");
    }
    return intent;
}

static struct intent *take_token(struct chat *chat,
                                 const struct chat_input *input,
                                 struct records *records) {
    auto_(mem_freep) char *identity =
        mem_printf("%s:%s", input->place.platform, input->person.id);
    struct actor *actor = chat_find_person(chat, &input->place, &input->person);
    const struct cards_press press = {
        .identity = identity,
        .user = actor ? actor->name : "",
        .now_ms = chat_now_ms(chat),
    };
    struct card *card = NULL;
    size_t button = 0;
    enum cards_verdict verdict = cards_judge(chat->cards, input, &press, &card, &button);
    bool is_known = actor != NULL;

    actor_unref(actor);
    const char *text = verdict_text(verdict);
    answer(chat, input, text[0] ? words_in(language_of(chat, input), text) : "");
    if (verdict != CARDS_GOOD)
        return offer_anew(chat, input, verdict, is_known);
    struct intent *intent = intents_make(input, cards_line(card, button));
    intent->is_confirmed = cards_is_confirmed(card, button);
    free(intent->card);
    intent->card = mem_strdup(cards_id(card));
    cards_use(card, records);
    return intent;
}

static struct intent *take_press(struct chat *chat,
                                 const struct chat_input *input,
                                 struct records *records) {
    const char *why = NULL;
    char *line = NULL;

    if (!older_press_is(input->text))
        return take_token(chat, input, records);
    line = older_press_line(&chat->config.host, input->text, &why);
    answer(chat, input, why ? words_in(language_of(chat, input), why) : "");
    if (!line)
        return NULL;
    struct intent *intent = intents_make(input, line);
    free(line);
    return intent;
}

static void take_one(struct batch *batch,
                     const struct chat_input *input,
                     struct records *records) {
    struct chat *chat = batch->chat;
    struct intent *intent;

    if (!is_sane(input)) {
        log_info("chat: an input of %s is none", batch->platform);
        answer(chat, input, "");
        return;
    }
    if (intents_is_known(chat->intents, batch->platform, input->id)) {
        answer(chat, input, "");
        return;
    }
    intents_know(chat->intents, batch->platform, input->id, chat_now_ms(chat), records);
    batch->known[batch->known_count++] = mem_strdup(input->id);
    if (intents_waiting(chat->intents, &input->place) >= CHAT_WAITING_MAX) {
        tell_busy(chat, input);
        return;
    }
    intent =
        input->kind == CHAT_WORDS ? take_words(input) : take_press(chat, input, records);
    if (!intent)
        return;
    intents_store(chat->intents, intent, records);
    batch->intents[batch->count++] = intent;
}

/* --- all of them --- */

static void undo(struct batch *batch) {
    struct chat *chat = batch->chat;

    for (size_t i = 0; i < batch->known_count; i++)
        intents_unknow(chat->intents, batch->platform, batch->known[i]);
    for (size_t i = 0; i < batch->count; i++) {
        cards_unuse(chat->cards, batch->intents[i]->card);
        intents_unstore(chat->intents, batch->intents[i]);
    }
}

static void on_stored(void *arg, int result) {
    struct batch *batch = arg;
    void (*done)(void *, int) = batch->done;
    void *done_arg = batch->arg;

    if (result != 0)
        undo(batch);
    else
        for (size_t i = 0; i < batch->count; i++)
            intents_queue(batch->chat->intents, batch->intents[i]);
    free_batch(batch);
    if (done)
        done(done_arg, result);
}

void chat_take(struct chat *chat,
               const char *platform,
               const struct chat_input *inputs,
               size_t count,
               struct records *mark,
               void (*done)(void *arg, int result),
               void *arg) {
    struct batch *batch = mem_new(sizeof(*batch));
    struct records records = { 0 };

    *batch = (struct batch) {
        .chat = chat,
        .platform = mem_strdup(platform),
        .intents = mem_new_array(count + 1, sizeof(struct intent *)),
        .known = mem_new_array(count + 1, sizeof(char *)),
        .done = done,
        .arg = arg,
    };
    list_add_tail(&chat->batches, &batch->node);
    for (size_t i = 0; i < count; i++)
        take_one(batch, &inputs[i], &records);
    if (mark)
        records_move(&records, mark);
    keep_write(chat->keep, &records, on_stored, batch);
}

void chat_take_end_all(struct chat *chat) {
    while (!list_is_empty(&chat->batches)) {
        struct batch *batch = container_of(chat->batches.next, struct batch, node);

        for (size_t i = 0; i < batch->count; i++)
            intents_drop(batch->intents[i]);
        free_batch(batch);
    }
}
