#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/token.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/bots.h"
#include "cli/hub/hub.h"
#include "cli/hub/profile.h"
#include "cli/hub/url.h"
#include "cli/output.h"
#include "cli/terminal/table.h"
#include "loop/tls.h"
#include "roost/v1/tokens.pb-c.h"

/* One examination. */
struct doctor {
    struct cli *cli;     /* borrowed: the caller */
    struct table *table; /* owned; steps for a person */
    struct buf json;     /* owned; the same as members of an array */
    int code;            /* of the first failure */
};

/* Notes a step; remedy is NULL when it went well. */
static void note(struct doctor *doctor,
                 const char *step,
                 const char *result,
                 const char *remedy) {
    const struct terminal *terminal = &doctor->cli->terminal;

    table_cell(doctor->table, remedy ? TERMINAL_RED : TERMINAL_GREEN,
               remedy ? terminal_sign(terminal, "\xe2\x9c\x97", "FAILED")
                      : terminal_sign(terminal, "\xe2\x9c\x93", "ok"));
    table_cell(doctor->table, TERMINAL_BOLD, step);
    table_cell(doctor->table, TERMINAL_PLAIN, result);
    if (remedy) {
        table_cell(doctor->table, TERMINAL_PLAIN, "");
        table_cell(doctor->table, TERMINAL_DIM, "remedy");
        table_cell(doctor->table, TERMINAL_YELLOW, remedy);
    }
    buf_add_text(&doctor->json,
                 doctor->json.len ? ",\n  {\"step\": " : "\n  {\"step\": ");
    output_add_string(&doctor->json, step);
    buf_printf(&doctor->json, ", \"ok\": %s, \"result\": ", remedy ? "false" : "true");
    output_add_string(&doctor->json, result);
    if (remedy) {
        buf_add_text(&doctor->json, ", \"remedy\": ");
        output_add_string(&doctor->json, remedy);
    }
    buf_add_byte(&doctor->json, '}');
}

static int fail(struct doctor *doctor,
                int code,
                const char *step,
                const char *result,
                const char *remedy) {
    note(doctor, step, result, remedy);
    doctor->code = code;
    return code;
}

static void on_step(void *arg, enum dial_step step, const char *text) {
    note(arg, dialler_step_name(step), text ? text : "", NULL);
}

static const char *remedy_of(enum dial_step step, const struct tls_mismatch *seen) {
    switch (step) {
    case DIAL_RESOLVE:
        return "check the spelling of the host name, and this machine's DNS";
    case DIAL_CONNECT:
        return "is the hub running there, on that port? is a firewall between? (on the "
               "hub's machine: roostd check)";
    case DIAL_PROXY:
        return "check https_proxy; no_proxy=HOST goes around it";
    default:
        if (seen && seen->expected_pin[0])
            return "the hub has another key than at login, or somebody stands between: "
                   "compare with \"roostd cert show\", then roost login again";
        return "the certificate is not trusted: roost login URL --pin PIN (\"roostd cert "
               "show\" prints it)";
    }
}

static int check_profile(struct doctor *doctor, struct url *ret_url) {
    struct cli *cli = doctor->cli;

    int r = hub_load_profile(cli);
    if (r != 0)
        return doctor->code = r;
    const struct profile *profile = cli->profile;
    if (!profile->hub || url_parse(profile->hub, ret_url) != 0)
        return fail(doctor, REPORT_NO_HUB, "profile", "it names no hub",
                    "roost login https://HOST:8000 --code CODE");
    auto_(mem_freep) char *text = mem_printf("%s: %s", profile->name, profile->hub);
    note(doctor, "profile", text, NULL);
    return 0;
}

static void note_pin(struct doctor *doctor, const struct tls_mismatch *seen) {
    const struct profile *profile = doctor->cli->profile;

    if (profile->ca)
        note(doctor, "trust", profile->ca, NULL);
    else if (!profile->pin || strcmp(profile->pin, "web") == 0)
        note(doctor, "trust", "public certificate", NULL);
    else
        note(doctor, "pin", seen && seen->seen_pin[0] ? seen->seen_pin : profile->pin,
             NULL);
}

static int check_connection(struct doctor *doctor, const struct url *url) {
    struct cli *cli = doctor->cli;
    struct session_problem problem;
    struct tls_trust trust;
    struct session_config config = {
        .loop = cli_loop(cli),
        .url = url,
        .token = cli->profile->token,
        .timeout_ms = cli->timeout_ms ? cli->timeout_ms : HUB_CONNECT_MS,
        .on_step = on_step,
        .arg = doctor,
    };

    hub_trust(cli->profile, &trust);
    int r = url->plain ? 0 : tls_client_new(&trust, NULL, &cli->tls);
    if (r < 0)
        return fail(doctor, REPORT_NO_HUB, "trust", strerror(-r),
                    "roost config set ca FILE: a PEM file that can be read");
    config.tls = cli->tls;
    if (session_open(&config, &cli->session, &problem) != 0) {
        const struct tls_mismatch *seen = cli->tls ? tls_client_seen(cli->tls) : NULL;
        return fail(doctor, REPORT_NO_HUB, dialler_step_name(problem.step), problem.why,
                    remedy_of(problem.step, seen));
    }
    if (cli->tls)
        note_pin(doctor, tls_client_seen(cli->tls));
    return 0;
}

static int check_token(struct doctor *doctor) {
    const struct profile *profile = doctor->cli->profile;
    static const char remedy[] = "roost login, with a token or a claim code";

    if (!profile->token)
        return fail(doctor, REPORT_NO_HUB, "token", "there is none", remedy);
    int r = token_check(profile->token);
    if (r != 0)
        return fail(doctor, REPORT_NO_HUB, "token", token_error_text(r), remedy);

    Roost__V1__WhoAmIRequest request = ROOST__V1__WHO_AM_IREQUEST__INIT;
    struct session_answer answer;
    struct session_ask ask = {
        .method = "/roost.v1.Tokens/WhoAmI",
        .request = &request.base,
        .reply_type = &roost__v1__who_am_iresponse__descriptor,
        .timeout_ms = HUB_CALL_MS,
    };
    session_call(doctor->cli->session, &ask, &answer);
    if (answer.status != GRPC_OK) {
        r = fail(doctor, (int)report_exit_of(answer.status), "token", answer.message,
                 answer.status == GRPC_UNAUTHENTICATED
                     ? remedy
                     : "is this a hub of Roost? its log tells more");
    } else {
        const Roost__V1__WhoAmIResponse *me =
            (const Roost__V1__WhoAmIResponse *)answer.reply;
        auto_(mem_freep) char *text =
            mem_printf("%s, at a hub of version %s",
                       me->token ? me->token->name : "somebody", me->hub_version);
        note(doctor, "token", text, NULL);
    }
    session_answer_done(&answer);
    return r;
}

/* What only an administrator is told; the others miss nothing that they could mend. */
static void check_bots(struct doctor *doctor) {
    Roost__V1__BotsResponse *bots = bots_ask(doctor->cli->session);

    for (size_t i = 0; bots && i < bots->n_bots; i++) {
        const Roost__V1__Bot *bot = bots->bots[i];
        auto_(mem_freep) char *text = bots_describe(bot);
        if (bots_is_well(bot))
            note(doctor, bot->platform, text, NULL);
        else
            fail(doctor, REPORT_FAILED, bot->platform, text, bot->remedy);
    }
    if (bots)
        pb_free(&bots->base);
}

static int run(struct cli *cli) {
    struct doctor doctor = { .cli = cli, .table = table_new() };
    struct url url;

    for (int i = 0; i < 3; i++)
        table_column(doctor.table, "", TABLE_LEFT);
    int r = check_profile(&doctor, &url);
    if (r == 0)
        r = check_connection(&doctor, &url);
    if (r == 0)
        r = check_token(&doctor);
    if (r == 0)
        check_bots(&doctor);
    if (cli->json)
        printf("{\"ok\": %s, \"steps\": [%s\n]}\n", doctor.code == 0 ? "true" : "false",
               buf_text(&doctor.json));
    else
        table_print(doctor.table, &cli->terminal);
    table_free(doctor.table);
    buf_done(&doctor.json);
    return doctor.code;
}

static const char *const examples[] = {
    "roost doctor",
    "name, address, TLS, pin, token and the hub's bot: each step with its result and "
    "remedy",
    NULL,
};

const struct command cmd_doctor = {
    .name = "doctor",
    .usage = "",
    .summary = "find out why the hub, or its bot, cannot be reached",
    .examples = examples,
    .run = run,
};
