/*
 * service_acts - roost.v1.Acts: challenges for operators, and what became of an operation
 */
#pragma once

struct acts;
struct services;

/* Adds the service; the acts outlive its calls. */
void service_acts_add(struct services *services, struct acts *acts);
