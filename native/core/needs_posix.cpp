// Walks what is loaded and what is on disk, breadth first, as the loader does.
#include "needs_posix.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "library_live.hpp"
#include "needs_clashes_posix.hpp"
#include "needs_search_posix.hpp"

namespace hotgraft {
namespace {

// NOLINTBEGIN(performance-no-int-to-ptr): the loader hands out addresses as numbers
std::string soname_of(const dl_phdr_info &info) {
    const ElfW(Dyn) *entry = nullptr;
    for (int i = 0; i < info.dlpi_phnum; ++i) {
        if (info.dlpi_phdr[i].p_type == PT_DYNAMIC) {
            entry = reinterpret_cast<const ElfW(Dyn) *>(info.dlpi_addr + info.dlpi_phdr[i].p_vaddr);
        }
    }
    ElfW(Addr) strings = 0;
    ElfW(Addr) offset = 0;
    for (; entry != nullptr && entry->d_tag != DT_NULL; ++entry) {
        strings = entry->d_tag == DT_STRTAB ? entry->d_un.d_ptr : strings;
        offset = entry->d_tag == DT_SONAME ? entry->d_un.d_val : offset;
    }
    if (strings == 0 || offset == 0) {
        return {};
    }
    // glibc has added the load address, except where the dynamic section is read-only (the vDSO).
    strings += strings < info.dlpi_addr ? info.dlpi_addr : 0;
    return reinterpret_cast<const char *>(strings + offset);
}
// NOLINTEND(performance-no-int-to-ptr)

bool is_named(std::string_view path, std::string_view soname, std::string_view name) {
    if (soname == name || path == name) {
        return true;
    }
    return soname.empty() && path.size() > name.size() && path[path.size() - name.size() - 1] == '/' &&
           path.substr(path.size() - name.size()) == name;
}

// Only the imports that no needed file offers are looked up, so this usually asks nothing.
std::vector<std::string> find_global_symbols(const ImageFacts &facts, const Environment &environment) {
    std::vector<std::string> found;
    const std::vector<const ImageSymbol *> unresolved = find_unresolved(facts, environment.closure);
    if (unresolved.empty()) {
        return found;
    }
    void *process = ::dlopen(nullptr, RTLD_NOW | RTLD_NOLOAD); // the scope that the loader searches first
    if (process == nullptr) {
        return found;
    }
    for (const ImageSymbol *symbol : unresolved) {
        const std::string name(symbol->name);
        const std::string version(symbol->version);
        const void *address =
            version.empty() ? ::dlsym(process, name.c_str()) : ::dlvsym(process, name.c_str(), version.c_str());
        if (address != nullptr) {
            found.push_back(name);
        }
    }
    ::dlclose(process);
    return found;
}

} // namespace

IsaLevel isa_level_here() noexcept {
    const bool has_v2 = __builtin_cpu_supports("sse3") && __builtin_cpu_supports("ssse3") &&
                        __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("sse4.2") &&
                        __builtin_cpu_supports("popcnt");
    const bool has_v3 = has_v2 && __builtin_cpu_supports("avx") && __builtin_cpu_supports("avx2") &&
                        __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                        __builtin_cpu_supports("fma");
    const bool has_v4 = has_v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512vl");
    return has_v4 ? 4 : has_v3 ? 3 : has_v2 ? 2 : 1;
}

ProviderCache::ProviderCache() : library_path_(read_library_path()), default_folders_(read_default_folders()) {}

// Entries that still stand where they stood are kept, so that an unchanged process costs no allocation.
void ProviderCache::refresh_loaded() {
    struct Walk {
        std::vector<Loaded> *loaded;
        std::size_t index;
        Status status; // no exception may pass the loader's code
    } walk{&loaded_, 0, {}};
    ::dl_iterate_phdr(
        [](dl_phdr_info *info, std::size_t, void *argument) {
            auto *state = static_cast<Walk *>(argument);
            std::vector<Loaded> &loaded = *state->loaded;
            const std::size_t i = state->index++;
            state->status = or_no_memory([&]() -> Status {
                if (i == loaded.size()) {
                    loaded.emplace_back();
                }
                if (loaded[i].base != info->dlpi_addr || loaded[i].path != info->dlpi_name) {
                    loaded[i] = {info->dlpi_addr, info->dlpi_name, soname_of(*info)};
                }
                return {};
            });
            return state->status.is_ok() ? 0 : 1;
        },
        &walk);
    if (!walk.status.is_ok()) {
        throw std::bad_alloc();
    }
    loaded_.resize(walk.index);
}

const ProviderCache::Loaded *ProviderCache::find_loaded(std::string_view name) const {
    // The main program has no path, the vDSO no folder; neither answers for a needed file.
    const auto found = std::find_if(loaded_.begin(), loaded_.end(), [&](const Loaded &l) {
        return l.path.find('/') != std::string::npos && is_named(l.path, l.soname, name);
    });
    return found == loaded_.end() ? nullptr : &*found;
}

Status ProviderCache::find_provider(const std::string &path, std::shared_ptr<const Provider> *out) {
    struct stat now {};
    if (::stat(path.c_str(), &now) != 0) {
        return {Code::kIo, kNoSuchFile};
    }
    Known wanted;
    wanted.device = now.st_dev;
    wanted.inode = now.st_ino;
    wanted.mtime_ns = now.st_mtim.tv_sec * std::int64_t{1'000'000'000} + now.st_mtim.tv_nsec;
    wanted.bytes = static_cast<std::uint64_t>(now.st_size);
    const auto known = known_.find(path);
    if (known != known_.end() && known->second.device == wanted.device && known->second.inode == wanted.inode &&
        known->second.mtime_ns == wanted.mtime_ns && known->second.bytes == wanted.bytes) {
        *out = known->second.provider;
        return {};
    }
    ImageFacts facts;
    if (Status status = inspect_image_file(path.c_str(), &facts); !status.is_ok()) {
        return {status.code(), status.message()};
    }
    if (!facts.is_fully_read) {
        return {Code::kRefused, "is no shared library for this process"};
    }
    wanted.provider = std::make_shared<const Provider>(path, facts);
    *out = wanted.provider;
    known_[path] = std::move(wanted);
    return {};
}

bool ProviderCache::try_path(const std::string &path, Dependency *dependency) {
    const Status status = find_provider(path, &dependency->provider);
    if (!status.is_ok()) {
        const std::string &reason = status.message(); // its advice is for who gave the path
        dependency->searched.push_back({path, reason.substr(0, reason.find('\n'))});
    }
    return status.is_ok();
}

// ld.so(8): DT_RPATH of the requester and of those it was needed by, unless the requester has a RUNPATH; then
// LD_LIBRARY_PATH; then the requester's own RUNPATH; then the system's folders.
std::vector<std::string> ProviderCache::list_folders(const std::vector<Requester> &requesters,
                                                     std::size_t index) const {
    std::vector<std::string> folders;
    const Requester &requester = requesters[index];
    if (requester.runpath.empty()) {
        for (std::size_t i = index;; i = requesters[i].parent) {
            if (requesters[i].runpath.empty()) {
                append_folders(requesters[i].rpath, requesters[i].origin, &folders);
            }
            if (requesters[i].parent == i) {
                break;
            }
        }
    }
    append_folders(library_path_, requester.origin, &folders);
    append_folders(requester.runpath, requester.origin, &folders);
    folders.insert(folders.end(), default_folders_.begin(), default_folders_.end());
    return folders;
}

Dependency ProviderCache::resolve(const std::string &name, const std::vector<Requester> &requesters,
                                  std::size_t index) {
    Dependency dependency{name, requesters[index].name, nullptr, {}};
    if (const Loaded *loaded = find_loaded(name)) {
        static_cast<void>(try_path(loaded->path, &dependency));
        return dependency;
    }
    if (name.find('/') != std::string::npos) {
        static_cast<void>(try_path(expand_tokens(name, requesters[index].origin), &dependency));
        return dependency;
    }
    for (const std::string &folder : list_folders(requesters, index)) {
        if (try_path(std::string(folder).append("/").append(name), &dependency)) {
            dependency.searched.clear();
            break;
        }
    }
    return dependency;
}

void ProviderCache::add_dependency(const std::string &name, std::vector<Requester> *requesters, std::size_t index,
                                   Environment *environment, std::vector<std::size_t> *pending) {
    // Direct needs are kept even if met already: the version needs of the image name files by these names.
    std::vector<Dependency> &closure = environment->closure;
    const auto same = std::find_if(closure.begin(), closure.end(), [&](const Dependency &d) {
        return d.name == name || (d.provider != nullptr && d.provider->soname() == name);
    });
    if (same != closure.end()) {
        if (index == 0 && same->name != name) {
            closure.push_back({name, {}, same->provider, {}});
        }
        return;
    }
    closure.push_back(resolve(name, *requesters, index));
    const Dependency &added = closure.back();
    if (added.provider == nullptr) {
        return;
    }
    if (find_loaded(name) != nullptr) {
        environment->resident.push_back(name);
    }
    const Provider &provider = *added.provider;
    requesters->push_back({name, folder_of(provider.path()), provider.rpath(), provider.runpath(), index});
    pending->push_back(closure.size() - 1);
}

Environment this_machine() {
    static const IsaLevel isa_level = isa_level_here();
    Environment environment;
    environment.machine = EM_X86_64;
    environment.isa_level = isa_level;
    return environment;
}

void ProviderCache::find_clashes(const ImageFacts &facts, const std::string &origin, Environment *environment) const {
    environment->unique_here = find_unique_here(facts);
    environment->open_folders = find_open_folders(facts, origin);
    for (const Loaded &loaded : loaded_) {
        const bool is_taken = !facts.soname.empty() && loaded.soname == facts.soname;
        if (is_taken && !LiveLibraries::instance().has(loaded.path)) { // a plugin follows itself under one SONAME
            environment->soname_here.push_back({loaded.soname, loaded.path});
        }
    }
    for (const std::string_view needed : facts.needed) {
        const Loaded *const loaded = find_loaded(needed);
        const std::string name(needed);
        std::string other = loaded == nullptr ? "" : find_other_helper(facts, origin, name, loaded->path);
        if (!other.empty()) {
            environment->other_helpers.push_back({name, loaded->path, std::move(other)});
        }
    }
}

Environment ProviderCache::gather(const ImageFacts &facts, const std::string &origin) {
    const std::lock_guard<std::mutex> turn(mutex_);
    refresh_loaded();
    Environment environment = this_machine();
    std::vector<Requester> requesters{{{}, origin, std::string(facts.rpath), std::string(facts.runpath), 0}};
    std::vector<std::size_t> pending; // entry n of it belongs to requester n + 1
    for (const std::string_view name : facts.needed) {
        add_dependency(std::string(name), &requesters, 0, &environment, &pending);
    }
    for (std::size_t i = 0; i < pending.size(); ++i) {
        const std::shared_ptr<const Provider> provider = environment.closure[pending[i]].provider;
        for (const std::string &name : provider->needed()) {
            add_dependency(name, &requesters, i + 1, &environment, &pending);
        }
    }
    if (facts.is_fully_read) {
        environment.global_symbols = find_global_symbols(facts, environment);
        find_clashes(facts, origin, &environment);
    }
    return environment;
}

} // namespace hotgraft
