/*
 * chat - the conversation engine: words and presses in, views out; no network
 *
 * A carrier (telegram/, slack/) hands in what people say and press, and shows views. Each
 * input is stored as an intent, in one transaction with the carrier's own mark (how far
 * it has read), before it is run; it is forgotten when the platform has the answer. After
 * a crash what is stored is run again. A button is a token of 22 characters: which
 * view's, which of its buttons; whose it is, where, for how long and whether it still
 * counts is looked up here.
 *
 *   carrier --chat_take--> intents stored --> turn (command) --> carrier->show
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "chat/words/words.h"
#include "rpc/actor.h"

struct actor;
struct chat;
struct loop;
struct records;
struct store;
struct target;
struct timekeeper;
struct view;

enum {
    CHAT_TOKEN_MAX = 32,  /* bytes of a button's token, its end included */
    CHAT_LINE_MAX = 4096, /* bytes of what one says */
    CHAT_WAITING_MAX =
        20, /* inputs of one chat that wait; more are told to be too many */
    CHAT_CONFIRM_MS = 60000, /* how long a red button counts */
};

/* Where it is said. Texts as the platform has them: "telegram", "-100123", "7" or "". */
struct chat_place {
    const char *platform;
    const char *chat;
    const char *topic; /* a forum's, or a thread's; "" */
    const char *title; /* a group's; "" */
    bool is_private;   /* with one person */
};

struct chat_person {
    const char *id;       /* the platform's: "12345"; with it "telegram:12345" */
    const char *name;     /* to be shown: "Ada" */
    const char *language; /* the platform's word for it: "ru"; "" */
};

enum chat_kind { CHAT_WORDS, CHAT_PRESS };

struct chat_input {
    enum chat_kind kind;
    const char *id; /* unique on the platform, the same when it comes again */
    struct chat_place place;
    struct chat_person person;
    const char *text; /* WORDS: the line; PRESS: the token, or older callback data */
    const char
        *message; /* PRESS: of which message; WORDS: the said one, to be replied to */
    const char *query; /* PRESS: what the carrier needs to answer it */
};

/* What is to be shown. Lent for the call. */
struct chat_post {
    const struct chat_place *place;
    const char *message;  /* in whose place; NULL: a new one */
    const char *reply_to; /* of a new one in a group; NULL */
    const struct view *view;
    const char *const *tokens; /* one for each button of the view; NULL for links */
    bool is_answer;            /* somebody waits for it */
};

/* Called once: 0 and the message's id, lent; or -errno: EHOSTUNREACH (nobody there:
 * blocked, removed), EMSGSIZE, ENOENT (the message to be edited is gone). */
typedef void chat_shown_fn(void *arg, int result, const char *message);

/* What a platform does for the engine. A carrier keeps order within a chat, retries what
 * fails by the network until it is through, and coalesces edits of one message. */
struct chat_carrier {
    const char *platform;
    void *carrier; /* borrowed: its own */
    void (*show)(void *carrier,
                 const struct chat_post *post,
                 chat_shown_fn *done,
                 void *arg);
    /* The answer to a press, at once; text "" is fine. */
    void (*answer)(void *carrier, const char *query, const char *text, bool is_alert);
    /* Something takes long. May be NULL. */
    void (*work)(void *carrier, const struct chat_place *place);
    /* The commands that this person may use have changed: make its menu anew. May be
     * NULL. */
    void (*menu)(void *carrier,
                 const struct chat_place *place,
                 enum words_language language,
                 const struct actor *actor);
    /* The address that opens a chat with us with a code, or NULL. A new string. */
    char *(*invitation)(void *carrier, const char *code);
};

struct chat_node {
    const char *name;
    const char *title;
    bool is_online;
    enum actor_role role;
    int64_t last_seen_ms;
};

/* What the hub is asked for beside calls. All on the loop. Each done is called once, also
 * after the engine has gone. */
struct chat_host {
    struct loop *loop;   /* borrowed, and so are the next three */
    struct store *store; /* for records */
    struct target *gate; /* calls with an actor start here */
    void *arg;
    int64_t (*now_ms)(void *arg); /* the hub's wall time */
    /* Who is this on the platform ("telegram:12345")? A reference; NULL: a stranger. */
    struct actor *(*find_person)(void *arg, const char *identity);
    /* Walks the nodes that the actor may see, by name; false ends it. */
    void (*each_node)(void *arg,
                      const struct actor *actor,
                      bool (*visit)(void *visit_arg, const struct chat_node *node),
                      void *visit_arg);
    /* The node that dials in with that older key; NULL. Lent. */
    const char *(*node_of_key)(void *arg, const char *key);
    /* Takes a code (claim code, invitation, pairing): the identity becomes that user's.
     * done: NULL and the user's name, or why not, both lent. */
    void (*pair)(void *arg,
                 const char *identity,
                 const char *name,
                 const char *code,
                 void (*done)(void *done_arg, const char *why, const char *user),
                 void *done_arg);
    /* A user for a stranger who may have nodes of his own; done as above. */
    void (*enlist)(void *arg,
                   const char *identity,
                   const char *name,
                   void (*done)(void *done_arg, const char *why, const char *user),
                   void *done_arg);
    /* Further owners by an older key; done as above, with the node's name. */
    void (*link_key)(void *arg,
                     const struct actor *actor,
                     const char *key,
                     void (*done)(void *done_arg, const char *why, const char *node),
                     void *done_arg);
    /* Does anybody own the hub already? */
    bool (*is_claimed)(void *arg);
    /* A chat has another id from now on; may be NULL. */
    void (*on_moved)(void *arg, const char *platform, const char *from, const char *to);
};

enum chat_strangers { CHAT_REFUSE, CHAT_REQUEST, CHAT_OWN };

struct chat_config {
    struct chat_host host;
    enum chat_strangers strangers;
};

/* Reads nothing yet: chat_load() for each record of its spaces, then chat_join(). */
struct chat *chat_new(const struct chat_config *config);

/* Together with its carriers, which are not called any more and whose answers no longer
 * come: what they have not answered is shown in the next life. NULL is fine; always
 * returns NULL. */
struct chat *chat_free(struct chat *chat);

/* A record of the store: true when the space is ours. */
bool chat_load(struct chat *chat, const char *space, const char *key, struct slice value);

/* Adds a carrier; copies the struct. Its stored intents run from now on. */
void chat_join(struct chat *chat, const struct chat_carrier *carrier);

void chat_set_strangers(struct chat *chat, enum chat_strangers strangers);

/*
 * Stores the inputs and mark (records of the carrier's own, emptied) in one transaction,
 * then runs them. done: 0 when they are durable: the platform may forget them; else
 * -errno, and nothing was taken.
 */
void chat_take(struct chat *chat,
               const char *platform,
               const struct chat_input *inputs,
               size_t count,
               struct records *mark,
               void (*done)(void *arg, int result),
               void *arg);

/* The chat has another id from now on (a group that became a supergroup). */
void chat_moved(struct chat *chat,
                const char *platform,
                const char *from,
                const char *to);

/*
 * Shows what nobody asked for (an alert), or edits it: message is what an earlier call
 * answered, or NULL. for_user restricts its buttons (NULL: whoever may). The view is
 * lent.
 */
void chat_post(struct chat *chat,
               const struct chat_place *place,
               const char *message,
               const char *for_user,
               const struct view *view,
               chat_shown_fn *done,
               void *arg);

/* The language of a place: of its person, or of the group's setting. */
enum words_language chat_language(const struct chat *chat,
                                  const struct chat_place *place);

/* Another language from now on: in private the person's, in a group the group's. */
void chat_set_language(struct chat *chat,
                       const struct chat_place *place,
                       const struct chat_person *person,
                       enum words_language language);

/* The node that this chat is about; "". Lent. */
const char *chat_active_node(const struct chat *chat, const struct chat_place *place);

/* Where a user can be reached in private, NULL: nowhere. Lent until the next call. */
const struct chat_place *chat_private_place(const struct chat *chat, const char *user);

/* Turns that run or wait, for tests and a graceful end. */
size_t chat_count(const struct chat *chat);
