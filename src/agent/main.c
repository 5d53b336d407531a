/*
 * roost-agent - one host's side of Roost
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/config.h"
#include "agent/describe.h"
#include "agent/doctor.h"
#include "agent/first_contact.h"
#include "agent/identity.h"
#include "agent/install.h"
#include "agent/join.h"
#include "agent/running.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/settings_ask.h"
#include "base/settings_show.h"
#include "base/token.h"
#include "base/version.h"

enum { EXIT_USAGE = 2 };

static int usage_error(const char *what) {
    fprintf(stderr, "roost-agent: %s\ntry: roost-agent --help\n", what);
    return EXIT_USAGE;
}

static int explain_identity(const struct agent_config *config, int error) {
    if (error == IDENTITY_E_NONE)
        fprintf(stderr,
                "roost-agent: %s: this host has not joined a hub\n"
                "try: roost-agent join LINK (make one with: roost token new NAME)\n",
                config->state);
    else
        fprintf(stderr, "roost-agent: %s/identity: %s\ntry: roost-agent join LINK\n",
                config->state, error < 0 ? strerror(-error) : "the file is damaged");
    return EXIT_FAILURE;
}

static int run_join(struct agent_config *config, const struct settings *settings) {
    const struct settings_list *words = settings_words(settings);
    struct join_config join = {
        .state = config->state,
        .name = config->name,
        .proxy = config->proxy,
        .ca_file = config->ca_file,
    };

    if (words->count != 2)
        return usage_error("join: needs one LINK, or - to read it from standard input");
    join.link = words->items[1];
    return join_run(&join);
}

/* Joins by [hub] link where nobody has joined yet: 0, or the exit status. */
static int load_or_join(const struct agent_config *config,
                        struct identity *ret_identity) {
    int r = identity_load(config->state, ret_identity);
    if (r == IDENTITY_E_NONE && config->link) {
        struct join_config join = {
            .link = config->link,
            .state = config->state,
            .proxy = config->proxy,
            .ca_file = config->ca_file,
        };
        int status = join_run(&join);
        if (status != 0)
            return status;
        r = identity_load(config->state, ret_identity);
    }
    return r == 0 ? 0 : explain_identity(config, r);
}

/* Whoever joined by a link has outgrown the older system's variables. */
static bool wants_first_contact(const struct agent_config *config) {
    struct identity identity;

    if (!config->secret)
        return false;
    bool joined =
        identity_load(config->state, &identity) == 0 && identity.secret_id[0] == '\0';
    if (joined)
        log_info("joined by a link: AGENT_SECRET and the server's address are not used");
    mem_wipe(&identity, sizeof(identity));
    return !joined;
}

/* An agent of the older system's variables: meets its hub, once more when that forgot. */
static int run_first_contact(struct agent_config *config, struct identity *identity) {
    enum running_end end = RUNNING_UNKNOWN;

    for (int i = 0; i < 2 && end == RUNNING_UNKNOWN; i++) {
        enum first_contact_end met = first_contact_make(config, i > 0, identity);
        if (met != FIRST_CONTACT_READY)
            return met == FIRST_CONTACT_STOPPED ? EXIT_SUCCESS : EXIT_FAILURE;
        end = running_run(config, identity, i == 0);
    }
    return end == RUNNING_STOPPED ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_run(struct agent_config *config, const struct settings *settings) {
    struct identity identity = { 0 };
    int status;

    if (wants_first_contact(config)) {
        status = run_first_contact(config, &identity);
    } else {
        status = load_or_join(config, &identity);
        if (status == 0 && running_run(config, &identity, false) != RUNNING_STOPPED)
            status = EXIT_FAILURE;
    }
    mem_wipe(&identity, sizeof(identity));
    return status;
}

static int run_describe(struct agent_config *config, const struct settings *settings) {
    struct sampler *sampler = running_make_sampler(config);
    int status = describe_run(sampler, config->root ? config->root : "", config->json);

    running_free_sampler(sampler);
    return status;
}

/* The link of the command line as an identity that is only looked at. */
static int identity_of_link(const char *text, struct identity *ret_identity) {
    struct token_link link;

    int r = token_link_parse(text, &link);
    if (r != 0) {
        fprintf(stderr, "roost-agent: doctor: %s\n", token_error_text(r));
        return EXIT_USAGE;
    }
    struct identity identity = { .address_count = link.address_count };
    memcpy(identity.addresses, link.addresses, sizeof(link.addresses));
    memcpy(identity.credential, link.token, sizeof(link.token));
    if (link.pin[0] != '\0') {
        memcpy(identity.pins[0], link.pin, sizeof(link.pin));
        identity.pin_count = 1;
    }
    identity_make_instance(&identity);
    *ret_identity = identity;
    return 0;
}

static int run_doctor(struct agent_config *config, const struct settings *settings) {
    const struct settings_list *words = settings_words(settings);
    struct identity identity;
    struct doctor_config doctor = {
        .identity = &identity,
        .proxy = config->proxy,
        .ca_file = config->ca_file,
        .json = config->json,
    };
    int r;

    if (words->count > 1) {
        r = identity_of_link(words->items[1], &identity);
        if (r != 0)
            return r;
    } else {
        r = identity_load(config->state, &identity);
        if (r != 0)
            return explain_identity(config, r);
    }
    r = doctor_run(&doctor);
    mem_wipe(&identity, sizeof(identity));
    return r;
}

static int run_install(struct agent_config *config, const struct settings *settings) {
    return install_run(config->state, config->user);
}

static int run_uninstall(struct agent_config *config, const struct settings *settings) {
    return install_undo(config->state, config->user, config->purge, config->yes);
}

static int run_config(struct agent_config *config, const struct settings *settings) {
    const struct settings_list *words = settings_words(settings);
    struct buf out = { 0 };

    if (words->count > 1 && strcmp(words->items[1], "show") != 0)
        return usage_error("config: show");
    settings_show_values(settings, &out);
    fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
    return EXIT_SUCCESS;
}

static const struct command {
    const char *name;
    int (*run)(struct agent_config *config, const struct settings *settings);
    size_t words_max;
    const char *help;
} commands[] = {
    { "join", run_join, 2,
      "LINK|-    exchange a join link for a credential of this host" },
    { "run", run_run, 1, "          keep the link to the hub; stays in the foreground" },
    { "describe", run_describe, 1,
      "          print what this agent would report, without a hub" },
    { "doctor", run_doctor, 2, "[LINK]    try every way to the hub and tell what fails" },
    { "config", run_config, 2,
      "[show]    show every setting, its value and where it comes from" },
    { "install", run_install, 1, "[--user]  run as a systemd service from now on" },
    { "uninstall", run_uninstall, 1,
      "[--purge] take the service away, with --purge its state" },
};

static void print_help(void) {
    struct buf out = { 0 };

    buf_add_text(&out, "usage: roost-agent COMMAND [FLAGS]\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        buf_printf(&out, "  %-10s %s\n", commands[i].name, commands[i].help);
    buf_add_text(&out, "\nflags:\n");
    settings_show_help(config_table(), NULL, &out);
    buf_add_text(&out, "\nexamples:\n"
                       "  roost-agent join roost://hub.example.org:8000/TOKEN#PIN\n"
                       "  ssh nas sudo roost-agent join - < link\n"
                       "  roost-agent run --interval 1\n");
    fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
}

static int dispatch(struct agent_config *config, const struct settings *settings) {
    const struct settings_list *words = settings_words(settings);
    const char *name = words->count > 0 ? words->items[0] : "run";

    if (words->count == 0 && !config->secret)
        return usage_error("needs a command; started in the older system's way it needs "
                           "AGENT_SECRET in the environment or in .env");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, name) == 0 && words->count <= commands[i].words_max)
            return commands[i].run(config, settings);
    char *what = mem_printf("%s: no such command, or too many words", name);
    int status = usage_error(what);
    free(what);
    return status;
}

static bool has_joined(const struct agent_config *config) {
    struct identity identity;
    int r = identity_load(config->state, &identity);

    mem_wipe(&identity, sizeof(identity));
    return r == 0;
}

/* An agent that has not joined asks for what the older system asked for: where it is
 * started without a command, or has half of it. */
static int ask_if_bare(struct settings *settings, struct agent_config **config) {
    const struct settings_list *words = settings_words(settings);
    const struct agent_config *now = *config;
    struct settings_ask ask = { .in = stdin, .out = stderr, .env_path = ".env" };
    bool old_way =
        words->count == 0 ||
        (words->count == 1 && strcmp(words->items[0], "run") == 0 && now->secret);

    if (now->common.help || now->common.version || !old_way || !isatty(STDIN_FILENO) ||
        has_joined(now))
        return 0;
    return config_ask(settings, &ask, config);
}

int main(int argc, char **argv) {
    struct settings *settings = settings_new(config_table());
    struct agent_config *config = NULL;
    int status = EXIT_SUCCESS;

    signal(SIGPIPE, SIG_IGN);
    crypto_stay_small();
    int r = config_load(settings, argc, argv, &config);
    if (r == 0)
        r = ask_if_bare(settings, &config);
    if (r != 0) {
        settings_complain(settings, stderr);
        config_free(config);
        settings_free(settings);
        return EXIT_USAGE;
    }
    settings_common_apply_log(&config->common);
    if (config->common.help)
        print_help();
    else if (config->common.version)
        puts("roost-agent " ROOST_VERSION);
    else
        status = dispatch(config, settings);
    config_free(config);
    settings_free(settings);
    return status;
}
