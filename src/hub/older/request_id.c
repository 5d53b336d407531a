#include "hub/older/request_id.h"

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "rpc/exchange.h"
#include "wire/headers.h"

enum { BASE36_MAX = 14 }; /* of 64 bits in base 36, and a NUL */

static const char *print_base36(uint64_t value, char room[static BASE36_MAX]) {
    size_t at = BASE36_MAX - 1;

    room[at] = '\0';
    do {
        room[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[value % 36];
        value /= 36;
    } while (value > 0);
    return &room[at];
}

void request_id_add(const struct exchange *exchange, struct headers *head) {
    const char *id = headers_get(exchange->head, "x-request-id");
    char room[BASE36_MAX];

    headers_add(head, "x-request-id",
                id && id[0] ? id : print_base36((uint64_t)clock_wall_ns(), room));
}
