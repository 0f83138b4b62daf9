/* "Did you mean …?": private to platform/wire. */
#pragma once

#include "platform/base/str.h"

#include <protobuf-c/protobuf-c.h>

/* The field whose name is closest to the mistyped one, or NULL when none is close enough to be meant. */
const char *wire_suggest(const ProtobufCMessageDescriptor *descriptor, struct str name);
