/*
 * keyboard - the buttons of a view as Telegram's inline keyboard
 */
#pragma once

struct view;

/* The JSON of an InlineKeyboardMarkup as a new string; NULL: no buttons. tokens: one for
 * each button, NULL for links. What the API would refuse is left out or made shorter. */
char *keyboard_write(const struct view *view, const char *const *tokens);
