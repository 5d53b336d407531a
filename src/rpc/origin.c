#include "rpc/origin.h"

#include <string.h>
#include <strings.h>

#include "base/slice.h"
#include "rpc/exchange.h"

/* "[::1]:8000" and "nas:8000" without the port. */
static struct slice host_of(const char *authority) {
    const char *end = authority[0] == '[' ? strchr(authority, ']') : NULL;
    const char *colon = strrchr(authority, ':');

    if (end)
        return slice_of(authority + 1, (size_t)(end - authority) - 1);
    return slice_of(authority, colon ? (size_t)(colon - authority) : strlen(authority));
}

static bool is_configured(const char *authority, const char *const *hosts) {
    struct slice host = host_of(authority);

    for (; *hosts; hosts++)
        if (strlen(*hosts) == host.len &&
            strncasecmp(*hosts, (const char *)host.at, host.len) == 0)
            return true;
    return false;
}

bool origin_is_allowed(const struct exchange *exchange, const char *const *hosts) {
    const char *origin = headers_get(exchange->head, "origin");
    const char *site = headers_get(exchange->head, "sec-fetch-site");
    const char *authority = exchange_authority(exchange);

    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return false;
    if (!origin)
        return !site || is_configured(authority, hosts);
    const char *of_origin = strstr(origin, "://");
    return of_origin && strcasecmp(of_origin + 3, authority) == 0 &&
           is_configured(authority, hosts);
}
