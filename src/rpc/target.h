/*
 * target - the one way to call anything
 *
 * Links, dialects, local services and other hubs are targets; proxy, chat, JSON
 * endpoints and the command line call them and do not know which is which.
 */
#pragma once

struct call;

struct target {
    /* Attaches a callee to the call, or finishes it. Never keeps the call otherwise. */
    void (*start)(struct target *target, struct call *call);
};
