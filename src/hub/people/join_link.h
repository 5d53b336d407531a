/*
 * join_link - the line that a node joins by: addresses, a token, a pin
 */
#pragma once

/* What goes into a link besides its secret; all borrowed. */
struct join_link {
    const char *addresses; /* [hub] address: "HOST:PORT[,HOST:PORT]"; "" when unset */
    const char *dialled;   /* the address by which the caller came; NULL: unknown */
    const char *pin;       /* of the hub's own CA; "": a public certificate is served */
};

/*
 * The line, to be freed, or NULL when no address is known. A warning is for whoever gets
 * it: the link does not work everywhere; else *ret_warning is untouched.
 */
char *join_link_make(const struct join_link *ask,
                     const char *secret,
                     const char **ret_warning);
