/*
 * service_user - the system's user that the service of the whole host runs as
 *
 * The unit has a user made up while it runs (DynamicUser) when there is none of that
 * name, but dbus-daemon, and so systemd and logind behind it, closes the connections of
 * users that it finds in no file. So the user is made once, by systemd-sysusers.
 */
#pragma once

#define SERVICE_USER_NAME "roost-agent"

/* Makes the user unless it is there, and says so; tells what to do when that fails. */
void service_user_make(void);
