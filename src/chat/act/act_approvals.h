/*
 * act_approvals - what waits for somebody's word, and saying it
 */
#pragma once

struct turn;

/* approvals */
void act_approvals_list(struct turn *turn);

/* approve [ID], reject [ID] [REASON] */
void act_approvals_approve(struct turn *turn);
void act_approvals_reject(struct turn *turn);
