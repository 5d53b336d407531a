/*
 * grants - what users may do, for the commands that show and change it
 */
#pragma once

#include <stdbool.h>

#include "cli/terminal/table.h"
#include "roost/v1/users.pb-c.h"

struct cli;

/* "viewer of @home, owner of pi"; "administrator"; "nothing". A new string. */
char *grants_text(const Roost__V1__User *user);

/* A table of grants; with whose they are, if wanted. */
void grants_print(struct cli *cli,
                  Roost__V1__Grant *const *grants,
                  size_t count,
                  bool with_users);

/* The role that the word means: 0, or the status after telling. */
int grants_role(const struct cli *cli, const char *word, Roost__V1__Role *ret_role);

/* The option --lifetime, in seconds: 0, or the status after telling. */
int grants_lifetime(const struct cli *cli, uint32_t *ret_lifetime_s);
