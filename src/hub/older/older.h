/*
 * older - what clients of the older hub expect to hear, byte for byte
 *
 * Its methods begin with "/internal." (the hub's own) or "/external." (the nodes'). Their
 * clients know these codes and these texts, and nothing that would help a person more.
 */
#pragma once

#include <stdbool.h>

struct call;
struct node;

/* "/internal.Hub/...", served by the hub. */
bool older_is_internal(const char *method);

/* "/external.Fluentd/...", served by nodes. */
bool older_is_external(const char *method);

/* May a caller without a credential ask for it, where the settings let such callers in?
 */
bool older_is_anonymous(const char *method);

/* Neither served here nor a node's. */
void older_fail_unknown(struct call *call);

/* A node's method without the metadata key "name". */
void older_fail_nameless(struct call *call);

/* No node of that name is there: unknown, offline, or not to be seen by the caller. */
void older_fail_absent(struct call *call);

/* The call goes to its node now: a lost link is told as the older hub tells it. */
void older_begin(struct call *call);

/* What the node is called among them: the text that it gave, if it came without a
 * credential. Lent. */
const char *older_name(const struct node *node);
