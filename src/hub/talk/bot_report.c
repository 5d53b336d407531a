#include "hub/talk/bot_report.h"

#include "chat/telegram/telegram.h"
#include "wire/pb.h"

#define REMEDY_NETWORK                                                                   \
    "is [telegram] api_url right? is a proxy needed (https_proxy)? The hub goes on "     \
    "trying"
#define REMEDY_WEBHOOK                                                                   \
    "look at the proxy in front of webhook_url, its certificate and its port"
#define REMEDY_RIVAL   "one bot serves one hub: end the other program, or make a second bot"
#define REMEDY_REFUSED "set [telegram] token, then: systemctl reload roostd"
#define REMEDY_MISTAKE "mend the setting, then: systemctl reload roostd"

static int64_t wall_of(const struct bot_report_facts *facts, uint64_t loop_ms) {
    return facts->wall_ms + (int64_t)(loop_ms - facts->loop_ms);
}

static const struct {
    Roost__V1__BotState state;
    const char *remedy;
} reports[] = {
    [TELEGRAM_STARTING] = { ROOST__V1__BOT_STATE__BOT_STATE_STARTING, "" },
    [TELEGRAM_WORKS] = { ROOST__V1__BOT_STATE__BOT_STATE_WORKS, "" },
    [TELEGRAM_TROUBLE] = { ROOST__V1__BOT_STATE__BOT_STATE_TROUBLE, REMEDY_NETWORK },
    [TELEGRAM_RIVAL] = { ROOST__V1__BOT_STATE__BOT_STATE_RIVAL, REMEDY_RIVAL },
    [TELEGRAM_REFUSED] = { ROOST__V1__BOT_STATE__BOT_STATE_REFUSED, REMEDY_REFUSED },
    [TELEGRAM_OFF] = { ROOST__V1__BOT_STATE__BOT_STATE_MISTAKE, REMEDY_MISTAKE },
};

bool bot_report_write(const struct telegram_status *status,
                      const struct bot_report_facts *facts,
                      Roost__V1__Bot *ret_bot) {
    enum telegram_state state = status->state;
    bool is_well = state == TELEGRAM_WORKS || state == TELEGRAM_STARTING;

    if (state == TELEGRAM_OFF && !facts->mistake)
        return false;
    roost__v1__bot__init(ret_bot);
    ret_bot->platform = pb_lend("telegram");
    ret_bot->name = pb_lend(status->name);
    ret_bot->state = reports[state].state;
    ret_bot->since_ms = wall_of(facts, status->since_ms);
    ret_bot->trouble = pb_lend(is_well ? "" : status->why);
    ret_bot->remedy = pb_lend(reports[state].remedy);
    if (state == TELEGRAM_TROUBLE && facts->is_webhook)
        ret_bot->remedy = pb_lend(REMEDY_WEBHOOK);
    if (facts->mistake) {
        ret_bot->state = ROOST__V1__BOT_STATE__BOT_STATE_MISTAKE;
        ret_bot->trouble = pb_lend(facts->mistake);
        ret_bot->remedy = pb_lend(REMEDY_MISTAKE);
    }
    if (status->held_until_ms > 0)
        ret_bot->held_until_ms = wall_of(facts, status->held_until_ms);
    ret_bot->waiting = status->waiting;
    return true;
}
