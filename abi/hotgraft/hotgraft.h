/* Everything a plugin's author includes. Each capability has a header of its own; call.h is only for plugins that call
 * plugins. */
#ifndef HOTGRAFT_H
#define HOTGRAFT_H

#include <stddef.h>

#include "callbacks.h"
#include "convert.h"
#include "export.h"
#include "fields.h"
#include "health.h"
#include "host.h"
#include "interface.h"
#include "notify.h"
#include "plugin.h"
#include "serving.h"
#include "session.h"
#include "shared.h"
#include "state.h"
#include "status.h"
#include "threads.h"
#include "version.h"

#endif /* HOTGRAFT_H */
