#include "cli/people/grants.h"

#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/nodes/node_cells.h"
#include "cli/terminal/units.h"

static const char *role_word(Roost__V1__Role role) {
    static const char *const words[] = { "nobody", "viewer", "operator", "owner" };
    return (unsigned)role < 4 ? words[role] : "unknown";
}

char *grants_text(const Roost__V1__User *user) {
    struct buf text = { 0 };

    if (user->admin)
        buf_add_text(&text, "administrator");
    for (size_t i = 0; !user->admin && i < user->n_grants; i++)
        buf_printf(&text, "%s%s of %s", i > 0 ? ", " : "",
                   role_word(user->grants[i]->role), user->grants[i]->nodes);
    if (text.len == 0)
        buf_add_text(&text, "nothing");
    return buf_take_text(&text);
}

static void add_row(struct table *table, const Roost__V1__Grant *grant, bool with_user) {
    int64_t expires_ms = node_cells_time_ms(grant->expires);
    int64_t now_ms = clock_wall_ms();
    char text[UNITS_LEN] = "";

    if (with_user)
        table_cell(table, TERMINAL_BOLD, grant->user);
    table_cell(table, TERMINAL_PLAIN, grant->nodes);
    table_cell(table, TERMINAL_PLAIN, role_word(grant->role));
    if (expires_ms > 0)
        units_ago(expires_ms, now_ms, text);
    table_cell(table,
               expires_ms > 0 && expires_ms <= now_ms ? TERMINAL_RED : TERMINAL_PLAIN,
               text);
    table_cell(table, TERMINAL_DIM, grant->granted_by);
}

void grants_print(struct cli *cli,
                  Roost__V1__Grant *const *grants,
                  size_t count,
                  bool with_users) {
    struct table *table = table_new();

    if (with_users)
        table_column(table, "USER", TABLE_LEFT);
    table_column(table, "NODES", TABLE_FLEXIBLE);
    table_column(table, "ROLE", TABLE_LEFT);
    table_column(table, "EXPIRES", TABLE_LEFT);
    table_column(table, "GRANTED BY", TABLE_LEFT);
    for (size_t i = 0; i < count; i++)
        add_row(table, grants[i], with_users);
    if (count > 0 || with_users)
        table_print(table, &cli->terminal);
    table_free(table);
}

int grants_role(const struct cli *cli, const char *word, Roost__V1__Role *ret_role) {
    for (Roost__V1__Role role = ROOST__V1__ROLE__VIEWER; role <= ROOST__V1__ROLE__OWNER;
         role++)
        if (strcasecmp(role_word(role), word) == 0) {
            *ret_role = role;
            return 0;
        }
    return cli_usage(cli, "%s: a role is viewer, operator or owner", word);
}

int grants_lifetime(const struct cli *cli, uint32_t *ret_lifetime_s) {
    uint64_t lifetime_ms = 0;

    int r = cli_duration(cli, "lifetime", &lifetime_ms);
    if (r != 0)
        return r;
    if (lifetime_ms / 1000 > UINT32_MAX ||
        (args_has(cli->args, "lifetime") && lifetime_ms < 1000))
        return cli_usage(cli, "--lifetime: from 1s to 100 years");
    *ret_lifetime_s = (uint32_t)(lifetime_ms / 1000);
    return 0;
}
