/*
 * act_text - small texts of views about acts: sizes, lengths of time, words to quote
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "chat/turn/turn.h"

/* Room for the texts with a ret_text. */
enum { ACT_TEXT_LEN = 64 };

/* "1.2 GiB". */
void act_text_bytes(uint64_t bytes, char ret_text[static ACT_TEXT_LEN]);

/* "940 Mbit/s". */
void act_text_bits(double bits_per_second, char ret_text[static ACT_TEXT_LEN]);

/* "3 h 20 min": how long ago that was, by the hub's clock; "" for 0. */
void act_text_since(const struct turn *turn,
                    int64_t then_ms,
                    char ret_text[static ACT_TEXT_LEN]);

/* "21.11. 18:05" in the hub's time zone; "" for 0. */
void act_text_time(int64_t wall_ms, char ret_text[static ACT_TEXT_LEN]);

/* The hub's wall time. */
int64_t act_text_now_ms(const struct turn *turn);

/* The word as an action has it, quoted if it must be. A new string. */
char *act_text_quote(const char *word);

/* A line of at most max bytes, cut between characters; what no screen shows is a blank. A
 * new string. */
char *act_text_cut(const char *text, size_t max);

/* A whole number in the text: true, and *ret_number. */
bool act_text_number(const char *text, uint64_t max, uint64_t *ret_number);
