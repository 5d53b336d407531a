#include "cli/hub/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

/* Takes "#TRUST" off; false when it is none. */
static bool take_trust(struct slice *text, struct url *url) {
    const char *hash = memchr(text->at, '#', text->len);

    url->trust[0] = '\0';
    if (!hash)
        return true;
    size_t before = (size_t)(hash - (const char *)text->at);
    struct slice trust = slice_after(*text, before + 1);
    if (trust.len >= sizeof(url->trust))
        return false;
    memcpy(url->trust, trust.at, trust.len);
    url->trust[trust.len] = '\0';
    text->len = before;
    return strcmp(url->trust, "web") == 0 || token_is_pin(url->trust);
}

static bool has_port(struct slice text) {
    for (size_t i = text.len; i > 0; i--) {
        if (text.at[i - 1] == ':')
            return true;
        if (text.at[i - 1] < '0' || text.at[i - 1] > '9')
            return false;
    }
    return false;
}

/* "::1" and "[::1]" have colons and no port. */
static bool is_bare_host(struct slice text) {
    return address_is_host(text) || (text.len > 0 && text.at[text.len - 1] == ']') ||
           !has_port(text);
}

static int parse_address(struct slice text, struct address *ret_address) {
    char with_port[ADDRESS_TEXT_LEN + 8];

    if (!is_bare_host(text))
        return address_parse(text, ret_address);
    if (text.len > ADDRESS_HOST_MAX)
        return ADDRESS_E_HOST;
    bool needs_brackets = memchr(text.at, ':', text.len) && text.at[0] != '[';
    int len =
        snprintf(with_port, sizeof(with_port), needs_brackets ? "[%.*s]:%d" : "%.*s:%d",
                 (int)text.len, (const char *)text.at, URL_PORT);
    return address_parse(slice_of(with_port, (size_t)len), ret_address);
}

static bool take_prefix(struct slice *text, const char *prefix) {
    size_t len = strlen(prefix);

    if (text->len < len || strncasecmp((const char *)text->at, prefix, len) != 0)
        return false;
    *text = slice_after(*text, len);
    return true;
}

int url_parse(const char *text, struct url *ret_url) {
    struct slice rest = slice_of_text(text);
    struct url url = { 0 };

    url.plain = take_prefix(&rest, "http://");
    if (!url.plain && !take_prefix(&rest, "https://") && strstr(text, "://"))
        return URL_E_SCHEME;
    if (rest.len == 0)
        return URL_E_ADDRESS;
    if (!take_trust(&rest, &url))
        return URL_E_TRUST;
    if (rest.len > 0 && rest.at[rest.len - 1] == '/')
        rest.len--;
    if (rest.len > 0 && memchr(rest.at, '/', rest.len))
        return URL_E_PATH;
    if (rest.len == 0 || parse_address(rest, &url.address) != 0)
        return URL_E_ADDRESS;
    if (url.plain && !address_is_loopback(url.address.host))
        return URL_E_PLAIN;
    *ret_url = url;
    return 0;
}

const char *url_error_text(int error) {
    switch (error) {
    case URL_E_SCHEME:
        return "a hub's address begins with https://";
    case URL_E_PLAIN:
        return "plain http is for this machine only: the token would be readable on "
               "the way";
    case URL_E_PATH:
        return "a hub's address has no path";
    case URL_E_TRUST:
        return "behind # stands the pin of the hub (43 characters) or the word web";
    default:
        return "a hub's address is https://HOST:PORT";
    }
}

char *url_print(const struct url *url) {
    char text[ADDRESS_TEXT_LEN];

    address_print(&url->address, text);
    return mem_printf("%s://%s", url->plain ? "http" : "https", text);
}
