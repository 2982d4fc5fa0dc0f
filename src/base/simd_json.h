// The project's one door to simdjson: fast reading of large or frequent JSON (datasets, journals,
// events).
#pragma once

#include <simdjson.h>
