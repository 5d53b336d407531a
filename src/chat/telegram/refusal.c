#include "chat/telegram/refusal.h"

#include <string.h>
#include <strings.h>

/* Descriptions are all there is to tell 400s apart; the first that fits counts. */
static const struct {
    const char *says;
    enum refusal means;
} meanings[] = {
    { "message is not modified", REFUSAL_NONE },
    { "query is too old", REFUSAL_NONE },
    { "message to delete not found", REFUSAL_NONE },
    { "message to edit not found", REFUSAL_GONE },
    { "message can't be edited", REFUSAL_GONE },
    { "MESSAGE_ID_INVALID", REFUSAL_GONE },
    { "MESSAGE_AUTHOR_REQUIRED", REFUSAL_GONE },
    { "there is no text in the message", REFUSAL_NOT_TEXT },
    { "message thread not found", REFUSAL_TOPIC },
    { "TOPIC_CLOSED", REFUSAL_TOPIC },
    { "TOPIC_DELETED", REFUSAL_TOPIC },
    { "wrong file identifier", REFUSAL_FILE },
    { "wrong remote file", REFUSAL_FILE },
    { "FILE_REFERENCE", REFUSAL_FILE },
    { "can't parse entities", REFUSAL_MARKS },
    { "BUTTON_", REFUSAL_BUTTONS },
    { "inline keyboard", REFUSAL_BUTTONS },
    { "reply markup", REFUSAL_BUTTONS },
    { "REPLY_MARKUP", REFUSAL_BUTTONS },
    { "too long", REFUSAL_TOO_LONG },
    { "too big", REFUSAL_TOO_LONG },
    { "chat not found", REFUSAL_NOBODY },
    { "PEER_ID_INVALID", REFUSAL_NOBODY },
    { "user not found", REFUSAL_NOBODY },
    { "USER_IS_BLOCKED", REFUSAL_NOBODY },
    { "not enough rights to send", REFUSAL_NOBODY },
    { "have no rights to send", REFUSAL_NOBODY },
    { "need administrator rights", REFUSAL_NOBODY },
    { "CHAT_WRITE_FORBIDDEN", REFUSAL_NOBODY },
    { "group chat was deactivated", REFUSAL_NOBODY },
};

static enum refusal meaning_of(const char *description) {
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (strcasestr(description, meanings[i].says))
            return meanings[i].means;
    return REFUSAL_FOR_GOOD;
}

enum refusal refusal_of(const struct api_reply *reply) {
    if (reply->code == 200)
        return REFUSAL_NONE;
    if (reply->migrate_to)
        return REFUSAL_MOVED;
    switch (reply->code) {
    case 429:
        return REFUSAL_WAIT;
    case 401:
    case 404: /* of a token that was never one */
        return REFUSAL_TOKEN;
    case 403:
        return REFUSAL_NOBODY;
    case 400:
        return meaning_of(reply->description);
    case 413:
        return REFUSAL_TOO_LONG;
    default:
        return REFUSAL_TROUBLE;
    }
}
