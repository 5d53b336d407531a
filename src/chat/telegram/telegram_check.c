#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "chat/telegram/telegram.h"
#include "wire/http_url.h"

enum { TOKEN_MAX = 128, SECRET_MAX = 256 };

static const char token_letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "abcdefghijklmnopqrstuvwxyz_-";

static bool is_token(const char *token) {
    size_t digits = token ? strspn(token, "0123456789") : 0;

    if (digits == 0 || token[digits] != ':' || strlen(token) > TOKEN_MAX)
        return false;
    const char *rest = token + digits + 1;
    return *rest && rest[strspn(rest, token_letters)] == '\0';
}

const char *telegram_check(const struct telegram_config *config, const char **ret_why) {
    struct http_url url;
    const char *secret = config->secret;

    if (!is_token(config->token)) {
        *ret_why = "is not what @BotFather gives: digits, a colon, letters";
        return "token";
    }
    if (config->api_url && http_url_parse(config->api_url, &url, ret_why) != 0)
        return "api_url";
    if (config->mode == TELEGRAM_POLL)
        return NULL;
    if (!config->webhook_url || http_url_parse(config->webhook_url, &url, ret_why) != 0) {
        if (!config->webhook_url)
            *ret_why = "is missing, and mode is webhook";
        return "webhook_url";
    }
    if (secret && (!*secret || strlen(secret) > SECRET_MAX ||
                   secret[strspn(secret, token_letters)])) {
        *ret_why = "may have letters, digits, _ and - only, 256 at most";
        return "secret";
    }
    return NULL;
}
