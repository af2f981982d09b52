#include "library_posix.hpp"

#include <dlfcn.h>
#include <link.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace hotgraft {

namespace {

constexpr std::size_t kWindowWords = 8192;

const char *name_of_object(const dl_phdr_info &info) noexcept {
    return info.dlpi_name == nullptr || info.dlpi_name[0] == '\0' ? "the program itself" : info.dlpi_name;
}

struct Search {
    const std::vector<std::uintptr_t> &addresses;
    const std::string &own_path;
    std::vector<std::uintptr_t> window;
    std::vector<Binding> found;
    Status status; // no exception may pass the loader's code
};

// The copy is the kernel's: a page that cannot be read ends it instead of the process.
std::size_t copy_words(std::uintptr_t from, std::vector<std::uintptr_t> *window, std::size_t words) noexcept {
    iovec to{window->data(), words * sizeof(std::uintptr_t)};
    iovec source{reinterpret_cast<void *>(from), words * sizeof(std::uintptr_t)};
    const ssize_t bytes = ::process_vm_readv(::getpid(), &to, 1, &source, 1, 0);
    return bytes <= 0 ? 0 : static_cast<std::size_t>(bytes) / sizeof(std::uintptr_t);
}

void search_segment(Search *search, const dl_phdr_info &info, const ElfW(Phdr) & segment) {
    const std::uintptr_t begin = (info.dlpi_addr + segment.p_vaddr + 7) & ~std::uintptr_t{7};
    std::size_t left = segment.p_memsz / sizeof(std::uintptr_t);
    for (std::uintptr_t at = begin; left != 0;) {
        const std::size_t count = copy_words(at, &search->window, std::min(left, kWindowWords));
        if (count == 0) {
            return;
        }
        for (std::size_t i = 0; i < count; ++i) {
            const std::uintptr_t word = search->window[i];
            if (std::binary_search(search->addresses.begin(), search->addresses.end(), word)) {
                search->found.push_back({name_of_object(info), word});
                return; // one binding is enough to keep it
            }
        }
        at += count * sizeof(std::uintptr_t);
        left -= count;
    }
}

int search_object(dl_phdr_info *info, std::size_t, void *context) {
    Search *const search = static_cast<Search *>(context);
    if (info->dlpi_name != nullptr && search->own_path == info->dlpi_name) {
        return 0;
    }
    search->status = or_no_memory([&]() -> Status {
        for (int i = 0; i < info->dlpi_phnum; ++i) {
            const ElfW(Phdr) &segment = info->dlpi_phdr[i];
            if (segment.p_type == PT_LOAD && (segment.p_flags & PF_W) != 0) {
                search_segment(search, *info, segment);
            }
        }
        return {};
    });
    return search->status.is_ok() ? 0 : 1;
}

} // namespace

bool is_listed(const std::string &path) noexcept {
    return ::dl_iterate_phdr(
               [](dl_phdr_info *info, std::size_t, void *wanted) {
                   return info->dlpi_name != nullptr && *static_cast<const std::string *>(wanted) == info->dlpi_name
                              ? 1
                              : 0;
               },
               const_cast<std::string *>(&path)) != 0;
}

Status open_library(const std::string &path, Opened *out) {
    void *const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        const char *const reason = ::dlerror();
        return {Code::kRefused, "the loader refused " + path + ": " + (reason == nullptr ? "no reason given" : reason)};
    }
    link_map *map = nullptr;
    if (::dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 || map == nullptr) {
        ::dlclose(handle);
        return {Code::kRefused, "the loader does not say where it put " + path};
    }
    Status status = or_no_memory([&]() -> Status {
        *out = {handle, map->l_addr, map->l_name};
        return {};
    });
    if (!status.is_ok()) {
        ::dlclose(handle);
    }
    return status;
}

void close_library(void *handle) noexcept {
    ::dlclose(handle);
}

void *find_symbol(void *handle, const char *name) noexcept {
    return ::dlsym(handle, name);
}

bool is_writable(void *address, std::uint64_t bytes) noexcept {
    const iovec same{address, bytes};
    return ::process_vm_writev(::getpid(), &same, 1, &same, 1, 0) == static_cast<ssize_t>(bytes);
}

std::vector<Binding> find_bindings(const std::vector<std::uintptr_t> &addresses, const std::string &own_path) {
    Search search{addresses, own_path, std::vector<std::uintptr_t>(kWindowWords), {}, {}};
    ::dl_iterate_phdr(search_object, &search);
    if (!search.status.is_ok()) {
        throw std::bad_alloc();
    }
    return std::move(search.found);
}

} // namespace hotgraft
