#include "hub/gate/roles.h"

#include <stddef.h>
#include <string.h>

/* Entries of all tables are methods ("/pkg.Service/Method"), or with a '/' at the end
 * whole services. */

static const char *const open_methods[] = {
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/roost.v1.Tokens/Claim",
    NULL,
};

static const char *const agent_methods[] = {
    "/roost.v1.Gateway/",
    NULL,
};

static const char *const admin_methods[] = {
    "/roost.v1.Admin/Storage",
    "/roost.v1.Admin/Bots",
    "/roost.v1.Alerts/ListChannels",
    "/roost.v1.Alerts/PutChannel",
    "/roost.v1.Alerts/RemoveChannel",
    "/roost.v1.Alerts/TestChannel",
    "/roost.v1.Groups/Set",
    "/roost.v1.Groups/Remove",
    "/roost.v1.Tokens/List",
    "/roost.v1.Tokens/Revoke",
    "/roost.v1.Users/Invite",
    "/roost.v1.Users/Remove",
    NULL,
};

/* Who says what is durable makes an agent forget it. */
static const char *const hub_only_methods[] = {
    "/roost.v1.Link/",
    "/roost.v1.Host/Samples",
    "/roost.v1.Transfer/",
    NULL,
};

/* An agent cannot call its hub, so the hub drives what is between the two of them. */
static const char *const hub_led_methods[] = {
    "/roost.v1.Probe/SpeedTest",
    "/roost.v1.Probe/Stability",
    NULL,
};

/* The first entry that fits counts; without one it is the operator. */
static const struct {
    const char *method;
    enum actor_role role;
} node_methods[] = {
    { "/roost.v1.Host/", ACTOR_VIEWER },
    { "/grpc.health.v1.Health/", ACTOR_VIEWER },
    { "/grpc.reflection.v1.ServerReflection/", ACTOR_VIEWER },
    { "/grpc.reflection.v1alpha.ServerReflection/", ACTOR_VIEWER },
    { "/roost.v1.Processes/List", ACTOR_VIEWER },
    { "/roost.v1.Processes/Get", ACTOR_VIEWER },
    { "/roost.v1.Processes/Top", ACTOR_VIEWER },
    { "/roost.v1.Units/List", ACTOR_VIEWER },
    { "/roost.v1.Units/Get", ACTOR_VIEWER },
    { "/roost.v1.Usage/", ACTOR_VIEWER },
    { "/roost.v1.Power/Status", ACTOR_VIEWER },
    { "/roost.v1.Acts/", ACTOR_VIEWER },
};

/* Is it a back end's, so in none of the tables? Most calls are. */
static bool is_foreign(const char *method) {
    return strncmp(method, "/roost.v1.", 10) != 0 && strncmp(method, "/grpc.", 6) != 0;
}

static bool fits(const char *entry, const char *method) {
    size_t len = strlen(entry);
    return entry[len - 1] == '/' ? strncmp(entry, method, len) == 0
                                 : strcmp(entry, method) == 0;
}

static bool is_in(const char *const *entries, const char *method) {
    if (is_foreign(method))
        return false;
    while (*entries && !fits(*entries, method))
        entries++;
    return *entries != NULL;
}

bool roles_is_open(const char *method) {
    return is_in(open_methods, method);
}

bool roles_is_for_agents(const char *method) {
    return is_in(agent_methods, method);
}

bool roles_is_admin_only(const char *method) {
    return is_in(admin_methods, method);
}

bool roles_is_hub_only(const char *method) {
    return is_in(hub_only_methods, method);
}

bool roles_is_hub_led(const char *method) {
    return is_in(hub_led_methods, method);
}

enum actor_role roles_needed(const char *method) {
    if (is_foreign(method))
        return ACTOR_OPERATOR;
    for (size_t i = 0; i < sizeof(node_methods) / sizeof(node_methods[0]); i++)
        if (fits(node_methods[i].method, method))
            return node_methods[i].role;
    return ACTOR_OPERATOR;
}
