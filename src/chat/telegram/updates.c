#include "chat/telegram/updates.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "chat/telegram/fields.h"

enum {
    ID_DIGITS_MAX = 19,
};

/* A message: said, or the one below which a button was pressed. */
struct said {
    char *id;
    char *topic;
    char *is_topic;
    char *text;
    char *caption;
    char *photo;
    char *document;
    char *forward;
    char *via_bot;
    char *migrate_to;
    char *answers; /* the id of whose message this answers */
    char *chat_id;
    char *chat_type;
    char *chat_title;
};

struct person {
    char *id;
    char *is_bot;
    char *first;
    char *last;
    char *username;
    char *language;
};

struct updates_raw {
    char *update_id;
    char *query_id;
    char *data;
    char *member_status;
    char *member_before;
    struct said said;
    struct person person;
    char *name;  /* the person's */
    char *words; /* what is said, without our name */
};

#define RAW(field) offsetof(struct updates_raw, field)

/* clang-format off */
#define PERSON(path) \
    { path ".id", RAW(person.id) }, \
    { path ".is_bot", RAW(person.is_bot) }, \
    { path ".first_name", RAW(person.first) }, \
    { path ".last_name", RAW(person.last) }, \
    { path ".username", RAW(person.username) }, \
    { path ".language_code", RAW(person.language) }

#define CHAT(path) \
    { path ".id", RAW(said.chat_id) }, \
    { path ".type", RAW(said.chat_type) }, \
    { path ".title", RAW(said.chat_title) }

#define PLACE(path) \
    { path ".message_id", RAW(said.id) }, \
    { path ".message_thread_id", RAW(said.topic) }, \
    { path ".is_topic_message", RAW(said.is_topic) }, \
    { path ".photo", RAW(said.photo) }, \
    { path ".document", RAW(said.document) }, \
    CHAT(path ".chat")
/* clang-format on */

static const struct fields_want wants[] = {
    { "update_id", RAW(update_id) },
    PERSON("message.from"),
    PLACE("message"),
    { "message.text", RAW(said.text) },
    { "message.caption", RAW(said.caption) },
    { "message.forward_origin", RAW(said.forward) },
    { "message.via_bot", RAW(said.via_bot) },
    { "message.migrate_to_chat_id", RAW(said.migrate_to) },
    { "message.reply_to_message.from.id", RAW(said.answers) },
    { "callback_query.id", RAW(query_id) },
    { "callback_query.data", RAW(data) },
    PERSON("callback_query.from"),
    PLACE("callback_query.message"),
    { "my_chat_member.new_chat_member.status", RAW(member_status) },
    { "my_chat_member.old_chat_member.status", RAW(member_before) },
    PERSON("my_chat_member.from"),
    CHAT("my_chat_member.chat"),
};

enum { WANTS = sizeof(wants) / sizeof(wants[0]) };

static bool is_id(const char *text) {
    if (!text)
        return false;
    if (*text == '-')
        text++;
    size_t len = strspn(text, "0123456789");
    return len > 0 && len <= ID_DIGITS_MAX && text[len] == '\0';
}

static bool is_one_of(const char *text, const char *const *words) {
    for (; text && *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static const char *or_empty(const char *text) {
    return text ? text : "";
}

/* --- what is said --- */

static bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_';
}

/* Does our name with its '@' begin the text? Its length, or 0. */
static size_t own_name(const char *text, const struct updates_self *self) {
    size_t len = strlen(self->name);

    if (*text != '@' || len == 0 || strncasecmp(text + 1, self->name, len) != 0 ||
        is_name_char(text[1 + len]))
        return 0;
    return 1 + len;
}

/* "/units@us nas" as "/units nas"; NULL: for another bot. A new string. */
static char *command_words(const char *text, const struct updates_self *self) {
    size_t verb = 1;

    while (is_name_char(text[verb]))
        verb++;
    if (text[verb] != '@')
        return mem_strdup(text);
    size_t name = own_name(text + verb, self);
    return name > 0 ? mem_printf("%.*s%s", (int)verb, text, text + verb + name) : NULL;
}

/* What of the text is said to us; NULL: nothing. A new string. */
static char *words_for_us(const struct updates_raw *raw,
                          const struct updates_self *self,
                          bool is_private) {
    const char *text = raw->said.text ? raw->said.text : or_empty(raw->said.caption);

    text += strspn(text, " \t\r\n");
    if (*text == '/')
        return command_words(text, self);
    size_t name = own_name(text, self);
    if (name > 0) {
        text += name;
        text += strspn(text, " \t\r\n,:");
        return *text == '/' ? command_words(text, self) : mem_strdup(text);
    }
    bool is_answer = raw->said.answers && strcmp(raw->said.answers, self->id) == 0;
    return is_private || is_answer ? mem_strdup(text) : NULL;
}

static enum updates_kind read_said(struct updates_raw *raw,
                                   const struct updates_self *self,
                                   struct updates_update *update) {
    if (is_id(raw->said.migrate_to)) {
        update->moved_to = raw->said.migrate_to;
        return UPDATES_MOVED;
    }
    if (raw->said.forward || raw->said.via_bot)
        return UPDATES_NOTHING; /* somebody else's words */
    raw->words = words_for_us(raw, self, update->input.place.is_private);
    if (!raw->words || raw->words[0] == '\0')
        return UPDATES_NOTHING;
    update->input.kind = CHAT_WORDS;
    update->input.text = raw->words;
    update->input.message = raw->said.id;
    return UPDATES_INPUT;
}

/* --- what is pressed, and what becomes of us --- */

static enum updates_kind read_press(struct updates_raw *raw,
                                    struct updates_update *update) {
    if (!raw->data || raw->data[0] == '\0')
        return UPDATES_NOTHING;
    update->input.kind = CHAT_PRESS;
    update->input.text = raw->data;
    update->input.message = raw->said.id;
    update->input.query = raw->query_id;
    update->is_media = raw->said.photo || raw->said.document;
    return UPDATES_INPUT;
}

/* We were taken into a group, or somebody ended the talk with us. */
static enum updates_kind read_member(struct updates_raw *raw,
                                     struct updates_update *update) {
    static const char *const away[] = { "left", "kicked", NULL };

    if (is_one_of(raw->member_status, away))
        return UPDATES_BLOCKED;
    if (update->input.place.is_private || !is_one_of(raw->member_before, away))
        return UPDATES_NOTHING;
    raw->words = mem_strdup("/start");
    update->input.kind = CHAT_WORDS;
    update->input.text = raw->words;
    update->input.message = "";
    return UPDATES_INPUT;
}

/* --- the whole --- */

/* "Ada Lovelace", "ada", or the id. */
static char *print_name(const struct person *person) {
    struct buf out = { 0 };

    if (person->first)
        buf_add_text(&out, person->first);
    if (person->last)
        buf_printf(&out, "%s%s", out.len > 0 ? " " : "", person->last);
    if (out.len == 0)
        buf_add_text(&out, person->username ? person->username : or_empty(person->id));
    return buf_take_text(&out);
}

static void set_place(const struct said *said, struct chat_place *place) {
    *place = (struct chat_place) {
        .platform = "telegram",
        .chat = said->chat_id,
        .topic =
            said->is_topic && *said->is_topic && is_id(said->topic) ? said->topic : "",
        .title = or_empty(said->chat_title),
        .is_private = strcmp(said->chat_type, "private") == 0,
    };
}

static bool has_place(const struct updates_raw *raw) {
    static const char *const types[] = { "private", "group", "supergroup", NULL };

    return is_id(raw->said.chat_id) && is_one_of(raw->said.chat_type, types) &&
           (is_id(raw->said.id) || raw->member_status);
}

static bool has_person(const struct updates_raw *raw) {
    return is_id(raw->person.id) && !(raw->person.is_bot && *raw->person.is_bot);
}

static void set_person(struct updates_raw *raw, struct updates_update *update) {
    raw->name = print_name(&raw->person);
    update->input.id = update->id;
    update->input.person = (struct chat_person) {
        .id = raw->person.id,
        .name = raw->name,
        .language = or_empty(raw->person.language),
    };
}

static enum updates_kind read_kind(struct updates_raw *raw,
                                   const struct updates_self *self,
                                   struct updates_update *update) {
    if (!has_place(raw))
        return UPDATES_NOTHING;
    set_place(&raw->said, &update->input.place);
    if (!has_person(raw) && !is_id(raw->said.migrate_to))
        return UPDATES_NOTHING;
    set_person(raw, update);
    if (raw->query_id)
        return read_press(raw, update);
    return raw->member_status ? read_member(raw, update) : read_said(raw, self, update);
}

bool updates_read(struct slice json,
                  const struct updates_self *self,
                  struct updates_update *ret_update) {
    struct updates_raw *raw = mem_new(sizeof(*raw));
    struct updates_update update = { .raw = raw };

    if (!fields_read(json, wants, WANTS, raw) || !is_id(raw->update_id)) {
        updates_done(&update);
        return false;
    }
    update.id = mem_strdup(raw->update_id);
    update.query = mem_strdup(raw->query_id);
    update.input.query = "";
    update.input.message = "";
    update.kind = read_kind(raw, self, &update);
    *ret_update = update;
    return true;
}

void updates_done(struct updates_update *update) {
    if (update->raw) {
        fields_done(wants, WANTS, update->raw);
        free(update->raw->name);
        free(update->raw->words);
        free(update->raw);
    }
    free(update->id);
    free(update->query);
    *update = (struct updates_update) { 0 };
}
