/*
 * direct - a gRPC server that is called without a hub
 *
 * HOST:PORT, in plain HTTP/2 as the older client does unless TLS is asked for, or
 * unix:PATH. Options go by the names of `call` and by those of the older client.
 */
#pragma once

#include <stdbool.h>

struct cli;

/* Rows of options for struct args_option tables: those of `call`, those of the older
 * client. */
#define DIRECT_OPTIONS                                                                   \
    { "server", 0, "HOST:PORT", "call this server itself, not through the hub" },        \
        { "tls", 0, NULL, "with --server: TLS (the other TLS options imply it)" },       \
        { "ca", 0, "FILE", "trust these CAs; unset: the system's" },                     \
        { "cert", 0, "FILE", "show this certificate" },                                  \
        { "key", 0, "FILE", "and its key" },                                             \
        { "server-name", 0, "NAME", "the name that the certificate must have" },         \
        { "insecure", 0, NULL, "do not check the certificate" },                         \
        { "auth-token", 0, "TOKEN", "send it as authorization; - asks for it" }, {       \
        "auth-token-type", 0, "TYPE", "what stands before it; unset: Bearer"             \
    }

#define DIRECT_OPTIONS_OLDER                                                             \
    { "server-addr", 's', "HOST:PORT", "this hub or server (SERVER_ADDR)" },             \
        { "tls", 0, NULL, "with -s: TLS (TLS; the other TLS options imply it)" },        \
        { "tls-ca-cert-file", 0, "FILE", "trust these CAs; unset: the system's" },       \
        { "tls-cert-file", 0, "FILE", "show this certificate" },                         \
        { "tls-key-file", 0, "FILE", "and its key" },                                    \
        { "tls-server-name", 0, "NAME", "the name that the certificate must have" },     \
        { "tls-insecure-skip-verify", 0, NULL, "do not check the certificate" },         \
        { "auth-token", 0, "TOKEN", "send it as authorization; - asks for it" }, {       \
        "auth-token-type", 0, "TYPE", "what stands before it; unset: Bearer"             \
    }

/* Connects cli.session to this server: 0, or an exit status after telling why not. */
int direct_connect(struct cli *cli, const char *server);

/* The value of an environment variable that is set and not empty, or NULL. */
const char *direct_environment(const char *name);
