#include "agent/first_contact.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config.h"
#include "agent/identity.h"
#include "agent/join.h"
#include "agent/uplink.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/dialler.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "loop/tls.h"

enum { DIAL_TIMEOUT_MS = 15000 };

/* The connection that shows us the hub's key. */
struct contact {
    const struct agent_config *config; /* borrowed: main */
    struct loop *loop;                 /* owned */
    struct tls_client *tls;            /* owned */
    struct timer wait;
    unsigned backoff_ms;
    char pin[TOKEN_PIN_LEN + 1];
};

static void look(struct contact *contact);

static void on_wait(struct timer *timer) {
    look(container_of(timer, struct contact, wait));
}

static void on_dialled(void *arg,
                       struct conn *conn,
                       enum dial_step failed,
                       const char *why) {
    struct contact *contact = arg;
    uint32_t random;

    if (conn) {
        const struct tls_mismatch *seen = tls_client_seen(contact->tls);
        snprintf(contact->pin, sizeof(contact->pin), "%s", seen->seen_pin);
        conn_close(conn);
        loop_stop(contact->loop);
        return;
    }
    crypto_random(&random, sizeof(random));
    unsigned wait_ms = uplink_next_wait(
        &contact->backoff_ms, (unsigned)contact->config->backoff_max_ms, random);
    log_warning("first contact with the hub: %s; trying again in %u ms", why, wait_ms);
    timer_start(contact->loop, &contact->wait, wait_ms);
}

static void look(struct contact *contact) {
    struct dial_config dial = {
        .host = contact->config->server,
        .port = (unsigned)contact->config->port,
        .proxy = contact->config->proxy,
        .tls = contact->tls,
        .alpn = "http/1.1",
        .timeout_ms = DIAL_TIMEOUT_MS,
        .on_done = on_dialled,
        .arg = contact,
    };
    dialler_start(contact->loop, &dial);
}

/* Meets the hub and keeps its key in the file. 0 or -errno. */
static int pin_now(const struct agent_config *config,
                   const char *path,
                   char ret_pin[static TOKEN_PIN_LEN + 1]) {
    struct contact contact = { .config = config, .wait.fire = on_wait };
    struct tls_trust trust = { .insecure = true };

    int r = tls_client_new(&trust, NULL, &contact.tls);
    if (r < 0)
        return r;
    contact.loop = loop_new();
    look(&contact);
    loop_run(contact.loop);
    tls_client_free(contact.tls);
    loop_free(contact.loop);
    r = file_make_dirs(config->state, 0700);
    if (r == 0)
        r = file_write_atomic(path, slice_of_text(contact.pin), 0600);
    if (r < 0)
        return r;
    log_info("first contact: the hub's key %s is kept in %s", contact.pin, path);
    memcpy(ret_pin, contact.pin, sizeof(contact.pin));
    return 0;
}

static int read_pin(const struct agent_config *config,
                    char ret_pin[static TOKEN_PIN_LEN + 1]) {
    char *path = first_contact_path(config);
    struct buf text = { 0 };

    int r = file_read(path, TOKEN_PIN_LEN, &text);
    if (r == 0 && !token_is_pin(buf_text(&text)))
        r = -EBADMSG;
    if (r == 0)
        memcpy(ret_pin, buf_text(&text), TOKEN_PIN_LEN + 1);
    else if (r == -ENOENT)
        r = pin_now(config, path, ret_pin);
    if (r < 0)
        fprintf(stderr, "roost-agent: %s: %s\n", path, strerror(-r));
    buf_done(&text);
    free(path);
    return r;
}

char *first_contact_path(const struct agent_config *config) {
    return file_join(config->state, "first-contact");
}

/* Was the identity made for this server? */
static bool is_for(const struct identity *identity, const struct agent_config *config) {
    return identity->address_count == 1 && identity->addresses[0].port == config->port &&
           strcmp(identity->addresses[0].host, config->server) == 0;
}

static int join_with_secret(const struct agent_config *config, const char *pin) {
    struct token_link link = { .address_count = 1 };

    link.addresses[0].port = (uint16_t)config->port;
    snprintf(link.addresses[0].host, sizeof(link.addresses[0].host), "%s",
             config->server);
    snprintf(link.token, sizeof(link.token), "%s", config->secret);
    snprintf(link.pin, sizeof(link.pin), "%s", pin);
    char *text = token_link_print(&link);
    struct join_config join = {
        .link = text,
        .state = config->state,
        .proxy = config->proxy,
        .ca_file = config->ca_file,
    };
    int status = join_run(&join);
    mem_wipe(text, strlen(text));
    free(text);
    mem_wipe(&link, sizeof(link));
    return status;
}

int first_contact_make(const struct agent_config *config, struct identity *ret_identity) {
    bool pinned = !config->ca_file &&
                  !(config->verify_ssl && strcmp(config->verify_ssl, "force") == 0);
    char pin[TOKEN_PIN_LEN + 1] = "";
    struct identity identity;

    if (pinned && read_pin(config, pin) < 0)
        return 1;
    if (identity_load(config->state, &identity) != 0 || !is_for(&identity, config)) {
        int status = join_with_secret(config, pin);
        if (status != 0)
            return status;
        if (identity_load(config->state, &identity) != 0)
            return 1;
    }
    if (pinned && identity.pin_count <= 1) {
        char *pins[] = { pin };
        identity_set_pins(&identity, pins, 1);
    }
    *ret_identity = identity;
    return 0;
}
