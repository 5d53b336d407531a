#include "agent/setup/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/setup/identity.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/version.h"
#include "loop/loop.h"
#include "loop/tls.h"
#include "rpc/link_dial.h"
#include "wire/json_writer.h"
#include "wire/utf8.h"

enum {
    TIMEOUT_MS = 15000,
    STEPS_MAX = 8, /* DNS, TCP, proxy, TLS, pin, upgrade, token */
};

struct step {
    const char *name;   /* borrowed: a literal */
    const char *remedy; /* borrowed: a literal; NULL: it went well */
    char *result;       /* owned */
};

struct doctor {
    const struct doctor_config *config; /* borrowed: the caller */
    struct loop *loop;                  /* owned */
    struct tls_client *tls;             /* owned; trusts one pin */
    const char *pin;                    /* borrowed: the identity; NULL: system CAs */
    struct step steps[STEPS_MAX];       /* of the way that is tried */
    size_t step_count;
    bool has_other_key; /* the hub showed another key than the pin's */
    bool works;
    struct json_writer json;
    struct buf out; /* owned */
};

/* Takes the result. remedy NULL: the step went well. */
static void add_step(struct doctor *doctor,
                     const char *name,
                     const char *remedy,
                     char *result) {
    if (doctor->step_count == STEPS_MAX) {
        free(result);
        return;
    }
    doctor->steps[doctor->step_count++] = (struct step) { name, remedy, result };
}

static void forget_steps(struct doctor *doctor) {
    for (size_t i = 0; i < doctor->step_count; i++)
        free(doctor->steps[i].result);
    doctor->step_count = 0;
}

static void add_trust(struct doctor *doctor) {
    const char *ca_file = doctor->config->ca_file;

    if (doctor->pin)
        add_step(doctor, "pin", NULL, mem_strdup(doctor->pin));
    else if (ca_file)
        add_step(doctor, "pin", NULL,
                 mem_printf("the CAs of %s and the host name", ca_file));
    else
        add_step(doctor, "pin", NULL, mem_strdup("the system's CAs and the host name"));
}

static void on_step(void *arg, enum dial_step step, const char *text) {
    struct doctor *doctor = arg;

    add_step(doctor, dialler_step_name(step), NULL, mem_strdup(text));
    if (step == DIAL_TLS)
        add_trust(doctor);
}

static const char *const step_remedies[] = {
    [DIAL_RESOLVE] = "check the hub's name and this host's DNS (/etc/resolv.conf)",
    [DIAL_CONNECT] =
        "is the hub running, and does a firewall on the way let this port through?",
    [DIAL_PROXY] = "check https_proxy or [hub] proxy, its user and password",
    [DIAL_TLS] =
        "is this address the hub's own? An inspecting proxy shows as another issuer",
};

static void add_unreached(struct doctor *doctor, const struct link_dial_result *result) {
    const struct tls_mismatch *seen = tls_client_seen(doctor->tls);
    bool is_shown = result->step == DIAL_TLS && seen && seen->seen_pin[0] != '\0';

    doctor->has_other_key = is_shown && seen->expected_pin[0] != '\0' &&
                            strcmp(seen->expected_pin, seen->seen_pin) != 0;
    if (doctor->has_other_key)
        add_step(doctor, "pin",
                 "if the hub's key was changed: roost-agent join LINK with a fresh link",
                 mem_printf("%s: expected %s, seen %s, issued by %s", result->message,
                            seen->expected_pin, seen->seen_pin, seen->issuer));
    else if (is_shown)
        add_step(doctor, dialler_step_name(result->step), step_remedies[result->step],
                 mem_printf("%s: issued by %s", result->message, seen->issuer));
    else
        add_step(doctor, dialler_step_name(result->step), step_remedies[result->step],
                 mem_strdup(result->message));
}

static void on_done(void *arg, const struct link_dial_result *result) {
    struct doctor *doctor = arg;

    switch (result->end) {
    case LINK_DIAL_READY:
        add_step(doctor, "upgrade", NULL, mem_strdup("the connection turns around"));
        add_step(doctor, "token", NULL, mem_strdup("the hub knows this agent"));
        doctor->works = true;
        break;
    case LINK_DIAL_UNREACHED:
        add_unreached(doctor, result);
        break;
    case LINK_DIAL_NO_UPGRADE:
        add_step(doctor, "upgrade",
                 "if something stands in front of the hub, let it pass WebSocket "
                 "upgrades to /link",
                 mem_strdup(result->message));
        break;
    case LINK_DIAL_REFUSED:
        add_step(doctor, "upgrade", NULL, mem_strdup("the hub answers"));
        add_step(doctor, "token",
                 "roost token new on a machine that is logged in, then roost-agent join "
                 "LINK",
                 mem_strdup(result->message));
        break;
    }
    loop_stop(doctor->loop);
}

static void dial(struct doctor *doctor,
                 const struct address *address,
                 enum link_transport transport,
                 const char *proxy) {
    const struct identity *identity = doctor->config->identity;
    struct link_dial_config config = {
        .dial = {
            .host = address->host,
            .port = address->port,
            .proxy = proxy,
            .tls = doctor->tls,
            .timeout_ms = TIMEOUT_MS,
        },
        .transport = transport,
        .hello = {
            .credential = identity->credential,
            .name = identity->name,
            .instance = identity->instance,
            .version = ROOST_VERSION,
            .intent = LINK_CHECK,
        },
        .on_step = on_step,
        .on_done = on_done,
        .arg = doctor,
    };

    forget_steps(doctor);
    doctor->has_other_key = false;
    link_dial_start(doctor->loop, &config);
    loop_run(doctor->loop);
}

/* 0 or -errno, told already. */
static int trust_pin(struct doctor *doctor, const char *pin) {
    struct tls_trust trust = { .pin = pin, .ca_file = doctor->config->ca_file };

    doctor->tls = tls_client_free(doctor->tls);
    doctor->pin = pin;
    int r = tls_client_new(&trust, NULL, &doctor->tls);
    if (r < 0)
        fprintf(stderr, "roost-agent: %s: %s\n", trust.ca_file ? trust.ca_file : "CA",
                strerror(-r));
    return r;
}

/* With each key that is trusted, until the hub has that one. 0 or -errno. */
static int try_pins(struct doctor *doctor,
                    const struct address *address,
                    enum link_transport transport,
                    const char *proxy) {
    const struct identity *identity = doctor->config->identity;
    size_t left = identity->pin_count;
    int r;

    do {
        const char *pin = left > 0 ? identity->pins[left - 1] : NULL;
        r = trust_pin(doctor, pin);
        if (r == 0)
            dial(doctor, address, transport, proxy);
    } while (r == 0 && doctor->has_other_key && left-- > 1);
    return r;
}

static void print_steps(const struct doctor *doctor) {
    for (size_t i = 0; i < doctor->step_count; i++) {
        const struct step *step = &doctor->steps[i];
        printf("  %-8s %s  %s\n", step->name, step->remedy ? "FAIL" : "ok  ",
               step->result);
        if (step->remedy)
            printf("           try: %s\n", step->remedy);
    }
}

static void put_text(struct json_writer *json, const char *name, const char *text) {
    json_writer_name(json, slice_of_text(name));
    bool is_text = utf8_is_valid(slice_of_text(text)); /* a certificate may be anything */
    json_writer_text(json, slice_of_text(is_text ? text : "(not UTF-8)"));
}

static void put_flag(struct json_writer *json, const char *name, bool flag) {
    json_writer_name(json, slice_of_text(name));
    json_writer_raw(json, slice_of_text(flag ? "true" : "false"));
}

static void put_steps(struct doctor *doctor) {
    struct json_writer *json = &doctor->json;

    json_writer_name(json, slice_of_text("steps"));
    json_writer_open_array(json);
    for (size_t i = 0; i < doctor->step_count; i++) {
        const struct step *step = &doctor->steps[i];
        json_writer_open_object(json);
        put_text(json, "step", step->name);
        put_flag(json, "ok", !step->remedy);
        put_text(json, "result", step->result);
        if (step->remedy)
            put_text(json, "remedy", step->remedy);
        json_writer_close_object(json);
    }
    json_writer_close_array(json);
}

/* 0 or -errno. */
static int try_way(struct doctor *doctor,
                   const struct address *address,
                   enum link_transport transport) {
    auto_(mem_freep) char *proxy = doctor->config->proxy
                                       ? mem_strdup(doctor->config->proxy)
                                       : dialler_proxy_for(address->host);
    char text[ADDRESS_TEXT_LEN];

    int r = try_pins(doctor, address, transport, proxy);
    if (r < 0)
        return r;
    address_print(address, text);
    if (!doctor->config->json) {
        printf("%s by %s%s\n", text, link_transport_name(transport),
               proxy ? " through a proxy" : "");
        print_steps(doctor);
        return 0;
    }
    json_writer_open_object(&doctor->json);
    put_text(&doctor->json, "address", text);
    put_text(&doctor->json, "transport", link_transport_name(transport));
    put_flag(&doctor->json, "proxy", proxy);
    put_steps(doctor);
    json_writer_close_object(&doctor->json);
    return 0;
}

/* Every address both ways. 0 or -errno. */
static int try_all(struct doctor *doctor) {
    const struct identity *identity = doctor->config->identity;
    int r = 0;

    for (size_t i = 0; i < identity->address_count && r == 0; i++) {
        r = try_way(doctor, &identity->addresses[i], LINK_PTTH);
        if (r == 0)
            r = try_way(doctor, &identity->addresses[i], LINK_WEBSOCKET);
    }
    return r;
}

static void print_sum(struct doctor *doctor) {
    if (!doctor->config->json) {
        puts(doctor->works ? "this agent can reach its hub"
                           : "this agent cannot reach its hub");
        return;
    }
    json_writer_close_array(&doctor->json);
    put_flag(&doctor->json, "ok", doctor->works);
    json_writer_close_object(&doctor->json);
    puts(buf_text(&doctor->out));
}

int doctor_run(const struct doctor_config *config) {
    struct doctor doctor = { .config = config, .loop = loop_new() };

    json_writer_init(&doctor.json, &doctor.out, true);
    json_writer_open_object(&doctor.json);
    json_writer_name(&doctor.json, slice_of_text("ways"));
    json_writer_open_array(&doctor.json);
    if (try_all(&doctor) == 0)
        print_sum(&doctor);
    forget_steps(&doctor);
    buf_done(&doctor.out);
    tls_client_free(doctor.tls);
    loop_free(doctor.loop);
    return doctor.works ? 0 : 1;
}
