#include "alerts/silence/silence.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/silence/silence_message.h"
#include "base/crypto.h"
#include "base/hex.h"
#include "base/mem.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

struct silence *silence_new(void) {
    struct silence *silence = mem_new(sizeof(*silence));
    uint8_t random[SILENCE_ID_LEN / 2];

    *silence = (struct silence) {
        .select = mem_strdup(""),
        .rule = mem_strdup(""),
        .reason = mem_strdup(""),
        .created_by = mem_strdup(""),
    };
    crypto_random(random, sizeof(random));
    hex_encode(silence->id, random, sizeof(random));
    return silence;
}

struct silence *silence_free(struct silence *silence) {
    if (!silence)
        return NULL;
    free(silence->select);
    free(silence->rule);
    free(silence->reason);
    free(silence->created_by);
    free(silence);
    return NULL;
}

int64_t silence_until(const struct silence *silence, int64_t now_ms) {
    int64_t every_ms = (int64_t)silence->every_ms;
    int64_t shift_ms = 0;

    if (now_ms < silence->starts_ms)
        return 0;
    if (every_ms > 0)
        shift_ms = (now_ms - silence->starts_ms) / every_ms * every_ms;
    return now_ms < silence->ends_ms + shift_ms ? silence->ends_ms + shift_ms : 0;
}

bool silence_is_over(const struct silence *silence, int64_t now_ms) {
    return silence->every_ms == 0 && now_ms >= silence->ends_ms;
}

void silence_write(const struct silence *silence, struct buf *out) {
    struct silence_message message;

    silence_message_init(&message, silence);
    pb_pack(out, &message.silence.base);
}

struct silence *silence_read(const char *id, struct slice bytes) {
    ProtobufCMessage *message;

    if (strlen(id) != SILENCE_ID_LEN ||
        pb_unpack(&roost__v1__silence__descriptor, bytes, &message) != 0)
        return NULL;
    const Roost__V1__Silence *from = (const Roost__V1__Silence *)message;
    struct silence *silence = silence_new();
    memcpy(silence->id, id, SILENCE_ID_LEN);
    incident_set(&silence->select, from->select);
    incident_set(&silence->rule, from->rule);
    incident_set(&silence->reason, from->reason);
    incident_set(&silence->created_by, from->created_by);
    silence->starts_ms = timestamp_get(from->starts);
    silence->ends_ms = timestamp_get(from->ends);
    silence->every_ms = (uint64_t)from->every_s * 1000;
    pb_free(message);
    return silence;
}
