/*
 * channel_view - channels of incidents for a person
 */
#pragma once

#include "wire/pb.h"

struct cli;

/* A ListChannelsResponse as a table. */
void channel_view_list(struct cli *cli, const ProtobufCMessage *reply);

/* All of one Channel, but its secrets. */
void channel_view_show(struct cli *cli, const ProtobufCMessage *message);
