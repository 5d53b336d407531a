/*
 * screen - the whole terminal, for as long as a command needs it
 *
 * Shows frames on the alternate screen, tells keys and sizes, and puts the terminal back
 * as it was on every way out, being stopped by Ctrl-Z included.
 */
#pragma once

#include "base/buf.h"

struct loop;
struct screen;

/* Keys that are more than one byte. */
enum screen_key {
    SCREEN_UP = 256,
    SCREEN_DOWN,
    SCREEN_LEFT,
    SCREEN_RIGHT,
    SCREEN_ESCAPE,
};

struct screen_events {
    void (*on_key)(void *user, int key); /* a byte, or one of enum screen_key */
    void (*on_resize)(void *user);       /* the size changed, or all must be drawn anew */
    void (*on_signal)(void *user, int signo); /* time to end */
};

/* Takes the terminal. NULL: there is none. events and user outlive it. */
struct screen *screen_new(struct loop *loop,
                          const struct screen_events *events,
                          void *user);

/* Gives the terminal back; NULL is fine. Always returns NULL. */
struct screen *screen_free(struct screen *screen);

/* Shows a frame: lines that end in "\n"; nothing of the last frame stays. */
void screen_show(struct screen *screen, struct slice frame);
