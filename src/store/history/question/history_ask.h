/*
 * history_ask - questions on their way to the reader's thread and back
 */
#pragma once

struct history;
struct history_request;

/* history_cancel(). */
struct history_request *history_ask_cancel(struct history_request *request);

/* The history ends: whoever waits is told -ECANCELED when the reader ends. */
void history_ask_cancel_all(struct history *history);
