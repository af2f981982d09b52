#include "library.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <utility>

#include "library_live.hpp"
#include "library_maps_posix.hpp"
#include "library_posix.hpp"
#include "library_residents_posix.hpp"

namespace hotgraft {

namespace {

std::string hex(std::uint64_t value) {
    char text[24];
    (void)std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

std::string file_name(const std::string &path) {
    return path.substr(path.find_last_of('/') + 1);
}

// A lease is evidence later only where a mapping is seen to stand in its way: asked of the first library of each
// device, for that is a fact of its file system.
bool stands_in_the_way_of_leases(const Staged &mapped) noexcept {
    static std::atomic<std::uint64_t> trusted_dev{0}; // staged copies rarely lie on more than one
    if (trusted_dev.load(std::memory_order_relaxed) == mapped.dev) {
        return true;
    }
    if (ask_open_state(mapped.path) != OpenState::kSomewhere) {
        return false;
    }
    trusted_dev.store(mapped.dev, std::memory_order_relaxed);
    return true;
}

void add_reason(Proof *proof, const std::string &reason, std::string_view symbol = {}) {
    proof->reason += (proof->reason.empty() ? "" : "; ") + reason;
    if (proof->symbol.empty()) {
        proof->symbol = symbol;
    }
}

} // namespace

Status Library::open(const Staged &staged, ImageFacts facts, std::unique_ptr<Library> *out) {
    if (Status status = make_residents(facts); !status.is_ok()) {
        return status;
    }
    std::unique_ptr<Library> library(new Library(staged, std::move(facts)));
    Status status = or_no_memory([&] { return library->map(); });
    if (status.is_ok()) {
        status = or_no_memory([&] { return library->check_identity(); });
    }
    if (status.is_ok()) {
        status = or_no_memory([&] { return library->check_descriptor(); });
    }
    if (status.is_ok()) {
        *out = std::move(library);
        return {};
    }
    if (library->handle_ == nullptr) {
        return status;
    }
    const Proof proof = library->close();
    return {status.code(), status.message() + (proof.proven ? "" : "; it stays mapped: " + proof.reason)};
}

Library::~Library() = default;

Status Library::map() {
    if (is_listed(staged_.path)) {
        return {Code::kRefused, "cannot map " + staged_.path + ": a library of that path is mapped already"};
    }
    Opened opened;
    if (Status status = open_library(staged_.path, &opened); !status.is_ok()) {
        unmap_all_of(identity_from_stat(staged_.dev, staged_.ino));
        return explain_refusal(status);
    }
    if (opened.path != staged_.path) {
        close_library(opened.handle);
        return {Code::kRefused, "cannot map " + staged_.path + ": the loader takes it for " + opened.path +
                                    ", which is mapped already"};
    }
    handle_ = opened.handle;
    maps_use_ = std::make_shared<MapsUse>();
    find_segments(opened.load_address);
    LiveLibraries::instance().add(staged_.path, facts_);
    return {};
}

// The loader's own words for static TLS are "cannot allocate memory", which nobody takes for a compiler's flag.
Status Library::explain_refusal(const Status &status) const {
    if (!facts_.uses_static_tls || status.message().find("static TLS") == std::string::npos) {
        return status;
    }
    return {status.code(), status.message() + "; its " + std::to_string(facts_.tls.bytes) +
                               " bytes of initial-exec TLS must fit beside those of what is loaded: compile without "
                               "-ftls-model=initial-exec"};
}

void Library::find_segments(std::uintptr_t load_address) {
    load_address_ = load_address;
    for (const ImageSegment &segment : facts_.segments) {
        const AddressRange range{load_address + segment.vaddr, load_address + segment.vaddr + segment.memory_bytes};
        range_.begin = range_.begin == 0 ? range.begin : std::min(range_.begin, range.begin);
        range_.end = std::max(range_.end, range.end);
        if (segment.is_readable) {
            readable_.push_back(range);
        }
        if (segment.is_executable) {
            code_.push_back(range);
        }
    }
}

// Invariant (2). Where map lines name another device than stat (overlayfs, btrfs), a page of the staged copy mapped by
// ourselves says which.
Status Library::check_identity() {
    FileIdentity mapped;
    if (Status status = identity_at(range_.begin, &mapped); !status.is_ok()) {
        return status;
    }
    map_dev_ = (std::uint64_t{mapped.dev_major} << 32) | mapped.dev_minor;
    map_ino_ = mapped.ino;
    FileIdentity wanted = identity_from_stat(staged_.dev, staged_.ino);
    if (!(mapped == wanted)) {
        if (Status status = identity_of_file(staged_, &wanted); !status.is_ok()) {
            return status;
        }
    }
    if (mapped.ino == 0 || !(mapped == wanted)) {
        return {Code::kRefused, "what the loader mapped is inode " + std::to_string(mapped.ino) + ", the staged copy " +
                                    staged_.path + " is inode " + std::to_string(wanted.ino)};
    }
    trusts_lease_ = stands_in_the_way_of_leases(staged_);
    return {};
}

// Invariant (3): a loader, a constructor or a relocation may have changed what was inspected.
Status Library::check_descriptor() {
    if (!facts_.descriptor) {
        return {};
    }
    const DescriptorNote &note = *facts_.descriptor;
    const std::uintptr_t address = load_address_ + note.vaddr;
    const void *const bytes = reinterpret_cast<const void *>(address);
    if (!holds(bytes, note.bytes)) {
        return {Code::kRefused, staged_.path + ": its descriptor is not in a readable segment"};
    }
    if (std::memcmp(bytes, facts_.bytes + note.offset, note.bytes) != 0) {
        return {Code::kRefused, staged_.path + ": the descriptor in memory differs from the one in the file"};
    }
    descriptor_ = bytes;
    return {};
}

std::uint64_t Library::descriptor_bytes() const noexcept {
    return facts_.descriptor ? facts_.descriptor->bytes : 0;
}

Status Library::symbol(const char *name, void **out) const {
    void *const address = is_closed_ ? nullptr : find_symbol(handle_, name);
    if (address == nullptr) {
        return {Code::kRefused, file_name(staged_.path) + ": has no symbol \"" + name + "\""};
    }
    if (!range_.contains(reinterpret_cast<std::uintptr_t>(address))) {
        return {Code::kRefused, file_name(staged_.path) + ": symbol \"" + name + "\" is found at " +
                                    hex(reinterpret_cast<std::uintptr_t>(address)) +
                                    ", outside the library: another object of the process defines it"};
    }
    *out = address;
    return {};
}

bool Library::holds(const void *address, std::uint64_t bytes) const noexcept {
    return std::any_of(readable_.begin(), readable_.end(), [&](const AddressRange &range) {
        return range.contains(reinterpret_cast<std::uintptr_t>(address), bytes);
    });
}

bool Library::holds_code(std::uintptr_t address) const noexcept {
    return std::any_of(code_.begin(), code_.end(), [&](const AddressRange &range) { return range.contains(address); });
}

std::string Library::name_of(std::uintptr_t address) const {
    const std::uint64_t value = address - load_address_;
    for (const ImageSymbol &symbol : facts_.exported) {
        if (symbol.kind != SymbolKind::kTls && value >= symbol.value &&
            value < symbol.value + std::max<std::uint64_t>(symbol.bytes, 1)) {
            const std::uint64_t past = value - symbol.value;
            return std::string(symbol.name) + (past == 0 ? "" : "+" + hex(past));
        }
    }
    return file_name(staged_.path) + "+" + hex(value);
}

void Library::let_go() noexcept {
    if (!is_closed_) {
        is_closed_ = true;
        close_library(handle_);
    }
}

Proof Library::close() {
    let_go();
    return prove();
}

Proof Library::prove() {
    Proof proof;
    if (!is_closed_) {
        proof.reason = "not closed yet";
        return proof;
    }
    if (is_gone_) {
        proof.proven = true;
        return proof;
    }
    const bool is_in_list = is_listed(staged_.path);
    AddressRange line;
    if (!is_in_list && !(trusts_lease_ && ask_open_state(staged_.path) == OpenState::kNowhere)) {
        const FileIdentity file{static_cast<std::uint32_t>(map_dev_ >> 32), static_cast<std::uint32_t>(map_dev_),
                                map_ino_};
        if (Status status = find_line_of(file, &line); !status.is_ok()) {
            proof.reason = "its unloading cannot be proven: " + status.message();
            return proof;
        }
    }
    if (!is_in_list && line.begin == 0) {
        is_gone_ = true;
        proof.proven = true;
        maps_use_ = nullptr;
        LiveLibraries::instance().remove(staged_.path);
        (void)remove_staged(staged_); // a copy that stays is found by whoever cleans the folder; the proof holds
        return proof;
    }
    if (is_in_list) {
        explain(&proof);
    } else {
        add_reason(&proof, "it has left the loader's list, but is still mapped at " + hex(line.begin));
    }
    return proof;
}

// Everything that is known to keep a library, not only the first: an author mends all of it in one build.
void Library::explain(Proof *proof) const {
    if (facts_.is_nodelete) {
        add_reason(proof, "it is linked with -z nodelete");
    }
    for (const ImageSymbol &symbol : facts_.exported) {
        if (symbol.is_unique) {
            add_reason(proof,
                       "unique symbol " + std::string(symbol.name) +
                           (facts_.gnu_unique > 1 ? " and " + std::to_string(facts_.gnu_unique - 1) + " more" : "") +
                           " (STB_GNU_UNIQUE): build with -fno-gnu-unique or hidden visibility",
                       symbol.name);
            break;
        }
    }
    std::vector<std::uintptr_t> addresses;
    for (const ImageSymbol &symbol : facts_.exported) {
        if (symbol.kind != SymbolKind::kTls) {
            addresses.push_back(load_address_ + symbol.value);
        }
    }
    std::sort(addresses.begin(), addresses.end());
    for (const Binding &binding : find_bindings(addresses, staged_.path)) {
        const std::string symbol = name_of(binding.address);
        add_reason(proof, binding.object + " is bound to its symbol " + symbol, symbol);
    }
    if (facts_.imports_tls_destructor) {
        add_reason(proof, "a live thread has a thread_local destructor of it pending", "__cxa_thread_atexit");
    }
    if (proof->reason.empty()) {
        add_reason(proof, "somebody else holds a handle to it, or a library that needs it");
    }
}

} // namespace hotgraft
