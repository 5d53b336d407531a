#include "chat/telegram/outbox.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

enum { CHATS_KEPT = 4096 }; /* beyond, those at rest are forgotten */

/* Credit for messages; it grows with time up to a burst. */
struct bucket {
    uint64_t credit_ms;
    uint64_t at_ms; /* when it was right */
};

struct pace {
    uint64_t every_ms;
    uint64_t burst;
};

static const struct pace all_pace = { OUTBOX_ALL_EVERY_MS, OUTBOX_ALL_BURST };
static const struct pace chat_pace = { OUTBOX_CHAT_EVERY_MS, OUTBOX_CHAT_BURST };
static const struct pace group_pace = { OUTBOX_GROUP_EVERY_MS, OUTBOX_GROUP_BURST };

struct outbox_chat {
    struct list node;                    /* among those with letters that wait */
    struct list letters[OUTBOX_CLASSES]; /* borrowed: whoever put them */
    struct outbox_letter *flying;        /* on its way; NULL: none */
    char *id;                            /* owned */
    size_t count;
    bool is_group;
    struct bucket chat;
    struct bucket group;
    uint64_t held_until_ms;
};

struct outbox {
    struct map *chats;  /* owned, and the chats */
    struct list active; /* the chats with letters that wait, in turn */
    struct bucket all;
    uint64_t born_ms;
    bool is_sparing;
    uint64_t held_until_ms;
    size_t flying;
    size_t count;
    size_t bytes;
};

/* --- credit --- */

static uint64_t burst_ms(const struct pace *pace) {
    return pace->every_ms * pace->burst;
}

static void refill(struct bucket *bucket, const struct pace *pace, uint64_t now_ms) {
    if (now_ms > bucket->at_ms)
        bucket->credit_ms += now_ms - bucket->at_ms;
    if (bucket->credit_ms > burst_ms(pace))
        bucket->credit_ms = burst_ms(pace);
    bucket->at_ms = now_ms;
}

/* How long until one more may go and so many are left over. */
static uint64_t wait_for(struct bucket *bucket,
                         const struct pace *pace,
                         uint64_t reserved,
                         uint64_t now_ms) {
    uint64_t wanted = (reserved + 1) * pace->every_ms;

    refill(bucket, pace, now_ms);
    return bucket->credit_ms >= wanted ? 0 : wanted - bucket->credit_ms;
}

static void charge(struct bucket *bucket, const struct pace *pace) {
    bucket->credit_ms -= pace->every_ms;
}

/* Time on the way earns nothing: what is slow on the way out may arrive close together.
 */
static void restart(struct bucket *bucket, uint64_t now_ms) {
    bucket->at_ms = now_ms;
}

/* --- chats --- */

static struct outbox_chat *new_chat(const struct outbox *outbox, const char *id) {
    struct outbox_chat *chat = mem_new(sizeof(*chat));

    chat->id = mem_strdup(id);
    chat->is_group = id[0] == '-' || id[0] == '@';
    chat->chat.at_ms = chat->group.at_ms = outbox->born_ms;
    chat->chat.credit_ms = outbox->is_sparing ? 0 : burst_ms(&chat_pace);
    chat->group.credit_ms = outbox->is_sparing
                                ? OUTBOX_GROUP_FIRST * OUTBOX_GROUP_EVERY_MS
                                : burst_ms(&group_pace);
    for (size_t i = 0; i < OUTBOX_CLASSES; i++)
        list_init(&chat->letters[i]);
    return chat;
}

static void free_chat(struct outbox_chat *chat) {
    free(chat->id);
    free(chat);
}

static bool is_at_rest(struct outbox_chat *chat, uint64_t now_ms) {
    return chat->count == 0 && !chat->flying && chat->held_until_ms <= now_ms &&
           wait_for(&chat->chat, &chat_pace, OUTBOX_CHAT_BURST - 1, now_ms) == 0 &&
           wait_for(&chat->group, &group_pace, OUTBOX_GROUP_BURST - 1, now_ms) == 0;
}

/* One pass that forgets a chat; the map must not change while it is walked. */
static bool forget_one(struct outbox *outbox, uint64_t now_ms) {
    struct outbox_chat *chat;
    size_t at = 0;

    while ((chat = map_next(outbox->chats, &at, NULL)))
        if (is_at_rest(chat, now_ms)) {
            map_remove(outbox->chats, chat->id);
            free_chat(chat);
            return true;
        }
    return false;
}

static struct outbox_chat *find_chat(struct outbox *outbox, const char *id) {
    struct outbox_chat *chat = map_get(outbox->chats, id);

    if (chat)
        return chat;
    chat = new_chat(outbox, id);
    map_put(outbox->chats, id, chat);
    return chat;
}

static void add_letter(struct outbox *outbox,
                       struct outbox_chat *chat,
                       struct outbox_letter *letter,
                       bool is_first) {
    struct list *queue = &chat->letters[letter->class];

    if (is_first)
        list_add_head(queue, &letter->node);
    else
        list_add_tail(queue, &letter->node);
    letter->home = chat;
    if (chat->count++ == 0)
        list_add_tail(&outbox->active, &chat->node);
}

static void remove_letter(struct outbox_letter *letter) {
    list_remove(&letter->node);
    if (--letter->home->count == 0)
        list_remove(&letter->home->node);
}

static void count_in(struct outbox *outbox, const struct outbox_letter *letter) {
    outbox->count++;
    outbox->bytes += letter->size;
}

static void count_out(struct outbox *outbox, const struct outbox_letter *letter) {
    outbox->count--;
    outbox->bytes -= letter->size;
}

/* --- the outbox --- */

struct outbox *outbox_new(uint64_t now_ms) {
    struct outbox *outbox = mem_new(sizeof(*outbox));

    outbox->born_ms = now_ms;
    outbox->all.at_ms = now_ms;
    outbox->chats = map_new();
    list_init(&outbox->active);
    return outbox;
}

void outbox_spare(struct outbox *outbox) {
    outbox->is_sparing = true;
}

static void drop_all(struct outbox_chat *chat,
                     void (*drop)(void *arg, struct outbox_letter *letter),
                     void *arg) {
    for (size_t i = 0; i < OUTBOX_CLASSES; i++)
        list_for_each_safe(node, after, &chat->letters[i]) {
            list_remove(node);
            drop(arg, container_of(node, struct outbox_letter, node));
        }
    if (chat->flying)
        drop(arg, chat->flying);
}

struct outbox *outbox_free(struct outbox *outbox,
                           void (*drop)(void *arg, struct outbox_letter *letter),
                           void *arg) {
    struct outbox_chat *chat;
    size_t at = 0;

    if (!outbox)
        return NULL;
    while ((chat = map_next(outbox->chats, &at, NULL))) {
        drop_all(chat, drop, arg);
        free_chat(chat);
    }
    map_free(outbox->chats);
    free(outbox);
    return NULL;
}

/* The edit of that message that waits; NULL. */
static struct outbox_letter *find_edit(struct outbox_chat *chat, const char *message) {
    for (size_t i = 0; i < OUTBOX_CLASSES; i++)
        list_for_each_safe(node, after, &chat->letters[i]) {
            struct outbox_letter *letter = container_of(node, struct outbox_letter, node);
            if (letter->message && strcmp(letter->message, message) == 0)
                return letter;
        }
    return NULL;
}

/* The newer edit stands where the older stood, or further ahead. */
static void replace(struct outbox *outbox,
                    struct outbox_letter *older,
                    struct outbox_letter *letter) {
    struct outbox_chat *chat = older->home;
    struct list *before = older->node.prev;
    bool stays = older->class <= letter->class;

    remove_letter(older);
    count_out(outbox, older);
    if (stays)
        letter->class = older->class;
    add_letter(outbox, chat, letter, false);
    if (stays) {
        list_remove(&letter->node);
        list_add_head(before, &letter->node);
    }
    count_in(outbox, letter);
}

int outbox_put(struct outbox *outbox,
               struct outbox_letter *letter,
               struct outbox_letter **ret_replaced) {
    struct outbox_chat *chat = find_chat(outbox, letter->chat);
    struct outbox_letter *older =
        letter->message ? find_edit(chat, letter->message) : NULL;
    size_t max = OUTBOX_LETTERS_MAX * (letter->class == OUTBOX_URGENT ? 2 : 1);

    *ret_replaced = older;
    if (older) {
        replace(outbox, older, letter);
        return 0;
    }
    if (chat->count >= max || outbox->bytes + letter->size > OUTBOX_BYTES_MAX)
        return -ENOBUFS;
    add_letter(outbox, chat, letter, false);
    count_in(outbox, letter);
    return 0;
}

void outbox_put_first(struct outbox *outbox, struct outbox_letter *letter) {
    add_letter(outbox, find_chat(outbox, letter->chat), letter, true);
    count_in(outbox, letter);
}

static uint64_t reserved_of_chat(enum outbox_class class) {
    return class > OUTBOX_ANSWER ? OUTBOX_CHAT_RESERVED : 0;
}

static uint64_t reserved_of_group(enum outbox_class class) {
    return class == OUTBOX_URGENT   ? 0
           : class == OUTBOX_ANSWER ? OUTBOX_GROUP_RESERVED
                                    : 2 * OUTBOX_GROUP_RESERVED;
}

static uint64_t chat_wait(struct outbox_chat *chat,
                          enum outbox_class class,
                          uint64_t now_ms) {
    uint64_t wait = wait_for(&chat->chat, &chat_pace, reserved_of_chat(class), now_ms);

    if (chat->is_group) {
        uint64_t of_group =
            wait_for(&chat->group, &group_pace, reserved_of_group(class), now_ms);
        wait = of_group > wait ? of_group : wait;
    }
    if (chat->held_until_ms > now_ms && chat->held_until_ms - now_ms > wait)
        wait = chat->held_until_ms - now_ms;
    return wait;
}

/* The best letter of the chat, and when it may go. */
static struct outbox_letter *best_of(struct outbox_chat *chat,
                                     uint64_t now_ms,
                                     uint64_t *ret_wait_ms) {
    for (enum outbox_class class = 0; class < OUTBOX_CLASSES; class ++)
        if (!list_is_empty(&chat->letters[class])) {
            *ret_wait_ms = chat_wait(chat, class, now_ms);
            return container_of(chat->letters[class].next, struct outbox_letter, node);
        }
    return NULL;
}

static void send_off(struct outbox *outbox, struct outbox_letter *letter) {
    struct outbox_chat *chat = letter->home;

    remove_letter(letter);
    if (chat->count > 0) {
        list_remove(&chat->node);
        list_add_tail(&outbox->active, &chat->node); /* the others' turn */
    }
    chat->flying = letter;
    outbox->flying++;
    charge(&outbox->all, &all_pace);
    charge(&chat->chat, &chat_pace);
    if (chat->is_group)
        charge(&chat->group, &group_pace);
}

/* The best of all that may go now; NULL: none, for so long. */
static struct outbox_letter *find_best(struct outbox *outbox,
                                       uint64_t now_ms,
                                       uint64_t *ret_wait_ms) {
    struct outbox_letter *best = NULL;
    bool is_crowded = outbox->flying >= OUTBOX_FLIGHT_MAX - OUTBOX_FLIGHT_RESERVED;

    *ret_wait_ms = UINT64_MAX;
    list_for_each_safe(node, after, &outbox->active) {
        struct outbox_chat *chat = container_of(node, struct outbox_chat, node);
        uint64_t wait_ms = 0;
        if (chat->flying)
            continue;
        struct outbox_letter *letter = best_of(chat, now_ms, &wait_ms);
        if (!letter || (is_crowded && letter->class != OUTBOX_URGENT))
            continue;
        if (wait_ms > 0)
            *ret_wait_ms = wait_ms < *ret_wait_ms ? wait_ms : *ret_wait_ms;
        else if (!best || letter->class < best->class)
            best = letter;
    }
    return best;
}

struct outbox_letter *outbox_take(struct outbox *outbox,
                                  uint64_t now_ms,
                                  uint64_t *ret_wait_ms) {
    uint64_t wait_ms = UINT64_MAX;

    *ret_wait_ms = wait_ms;
    if (list_is_empty(&outbox->active) || outbox->flying >= OUTBOX_FLIGHT_MAX)
        return NULL;
    wait_ms = outbox->held_until_ms > now_ms
                  ? outbox->held_until_ms - now_ms
                  : wait_for(&outbox->all, &all_pace, 0, now_ms);
    if (wait_ms > 0) {
        *ret_wait_ms = wait_ms;
        return NULL;
    }
    struct outbox_letter *letter = find_best(outbox, now_ms, ret_wait_ms);
    if (letter)
        send_off(outbox, letter);
    return letter;
}

static void land(struct outbox *outbox, struct outbox_letter *letter, uint64_t now_ms) {
    struct outbox_chat *chat = letter->home;

    assert(chat->flying == letter);
    chat->flying = NULL;
    outbox->flying--;
    restart(&chat->chat, now_ms);
    restart(&chat->group, now_ms);
}

void outbox_settle(struct outbox *outbox, struct outbox_letter *letter, uint64_t now_ms) {
    land(outbox, letter, now_ms);
    count_out(outbox, letter);
    letter->home = NULL;
    if (map_count(outbox->chats) > CHATS_KEPT)
        forget_one(outbox, now_ms);
}

void outbox_retry(struct outbox *outbox,
                  struct outbox_letter *letter,
                  uint64_t now_ms,
                  uint64_t delay_ms) {
    struct outbox_chat *chat = letter->home;

    land(outbox, letter, now_ms);
    if (chat->held_until_ms < now_ms + delay_ms)
        chat->held_until_ms = now_ms + delay_ms;
    add_letter(outbox, chat, letter, true);
}

void outbox_hold(struct outbox *outbox, uint64_t now_ms, uint64_t delay_ms) {
    if (outbox->held_until_ms < now_ms + delay_ms)
        outbox->held_until_ms = now_ms + delay_ms;
}

void outbox_release(struct outbox *outbox) {
    struct outbox_chat *chat;

    outbox->held_until_ms = 0;
    for (size_t at = 0; (chat = map_next(outbox->chats, &at, NULL));)
        chat->held_until_ms = 0;
}

static void clear_chat(struct outbox *outbox,
                       struct outbox_chat *chat,
                       struct list *ret_letters) {
    for (size_t i = 0; i < OUTBOX_CLASSES; i++)
        list_for_each_safe(node, after, &chat->letters[i]) {
            struct outbox_letter *letter = container_of(node, struct outbox_letter, node);
            remove_letter(letter);
            count_out(outbox, letter);
            list_add_tail(ret_letters, node);
        }
}

void outbox_clear(struct outbox *outbox, const char *id, struct list *ret_letters) {
    struct outbox_chat *chat = map_get(outbox->chats, id);

    if (chat)
        clear_chat(outbox, chat, ret_letters);
}

void outbox_clear_all(struct outbox *outbox, struct list *ret_letters) {
    struct outbox_chat *chat;

    for (size_t at = 0; (chat = map_next(outbox->chats, &at, NULL));)
        clear_chat(outbox, chat, ret_letters);
}

void outbox_move(struct outbox *outbox, const char *from, const char *to) {
    struct list letters;

    list_init(&letters);
    outbox_clear(outbox, from, &letters);
    list_for_each_safe(node, after, &letters) {
        struct outbox_letter *letter = container_of(node, struct outbox_letter, node);
        list_remove(node);
        free(letter->chat);
        letter->chat = mem_strdup(to);
        add_letter(outbox, find_chat(outbox, to), letter, false);
        count_in(outbox, letter);
    }
}

size_t outbox_count(const struct outbox *outbox) {
    return outbox->count;
}
