// Staging: waiting until a file is finished, and copying it to the private file that is loaded.
//
// The copy is a fresh inode every time, because a loader answers a known inode with the library it already has. It is
// hashed and inspected from the very bytes that were written, so the bytes that were checked are the bytes that get
// mapped; nobody else can write to it (folder 0700, file 0500). The source is never opened for writing, never linked
// and never mapped.
#ifndef HOTGRAFT_CORE_STAGING_HPP
#define HOTGRAFT_CORE_STAGING_HPP

#include <cstdint>
#include <string>

#include "image.hpp"
#include "sha256.hpp"
#include "status.hpp"

namespace hotgraft {

// A staged copy on disk. Whoever holds it removes it, with remove_staged().
struct Staged {
    std::string path;
    Sha256Digest sha256{};
    std::uint64_t bytes = 0;
    std::uint64_t dev = 0; // as fstat(2) answers; a map line may say another one (btrfs, overlayfs)
    std::uint64_t ino = 0;
    bool is_borrowed = false; // another process made it and removes it: remove_staged() leaves it alone
};

// Where a staged copy comes from and what it is called: `<folder>/<plugin>.g<generation>.<hash8>.so`.
struct StagingWish {
    std::string source;
    std::string folder; // made with mode 0700 if absent; must be the caller's own and closed to others
    std::string plugin; // letters, digits, `_`, `-`, `.`; does not start with `.`
    std::uint64_t generation = 0;
};

// Wait until the file at `path` is complete (its section table lies inside it) and its size, mtime and inode have held
// still for `still_ns`. kTimedOut says what kept changing or what is missing; never waited for are kRefused: not a
// regular file, and kMalformed: its first bytes are those of something else than an image. deadline_ns is absolute,
// CLOCK_MONOTONIC. Any thread.
[[nodiscard]] Status settle(const std::string &path, std::int64_t deadline_ns, std::int64_t still_ns = 50'000'000);

// Copy the source, hash it and read its facts in one pass over its bytes. The copy lies in `folder`; where its facts
// name $ORIGIN, beside the source, because its helpers are there. Fails with nothing left on disk:
//   kRefused     not a regular file, over the size cap, changed while read, a file or folder that others can write to,
//                a bad name
//   kMalformed   inspect_image() said so
//   kNoMemory    no memory, no fds left
//   kIo          everything else the system refused (disk full, read error), with the path and errno's text
// `facts` own their bytes. Any thread; blocks on the disk.
[[nodiscard]] Status stage(const StagingWish &wish, Staged *out, ImageFacts *facts);

// The same without inspecting, for who only wants the copy.
[[nodiscard]] Status stage(const std::string &source, const std::string &folder, const std::string &plugin,
                           std::uint64_t generation, Staged *out);

// Fill in which file `staged->path` is.
[[nodiscard]] Status identify_staged(Staged *staged);

// Delete a staged copy. A copy that is already gone counts as deleted, and one that is borrowed stays.
[[nodiscard]] Status remove_staged(const Staged &staged);

// Whether a staged copy must lie in the source's own folder: it names helpers there by `$ORIGIN`.
[[nodiscard]] bool needs_source_folder(const ImageFacts &facts) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_STAGING_HPP
