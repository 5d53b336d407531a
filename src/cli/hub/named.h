/*
 * named - what a hub keeps under names: listed, shown, put, switched off, removed
 *
 * Rules, channels, users, groups and their like are asked for in the same way. A command
 * says with a struct named_kind how that is done with its own, and how they look. The
 * messages are told apart by their types: a list's first field repeats the thing, the
 * first field of a thing is its name, and so is that of a request to remove it.
 *
 * Each function answers 0, or an exit status after it has told why.
 */
#pragma once

#include <stdbool.h>

#include "cli/args.h"
#include "wire/pb.h"

struct cli;
struct session_ask;

struct named_call {
    const char *method; /* "/roost.v1.Alerts/ListRules" */
    const ProtobufCMessageDescriptor *request;
    const ProtobufCMessageDescriptor *reply;
};

/* One kind of such things; what a command does not offer stays empty. */
struct named_kind {
    const char *word;         /* "rule"; `roost rule` lists them */
    const char *words;        /* "rules" */
    struct named_call list;   /* its request is empty */
    struct named_call put;    /* its request: the thing, and "is_new" */
    struct named_call remove; /* its request: the name */
    const char *removed;      /* what is told then: "removed" */
    void (*print_list)(struct cli *cli, const ProtobufCMessage *list);
    void (*print_one)(struct cli *cli, const ProtobufCMessage *one);
};

/* The options of "list": --names, which completion asks for. */
extern const struct args_option named_list_options[];

/* Asks for all of them: pb_free() the reply. */
int named_ask(struct cli *cli,
              const struct named_kind *kind,
              ProtobufCMessage **ret_list);

/* Prints all of them: as names, as JSON, or as print_list() does. */
int named_list(struct cli *cli, const struct named_kind *kind);

/* The one of that name, lent by *ret_list (pb_free() it). */
int named_find(struct cli *cli,
               const struct named_kind *kind,
               const char *name,
               ProtobufCMessage **ret_one,
               ProtobufCMessage **ret_list);

/* Prints the one that the first operand names. */
int named_show(struct cli *cli, const struct named_kind *kind);

/* Asks and forgets the reply, which is printed with --json; else "WHAT: done". */
int named_act(struct cli *cli,
              const char *what,
              const struct session_ask *ask,
              const char *done);

/* Gives it to the hub, as a new one or in the place of what has its name. */
int named_put(struct cli *cli,
              const struct named_kind *kind,
              ProtobufCMessage *one,
              bool is_new,
              const char *done);

/* Sets or clears "disabled" of each that the operands name. */
int named_switch(struct cli *cli, const struct named_kind *kind, bool is_off);

/* Removes each that the operands name. */
int named_remove(struct cli *cli, const struct named_kind *kind);
