// Status → exception: the one place where an answer of the core becomes a Python error.
#ifndef HOTGRAFT_BINDINGS_ERRORS_HPP
#define HOTGRAFT_BINDINGS_ERRORS_HPP

#include <string>

#include "status.hpp"

namespace hotgraft {

// What an operation was about, for the error it may become.
struct Attempted {
    const char *tried = "";                // after "could not": "map the image"
    std::string on;                        // plugin, generation or file
    const char *refused = "LoadError";     // class for kRefused: what kind of thing said no
    const char *timed_out = "SwapTimeout"; // class for kTimedOut
    const char *function = "";             // the plugin's own function, where it was one
};

// Throws the matching class of hotgraft.core.errors; nothing for Ok. Wants the GIL.
void check(const Status &status, const Attempted &attempted);

// The name of that class, for a status that is reported and not raised.
[[nodiscard]] const char *error_class_of(const Status &status, const Attempted &attempted) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_ERRORS_HPP
