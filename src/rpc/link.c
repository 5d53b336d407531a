#include "rpc/link.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "wire/headers.h"

enum { TEXT_MAX = 1024 }; /* of what an agent says of itself */

const char *link_transport_name(enum link_transport transport) {
    return transport == LINK_PTTH ? "ptth" : "ws";
}

void link_hello_write(struct headers *request, const struct link_hello *hello) {
    char *bearer = mem_printf("Bearer %s", hello->credential);

    headers_add(request, "authorization", bearer);
    free(bearer);
    headers_add(request, "roost-name", hello->name ? hello->name : "");
    headers_add(request, "roost-instance", hello->instance);
    headers_add(request, "roost-version", hello->version);
    headers_add(request, "roost-status", hello->status ? hello->status : "ok");
    headers_add(request, "roost-capabilities",
                hello->capabilities ? hello->capabilities : "");
    if (hello->networks && hello->networks[0])
        headers_add(request, "roost-networks", hello->networks);
    if (hello->intent != LINK_RUN)
        headers_add(request, "roost-intent",
                    hello->intent == LINK_JOIN ? "join" : "check");
}

const char *link_bearer(const struct headers *request, const char *field) {
    const char *value = headers_get(request, field);

    if (!value || strncasecmp(value, "bearer ", 7) != 0)
        return NULL;
    value += 7;
    return value + strspn(value, " ");
}

/* Texts of the agent reach people and messages that must be UTF-8: what is not plain is
 * as good as not said. */
static const char *text_of(const struct headers *request, const char *field) {
    const char *value = headers_get(request, field);

    for (const char *at = value; at && *at; at++)
        if (*at < ' ' || *at > '~' || at - value >= TEXT_MAX)
            return "";
    return value ? value : "";
}

static enum link_intent intent_of(const char *word) {
    if (strcmp(word, "join") == 0)
        return LINK_JOIN;
    return strcmp(word, "check") == 0 ? LINK_CHECK : LINK_RUN;
}

bool link_hello_read(const struct headers *request, struct link_hello *ret_hello) {
    struct link_hello hello = {
        .credential = link_bearer(request, "authorization"),
        .name = text_of(request, "roost-name"),
        .instance = text_of(request, "roost-instance"),
        .version = text_of(request, "roost-version"),
        .status = text_of(request, "roost-status"),
        .capabilities = text_of(request, "roost-capabilities"),
        .networks = text_of(request, "roost-networks"),
        .intent = intent_of(text_of(request, "roost-intent")),
    };

    if (!hello.credential || hello.instance[0] == '\0' || strlen(hello.instance) > 64)
        return false;
    *ret_hello = hello;
    return true;
}
