#include "alerts/channel/channel_webhook.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alerts/channel/channel.h"
#include "alerts/channel/template.h"
#include "alerts/incidents/incident.h"
#include "alerts/incidents/incident_message.h"
#include "base/crypto.h"
#include "base/hex.h"
#include "base/mem.h"
#include "wire/json_writer.h"
#include "wire/pbjson.h"

enum { HMAC_BLOCK = 64 };

static const char type_name[] = "content-type:";

void channel_webhook_print(const struct incident *incident, struct buf *out) {
    const struct pbjson_style style = { .with_defaults = true };
    struct incident_message message;
    char *why = NULL;

    incident_message_init(&message, incident);
    if (pbjson_write(out, &message.incident.base, &style, &why) != 0)
        buf_add_text(out, "{}"); /* a time out of range: only a broken clock has it */
    free(why);
    incident_message_done(&message);
}

static const char *type_of(const struct channel *channel) {
    for (size_t i = 0; channel->list && channel->list[i]; i++)
        if (strncasecmp(channel->list[i], type_name, sizeof(type_name) - 1) == 0)
            return channel->list[i] + sizeof(type_name) - 1;
    return NULL;
}

bool channel_webhook_has_type(const struct channel *channel) {
    return type_of(channel) != NULL;
}

static int render(const struct channel *channel, struct slice json, struct buf *out) {
    const char *type = type_of(channel);

    return template_render(out, channel->template, json, type && !strstr(type, "json"));
}

/* The object with one member more: its title. */
static void add_title(struct buf *json, const char *title) {
    if (json->len < 2)
        return;
    bool is_empty = json->data[json->len - 2] == '{';
    json->len--;
    buf_add_text(json, is_empty ? "\"title\":" : ",\"title\":");
    json_writer_quote(json, slice_of_text(title));
    buf_add_byte(json, '}');
}

int channel_webhook_body(const struct channel *channel,
                         const struct incident *incident,
                         const char *title,
                         struct buf *out) {
    struct buf json = { 0 };
    int r = 0;

    channel_webhook_print(incident, &json);
    if (channel->template[0]) {
        add_title(&json, title);
        r = render(channel, buf_slice(&json), out);
    } else {
        buf_add_slice(out, buf_slice(&json));
    }
    buf_done(&json);
    return r;
}

int channel_webhook_note(const struct channel *channel,
                         const char *title,
                         const char *text,
                         struct buf *out) {
    struct buf json = { 0 };
    int r = 0;

    buf_add_text(&json, "{\"text\":");
    json_writer_quote(&json, slice_of_text(text));
    buf_add_byte(&json, '}');
    add_title(&json, title);
    if (channel->template[0])
        r = render(channel, buf_slice(&json), out);
    else
        buf_add_slice(out, buf_slice(&json));
    buf_done(&json);
    return r;
}

/* RFC 2104. */
static void hmac(struct slice key,
                 struct slice text,
                 uint8_t ret_mac[CRYPTO_SHA256_LEN]) {
    uint8_t block[HMAC_BLOCK] = { 0 };
    struct buf inner = { 0 };
    uint8_t outer[HMAC_BLOCK + CRYPTO_SHA256_LEN];

    if (key.len > HMAC_BLOCK)
        crypto_sha256(key.at, key.len, block);
    else if (key.len > 0)
        memcpy(block, key.at, key.len);
    for (size_t i = 0; i < HMAC_BLOCK; i++) {
        buf_add_byte(&inner, block[i] ^ 0x36);
        outer[i] = block[i] ^ 0x5c;
    }
    buf_add_slice(&inner, text);
    crypto_sha256(inner.data, inner.len, &outer[HMAC_BLOCK]);
    crypto_sha256(outer, sizeof(outer), ret_mac);
    mem_wipe(block, sizeof(block));
    mem_wipe(outer, sizeof(outer));
    mem_wipe(inner.data, HMAC_BLOCK);
    buf_done(&inner);
}

void channel_webhook_sign(const char *secret,
                          struct slice body,
                          char ret_text[static CHANNEL_WEBHOOK_SIGNATURE_LEN + 1]) {
    uint8_t mac[CRYPTO_SHA256_LEN];

    hmac(slice_of_text(secret), body, mac);
    memcpy(ret_text, "sha256=", 7);
    hex_encode(ret_text + 7, mac, sizeof(mac));
}
