/*
 * version - which Roost this is
 */
#pragma once

#define ROOST_VERSION "0.1.0"
