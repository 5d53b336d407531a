#include "agent/setup/join.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/link/uplink.h"
#include "agent/setup/identity.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/name.h"
#include "loop/loop.h"

struct joining {
    const struct join_config *config; /* borrowed: the caller */
    struct identity identity;
    struct loop *loop; /* owned */
    int status;
};

/* The link as given, or the first line of standard input; to be freed, NULL when there is
 * none. */
static char *read_link(const char *given) {
    char line[TOKEN_LINK_MAX + 2];

    if (strcmp(given, "-") != 0)
        return mem_strdup(given);
    if (isatty(STDIN_FILENO))
        fprintf(stderr, "join link: ");
    if (!fgets(line, sizeof(line), stdin))
        return NULL;
    char *link = mem_strdup(line);
    mem_wipe(line, sizeof(line));
    return link;
}

static void on_trouble(void *arg,
                       enum uplink_trouble trouble,
                       const char *error,
                       const char *message) {
    fprintf(stderr, "roost-agent: join: %s\n", message);
    if (trouble == UPLINK_MISMATCH)
        fprintf(stderr, "no token was sent; is something between this host and the hub "
                        "reading along?\n"
                        "try: roost token new, and join with its fresh link\n");
    else if (trouble == UPLINK_REFUSED)
        fprintf(stderr, "try: roost token new, and join with its fresh link\n");
    else
        fprintf(stderr, "try: roost-agent doctor\n");
}

static void on_gave_up(void *arg) {
    struct joining *joining = arg;

    joining->status = 1;
    loop_stop(joining->loop);
}

static void on_joined(void *arg, const char *name, const char *credential) {
    struct joining *joining = arg;
    struct identity *identity = &joining->identity;

    snprintf(identity->name, sizeof(identity->name), "%s", name);
    snprintf(identity->credential, sizeof(identity->credential), "%s", credential);
    int r = identity_save(joining->config->state, identity);
    if (r < 0) {
        fprintf(stderr, "roost-agent: %s: %s\n", joining->config->state, strerror(-r));
        joining->status = 1;
    } else {
        fprintf(stderr, "joined as %s; state is in %s\n", name, joining->config->state);
    }
    loop_stop(joining->loop);
}

/* What the link says, over what is kept of an earlier join: the instance stays. */
static int prepare(struct joining *joining, const char *text) {
    struct identity *identity = &joining->identity;
    struct token_link link;
    char host[256] = "";

    int r = token_link_parse(text, &link);
    if (r != 0) {
        fprintf(stderr,
                "roost-agent: join: %s\ntry: copy the whole link that roost token new "
                "printed\n",
                token_error_text(r));
        return 2;
    }
    r = identity_load(joining->config->state, identity);
    if (r < 0) {
        fprintf(stderr, "roost-agent: %s: %s\n", joining->config->state, strerror(-r));
        return 1;
    }
    if (r != 0) {
        memset(identity, 0, sizeof(*identity));
        identity_make_instance(identity);
    }
    memcpy(identity->addresses, link.addresses, sizeof(link.addresses));
    identity->address_count = link.address_count;
    char *pins[] = { link.pin };
    identity->pin_count = 0;
    identity->secret_id[0] = '\0';
    if (link.pin[0] != '\0')
        identity_set_pins(identity, pins, 1);
    memcpy(identity->credential, link.token, sizeof(link.token));
    gethostname(host, sizeof(host) - 1);
    name_from_host(joining->config->name ? joining->config->name : host, identity->name);
    mem_wipe(&link, sizeof(link));
    return 0;
}

int join_run(const struct join_config *config) {
    struct joining joining = { .config = config };
    struct uplink *uplink = NULL;

    char *text = read_link(config->link);
    if (!text) {
        fprintf(stderr, "roost-agent: join: no link on standard input\n");
        return 2;
    }
    int r = prepare(&joining, text);
    mem_wipe(text, strlen(text));
    free(text);
    if (r != 0)
        return r;

    joining.loop = loop_new();
    struct uplink_config uplink_config = {
        .identity = &joining.identity,
        .proxy = config->proxy,
        .ca_file = config->ca_file,
        .capabilities = "look",
        .backoff_max_ms = UPLINK_BACKOFF_MAX_MS,
        .join = true,
        .on_trouble = on_trouble,
        .on_joined = on_joined,
        .on_gave_up = on_gave_up,
        .arg = &joining,
    };
    r = uplink_new(joining.loop, &uplink_config, &uplink);
    if (r < 0) {
        fprintf(stderr, "roost-agent: %s: %s\n", config->ca_file ? config->ca_file : "CA",
                strerror(-r));
        joining.status = 1;
    } else {
        loop_run(joining.loop);
    }
    uplink_free(uplink);
    loop_free(joining.loop);
    mem_wipe(&joining.identity, sizeof(joining.identity));
    return joining.status;
}
