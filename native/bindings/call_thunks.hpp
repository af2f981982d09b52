// The C functions that method definitions point to: one for each body and each place, because a C function is told
// nothing but `self`, and which of a plugin's functions is meant must come from somewhere.
#ifndef HOTGRAFT_BINDINGS_CALL_THUNKS_HPP
#define HOTGRAFT_BINDINGS_CALL_THUNKS_HPP

#include <cstddef>

#include "call_function.hpp"
#include "call_path.hpp"

namespace hotgraft {

inline constexpr std::size_t kShapedPlaces = 64; // places with a body for their shape; beyond, the one for any
inline constexpr std::size_t kMaxPlaces = 512;

// The method definition for `function` at `place`, which is below kMaxPlaces. Its texts are the function's.
PyMethodDef method_for(const Function &function, std::size_t place);

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_THUNKS_HPP
