#include "cli/forward/forward_spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char LOOPBACK[] = "127.0.0.1";
static const char FORM[] = "write [[ADDR:]PORT:]HOST:PORT, IPv6 addresses in brackets";

/* The colons outside brackets from the right: where the n-th one is; NULL: not so many.
 */
static const char *find_colon(const char *text, unsigned n) {
    bool inside = false;

    for (const char *at = text + strlen(text); at > text; at--) {
        if (at[-1] == ']')
            inside = true;
        else if (at[-1] == '[')
            inside = false;
        else if (at[-1] == ':' && !inside && --n == 0)
            return at - 1;
    }
    return NULL;
}

static void set_host(struct address *address, const char *host) {
    snprintf(address->host, sizeof(address->host), "%s", host);
}

int forward_spec_parse_local(const char *text,
                             struct address *ret_local,
                             const char **ret_why) {
    struct address local;

    if (address_parse_listen(slice_of_text(text), &local) != 0) {
        *ret_why = "where to listen is [ADDR:]PORT";
        return -EINVAL;
    }
    if (local.host[0] == '\0' && text[0] != '*' && text[0] != ':')
        set_host(&local, LOOPBACK);
    *ret_local = local;
    return 0;
}

static int parse_whole(const char *text,
                       struct forward_spec *spec,
                       const char **ret_why) {
    const char *cut = find_colon(text, 2);
    struct slice to = slice_of_text(cut ? cut + 1 : text);
    char local[ADDRESS_TEXT_LEN];

    if (address_parse(to, &spec->to) != 0) {
        *ret_why = FORM;
        return -EINVAL;
    }
    if (!cut) {
        set_host(&spec->local, LOOPBACK);
        spec->local.port = spec->to.port;
        return 0;
    }
    if ((size_t)(cut - text) >= sizeof(local)) {
        *ret_why = FORM;
        return -EINVAL;
    }
    snprintf(local, sizeof(local), "%.*s", (int)(cut - text), text);
    spec->chose_port = true;
    return forward_spec_parse_local(local, &spec->local, ret_why);
}

int forward_spec_parse(const char *text,
                       struct forward_spec *ret_spec,
                       const char **ret_why) {
    struct forward_spec spec = { 0 };
    char whole[ADDRESS_TEXT_LEN];

    if (text[0] != '\0' && strspn(text, "0123456789") == strlen(text) &&
        strlen(text) < 6) {
        snprintf(whole, sizeof(whole), "%s:%s", LOOPBACK, text);
        text = whole;
    }
    int r = parse_whole(text, &spec, ret_why);
    if (r == 0)
        *ret_spec = spec;
    return r;
}
