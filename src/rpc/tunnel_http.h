/*
 * tunnel_http - CONNECT of HTTP/1.1, as every program speaks it that knows proxies
 *
 *   CONNECT 127.0.0.1:22 HTTP/1.1
 *   name: nas
 *   proxy-authorization: Bearer TOKEN     or: Basic base64("nas:TOKEN")
 *
 * Makes a call of it for a target that authenticates. When the place is reached the
 * connection becomes the tunnel; a refusal is told in words as the body.
 */
#pragma once

#include <stdbool.h>

struct exchange;
struct loop;
struct target;
struct tunnel_http;

/* target: borrowed, outlives it. */
struct tunnel_http *tunnel_http_new(struct loop *loop, struct target *target);

/* Cuts those that are open. NULL is fine; always returns NULL. */
struct tunnel_http *tunnel_http_free(struct tunnel_http *tunnels);

/* Does the exchange ask for a tunnel? */
bool tunnel_http_is_asked(const struct exchange *exchange);

/* Takes the exchange. */
void tunnel_http_serve(struct tunnel_http *tunnels, struct exchange *exchange);
