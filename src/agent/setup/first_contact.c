#include "agent/setup/first_contact.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/config.h"
#include "agent/link/uplink.h"
#include "agent/pulse.h"
#include "agent/setup/identity.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/name.h"
#include "loop/conn.h"
#include "loop/dialler.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "loop/tls.h"

enum {
    DIAL_TIMEOUT_MS = 15000,
    PIN_FILE_MAX = TOKEN_PIN_LEN + 2, /* people's editors end lines */
};

struct contact {
    const struct agent_config *config; /* borrowed: main */
    char *path;                        /* owned: of the pin */
    struct loop *loop;                 /* owned; NULL while nothing needs one */
    struct pulse pulse;
    struct tls_client *tls; /* owned: trusts anyone, to look */
    struct dial *dial;      /* owned; NULL when none is under way */
    struct uplink *uplink;  /* owned: joins; NULL before and between attempts */
    struct timer wait;
    unsigned backoff_ms;
    char pin[TOKEN_PIN_LEN + 1]; /* "" when not met yet, or of no interest */
    bool refused;
    struct identity identity;
    enum first_contact_end end;
};

/* 0 and 1 pin; CAs are trusted where a file of them is given, or by force. */
static bool wants_pin(const struct agent_config *config) {
    return !config->ca_file &&
           !(config->verify_ssl && strcmp(config->verify_ssl, "force") == 0);
}

static char *pin_path(const struct agent_config *config) {
    return file_join(config->state, "first-contact");
}

bool first_contact_pinned(const struct identity *identity) {
    return identity->secret_id[0] != '\0' && identity->pin_count > 0;
}

void first_contact_tell_changed(const struct agent_config *config) {
    char *path = pin_path(config);

    log_error("the hub's key has changed since first contact; if that was on purpose, "
              "delete %s and start again",
              path);
    free(path);
}

static int keep_pin(const char *path, const char *pin) {
    char *line = mem_printf("%s\n", pin);

    int r = file_write_atomic(path, slice_of_text(line), 0600);
    free(line);
    return r;
}

void first_contact_learn(const struct agent_config *config,
                         const struct identity *identity) {
    if (!first_contact_pinned(identity))
        return;
    char *path = pin_path(config);
    int r = keep_pin(path, identity->pins[identity->pin_count - 1]);
    if (r < 0)
        log_warning("%s: %s; the hub's next key is not kept there, ignoring", path,
                    strerror(-r));
    free(path);
}

static void end_with(struct contact *contact, enum first_contact_end end) {
    contact->end = end;
    loop_stop(contact->loop);
}

static void on_stop(void *arg, int signo) {
    log_info("stopping by signal %d", signo);
    end_with(arg, FIRST_CONTACT_STOPPED);
}

static void wait_and_retry(struct contact *contact) {
    uint32_t random;

    crypto_random(&random, sizeof(random));
    timer_start(contact->loop, &contact->wait,
                uplink_next_wait(&contact->backoff_ms,
                                 (unsigned)contact->config->backoff_max_ms, random));
}

/* --- joining --- */

static void on_joined(void *arg, const char *name, const char *credential) {
    struct contact *contact = arg;
    struct identity *identity = &contact->identity;

    snprintf(identity->name, sizeof(identity->name), "%s", name);
    snprintf(identity->credential, sizeof(identity->credential), "%s", credential);
    int r = identity_save(contact->config->state, identity);
    if (r < 0)
        log_error("%s: %s", contact->config->state, strerror(-r));
    else
        log_info("joined as %s; state is in %s", name, contact->config->state);
    end_with(contact, r < 0 ? FIRST_CONTACT_FAILED : FIRST_CONTACT_READY);
}

static void on_trouble(void *arg,
                       enum uplink_trouble trouble,
                       const char *error,
                       const char *message) {
    struct contact *contact = arg;

    if (trouble == UPLINK_MISMATCH) {
        log_error("%s; no secret was sent", message);
        first_contact_tell_changed(contact->config);
        contact->refused = true;
    } else if (trouble == UPLINK_REFUSED && strcmp(error, LINK_ERROR_BUSY) != 0) {
        log_error("the hub refuses AGENT_SECRET (%s): %s", error, message);
        contact->refused = true;
    } else {
        log_warning("first contact with the hub: %s; trying again", message);
    }
}

static void on_gave_up(void *arg) {
    struct contact *contact = arg;

    contact->uplink = uplink_free(contact->uplink);
    if (contact->refused)
        end_with(contact, FIRST_CONTACT_FAILED);
    else
        wait_and_retry(contact);
}

static bool has_pin(const struct identity *identity, const char *pin) {
    for (size_t i = 0; i < identity->pin_count; i++)
        if (strcmp(identity->pins[i], pin) == 0)
            return true;
    return false;
}

static void set_pin(struct identity *identity, char *pin) {
    identity->pin_count = 0;
    if (pin[0] != '\0')
        identity_set_pins(identity, &pin, 1);
}

/* What the variables say, over what is kept of an earlier join: the instance stays. */
static void make_identity(struct contact *contact) {
    const struct agent_config *config = contact->config;
    struct identity *identity = &contact->identity;
    uint8_t hash[TOKEN_HASH_LEN];
    char host[256] = "";

    if (identity->instance[0] == '\0')
        identity_make_instance(identity);
    identity->address_count = 1;
    identity->addresses[0].port = (uint16_t)config->port;
    snprintf(identity->addresses[0].host, sizeof(identity->addresses[0].host), "%s",
             config->server);
    snprintf(identity->credential, sizeof(identity->credential), "%s", config->secret);
    token_hash(config->secret, hash);
    token_id(hash, identity->secret_id);
    gethostname(host, sizeof(host) - 1);
    name_from_host(host, identity->name);
    set_pin(identity, contact->pin);
}

static void ask_in(struct contact *contact) {
    struct uplink_config config = {
        .identity = &contact->identity,
        .proxy = contact->config->proxy,
        .ca_file = contact->config->ca_file,
        .capabilities = "look",
        .backoff_max_ms = (unsigned)contact->config->backoff_max_ms,
        .join = true,
        .on_trouble = on_trouble,
        .on_joined = on_joined,
        .on_gave_up = on_gave_up,
        .arg = contact,
    };

    int r = uplink_new(contact->loop, &config, &contact->uplink);
    if (r >= 0)
        return;
    log_error("%s: %s", contact->config->ca_file ? contact->config->ca_file : "CA",
              strerror(-r));
    end_with(contact, FIRST_CONTACT_FAILED);
}

/* --- looking --- */

static int keep_what_was_seen(struct contact *contact) {
    const struct tls_mismatch *seen = tls_client_seen(contact->tls);

    int r = file_make_dirs(contact->config->state, 0700);
    if (r == 0)
        r = keep_pin(contact->path, seen->seen_pin);
    if (r < 0) {
        log_error("%s: %s", contact->path, strerror(-r));
        return r;
    }
    memcpy(contact->pin, seen->seen_pin, sizeof(contact->pin));
    log_info("first contact: the hub's key %s is kept in %s", contact->pin,
             contact->path);
    return 0;
}

static void on_dialled(void *arg,
                       struct conn *conn,
                       enum dial_step failed,
                       const char *why) {
    struct contact *contact = arg;

    contact->dial = NULL;
    if (!conn) {
        log_warning("first contact with the hub: %s; trying again", why);
        wait_and_retry(contact);
        return;
    }
    conn_close(conn);
    if (keep_what_was_seen(contact) < 0) {
        end_with(contact, FIRST_CONTACT_FAILED);
        return;
    }
    if (!has_pin(&contact->identity, contact->pin))
        set_pin(&contact->identity, contact->pin);
    contact->backoff_ms = 0;
    timer_start(contact->loop, &contact->wait, 0);
}

static void look(struct contact *contact) {
    const struct agent_config *config = contact->config;
    char *proxy =
        config->proxy ? mem_strdup(config->proxy) : dialler_proxy_for(config->server);
    struct dial_config dial = {
        .host = config->server,
        .port = (unsigned)config->port,
        .proxy = proxy,
        .tls = contact->tls,
        .alpn = "http/1.1",
        .timeout_ms = DIAL_TIMEOUT_MS,
        .on_done = on_dialled,
        .arg = contact,
    };

    contact->dial = dialler_start(contact->loop, &dial);
    free(proxy);
}

/* --- what is there, and what is left to do --- */

/* Was the identity made of these variables? */
static bool is_ours(const struct identity *identity, const struct agent_config *config) {
    uint8_t hash[TOKEN_HASH_LEN];
    char id[TOKEN_ID_LEN + 1];

    token_hash(config->secret, hash);
    token_id(hash, id);
    return strcmp(identity->secret_id, id) == 0 && identity->address_count == 1 &&
           identity->addresses[0].port == config->port &&
           strcmp(identity->addresses[0].host, config->server) == 0;
}

/* Does the identity trust what the settings say? A pinned one may know more pins. */
static bool trusts(const struct contact *contact) {
    if (!wants_pin(contact->config))
        return contact->identity.pin_count == 0;
    return contact->pin[0] != '\0' && has_pin(&contact->identity, contact->pin);
}

static void go_on(struct contact *contact) {
    if (wants_pin(contact->config) && contact->pin[0] == '\0')
        look(contact);
    else if (contact->identity.credential[0] == '\0' ||
             !is_ours(&contact->identity, contact->config)) {
        make_identity(contact);
        ask_in(contact);
    } else if (strcmp(contact->identity.credential, contact->config->secret) == 0) {
        ask_in(contact); /* the same once more */
    } else {
        int r = identity_save(contact->config->state, &contact->identity);
        if (r < 0)
            log_error("%s: %s", contact->config->state, strerror(-r));
        end_with(contact, r < 0 ? FIRST_CONTACT_FAILED : FIRST_CONTACT_READY);
    }
}

static void on_wait(struct timer *timer) {
    go_on(container_of(timer, struct contact, wait));
}

/* Reads the pin that is kept: 0 when there is one or none, else -errno. */
static int read_pin(struct contact *contact) {
    struct buf text = { 0 };

    int r = file_read(contact->path, PIN_FILE_MAX, &text);
    if (r == 0) {
        char *line = (char *)buf_text(&text);
        line[strcspn(line, "\r\n")] = '\0';
        if (token_is_pin(line))
            memcpy(contact->pin, line, sizeof(contact->pin));
        else
            r = -EBADMSG;
    }
    buf_done(&text);
    return r == -ENOENT ? 0 : r == -EFBIG ? -EBADMSG : r;
}

static void run(struct contact *contact) {
    struct tls_trust anyone = { .insecure = true };

    contact->loop = loop_new();
    contact->pulse = (struct pulse) {
        .loop = contact->loop,
        .on_stop = on_stop,
        .arg = contact,
    };
    pulse_start(&contact->pulse);
    int r = tls_client_new(&anyone, NULL, &contact->tls);
    if (r < 0) {
        log_error("TLS: %s", strerror(-r));
        contact->end = FIRST_CONTACT_FAILED;
    } else {
        timer_start(contact->loop, &contact->wait, 0);
        loop_run(contact->loop);
    }
    timer_stop(&contact->wait);
    dialler_cancel(contact->dial);
    uplink_free(contact->uplink);
    pulse_stop(&contact->pulse);
    tls_client_free(contact->tls);
    loop_free(contact->loop);
}

/* What is kept already; false when the folder cannot be used. */
static bool read_state(struct contact *contact, bool anew) {
    int r = wants_pin(contact->config) ? read_pin(contact) : 0;
    if (r < 0) {
        log_error("%s: %s", contact->path,
                  r == -EBADMSG ? "it holds no key; delete it to take the hub's anew"
                                : strerror(-r));
        return false;
    }
    r = identity_load(contact->config->state, &contact->identity);
    if (r < 0) {
        log_error("%s/identity: %s", contact->config->state, strerror(-r));
        return false;
    }
    if (r != 0)
        contact->identity = (struct identity) { 0 };
    if (anew)
        contact->identity.secret_id[0] = '\0';
    return true;
}

enum first_contact_end first_contact_make(const struct agent_config *config,
                                          bool anew,
                                          struct identity *ret_identity) {
    struct contact contact = {
        .config = config,
        .path = pin_path(config),
        .wait.fire = on_wait,
        .end = FIRST_CONTACT_FAILED,
    };

    if (read_state(&contact, anew)) {
        if (is_ours(&contact.identity, config) && trusts(&contact)) {
            contact.end = FIRST_CONTACT_READY;
        } else {
            if (is_ours(&contact.identity, config))
                set_pin(&contact.identity, contact.pin);
            run(&contact);
        }
    }
    if (contact.end == FIRST_CONTACT_READY)
        *ret_identity = contact.identity;
    mem_wipe(&contact.identity, sizeof(contact.identity));
    free(contact.path);
    return contact.end;
}
