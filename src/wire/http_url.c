#include "wire/http_url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

static int refuse(const char *why, const char **ret_why) {
    *ret_why = why;
    return -EINVAL;
}

static unsigned default_port(const struct http_url *url) {
    return url->is_plain ? HTTP_PORT : HTTPS_PORT;
}

/* Takes "http:" or "https:". */
static bool take_scheme(const char **at, bool *ret_is_plain) {
    bool is_plain = strncasecmp(*at, "http:", 5) == 0;

    if (!is_plain && strncasecmp(*at, "https:", 6) != 0)
        return false;
    *at += is_plain ? 5 : 6;
    *ret_is_plain = is_plain;
    return true;
}

static bool is_clean(const char *text) {
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || *text == 0x7f)
            return false;
    return true;
}

/* "HOST" or "HOST:PORT"; an IPv6 address in brackets. */
static bool read_authority(struct http_url *url, struct slice text) {
    char whole[ADDRESS_TEXT_LEN + 1];
    const char *bracket = memchr(text.at, ']', text.len);
    const char *colon = memchr(text.at, ':', text.len);

    if (text.len == 0 || text.len > ADDRESS_TEXT_LEN - 7)
        return false;
    bool has_port =
        bracket ? bracket[1] == ':' && bracket + 1 < (const char *)text.at + text.len
                : colon != NULL;
    if (!has_port)
        snprintf(whole, sizeof(whole), "%.*s:%u", (int)text.len, text.at,
                 default_port(url));
    else
        snprintf(whole, sizeof(whole), "%.*s%s", (int)text.len, text.at,
                 text.at[text.len - 1] == ':' ? (url->is_plain ? "80" : "443") : "");
    return address_parse(slice_of_text(whole), &url->to) == 0;
}

/* "//HOST[:PORT][/TARGET]", the scheme being known. */
static int read_rest(struct http_url *url, const char *text, const char **ret_why) {
    if (strncmp(text, "//", 2) != 0)
        return refuse("a URL begins with http:// or https://", ret_why);
    text += 2;
    size_t len = strcspn(text, "/?#");
    if (memchr(text, '@', len))
        return refuse("a name and a password in a URL are not used", ret_why);
    if (!read_authority(url, slice_of(text, len)))
        return refuse("the host or the port in the URL is none", ret_why);
    text += len;
    snprintf(url->target, sizeof(url->target), "%s%.*s", *text == '/' ? "" : "/",
             (int)strcspn(text, "#"), text);
    return 0;
}

int http_url_parse(const char *text, struct http_url *ret_url, const char **ret_why) {
    struct http_url url = { 0 };

    if (strlen(text) >= HTTP_URL_MAX - 1)
        return refuse("the URL is too long", ret_why);
    if (!is_clean(text))
        return refuse("blanks and control characters in a URL are written as %XX",
                      ret_why);
    if (!take_scheme(&text, &url.is_plain))
        return refuse("a URL begins with http:// or https://", ret_why);
    int r = read_rest(&url, text, ret_why);
    if (r == 0)
        *ret_url = url;
    return r;
}

/* Has it a scheme of its own? */
static bool is_absolute(const char *location) {
    size_t len = strcspn(location, ":/?#");
    return len > 0 && location[len] == ':';
}

/* A path or a query that counts from the one of `url`. */
static int read_relative(struct http_url *url,
                         const char *location,
                         const char **ret_why) {
    char target[HTTP_URL_MAX];
    size_t kept = 0;

    if (location[0] == '?') {
        kept = strcspn(url->target, "?");
    } else if (location[0] == '\0' || location[0] == '#') {
        return 0;
    } else if (location[0] != '/') {
        size_t path = strcspn(url->target, "?");
        while (path > 0 && url->target[path - 1] != '/')
            path--;
        kept = path;
    }
    int len = snprintf(target, sizeof(target), "%.*s%.*s", (int)kept, url->target,
                       (int)strcspn(location, "#"), location);
    if (len >= (int)sizeof(target))
        return refuse("the URL is too long", ret_why);
    memcpy(url->target, target, (size_t)len + 1);
    return 0;
}

int http_url_join(const struct http_url *base,
                  const char *location,
                  struct http_url *ret_url,
                  const char **ret_why) {
    struct http_url url = *base;

    if (is_absolute(location))
        return http_url_parse(location, ret_url, ret_why);
    if (strlen(location) >= HTTP_URL_MAX - 1)
        return refuse("the URL is too long", ret_why);
    if (!is_clean(location))
        return refuse("blanks and control characters in a URL are written as %XX",
                      ret_why);
    int r = strncmp(location, "//", 2) == 0 ? read_rest(&url, location, ret_why)
                                            : read_relative(&url, location, ret_why);
    if (r == 0)
        *ret_url = url;
    return r;
}

char *http_url_authority(const struct http_url *url) {
    bool has_brackets = strchr(url->to.host, ':') != NULL;
    char port[8] = "";

    if (url->to.port != default_port(url))
        snprintf(port, sizeof(port), ":%u", url->to.port);
    return mem_printf("%s%s%s%s", has_brackets ? "[" : "", url->to.host,
                      has_brackets ? "]" : "", port);
}

char *http_url_print(const struct http_url *url) {
    auto_(mem_freep) char *authority = http_url_authority(url);
    return mem_printf("http%s://%s%s", url->is_plain ? "" : "s", authority, url->target);
}
