#include "agent/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/identity.h"
#include "base/mem.h"
#include "base/version.h"
#include "loop/loop.h"
#include "loop/tls.h"
#include "rpc/link_dial.h"

enum { TIMEOUT_MS = 15000 };

struct doctor {
    const struct doctor_config *config; /* borrowed: the caller */
    struct loop *loop;                  /* owned */
    struct tls_client *tls;             /* owned */
    bool works;
};

static void say(const char *step, bool good, const char *text) {
    printf("  %-8s %s  %s\n", step, good ? "ok  " : "FAIL", text);
}

static void remedy(const char *text) {
    printf("           try: %s\n", text);
}

static void on_step(void *arg, enum dial_step step, const char *text) {
    say(dialler_step_name(step), true, text);
}

static const char *const step_remedies[] = {
    [DIAL_RESOLVE] = "check the hub's name and this host's DNS (/etc/resolv.conf)",
    [DIAL_CONNECT] =
        "is the hub running, and does a firewall on the way let this port through?",
    [DIAL_PROXY] = "check https_proxy or [hub] proxy, its user and password",
    [DIAL_TLS] =
        "is this address the hub's own? An inspecting proxy shows as another issuer",
};

static void tell_unreached(struct doctor *doctor, const struct link_dial_result *result) {
    const struct tls_mismatch *seen = tls_client_seen(doctor->tls);

    say(dialler_step_name(result->step), false, result->message);
    if (result->step == DIAL_TLS && seen && seen->seen_pin[0] != '\0') {
        printf("           expected pin %s\n           seen pin     %s\n           "
               "issuer       %s\n",
               seen->expected_pin[0] ? seen->expected_pin : "(none)", seen->seen_pin,
               seen->issuer);
        if (strcmp(seen->expected_pin, seen->seen_pin) != 0) {
            remedy(
                "if the hub's key was changed: roost-agent join LINK with a fresh link");
            return;
        }
    }
    remedy(step_remedies[result->step]);
}

static void on_done(void *arg, const struct link_dial_result *result) {
    struct doctor *doctor = arg;

    switch (result->end) {
    case LINK_DIAL_READY:
        say("upgrade", true, "the connection turns around");
        say("token", true, "the hub knows this agent");
        doctor->works = true;
        break;
    case LINK_DIAL_UNREACHED:
        tell_unreached(doctor, result);
        break;
    case LINK_DIAL_NO_UPGRADE:
        say("upgrade", false, result->message);
        remedy("if something stands in front of the hub, let it pass WebSocket upgrades "
               "to /link");
        break;
    case LINK_DIAL_REFUSED:
        say("upgrade", true, "the hub answers");
        say("token", false, result->message);
        remedy(
            "roost token new on a machine that is logged in, then roost-agent join LINK");
        break;
    }
    loop_stop(doctor->loop);
}

static void try_way(struct doctor *doctor,
                    const struct address *address,
                    enum link_transport transport) {
    const struct identity *identity = doctor->config->identity;
    char *proxy = doctor->config->proxy ? mem_strdup(doctor->config->proxy)
                                        : dialler_proxy_for(address->host);
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
    char text[ADDRESS_TEXT_LEN];

    address_print(address, text);
    printf("%s by %s%s%s\n", text, link_transport_name(transport),
           proxy ? " through " : "", proxy ? "a proxy" : "");
    link_dial_start(doctor->loop, &config);
    loop_run(doctor->loop);
    free(proxy);
}

int doctor_run(const struct doctor_config *config) {
    const struct identity *identity = config->identity;
    struct doctor doctor = { .config = config };
    struct tls_trust trust = {
        .pin = identity->pin_count > 0 ? identity->pins[identity->pin_count - 1] : NULL,
        .ca_file = config->ca_file,
    };

    int r = tls_client_new(&trust, NULL, &doctor.tls);
    if (r < 0) {
        fprintf(stderr, "roost-agent: %s: %s\n", config->ca_file ? config->ca_file : "CA",
                strerror(-r));
        return 1;
    }
    doctor.loop = loop_new();
    for (size_t i = 0; i < identity->address_count; i++) {
        try_way(&doctor, &identity->addresses[i], LINK_PTTH);
        try_way(&doctor, &identity->addresses[i], LINK_WEBSOCKET);
    }
    puts(doctor.works ? "this agent can reach its hub"
                      : "this agent cannot reach its hub");
    tls_client_free(doctor.tls);
    loop_free(doctor.loop);
    return doctor.works ? 0 : 1;
}
