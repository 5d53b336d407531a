/*
 * turn_life - how a turn begins, what it is worth keeping of it, and how it ends
 */
#pragma once

#include <stdbool.h>

struct chat;
struct intent;
struct questions_text;
struct turn;
struct view;

/* Makes a turn of the intent, whose line is parsed. */
struct turn *turn_life_new(struct chat *chat, struct intent *intent);

/* Without a word to anybody: the engine ends. The intent is the caller's. */
void turn_life_free(struct turn *turn);

/* Ends without an answer: nothing is shown. */
void turn_life_end_silently(struct turn *turn);

/* The line that says all, with the node: what a button or the store has of it. A new
 * string. */
char *turn_life_line(const struct turn *turn);

/* As turn_ask(). Takes the view. */
void turn_life_ask(struct turn *turn,
                   struct view *view,
                   const struct questions_text *text);

/* As turn_later(). */
void turn_life_later(struct turn *turn,
                     unsigned delay_ms,
                     void (*on_time)(struct turn *turn, void *arg),
                     void *arg);

/* Nothing of it goes on but what it shows: false when that was so already. */
bool turn_life_end(struct turn *turn);
