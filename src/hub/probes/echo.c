#include "hub/probes/echo.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "hub/probes/echo_gate.h"
#include "loop/loop.h"
#include "loop/udp.h"

struct echo {
    struct udp *udp;        /* owned; NULL: there is none */
    struct echo_gate *gate; /* owned */
};

static void on_datagram(void *arg,
                        const struct sockaddr_storage *from,
                        struct slice bytes) {
    struct echo *echo = arg;

    if (echo_gate_answers(echo->gate, from, bytes, loop_clock_us()))
        udp_send(echo->udp, from, bytes);
}

struct echo *echo_new(struct loop *loop, unsigned port) {
    struct echo *echo = mem_new(sizeof(*echo));
    struct udp_config config = {
        .port = port,
        .on_datagram = on_datagram,
        .arg = echo,
    };

    echo->gate = echo_gate_new();
    int r = port > 0 ? udp_open(loop, &config, &echo->udp) : 0;
    if (r < 0)
        log_warning("UDP port %u: %s; there are no stability tests until [probe] "
                    "udp_port names a free one",
                    port, strerror(-r));
    return echo;
}

void echo_release(struct echo *echo) {
    echo->udp = udp_close(echo->udp);
}

struct echo *echo_free(struct echo *echo) {
    if (!echo)
        return NULL;
    udp_close(echo->udp);
    echo_gate_free(echo->gate);
    free(echo);
    return NULL;
}

struct echo_gate *echo_passes(struct echo *echo) {
    return echo->gate;
}

unsigned echo_port(const struct echo *echo) {
    return echo->udp ? udp_port(echo->udp) : 0;
}
