/*
 * rule_view - rules of incidents for a person
 */
#pragma once

#include "wire/pb.h"

struct cli;

/* A ListRulesResponse as a table. */
void rule_view_list(struct cli *cli, const ProtobufCMessage *reply);

/* All of one Rule. */
void rule_view_show(struct cli *cli, const ProtobufCMessage *message);
