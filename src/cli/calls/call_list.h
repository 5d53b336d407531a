/*
 * call_list - what can be called, as a table or as JSON
 */
#pragma once

struct buf;
struct callee;

/* Prints all methods with their kinds and types: the exit status. */
int call_list(struct callee *callee);

/* Appends "SERVICE/METHOD" a line, for completion: an exit status. */
int call_list_names(struct callee *callee, struct buf *out);
