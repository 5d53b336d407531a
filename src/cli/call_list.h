/*
 * call_list - what can be called, as a table or as JSON
 */
#pragma once

struct callee;

/* Prints all methods with their kinds and types: the exit status. */
int call_list(struct callee *callee);

/* Prints "SERVICE/METHOD" a line, for completion. */
int call_list_names(struct callee *callee);
