// Threads that are inside a library: by program counter and by the return addresses on their live stacks.
//
// Only what is above the stack pointer is live; what is below is what calls of the past left there. A word counts as a
// return address only if the bytes before it are a call instruction: data that happens to point into code does not.
#include "residue_posix.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "staging_fd_posix.hpp"
#include "staging_posix.hpp"

namespace hotgraft {

namespace {

constexpr std::size_t kStackBytes = std::size_t{64} << 10;
constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kCallBytesMax = 7;
constexpr std::size_t kIndirectCallBytes[] = {2, 3, 4, 6, 7};

struct Registers {
    std::uintptr_t stack = 0;
    std::uintptr_t code = 0;
};

// proc_pid_syscall(5): "running", or "number arguments... sp pc", or "-1 sp pc" when blocked outside a system call.
Whereabouts read_registers(int tid, Registers *out) noexcept {
    char path[48];
    (void)std::snprintf(path, sizeof path, "/proc/self/task/%d/syscall", tid);
    const OwnedFd fd(::open(path, O_RDONLY | O_CLOEXEC));
    char text[256];
    const ssize_t count = fd.is_open() ? ::read(fd.get(), text, sizeof text - 1) : -1;
    if (count < 0) {
        // Anything but "no such thread" (no fds, no permission) leaves the question open.
        return errno == ENOENT || errno == ESRCH ? Whereabouts::kGone : Whereabouts::kRunning;
    }
    if (count == 0) {
        return Whereabouts::kGone;
    }
    text[count] = '\0';
    const char *code = std::strrchr(text, ' ');
    if (std::strncmp(text, "running", 7) == 0 || code == nullptr) {
        return Whereabouts::kRunning;
    }
    const char *stack = code - 1;
    while (stack > text && *stack != ' ') {
        --stack;
    }
    out->code = std::strtoull(code, nullptr, 16);
    out->stack = std::strtoull(stack, nullptr, 16);
    return Whereabouts::kOutside;
}

// As much of [from, from + kStackBytes) as is mapped, page by page: a transfer ends at the first page that is not.
std::size_t read_stack(std::uintptr_t from, std::vector<std::uintptr_t> *words) {
    iovec pages[kStackBytes / kPageBytes + 1];
    std::size_t count = 0;
    std::size_t bytes = 0;
    for (std::uintptr_t at = from; bytes < kStackBytes;) {
        const std::size_t part = std::min(kPageBytes - at % kPageBytes, kStackBytes - bytes);
        pages[count++] = {reinterpret_cast<void *>(at), part};
        at += part;
        bytes += part;
    }
    words->resize(kStackBytes / sizeof(std::uintptr_t));
    iovec to{words->data(), kStackBytes};
    const ssize_t read = ::process_vm_readv(::getpid(), &to, 1, pages, count, 0);
    return read <= 0 ? 0 : static_cast<std::size_t>(read) / sizeof(std::uintptr_t);
}

// How many of these words, the first at address `at`, belong to the thread's stack. glibc puts a thread's control block
// at the top of its stack, and what lies above is some other mapping: a heap, in which a caught exception that is freed
// still holds addresses of code. The block begins with its own address and repeats it (sysdeps/x86_64/nptl/tls.h,
// tcbhead_t: tcb, dtv, self). The main thread has none there; its stack ends where its mapping does.
std::size_t words_of_stack(const std::vector<std::uintptr_t> &words, std::size_t count, std::uintptr_t at) noexcept {
    constexpr std::size_t kSelf = 2;
    for (std::size_t i = 0; i + kSelf < count; ++i, at += sizeof at) {
        if (words[i] == at && words[i + kSelf] == at) {
            return i;
        }
    }
    return count;
}

// Bytes of a `call r/m64` (FF /2) with these two bytes behind the opcode; 0: another instruction. Intel SDM volume 2,
// table 2-2 and 2-3: mod, rm, and where rm is 4 the base in the SIB byte, say which displacement follows.
std::size_t indirect_call_bytes(unsigned char modrm, unsigned char sib) noexcept {
    const int mod = modrm >> 6;
    const int rm = modrm & 7;
    if (((modrm >> 3) & 7) != 2) {
        return 0;
    }
    const std::size_t sib_bytes = mod != 3 && rm == 4 ? 1 : 0;
    const bool has_base_5 = (sib_bytes != 0 ? sib & 7 : rm) == 5;
    const std::size_t displacement = mod == 1 ? 1 : mod == 2 || (mod == 0 && has_base_5) ? 4 : 0;
    return 2 + sib_bytes + displacement;
}

// call rel32 is E8, five bytes; call r/m64 two to seven. The length must fit, or the end of any function whose code
// holds an FF would make the next function's address look like a return into it.
bool follows_call(const Library &library, std::uintptr_t address) noexcept {
    if (!library.holds_code(address) || !library.holds_code(address - kCallBytesMax)) {
        return false;
    }
    unsigned char before[kCallBytesMax];
    std::memcpy(before, reinterpret_cast<const void *>(address - kCallBytesMax), sizeof before);
    const auto byte = [&](std::size_t back) { return before[kCallBytesMax - back]; };
    if (byte(5) == 0xE8) {
        return true;
    }
    for (const std::size_t length : kIndirectCallBytes) {
        const unsigned char sib = length > 2 ? byte(length - 2) : 0;
        if (byte(length) == 0xFF && indirect_call_bytes(byte(length - 1), sib) == length) {
            return true;
        }
    }
    return false;
}

struct CloseFolder {
    void operator()(DIR *folder) const noexcept { ::closedir(folder); }
};

} // namespace

Status list_threads(std::vector<int> *out) {
    const std::unique_ptr<DIR, CloseFolder> folder(::opendir("/proc/self/task"));
    if (folder == nullptr) {
        return system_error("list", "/proc/self/task", errno);
    }
    std::vector<int> tids;
    errno = 0;
    while (const dirent *const entry = ::readdir(folder.get())) {
        const long tid = std::strtol(entry->d_name, nullptr, 10);
        if (tid > 0) {
            tids.push_back(static_cast<int>(tid));
        }
    }
    if (errno != 0) {
        return system_error("list", "/proc/self/task", errno);
    }
    *out = std::move(tids);
    return {};
}

Whereabouts find_thread(const Library &library, int tid, std::uintptr_t *address) {
    Registers registers;
    const Whereabouts seen = read_registers(tid, &registers);
    if (seen != Whereabouts::kOutside) {
        return seen;
    }
    if (library.holds_code(registers.code)) {
        *address = registers.code;
        return Whereabouts::kInside;
    }
    std::vector<std::uintptr_t> words;
    const std::uintptr_t from = registers.stack & ~std::uintptr_t{7};
    const std::size_t read = read_stack(from, &words);
    const std::size_t count = words_of_stack(words, read, from);
    for (std::size_t i = 0; i < count; ++i) {
        if (follows_call(library, words[i])) {
            *address = words[i];
            return Whereabouts::kInside;
        }
    }
    return Whereabouts::kOutside;
}

void pause_us(long microseconds) noexcept {
    const timespec time{0, microseconds * 1000};
    ::nanosleep(&time, nullptr);
}

} // namespace hotgraft
