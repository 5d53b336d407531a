#include "cli/hub/bots.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/hub/hub.h"
#include "cli/hub/session.h"
#include "cli/terminal/table.h"
#include "cli/terminal/when.h"

Roost__V1__BotsResponse *bots_ask(struct session *session) {
    Roost__V1__BotsRequest request = ROOST__V1__BOTS_REQUEST__INIT;
    struct session_answer answer;
    struct session_ask ask = {
        .method = "/roost.v1.Admin/Bots",
        .request = &request.base,
        .reply_type = &roost__v1__bots_response__descriptor,
        .timeout_ms = HUB_CALL_MS,
    };
    Roost__V1__BotsResponse *bots = NULL;

    session_call(session, &ask, &answer);
    if (answer.status == GRPC_OK)
        bots = (Roost__V1__BotsResponse *)TAKE(answer.reply);
    session_answer_done(&answer);
    return bots;
}

bool bots_is_well(const Roost__V1__Bot *bot) {
    return bot->state == ROOST__V1__BOT_STATE__BOT_STATE_WORKS ||
           bot->state == ROOST__V1__BOT_STATE__BOT_STATE_STARTING;
}

static void add_name(struct buf *out, const Roost__V1__Bot *bot) {
    if (bot->name[0])
        buf_printf(out, "@%s ", bot->name);
}

char *bots_describe(const Roost__V1__Bot *bot) {
    char when[WHEN_LEN];
    struct buf out = { 0 };

    when_print(bot->since_ms, false, when);
    add_name(&out, bot);
    if (bot->state == ROOST__V1__BOT_STATE__BOT_STATE_WORKS)
        buf_printf(&out, "works since %s", when);
    else if (bots_is_well(bot))
        buf_add_text(&out, "is being asked who it is");
    else if (bot->state == ROOST__V1__BOT_STATE__BOT_STATE_MISTAKE)
        buf_add_text(&out, bot->trouble);
    else
        buf_printf(&out, "does not work since %s: %s", when, bot->trouble);
    if (bot->held_until_ms > 0) {
        when_print(bot->held_until_ms, true, when);
        buf_printf(&out, "; held back until %s (too many messages)", when);
    }
    if (bot->waiting > 0)
        buf_printf(&out, "; %llu messages wait", (unsigned long long)bot->waiting);
    return buf_take_text(&out);
}

void bots_print(struct cli *cli) {
    Roost__V1__BotsResponse *bots = bots_ask(cli->session);
    struct table *table = table_new();

    for (int i = 0; i < 2; i++)
        table_column(table, "", TABLE_LEFT);
    for (size_t i = 0; bots && i < bots->n_bots; i++) {
        const Roost__V1__Bot *bot = bots->bots[i];
        bool is_well = bots_is_well(bot);
        auto_(mem_freep) char *text = bots_describe(bot);
        table_cell(table, TERMINAL_BOLD, bot->platform);
        table_cell(table, is_well ? TERMINAL_PLAIN : TERMINAL_RED, text);
        if (is_well)
            continue;
        table_cell(table, TERMINAL_DIM, "remedy");
        table_cell(table, TERMINAL_YELLOW, bot->remedy);
    }
    if (bots && bots->n_bots > 0) {
        putchar('\n');
        table_print(table, &cli->terminal);
    }
    table_free(table);
    if (bots)
        pb_free(&bots->base);
}
