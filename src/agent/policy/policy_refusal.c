#include "agent/policy/policy_refusal.h"

#include <stdlib.h>

#include "agent/policy/policy.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/headers.h"

/* ": line 3 of /etc/roost/policy.conf, deny tcp *:22" */
static void add_denial(const struct policy *policy,
                       const struct policy_rule *denied,
                       struct buf *out) {
    if (denied->line > 0)
        buf_printf(out, ": line %u of %s, ", denied->line, policy_path(policy));
    else
        buf_add_text(out, ": ");
    policy_rules_print(denied, out);
    if (denied->act == POLICY_SIGN)
        buf_add_text(out, ", which cannot be signed");
}

void policy_refusal_make(const struct policy *policy,
                         enum policy_verb verb,
                         const char *object,
                         const struct policy_rule *denied,
                         struct policy_refusal *ret_refusal) {
    const char *trouble = policy_trouble(policy);
    const char *space = object ? " " : "";
    struct buf why = { 0 };

    object = object ? object : "";
    buf_printf(&why, "the policy of this host %s %s%s%s",
               denied ? "denies" : "does not allow", policy_rules_verb(verb), space,
               object);
    if (denied)
        add_denial(policy, denied, &why);
    else if (trouble)
        buf_printf(&why, ": %s", trouble);
    ret_refusal->remedy = denied || trouble
                              ? mem_strdup("roost-agent policy")
                              : mem_printf("roost-agent allow %s%s%s",
                                           policy_rules_verb(verb), space, object);
    ret_refusal->why = buf_take_text(&why);
}

void policy_refusal_add(const struct policy_refusal *refusal, struct headers *trailers) {
    headers_add(trailers, "roost-remedy", refusal->remedy);
}

void policy_refusal_log(const struct policy_refusal *refusal, const char *user) {
    log_info("refused %s%s: %s", user[0] ? "" : "the hub itself", user, refusal->why);
}

void policy_refusal_done(struct policy_refusal *refusal) {
    free(refusal->why);
    free(refusal->remedy);
}
