/*
 * cli - what all commands share while one of them runs
 *
 * Arguments, the terminal, and what hub.h fills when a command first needs a hub.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/report.h"
#include "cli/terminal/terminal.h"

struct loop;
struct profile;
struct profile_list;
struct session;
struct tls_client;

struct cli {
    const struct command *command; /* borrowed: static */
    const struct command *parent;  /* of a subcommand, or NULL; borrowed: static */
    struct args *args;             /* owned */
    struct terminal terminal;
    struct profile_list *profiles; /* owned; NULL until it was needed */
    struct profile *profile;       /* owned; NULL until it was needed */
    struct loop *loop;             /* owned; NULL until it was needed */
    struct tls_client *tls;        /* owned; NULL until it was needed */
    struct tls_client *tls_first;  /* owned; of a first contact, or NULL */
    struct session *session;       /* owned; NULL until it was needed */
    uint64_t timeout_ms;           /* 0: not said */
    unsigned verbose;
    bool json;
    bool quiet;
};

/* The options that every command has. */
const struct args_option *cli_options(void);

/* Runs the command line: the exit status. */
int cli_main(int count, char **words);

/* A wrong command line: tells it with the help to read, returns REPORT_USAGE. */
int cli_usage(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A duration option: 0, or a status after telling that it makes no sense. Untouched when
 * it was not given. */
int cli_duration(const struct cli *cli, const char *option, uint64_t *ret_ms);

/* An option that is a whole number from least to most, likewise; shown: how the person
 * knows it, "-n". */
int cli_number(const struct cli *cli,
               const char *option,
               const char *shown,
               uint32_t least,
               uint32_t most,
               uint32_t *ret_number);

/* The loop, made when it is first needed. */
struct loop *cli_loop(struct cli *cli);

/*
 * Asks before something is done to these hosts, unless --yes: 0 to go on, else the status
 * after telling. act: "remove", names: of what it is done to.
 */
int cli_confirm(const struct cli *cli,
                const char *act,
                const char *const *names,
                size_t count);

/* The operands from `first` on as one selection "a,b"; "" without any. A new string. */
char *cli_selection(const struct cli *cli, size_t first);
