// Gathers what this process offers an image: finds each needed file where the loader would find it, and reads what the
// found ones define. Files are read once and remembered by device, inode, size and time, so that the reload of a small
// plugin costs a few stat(2) calls.
//
// Where it knows less than the loader: LD_LIBRARY_PATH is the one the process started with (so is the loader's);
// /etc/ld.so.conf stands for /etc/ld.so.cache; folders of processor variants (glibc-hwcaps) are not searched. A loaded
// library is judged by the file at its path, also if that file was replaced after it was loaded.
#ifndef HOTGRAFT_CORE_NEEDS_POSIX_HPP
#define HOTGRAFT_CORE_NEEDS_POSIX_HPP

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "image.hpp"
#include "needs.hpp"
#include "status.hpp"

namespace hotgraft {

// What can be said of this process without a look at any file: its machine and its instructions.
[[nodiscard]] Environment this_machine();

// Thread safety
//   gather(): any thread, callers take turns. Takes the loader's lock for moments.
//
// Invariants
//   (1) A provider in the cache never changes; a file that changed gets a new one.
class ProviderCache {
public:
    ProviderCache();
    ProviderCache(const ProviderCache &) = delete;
    ProviderCache &operator=(const ProviderCache &) = delete;

    // What the process offers `facts`. `origin` is the folder the image will be loaded from ($ORIGIN).
    [[nodiscard]] Environment gather(const ImageFacts &facts, const std::string &origin);

private:
    struct Loaded {
        std::uint64_t base = 0;
        std::string path;
        std::string soname;
    };
    struct Known {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        std::int64_t mtime_ns = 0;
        std::uint64_t bytes = 0;
        std::shared_ptr<const Provider> provider;
    };
    // Who needs a file: the image (no parent) or a library of its closure.
    struct Requester {
        std::string name; // empty: the image
        std::string origin;
        std::string rpath;
        std::string runpath;
        std::size_t parent = 0; // index of who needed this one; its own for the image
    };

    void refresh_loaded();
    [[nodiscard]] const Loaded *find_loaded(std::string_view name) const;
    [[nodiscard]] Status find_provider(const std::string &path, std::shared_ptr<const Provider> *out);
    [[nodiscard]] Dependency resolve(const std::string &name, const std::vector<Requester> &requesters,
                                     std::size_t index);
    [[nodiscard]] std::vector<std::string> list_folders(const std::vector<Requester> &requesters,
                                                        std::size_t index) const;
    [[nodiscard]] bool try_path(const std::string &path, Dependency *dependency);
    void add_dependency(const std::string &name, std::vector<Requester> *requesters, std::size_t index,
                        Environment *environment, std::vector<std::size_t> *pending);

    void find_clashes(const ImageFacts &facts, const std::string &origin, Environment *environment) const;

    std::mutex mutex_;
    std::vector<Loaded> loaded_;
    std::unordered_map<std::string, Known> known_;
    std::string library_path_;
    std::vector<std::string> default_folders_;
};

// The level of x86-64 (1 to 4) of this processor. x86-64 psABI, table 3.1.
[[nodiscard]] IsaLevel isa_level_here() noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_NEEDS_POSIX_HPP
