#include "hub/alerting/alert_rights.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/judge/alerts.h"
#include "alerts/rules/rule.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"

static enum actor_role role_on_name(const struct registry *registry,
                                    const struct actor *actor,
                                    const char *name) {
    const struct node *node = registry_find(registry, name);

    if (node)
        return node_role(node, actor);
    return actor_is_admin(actor) ? ACTOR_OWNER : ACTOR_NOBODY;
}

enum actor_role alert_rights_on(const struct registry *registry,
                                const struct actor *actor,
                                const struct incident *incident) {
    enum actor_role best = ACTOR_NOBODY;

    if (incident->node[0] != '\0')
        return role_on_name(registry, actor, incident->node);
    for (size_t i = 0; incident->nodes && incident->nodes[i]; i++) {
        enum actor_role role = role_on_name(registry, actor, incident->nodes[i]);
        best = role > best ? role : best;
    }
    return actor_is_admin(actor) ? ACTOR_OWNER : best;
}

bool alert_rights_see_rule(const struct actor *actor, const struct rule *rule) {
    return rule->owner[0] == '\0' || actor_is_admin(actor) ||
           strcmp(rule->owner, actor->name) == 0;
}

bool alert_rights_see(const struct registry *registry,
                      const struct alerts *alerts,
                      const struct actor *actor,
                      const struct incident *incident) {
    const struct rule *rule = alerts_find_rule(alerts, incident->rule);

    return alert_rights_on(registry, actor, incident) >= ACTOR_VIEWER &&
           (!rule || alert_rights_see_rule(actor, rule));
}

static bool means(const struct node *node, const char *select) {
    /* Whoever is asked for it: an administrator's eyes. */
    struct actor_rights rights = { .refs = 1, .admin = true };
    struct actor everybody = { .refs = 1, .name = "roost", .rights = &rights };

    return registry_is_meant(node, &everybody, strcmp(select, "*") == 0 ? "" : select);
}

bool alert_rights_all(const struct registry *registry,
                      const struct actor *actor,
                      const char *select,
                      enum actor_role role) {
    const struct node *node;
    size_t meant = 0;
    size_t at = 0;

    if (actor_is_admin(actor))
        return true;
    if (select[0] == '\0' || strcmp(select, "*") == 0)
        return false;
    while ((node = registry_next(registry, &at))) {
        if (!means(node, select))
            continue;
        if (node_role(node, actor) < role)
            return false;
        meant++;
    }
    return meant > 0;
}

bool alert_rights_some(const struct registry *registry,
                       const struct actor *actor,
                       const char *select) {
    const struct node *node;
    size_t at = 0;

    while ((node = registry_next(registry, &at)))
        if (registry_is_meant(node, actor, strcmp(select, "*") == 0 ? "" : select))
            return true;
    return false;
}

const char *alert_rights_rule(const struct registry *registry,
                              const struct actor *actor,
                              const struct rule *rule) {
    if (actor_is_admin(actor))
        return NULL;
    if (rule->is_built_in)
        return "only an administrator changes what is built in";
    if (rule->owner[0] == '\0')
        return alert_rights_all(registry, actor, rule->select, ACTOR_OWNER)
                   ? NULL
                   : "only who owns all its nodes makes a rule for everybody";
    if (strcmp(rule->owner, actor->name) != 0)
        return "it is somebody else's";
    if (rule_reaches_out(rule) &&
        !alert_rights_all(registry, actor, rule->select, ACTOR_OPERATOR))
        return "only who operates all its nodes has them probe something";
    if (rule->channels || rule->escalate_to)
        return "a rule of one's own tells nobody else";
    return alert_rights_some(registry, actor, rule->select)
               ? NULL
               : "it means no node that you may see";
}

const char *alert_rights_silence(const struct registry *registry,
                                 const struct actor *actor,
                                 const char *select,
                                 const char *created_by) {
    if (created_by && strcmp(created_by, actor->name) == 0)
        return NULL;
    if (alert_rights_all(registry, actor, select, ACTOR_OPERATOR))
        return NULL;
    return "only who operates all its nodes silences what others are told";
}
