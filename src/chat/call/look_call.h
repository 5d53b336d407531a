/*
 * look_call - any gRPC method of any node
 */
#pragma once

struct turn;

/* call [NODE] [SERVICE[/METHOD]] [JSON]: services and methods as buttons, the request as
 * a form or in one line. */
void look_call_run(struct turn *turn);

/* callhub [SERVICE[/METHOD]] [JSON]: the same of the hub itself. */
void look_call_hub(struct turn *turn);
