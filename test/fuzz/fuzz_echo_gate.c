/*
 * Whatever comes from wherever, the echo answers nothing but its test's own datagrams.
 * The first bytes choose the sender; the rest is the datagram, whose id is made right
 * when the first bit says so.
 */
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "hub/probes/echo_gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sockaddr_storage from = { 0 };
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    uint8_t bytes[2048];

    if (size < 7 || size - 7 > sizeof(bytes))
        return 0;
    struct echo_gate *gate = echo_gate_new();
    struct echo_pass *pass = echo_gate_admit(gate, "192.0.2.7:1", SIZE, 10);
    memcpy(&v4.sin_addr, data + 1, 4);
    memcpy(&v4.sin_port, data + 5, 2);
    memcpy(&from, &v4, sizeof(v4));
    size_t len = size - 7;
    memcpy(bytes, data + 7, len);
    bool knows = (data[0] & 1) && len >= ECHO_GATE_ID_LEN;
    if (knows)
        memcpy(bytes, echo_gate_id(pass), ECHO_GATE_ID_LEN);
    bool is_own = knows && len == SIZE && memcmp(data + 1, "\xc0\x00\x02\x07", 4) == 0;
    assert(echo_gate_answers(gate, &from, slice_of(bytes, len), 1) == is_own);
    echo_gate_dismiss(pass);
    echo_gate_free(gate);
    return 0;
}
