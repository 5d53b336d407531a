#include "agent/power/power_wake.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "agent/acts/act.h"
#include "agent/power/wake.h"
#include "base/buf.h"
#include "base/mem.h"
#include "rpc/invocation.h"

enum { SENT_MAX = 64 }; /* networks of one host */

/* Takes the texts apart that stand in it with a NUL behind each. */
static void reply_sent(struct act *act, struct buf *sent) {
    Roost__V1__WakeResponse response = ROOST__V1__WAKE_RESPONSE__INIT;
    char *texts[SENT_MAX];

    response.sent = texts;
    for (size_t at = 0; at < sent->len && response.n_sent < SENT_MAX;) {
        char *text = (char *)sent->data + at;
        texts[response.n_sent++] = text;
        at += strlen(text) + 1;
    }
    act_reply(act, &response.base);
}

static void wake(struct act *act, const Roost__V1__WakeRequest *request) {
    const char *interface = *request->interface ? request->interface : NULL;
    uint8_t packet[WAKE_PACKET_MAX], mac[WAKE_MAC_LEN], password[WAKE_MAC_LEN];
    struct buf sent = { 0 };

    wake_read_mac(request->mac, mac);
    bool has_password = wake_read_mac(request->password, password) == 0;
    size_t len = wake_make(mac, has_password ? password : NULL, packet);
    int r = wake_send(packet, len, interface, &sent);
    if (r == 0)
        reply_sent(act, &sent);
    else if (r == -ENODEV)
        act_fail(act, GRPC_FAILED_PRECONDITION,
                 interface ? "%s is not up, or has no broadcast address"
                           : "this host has no network with a broadcast address%s",
                 interface ? interface : "");
    else
        act_fail(act, GRPC_UNAVAILABLE, "the packet was not sent: %s", strerror(-r));
    buf_done(&sent);
}

void power_wake(struct acts *acts,
                struct invocation *invocation,
                const Roost__V1__WakeRequest *request) {
    uint8_t mac[WAKE_MAC_LEN];
    struct act *act;

    if (wake_read_mac(request->mac, mac) < 0 ||
        (*request->password && wake_read_mac(request->password, mac) < 0)) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "mac and password: six bytes, such as aa:bb:cc:dd:ee:ff");
        return;
    }
    auto_(mem_freep) char *what = mem_printf("wake %s", request->mac);
    struct act_question question = {
        .verb = POLICY_POWER,
        .object = "wake",
        .operation_id = request->operation_id,
        .what = what,
    };
    if (act_begin(acts, invocation, &question, &act))
        wake(act, request);
}
