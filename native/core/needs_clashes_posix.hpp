// What in this process stands in an image's way: names that are taken, and places that others can write to.
#ifndef HOTGRAFT_CORE_NEEDS_CLASHES_POSIX_HPP
#define HOTGRAFT_CORE_NEEDS_CLASHES_POSIX_HPP

#include <string>
#include <vector>

#include "image.hpp"
#include "needs.hpp"

namespace hotgraft {

// GNU_UNIQUE symbols of the image that a plugin's library that is mapped defines too.
[[nodiscard]] std::vector<TakenName> find_unique_here(const ImageFacts &facts);

// Folders of RUNPATH and RPATH where others can put files. An empty one is the folder the process is in (ld.so(8)).
[[nodiscard]] std::vector<SearchedPlace> find_open_folders(const ImageFacts &facts, const std::string &origin);

// The file called `name` in the image's own search path, if it is another one than `loaded`, with other bytes.
[[nodiscard]] std::string find_other_helper(const ImageFacts &facts, const std::string &origin, const std::string &name,
                                            const std::string &loaded);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_NEEDS_CLASHES_POSIX_HPP
