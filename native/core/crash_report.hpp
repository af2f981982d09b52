// What is known of a crash, and the words for it. Everything here runs in a signal handler, inside a reading of
// CrashImages: no memory, no lock, no memory touched that may not be there.
//
// A crash is a plugin's if the program counter lies in one, if its thread is inside a call of one, or, for a thread
// that never called through a guard (a control thread, a thread of the plugin's own), if its stack holds a return
// address into one. A thread that called a plugin earlier may have such addresses left over: there they prove nothing.
#ifndef HOTGRAFT_CORE_CRASH_REPORT_HPP
#define HOTGRAFT_CORE_CRASH_REPORT_HPP

#include <cstddef>
#include <cstdint>

#include "crash_images.hpp"
#include "crash_text.hpp"
#include "record.hpp"

namespace hotgraft {

// As the kernel tells it; made by crash_posix.cpp.
struct CrashScene {
    const char *signal = ""; // "SIGSEGV"
    const char *found = "";  // "nothing is mapped at"
    bool has_address = false;
    std::uintptr_t address = 0; // what was to be read, written or run
    bool was_sent = false;      // by a program; else it is what the processor met
    std::int32_t sender = 0;    // process that sent the signal; 0: no other one did
    std::uintptr_t pc = 0;
    std::uintptr_t sp = 0;
    const char *file = nullptr; // that the program counter lies in
    std::uint64_t file_offset = 0;
    std::int32_t tid = 0;
    const ThreadRecord *chain = nullptr; // of the thread
    // Copy memory that may not be there; returns how many bytes were.
    std::size_t (*read)(std::uintptr_t address, void *to, std::size_t bytes) noexcept = nullptr;
};

// A return address on the stack.
struct CrashFrame {
    std::uintptr_t address = 0;
    const CrashImage *image = nullptr;
    std::uint32_t times = 0; // next to each other
};

struct CrashFindings {
    static constexpr std::size_t kFramesMax = 8;

    const CrashImage *image = nullptr;     // the plugin it is about; nullptr: none, and nothing is to be said
    bool is_at_pc = false;                 // else in code that the plugin called
    const CrashImage *called_in = nullptr; // of the innermost table that the thread holds
    const CrashTable *called = nullptr;    // nullptr: it holds none that is known
    CrashFunction function;                // of that table, found in the frames
    CrashFrame frames[kFramesMax];         // nearest first
    std::size_t frame_count = 0;
};

void examine(const CrashScene &scene, CrashFindings *findings) noexcept;
// "write_at+0x12 (counter.so+0x1139)"
void add_place(CrashText &text, const CrashImage &image, std::uintptr_t address, bool is_return) noexcept;
// "nothing is mapped at 0x0"
void add_found(CrashText &text, const CrashScene &scene) noexcept;
// The report: one line per answer. `is_caught`: the call that crashed will raise, and the process goes on.
void describe(CrashText &text, const CrashScene &scene, const CrashFindings &findings, bool is_caught) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_CRASH_REPORT_HPP
