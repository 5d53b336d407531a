#include "hub/people/join_link.h"

#include <string.h>

#include "base/address.h"
#include "base/token.h"

/* The addresses for links: as configured, or as the caller dialled us. */
static size_t link_addresses(const char *configured,
                             const char *dialled,
                             struct address addresses[static TOKEN_LINK_ADDRESSES_MAX]) {
    const char *text = configured;
    size_t count = 0;

    if (text[0] == '\0')
        text = dialled ? dialled : "";
    while (*text && count < TOKEN_LINK_ADDRESSES_MAX) {
        size_t len = strcspn(text, ", ");
        if (len > 0 && address_parse(slice_of(text, len), &addresses[count]) == 0)
            count++;
        text += len + (text[len] != '\0');
    }
    return count;
}

char *join_link_make(const struct join_link *ask,
                     const char *secret,
                     const char **ret_warning) {
    struct token_link link = { 0 };

    link.address_count = link_addresses(ask->addresses, ask->dialled, link.addresses);
    if (link.address_count == 0)
        return NULL;
    memcpy(link.token, secret, sizeof(link.token));
    memcpy(link.pin, ask->pin, strlen(ask->pin) + 1);
    if (ask->addresses[0] == '\0' && address_is_loopback(link.addresses[0].host))
        *ret_warning =
            "the address in the link is this machine's own: agents elsewhere cannot "
            "reach it; set [hub] address in roost.conf";
    else if (ask->addresses[0] == '\0' && address_is_private(link.addresses[0].host))
        *ret_warning =
            "the address in the link works in this network only; set [hub] address in "
            "roost.conf for others";
    return token_link_print(&link);
}
