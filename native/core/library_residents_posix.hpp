// Libraries that must be there before a plugin and for ever after: libstdc++ binds its weak symbols into the first C++
// plugin it meets and keeps that one mapped; libgomp's threads outlive a plugin that brought it.
#ifndef HOTGRAFT_CORE_LIBRARY_RESIDENTS_POSIX_HPP
#define HOTGRAFT_CORE_LIBRARY_RESIDENTS_POSIX_HPP

#include "image.hpp"
#include "status.hpp"

namespace hotgraft {

// Make those that the image needs resident; does nothing for those that are already. kRefused: the loader's words.
[[nodiscard]] Status make_residents(const ImageFacts &facts);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LIBRARY_RESIDENTS_POSIX_HPP
