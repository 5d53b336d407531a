#include "agent/policy/policy_needs.h"

#include <stdbool.h>

#include "agent/policy/policy.h"

/* --- the unit --- */

void policy_needs_unit(const struct policy *policy, struct buf *out) {
    bool kills = policy_allows(policy, POLICY_SIGNAL, NULL);
    bool probes = policy_allows(policy, POLICY_PROBE, NULL);
    bool reads_logs = policy_allows(policy, POLICY_LOGS, NULL);
    const char *space = kills && probes ? " " : "";
    const char *kill = kills ? "CAP_KILL" : "";
    const char *probe = probes ? "CAP_NET_RAW" : "";

    if (!kills && !probes && !reads_logs)
        return;
    buf_add_text(out, "# " POLICY_NEEDS_MARK "\n[Service]\n");
    if (kills)
        buf_add_text(out, "# allow signal: processes of every user\n");
    if (probes)
        buf_add_text(out, "# allow probe: ICMP\n");
    if (kills || probes) {
        buf_printf(out, "CapabilityBoundingSet=%s%s%s\n", kill, space, probe);
        buf_printf(out, "AmbientCapabilities=%s%s%s\n", kill, space, probe);
    }
    if (reads_logs)
        buf_add_text(out, "# allow logs: the journal\n"
                          "SupplementaryGroups=systemd-journal\n");
}

/* --- polkit --- */

/* A glob as a regular expression between slashes. */
static void add_pattern(const char *glob, struct buf *out) {
    buf_add_text(out, "/^");
    for (; *glob; glob++) {
        if (*glob == '*')
            buf_add_text(out, ".*");
        else if (*glob == '?')
            buf_add_byte(out, '.');
        else if ((*glob >= '0' && *glob <= '9') || (*glob >= 'a' && *glob <= 'z') ||
                 (*glob >= 'A' && *glob <= 'Z') || *glob == '-' || *glob == '_')
            buf_add_byte(out, (uint8_t)*glob);
        else
            buf_printf(out, "\\x%02x", (unsigned)(uint8_t)*glob);
    }
    buf_add_text(out, "$/");
}

/* The patterns of all rules of the verb that allow, or that deny. */
static void add_patterns(const struct policy *policy,
                         enum policy_verb verb,
                         enum policy_act act,
                         struct buf *out) {
    const struct policy_rules *rules = policy_rules(policy);
    bool is_first = true;

    buf_add_byte(out, '[');
    for (size_t i = 0; i < rules->count; i++) {
        const struct policy_rule *rule = &rules->items[i];
        if (rule->verb != verb || rule->act != act)
            continue;
        buf_add_text(out, is_first ? "" : ", ");
        add_pattern(rule->object ? rule->object : "*", out);
        is_first = false;
    }
    buf_add_byte(out, ']');
}

/* Enabling tells polkit of no unit: only who may touch all of them may do it. */
static bool has_all_units(const struct policy *policy) {
    const struct policy_rules *rules = policy_rules(policy);
    bool has_all = false;

    for (size_t i = 0; i < rules->count; i++) {
        const struct policy_rule *rule = &rules->items[i];
        if (rule->verb != POLICY_UNITS || rule->act == POLICY_SIGN)
            continue;
        if (rule->act == POLICY_DENY)
            return false;
        has_all |= !rule->object || slice_is_text(slice_of_text(rule->object), "*");
    }
    return has_all;
}

static void add_units(const struct policy *policy, struct buf *out) {
    buf_add_text(out,
                 "    if (action.id == \"org.freedesktop.systemd1.manage-units\") {\n"
                 "        var unit = String(action.lookup(\"unit\"));\n"
                 "        var is_it = function (glob) { return glob.test(unit); };\n"
                 "        if (");
    add_patterns(policy, POLICY_UNITS, POLICY_ALLOW, out);
    buf_add_text(out, ".some(is_it) &&\n            !");
    add_patterns(policy, POLICY_UNITS, POLICY_DENY, out);
    buf_add_text(out, ".some(is_it))\n            return polkit.Result.YES;\n    }\n");
    if (has_all_units(policy))
        buf_add_text(
            out,
            "    if (action.id == \"org.freedesktop.systemd1.manage-unit-files\" ||\n"
            "        action.id == \"org.freedesktop.systemd1.reload-daemon\")\n"
            "        return polkit.Result.YES;\n");
}

static void add_power(const char *object, const char *action, struct buf *out) {
    buf_printf(out,
               "    // allow power %s\n"
               "    if ([\"%s\", \"%s-multiple-sessions\",\n"
               "         \"%s-ignore-inhibit\"]\n"
               "            .some(function (id) {\n"
               "                return action.id == \"org.freedesktop.login1.\" + id;\n"
               "            }))\n"
               "        return polkit.Result.YES;\n",
               object, action, action, action);
}

void policy_needs_polkit(const struct policy *policy, struct buf *out) {
    bool units = policy_allows(policy, POLICY_UNITS, NULL);
    bool reboots = policy_allows(policy, POLICY_POWER, "reboot");
    bool halts = policy_allows(policy, POLICY_POWER, "shutdown");

    if (!units && !reboots && !halts)
        return;
    buf_add_text(out, "// " POLICY_NEEDS_MARK "\n"
                      "polkit.addRule(function (action, subject) {\n"
                      "    if (subject.user != \"roost-agent\")\n"
                      "        return polkit.Result.NOT_HANDLED;\n");
    if (units)
        add_units(policy, out);
    if (reboots)
        add_power("reboot", "reboot", out);
    if (halts)
        add_power("shutdown", "power-off", out);
    if (reboots || halts)
        buf_add_text(out,
                     "    if (action.id == \"org.freedesktop.login1.set-wall-message\")\n"
                     "        return polkit.Result.YES;\n");
    buf_add_text(out, "    return polkit.Result.NOT_HANDLED;\n});\n");
}
