/*
 * callee - who is called by hand, and the types that it speaks
 *
 * A node, the hub, or a server that is dialled directly. Types come from its reflection,
 * one service at a time, or from a descriptor set. What it says of itself is checked by
 * wire/schema.h. Functions return 0, or an exit status after telling why not.
 */
#pragma once

#include "wire/schema.h"

struct buf;
struct cli;
struct reflect;

struct callee {
    struct cli *cli;         /* borrowed: the caller */
    const char *label;       /* borrowed: the caller; how it is called in messages */
    const char *node;        /* borrowed: the caller; NULL: no node is asked for */
    const char *again;       /* borrowed: the caller; "roost call NODE", for remedies */
    struct reflect *reflect; /* owned; NULL with a descriptor set */
    struct schema *schema;   /* owned */
};

/* What a text meant; what it did not name is NULL. Lent by the callee. */
struct callee_found {
    const struct schema_service *service;
    const struct schema_method *method;
    const ProtobufCMessageDescriptor *message;
};

/* Begins; protoset is a file of types, NULL: reflection. The four borrowed fields are
 * set. */
int callee_open(struct callee *callee, const char *protoset);
void callee_done(struct callee *callee);

/* No more questions: ends the stream of reflection. */
void callee_hush(struct callee *callee);

/* All service names, sorted; free the array. */
int callee_services(struct callee *callee, const char ***ret_names, size_t *ret_count);

/* Finds "pkg.Service/Method", "/pkg.Service/Method", "Service/Method" (any end of a name
 * that is the end of one service), a service, or a message by its whole name. */
int callee_find(struct callee *callee, const char *text, struct callee_found *ret_found);

/* Runs fn for each service; one that cannot be described is told and hides no other. */
int callee_each(struct callee *callee,
                void (*fn)(void *arg, const struct schema_service *service),
                void *arg);

/* The type of a name among those that are known by now, or NULL. Lent. */
const ProtobufCMessageDescriptor *callee_message(const struct callee *callee,
                                                 const char *name);
